#include "rules/plans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/plan.h"
#include "state/open_digest.h"
#include "state/state.h"

#define SEATS 2048u /* processes of which something is remembered */
#define BUCKETS 4096u
#define WAYS 4u /* opens of a bucket, which is a cache line */
#define CANDIDATES_MAX 3

/* Whose memory it is: what it holds is true as long as this is. */
struct seat {
	uint64_t generation, lineage;
	uint64_t comm[COMM_MAX / 8];
	uint32_t slot;
	bool is_taken;
};

/* The rules of which all is true that depends on no more than the digest. */
struct known_open {
	uint64_t digest; /* the half that does not say where it is kept */
	uint16_t is_taken : 1, n : 15;
	uint16_t candidates[CANDIDATES_MAX];
};

/* The last seen comes first. */
struct bucket {
	_Alignas(64) struct known_open opens[WAYS];
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

struct plans {
	const struct rule_set *set;
	struct stable_parts *stable;
	uint32_t words; /* of a set of stable parts */
	uint64_t seed;
	struct plan *plans[EVENT_TYPE_END]; /* NULL: no rules */
	struct seat *seats;
	uint64_t *memories;     /* by seat: words known, words truths */
	struct bucket *buckets; /* opens by digest */
	struct plans_counters counters;
};

static int make_plan(struct plans *p, uint32_t type, const struct filter **filters)
{
	const struct rule_list *list = &p->set->by_type[type];
	struct plan_request request = {.filters = filters,
				       .tags = list->items,
				       .n = list->n,
				       .type = (enum event_type)type,
				       .has_digest = open_digest_is_for((enum event_type)type),
				       .stable = p->stable};

	for (uint32_t i = 0; i < list->n; i++)
		filters[i] = p->set->candidates[list->items[i]].filter;
	return plan_create(&p->plans[type], &request);
}

/* Calls without an event of their own are told apart by number: they have no plan. */
static int make_plans(struct plans *p)
{
	const struct filter **filters = calloc(p->set->n_candidates + 1, sizeof(*filters));
	int r = filters ? 0 : -ENOMEM;

	for (uint32_t type = 0; !r && type < EVENT_TYPE_END; type++) {
		if (p->set->by_type[type].n && type != EVENT_GENERIC)
			r = make_plan(p, type, filters);
	}
	free(filters);
	return r;
}

int plans_create(struct plans **out, const struct rule_set *set, uint64_t seed)
{
	SCOPED(plans_destroy) struct plans *p = calloc(1, sizeof(*p));
	int r;

	if (!p || stable_parts_create(&p->stable, set->share))
		return -ENOMEM;
	p->set = set;
	p->seed = seed;
	p->words = stable_parts_words(p->stable);
	p->seats = calloc(SEATS, sizeof(*p->seats));
	p->memories = calloc((size_t)SEATS * 2 * p->words + 1, sizeof(*p->memories));
	p->buckets = aligned_alloc(sizeof(*p->buckets), BUCKETS * sizeof(*p->buckets));
	if (!p->seats || !p->memories || !p->buckets)
		return -ENOMEM;
	memset(p->buckets, 0, BUCKETS * sizeof(*p->buckets));
	r = make_plans(p);
	if (r)
		return r;
	*out = TAKE(p);
	return 0;
}

void plans_destroy(struct plans **plans)
{
	struct plans *p = *plans;

	if (!p)
		return;
	for (uint32_t type = 0; type < EVENT_TYPE_END; type++)
		plan_destroy(&p->plans[type]);
	stable_parts_destroy(&p->stable);
	free(p->seats);
	free(p->memories);
	free(p->buckets);
	free(p);
	*plans = NULL;
}

void plans_forget(struct plans *p)
{
	memset(p->seats, 0, SEATS * sizeof(*p->seats));
}

/* What is known of the process and its thread's name. Several threads of different names have
 * several seats. */
static struct stable_memory find_memory(struct plans *p, const struct field_context *ctx)
{
	const struct process *process = ctx->subject->process;
	const struct thread *thread = ctx->subject->thread ? ctx->subject->thread : process->leader;
	uint64_t lineage = state_lineage_epoch(ctx->state), comm[COMM_MAX / 8];
	struct stable_memory memory;
	struct seat *seat;
	uint32_t index;

