/* conformance FILE.jsonl... [--known FILE]: run cases through the engine; print the ids of those
 * that fail, why (with -v), and "N passed, N failed". Cases listed in the known file (an id, a
 * blank and the reason on each line) deviate on purpose: they count apart and must not pass. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/conformance/cases.h"

#define ARENA_BYTES (4u << 20)
#define INPUTS_MAX 1000000 /* repetitions of an input */

struct totals {
	unsigned passed, failed, known, stale;
};

struct known {
	char **ids;
	size_t n;
};

static int read_known(struct known *known, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return -errno;
	while (getline(&line, &room, file) >= 0) {
		line[strcspn(line, " \t\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		known->ids = reallocarray(known->ids, known->n + 1, sizeof(*known->ids));
		known->ids[known->n++] = strdup(line);
	}
	free(line);
	fclose(file);
	return 0;
}

static bool is_known(const struct known *known, const char *id)
{
	for (size_t i = 0; i < known->n; i++) {
		if (strcmp(known->ids[i], id) == 0)
			return true;
	}
	return false;
}

static bool is_object_of_objects(const cJSON *json)
{
	const cJSON *member;

	if (json && !cJSON_IsObject(json))
		return false;
	cJSON_ArrayForEach(member, json)
	{
		if (!cJSON_IsObject(member))
			return false;
	}
	return true;
}

static bool is_repeated_text(const cJSON *json)
{
	const cJSON *count = cJSON_GetObjectItem(json, "count");

	return !json ||
	       (cJSON_IsString(cJSON_GetObjectItem(json, "text")) && cJSON_IsNumber(count) &&
		count->valuedouble >= 0 && count->valuedouble <= INPUTS_MAX);
}

/* What every kind relies on. */
static bool has_shape(const cJSON *test, bool takes_files)
{
	const cJSON *input = cJSON_GetObjectItem(test, "input");
	const cJSON *options = cJSON_GetObjectItem(test, "options");
	const cJSON *repeat = cJSON_GetObjectItem(test, "input_repeat");

	return cJSON_IsObject(cJSON_GetObjectItem(test, "expect")) &&
	       (takes_files ? !input || cJSON_IsArray(input) : repeat || cJSON_IsString(input)) &&
	       (!options || cJSON_IsObject(options)) && is_repeated_text(repeat) &&
	       is_object_of_objects(cJSON_GetObjectItem(test, "given"));
}

static bool run_case(struct suite *suite, const cJSON *test)
{
	static const struct {
		const char *kind;
		bool (*run)(struct suite *suite, const cJSON *test);
	} kinds[] = {
		{"parse", case_parse},   {"compile", case_compile},  {"eval", case_eval},
		{"format", case_format}, {"rules_load", case_rules},
	};
	const char *kind = string_member(test, "kind");

	suite->reason[0] = '\0';
	for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kind, kinds[i].kind) != 0)
			continue;
		if (!has_shape(test, kinds[i].run == case_rules))
			return failed(suite, "not of the shape of a %s case", kind);
		return kinds[i].run(suite, test);
	}
	return failed(suite, "unknown kind");
}

static void run_line(struct suite *suite, const char *line, const struct known *known,
		     bool is_verbose, struct totals *totals)
{
	cJSON *test = case_read(line);
	const char *id = test ? string_member(test, "id") : NULL;
	bool ok = test ? run_case(suite, test) : failed(suite, "not JSON");
	bool is_listed = id && is_known(known, id);

	if (is_listed && !ok) {
		totals->known++;
	} else if (is_listed) {
		totals->stale++;
		printf("%s: passes, but is listed as a deviation\n", id);
	} else if (ok) {
		totals->passed++;
	} else {
		totals->failed++;
		printf("%s%s%s\n", id ? id : "?", is_verbose ? ": " : "",
		       is_verbose ? suite->reason : "");
	}
	cJSON_Delete(test);
}

static struct field_set load_set(const struct suite *suite, bool with_plugins)
{
	struct field *fields;
	char path[4096];
	uint32_t n;

	snprintf(path, sizeof(path), "%s/fields.json", suite->directory);
	fields = fields_read(path, with_plugins, &n);
	if (!fields)
		fields = fields_own(with_plugins, &n);
	return (struct field_set){.tables = {{fields, n}}, .n_tables = 1};
}

static void known_done(struct known *known)
{
	for (size_t i = 0; i < known->n; i++)
		free(known->ids[i]);
	free(known->ids);
}

static int run_file(const char *path, const struct known *known, bool is_verbose,
		    struct totals *totals)
{
	SCOPED(free_ptr) char *copy = strdup(path);
	struct suite suite = {.directory = dirname(copy)};
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!file || arena_init(&suite.arena, ARENA_BYTES)) {
		fprintf(stderr, "conformance: cannot read '%s': %s\n", path, strerror(errno));
		return -errno;
	}
	suite.builtin = load_set(&suite, false);
	suite.plugins = load_set(&suite, true);
	while (getline(&line, &room, file) >= 0) {
		if (line[0] != '\n')
			run_line(&suite, line, known, is_verbose, totals);
	}
	free(line);
	fclose(file);
	arena_done(&suite.arena);
	fields_free(&suite.builtin);
	fields_free(&suite.plugins);
	return 0;
}

int main(int argc, char **argv)
{
	SCOPED(known_done) struct known known = {0};
	struct totals totals = {0};
	bool is_verbose = false;
	int files = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0) {
			is_verbose = true;
		} else if (strcmp(argv[i], "--known") == 0 && i + 1 < argc) {
			if (read_known(&known, argv[++i]))
				return 2;
		} else if (run_file(argv[i], &known, is_verbose, &totals)) {
			return 2;
		} else {
			files++;
		}
	}
	if (!files) {
		fprintf(stderr, "usage: conformance [-v] [--known FILE] FILE.jsonl...\n");
		return 2;
	}
	if (totals.known || totals.stale)
		printf("%u deviate as listed\n", totals.known);
	printf("%u passed, %u failed\n", totals.passed, totals.failed + totals.stale);
	return totals.failed + totals.stale > 0;
}
