#include "rules/plans.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/util.h"
#include "filter/plan.h"
#include "state/state.h"

#define SEATS 4096u /* processes and types that are remembered */
#define SLOTS 512u  /* of plans; half of them may be full */
#define PLANS_BYTES_MAX ((size_t)4 << 20)
#define EVENTS_BEFORE_PLAN 3

struct seat {
	uint64_t generation, lineage;
	uint64_t comm[COMM_MAX / 8];
	struct plan *plan; /* NULL: not yet */
	uint32_t slot;
	uint16_t type;
	uint16_t n_events; /* while there is no plan */
};

struct entry {
	uint64_t hash;
	uint64_t *truths;
	struct plan *plan; /* NULL: free */
	uint16_t type;
};

struct plans {
	const struct rule_set *set;
	struct stable_checks *stable;
	uint32_t words;                /* of a set of stable checks */
	uint64_t *marked;              /* by type: the stable checks that its rules ask */
	uint64_t *truths;              /* scratch */
	const struct filter **filters; /* scratch */
	struct seat *seats;
	struct entry *entries;
	uint32_t n;
	size_t bytes; /* of the plans */
	uint64_t dropped_total;
};

static void mark_types(struct plans *p)
{
	for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
		const struct rule_list *list = &p->set->by_type[type];

		for (uint32_t i = 0; i < list->n; i++)
			stable_checks_mark(p->stable, p->set->candidates[list->items[i]].filter,
					   p->marked + (size_t)type * p->words);
	}
}

int plans_create(struct plans **out, const struct rule_set *set)
{
	SCOPED(plans_destroy) struct plans *p = calloc(1, sizeof(*p));

	if (!p || stable_checks_create(&p->stable, set->share))
		return -ENOMEM;
	p->set = set;
	p->words = (stable_checks_n(p->stable) + 63) / 64;
	p->marked = calloc((size_t)EVENT_TYPE_END * p->words + 1, sizeof(*p->marked));
	p->truths = calloc(p->words + 1, sizeof(*p->truths));
	p->filters = calloc(set->n_candidates + 1, sizeof(*p->filters));
	p->seats = calloc(SEATS, sizeof(*p->seats));
	p->entries = calloc(SLOTS, sizeof(*p->entries));
	if (!p->marked || !p->truths || !p->filters || !p->seats || !p->entries)
		return -ENOMEM;
	mark_types(p);
	*out = TAKE(p);
	return 0;
}

static void drop_plans(struct plans *p)
{
	for (uint32_t i = 0; p->entries && i < SLOTS; i++) {
		plan_destroy(&p->entries[i].plan);
		free(p->entries[i].truths);
		p->entries[i] = (struct entry){0};
	}
	if (p->seats)
		memset(p->seats, 0, SEATS * sizeof(*p->seats));
	p->n = 0;
	p->bytes = 0;
}

void plans_destroy(struct plans **plans)
{
	struct plans *p = *plans;

	if (!p)
		return;
	drop_plans(p);
	stable_checks_destroy(&p->stable);
	free(p->marked);
	free(p->truths);
	free(p->filters);
	free(p->seats);
	free(p->entries);
	free(p);
	*plans = NULL;
}

static struct entry *find_entry(struct plans *p, uint16_t type, uint64_t hash)
{
	size_t bytes = p->words * sizeof(uint64_t);
	uint32_t i = (uint32_t)hash & (SLOTS - 1);

	while (p->entries[i].plan && (p->entries[i].hash != hash || p->entries[i].type != type ||
				      memcmp(p->entries[i].truths, p->truths, bytes) != 0))
		i = (i + 1) & (SLOTS - 1);
	return &p->entries[i];
}

static struct plan *make_plan(struct plans *p, struct entry *entry, uint16_t type, uint64_t hash)
{
	const struct rule_list *list = &p->set->by_type[type];
	struct plan_request request = {.filters = p->filters,
				       .tags = list->items,
				       .n = list->n,
				       .type = (enum event_type)type,
				       .stable = p->stable,
				       .truths = p->truths};
	uint64_t *truths = calloc(p->words + 1, sizeof(*truths));

	for (uint32_t i = 0; i < list->n; i++)
		p->filters[i] = p->set->candidates[list->items[i]].filter;
	if (!truths || plan_create(&entry->plan, &request)) {
		free(truths);
		return NULL; /* every rule is evaluated then */
	}
	memcpy(truths, p->truths, p->words * sizeof(*truths));
	entry->truths = truths;
	entry->hash = hash;
	entry->type = type;
	p->n++;
	p->bytes += plan_bytes(entry->plan);
	return entry->plan;
}

/* The plan of processes that answer the type's stable checks as this one. */
static struct plan *find_plan(struct plans *p, const struct field_context *ctx)
{
	uint16_t type = (uint16_t)ctx->event->type;
	struct entry *entry;
	uint64_t hash;

	stable_checks_eval(p->stable, p->marked + (size_t)type * p->words, ctx, p->truths);
	hash = XXH3_64bits_withSeed(p->truths, p->words * sizeof(uint64_t), type);
	entry = find_entry(p, type, hash);
	if (entry->plan)
		return entry->plan;
	if (p->n >= SLOTS / 2 || p->bytes > PLANS_BYTES_MAX) {
		p->dropped_total += p->n;
		drop_plans(p);
		entry = find_entry(p, type, hash);
	}
	return make_plan(p, entry, type, hash);
}

struct plan *plans_find(struct plans *p, const struct field_context *ctx)
{
	const struct process *process = ctx->subject ? ctx->subject->process : NULL;
	const struct thread *thread;
	uint64_t comm[COMM_MAX / 8], lineage;
	struct seat *seat;

	if (!process || !ctx->state)
		return NULL;
	thread = ctx->subject->thread ? ctx->subject->thread : process->leader;
	memcpy(comm, thread->comm, sizeof(comm));
	lineage = state_lineage_epoch(ctx->state);
	seat = &p->seats[(process->slot * 61 + (uint32_t)ctx->event->type) & (SEATS - 1)];
	if (seat->generation != process->generation || seat->lineage != lineage ||
	    seat->slot != process->slot || seat->type != ctx->event->type ||
	    seat->comm[0] != comm[0] || seat->comm[1] != comm[1])
		*seat = (struct seat){.generation = process->generation,
				      .lineage = lineage,
				      .comm = {comm[0], comm[1]},
				      .slot = process->slot,
				      .type = (uint16_t)ctx->event->type};
	if (!seat->plan && ++seat->n_events > EVENTS_BEFORE_PLAN) {
		struct seat key = *seat;

		key.plan = find_plan(p, ctx); /* may have cleared the seats */
		key.n_events = 0;
		*seat = key;
	}
	return seat->plan;
}

uint64_t plans_dropped_total(const struct plans *p)
{
	return p->dropped_total;
}

size_t plans_bytes(const struct plans *p)
{
	return sizeof(*p) + p->bytes + SEATS * sizeof(struct seat) + SLOTS * sizeof(struct entry);
}
