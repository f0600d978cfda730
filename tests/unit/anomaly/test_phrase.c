#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "anomaly/phrase.h"
#include "base/util.h"

static void speaks_of_durations(void **state)
{
	static const struct {
		double seconds;
		const char *want;
	} rows[] = {
		{0, "0.0 s"},
		{9.94, "9.9 s"},
		{40, "40 s"},
		{119, "119 s"},
		{720, "12 min"},
		{3 * 3600, "3 h"},
		{12 * 86400, "12 days"},
		{3.2e9, "101.4 years"},
		{1e300, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char buffer[512];
		struct phrase p = PHRASE(buffer);

		phrase_duration(&p, rows[i].seconds);
		if (*rows[i].want && !text_equal(phrase_result(&p), text_from(rows[i].want)))
			fail_msg("%g: %.*s", rows[i].seconds, TEXT_ARGS(phrase_result(&p)));
	}
}

static void cuts_what_does_not_fit(void **state)
{
	char buffer[8];
	struct phrase p = PHRASE(buffer);

	(void)state;
	phrase_text(&p, TEXT("abc"));
	phrase_text(&p, TEXT_NONE);
	phrase_printf(&p, "%d", 123456);
	phrase_text(&p, TEXT("more"));
	assert_true(text_equal(phrase_result(&p), TEXT("abc12345")));
}

static void shortens_and_joins(void **state)
{
	struct text fields[] = {TEXT("/etc"), TEXT("a\0b"), TEXT("0123456789")};
	char buffer[64];
	struct phrase p = PHRASE(buffer);

	(void)state;
	phrase_key(&p, fields, 3, 5);
	assert_true(text_equal(phrase_result(&p), TEXT("/etc > a\0b > 01234...")));
}

static void names_workloads_plainly(void **state)
{
	static const struct {
		struct text name, want;
	} rows[] = {
		{TEXT("unit:redis.service"), TEXT("redis.service")},
		{TEXT("pod:shop/cart/web"), TEXT("shop/cart/web")},
		{TEXT("plain"), TEXT("plain")},
		{TEXT("image:host:5000/x"), TEXT("host:5000/x")},
		{TEXT_NONE, TEXT_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(text_equal(plain_workload_name(rows[i].name), rows[i].want));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_of_durations),
		cmocka_unit_test(cuts_what_does_not_fit),
		cmocka_unit_test(shortens_and_joins),
		cmocka_unit_test(names_workloads_plainly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
