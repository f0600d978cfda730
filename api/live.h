/* Questions to the pipeline from API threads. Answers that many ask for are made once and shared
 * for a second, so that a busy dashboard costs the pipeline no more than a quiet one. */
#pragma once

#include <stdint.h>

#include "base/request.h"

struct live;

int live_create(struct live **out, struct request_box *box);
void live_destroy(struct live **live);

struct live_answer {
	const struct request *request;
	_Atomic uint32_t n_holders; /* private */
	uint64_t made_ns;           /* private */
};

/* The shared answer to a question without arguments (status, workloads, processes, rules), at most
 * a second old: 0 gives *out, to be given back with live_release(); else request_ask()'s error. */
int live_share(struct live *live, enum request_kind kind, struct live_answer **out);
void live_release(struct live_answer **answer); /* for SCOPED; may be NULL */

/* Something changed: answers to questions asked until now are not shared any more. */
void live_forget(struct live *live);

/* A question of the caller's own: 0 or the error; request is the caller's either way. */
int live_ask(struct live *live, struct request *request);
