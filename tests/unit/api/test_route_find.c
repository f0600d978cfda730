#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/routes.h"
#include "base/util.h"

static void test_paths(void **state)
{
	static const struct {
		const char *method, *path, *route, *allow, *arg;
	} rows[] = {
		{"GET", "/", "/", "GET, HEAD", ""},
		{"HEAD", "/", "/", "GET, HEAD", ""},
		{"GET", "/v1/status", "/v1/status", "GET, HEAD", ""},
		{"POST", "/v1/status", NULL, "GET, HEAD", ""},
		{"get", "/v1/status", NULL, "GET, HEAD", ""},
		{"GET", "/v1/status/", NULL, "", ""},
		{"GET", "/v1/statu", NULL, "", ""},
		{"GET", "/v1/workloads", "/v1/workloads", "GET, HEAD", ""},
		{"GET", "/v1/workloads/", NULL, "", ""},
		{"GET", "/v1/workloads/abc", "/v1/workloads/{id}", "GET, HEAD", "abc"},
		{"GET", "/v1/workloads/abc/", NULL, "", ""},
		{"GET", "/v1/workloads/abc/pending", "/v1/workloads/{id}/pending", "GET, HEAD",
		 "abc"},
		{"GET", "/v1/workloads//pending", NULL, "", ""},
		{"GET", "/v1/anomalies/a1", "/v1/anomalies/{id}", "GET, HEAD", "a1"},
		{"POST", "/v1/rules/check", "/v1/rules/check", "POST", ""},
		{"GET", "/v1/rules/check", NULL, "POST", ""},
		{"GET", "", NULL, "", ""},
		{"GET", "//", NULL, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct route_match match;

		route_find(rows[i].method, rows[i].path, &match);
		if ((match.route == NULL) != (rows[i].route == NULL) ||
		    (match.route && strcmp(match.route->path, rows[i].route) != 0))
			fail_msg("%s %s: got %s", rows[i].method, rows[i].path,
				 match.route ? match.route->path : "nothing");
		if (strcmp(match.allow, rows[i].allow) != 0)
			fail_msg("%s %s: allow '%s'", rows[i].method, rows[i].path, match.allow);
		if (match.route && strcmp(match.args[0], rows[i].arg) != 0)
			fail_msg("%s %s: argument '%s'", rows[i].method, rows[i].path,
				 match.args[0]);
	}
}

static void test_long_arguments(void **state)
{
	char path[200] = "/v1/anomalies/";
	struct route_match match;

	(void)state;
	memset(path + strlen(path), 'a', CALL_ARG_MAX);
	route_find("GET", path, &match);
	assert_non_null(match.route);
	assert_int_equal(strlen(match.args[0]), CALL_ARG_MAX);
	strcat(path, "a");
	route_find("GET", path, &match);
	assert_null(match.route);
}

/* Rows that the OpenAPI document and the checks rely on. */
static void test_table_is_complete(void **state)
{
	size_t n;
	const struct route *routes = route_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct route *route = &routes[i];
		struct route_match match;

		assert_non_null(route->handle);
		assert_true(strlen(route->summary) > 5);
		if (!route->schema == !route->content_type)
			fail_msg("%s: needs either a schema or a content type", route->path);
		if (strcmp(route->method, "GET") != 0 && strcmp(route->method, "POST") != 0)
			fail_msg("%s: the OpenAPI document does not know %s", route->path,
				 route->method);
		if (route->access == ACCESS_OPEN && strncmp(route->path, "/v1/", 4) == 0)
			fail_msg("%s: open", route->path);
		route_find(route->method, route->path, &match);
		if (match.route != route)
			fail_msg("%s: another row comes first", route->path);
		for (const struct query_param *p = route->params; p && p->name; p++) {
			if (!p->summary || (p->type == QUERY_CHOICE) != (p->choices != NULL))
				fail_msg("%s: parameter %s", route->path, p->name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_long_arguments),
		cmocka_unit_test(test_table_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
