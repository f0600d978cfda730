/* The running daemon: its parts in the order they are made, and unmade backwards. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "api/server.h"
#include "daemon/config.h"
#include "daemon/pipeline.h"
#include "storage/queries.h"
#include "storage/sinks.h"

struct daemon {
	int argc; /* of the run verb, for reloading */
	char **argv;
	struct config *config;
	struct field_set fields;
	struct rule_set *rules; /* until the pipeline takes them */
	struct profile_set *profiles;
	struct store *store;
	struct queries *queries;
	struct request_box *requests;
	struct api_server *api;
	struct source *source;
	struct state *state;
	struct scorer *scorer;
	struct incidents *incidents;
	struct sinks *sinks;
	struct writer *writer;
	struct pipeline *pipeline;
	pthread_t loader;
	bool loader_runs;
	atomic_bool stop;
	/* The next set of events to capture, made with new rules; applied by the pipeline thread. */
	struct event_set wanted;
	atomic_bool wanted_changed;
	char *config_text; /* for /v1/config */
};

/* Load the rule files of config; prints every error with its place. 0 or -EINVAL. */
int daemon_load_rules(const struct daemon *daemon, const struct config *config,
		      struct rule_set **out);

/* Which events rules and dimensions need. Errors are printed. */
int daemon_wanted(const struct daemon *daemon, const struct config *config,
		  const struct rule_set *rules, struct event_set *out);

/* The loader thread: waits for signals, stops the daemon or compiles new rules beside the running
 * ones. Call before any other thread is made: it blocks the signals for all. */
int daemon_start_loader(struct daemon *daemon);
