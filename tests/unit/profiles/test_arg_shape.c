#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profiles/arg_shape.h"
#include "random.h"

static void types_arguments(void **state)
{
	static const struct {
		struct text args, want;
	} rows[] = {
		{TEXT(""), TEXT("")},
		{TEXT("-la\0"), TEXT("-la")},
		{TEXT("-la\0/tmp\0"), TEXT("-la <path>")},
		{TEXT("-l -a /tmp"), TEXT("-l -a <path>")}, /* separated by blanks */
		{TEXT("--config=/etc/x.yaml\0"), TEXT("--config=<path>")},
		{TEXT("--port=8080\0"), TEXT("--port=<n>")},
		{TEXT("--url=https://a.b/c\0"), TEXT("--url=<url>")},
		{TEXT("--bind=10.0.0.1:80\0"), TEXT("--bind=<ip>")},
		{TEXT("--password=hunter2!\0"), TEXT("--password=<word>")},
		{TEXT("--name=\0"), TEXT("--name=<empty>")},
		{TEXT("-O2\0"), TEXT("-O<n>")},
		{TEXT("-Xmx512m\0-jar\0/x.jar\0"), TEXT("-Xmx<n>m -jar <path>")},
		{TEXT("-I/usr/include\0"), TEXT("-I<path>")},
		{TEXT("-pSecret12\0"), TEXT("-p<word>")},
		{TEXT("-pS3cr3t$\0"), TEXT("-p<script>")},
		{TEXT("-p8080\0"), TEXT("-p<n>")},
		{TEXT("-DFOO=1\0"), TEXT("-DFOO=<n>")},
		{TEXT("-\0"), TEXT("<word>")},
		{TEXT("--\0-x\0"), TEXT("-- <word>")},
		{TEXT("--\0status\0"), TEXT("-- <word>")},
		{TEXT("status\0nginx\0"), TEXT("status <word>")},
		{TEXT("-q\0restart\0nginx\0"), TEXT("-q restart <word>")},
		{TEXT("apt-get\0"), TEXT("apt-get")},
		{TEXT("x\0"), TEXT("<word>")},
		{TEXT("Status\0"), TEXT("<word>")},
		{TEXT("thiswordistoolongtobeasubcommand\0"), TEXT("<word>")},
		{TEXT("abad1deabad1dea\0"), TEXT("<id>")},
		{TEXT("5\0"), TEXT("<n>")},
		{TEXT("-9\0004711\0"), TEXT("<n>+")},
		{TEXT("-1.5\0"), TEXT("<n>")},
		{TEXT("0x1fF\0"), TEXT("<n>")},
		{TEXT("0x\0"), TEXT("<word>")},
		{TEXT("10M\0"), TEXT("<n>")},
		{TEXT("50%\0"), TEXT("<n>")},
		{TEXT("1:30\0"), TEXT("<n>")},
		{TEXT("2026-11-21\0"), TEXT("<n>")},
		{TEXT("3.11.2\0"), TEXT("<n>")},
		{TEXT("5apples\0"), TEXT("<word>")},
		{TEXT("127.0.0.1\0"), TEXT("<ip>")},
		{TEXT("10.0.0.0/8\0"), TEXT("<ip>")},
		{TEXT("::1\0"), TEXT("<ip>")},
		{TEXT("fe80::1%eth0\0"), TEXT("<ip>")},
		{TEXT("2001:db8::/32\0"), TEXT("<ip>")},
		{TEXT("256.1.1.1\0"), TEXT("<n>")},
		{TEXT("http://evil/x.sh\0"), TEXT("<url>")},
		{TEXT("://x\0"), TEXT("<path>")},
		{TEXT("user@host.example\0"), TEXT("<email>")},
		{TEXT("0123456789abcdef\0"), TEXT("<id>")},
		{TEXT("123e4567-e89b-12d3-a456-426614174000\0"), TEXT("<id>")},
		{TEXT("eyJhbGciOiJIUzI1NiJ9abc123456\0"), TEXT("<id>")},
		{TEXT("deadbeef\0"), TEXT("deadbeef")},
		{TEXT("if=/dev/zero\0of=/x\0bs=1M\0"), TEXT("<kv>+")},
		{TEXT("FOO=bar\0env\0"), TEXT("<kv> <word>")},
		{TEXT("a.txt\0b.txt\0c.txt\0"), TEXT("<word>+")},
		{TEXT("/a\0/b\0x.y\0/c\0/d\0/e\0"), TEXT("<path>+ <word> <path>+")},
		{TEXT("~/x\0"), TEXT("<path>")},
		{TEXT(".\0"), TEXT("<path>")},
		{TEXT("..\0"), TEXT("<path>")},
		{TEXT("-c\0rm -rf /tmp/x\0"), TEXT("-c <script>")},
		{TEXT("-c\0ls\0"), TEXT("-c <script>")},
		{TEXT("-c\0/etc/nginx.conf\0"), TEXT("-c <path>")},
		{TEXT("-lc\0id\0arg\0"), TEXT("-lc <script> <word>")},
		{TEXT("-e\0print(1)\0"), TEXT("-e <script>")},
		{TEXT("-c\0"), TEXT("-c")},
		{TEXT("echo hi; id\0"), TEXT("<script>")},
		{TEXT("\0\0"), TEXT("<empty>+")},
		{TEXT("a.b"), TEXT("<word>")}, /* one argument, not closed */
		{TEXT("-x\xff\xfe\0"), TEXT("-x<word>")},
		{TEXT("--\xff\xfe\0"), TEXT("--<...>")},
		{TEXT("\xff\xfe\n\0"), TEXT("<script>")},
		{TEXT("--opt123x456\0"), TEXT("--opt<n>x<n>")},
		{TEXT("--a;b\0"), TEXT("--a<...>")},
		{TEXT("=\0"), TEXT("<word>")},
		{TEXT("@\0"), TEXT("<word>")},
		{TEXT("   "), TEXT("")},
	};
	char buffer[ARG_SHAPE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text got = arg_shape(rows[i].args, buffer);

		if (!text_equal(got, rows[i].want))
			fail_msg("%.*s: got %.*s, want %.*s", TEXT_ARGS(rows[i].args),
				 TEXT_ARGS(got), TEXT_ARGS(rows[i].want));
	}
}

