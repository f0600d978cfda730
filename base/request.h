/* Questions to the pipeline thread. The asker fills a request, posts it, and waits with a deadline;
 * the pipeline answers between batches. A request never makes the pipeline wait: when the asker
 * gave up, the pipeline frees the answer. */
#pragma once

#include <stdint.h>

#include "base/snapshot.h"

enum request_kind {
	REQUEST_STATUS,
	REQUEST_WORKLOADS,
	REQUEST_WORKLOAD,
	REQUEST_BEHAVIOURS,
	REQUEST_PENDING,
	REQUEST_PROCESSES,
	REQUEST_RULES,
	REQUEST_RELOAD, /* rules: swap to a set compiled beside */
};

struct request {
	enum request_kind kind;
	/* arguments */
	uint64_t workload_id;
	char dimension[64]; /* empty: all */
	int32_t root_pid;   /* processes: 0 all */
	/* answer */
	int result; /* 0, -ENOENT, -ENOMEM, -ETIMEDOUT (set by request_ask) */
	union {
		struct snapshot_status status;
		struct snapshot_workloads workloads;
		struct snapshot_workload workload;
		struct snapshot_behaviours behaviours;
		struct snapshot_pending pending;
		struct snapshot_processes processes;
		struct snapshot_rules rules;
	};
};

struct request_box; /* between askers and the pipeline */

int request_box_create(struct request_box **out);
void request_box_destroy(struct request_box **box);

/* Any thread: ask and wait up to timeout_ms. Returns request->result; -ETIMEDOUT; -EBUSY when too
 * many wait. On 0 the caller owns the answer: request_done(). request is owned by the caller and
 * must come from request_create(). */
struct request *request_create(enum request_kind kind);
int request_ask(struct request_box *box, struct request *request, int timeout_ms);
void request_destroy(struct request **request);

/* Pipeline thread: the next question or NULL; answer it in place, then finish. */
struct request *request_box_take(struct request_box *box);
void request_box_finish(struct request_box *box, struct request *request);
