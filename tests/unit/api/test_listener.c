#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/listener.h"
#include "base/util.h"

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		int want, family;
		unsigned port;
		bool is_loopback;
	} rows[] = {
		{"127.0.0.1:8971", 0, AF_INET, 8971, true},
		{"127.9.9.9:1", 0, AF_INET, 1, true},
		{"localhost:80", 0, AF_INET, 80, true},
		{"0.0.0.0:65535", 0, AF_INET, 65535, false},
		{"10.0.0.1:0", 0, AF_INET, 0, false},
		{"[::1]:8971", 0, AF_INET6, 8971, true},
		{"[::]:8971", 0, AF_INET6, 8971, false},
		{"", -EINVAL, 0, 0, false},
		{"8971", -EINVAL, 0, 0, false},
		{":8971", -EINVAL, 0, 0, false},
		{"127.0.0.1", -EINVAL, 0, 0, false},
		{"127.0.0.1:", -EINVAL, 0, 0, false},
		{"127.0.0.1:65536", -EINVAL, 0, 0, false},
		{"127.0.0.1:-1", -EINVAL, 0, 0, false},
		{"127.0.0.1:80x", -EINVAL, 0, 0, false},
		{"::1:80", -EINVAL, 0, 0, false},
		{"[::1]", -EINVAL, 0, 0, false},
		{"[::1:80", -EINVAL, 0, 0, false},
		{"[]:80", -EINVAL, 0, 0, false},
		{"example.org:80", -EINVAL, 0, 0, false},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80",
		 -EINVAL, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct listener_address address;
		int r = listener_parse(rows[i].text, &address);
		const struct sockaddr_in *v4 = (const void *)&address.addr;

		if (r != rows[i].want)
			fail_msg("'%s': got %d, want %d", rows[i].text, r, rows[i].want);
		if (r)
			continue;
		/* The port lies at the same place in both families. */
		if (address.addr.ss_family != rows[i].family ||
		    ntohs(v4->sin_port) != rows[i].port ||
		    address.is_loopback != rows[i].is_loopback)
			fail_msg("'%s': wrong address", rows[i].text);
	}
}

static void test_port_taken(void **state)
{
	struct listener_address address;
	SCOPED(close_fd) int first = -1;
	int second = -1;
	char name[64];

	(void)state;
	assert_int_equal(listener_parse("127.0.0.1:0", &address), 0);
	assert_int_equal(listener_open_tcp(&address, &first, name), 0);
	assert_null(strstr(name, ":0"));
	assert_int_equal(listener_parse(name, &address), 0);
	assert_int_equal(listener_open_tcp(&address, &second, name), -EADDRINUSE);
	assert_int_equal(second, -1);
}

static void test_unix_sockets(void **state)
{
	char dir[] = "/tmp/listener-XXXXXX", path[64], too_long[200];
	SCOPED(close_fd) int first = -1;
	int second = -1;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(listener_open_unix(path, &first), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	/* Somebody answers there. */
	assert_int_equal(listener_open_unix(path, &second), -EADDRINUSE);
	close_fd(&first);
	/* Nobody does any more. */
	assert_int_equal(listener_open_unix(path, &first), 0);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(listener_open_unix(path, &second), -EEXIST);
	rmdir(path);
	rmdir(dir);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(listener_open_unix(too_long, &second), -ENAMETOOLONG);
	assert_int_equal(listener_open_unix(path, &second), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_port_taken),
		cmocka_unit_test(test_unix_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
