/* What the API shows of a profile set: copies. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/util.h"
#include "profiles/lifecycle.h"
#include "profiles/profile_set.h"

#define INSTANCES_MAX 1024
#define BEHAVIOURS_MAX 100000

void profile_set_totals(const struct profile_set *set, struct snapshot_status *out)
{
	uint64_t bytes =
		set->shared.bytes + population_bytes(&set->population) + set->pending.bytes;
	uint32_t ready = 0;

	for (uint32_t i = 0; i < set->n_baselines; i++) {
		struct outlook outlook;
		struct moment now;

		lifecycle_moment(set, set->baselines[i], &now);
		lifecycle_workload(set->baselines[i], &now, &outlook);
		ready += outlook.state == READY;
	}
	out->profiles.workloads = set->n_baselines;
	out->profiles.ready = ready;
	out->profiles.bytes = bytes;
	out->profiles.learned_today = set->learned_today;
	out->profiles.pending = set->pending.n_held - set->pending.n_quarantined;
	out->profiles.quarantined = set->pending.n_quarantined;
	out->profiles.coarsened_total = set->shared.coarsened_total;
	out->profiles.refused_total = set->shared.refused_total + set->pending.refused_total +
				      set->pending.evicted_total + set->texts_dropped_total +
				      set->sightings_dropped_total + set->damaged_total;
}

struct instances_walk {
	struct snapshot_pool *pool;
	struct snapshot_workload_head *out;
	uint32_t max;
};

static bool count_instance(const struct instance *instance, void *arg)
{
	uint32_t *n = arg;

	(void)instance;
	return ++*n < INSTANCES_MAX;
}

static void add_version(struct snapshot_workload_head *out, const struct snapshot_instance *i)
{
	for (uint32_t v = 0; v < out->n_versions; v++) {
		if (text_equal(out->versions[v].tag, i->tag) &&
		    text_equal(out->versions[v].digest, i->digest)) {
			out->versions[v].first_seen_ns =
				MIN(out->versions[v].first_seen_ns, i->since_ns);
			return;
		}
	}
	out->versions[out->n_versions].tag = i->tag;
	out->versions[out->n_versions].digest = i->digest;
	out->versions[out->n_versions++].first_seen_ns = i->since_ns;
}

static bool add_instance(const struct instance *instance, void *arg)
{
	struct instances_walk *walk = arg;
	struct snapshot_instance *i;

	if (walk->out->n_instances == walk->max)
		return false;
	i = &walk->out->instances[walk->out->n_instances++];
	*i = (struct snapshot_instance){
		.id = snapshot_text(walk->pool, instance->id),
		.pid = instance->pid,
		.since_ns = instance->since_ns,
		.tag = snapshot_text(walk->pool, instance->tag),
		.digest = snapshot_text(walk->pool, instance->digest),
	};
	if (i->tag.len || i->digest.len)
		add_version(walk->out, i);
	return true;
}

/* Walking does not change the state. */
static int fill_instances(const struct baseline *b, const struct state *state,
			  struct snapshot_pool *pool, struct snapshot_workload_head *out)
{
	struct instances_walk walk = {pool, out, 0};

	if (!state || !b->workload)
		return 0;
	state_each_instance((struct state *)state, b->workload, count_instance, &walk.max);
	out->instances = snapshot_alloc(pool, walk.max, sizeof(*out->instances));
	out->versions = snapshot_alloc(pool, walk.max, sizeof(*out->versions));
	if (!out->instances || !out->versions)
		return -ENOMEM;
	state_each_instance((struct state *)state, b->workload, add_instance, &walk);
	return 0;
}

/* Coverage over all dimensions: their incidences together. */
static double coverage_of(const struct baseline *b, const struct moment *now)
{
	double discoveries = 0, distinct = 0;

	for (uint32_t i = 0; i < b->n_profiles; i++) {
		const struct profile *p = b->profiles[i];
		struct stream finest;

		if (!p)
			continue;
		finest = lifecycle_stream(p, p->n_levels - 1u, now);
		discoveries += finest.n + finest.extra;
		distinct += finest.distinct;
	}
	return distinct > 0 ? fmax(0, 1 - discoveries / distinct) : 0;
}