	memcpy(comm, thread->comm, sizeof(comm));
	index = (uint32_t)((process->slot + (comm[0] ^ comm[1]) * UINT64_C(0x9e3779b97f4a7c15)) >>
			   32) ^
		process->slot;
	index &= SEATS - 1;
	seat = &p->seats[index];
	memory.known = p->memories + (size_t)index * 2 * p->words;
	memory.truths = memory.known + p->words;
	if (!seat->is_taken || seat->generation != process->generation ||
	    seat->slot != process->slot || seat->comm[0] != comm[0] || seat->comm[1] != comm[1]) {
		memset(memory.known, 0, p->words * sizeof(*memory.known));
		*seat = (struct seat){.generation = process->generation,
				      .comm = {comm[0], comm[1]},
				      .slot = process->slot,
				      .is_taken = true};
	} else if (seat->lineage != lineage) {
		stable_memory_forget_lineage(p->stable, &memory);
	}
	seat->lineage = lineage;
	return memory;
}

/* The open is the bucket's first then; what was seen longest ago made room. */
static void remember(struct bucket *bucket, uint64_t digest, const uint32_t *candidates, uint32_t n)
{
	struct known_open known = {.digest = digest, .is_taken = 1, .n = (uint16_t)n};

	for (uint32_t i = 0; i < n; i++) {
		if (n > CANDIDATES_MAX || candidates[i] > UINT16_MAX)
			return;
		known.candidates[i] = (uint16_t)candidates[i];
	}
	memmove(&bucket->opens[1], &bucket->opens[0], (WAYS - 1) * sizeof(known));
	bucket->opens[0] = known;
}

/* NULL: no such open was seen lately. */
static const struct known_open *recall(struct bucket *bucket, uint64_t digest)
{
	for (uint32_t i = 0; i < WAYS; i++) {
		struct known_open known = bucket->opens[i];

		if (known.digest != digest || !known.is_taken)
			continue;
		memmove(&bucket->opens[1], &bucket->opens[0], i * sizeof(known));
		bucket->opens[0] = known;
		return &bucket->opens[0];
	}
	return NULL;
}

/* The rules that the digest leaves possible, from memory if such an open was seen before. */
static uint32_t find_candidates(struct plans *p, struct plan *plan, const struct field_context *ctx)
{
	uint32_t *candidates = p->set->matched, n;
	uint64_t refused = ctx->arena->refused_total;
	const struct known_open *known;
	struct open_digest digest;
	struct bucket *bucket;

	if (!open_digest(ctx, p->seed, &digest))
		return plan_find(plan, ctx, NULL, candidates);
	p->counters.opens_total++;
	bucket = &p->buckets[digest.low & (BUCKETS - 1)];
	known = recall(bucket, digest.high);
	if (known) {
		p->counters.remembered_total++;
		for (uint32_t i = 0; i < known->n; i++)
			candidates[i] = known->candidates[i];
		return known->n;
	}
	n = plan_find(plan, ctx, NULL, candidates);
	if (ctx->arena->refused_total == refused) /* else some values had no room */
		remember(bucket, digest.high, candidates, n);
	return n;
}

#ifdef CHECK_PLANS
static bool is_found(const struct plans *p, uint32_t n, uint32_t tag)
{
	for (uint32_t i = 0; i < n; i++) {
		if (p->set->matched[i] == tag)
			return true;
	}
	return false;
}

/* What the plan found is what every filter says by itself, and nothing twice. Unless the arena was
 * full, which had refused so much before: then it matters who asked first. */
static uint32_t checked(const struct plans *p, const struct field_context *ctx, uint32_t n,
			uint64_t refused)
{
	const struct rule_list *list = &p->set->by_type[ctx->event->type];
	uint32_t n_true = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		const struct candidate *candidate = &p->set->candidates[list->items[i]];
		bool is_true = filter_eval(candidate->filter, ctx);

		n_true += is_true;
		if (ctx->arena->refused_total != refused)
			return n;
		if (is_true == is_found(p, n, list->items[i]))
			continue;
		fprintf(stderr, "plan of %s: rule '%.*s' is %s\n",
			event_info(ctx->event->type)->name,
			TEXT_ARGS(p->set->rules[candidate->rule].name), is_true ? "true" : "false");
		abort();
	}
	if (n_true != n)
		abort();
	return n;
}
#else
static uint32_t checked(const struct plans *p, const struct field_context *ctx, uint32_t n,
			uint64_t refused)
{
	(void)p;
	(void)ctx;
	(void)refused;
	return n;
}
#endif

uint32_t plans_match(struct plans *p, const struct field_context *ctx)
{
	struct plan *plan = p->plans[ctx->event->type];
	struct stable_memory memory;
	uint64_t refused;
	uint32_t n;

	if (!plan || !ctx->subject || !ctx->subject->process || !ctx->state)
		return PLANS_NO_ANSWER;
	refused = ctx->arena->refused_total;
	if (open_digest_is_for(ctx->event->type)) {
		n = find_candidates(p, plan, ctx);
		if (!n && !plan_always(plan))
			return checked(p, ctx, 0, refused);
		memory = find_memory(p, ctx);
	} else {
		memory = find_memory(p, ctx);
		n = plan_find(plan, ctx, &memory, p->set->matched);
	}
	n = plan_decide(plan, ctx, &memory, p->set->matched, n);
	if (ctx->arena->refused_total != refused) /* values were absent for want of room only */
		memset(memory.known, 0, p->words * sizeof(*memory.known));
	return checked(p, ctx, n, refused);
}

void plans_counters(const struct plans *plans, struct plans_counters *out)
{
	*out = plans->counters;
}

size_t plans_bytes(const struct plans *p)
{
	size_t bytes = sizeof(*p) + stable_parts_bytes(p->stable);

	for (uint32_t type = 0; type < EVENT_TYPE_END; type++)
		bytes += p->plans[type] ? plan_bytes(p->plans[type]) : 0;
	return bytes + SEATS * (sizeof(struct seat) + 2 * p->words * sizeof(*p->memories)) +
	       BUCKETS * sizeof(*p->buckets);
}
