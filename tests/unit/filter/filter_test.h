/* What tests of the filter engine share: a context and a field set given as JSON. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "filter/filter.h"
#include "filter/given.h"

#define TEST_ARENA_BYTES (1u << 18)

struct filter_test {
	struct given *given;
	struct arena arena;
	struct field_context ctx;
};

static inline void define(struct filter_test *t, const char *name, enum value_type type,
			  uint32_t flags, const char *json)
{
	cJSON *value = cJSON_Parse(json);
	struct diag diag = {0};

	assert_int_equal(given_define(t->given, name, type, flags), 0);
	if (given_set(t->given, name, value, &diag))
		fail_msg("%s: %s", name, diag.message);
	cJSON_Delete(value);
}

/* The fields that every test may use. */
static inline int filter_test_setup(void **state)
{
	struct filter_test *t = calloc(1, sizeof(*t));

	assert_int_equal(arena_init(&t->arena, TEST_ARENA_BYTES), 0);
	assert_int_equal(given_create(&t->given, NULL), 0);
	t->ctx.arena = &t->arena;
	define(t, "s.v", VALUE_CHARBUF, 0, "\"nginx\"");
	define(t, "s.same", VALUE_CHARBUF, 0, "\"nginx\"");
	define(t, "s.empty", VALUE_CHARBUF, 0, "\"\"");
	define(t, "s.absent", VALUE_CHARBUF, 0, "null");
	define(t, "s.path", VALUE_FSPATH, 0, "\"/etc/cron.d/job\"");
	define(t, "s.b64", VALUE_CHARBUF, 0, "\"aGVsbG8=\"");
	define(t, "i.v", VALUE_INT64, 0, "-5");
	define(t, "i.w8", VALUE_INT8, 0, "-1");
	define(t, "u.v", VALUE_UINT64, 0, "7");
	define(t, "u.w16", VALUE_UINT16, 0, "65535");
	define(t, "b.v", VALUE_BOOL, 0, "true");
	define(t, "d.v", VALUE_DOUBLE, 0, "1.5");
	define(t, "p.v", VALUE_PORT, 0, "443");
	define(t, "y.v", VALUE_BYTEBUF, 0, "\"HTTP/1.1\"");
	define(t, "a.v", VALUE_IPADDR, 0, "\"10.1.2.3\"");
	define(t, "a.six", VALUE_IPADDR, 0, "\"2001:db8::1\"");
	define(t, "n.v", VALUE_IPNET, 0, "\"10.1.2.3\"");
	define(t, "l.v", VALUE_CHARBUF, FIELD_LIST, "[\"a\", \"b\"]");
	define(t, "l.empty", VALUE_CHARBUF, FIELD_LIST, "[]");
	define(t, "l.absent", VALUE_CHARBUF, FIELD_LIST, "null");
	define(t, "l.args", VALUE_CHARBUF, FIELD_LIST, "[\"-l\", \"-p\", \"8080\", \"x\"]");
	define(t, "x.uid", VALUE_UID, 0, "0");
	define(t, "x.name", VALUE_CHARBUF, FIELD_ANY_ANCESTOR | FIELD_NO_TRANSFORMER,
	       "[\"bash\", \"sshd\", \"init\"]");
	define(t, "x.name[1]", VALUE_CHARBUF, 0, "\"bash\"");
	define(t, "x.none", VALUE_CHARBUF, FIELD_ANY_ANCESTOR, "[]");
	define(t, "x.ip", VALUE_IPADDR, FIELD_EITHER_END | FIELD_NO_FIELD_TO_FIELD,
	       "[\"10.0.0.1\", \"1.2.3.4\"]");
	define(t, "x.port", VALUE_PORT, FIELD_EITHER_END, "[443, 50000]");
	define(t, "x.net", VALUE_IPNET, FIELD_EITHER_END, "[\"10.0.0.1\", \"1.2.3.4\"]");
	define(t, "x.file", VALUE_IPADDR, FIELD_EITHER_END, "[]");
	define(t, "o.v", VALUE_UINT32, FIELD_OCTAL, "493");
	define(t, "z.v", VALUE_RELTIME, FIELD_PADDED, "493");
	define(t, "h.v", VALUE_UINT32, FIELD_HEX, "48879");
	define(t, "f.only", VALUE_UINT32, FIELD_FILTER_ONLY, "1");
	define(t, "evt.type", VALUE_CHARBUF, 0, "\"openat\"");
	define(t, "evt.num", VALUE_UINT64, 0, "12");
	*state = t;
	return 0;
}

static inline int filter_test_teardown(void **state)
{
	struct filter_test *t = *state;

	given_destroy(&t->given);
	arena_done(&t->arena);
	free(t);
	return 0;
}

/* Compile and evaluate. */
static inline void evaluates(struct filter_test *t, const char *text, bool want)
{
	SCOPED(filter_destroy) struct filter *filter = NULL;
	struct diag diag = {0};

	if (filter_compile(&filter, text_from(text), given_fields(t->given), &diag))
		fail_msg("%s: %s", text, diag.message);
	arena_reset(&t->arena);
	if (filter_eval(filter, &t->ctx) != want)
		fail_msg("%s: want %d", text, want);
}

#define FILTER_TEST(name)                                                                          \
	cmocka_unit_test_setup_teardown(name, filter_test_setup, filter_test_teardown)
