/* Answers of the pipeline to other threads: copies of what lives only in its memory, made in one
 * go. Strings and arrays live in the snapshot's own pool and go with it: snapshot_pool_done(),
 * which request_destroy() calls for the answer of a request. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event_table.h"
#include "base/records.h"
#include "base/text.h"

/* Growing pool of strings and arrays, valid until snapshot_pool_done(). Starts zeroed. */
struct snapshot_pool {
	struct snapshot_chunk *chunks;
};

/* Copy t; empty without memory. */
struct text snapshot_text(struct snapshot_pool *pool, struct text t);

/* Zeroed array of n items of size bytes; NULL without memory. For items, instances, versions, ...:
 * every array of a snapshot comes from its pool. */
void *snapshot_alloc(struct snapshot_pool *pool, size_t n, size_t size);

void snapshot_pool_done(struct snapshot_pool *pool);

struct snapshot_memory_part {
	const char *name; /* static */
	uint64_t bytes;
};

#define SNAPSHOT_GAPS_MAX 16
#define SNAPSHOT_SHED_STEPS_MAX 8

struct snapshot_status {
	uint64_t now_ns, last_event_ns, started_ns;
	struct {
		char source[16];
		uint64_t events_total, dropped_total, reordered_total, own_skipped_total;
		uint64_t recursion_missed_total, corrupt_total;
		uint64_t rescans_total, rescan_ns, rescan_pause_ns;
		double events_per_s;
		uint64_t shed_total;
		double cpu_limit, cpu_ratio; /* of one core; limit NaN: none */
		uint8_t n_shed_steps;
		const char *shed_steps[SNAPSHOT_SHED_STEPS_MAX]; /* being left out, constant */
		uint64_t ring_bytes, map_bytes;
		struct {
			uint64_t seen, dropped, shed;
		} by_type[EVENT_TYPE_END];
	} capture;
	uint32_t n_gaps;
	struct {
		const char *reason; /* static */
		uint64_t gaps_total, events_total;
	} gaps[SNAPSHOT_GAPS_MAX];
	struct {
		uint32_t processes;
		uint64_t evicted_total, fds_evicted_total, unknown_task_total, wrong_image_total,
			blind_total, dns_answers_total, dns_refused_total, dns_evicted_total;
		struct {
			uint64_t rescans_total, started_total, ended_total, images_total;
			uint64_t credentials_total, fds_total;
		} repaired;
	} state;
	struct {
		uint32_t workloads, ready;
		uint64_t bytes, learned_today, pending, quarantined, coarsened_total, refused_total;
	} profiles;
	struct {
		uint64_t queue, queue_max, shed_total;
	} writer;
	struct {
		uint64_t made_total, over_rate_total, sightings_shed_total, cut_total;
		uint64_t memory_denied_total;
	} history;
	struct {
		uint32_t loaded;
		uint64_t matches_total, matches_dropped_total;
		uint64_t regex_gave_up_total, outputs_cut_total, events_cramped_total;
		uint64_t opens_total, opens_remembered_total;
		uint64_t suppressed_total; /* of matches_total: no alert, by their rate */
		/* what rules remember: in which workloads they fired, known occurrences */
		uint64_t fired, fired_evicted_total, occurrences, occurrences_evicted_total;
		struct {
			uint32_t rules, keys, keys_max;
			uint64_t evicted_total, keyless_total, restarts_total;
		} windows; /* of rules with count or sequence */
	} rules;
	struct {
		uint64_t longest_ns, recent_ns;             /* between two batches of events */
		uint64_t cpu_longest_ns, cpu_recent_ns;     /* CPU time of these */
		uint64_t batch_longest_ns, batch_recent_ns; /* a batch */
	} pauses;
	uint64_t anomalies_total, incidents_total;
	struct {
		uint64_t folded_total, anomalies_evicted_total, incidents_evicted_total;
		uint64_t memory_denied_total;
	} anomaly;
	struct {
		uint32_t profiles; /* 0: none are configured */
		uint64_t bytes, updates_total, resets_total, resets_failed_total, cut_total,
			damaged_total;
	} count_min_sketch;
	struct {
		uint64_t written_total, failed_total, shed_total; /* all outputs together */
	} outputs;
	double threshold_s;
	double cpu_s;
	uint32_t n_memory_parts;
	struct snapshot_memory_part memory_parts[16];
};

