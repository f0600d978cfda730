/* What the functions of the verbs share: options as given, the client, where to print. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/client.h"

enum cli_option {
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_WORKLOAD,
	OPTION_DIMENSION,
	OPTION_MIN_RETURN_PERIOD,
	OPTION_STATE,
	OPTION_RULE,
	OPTION_PRIORITY,
	OPTION_INCIDENT,
	OPTION_ROOT,
	OPTION_DEPTH,
	OPTION_NAME,
	OPTION_TAG,
	OPTION_LIMIT,
	OPTION_CURSOR,
	OPTION_PICK,
	OPTION_SAVE,
	OPTION_END,
};

struct cli {
	struct client *client;
	const char *arg;                 /* the verb's own argument; NULL: none given */
	const char *options[OPTION_END]; /* NULL: not given */
	bool is_json, is_below, wants_all;
	uint64_t now_ns;
	FILE *out;
	unsigned width; /* of the terminal; 0: none */
};

/* A path with its query, growing. Too long a one is refused when it is used. */
struct cli_path {
	char text[2048];
	bool is_cut;
};

void cli_path_init(struct cli_path *path, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Append "?name=value" or "&name=value"; nothing where value is NULL. */
void cli_path_add(struct cli *cli, struct cli_path *path, const char *name, const char *value);

/* The options' own forms: a time or "2h" (that long ago); a number or "8h". False after saying why
 * to stderr. */
bool cli_path_add_time(struct cli *cli, struct cli_path *path, const char *name,
		       enum cli_option option);
bool cli_path_add_duration(struct cli *cli, struct cli_path *path, const char *name,
			   enum cli_option option);

/* "90", "90s", "5min", "2h", "1.5d", "2w" in seconds. False: none of these. */
bool cli_parse_duration(const char *text, double *seconds);

/* Find the workload that text means: an id, a name, or the only one whose name begins with or holds
 * it. 0, or the exit code after saying why. */
int cli_find_workload(struct cli *cli, const char *text, char id[17]);

/* A list's path with whatever options were given that lists take, at most usual_limit rows unless
 * --limit says otherwise. 0, or the exit code after saying
 * why. */
int cli_list_path(struct cli *cli, struct cli_path *path, const char *start,
		  const char *usual_limit);

/* Ask for path. With --json the answer is printed and *json stays NULL. The exit code. */
int cli_ask(struct cli *cli, const struct cli_path *path, cJSON **json);

/* The same, of a path that a body is sent to. */
int cli_send(struct cli *cli, const struct cli_path *path, const char *body, size_t len,
	     cJSON **json);

/* A file's content, at most 1 MiB, NUL-terminated; the caller frees it. NULL after saying why. */
char *cli_read_file(const char *path, size_t *len);

/* Members of an answer. Never NULL for texts: "" where it is missing or of another type. */
const char *json_string(const cJSON *object, const char *name);
double json_number(const cJSON *object, const char *name); /* NaN */
bool json_is_true(const cJSON *object, const char *name);
const cJSON *json_member(const cJSON *object, const char *name);

/* Strings made with human.h, for printing: the caller frees them. */
char *cli_key_text(const cJSON *key); /* "redis-server > sh > -c" */

/* The same of an anomaly in a list, where the many files of one directory that a new program opens
 * are one row: further last parts are added, then how many there are. NULL: in a row before. */
char *cli_folded_key_text(const cJSON *items, const cJSON *item);
char *cli_lineage_text(const cJSON *process); /* "redis-server > sh > cat": oldest first */
char *cli_ago(const struct cli *cli, const cJSON *object, const char *name);
char *cli_duration(const cJSON *object, const char *name);
char *cli_safe(const cJSON *object, const char *name); /* human_text() of a string member */

/* "label: value" lines, aligned; takes value. */
void cli_line(const struct cli *cli, const char *label, char *value);

typedef int cli_verb_fn(struct cli *cli);

cli_verb_fn cli_status;                              /* show_status.c */
cli_verb_fn cli_workloads, cli_profile, cli_pending; /* show_workloads.c */
cli_verb_fn cli_anomalies, cli_explain;              /* show_anomalies.c */
cli_verb_fn cli_incidents, cli_incident, cli_alerts; /* show_incidents.c */
cli_verb_fn cli_what_if, cli_except;                 /* show_what_if.c, show_except.c */
cli_verb_fn cli_processes, cli_rules;                /* show_processes.c, show_rules.c */
cli_verb_fn cli_explain_alert;                       /* show_clauses.c: arg is a good id */
