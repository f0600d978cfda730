#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/config.h"

/* Write text to a file in a fresh directory, load it, give the result. */
static int load(const char *text, size_t len, struct config **config, struct diag *diag)
{
	char dir[] = "/tmp/ethogram-config-XXXXXX", path[64];
	FILE *file;
	int r;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/c.yaml", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
	assert_int_equal(config_create(config), 0);
	r = config_load_file(*config, path, diag);
	unlink(path);
	rmdir(dir);
	return r;
}

static void refuses_with_place_and_reason(void **state)
{
	static const struct {
		const char *name, *text;
		uint32_t line, column;
		const char *part; /* of the message */
	} rows[] = {
		{"unknown section", "lerning: {}\n", 1, 1, "unknown key 'lerning'"},
		{"unknown key", "learning:\n  epochs_s: 3\n", 2, 3,
		 "did you mean 'learning.epoch_s'?"},
		{"far from any key", "learning:\n  zzzzzzzzzzz: 3\n", 2, 3,
		 "unknown key 'learning.zzzzzzzzzzz'"},
		{"not a number", "learning:\n  epoch_s: fast\n", 2, 12,
		 "expected a number, not fast"},
		{"too small", "learning: {epoch_s: 0}\n", 1, 21, "outside 1 to 86400"},
		{"infinite", "learning: {epoch_s: inf}\n", 1, 21, "expected a number"},
		{"hexadecimal", "learning: {epoch_s: 0x10}\n", 1, 21, "expected a number"},
		{"half a process", "limits: {processes: 100.5}\n", 1, 21, "whole number"},
		{"section is a list", "learning: [1]\n", 1, 11, "expected a section"},
		{"root is a list", "- a\n", 1, 1, "expected sections"},
		{"bad choice", "rules: {match: some}\n", 1, 16, "one of all|first, not some"},
		{"list is text", "rules: {files: a.yaml}\n", 1, 16, "expected a list"},
		{"list of maps", "rules: {files: [{a: 1}]}\n", 1, 17, "expected text in the list"},
		{"twice", "api:\n  listen: a\n  listen: b\n", 3, 3, "'listen' is given twice"},
		{"null path", "storage: {path: null}\n", 1, 17, "expected a path"},
		{"output kind", "outputs: [{smoke: {}}]\n", 1, 12, "expected stdout, file"},
		{"output shape", "outputs: [stdout]\n", 1, 11, "expected one kind"},
		{"static fields", "static_fields: [a]\n", 1, 16, "NAME: VALUE"},
		{"additions are text", "append_output: x\n", 1, 16, "expected a list"},
		{"addition with an unknown key", "append_output: [{match: {tag: a}}]\n", 1, 26,
		 "expected source, rule and tags"},
		{"a tag with a blank", "append_output: [{match: {tags: [a b]}}]\n", 1, 33,
		 "expected a tag"},
		{"two formats in one", "append_output: [{extra_fields: [{a: b, c: d}]}]\n", 1, 33,
		 "one NAME: FORMAT"},
		{"selection is text", "rules: {select: x}\n", 1, 17, "expected a list"},
		{"selection of text", "rules: {select: [x]}\n", 1, 18, "one of enable and disable"},
		{"selection with two verbs",
		 "rules:\n  select:\n    - enable: {rule: a}\n      disable: {rule: a}\n", 3, 7,
		 "one of enable and disable"},
		{"selection with an unknown verb", "rules: {select: [{allow: {rule: a}}]}\n", 1, 19,
		 "expected enable or disable"},
		{"selection of nothing", "rules: {select: [{enable: a}]}\n", 1, 27,
		 "{rule: NAME} or {tag: NAME}"},
		{"selection of both", "rules: {select: [{enable: {rule: a, tag: b}}]}\n", 1, 27,
		 "{rule: NAME} or {tag: NAME}"},
		{"selection by an unknown kind", "rules: {select: [{enable: {name: a}}]}\n", 1, 28,
		 "expected rule or tag"},
		{"selection of a list", "rules: {select: [{enable: {rule: [a]}}]}\n", 1, 34,
		 "expected a rule's name"},
		{"selection of no tag", "rules: {select: [{enable: {tag: ''}}]}\n", 1, 33,
		 "expected a tag"},
		{"deep unknown", "capture: {events: {ad: []}}\n", 1, 20,
		 "did you mean 'capture.events.add'?"},
		{"syntax", "a: [b\nc: d\n", 2, 1, "not YAML"},
		{"NUL byte", "api: {listen: \"a\\0b\"}\n", 1, 15, "expected text"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(config_destroy) struct config *config = NULL;
		struct diag diag = {0};
		int r = load(rows[i].text, strlen(rows[i].text), &config, &diag);

		if (r != -EINVAL || !strstr(diag.message, rows[i].part))
			fail_msg("%s: %d '%s'", rows[i].name, r, diag.message);
		if (strcmp(rows[i].name, "syntax") != 0 &&
		    (diag.line != rows[i].line || diag.column != rows[i].column))
			fail_msg("%s: at %u:%u", rows[i].name, diag.line, diag.column);
		assert_non_null(strstr(diag.file, "c.yaml"));
	}
}

static void reads_every_kind_of_value(void **state)
{
	static const char text[] = "storage: {path: a.db, redact: ['x+', \"y\"]}\n"
				   "api: {tls_cert: /c.pem, unix_socket: null}\n"
				   "capture: {max_cpu_ratio: 0.25, events: {add: [read]}}\n"
				   "rules: {files: []}\n"
				   "learning: {epoch_s: 1.5, min_epochs: 7, dimensions: []}\n"
				   "limits:\n"
				   "outputs: [{stdout: {format: json}}, {file: {path: log}},"
				   " {program: {command: [a, b]}}, {syslog: }]\n"
				   "static_fields: {site: x}\n";
	SCOPED(config_destroy) struct config *c = NULL;
	struct diag diag = {0};

	(void)state;
	if (load(text, sizeof(text) - 1, &c, &diag))
		fail_msg("%u: %s", diag.line, diag.message);
	assert_non_null(strstr(c->storage.path, "/ethogram-config-"));
	assert_int_equal(c->storage.redact.n, 2);
	assert_string_equal(c->api.tls_cert, "/c.pem");
	assert_null(c->api.unix_socket);
	assert_true(c->capture.max_cpu_ratio > 0.24 && c->capture.max_cpu_ratio < 0.26);
	assert_string_equal(c->capture.events_add.items[0], "read");
	assert_int_equal(c->learning.min_epochs, 7);
	assert_int_equal(c->outputs.n, 4);
	assert_string_equal(c->outputs.items[2].options[0].values.items[1], "b");
	assert_non_null(strstr(c->outputs.items[1].options[0].values.items[0], "/log"));
	assert_string_equal(c->static_fields.values[0], "x");
	assert_true(config_finish(c, &diag) == -EINVAL); /* certificate without key */
}

static void defaults_are_documented_ones(void **state)
{
	SCOPED(config_destroy) struct config *c = NULL;

	(void)state;
	assert_int_equal(config_create(&c), 0);
	assert_true(c->learning.epoch_s == 600 && c->learning.hold_s == 900);
	assert_int_equal(c->learning.min_epochs, 36);
	assert_true(c->anomaly.min_return_period_s == 28800);
	assert_true(isnan(c->capture.max_cpu_ratio));
	assert_null(c->api.tls_cert);
	assert_string_equal(c->rules.match, "all");
	assert_int_equal(c->limits.processes, 65536);
}

static void assignments_override_and_are_checked(void **state)
{
	static const struct {
		const char *assignment;
		int want;
	} rows[] = {
		{"learning.epoch_s=2", 0},         {"learning.epoch_s=x", -EINVAL},
		{"learning.epoch_s", -EINVAL},     {"=2", -EINVAL},
		{"learning=2", -EINVAL},           {"rules.files=[a, b]", 0},
		{"outputs=[{stdout: {}}]", 0},     {"api.unix_socket=", 0},
		{"capture.max_cpu_ratio=null", 0}, {"learning.epoch_s=[", -EINVAL},
	};
	SCOPED(config_destroy) struct config *c = NULL;

	(void)state;
	assert_int_equal(config_create(&c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag diag = {0};
		int r = config_set(c, rows[i].assignment, &diag);

		if (r != rows[i].want)
			fail_msg("%s: %d '%s'", rows[i].assignment, r, diag.message);
	}
	assert_true(c->learning.epoch_s == 2);
	assert_string_equal(c->rules.files.items[1], "b");
	assert_null(c->api.unix_socket);
}

static void what_is_shown_loads_again(void **state)
{
	SCOPED(config_destroy) struct config *c = NULL, *again = NULL;
	SCOPED(free_ptr) char *text = NULL, *second = NULL;
	struct diag diag = {0};

	(void)state;
	assert_int_equal(config_create(&c), 0);
	assert_int_equal(config_set(c, "outputs=[{program: {command: [a, 'b c']}}]", &diag), 0);
	assert_int_equal(config_set(c, "static_fields={a: \"q\\\"#\"}", &diag), 0);
	assert_int_equal(config_set(c,
				    "append_output=[{match: {tags: [x, y]}, extra_output: o, "
				    "extra_fields: [fd.name, {k: v}]}, {extra_output: p}]",
				    &diag),
			 0);
	assert_int_equal(
		config_set(c, "rules.select=[{disable: {rule: '*'}}, {enable: {tag: t}}]", &diag),
		0);
	text = config_show(c);
	assert_non_null(strstr(text, "epoch_s: 600 # default"));
	assert_non_null(strstr(text, "# command line"));
	if (load(text, strlen(text), &again, &diag))
		fail_msg("%u:%u %s", diag.line, diag.column, diag.message);
	second = config_json(again);
	assert_non_null(strstr(second, "\"b c\""));
	assert_non_null(strstr(second, "q\\\"#"));
	assert_non_null(
		strstr(second, "[{\"disable\":{\"rule\":\"*\"}},{\"enable\":{\"tag\":\"t\"}}]"));
}

/* "-a +tag:b " */
static void order_text(const struct config *config, char text[static 256])
{
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < config->rules.order.n; i++) {
		const struct rule_selection *s = &config->rules.order.items[i];

		len += (size_t)snprintf(text + len, 256 - len, "%c%s%s ", s->enables ? '+' : '-',
					s->is_tag ? "tag:" : "", s->name);
	}
}

static void command_line_selects_last(void **state)
{
	static const char file[] = "rules:\n  enable: [e, 'tag:f']\n  disable: [d]\n"
				   "  select: [{enable: {rule: s}}, {disable: {tag: t}}]\n"
				   "  files: []\nlearning: {dimensions: []}\n";
	static const struct {
		const char *set[3], *want;
	} rows[] = {
		{{NULL}, "-d +e +tag:f +s -tag:t "},
		{{"rules.disable=[x]"}, "+e +tag:f +s -tag:t -x "},
		{{"rules.enable=[x]"}, "-d +s -tag:t +x "},
		{{"rules.select=[]"}, "-d +e +tag:f "},
		{{"rules.select=[{disable: {rule: x}}]", "rules.enable=['tag:y']"},
		 "-d +tag:y -x "},
		{{"rules.enable=[x]", "rules.enable=[y]", "rules.disable=[z]"}, "+s -tag:t -z +y "},
		{{"rules.select=[{disable: {rule: 'tag:x'}}]"}, "-d +e +tag:f -tag:x "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(config_destroy) struct config *c = NULL;
		struct diag diag = {0};
		char text[256];

		assert_int_equal(load(file, sizeof(file) - 1, &c, &diag), 0);
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].set) && rows[i].set[k]; k++)
			assert_int_equal(config_set(c, rows[i].set[k], &diag), 0);
		for (int twice = 0; twice < 2; twice++) {
			assert_int_equal(config_finish(c, &diag), 0);
			order_text(c, text);
			if (strcmp(text, rows[i].want) != 0)
				fail_msg("row %zu: '%s', want '%s'", i, text, rows[i].want);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_with_place_and_reason),
		cmocka_unit_test(reads_every_kind_of_value),
		cmocka_unit_test(defaults_are_documented_ones),
		cmocka_unit_test(assignments_override_and_are_checked),
		cmocka_unit_test(what_is_shown_loads_again),
		cmocka_unit_test(command_line_selects_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