static void long_lines_are_cut(void **state)
{
	static char args[4096];
	char buffer[ARG_SHAPE_MAX];
	struct text shape;

	(void)state;
	for (size_t i = 0; i < sizeof(args); i++)
		args[i] = i % 8 == 7 ? '\0' : i % 8 < 2 ? '-' : (char)('a' + i % 23);
	shape = arg_shape((struct text){args, sizeof(args)}, buffer);
	assert_true(shape.len <= ARG_SHAPE_MAX);
	assert_true(text_ends_with(shape, TEXT("...")));
	/* One option of 4096 bytes. */
	memset(args, 'x', sizeof(args));
	args[0] = args[1] = '-';
	shape = arg_shape((struct text){args, sizeof(args)}, buffer);
	assert_true(shape.len <= 64);
	args[2] = '1';
	args[3] = '=';
	shape = arg_shape((struct text){args, sizeof(args)}, buffer);
	assert_true(text_equal(shape, TEXT("--<n>=<word>")));
}

static void any_bytes_are_taken(void **state)
{
	static const char alphabet[] = "-=/.:@%0129afgzAF;$ \n\xff\\\0\0";
	uint64_t random = 7;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		uint32_t len = (uint32_t)(random_next(&random) % 60);
		char buffer[ARG_SHAPE_MAX];
		char *exact = malloc(MAX(len, 1u));

		assert_non_null(exact);
		for (uint32_t k = 0; k < len; k++)
			exact[k] = alphabet[random_next(&random) % (sizeof(alphabet) - 1)];
		assert_true(arg_shape((struct text){exact, len}, buffer).len <= ARG_SHAPE_MAX);
		free(exact);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_arguments),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(any_bytes_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
