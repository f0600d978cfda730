/* The configuration of Falco's plugin anomalydetection, as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/config.h"
#include "daemon/counts.h"

/* As in the plugin's description, fields and numbers. */
#define BLOCK                                                                                      \
	"count_min_sketch:\n"                                                                      \
	"  enabled: true\n"                                                                        \
	"  n_sketches: 3\n"                                                                        \
	"  gamma_eps: [\n"                                                                         \
	"    [0.001, 0.0001],\n"                                                                   \
	"    [0.001, 0.0001],\n"                                                                   \
	"    [0.001, 0.0001]\n"                                                                    \
	"  ]\n"                                                                                    \
	"  # rows_cols: []\n"                                                                      \
	"  behavior_profiles: [\n"                                                                 \
	"    {\n"                                                                                  \
	"      \"fields\": \"%container.id %custom.proc.aname.lineage.join[7] "                    \
	"%custom.proc.aexepath.lineage.join[7] %proc.tty %proc.vpgid.name %proc.sname\",\n"        \
	"      \"event_codes\": [293, 331],\n"                                                     \
	"      \"reset_timer_ms\": 3600000\n"                                                      \
	"    },\n"                                                                                 \
	"    {\n"                                                                                  \
	"      \"fields\": \"%container.id %custom.proc.aname.lineage.join[7] "                    \
	"%custom.proc.aexepath.lineage.join[7] %proc.tty %proc.vpgid.name %proc.sname %fd.name "   \
	"%fd.nameraw\",\n"                                                                         \
	"      \"event_codes\": [3, 307, 327]\n"                                                   \
	"    },\n"                                                                                 \
	"    {\n"                                                                                  \
	"      \"fields\": \"%container.id %proc.cmdline\",\n"                                     \
	"      \"event_codes\": [293, 331]\n"                                                      \
	"    }\n"                                                                                  \
	"  ]\n"

/* Every line further in. */
static char *indented(const char *text, int depth)
{
	char *out = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&out, &size);

	assert_non_null(stream);
	while (*text) {
		size_t len = strcspn(text, "\n") + 1;

		fprintf(stream, "%*s%.*s", depth, "", (int)len, text);
		text += len;
	}
	fclose(stream);
	return out;
}

static int load(const char *head, const char *block, int depth, struct config **config,
		struct diag *diag)
{
	char path[] = "/tmp/ethogram-sketches-XXXXXX";
	SCOPED(free_ptr) char *body = indented(block, depth);
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	dprintf(fd, "%s%s", head, body);
	close(fd);
	*diag = (struct diag){0};
	assert_int_equal(config_create(config), 0);
	r = config_load_file(*config, path, diag);
	unlink(path);
	return r;
}

static void check_block(const struct config *config)
{
	const struct sketch_config *sketches = config->anomaly.count_min_sketch;

	assert_non_null(sketches);
	assert_true(sketches->is_enabled);
	assert_int_equal(sketches->n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(sketches->items[i].rows, 7);
		assert_int_equal(sketches->items[i].columns, 27183);
	}
	assert_int_equal(sketches->items[0].n_codes, 2);
	assert_int_equal(sketches->items[0].codes[1], 331);
	assert_true(sketches->items[0].reset_ms == 3600000);
	assert_true(sketches->items[1].reset_ms == 0);
	assert_int_equal(sketches->items[1].n_codes, 3);
	assert_string_equal(sketches->items[2].fields, "%container.id %proc.cmdline");
}

static bool counts_event(const struct behavior_counts *counts, enum event_type type)
{
	return behavior_counts_events(counts)->types[type / 64] >> (type % 64) & 1;
}