static void fill_totals(const struct baseline *b, struct snapshot_workload_head *out)
{
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		const struct profile *p = b->profiles[i];

		out->behaviours += p ? profile_distinct(p) : 0;
		out->quality.sketch_estimated =
			out->quality.sketch_estimated || (p && profile_is_estimated(p));
	}
	out->quality.complete = true;
	out->quarantined = b->n_quarantined;
	out->pending = b->held.count - b->n_quarantined;
}

static int fill_head(const struct profile_set *set, const struct state *state,
		     const struct baseline *b, struct snapshot_pool *pool,
		     struct snapshot_workload_head *out)
{
	struct outlook outlook;
	struct moment now;

	lifecycle_moment(set, b, &now);
	lifecycle_workload(b, &now, &outlook);
	*out = (struct snapshot_workload_head){
		.id = b->id,
		.name = snapshot_text(pool, b->name),
		.kind = b->kind,
		.state = outlook.state,
		.coverage = coverage_of(b, &now),
		.basis_s = (now.observed + 1.0) * set->shared.epoch_s,
		.has_eta = outlook.has_eta,
		.eta_low_s = outlook.eta_low_s,
		.eta_high_s = outlook.eta_high_s,
		.first_seen_ns = b->first_ns,
		.last_seen_ns = b->last_ns,
	};
	fill_totals(b, out);
	return fill_instances(b, state, pool, out);
}

int profile_set_snapshot_workloads(const struct profile_set *set, const struct state *state,
				   struct snapshot_workloads *out)
{
	*out = (struct snapshot_workloads){0};
	out->items = snapshot_alloc(&out->pool, set->n_baselines, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->n_baselines; i++) {
		int r = fill_head(set, state, set->baselines[i], &out->pool, &out->items[out->n++]);

		if (r)
			return r;
	}
	return 0;
}

static void fill_level(const struct profile *p, unsigned l, const struct moment *now,
		       struct snapshot_level *out)
{
	struct stream stream = lifecycle_stream(p, l, now);
	bool is_unsettled = stream_forecast(&stream, now->ready_epochs, now->min_epochs).outlook ==
			    STREAM_UNSETTLED;

	*out = (struct snapshot_level){
		.level = l,
		.state = stream.is_ready ? READY : (is_unsettled ? UNSETTLED : LEARNING),
		.discovery_rate_per_s = stream_rate(&stream) / now->epoch_s,
		.discovery_rate_high_per_s = stream_rate_high(&stream) / now->epoch_s,
		.longest_claim_s = stream_longest_claim(&stream) * now->epoch_s,
	};
}

static void fill_sketch(const struct profile *p, struct snapshot_dimension *out)
{
	const struct count_min *sketch = p->levels[p->n_levels - 1].sketch;

	out->bytes = p->bytes;
	out->false_known = profile_false_known(p);
	out->is_count_min = profile_is_estimated(p);
	if (!sketch)
		return;
	out->rows = count_min_depth(sketch);
	out->columns = (uint32_t)MIN(count_min_columns(sketch), UINT32_MAX);
}

static void fill_dimension(const struct profile *p, const struct moment *now,
			   struct snapshot_pool *pool, struct snapshot_dimension *out)
{
	struct stream finest = lifecycle_stream(p, p->n_levels - 1u, now);
	struct outlook outlook;

	lifecycle_dimension(p, now, &outlook);
	*out = (struct snapshot_dimension){
		.name = snapshot_text(pool, dimension_info(p->dimension)->name),
		.state = outlook.state,
		.coverage = stream_coverage(&finest),
		.active_epochs = p->active_epochs,
		.behaviours = profile_distinct(p),
		.incidences = p->incidences,
		.n_levels = p->n_levels,
		.n_discovery = p->curve.n,
	};
	for (unsigned l = 0; l < p->n_levels; l++)
		fill_level(p, l, now, &out->levels[l]);
	for (uint32_t i = 0; i < p->curve.n; i++) {
		out->discovery[i].active_epoch = p->curve.points[i].active_epoch;
		out->discovery[i].distinct = p->curve.points[i].distinct;
	}
	fill_sketch(p, out);
	out->n_reasons = lifecycle_reasons(p, now, pool, out->reasons);
}

