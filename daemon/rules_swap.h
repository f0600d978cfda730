/* How a new set of rules gets to the pipeline and the old one back: one pointer each way, and a
 * semaphore that the pipeline posts and never waits for. One loader at a time. */
#pragma once

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/rules.h"

struct rules_swap {
	_Atomic(struct rule_set *) next, retired;
	/* Events before that time were captured for the old rules, which therefore judge them. */
	_Atomic uint64_t not_before_ns;
	sem_t is_done;
	/* Pipeline's own: batches that left nothing behind, and how many of them the offer waits
	 * for; 0: no offer seen yet. */
	uint64_t n_drained, wanted_drained;
};

int rules_swap_init(struct rules_swap *swap);

/* Destroys what nobody took. */
void rules_swap_done(struct rules_swap *swap);

/* Loader: offer rules (taken), to be used once the pipeline has seen all events made before
 * not_before_ns, as far as it can tell. */
void rules_swap_offer(struct rules_swap *swap, struct rule_set *rules, uint64_t not_before_ns);

/* Loader: wait until the offer was taken: 0 gives the old rules (the caller destroys), or
 * -ETIMEDOUT, or -ECANCELED when *stop became true. On error the offer is withdrawn and destroyed.
 */
int rules_swap_wait(struct rules_swap *swap, int timeout_ms, const atomic_bool *stop,
		    struct rule_set **old);

/* Pipeline, before a batch: the rules to be used from now on, NULL: the same. last_event_ns is the
 * time of the newest event seen. Whoever takes must give the old ones back. */
struct rule_set *rules_swap_take(struct rules_swap *swap, uint64_t last_event_ns);
void rules_swap_give_back(struct rules_swap *swap, struct rule_set *old);

/* Pipeline, behind a batch after which no event was left. */
static inline void rules_swap_drained(struct rules_swap *swap)
{
	swap->n_drained++;
}
