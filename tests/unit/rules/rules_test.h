/* What tests of rule files share: a loader over a few made-up fields. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "rules/loader.h"
#include "rules/rule_set.h"

static inline bool extract_test(const struct field_context *ctx, const struct field *field,
				const struct field_arg *arg, struct values *out)
{
	static const struct value items[] = {
		{.text = TEXT("cat"), .type = VALUE_CHARBUF},
		{.text = TEXT("/etc/shadow"), .type = VALUE_CHARBUF},
		{.text = TEXT("openat"), .type = VALUE_CHARBUF},
		{.u64 = 12, .type = VALUE_UINT64},
	};

	(void)ctx, (void)arg;
	*out = (struct values){&items[field->variant], 1};
	return true;
}

/* 4,000 bytes that JSON has to escape here and there. */
static inline bool extract_long(const struct field_context *ctx, const struct field *field,
				const struct field_arg *arg, struct values *out)
{
	static char text[4000];
	static struct value value = {.type = VALUE_CHARBUF};

	(void)ctx, (void)field, (void)arg;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "abc\"\x01\xc3\xa9"[i % 7];
	value.text = (struct text){text, sizeof(text)};
	*out = (struct values){&value, 1};
	return true;
}

static const struct field test_fields[] = {
	{"long.text", VALUE_CHARBUF, FIELD_ARG_ALLOWED | FIELD_ARG_INDEX, extract_long, NULL, "",
	 0},
	{"proc.name", VALUE_CHARBUF, 0, extract_test, NULL, "", 0},
	{"fd.name", VALUE_CHARBUF, 0, extract_test, NULL, "", 1},
	{"evt.type", VALUE_CHARBUF, 0, extract_test, NULL, "", 2},
	{"evt.num", VALUE_UINT64, 0, extract_test, NULL, "", 3},
	{"fd.nameraw", VALUE_CHARBUF, 0, extract_test, NULL, "", 1},
	{"evt.args", VALUE_CHARBUF, 0, extract_test, NULL, "", 1},
	{"evt.time", VALUE_CHARBUF, 0, extract_test, NULL, "", 2},
};

static const struct field_set test_field_set = {.tables = {{test_fields, ARRAY_SIZE(test_fields)}},
						.n_tables = 1};

/* A rule of that name, condition and more keys. */
#define RULE(name, condition, more)                                                                \
	"- rule: " name "\n  desc: d\n  condition: " condition                                     \
	"\n  output: o %proc.name\n  priority: WARNING\n" more

/* Load the texts one after the other as files "0", "1", ...; the result of the last. */
static inline int load_texts(struct rule_set **set, const char *const *texts, size_t n,
			     const struct rule_options *options, struct rule_messages *messages)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	int r = rule_loader_create(&loader, &test_field_set, options);

	for (size_t i = 0; !r && i < n && texts[i]; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%zu", i);
		rule_messages_done(messages);
		r = rule_loader_add(loader, name, texts[i], strlen(texts[i]), set, messages);
	}
	return r;
}
