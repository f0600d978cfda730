/* Exceptions made of events: what they hold on to, and that any bytes survive the way through YAML,
 * the rule loader and the filter language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "anomaly/incidents.h"
#include "base/json_text.h"
#include "base/util.h"
#include "daemon/except_propose.h"
#include "daemon/given.h"
#include "filter/filter.h"
#include "rules/loader.h"

static struct field_set all_fields(void)
{
	return (struct field_set){.n_tables = 2,
				  .tables = {state_field_table(), anomaly_field_table()}};
}

static struct except_proposals propose(const char *json, bool is_redacted)
{
	struct except_proposals proposals;
	cJSON *fields = cJSON_Parse(json);
	struct except_event event = {.rule = TEXT("Rule \"x\": é\n"),
				     .alert = 42,
				     .fields = fields,
				     .is_redacted = is_redacted};

	assert_non_null(fields);
	assert_int_equal(except_propose(&proposals, &event), 0);
	cJSON_Delete(fields);
	return proposals;
}

static const char file_event[] =
	"{\"evt.type\":\"openat\",\"proc.exepath\":\"/bin/cat\",\"proc.name\":\"cat\","
	"\"proc.cmdline\":\"cat /etc/shadow\",\"proc.pexepath\":\"/bin/sh\",\"proc.pname\":\"sh\","
	"\"user.name\":\"root\",\"fd.typechar\":\"f\",\"fd.name\":\"/etc/shadow\","
	"\"fd.directory\":\"/etc\",\"fs.path.name\":\"/etc/shadow\","
	"\"workload.name\":\"unit:x.service\",\"proc.pid\":77,\"evt.rawtime\":\"12\","
	"\"fd.num\":3,\"proc.pid.ts\":\"5\"}";

static void they_go_from_narrow_to_wide(void **state)
{
	static const char *const want[] = {
		"proc.exepath = \"/bin/cat\" and proc.cmdline = \"cat /etc/shadow\""
		" and proc.pexepath = \"/bin/sh\" and user.name = \"root\""
		" and fd.name = \"/etc/shadow\" and workload.name = \"unit:x.service\"",
		"proc.exepath = \"/bin/cat\" and proc.cmdline = \"cat /etc/shadow\""
		" and fd.name = \"/etc/shadow\" and workload.name = \"unit:x.service\"",
		"proc.exepath = \"/bin/cat\" and proc.pexepath = \"/bin/sh\""
		" and fd.name = \"/etc/shadow\" and workload.name = \"unit:x.service\"",
		"proc.exepath = \"/bin/cat\" and fd.name = \"/etc/shadow\""
		" and workload.name = \"unit:x.service\"",
		"proc.exepath = \"/bin/cat\" and fd.directory = \"/etc\""
		" and workload.name = \"unit:x.service\"",
		"proc.exepath = \"/bin/cat\" and fd.name = \"/etc/shadow\"",
		"proc.exepath = \"/bin/cat\" and workload.name = \"unit:x.service\"",
		"proc.exepath = \"/bin/cat\"",
	};
	SCOPED(except_proposals_done) struct except_proposals p = propose(file_event, false);

	(void)state;
	assert_int_equal(p.n, ARRAY_SIZE(want));
	for (uint32_t i = 0; i < p.n; i++)
		assert_string_equal(p.items[i].condition, want[i]);
	assert_string_equal(p.items[7].name, "l42_8");
	assert_string_equal(p.items[5].yaml, "- rule: \"Rule \\\"x\\\": \\U000000e9\\U0000000a\"\n"
					     "  exceptions:\n"
					     "    - name: l42_6\n"
					     "      fields: [proc.exepath, fd.name]\n"
					     "      comps: [=, =]\n"
					     "      values:\n"
					     "        - ['\"/bin/cat\"', '\"/etc/shadow\"']\n"
					     "  override:\n"
					     "    exceptions: append\n");
}

static void they_hold_on_to_what_stays(void **state)
{
	static const struct {
		const char *name, *json, *first; /* condition of the narrowest; NULL: none */
		uint32_t n;
		bool is_redacted;
	} rows[] = {
		{"nothing", "{}", NULL, 0, false},
		{"no executable",
		 "{\"proc.cmdline\":\"x\",\"fd.name\":\"/x\",\"fd.typechar\":\"f\"}", NULL, 0,
		 false},
		{"a name stands in", "{\"proc.name\":\"x\"}", "proc.name = \"x\"", 1, false},
		{"absent values",
		 "{\"proc.exepath\":\"/x\",\"proc.cmdline\":\"\","
		 "\"user.name\":\"<NA>\",\"workload.name\":null}",
		 "proc.exepath = \"/x\"", 1, false},
		{"a server",
		 "{\"proc.exepath\":\"/x\",\"fd.typechar\":\"4\",\"fd.sip\":\"10.0.0.1\","
		 "\"fd.sport\":443,\"fd.name\":\"10.0.0.2:5->10.0.0.1:443\"}",
		 "proc.exepath = \"/x\" and fd.sip = \"10.0.0.1\" and fd.sport = 443", 2, false},
		{"an ephemeral port",
		 "{\"proc.exepath\":\"/x\",\"fd.typechar\":\"6\","
		 "\"fd.sip\":\"::1\",\"fd.sport\":40000}",
		 "proc.exepath = \"/x\" and fd.sip = \"::1\"", 2, false},
		{"a path without a descriptor", "{\"proc.exepath\":\"/x\",\"fs.path.name\":\"/y\"}",
		 "proc.exepath = \"/x\" and fs.path.name = \"/y\"", 2, false},
		{"two paths",
		 "{\"proc.exepath\":\"/x\",\"fs.path.source\":\"/a\","
		 "\"fs.path.target\":\"/b\"}",
		 "proc.exepath = \"/x\" and fs.path.source = \"/a\" and fs.path.target = \"/b\"", 2,
		 false},
		{"secrets", "{\"proc.exepath\":\"/x\",\"proc.cmdline\":\"x --password=*****\"}",
		 "proc.exepath = \"/x\"", 1, true},
		{"stars without secrets", "{\"proc.exepath\":\"/x\",\"proc.cmdline\":\"x *\"}",
		 "proc.exepath = \"/x\" and proc.cmdline = \"x *\"", 2, false},
		{"a NUL", "{\"proc.exepath\":\"/x\",\"proc.cmdline\":\"a\\\\x00b\"}",
		 "proc.exepath = \"/x\"", 1, false},
		{"values of other types",
		 "{\"proc.exepath\":\"/x\",\"proc.cmdline\":[1],"
		 "\"user.name\":7,\"workload.name\":{}}",
		 "proc.exepath = \"/x\"", 1, false},
		{"a template",
		 "{\"proc.exepath\":\"/x\",\"fd.typechar\":\"f\","
		 "\"fd.name\":\"/proc/4711/[a]\",\"fd.directory\":\"/proc/4711\"}",
		 "proc.exepath = \"/x\" and fd.name = \"/proc/4711/[a]\"", 4, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(except_proposals_done)
		struct except_proposals p = propose(rows[i].json, rows[i].is_redacted);

		if (p.n != rows[i].n || (p.n && strcmp(p.items[0].condition, rows[i].first) != 0))
			fail_msg("%s: %u, %s", rows[i].name, p.n, p.n ? p.items[0].condition : "");
	}
}

