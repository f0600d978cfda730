#include "daemon/demand.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "capture/live.h"
#include "daemon/daemon.h"

#define APPLY_TIMEOUT_MS 10000
#define LOOK_MS 50 /* how often a waiting loader looks whether it shall stop */
#define NS_PER_S UINT64_C(1000000000)

static void join_words(uint64_t *words, const uint64_t *more, size_t n)
{
	for (size_t i = 0; i < n; i++)
		words[i] |= more[i];
}

static void join_needs(struct capture_needs *needs, const struct capture_needs *more)
{
	needs->typed_names |= more->typed_names;
	needs->answers |= more->answers;
	needs->data_bytes = MAX(needs->data_bytes, more->data_bytes);
	join_words(needs->data, more->data, NEEDS_WORDS);
	join_words(needs->lists, more->lists, NEEDS_WORDS);
	join_words(needs->all_sends, more->all_sends, NEEDS_WORDS);
}

void capture_demand_join(struct capture_demand *out, const struct capture_demand *a,
			 const struct capture_demand *b)
{
	*out = *a;
	join_words(out->wanted.types, b->wanted.types, EVENT_SET_WORDS);
	join_words(out->wanted.syscalls, b->wanted.syscalls, SYSCALL_SET_WORDS);
	for (uint32_t i = 0; i < ARRAY_SIZE(out->classes.types); i++)
		out->classes.types[i] |= b->classes.types[i];
	for (uint32_t i = 0; i < ARRAY_SIZE(out->classes.syscalls); i++)
		out->classes.syscalls[i] |= b->classes.syscalls[i];
	join_needs(&out->needs, &b->needs);
}

static bool words_are_same(const uint64_t *a, const uint64_t *b)
{
	return memcmp(a, b, NEEDS_WORDS * sizeof(*a)) == 0;
}

static bool needs_are_same(const struct capture_needs *a, const struct capture_needs *b)
{
	return a->typed_names == b->typed_names && a->answers == b->answers &&
	       a->data_bytes == b->data_bytes && words_are_same(a->data, b->data) &&
	       words_are_same(a->lists, b->lists) && words_are_same(a->all_sends, b->all_sends);
}

bool capture_demand_is_same(const struct capture_demand *a, const struct capture_demand *b)
{
	return memcmp(&a->wanted, &b->wanted, sizeof(a->wanted)) == 0 &&
	       memcmp(&a->classes, &b->classes, sizeof(a->classes)) == 0 &&
	       needs_are_same(&a->needs, &b->needs) &&
	       isnan(a->max_cpu_ratio) == isnan(b->max_cpu_ratio) &&
	       !(a->max_cpu_ratio < b->max_cpu_ratio) && !(a->max_cpu_ratio > b->max_cpu_ratio);
}

/* Whether the pipeline thread answered within LOOK_MS. */
static bool wait_a_little(struct daemon *d)
{
	uint64_t until_ns = clock_real_ns() + LOOK_MS * UINT64_C(1000000);
	struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
				 .tv_nsec = (long)(until_ns % NS_PER_S)};

	return sem_timedwait(&d->demand_applied, &until) == 0;
}

/* Most reloads ask for what is captured already. Under the lock. */
static bool is_in_force(struct daemon *d, const struct capture_demand *demand)
{
	return !atomic_load(&d->demand_changed) && capture_demand_is_same(&d->demand, demand);
}

int daemon_change_demand(struct daemon *d, const struct capture_demand *demand, struct diag *diag)
{
	bool in_force;

	while (sem_trywait(&d->demand_applied) == 0)
		; /* of one that nobody waited for */
	pthread_mutex_lock(&d->demand_lock);
	in_force = is_in_force(d, demand);
	if (!in_force) {
		d->demand = *demand;
		atomic_store(&d->demand_changed, true);
	}
	pthread_mutex_unlock(&d->demand_lock);
	if (in_force)
		return 0;
	d->source->ops->wake(d->source);
	for (int waited = 0; waited < APPLY_TIMEOUT_MS; waited += LOOK_MS) {
		if (wait_a_little(d))
			return 0;
		if (atomic_load(&d->stop))
			return diag_set(diag, -ECANCELED, "the daemon is ending");
	}
	return diag_set(diag, -ETIMEDOUT, "the pipeline did not change the capture in time");
}

int daemon_apply_demand(struct daemon *d)
{
	const struct capture_demand *demand = &d->demand;
	struct event_set shed;
	int r;

	live_source_set_classes(d->source, demand->classes.types, demand->classes.syscalls);
	r = d->source->ops->set_wanted(d->source, demand->wanted.types, demand->wanted.syscalls);
	if (!r)
		r = source_set_needs(d->source, &demand->needs);
	shedding_set_wanted(d->shedding, &demand->wanted);
	shedding_set_limit(d->shedding, demand->max_cpu_ratio);
	shed_events(shedding_level(d->shedding), &shed);
	live_source_set_shed(d->source, shed.types, shed.syscalls);
	return r;
}

void daemon_apply_changed_demand(struct daemon *d)
{
	if (!atomic_exchange(&d->demand_changed, false))
		return;
	pthread_mutex_lock(&d->demand_lock);
	if (daemon_apply_demand(d))
		log_warn("capture: cannot change what is captured, keeping the old set");
	pthread_mutex_unlock(&d->demand_lock);
	sem_post(&d->demand_applied);
}
