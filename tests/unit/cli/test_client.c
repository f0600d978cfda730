#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/client.h"

static void test_servers(void **state)
{
	static const struct {
		const char *server;
		int want;
	} rows[] = {
		{"http://127.0.0.1:1", 0},
		{"https://host.example:1/", 0},
		{"unix:/run/ethogram.sock", 0},
		{"./var/ethogram.sock", 0},
		{"host", -EINVAL},
		{"ftp:", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct client_options options = {.server = rows[i].server};
		struct client *client = NULL;
		int r = client_create(&client, &options);

		if (r != rows[i].want)
			fail_msg("%s: got %d, want %d", rows[i].server, r, rows[i].want);
		assert_true((client != NULL) == (r == 0));
		client_destroy(&client);
	}
}

static void test_nothing_answers(void **state)
{
	static const char *const servers[] = {"http://127.0.0.1:1", "/tmp/no/such/socket"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct client_options options = {.server = servers[i]};
		struct client *client = NULL;
		cJSON *json = NULL;
		char *text = NULL;

		assert_int_equal(client_create(&client, &options), 0);
		assert_int_equal(client_get(client, "/healthz", &text, &json), -ECONNREFUSED);
		assert_null(json);
		assert_null(text);
		client_destroy(&client);
	}
}

static void test_token_files(void **state)
{
	struct client_options options = {.server = "http://127.0.0.1:1",
					 .token_file = "/tmp/no/such/token"};
	struct client *client = NULL;

	(void)state;
	assert_int_equal(client_create(&client, &options), -ENOENT);
	assert_null(client);
}

static void test_no_server_found(void **state)
{
	char dir[] = "/tmp/client-XXXXXX";
	struct client_options options = {0};
	struct client *client = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	unsetenv("ETHOGRAM_SERVER");
	if (access("/run/ethogram/ethogram.sock", F_OK) == 0)
		skip();
	assert_int_equal(client_create(&client, &options), -ENOENT);
	setenv("ETHOGRAM_SERVER", "http://127.0.0.1:1", 1);
	assert_int_equal(client_create(&client, &options), 0);
	client_destroy(&client);
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_nothing_answers),
		cmocka_unit_test(test_token_files),
		cmocka_unit_test(test_no_server_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