static void accidental_parts_become_a_pattern(void **state)
{
	SCOPED(except_proposals_done)
	struct except_proposals p =
		propose("{\"proc.exepath\":\"/x\",\"fd.typechar\":\"f\","
			"\"fd.name\":\"/proc/4711/[a]*\",\"fd.directory\":\"/proc/4711\"}",
			false);

	(void)state;
	assert_string_equal(p.items[1].condition, "proc.exepath = \"/x\" and fd.name glob "
						  "\"/proc/*/\\x5c[a]\\x5c*\"");
}

/* ---- the way through the rule loader --------------------------------------------------------- */

static const char rules[] = "- list: word\n  items: [other]\n"
			    "- rule: R\n  desc: d\n  condition: evt.type = openat\n"
			    "  output: o\n  priority: INFO\n";

/* Whether the rule, with the exception, is true of the event. */
static bool is_hit(struct given *given, const char *yaml)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	struct rule_match matches[RULE_MATCHES_MAX];

	assert_int_equal(rule_loader_create(&loader, given_fields(given), NULL), 0);
	assert_int_equal(rule_loader_add(loader, "r", rules, strlen(rules), &set, &messages), 0);
	if (yaml && rule_loader_add(loader, "e", yaml, strlen(yaml), &set, &messages))
		fail_msg("%s:\n%s", messages.n ? messages.items[messages.n - 1].message : "?",
			 yaml);
	given_set_event(given, EVENT_OPENAT, 257, 1);
	return rule_set_match(set, TEXT("syscall"), given_context(given), matches) > 0;
}

