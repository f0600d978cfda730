/* Any text as a rule file, after a valid one: it loads, and sees some events, or every error has a
 * code and a message. */
#include <assert.h>

#include "base/util.h"
#include "rules/loader.h"
#include "rules/rules.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_fields.h"

static const char first[] = "- list: l\n  items: [a, b]\n"
			    "- macro: m\n  condition: s.v in (l)\n"
			    "- rule: r\n  desc: d\n  condition: m\n  output: o %s.v\n"
			    "  priority: INFO\n";

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
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	struct fuzz_context fuzz;
	int r;

	fuzz_context_init(&fuzz);
	fuzz.fields.tables[fuzz.fields.n_tables++] = hit_field_table();
	if (rule_loader_create(&loader, &fuzz.fields, &options) ||
	    rule_loader_add(loader, "first", first, sizeof(first) - 1, &set, NULL))
		assert(!"the first file loads");
	r = rule_loader_add(loader, "fuzz", (const char *)data, size, &set, &messages);
	assert(r != -1);
	for (uint32_t i = 0; i < messages.n; i++)
		assert(messages.items[i].code && messages.items[i].message);
	rule_loader_check_plugins(loader, NULL);
	if (r == 0)
		watch(set, &fuzz);
	fuzz_context_done(&fuzz);
	return 0;
}
