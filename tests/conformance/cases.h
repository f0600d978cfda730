/* Conformance cases: one JSON object a line, of the kinds parse, compile, eval, format and
 * rules_load, run through the real engine. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/arena.h"
#include "filter/given.h"

struct suite {
	const char *directory;    /* where the cases file is: input_files are relative to it */
	struct field_set builtin; /* the fields a stock engine has, without plugins */
	struct field_set plugins; /* and with them */
	struct arena arena;
	char reason[1024]; /* why the last case failed */
};

/* False: failed, suite->reason says why. */
bool case_parse(struct suite *suite, const cJSON *test);
bool case_compile(struct suite *suite, const cJSON *test);
bool case_eval(struct suite *suite, const cJSON *test);
bool case_format(struct suite *suite, const cJSON *test);
bool case_rules(struct suite *suite, const cJSON *test);

/* Record the reason. Returns false. */
bool failed(struct suite *suite, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line as JSON. Strings may hold any byte: NUL and bytes that are not UTF-8, which the file
 * writes as \u0000 and \udc80 to \udcff, come as characters U+F700 to U+F7FF; see text_of(). */
cJSON *case_read(const char *line);

/* The exact bytes of a string, in memory the caller frees (NUL-terminated besides). */
struct text text_of(const cJSON *string);

/* Whether the tree's exact text parses as the same tree; else the case failed. */
struct ast_node;
bool is_said_exactly(struct suite *suite, const struct ast_node *root);

/* The string member, NULL if there is none. */
const char *string_member(const cJSON *object, const char *name);

/* Whether expect.result is "ok" or true. */
bool expects_success(const cJSON *test);

/* The fields of a case's "given" (NULL: it has none). 0, or -ENOTSUP when it describes a host's
 * state that cannot be made; that is a failure too. */
int given_of(struct given **out, const cJSON *test, char *reason, size_t reason_size);

/* Fields named in a list like fields.json, for fields_free(): the engine's own where it has them.
 * NULL if there is no such file. */
struct field *fields_read(const char *path, bool with_plugins, uint32_t *n);

/* The engine's fields, for fields_free(). */
struct field *fields_own(bool with_plugins, uint32_t *n);

void fields_free(const struct field_set *set);

/* A host in the state that a case describes with @socket, @process, @event. */
struct scene;
bool scene_is_wanted(const cJSON *given);

/* 0, or -ENOTSUP with the reason when the case describes what cannot be made. */
int scene_create(struct scene **out, const cJSON *given, char *reason, size_t reason_size);
void scene_destroy(struct scene **scene);
struct field_context *scene_context(struct scene *scene, struct arena *arena);
