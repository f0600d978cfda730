/* Any text as a rule file, after a valid one: it loads, or every error has a code and a message. */
#include <assert.h>

#include "base/util.h"
#include "rules/loader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_fields.h"

static const char first[] = "- list: l\n  items: [a, b]\n"
			    "- macro: m\n  condition: s.v in (l)\n"
			    "- rule: r\n  desc: d\n  condition: m\n  output: o %s.v\n"
			    "  priority: INFO\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	struct fuzz_context fuzz;
	int r;

	fuzz_context_init(&fuzz);
	if (rule_loader_create(&loader, &fuzz.fields, NULL) ||
	    rule_loader_add(loader, "first", first, sizeof(first) - 1, &set, NULL))
		assert(!"the first file loads");
	r = rule_loader_add(loader, "fuzz", (const char *)data, size, &set, &messages);
	assert(r != -1);
	for (uint32_t i = 0; i < messages.n; i++)
		assert(messages.items[i].code && messages.items[i].message);
	rule_loader_check_plugins(loader, NULL);
	fuzz_context_done(&fuzz);
	return 0;
}
