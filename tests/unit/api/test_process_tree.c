#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/process_tree.h"
#include "base/util.h"

#define LIST(items) ((struct snapshot_processes){.n = ARRAY_SIZE(items), .items = (items)})

/* "1(2(4)3)" */
static void print_tree(const cJSON *node, char *out, size_t size)
{
	const cJSON *children = cJSON_GetObjectItem(node, "children");
	const cJSON *child;

	snprintf(out + strlen(out), size - strlen(out), "%d%s",
		 cJSON_GetObjectItem(node, "pid")->valueint,
		 cJSON_IsTrue(cJSON_GetObjectItem(node, "children_cut")) ? "+" : "");
	if (!children->child)
		return;
	strncat(out, "(", size - strlen(out) - 1);
	cJSON_ArrayForEach(child, children)
	{
		print_tree(child, out, size);
		if (child->next)
			strncat(out, " ", size - strlen(out) - 1);
	}
	strncat(out, ")", size - strlen(out) - 1);
}

static void test_shapes(void **state)
{
	static const struct {
		const char *name;
		struct snapshot_process items[5];
		uint32_t n;
		int32_t root;
		unsigned depth;
		const char *want;
	} rows[] = {
		{"empty", {{0}}, 0, 0, 64, "0"},
		{"plain",
		 {{.pid = 1, .start_time_ns = 1}, {3, 1, 3}, {2, 1, 2}, {4, 2, 4}},
		 4,
		 0,
		 64,
		 "0(1(2(4) 3))"},
		{"unknown parent", {{1, 0, 1}, {5, 99, 2}}, 2, 0, 64, "0(1 5)"},
		{"parents after children",
		 {{4, 2, 4}, {2, 1, 2}, {1, 0, 1}},
		 3,
		 0,
		 64,
		 "0(1(2(4)))"},
		{"own parent", {{7, 7, 1}}, 1, 0, 64, "0(7)"},
		{"ring", {{7, 8, 1}, {8, 7, 2}}, 2, 0, 64, "0(7(8))"},
		{"ring of one moment", {{7, 8, 5}, {8, 9, 5}, {9, 7, 5}}, 3, 0, 64, "0(7(9) 8)"},
		{"reused parent", {{7, 8, 1}, {8, 0, 9}}, 2, 0, 64, "0(7 8)"},
		{"subtree", {{1, 0, 1}, {2, 1, 2}, {3, 2, 3}}, 3, 2, 64, "2(3)"},
		{"depth 0", {{1, 0, 1}, {2, 1, 2}}, 2, 1, 0, "1+"},
		{"depth 1", {{1, 0, 1}, {2, 1, 2}, {3, 2, 3}}, 3, 0, 2, "0(1(2+))"},
		{"negative and huge ids",
		 {{INT32_MAX, 0, 1}, {-5, INT32_MAX, 2}},
		 2,
		 0,
		 64,
		 "0(2147483647(-5))"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot_processes list = {
			.n = rows[i].n,
			.items = (struct snapshot_process *)rows[i].items,
		};
		char got[256] = "";
		int r;
		cJSON *json = process_tree_json(&list, rows[i].root, rows[i].depth, &r);

		assert_int_equal(r, 0);
		print_tree(json, got, sizeof(got));
		cJSON_Delete(json);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: got %s, want %s", rows[i].name, got, rows[i].want);
	}
}

static void test_no_such_root(void **state)
{
	struct snapshot_process items[] = {{.pid = 1}};
	struct snapshot_processes list = LIST(items);
	int r;

	(void)state;
	assert_null(process_tree_json(&list, 2, 64, &r));
	assert_int_equal(r, -ENOENT);
}

static unsigned count_nodes(const cJSON *node)
{
	unsigned n = 1;
	const cJSON *child;

	cJSON_ArrayForEach(child, cJSON_GetObjectItem(node, "children")) n += count_nodes(child);
	return n;
}

/* A chain of 60,000 must neither exhaust the stack nor be walked for every process. */
static void test_limits(void **state)
{
	enum { N = 60000 };
	struct snapshot_process *items = calloc(N, sizeof(*items));
	struct snapshot_processes list = {.n = N, .items = items};
	cJSON *json;
	int r;

	(void)state;
	for (int i = 0; i < N; i++)
		items[i] = (struct snapshot_process){.pid = i + 1, .ppid = i, .start_time_ns = 5};
	json = process_tree_json(&list, 0, UINT32_MAX, &r);
	assert_int_equal(count_nodes(json), 1 + PROCESS_TREE_DEPTH_MAX);
	cJSON_Delete(json);
	for (int i = 0; i < N; i++)
		items[i].ppid = 1;
	json = process_tree_json(&list, 0, 64, &r);
	assert_int_equal(count_nodes(json), 1 + PROCESS_TREE_NODES_MAX);
	cJSON_Delete(json);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_no_such_root),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