int profile_set_snapshot_workload(const struct profile_set *set, const struct state *state,
				  uint64_t workload_id, struct snapshot_workload *out)
{
	const struct baseline *b = fp_map_find(&set->by_id, workload_id);
	struct moment now;

	*out = (struct snapshot_workload){0};
	if (!b)
		return -ENOENT;
	lifecycle_moment(set, b, &now);
	out->dimensions = snapshot_alloc(&out->pool, b->n_profiles, sizeof(*out->dimensions));
	if (!out->dimensions)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		if (b->profiles[i])
			fill_dimension(b->profiles[i], &now, &out->pool,
				       &out->dimensions[out->n_dimensions++]);
	}
	return fill_head(set, state, b, &out->pool, &out->head);
}

struct behaviours_fill {
	const struct profile_set *set;
	struct snapshot_behaviours *out;
	uint32_t max;
	struct text dimension;
};

static uint64_t epoch_start_ns(const struct profile_set *set, uint32_t epoch)
{
	return epoch * set->clock.epoch_ns;
}

static void fill_slot(const struct behaviours_fill *fill, const struct profile *p,
		      const struct head_slot *slot)
{
	struct snapshot_behaviours *out = fill->out;
	struct snapshot_behaviour *item = &out->items[out->n++];
	struct top_entry entry;

	*item = (struct snapshot_behaviour){
		.dimension = fill->dimension,
		.fingerprint = slot->fingerprint,
		.events = slot->events,
		.incidences = slot->epochs,
		.frequency = fmin(1, slot->epochs / (double)MAX(p->active_epochs, 1u)),
		.first_seen_ns = epoch_start_ns(fill->set, slot->first_epoch),
		.last_seen_ns = epoch_start_ns(fill->set, slot->last_epoch),
	};
	if (!p->top || !top_list_find(p->top, slot->fingerprint, &entry))
		return;
	item->key.n = entry.key.n;
	for (unsigned i = 0; i < entry.key.n; i++)
		item->key.fields[i] = snapshot_text(&out->pool, entry.key.fields[i]);
}

/* What the sketch holds is listed as far as the top list knows it. */
static void fill_estimated(const struct behaviours_fill *fill, struct profile *p)
{
	unsigned finest = p->n_levels - 1u;

	for (uint32_t rank = 0; p->top && rank < top_list_count(p->top); rank++) {
		struct snapshot_behaviours *out = fill->out;
		struct snapshot_behaviour *item;
		struct top_entry entry;

		top_list_get(p->top, rank, &entry);
		if (out->n == fill->max || head_find(p->levels[finest].head, entry.fingerprint))
			continue;
		item = &out->items[out->n++];
		*item = (struct snapshot_behaviour){
			.dimension = fill->dimension,
			.fingerprint = entry.fingerprint,
			.events = entry.weight,
			.incidences = entry.weight,
			.frequency = fmin(1, entry.weight / (double)MAX(p->active_epochs, 1u)),
			.first_seen_ns = epoch_start_ns(fill->set, entry.first_epoch),
			.last_seen_ns = epoch_start_ns(fill->set, entry.last_epoch),
		};
		item->key.n = entry.key.n;
		for (unsigned i = 0; i < entry.key.n; i++)
			item->key.fields[i] = snapshot_text(&out->pool, entry.key.fields[i]);
	}
}

static void fill_profile(struct behaviours_fill *fill, struct profile *p)
{
	const struct head *head = p->levels[p->n_levels - 1].head;
	const struct head_slot *slot;
	uint32_t cursor = 0;

	fill->dimension = snapshot_text(&fill->out->pool, dimension_info(p->dimension)->name);
	while (fill->out->n < fill->max && (slot = head_next(head, &cursor)))
		fill_slot(fill, p, slot);
	fill_estimated(fill, p);
}

