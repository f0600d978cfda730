#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/access.h"
#include "base/util.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static void test_who_may_do_what(void **state)
{
	static const struct {
		const char *name;
		enum access wanted;
		bool local_reads;
		struct access_claim claim;
		enum access_verdict want;
	} rows[] = {
		{"open to anybody", ACCESS_OPEN, false, {.host = "evil"}, ACCESS_GRANTED},
		{"open with a wrong token",
		 ACCESS_OPEN,
		 false,
		 {.authorization = "Bearer x"},
		 ACCESS_GRANTED},
		{"read without anything",
		 ACCESS_READ,
		 false,
		 {.is_loopback = true},
		 ACCESS_NEEDS_TOKEN},
		{"read over the socket", ACCESS_READ, false, {.is_unix = true}, ACCESS_GRANTED},
		{"read with the token",
		 ACCESS_READ,
		 false,
		 {.authorization = "Bearer " TOKEN},
		 ACCESS_GRANTED},
		{"scheme in any case",
		 ACCESS_READ,
		 false,
		 {.authorization = "bEARER  " TOKEN},
		 ACCESS_GRANTED},
		{"other scheme",
		 ACCESS_READ,
		 false,
		 {.authorization = "Basic " TOKEN},
		 ACCESS_WRONG_TOKEN},
		{"no scheme", ACCESS_READ, false, {.authorization = TOKEN}, ACCESS_WRONG_TOKEN},
		{"empty token",
		 ACCESS_READ,
		 false,
		 {.authorization = "Bearer "},
		 ACCESS_WRONG_TOKEN},
		{"longer token",
		 ACCESS_READ,
		 false,
		 {.authorization = "Bearer " TOKEN "0"},
		 ACCESS_WRONG_TOKEN},
		{"token twice",
		 ACCESS_READ,
		 false,
		 {.authorization = "Bearer " TOKEN TOKEN},
		 ACCESS_WRONG_TOKEN},
		{"wrong token over the socket",
		 ACCESS_READ,
		 false,
		 {.is_unix = true, .authorization = "Bearer x"},
		 ACCESS_WRONG_TOKEN},
		{"local",
		 ACCESS_READ,
		 true,
		 {.is_loopback = true, .host = "127.0.0.1:8971"},
		 ACCESS_GRANTED},
		{"local without a host", ACCESS_READ, true, {.is_loopback = true}, ACCESS_GRANTED},
		{"local for others", ACCESS_READ, true, {.host = "127.0.0.1"}, ACCESS_NEEDS_TOKEN},
		{"rebound name",
		 ACCESS_READ,
		 true,
		 {.is_loopback = true, .host = "evil.example"},
		 ACCESS_FOREIGN_HOST},
		{"post of our page",
		 ACCESS_READ,
		 true,
		 {.is_loopback = true, .host = "localhost:1", .origin = "http://localhost:1"},
		 ACCESS_GRANTED},
		{"post of another page",
		 ACCESS_READ,
		 true,
		 {.is_loopback = true, .host = "localhost:1", .origin = "http://localhost:2"},
		 ACCESS_FOREIGN_PAGE},
		{"post of a hidden page",
		 ACCESS_READ,
		 true,
		 {.is_loopback = true, .host = "localhost:1", .origin = "null"},
		 ACCESS_FOREIGN_PAGE},
		{"get of another page",
		 ACCESS_READ,
		 true,
		 {.is_loopback = true, .is_get = true, .host = "localhost", .origin = "http://x"},
		 ACCESS_GRANTED},
		{"change with the token",
		 ACCESS_CHANGE,
		 false,
		 {.authorization = "Bearer " TOKEN},
		 ACCESS_GRANTED},
		{"change over the socket",
		 ACCESS_CHANGE,
		 true,
		 {.is_unix = true},
		 ACCESS_NEEDS_TOKEN},
		{"change from here",
		 ACCESS_CHANGE,
		 true,
		 {.is_loopback = true, .host = "localhost"},
		 ACCESS_NEEDS_TOKEN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct access_policy policy = {.token = TOKEN, .local_reads = rows[i].local_reads};
		enum access_verdict verdict = access_check(&policy, rows[i].wanted, &rows[i].claim);

		if (verdict != rows[i].want)
			fail_msg("%s: got %d, want %d", rows[i].name, verdict, rows[i].want);
	}
}

static void test_no_token_is_never_right(void **state)
{
	struct access_policy policy = {.token = ""};
	struct access_claim claim = {.authorization = "Bearer "};

	(void)state;
	assert_int_equal(access_check(&policy, ACCESS_CHANGE, &claim), ACCESS_WRONG_TOKEN);
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool want;
	} rows[] = {
		{"localhost", true},
		{"LOCALHOST:80", true},
		{"127.0.0.1", true},
		{"127.0.0.1:8971", true},
		{"192.168.1.2:1", true},
		{"[::1]", true},
		{"[::1]:8971", true},
		{"[fe80::1]:1", true},
		{"", false},
		{":80", false},
		{"evil.example", false},
		{"localhost.evil.example", false},
		{"127.0.0.1.evil.example", false},
		{"127.1", false},
		{"[::1", false},
		{"[evil]", false},
		{"::1", false},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 false},
		{"[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]",
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (access_host_is_local(rows[i].host) != rows[i].want)
			fail_msg("'%s': want %d", rows[i].host, rows[i].want);
	}
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_token_is_made_once(void **state)
{
	char dir[] = "/tmp/access-XXXXXX", path[64];
	struct access_policy first = {0}, second = {0};
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/token", dir);
	assert_int_equal(access_load_token(&first, path), 0);
	assert_int_equal(strlen(first.token), 64);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access_load_token(&second, path), 0);
	assert_string_equal(first.token, second.token);
	unlink(path);
	assert_int_equal(access_load_token(&second, path), 0);
	assert_string_not_equal(first.token, second.token);
	unlink(path);
	rmdir(dir);
}

static void test_token_files_refused(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{"0123456789abcdef", 0},
		{"0123456789abcdef\r\nrest", 0},
		{"0123456789abcde", -EINVAL},
		{"", -EINVAL},
		{"\n0123456789abcdef0123", -EINVAL},
	};
	char dir[] = "/tmp/access-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/token", dir);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct access_policy policy = {0};

		write_file(path, rows[i].text, 0600);
		if (access_load_token(&policy, path) != rows[i].want)
			fail_msg("row %zu: want %d", i, rows[i].want);
	}
	unlink(path);
	rmdir(dir);
	assert_int_equal(access_load_token(&(struct access_policy){0}, path), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_may_do_what),
		cmocka_unit_test(test_no_token_is_never_right),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_token_is_made_once),
		cmocka_unit_test(test_token_files_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
