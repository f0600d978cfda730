/* The configuration: one YAML file, overridden by --set KEY=VALUE. Every key is a row in
 * config_keys.c; unknown keys are errors with line and column. Relative paths are relative to the
 * file (to the working directory for --set). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "daemon/config_appends.h"
#include "daemon/config_select.h"
#include "daemon/config_sketches.h"

#define CONFIG_COMMAND_LINE "command line" /* origin of what --set gave */

struct string_list {
	char **items;
	uint32_t n;
};

/* One output, as given: {stdout: {format: json}}; options are name, value pairs. */
struct output_config {
	char *kind;
	uint32_t n_options;
	struct {
		char *name;
		struct string_list values; /* one, unless a list was given */
	} * options;
};

struct config {
	struct {
		char *path;
		double checkpoint_s, retention_days;
		uint64_t max_bytes, history_bytes;
		struct string_list redact;
	} storage;
	struct {
		char *listen, *unix_socket, *read_access, *token_file, *tls_cert, *tls_key;
	} api;
	struct {
		char *source;
		uint64_t buffer_bytes;
		char *push_down;      /* "on" or "off" */
		double max_cpu_ratio; /* NaN: no limit */
		struct string_list events_add, events_remove;
	} capture;
	struct {
		struct string_list files;
		char *match, *min_priority;
		struct string_list enable, disable;
		struct select_config *select; /* NULL: none */
		struct {
			struct rule_selection *items; /* names borrowed from the three above */
			uint32_t n;
		} order; /* in which they are applied; of config_finish() */
		uint64_t rate_burst;
		double rate_per_s;
	} rules;
	struct {
		double epoch_s, ready_return_period_s, hold_s, startup_s, forget_days;
		uint64_t min_epochs;
		struct string_list dimensions;
	} learning;
	struct {
		double budget_per_day, min_return_period_s, incident_window_s;
		struct sketch_config *count_min_sketch; /* NULL: none */
	} anomaly;
	struct {
		uint64_t processes, fds_per_process, profile_bytes, pending_per_workload;
		uint64_t flight_bytes, rule_windows_bytes, api_connections;
	} limits;
	struct {
		struct output_config *items;
		uint32_t n;
	} outputs;
	struct string_list load_plugins; /* Falco's; says nothing here */
	struct {
		char **names, **values;
		uint32_t n;
	} static_fields;
	struct append_config *append_output; /* NULL: none */
	/* Where each key's value came from, by row of config_keys(). */
	char **origins;
};

enum config_type {
	CONFIG_STRING,
	CONFIG_PATH,
	CONFIG_NULLABLE_PATH,
	CONFIG_ENUM, /* one of .choices */
	CONFIG_NUMBER,
	CONFIG_NULLABLE_NUMBER,
	CONFIG_COUNT, /* unsigned integer */
	CONFIG_STRINGS,
	CONFIG_PATHS,
	CONFIG_OUTPUTS,
	CONFIG_MAP,
	CONFIG_PLUGINS,  /* Falco's plugins: into the same */
	CONFIG_SKETCHES, /* struct sketch_config * */
	CONFIG_APPENDS,  /* struct append_config * */
	CONFIG_SELECT,   /* struct select_config * */
};

struct config_key {
	const char *path; /* "learning.epoch_s" */
	enum config_type type;
	size_t offset;            /* in struct config */
	const char *default_yaml; /* as one would write it; NULL for lists: empty */
	double min, max;          /* NUMBER, COUNT */
	const char *choices;      /* ENUM: separated by '|' */
	const char *help;         /* with unit */
};

/* All keys, *n of them. */
const struct config_key *config_keys(uint32_t *n);

/* Built-in defaults. 0, -ENOMEM. */
int config_create(struct config **out);
void config_destroy(struct config **config);

/* Apply a file. -EINVAL fills diag (file, line, column, what was expected); -errno if unreadable,
 * diag filled too. */
int config_load_file(struct config *config, const char *path, struct diag *diag);

/* Apply one KEY=VALUE of the command line; VALUE is YAML. */
int config_set(struct config *config, const char *assignment, struct diag *diag);

/* Check what concerns several keys, and give default files to keys left empty. */
int config_finish(struct config *config, struct diag *diag);

/* The effective configuration as YAML with each value's origin as a comment; the caller frees. */
char *config_show(const struct config *config);

/* The same as JSON {"key": {"value":, "origin":}}; the caller frees. */
char *config_json(const struct config *config);

/* The reference of all keys in Markdown, as docs/configuration.md holds it; the caller frees. */
char *config_document(void);
