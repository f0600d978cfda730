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
};

struct request {
	enum request_kind kind;
	/* arguments */
	uint64_t workload_id;
	char dimension[64]; /* empty: all */
	int32_t root_pid;   /* processes: 0 all */
	/* answer */
	int result; /* 0, -ENOENT, -ENOMEM */
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

/* Questions still waiting are answered -ECANCELED. No thread may ask any more. */
void request_box_destroy(struct request_box **box);

struct request *request_create(enum request_kind kind); /* NULL without memory */

/* Any thread: ask, once per request, and wait up to timeout_ms. Returns what the pipeline answered
 * (on 0 the answer is in request, valid until request_destroy()), -ETIMEDOUT, or -EBUSY when too
 * many wait. On any error the answer must not be looked at: the pipeline may still be writing it.
 */
int request_ask(struct request_box *box, struct request *request, int timeout_ms);

/* The caller is done with it; its memory and the answer's go when the pipeline is done too. */
void request_destroy(struct request **request);

/* Pipeline thread: the next question whose asker still waits, or NULL; never blocks. Answer it in
 * place (result and the member of its kind), now or batches later, then finish. */
struct request *request_box_take(struct request_box *box);
void request_box_finish(struct request_box *box, struct request *request);

/* Pipeline thread: readable when a question came since the last request_box_take() that gave NULL.
 * For a poll set. */
int request_box_fd(const struct request_box *box);