enum learning_state { LEARNING, READY, UNSETTLED };

struct snapshot_instance {
	struct text id;
	int32_t pid;
	uint64_t since_ns;
	struct text tag, digest;
};

struct snapshot_workload_head {
	uint64_t id;
	struct text name;
	enum workload_kind kind;
	enum learning_state state;
	double coverage;
	double basis_s;
	bool has_eta;
	double eta_low_s, eta_high_s;
	uint64_t behaviours, pending, quarantined;
	uint64_t first_seen_ns, last_seen_ns;
	struct record_quality quality;
	uint32_t n_instances;
	struct snapshot_instance *instances;
	struct snapshot_version {
		struct text tag, digest;
		uint64_t first_seen_ns;
	} * versions;
	uint32_t n_versions;
};

struct snapshot_workloads {
	struct snapshot_pool pool;
	uint32_t n;
	struct snapshot_workload_head *items;
};

struct snapshot_level {
	uint32_t level;
	enum learning_state state;
	double discovery_rate_per_s, discovery_rate_high_per_s, longest_claim_s;
};

#define SNAPSHOT_REASONS_MAX 4
#define SNAPSHOT_DISCOVERY_MAX 64

struct snapshot_dimension {
	struct text name;
	enum learning_state state;
	double coverage;
	uint64_t active_epochs, behaviours, incidences;
	uint32_t n_levels;
	struct snapshot_level levels[RECORD_LEVELS_MAX];
	bool is_count_min;
	uint32_t rows, columns;
	uint64_t bytes;
	double false_known;
	uint32_t n_discovery;
	struct {
		uint64_t active_epoch, distinct;
	} discovery[SNAPSHOT_DISCOVERY_MAX];
	uint32_t n_reasons;
	struct text reasons[SNAPSHOT_REASONS_MAX];
};

struct snapshot_workload {
	struct snapshot_pool pool;
	struct snapshot_workload_head head;
	uint32_t n_dimensions;
	struct snapshot_dimension *dimensions;
};

/* Behaviours of one or all dimensions, most usual first. Keys whose text only storage holds have
 * key.n == 0: the asker resolves them by fingerprint. */
struct snapshot_behaviour {
	struct text dimension;
	uint64_t fingerprint;
	struct record_key key;
	uint64_t events, incidences;
	double frequency;
	uint64_t first_seen_ns, last_seen_ns; /* first: 0 where only storage knows it */
};

struct snapshot_behaviours {
	struct snapshot_pool pool;
	uint32_t n;
	struct snapshot_behaviour *items;
};

struct snapshot_pending_item {
	struct text dimension;
	struct record_key key;
	uint64_t first_seen_ns, last_seen_ns, events, active_epochs;
	bool is_quarantined;
	uint64_t anomaly; /* 0 none */
	uint64_t due_ns;  /* when it would be learned; 0: not by itself */
	struct text reason;
};

struct snapshot_pending {
	struct snapshot_pool pool;
	uint32_t n;
	struct snapshot_pending_item *items;
};

struct snapshot_process {
	int32_t pid, ppid;
	uint64_t start_time_ns;
	uint32_t uid;
	struct text exe, cmdline, user, workload;
};

struct snapshot_processes {
	struct snapshot_pool pool;
	uint32_t n;
	struct snapshot_process *items;
};

struct snapshot_rule {
	struct text name, description, source, condition, output, tags;
	struct text window;            /* empty: none */
	struct text only_if_new, rate; /* empty: none of its own */
	struct text condition_source;  /* the condition, so that it can be compiled again */
	enum alert_priority priority;
	bool is_enabled;
	uint64_t hits_total, suppressed_total, last_hit_ns;
	struct text absent_fields; /* separated by blanks */
	struct text file;          /* where it is defined; empty: unknown */
	uint32_t line;
};

struct snapshot_rules {
	struct snapshot_pool pool;
	uint32_t n;
	struct snapshot_rule *items;
};