static int more_usual(const void *a, const void *b)
{
	const struct snapshot_behaviour *x = a, *y = b;

	if (x->incidences != y->incidences)
		return x->incidences < y->incidences ? 1 : -1;
	return (x->fingerprint > y->fingerprint) - (x->fingerprint < y->fingerprint);
}

static bool is_wanted(const struct profile *p, struct text dimension)
{
	return p &&
	       (dimension.len == 0 || text_equal(dimension_info(p->dimension)->name, dimension));
}

int profile_set_snapshot_behaviours(const struct profile_set *set, uint64_t workload_id,
				    struct text dimension, struct snapshot_behaviours *out)
{
	struct baseline *b = fp_map_find(&set->by_id, workload_id);
	struct behaviours_fill fill = {.set = set, .out = out};

	*out = (struct snapshot_behaviours){0};
	if (!b)
		return -ENOENT;
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		const struct profile *p = b->profiles[i];

		if (is_wanted(p, dimension))
			fill.max += head_count(p->levels[p->n_levels - 1].head) +
				    (p->top ? top_list_count(p->top) : 0);
	}
	fill.max = MIN(fill.max, BEHAVIOURS_MAX);
	out->items = snapshot_alloc(&out->pool, fill.max, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		if (is_wanted(b->profiles[i], dimension))
			fill_profile(&fill, b->profiles[i]);
	}
	qsort(out->items, out->n, sizeof(*out->items), more_usual);
	return 0;
}

static struct text held_reason(const struct held *held)
{
	if (held->flags & HELD_BY_RULE)
		return TEXT("quarantined: a rule of priority warning or above matched");
	if (held->flags & HELD_QUARANTINED)
		return TEXT("quarantined: part of an incident; learned by itself after 20 active "
			    "epochs on 7 days without a rule match");
	if (held->flags & HELD_ANOMALOUS)
		return TEXT("anomalous: learned by itself after 20 active epochs on 7 days "
			    "without a rule match");
	return TEXT("waits to see whether something speaks against it");
}

static void fill_held(const struct profile_set *set, const struct held *held,
		      struct snapshot_pending *out)
{
	struct snapshot_pending_item *item = &out->items[out->n++];
	bool waits = !(held->flags & (HELD_QUARANTINED | HELD_ANOMALOUS));

	*item = (struct snapshot_pending_item){
		.dimension =
			snapshot_text(&out->pool, dimension_info(held->profile->dimension)->name),
		.key.n = held->key.n,
		.first_seen_ns = held->first_ns,
		.last_seen_ns = held->last_ns,
		.events = held->events,
		.active_epochs = held->active_epochs,
		.is_quarantined = held->flags & HELD_QUARANTINED,
		.anomaly = held->anomaly,
		.due_ns = waits ? held_due_ns(&set->pending, held) : 0,
		.reason = held_reason(held),
	};
	for (unsigned i = 0; i < held->key.n; i++)
		item->key.fields[i] = snapshot_text(&out->pool, held->key.fields[i]);
}

static int seen_later(const void *a, const void *b)
{
	const struct snapshot_pending_item *x = a, *y = b;

	return (x->last_seen_ns < y->last_seen_ns) - (x->last_seen_ns > y->last_seen_ns);
}

int profile_set_snapshot_pending(const struct profile_set *set, uint64_t workload_id,
				 struct snapshot_pending *out)
{
	const struct baseline *b = fp_map_find(&set->by_id, workload_id);
	const struct held *held;
	uint32_t cursor = 0;

	*out = (struct snapshot_pending){0};
	if (!b)
		return -ENOENT;
	out->items = snapshot_alloc(&out->pool, b->held.count, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	while ((held = fp_map_next(&b->held, &cursor)))
		fill_held(set, held, out);
	qsort(out->items, out->n, sizeof(*out->items), seen_later);
	return 0;
}