static void the_block_loads_wherever_it_stands(void **state)
{
	static const struct {
		const char *head;
		int depth;
	} rows[] = {
		{"anomaly:\n", 2},
		{"plugins:\n  - name: anomalydetection\n    library_path: libanomalydetection.so\n"
		 "    init_config:\n",
		 6},
		{"load_plugins: [anomalydetection]\nplugins:\n  - name: container\n"
		 "    init_config: {label_max_len: 100}\n  - name: anomalydetection\n"
		 "    init_config:\n",
		 6},
	};
	struct field_set fields = {.tables = {state_field_table()}, .n_tables = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(behavior_counts_destroy) struct behavior_counts *counts = NULL;
		SCOPED(config_destroy) struct config *config = NULL, *again = NULL;
		SCOPED(free_ptr) char *shown = NULL;
		struct behavior_counters c;
		struct diag diag;

		if (load(rows[i].head, BLOCK, rows[i].depth, &config, &diag))
			fail_msg("%s: %s", rows[i].head, diag.message);
		check_block(config);
		if (counts_create(&counts, config, &fields, 1, &diag))
			fail_msg("%s: %s", rows[i].head, diag.message);
		assert_true(counts_event(counts, EVENT_EXECVE));
		assert_true(counts_event(counts, EVENT_EXECVEAT));
		assert_true(counts_event(counts, EVENT_OPENAT));
		assert_false(counts_event(counts, EVENT_CONNECT));
		behavior_counts_counters(counts, &c);
		assert_int_equal(c.profiles, 3);
		/* What is shown loads again. */
		shown = config_show(config);
		if (load(shown, "", 0, &again, &diag))
			fail_msg("%s: %s", shown, diag.message);
		check_block(again);
		config_destroy(&again);
	}
}

/* The events that the plugin names, by its numbers. */
static void numbers_are_events(void **state)
{
	static const struct {
		uint32_t code;
		int event;
	} rows[] = {{3, EVENT_OPEN},
		    {23, EVENT_CONNECT},
		    {59, EVENT_CREAT},
		    {223, EVENT_CLONE},
		    {247, EVENT_ACCEPT},
		    {293, EVENT_EXECVE},
		    {307, EVENT_OPENAT},
		    {327, EVENT_OPENAT2},
		    {331, EVENT_EXECVEAT},
		    {335, EVENT_CLONE3},
		    {389, EVENT_ACCEPT4},
		    {337, EVENT_OPEN_BY_HANDLE_AT},
		    {2, -1 /* enter */},
		    {292, -1},
		    {1, -1 /* no event of its own */},
		    {60000, -1 /* none */}};
	struct field_set fields = {.tables = {state_field_table()}, .n_tables = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(behavior_counts_destroy) struct behavior_counts *counts = NULL;
		SCOPED(config_destroy) struct config *config = NULL;
		struct diag diag;
		char block[200];
		int r;

		snprintf(block, sizeof(block),
			 "count_min_sketch: {rows_cols: [[4, 128]], behavior_profiles: "
			 "[{fields: \"%%proc.name\", event_codes: [%u]}]}\n",
			 rows[i].code);
		assert_int_equal(load("anomaly:\n", block, 2, &config, &diag), 0);
		r = counts_create(&counts, config, &fields, 1, &diag);
		if (r != (rows[i].event < 0 ? -EINVAL : 0))
			fail_msg("%u: %d %s", rows[i].code, r, diag.message);
		if (r == 0)
			assert_true(counts_event(counts, (enum event_type)rows[i].event));
	}
}

static void what_is_off_or_missing_is_nothing(void **state)
{
	static const char *const blocks[] = {
		"count_min_sketch: null\n", "count_min_sketch:\n",
		"count_min_sketch: {enabled: false}\n",
		"count_min_sketch: {enabled: false, rows_cols: [[1, 1]], behavior_profiles: "
		"[{fields: \"%proc.name\", event_codes: [3]}]}\n"};
	struct field_set fields = {.tables = {state_field_table()}, .n_tables = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		SCOPED(behavior_counts_destroy) struct behavior_counts *counts = NULL;
		SCOPED(config_destroy) struct config *config = NULL;
		struct diag diag;

		if (load("anomaly:\n", blocks[i], 2, &config, &diag))
			fail_msg("%s: %s", blocks[i], diag.message);
		assert_int_equal(counts_create(&counts, config, &fields, 1, &diag), 0);
		assert_null(counts);
	}
}

#define ONE "behavior_profiles: [{fields: \"%proc.name\", event_codes: [3]}]"

