#include "daemon/wanted.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/call_class.h"
#include "base/util.h"
#include "filter/event_sets.h"

#define STATE (CALL_CLASSES(CALL_SUCCEEDED) | CALL_CLASSES(CALL_IN_PROGRESS))

static struct config config_with(struct string_list add, struct string_list remove)
{
	struct config config = {0};

	config.capture.events_add = add;
	config.capture.events_remove = remove;
	return config;
}

static struct event_set set_of(const char *const *names)
{
	struct event_set set = {0};

	for (; *names; names++)
		event_set_add_name(&set, text_from(*names));
	return set;
}

static void state_is_always_kept(void **state)
{
	struct config config = {0};
	struct event_set set;
	struct diag diag = {0};

	(void)state;
	assert_int_equal(wanted_events(&set, NULL, 0, &config, &diag), 0);
	assert_true(event_set_has(&set, EVENT_CLONE, 0) && event_set_has(&set, EVENT_EXECVE, 0));
	assert_true(event_set_has(&set, EVENT_PROCEXIT, 0) && event_set_has(&set, EVENT_CHDIR, 0));
	assert_false(event_set_has(&set, EVENT_CLOSE, 0) || event_set_has(&set, EVENT_OPENAT, 0));
}

static void the_configuration_adds_and_removes(void **state)
{
	char *add[] = {"close", "truncate"}, *remove[] = {"connect"}, *wrong[] = {"clse"};
	struct config config =
		config_with((struct string_list){add, 2}, (struct string_list){remove, 1});
	const struct syscall_info *truncate = syscall_by_name(TEXT("truncate"));
	static struct call_classes classes;
	struct event_set set;
	struct diag diag = {0};

	(void)state;
	assert_int_equal(wanted_events(&set, NULL, 0, &config, &diag), 0);
	assert_true(event_set_has(&set, EVENT_CLOSE, 0));
	assert_true(set.syscalls[truncate->nr64 / 64] >> truncate->nr64 % 64 & 1);
	assert_false(event_set_has(&set, EVENT_CONNECT, 0));
	/* What was asked for by name is wanted however it ended. */
	wanted_add_state_classes(&classes, NULL, 0, false, &config);
	assert_int_equal(classes.types[EVENT_CLOSE], CALL_CLASSES_ALL);
	assert_int_equal(classes.syscalls[truncate->nr64], CALL_CLASSES_ALL);

	config = config_with((struct string_list){wrong, 1}, (struct string_list){0});
	assert_int_equal(wanted_events(&set, NULL, 0, &config, &diag), -EINVAL);
	assert_non_null(strstr(diag.message, "clse"));
}

static void state_needs_what_changed_something(void **state)
{
	static const struct {
		const char *asked[3];
		bool reads_descriptors;
		enum event_type type;
		uint32_t classes;
	} rows[] = {
		{{NULL}, false, EVENT_CONNECT, STATE},
		{{NULL}, false, EVENT_CLONE, STATE},
		{{NULL}, false, EVENT_OPENAT, 0},
		{{"openat", NULL}, false, EVENT_OPENAT, 0},
		/* A path relative to a directory that was opened, a descriptor that was. */
		{{"openat", "unlinkat", NULL}, false, EVENT_OPENAT, CALL_CLASSES(CALL_SUCCEEDED)},
		{{"openat", "fchmod", NULL}, false, EVENT_OPENAT, CALL_CLASSES(CALL_SUCCEEDED)},
		{{"openat", "unlink", NULL}, false, EVENT_OPENAT, 0},
		{{"openat", NULL}, true, EVENT_OPENAT, CALL_CLASSES(CALL_SUCCEEDED)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static struct call_classes classes;
		struct event_set asked = set_of(rows[i].asked);
		const struct event_set *sets[] = {&asked};
		struct config config = {0};

		memset(&classes, 0, sizeof(classes));
		wanted_add_state_classes(&classes, sets, 1, rows[i].reads_descriptors, &config);
		if (classes.types[rows[i].type] != rows[i].classes)
			fail_msg("row %zu: %08x", i, classes.types[rows[i].type]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_is_always_kept),
		cmocka_unit_test(the_configuration_adds_and_removes),
		cmocka_unit_test(state_needs_what_changed_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
