/* Rule files, compiled and indexed; matching. Loading is any thread; matching pipeline thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "anomaly/news.h"
#include "base/diag.h"
#include "base/records.h"
#include "base/siphash.h"
#include "filter/possible.h"

struct rule_set;
struct rule_hit;

/* One error or warning of a load, with Falco's code. */
struct rule_message {
	bool is_error;
	const char *code; /* "LOAD_ERR_YAML_VALIDATE", ... static */
	char *message, *file, *item;
	uint32_t line, column;
};

struct rule_messages {
	struct rule_message *items;
	uint32_t n;
};

void rule_messages_done(struct rule_messages *messages);

/* A plugin that rules may require; version NULL: any. */
struct rule_plugin {
	const char *name, *version;
};

#define RULE_EXTRA_FIELDS_MAX 16 /* of a rule, and of one addition */

/* What is added to the outputs of rules; empty strings match every rule. */
struct rule_append {
	const char *source, *rule;
	const char *tags;   /* separated by blanks: all must be the rule's; NULL: none asked */
	const char *format; /* added to the output behind a blank; NULL or empty: nothing */
	/* added to output_fields: the value of a field (name NULL), or the text of a format */
	struct rule_extra_field {
		const char *name, *format;
	} fields[RULE_EXTRA_FIELDS_MAX];
	uint32_t n_fields;
};

/* A dimension of profiles that rules may name. */
struct rule_dimension {
	struct text name;
	const struct event_set *events; /* that it observes */
	uint8_t n_levels;
	struct text levels[RECORD_LEVELS_MAX]; /* names, coarsest first */
};

/* At most burst alerts at once, and as many in per_ns; what never occurred before always passes.
 * burst 0: no limit. */
struct rule_rate {
	uint32_t burst;
	uint64_t per_ns;
};

/* The configuration's word on which rules are enabled. */
struct rule_selection {
	bool enables;     /* else disables */
	bool is_tag;      /* name is a tag, letter for letter; else as in rule_name_matches() */
	const char *name; /* borrowed */
};

struct rule_options {
	bool match_all; /* report every rule that is true, not the first only */
	enum alert_priority min_priority;
	const struct rule_selection *select; /* the last that fits a rule decides */
	uint32_t n_select;
	const struct rule_plugin *plugins; /* NULL: those whose fields are answered here */
	uint32_t n_plugins;
	/* Added to the output_fields of every alert. */
	const char *const *static_names, *const *static_values;
	uint32_t n_static;
	const char *const *extra_sources; /* beside "syscall" and "ethogram" */
	uint32_t n_extra_sources;
	const struct rule_append *appends;
	uint32_t n_appends;
	uint64_t window_bytes; /* for counts and sequences; 0: WINDOW_BYTES_DEFAULT */
	struct siphash_key window_secret;
	struct rule_rate rate; /* of rules that say nothing of it */
	bool has_no_rates;     /* nothing is left out, whatever rules say: for counting hits */
	/* By their numbers in sightings; borrowed during the load. One that is not there is an
	 * error, or a warning as long as they may be incomplete (a check without a daemon). */
	const struct rule_dimension *dimensions;
	uint32_t n_dimensions;
	bool may_lack_dimensions;
	uint64_t seed; /* secret: who knows it could make up files that are taken for others */
};

#define WINDOW_BYTES_DEFAULT (UINT64_C(4) << 20)

/* Load files in order. 0 gives *out; -EINVAL when any file has an error. messages (may be NULL)
 * gets errors and warnings either way; the caller frees it with rule_messages_done(). */
int rule_set_load(struct rule_set **out, const char *const *files, uint32_t n_files,
		  const struct field_set *fields, const struct rule_options *options,
		  struct rule_messages *messages);
void rule_set_destroy(struct rule_set **set);

/* The events that any enabled rule can match. */
const struct event_set *rule_set_events(const struct rule_set *set);

/* Add the calls that any enabled rule can use, of the events in wanted. */
void rule_set_add_classes(const struct rule_set *set, const struct event_set *wanted,
			  struct call_classes *classes);

/* Whether an enabled rule looks at, or prints, descriptors other than that of the event. */
bool rule_set_reads_descriptors(const struct rule_set *set);

/* Visit what the enabled rules about system calls look at: the condition, then the output of each,
 * as text with the events under which it is looked at. */
typedef void rule_use_fn(const struct event_set *events, struct text text, void *arg);
void rule_set_each_use(const struct rule_set *set, rule_use_fn *visit, void *arg);

/* A rule that matched. */
struct rule_match {
	const struct rule_set *set;
	uint32_t rule;         /* index */
	bool had_fired;        /* in this workload, before; only with ctx->memory */
	bool is_suppressed;    /* its rate allows no alert now */
	uint64_t n_suppressed; /* alerts left out since its last one; 0 while suppressed */
	uint64_t new_in;       /* entries of only_if_new (bit) in which the behaviour is new */
	enum news_doubt doubt; /* of that */
	const struct rule_hit
		*hit; /* what was counted or followed, in the event's arena; or NULL */
};

#define RULE_MATCHES_MAX 16

/* Fields of rules themselves: rule.* */
struct field_table rule_field_table(void);
/* Fields of rules with count or sequence, for their outputs. */
struct field_table hit_field_table(void);