static void mistakes_are_refused_where_they_stand(void **state)
{
	static const struct {
		const char *block;
		uint32_t column; /* of line 2 */
		const char *words;
	} rows[] = {
		{"count_min_sketch: 5\n", 21, "expected {enabled"},
		{"count_min_sketch: []\n", 21, "expected {enabled"},
		{"count_min_sketch: {}\n", 21, "behavior_profiles is missing"},
		{"count_min_sketch: {enabled: yes}\n", 31, "true or false"},
		{"count_min_sketch: {on: true}\n", 22, "unknown key 'on'"},
		{"count_min_sketch: {n_sketches: 0}\n", 34, "from 1 to"},
		{"count_min_sketch: {n_sketches: 1.5}\n", 34, "whole number"},
		{"count_min_sketch: {n_sketches: 99999999999}\n", 34, "from 1 to"},
		{"count_min_sketch: {n_sketches: 2, rows_cols: [[1, 1]], " ONE "}\n", 77,
		 "n_sketches is 2"},
		{"count_min_sketch: {" ONE "}\n", 21, "need as many"},
		{"count_min_sketch: {rows_cols: [[1, 1], [1, 1]], " ONE "}\n", 21, "need as many"},
		{"count_min_sketch: {rows_cols: 5, " ONE "}\n", 33, "list of at most"},
		{"count_min_sketch: {rows_cols: [5], " ONE "}\n", 34, "a pair"},
		{"count_min_sketch: {rows_cols: [[1]], " ONE "}\n", 34, "a pair"},
		{"count_min_sketch: {rows_cols: [[1, 1e30]], " ONE "}\n", 38, "number"},
		{"count_min_sketch: {rows_cols: [[-1, 5]], " ONE "}\n", 35, "number"},
		{"count_min_sketch: {gamma_eps: [[nan, 0.1]], " ONE "}\n", 35, "number"},
		{"count_min_sketch: {gamma_eps: [[0, 0.1]], " ONE "}\n", 35, "number"},
		{"count_min_sketch: {gamma_eps: [[1, 0.1]], " ONE "}\n", 35, "number"},
		{"count_min_sketch: {gamma_eps: [[0.1, 1e-12]], " ONE "}\n", 21, "too small"},
		{"count_min_sketch: {behavior_profiles: []}\n", 41, "list of 1 to"},
		{"count_min_sketch: {behavior_profiles: [5]}\n", 42, "expected {fields"},
		{"count_min_sketch: {behavior_profiles: [{fields: \"%a\"}]}\n", 42, "needs fields"},
		{"count_min_sketch: {behavior_profiles: [{event_codes: [3]}]}\n", 42,
		 "needs fields"},
		{"count_min_sketch: {behavior_profiles: [{fields: [], event_codes: [3]}]}\n", 51,
		 "expected \"%"},
		{"count_min_sketch: {behavior_profiles: [{fields: \"%a\", event_codes: 3}]}\n", 70,
		 "list of at most"},
		{"count_min_sketch: {behavior_profiles: [{fields: \"%a\", event_codes: [-3]}]}\n",
		 71, "number"},
		{"count_min_sketch: {behavior_profiles: [{fields: \"%a\", event_codes: [3.5]}]}\n",
		 71, "whole"},
		{"count_min_sketch: {behavior_profiles: [{fields: \"%a\", reset_timer_ms: -1}]}\n",
		 73, "number"},
		{"count_min_sketch: {behavior_profiles: [{felds: \"%a\"}]}\n", 43, "'felds'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(config_destroy) struct config *config = NULL;
		struct diag diag;
		int r = load("anomaly:\n", rows[i].block, 2, &config, &diag);

		if (r != -EINVAL || diag.line != 2 || diag.column != rows[i].column ||
		    !strstr(diag.message, rows[i].words))
			fail_msg("%s: %d at %u:%u: %s", rows[i].block, r, diag.line, diag.column,
				 diag.message);
	}
}

static void other_plugins_are_refused(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{"plugins: []\n", 0},
		{"plugins: [{name: container}, {name: json}]\n", 0},
		{"plugins: [{name: k8saudit, library_path: libk8saudit.so}]\n", -EINVAL},
		{"plugins: [{library_path: libk8saudit.so}]\n", -EINVAL},
		{"plugins: {name: container}\n", -EINVAL},
		{"plugins: [5]\n", -EINVAL},
		{"plugins: [{name: anomalydetection}]\n", 0},
		{"plugins: [{name: anomalydetection, init_config: \"\"}]\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(config_destroy) struct config *config = NULL;
		struct diag diag;
		int r = load(rows[i].text, "", 0, &config, &diag);

		if (r != rows[i].want)
			fail_msg("%s: %d %s", rows[i].text, r, diag.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_block_loads_wherever_it_stands),
		cmocka_unit_test(numbers_are_events),
		cmocka_unit_test(what_is_off_or_missing_is_nothing),
		cmocka_unit_test(mistakes_are_refused_where_they_stand),
		cmocka_unit_test(other_plugins_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
