#include "daemon/needs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"

enum { NAMES = 1, DATA = 2, LISTS = 4, ANSWERS = 8 };

#define RULE(condition, output, more)                                                              \
	"- rule: r\n  desc: d\n  condition: " condition "\n  output: \"" output                    \
	"\"\n  priority: WARNING\n" more

static void load(struct rule_set **out, const char *text)
{
	struct field_set fields = {.tables = {state_field_table()}, .n_tables = 1};
	struct rule_options options = {.min_priority = PRIORITY_DEBUG};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	char path[] = "/tmp/ethogram-needs-XXXXXX";
	const char *paths[] = {path};
	int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	r = rule_set_load(out, paths, 1, &fields, &options, &messages);
	unlink(path);
	if (r)
		fail_msg("%s: %s", text, messages.n ? messages.items[0].message : "?");
}

static void rules_ask_for_what_they_look_at(void **state)
{
	static const struct {
		const char *text;
		enum event_type type; /* of which data and lists are asked for */
		int want;
	} rows[] = {
		{RULE("evt.type = openat and fd.name = x", "o", ""), EVENT_OPENAT, 0},
		{RULE("evt.type = openat and fd.nameraw contains x", "o", ""), EVENT_OPENAT, NAMES},
		{RULE("evt.type = openat and fd.nameraw = x", "o", "  enabled: false\n"),
		 EVENT_OPENAT, 0},
		{RULE("evt.type = openat", "%fd.nameraw", ""), EVENT_OPENAT, NAMES},
		{RULE("evt.type = unlink and fd.nameraw = x", "o", ""), EVENT_UNLINK, 0},
		{RULE("evt.type in (open, openat2) and evt.args contains x", "o", ""), EVENT_OPEN,
		 NAMES | DATA | LISTS},
		{RULE("evt.type = write and evt.buffer contains x", "o", ""), EVENT_WRITE, DATA},
		{RULE("evt.type = write and evt.buffer contains x", "o", ""), EVENT_READ, 0},
		{RULE("evt.type = sendto and evt.arg.data contains x", "o", ""), EVENT_SENDTO,
		 DATA},
		{RULE("evt.type = sendto and evt.arg[1] contains x", "o", ""), EVENT_SENDTO,
		 DATA | LISTS},
		{RULE("evt.type = write and evt.buflen > 5", "o", ""), EVENT_WRITE, 0},
		{RULE("evt.type = writev and evt.rawarg.size > 5", "o", ""), EVENT_WRITEV, LISTS},
		{RULE("evt.type = poll", "%fdlist.names", ""), EVENT_POLL, LISTS},
		{RULE("evt.type = connect and fd.sip.name = x.org", "o", ""), EVENT_CONNECT,
		 ANSWERS},
		{RULE("evt.type = write", "%evt.buffer", ""), EVENT_WRITE, DATA},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;
		struct capture_needs needs;
		int got;

		load(&set, rows[i].text);
		needs_of(&needs, set, NULL);
		got = (needs.typed_names ? NAMES : 0) |
		      (event_bit(needs.data, rows[i].type) ? DATA : 0) |
		      (event_bit(needs.lists, rows[i].type) ? LISTS : 0) |
		      (needs.answers ? ANSWERS : 0);
		if (got != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].text, got, rows[i].want);
		if (needs.data_bytes != (got & DATA || i == 7 ? NEEDS_DATA_BYTES : 0))
			fail_msg("%s: %u bytes", rows[i].text, needs.data_bytes);
	}
}

static void nobody_asks_for_nothing(void **state)
{
	static const struct capture_needs none;
	struct capture_needs needs;

	(void)state;
	needs_of(&needs, NULL, NULL);
	assert_memory_equal(&needs, &none, sizeof(needs));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_ask_for_what_they_look_at),
		cmocka_unit_test(nobody_asks_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
