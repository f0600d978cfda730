/* The running daemon: its parts in the order they are made, and unmade backwards. */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "api/server.h"
#include "base/siphash.h"
#include "capture/source.h"
#include "daemon/config.h"
#include "daemon/demand.h"
#include "daemon/history.h"
#include "daemon/pipeline.h"
#include "daemon/rule_names.h"
#include "daemon/shedding.h"
#include "storage/redact.h"
#include "storage/sinks.h"

struct reload;

struct daemon {
	int argc; /* of the run verb, for reloading */
	char **argv;
	struct config *config;
	struct field_set fields;
	struct rule_names names;          /* what rules may name */
	struct siphash_key window_secret; /* keys what rules count; 0 in replay */
	struct rule_set *rules;           /* until the pipeline takes them */
	struct rule_memory *rule_memory;
	struct behavior_counts *counts; /* NULL: none are configured */
	struct store *store;
	struct profile_set *profiles;
	struct state *state;
	struct scorer *scorer;
	struct incidents *incidents;
	struct request_box *requests;
	struct api_server *api;
	struct sinks *sinks;
	struct redact *redact;
	struct writer *writer;
	struct source *source;
	struct shedding *shedding;
	struct source_counters load_counters; /* as of then */
	uint64_t load_looked_ns;              /* monotonic; when the load was last looked at */
	struct history *history;              /* NULL: no events are stored */
	struct pipeline *pipeline;
	bool is_replay;       /* captures instead of the kernel; no API, outputs or threads */
	record_emit_fn *emit; /* replay: where records go */
	void *emit_arg;
	event_look_fn *look; /* replay: looks at events; NULL: nobody */
	void *look_arg;
	uint64_t next_alert_id, next_gap_id, next_event_id, next_span_id;
	uint64_t seed;
	struct last_run last_run;
	pthread_t loader;
	bool loader_runs;
	atomic_bool stop;
	struct what_if_hooks *tries; /* of API threads */
	struct reload *reload;
	const struct rule_set *loaded; /* loader's: the pipeline's own, or about to be */
	/* What the capture has to deliver; made by the loader, used by the pipeline thread once
	 * demand_changed is set, which it answers by demand_applied. */
	pthread_mutex_t demand_lock;
	struct capture_demand demand;
	atomic_bool demand_changed;
	sem_t demand_applied;
};

/* What of the configuration concerns loading rules. Borrowed from config. */
void daemon_rule_options(const struct config *config, struct rule_options *out);

/* Load the rule files of config; prints every error with its place, and adds it to messages (may be
 * NULL). 0 or -EINVAL. */
int daemon_load_rules(const struct daemon *daemon, const struct config *config,
		      struct rule_set **out, struct rule_messages *messages);

/* Which events rules, dimensions and state need, which calls of them they can use, and what of
 * these. 0, or -EINVAL with diag set. */
int daemon_demand(const struct daemon *daemon, const struct config *config,
		  const struct rule_set *rules, struct capture_demand *out, struct diag *diag);

/* Block the signals of the loader for this and all later threads. */
void daemon_block_signals(void);

/* The loader thread: waits for signals; ends the daemon, or compiles new rules beside the running
 * ones. 0 or -errno. */
int daemon_start_loader(struct daemon *daemon);
void daemon_stop_loader(struct daemon *daemon);

/* Make all parts; what is in the way is logged in one sentence. Nothing captured yet. */
int daemon_make(struct daemon *daemon);

/* The same for replay: is_replay, source and emit are set, rules too where they are not those of
 * the configuration; without storage.path nothing is stored, seed 0 and ids from 1 are used, and
 * time comes from the events alone. */
int daemon_make_replay(struct daemon *daemon);
void daemon_unmake(struct daemon *daemon);
