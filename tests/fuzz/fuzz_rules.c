/* Any text as rule files, after a valid one: a line of dots ends a file and begins the next, so
 * that lists, macros, rules and exceptions are changed across files. Each loads, or every error has
 * a code and a message; one that fails leaves the set of before, which still sees events. */
#include <assert.h>
#include <errno.h>

#include "base/util.h"
#include "rules/loader.h"
#include "rules/rules.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_fields.h"

#define FILES_MAX 4

static const char first[] = "- list: l\n  items: [a, b]\n"
			    "- macro: m\n  condition: s.v in (l)\n"
			    "- rule: r\n  desc: d\n  condition: m\n  output: o %s.v\n"
			    "  priority: INFO\n"
			    "  exceptions: [{name: e, fields: [s.v, s.p], values: [[x, y]]}]\n";

static void add(struct rule_loader *loader, struct text file, struct rule_set **set, bool *failed)
{
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	const struct rule_set *before = *set;
	uint32_t errors = 0;
	int r = rule_loader_add(loader, "fuzz", file.ptr, file.len, set, &messages);

	assert(r != -1);
	for (uint32_t i = 0; i < messages.n; i++) {
		assert(messages.items[i].code && messages.items[i].message);
		errors += messages.items[i].is_error;
	}
	assert(r == -ENOMEM || (errors > 0) == (r != 0));
	assert(!r || *set == before);
	*failed = r != 0;
}

/* What stands before the next line of dots; *rest: behind it. */
static struct text next_file(struct text *rest)
{
	const char *dots = rest->len ? memmem(rest->ptr, rest->len, "\n....\n", 6) : NULL;
	struct text file = *rest;

	if (!dots) {
		*rest = TEXT_NONE;
		return file;
	}
	file.len = (uint32_t)(dots - file.ptr) + 1;
	*rest = (struct text){dots + 6, rest->len - file.len - 5};
	return file;
}

/* Whatever the rules count or follow, by a clock that also goes back. */
static void watch(struct rule_set *set, struct fuzz_context *fuzz)
{
	static const enum event_type types[] = {EVENT_OPEN, EVENT_CLOSE, EVENT_EXECVE,
						EVENT_GENERIC};
	struct rule_match matches[RULE_MATCHES_MAX];

	for (uint32_t i = 0; i < 24; i++) {
		struct event ev = {.type = types[i % 4],
				   .num = i,
				   .ts_ns = UINT64_C(1000000000000) +
					    (i % 7) * (i % 3) * UINT64_C(700000000)};

		fuzz->ctx.event = &ev;
		arena_reset(&fuzz->arena);
		for (uint32_t m = rule_set_match(set, TEXT("syscall"), &fuzz->ctx, matches); m > 0;
		     m--)
			record_free(rule_alert_create(set, &matches[m - 1], &fuzz->ctx));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rule_options options = {
		.match_all = true, .min_priority = PRIORITY_DEBUG, .window_bytes = 1};
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	struct text rest = {(const char *)data, (uint32_t)size};
	struct fuzz_context fuzz;
	bool failed = false;

	fuzz_context_init(&fuzz);
	fuzz.fields.tables[fuzz.fields.n_tables++] = hit_field_table();
	if (rule_loader_create(&loader, &fuzz.fields, &options) ||
	    rule_loader_add(loader, "first", first, sizeof(first) - 1, &set, NULL))
		assert(!"the first file loads");
	for (int i = 0; i < FILES_MAX && rest.ptr && !failed; i++)
		add(loader, next_file(&rest), &set, &failed);
	rule_loader_check_plugins(loader, NULL);
	if (set)
		watch(set, &fuzz);
	fuzz_context_done(&fuzz);
	return 0;
}