static void check_round_trip(struct text value, bool hides_words)
{
	SCOPED(given_destroy) struct given *given = NULL;
	SCOPED(except_proposals_done) struct except_proposals p = {0};
	SCOPED(free_ptr) char *encoded = json_text_encode(value);
	SCOPED(free_ptr) char *json = NULL;
	cJSON *fields = cJSON_CreateObject();
	struct field_set all = all_fields();
	struct except_event event = {
		.rule = TEXT("R"), .alert = 1, .fields = fields, .hides_words = hides_words};
	struct diag diag = {0};

	cJSON_AddStringToObject(fields, "evt.type", "openat");
	cJSON_AddStringToObject(fields, "proc.exepath", encoded);
	cJSON_AddStringToObject(fields, "proc.cmdline", encoded);
	cJSON_AddStringToObject(fields, "fd.typechar", "f");
	cJSON_AddStringToObject(fields, "fd.name", encoded);
	json = cJSON_PrintUnformatted(fields);
	assert_int_equal(given_create(&given, json, &all, &diag), 0);
	assert_int_equal(except_propose(&p, &event), 0);
	assert_true(is_hit(given, NULL));
	assert_true(p.n >= 2);
	for (uint32_t i = 0; i < p.n; i++) {
		for (const char *c = p.items[i].yaml; *c; c++)
			assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
		if (is_hit(given, p.items[i].yaml))
			fail_msg("not silenced by\n%s", p.items[i].yaml);
	}
	/* And of nothing else. */
	cJSON_ReplaceItemInObject(fields, "proc.exepath", cJSON_CreateString("/bin/twin"));
	free(json);
	json = cJSON_PrintUnformatted(fields);
	assert_int_equal(given_replace(given, json, &diag), 0);
	for (uint32_t i = 0; i < p.n; i++)
		assert_true(is_hit(given, p.items[i].yaml));
	cJSON_Delete(fields);
}

static void any_value_survives(void **state)
{
	static const struct text values[] = {
		TEXT("/bin/plain"),
		TEXT("a 'single' and \"double\" quote"),
		TEXT("back\\slash \\x41 \\n \\\\ end\\"),
		TEXT("line\nbreak\r\n\ttab"),
		TEXT("\xff\xfe no characters \xc3"),
		TEXT("caf\xc3\xa9 \xe2\x80\xae right to left"),
		TEXT("yaml: [a, {b: c}] # comment & *anchor !tag | > % @ `"),
		TEXT("filter) or (evt.type exists"),
		TEXT("\"))) or ((("),
		TEXT("'"),
		TEXT("\""),
		TEXT("\\"),
		TEXT(" "),
		TEXT("<NA> "),
		TEXT("%proc.name %evt.time"),
		TEXT("*?[x]"),
		TEXT("- rule: injected\n  condition: never_true"),
		TEXT("\x1b[2J\x07\x7f"),
		TEXT("(word)"),
		TEXT("~"),
		TEXT("null"),
		TEXT("0x10"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		print_message("value %zu\n", i);
		check_round_trip(values[i], true);
		if (!memmem(values[i].ptr, values[i].len, "word", 4))
			check_round_trip(values[i], false);
	}
	/* A list's name within a value would be replaced: only the careful way hides it. */
	check_round_trip(TEXT("a word in (word), word=word"), true);
}

static void random_bytes_survive(void **state)
{
	char bytes[40];
	uint64_t x = 88172645463325252;

	(void)state;
	for (int i = 0; i < 200; i++) {
		uint32_t len = 1 + (uint32_t)(i % sizeof(bytes));

		for (uint32_t b = 0; b < len; b++) {
			x ^= x << 13; /* Marsaglia's xorshift */
			x ^= x >> 7;
			x ^= x << 17;
			bytes[b] = (char)(x % 255 + 1);
		}
		check_round_trip((struct text){bytes, len}, true);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_go_from_narrow_to_wide),
		cmocka_unit_test(they_hold_on_to_what_stays),
		cmocka_unit_test(accidental_parts_become_a_pattern),
		cmocka_unit_test(any_value_survives),
		cmocka_unit_test(random_bytes_survive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
