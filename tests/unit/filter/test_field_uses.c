#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "filter/field_uses.h"
#include "filter/parser.h"

struct found {
	char names[512];
};

static void note(struct text name, void *arg)
{
	struct found *found = arg;
	size_t len = strlen(found->names);

	snprintf(found->names + len, sizeof(found->names) - len, "%s%.*s", len ? " " : "",
		 TEXT_ARGS(name));
}

static void conditions_name_their_fields(void **state)
{
	static const struct {
		const char *name, *condition, *want;
	} rows[] = {
		{"one", "proc.name = cat", "proc.name"},
		{"twice", "proc.name = a or proc.name = b", "proc.name proc.name"},
		{"arguments", "proc.aname[2] = sh and evt.arg.flags contains x",
		 "proc.aname[2] evt.arg.flags"},
		{"a key", "proc.env[PATH] exists", "proc.env[PATH]"},
		{"inside a transformer", "basename(proc.exepath) in (a, b)", "proc.exepath"},
		{"on the right side", "proc.name = val(proc.pname)", "proc.name proc.pname"},
		{"a transformer on the right", "proc.name = basename(proc.exepath)",
		 "proc.name proc.exepath"},
		{"deep", "not (fd.name exists and not (evt.type = open or fd.num >= 0))",
		 "fd.name evt.type fd.num"},
		{"in a literal, which is none", "proc.cmdline contains \"fd.name = x\"",
		 "proc.cmdline"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct found found = {0};
		struct pool pool = {0};
		struct ast_node *tree = NULL;
		struct diag diag = {0};

		if (filter_parse(&tree, text_from(rows[i].condition), FILTER_DEPTH_DEFAULT, &pool,
				 &diag))
			fail_msg("%s: %s", rows[i].name, diag.message);
		field_uses_of_tree(tree, note, &found);
		pool_done(&pool);
		if (strcmp(found.names, rows[i].want) != 0)
			fail_msg("%s: '%s'", rows[i].name, found.names);
	}
}

static void outputs_name_their_fields(void **state)
{
	static const struct {
		const char *name, *output, *want;
		int r;
	} rows[] = {
		{"none", "nothing of it", "", 0},
		{"some", "file=%fd.name by %proc.aname[2] (%evt.arg.flags)",
		 "fd.name proc.aname[2] evt.arg.flags", 0},
		{"inside a transformer", "%toupper(proc.name)", "proc.name", 0},
		{"no field", "%no.field", "", -EINVAL},
	};
	struct field_set fields = {.n_tables = 1, .tables = {state_field_table()}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct found found = {0};
		int r = field_uses_of_output(text_from(rows[i].output), &fields, note, &found);

		if (r != rows[i].r || strcmp(found.names, rows[i].want) != 0)
			fail_msg("%s: %d, '%s'", rows[i].name, r, found.names);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_name_their_fields),
		cmocka_unit_test(outputs_name_their_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