/* Test the event of source ("syscall" or "ethogram"); returns how many matched, at most
 * RULE_MATCHES_MAX (more are counted in rule_set_counters). What processes decide is remembered, so
 * all events are those of one state; rule_set_forget() before those of another. Allocates nothing.
 */
uint32_t rule_set_match(struct rule_set *set, struct text source, const struct field_context *ctx,
			struct rule_match matches[RULE_MATCHES_MAX]);

/* The enabled rules about system calls whose condition is true of this one event (of a sequence:
 * the condition of a step), whatever they count, follow, find new or limit. Nothing is noted. At
 * most RULE_MATCHES_MAX. */
uint32_t rule_set_true(const struct rule_set *set, const struct field_context *ctx,
		       struct rule_match matches[RULE_MATCHES_MAX]);

/* Pipeline thread, before set takes the place of from: go on with what from has counted and
 * followed for rules that mean the same in both. */
void rule_set_adopt_windows(struct rule_set *set, struct rule_set *from);

/* Events were lost around that time. */
void rule_set_note_loss(struct rule_set *set, uint64_t ts_ns);

struct rule_window_counters {
	uint32_t rules; /* enabled, that count or follow */
	uint32_t keys, keys_max;
	uint64_t bytes;
	uint64_t evicted_total;  /* keys given up before their time, for lack of room */
	uint64_t keyless_total;  /* events without a value for by or distinct */
	uint64_t restarts_total; /* rules that began anew because time went back */
};

void rule_set_window_counters(const struct rule_set *set, struct rule_window_counters *out);

/* What was lost or given up, in this set and those it took the place of. */
struct rule_counters {
	uint64_t matches_dropped_total;  /* beyond RULE_MATCHES_MAX of one event */
	uint64_t regex_gave_up_total;    /* values on which a regular expression ran out of steps */
	uint64_t opens_total;            /* that rules were asked about by what is opened ... */
	uint64_t opens_remembered_total; /* ... and of which the possible rules were remembered */
	uint64_t outputs_cut_total;      /* alerts with output or fields too long to be whole */
	uint64_t events_cramped_total;   /* of which some values had no room in the arena */
};

void rule_set_counters(const struct rule_set *set, struct rule_counters *out);

/* Any thread: find out which rules of next (not in use yet) are those of current, by name and
 * source. current may be in use. 0 or -ENOMEM. */
int rule_set_prepare_carry(struct rule_set *next, const struct rule_set *current);

/* Pipeline thread, once prepared: next takes the place of current, whose hits and counters it goes
 * on counting. */
void rule_set_carry(struct rule_set *next, const struct rule_set *current);
void rule_set_forget(struct rule_set *set);

/* Memory of all that was compiled and of what plans remember; counts and sequences have their own:
 * rule_set_window_counters(). */
size_t rule_set_bytes(const struct rule_set *set);

/* Priority of a rule, cheap (the pipeline decides quarantine with it). */
enum alert_priority rule_priority(const struct rule_set *set, uint32_t rule);

/* Make the alert record of a match; id and incident are the caller's. NULL without memory. */
struct record_alert *rule_alert_create(struct rule_set *set, const struct rule_match *match,
				       const struct field_context *ctx);

/* Stored events --------------------------------------------------------------------------- */

/* Prepare what events are stored with while these rules run: whatever nearly every rule asks for,
 * and these besides. captured: the events that are seen meanwhile. Before the rules are used. 0 or
 * -ENOMEM. */
int rule_set_describe(struct rule_set *set, const struct field_set *fields,
		      const struct event_set *captured);

/* The fields that events are stored with; NULL before rule_set_describe(). */
struct stored_set;
const struct stored_set *rule_set_stored(const struct rule_set *set);

/* The document of a record_span while these rules run. Empty before rule_set_describe(). */
struct text rule_set_span(const struct rule_set *set);

/* The condition of a rule that fired, for the first time only: else, and without memory, NULL. */
struct record_condition *rule_condition_create(struct rule_set *set, uint32_t rule, uint64_t ts_ns);

struct rule_info {
	struct text name, description, source, condition, output, tags;
	struct text
		window; /* "count by proc.pid within 60s at_least 5"; empty: one event matches */
	struct text only_if_new;      /* "file.read@file net.connect"; empty: whatever it is */
	struct text rate;             /* its own: "5 in 60s", "none"; empty: the configured one */
	struct text condition_source; /* as filter_source() has it: can be compiled again */
	enum alert_priority priority;
	bool is_enabled;
	uint64_t hits_total;
	uint64_t suppressed_total; /* hits that made no alert: too many */
	uint64_t last_hit_ns;
	struct text absent_fields; /* that it names and that never have a value here; by blanks */
	struct text file;          /* where it is defined */
	uint32_t line;
};

struct rule_set_totals {
	uint32_t rules, macros, lists;
};

void rule_set_totals(const struct rule_set *set, struct rule_set_totals *out);

uint32_t rule_set_size(const struct rule_set *set);
void rule_set_info(const struct rule_set *set, uint32_t index, struct rule_info *out);

/* What of it does not change, also while the set is in use by another thread. */
struct text rule_set_name(const struct rule_set *set, uint32_t index);
struct text rule_set_absent_fields(const struct rule_set *set, uint32_t index);

/* "a*c" against name: * stands for any characters, and what stands between two stars (or behind the
 * first) is sought once, at its first place, as upstream does: "*c" does not match "cc". */
bool rule_name_matches(struct text pattern, struct text name);
