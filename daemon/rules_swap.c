#include "daemon/rules_swap.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

#define LOOK_MS 50 /* how often a waiting loader looks whether it shall stop */
#define NS_PER_S UINT64_C(1000000000)

int rules_swap_init(struct rules_swap *swap)
{
	*swap = (struct rules_swap){.n_drained = 0};
	return sem_init(&swap->is_done, 0, 0) ? -errno : 0;
}

void rules_swap_done(struct rules_swap *swap)
{
	struct rule_set *next = atomic_exchange(&swap->next, NULL);
	struct rule_set *retired = atomic_exchange(&swap->retired, NULL);

	rule_set_destroy(&next);
	rule_set_destroy(&retired);
	sem_destroy(&swap->is_done);
}

void rules_swap_offer(struct rules_swap *swap, struct rule_set *rules, uint64_t not_before_ns)
{
	struct rule_set *unused;

	atomic_store(&swap->not_before_ns, not_before_ns);
	unused = atomic_exchange(&swap->next, rules);
	rule_set_destroy(&unused);
}

/* Whether the pipeline finished within LOOK_MS. */
static bool wait_a_little(struct rules_swap *swap)
{
	uint64_t until_ns = clock_real_ns() + LOOK_MS * UINT64_C(1000000);
	struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
				 .tv_nsec = (long)(until_ns % NS_PER_S)};

	return sem_timedwait(&swap->is_done, &until) == 0;
}

int rules_swap_wait(struct rules_swap *swap, int timeout_ms, const atomic_bool *stop,
		    struct rule_set **old)
{
	struct rule_set *next;
	bool is_done = false;

	for (int waited = 0; !is_done && waited < timeout_ms && !atomic_load(stop);
	     waited += LOOK_MS)
		is_done = wait_a_little(swap);
	if (!is_done) {
		next = atomic_exchange(&swap->next, NULL);
		if (next) {
			rule_set_destroy(&next);
			return atomic_load(stop) ? -ECANCELED : -ETIMEDOUT;
		}
		while (sem_wait(&swap->is_done)) /* taken just now: the old ones are coming */
			;
	}
	*old = atomic_exchange(&swap->retired, NULL);
	return 0;
}

struct rule_set *rules_swap_take(struct rules_swap *swap, uint64_t last_event_ns)
{
	if (!atomic_load_explicit(&swap->next, memory_order_acquire)) {
		swap->wanted_drained = 0;
		return NULL;
	}
	if (!swap->wanted_drained)
		swap->wanted_drained = swap->n_drained + 1;
	if (swap->n_drained < swap->wanted_drained &&
	    last_event_ns < atomic_load(&swap->not_before_ns))
		return NULL;
	swap->wanted_drained = 0;
	return atomic_exchange(&swap->next, NULL); /* NULL: withdrawn meanwhile */
}

void rules_swap_give_back(struct rules_swap *swap, struct rule_set *old)
{
	struct rule_set *unused = atomic_exchange(&swap->retired, old);

	/* Not reached while loaders wait for their swap, as they do. */
	rule_set_destroy(&unused);
	sem_post(&swap->is_done);
}
