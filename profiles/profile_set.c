#include "profiles/profile_set.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "profiles/set_private.h"

#define NS_PER_S 1e9
#define S_PER_DAY 86400.0
#define SILENCE_NS UINT64_C(3600000000000)
#define BASELINES_MAX 65536
#define POPULATION_SHARE 8 /* of the bytes for all profiles */

static void configure(struct profile_set *set, const struct learning_config *config)
{
	double forget_epochs = config->forget_days * S_PER_DAY / config->epoch_s;

	set->seed = config->seed;
	set->min_epochs = config->min_epochs;
	set->clock.epoch_ns = (uint64_t)(config->epoch_s * NS_PER_S);
	set->clock.startup_ns = (uint64_t)(config->startup_s * NS_PER_S);
	set->clock.ready_return_period_epochs = config->ready_return_period_s / config->epoch_s;
	set->shared.population = &set->population;
	set->shared.epoch_s = config->epoch_s;
	set->shared.forget_epochs = (uint32_t)MAX(1.0, MIN(forget_epochs, UINT32_MAX / 4.0));
	set->shared.bytes_max = config->profile_bytes_max;
	set->pending.hold_ns = (uint64_t)(config->hold_s * NS_PER_S);
	set->pending.per_workload_max = config->pending_per_workload_max;
}

int profile_set_create(struct profile_set **out, const struct learning_config *config,
		       const struct field_set *fields, struct diag *diag)
{
	SCOPED(profile_set_destroy) struct profile_set *set = NULL;
	int r;

	if (!(config->epoch_s * NS_PER_S >= 1))
		return diag_set(diag, -EINVAL, "learning.epoch_s must be positive");
	set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	configure(set, config);
	r = dimension_set_load(&set->dimensions, config->dimension_files, config->n_dimension_files,
			       fields, diag);
	if (r)
		return r;
	set->n_dimensions = dimension_set_size(set->dimensions);
	r = population_init(&set->population, set->seed,
			    (size_t)config->profile_bytes_max / POPULATION_SHARE);
	if (r)
		return r;
	r = key_cache_create(&set->cache, set->seed);
	if (r)
		return r;
	for (uint32_t i = 0; i < set->n_dimensions; i++) {
		if (dimension_is_path_keyed(dimension_set_get(set->dimensions, i)))
			set->path_keyed |= UINT64_C(1) << i;
	}
	*out = TAKE(set);
	return 0;
}

static void free_learned(struct profile_set *set)
{
	while (set->learned) {
		struct held *held = set->learned;

		set->learned = held->next;
		free(held);
	}
}

void profile_set_destroy(struct profile_set **set_ptr)
{
	struct profile_set *set = *set_ptr;

	if (!set)
		return;
	for (uint32_t i = 0; i < set->n_baselines; i++) {
		pending_drop_all(&set->pending, set->baselines[i]);
		population_leave(set->baselines[i]);
		baseline_destroy(&set->baselines[i]);
	}
	free_learned(set);
	free(set->baselines);
	free(set->by_index);
	fp_map_done(&set->by_id);
	population_done(&set->population);
	key_cache_destroy(&set->cache);
	dimension_set_destroy(&set->dimensions);
	free(set);
	*set_ptr = NULL;
}

const struct event_set *profile_set_events(const struct profile_set *set)
{
	return dimension_set_events(set->dimensions);
}

const struct dimension_set *profile_set_dimensions(const struct profile_set *set)
{
	return set->dimensions;
}

void profile_set_add_classes(const struct profile_set *set, const struct event_set *wanted,
			     struct call_classes *classes)
{
	dimension_set_add_classes(set->dimensions, wanted, classes);
}

void profile_set_each_use(const struct profile_set *set, profile_use_fn *visit, void *arg)
{
	for (uint32_t i = 0; i < dimension_set_size(set->dimensions); i++)
		dimension_each_use(dimension_set_get(set->dimensions, i), visit, arg);
}

static int reserve(void *array_ptr, uint32_t *capacity, uint32_t n, size_t size)
{
	void **array = array_ptr;
	uint32_t wanted = MAX(n, *capacity + *capacity / 2 + 8);
	char *grown;

	if (n <= *capacity)
		return 0;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return -ENOMEM;
	memset(grown + *capacity * size, 0, (wanted - *capacity) * size);
	*array = grown;
	*capacity = wanted;
	return 0;
}

struct baseline *profile_set_baseline(struct profile_set *set, uint64_t id, struct text name,
				      enum workload_kind kind)
{
	struct baseline *b = fp_map_find(&set->by_id, id);

	if (b)
		return b;
	if (set->n_baselines >= BASELINES_MAX ||
	    reserve(&set->baselines, &set->baselines_capacity, set->n_baselines + 1,
		    sizeof(*set->baselines)) ||
	    baseline_create(&b, id, name, kind, set->n_dimensions, set->seed)) {
		set->shared.refused_total++;
		return NULL;
	}
	if (fp_map_put(&set->by_id, id, b)) {
		baseline_destroy(&b);
		return NULL;
	}
	set->baselines[set->n_baselines++] = b;
	return b;
}

struct profile *profile_set_profile(struct profile_set *set, struct baseline *b, uint32_t index)
{
	if (!b->profiles[index] &&
	    profile_create(&b->profiles[index], b, index, dimension_set_get(set->dimensions, index),
			   &set->shared))
		set->shared.refused_total++;
	return b->profiles[index];
}

void profile_set_sync(const struct profile_set *set, struct profile *p)
{
	profile_sync(p, p->baseline->age, baseline_starts_ended(p->baseline),
		     p->baseline->ready_epochs, set->min_epochs);
}

/* What kind of thing the workload runs: its image, or the executable at the root of its processes.
 */
static struct text pool_name(const struct process *process)
{
	const struct workload *w = process->workload;
	const struct process *root = process;

	if (process->instance && process->instance->image.len)
		return process->instance->image;
	if (w->kind == WORKLOAD_USER)
		return TEXT("user");
	while (root->parent && root->parent->workload == w)
		root = root->parent;
	return root->exepath;
}

static struct baseline *adopt(struct profile_set *set, const struct process *process)
{
	const struct workload *w = process->workload;
	struct baseline *b = profile_set_baseline(set, w->id, w->name, w->kind);

	if (!b || reserve(&set->by_index, &set->n_by_index, w->index + 1, sizeof(b)))
		return NULL;
	b->workload = w;
	if (!b->pool)
		population_join(&set->population, b, pool_name(process));
	set->by_index[w->index] = b;
	return b;
}

static struct baseline *baseline_of(struct profile_set *set, const struct process *process)
{
	const struct workload *w = process->workload;

	if (w->index < set->n_by_index && set->by_index[w->index])
		return set->by_index[w->index];
	return adopt(set, process);
}

/* Nothing at all for so long: nobody looked (suspend, a clock set forward, captures of different
 * days). What happened meanwhile is not known, so it is no exposure. */
static uint64_t longest_silence_ns(const struct profile_set *set)
{
	return MAX(2 * set->clock.epoch_ns, SILENCE_NS);
}

void profile_set_move_on(struct profile_set *set, uint64_t ts_ns)
{
	if (ts_ns <= set->now_ns)
		return;
	if (ts_ns - set->now_ns > longest_silence_ns(set))
		set->clock.run_epoch = epoch_of(&set->clock, ts_ns);
	set->now_ns = ts_ns;
}

void profile_set_exist(struct profile_set *set, struct baseline *b, uint64_t ts_ns)
{
	uint32_t age = b->age;

	baseline_exist(b, &set->clock, ts_ns);
	pool_add_units(b->pool, b->age - age);
}

/* The event's workload with its time moved on; NULL: unresolved, or no memory. */
static struct baseline *visit(struct profile_set *set, const struct process *process,
			      uint64_t ts_ns)
{
	struct baseline *b;

	if (!process || !process->workload || process->workload->kind == WORKLOAD_UNRESOLVED)
		return NULL;
	profile_set_move_on(set, ts_ns);
	b = baseline_of(set, process);
	if (b)
		profile_set_exist(set, b, ts_ns);
	return b;
}

void profile_set_note(struct profile_set *set, const struct subject *subject, uint64_t ts_ns)
{
	set->scanned_ns = MAX(set->scanned_ns, ts_ns);
	visit(set, subject->process, ts_ns);
}

/* Which level is the coarsest that is not known. The finest is asked first: its prefixes are seen
 * whenever it is, so if it is known, they are. */
static void find_news(struct sighting *s, struct finding *f, uint32_t epoch)
{
	struct profile *p = s->profile;
	unsigned leaf = s->n_levels - 1u;
	struct prefix prefix;

	s->new_level = -1;
	if (profile_find(p, leaf, s->fingerprints[leaf], epoch, &f->leaf))
		return;
	s->new_level = (int8_t)leaf;
	s->last_seen_epoch = f->leaf.last_epoch;
	for (unsigned l = 0; l < leaf; l++) {
		if (p->levels[l].is_off || profile_find(p, l, s->fingerprints[l], epoch, &prefix))
			continue;
		s->new_level = (int8_t)l;
		s->last_seen_epoch = prefix.last_epoch;
		break;
	}
	f->held = pending_find(p->baseline, s->fingerprints[leaf]);
	s->is_pending = f->held != NULL;
	s->open_anomaly = f->held ? f->held->anomaly : 0;
}

static bool is_exec(const struct event *ev)
{
	return ev->type == EVENT_EXECVE || ev->type == EVENT_EXECVEAT;
}

/* The service or container itself came to life just now. Sessions and single programs are no such
 * thing: their first minute may be all there is of them. */
static bool is_new_copy(const struct profile_set *set, const struct process *process,
			uint64_t ts_ns)
{
	const struct workload *w = process->workload;
	uint64_t since_ns = w->live_since_ns;

	if (w->kind != WORKLOAD_UNIT && w->kind != WORKLOAD_POD && w->kind != WORKLOAD_IMAGE)
		return false;
	/* Of a container there may be several copies, coming and going. */
	if (w->kind != WORKLOAD_UNIT && process->instance)
		since_ns = MAX(since_ns, process->instance->since_ns);
	/* What the program found running is no start of it. */
	return since_ns > set->scanned_ns && ts_ns >= since_ns &&
	       ts_ns - since_ns < set->clock.startup_ns;
}

/* The start of a known program excuses what it does, not that it is another program; the exec
 * itself comes before it. Only the start of the whole workload excuses that too: else every service
 * that was running already when it got to be known would alarm at its next restart. */
static bool is_startup(const struct profile_set *set, const struct field_context *ctx,
		       const struct sighting *s)
{
	const struct process *process = ctx->subject->process;
	uint64_t ts_ns = ctx->event->ts_ns;

	if (!dimension_info(s->profile->dimension)->has_startup)
		return false;
	if (process->exec_seen && s->new_level != 0 && !is_exec(ctx->event) &&
	    ts_ns >= process->exec_ns && ts_ns - process->exec_ns < set->clock.startup_ns)
		return true;
	return is_new_copy(set, process, ts_ns);
}

static void look_at(struct profile_set *set, struct baseline *b, const struct field_context *ctx,
		    uint32_t index, struct sightings *out)
{
	const struct dimension *dimension = dimension_set_get(set->dimensions, index);
	struct sighting *s = &out->items[out->n];
	struct finding *f = &set->findings[out->n];
	struct dimension_key key;

	if (!dimension_observe(dimension, ctx, &key))
		return;
	*s = (struct sighting){.dimension = index, .is_missing = key.is_missing};
	s->profile = profile_set_profile(set, b, index);
	if (!s->profile) {
		out->unjudged |= UINT64_C(1) << index;
		return;
	}
	profile_set_sync(set, s->profile);
	dimension_fingerprint(dimension, &key, b->seed, s->fingerprints);
	s->n_levels = key.n_levels;
	while (s->n_levels > 1 && s->profile->levels[s->n_levels - 1].is_off)
		s->n_levels--;
	for (unsigned l = 0; l < s->n_levels; l++)
		s->fields[l] = key.fields[l];
	f->held = NULL;
	find_news(s, f, b->epoch);
	s->is_startup = is_startup(set, ctx, s);
	out->n++;
}

/* Answer from the cache: all of it known, and seen in this epoch. */
static bool recall(struct profile_set *set, const struct baseline *b,
		   const struct field_context *ctx, uint64_t signature, struct sightings *out)
{
	const struct key_cache_entry *entry =
		key_cache_find(set->cache, ctx->subject->process, signature, b->epoch);

	if (!entry)
		return false;
	for (uint32_t i = 0; i < entry->n; i++) {
		const struct key_cache_item *item = &entry->items[i];
		struct profile *p = item->profile;
		struct head_slot *slot =
			head_find(p->levels[item->n_levels - 1].head, item->fingerprint);
		struct sighting *s = &out->items[i];

		if (!slot || slot->last_epoch < b->epoch || p->baseline != b)
			return false;
		*s = (struct sighting){.profile = p,
				       .dimension = p->index,
				       .is_missing = item->is_missing,
				       .n_levels = item->n_levels,
				       .new_level = -1};
		s->fingerprints[item->n_levels - 1] = item->fingerprint;
		s->is_startup = is_startup(set, ctx, s);
		set->findings[i].leaf.slot = slot;
		set->findings[i].held = NULL;
	}
	out->n = entry->n;
	return true;
}

static void remember(struct profile_set *set, const struct baseline *b,
		     const struct process *process, uint64_t signature,
		     const struct sightings *sightings)
{
	struct key_cache_entry *entry;

	if (sightings->n > KEY_CACHE_ITEMS)
		return;
	for (uint32_t i = 0; i < sightings->n; i++) {
		if (sightings->items[i].new_level >= 0 || !set->findings[i].leaf.slot)
			return;
	}
	entry = key_cache_put(set->cache, process, signature, b->epoch);
	for (uint32_t i = 0; i < sightings->n; i++) {
		const struct sighting *s = &sightings->items[i];

		entry->items[i] = (struct key_cache_item){
			s->profile, s->fingerprints[s->n_levels - 1], s->n_levels, s->is_missing};
	}
	entry->n = sightings->n;
}

static void observe(struct profile_set *set, struct baseline *b, const struct field_context *ctx,
		    uint64_t observers, struct sightings *out)
{
	for (; observers; observers &= observers - 1) {
		if (out->n == SIGHTINGS_MAX) {
			set->sightings_dropped_total++;
			out->unjudged |= observers;
			return;
		}
		look_at(set, b, ctx, (uint32_t)__builtin_ctzll(observers), out);
	}
}

void profile_set_look_up(struct profile_set *set, const struct field_context *ctx,
			 struct sightings *out)
{
	const struct event *ev = ctx->event;
	const struct process *process = ctx->subject->process;
	uint64_t observers = dimension_set_observers(set->dimensions, ev);
	struct baseline *b = visit(set, process, ev->ts_ns);
	uint64_t signature;

	out->n = 0;
	out->set = set;
	out->unjudged = b ? 0 : observers;
	if (!b) {
		set->unresolved_events_total += observers != 0;
		return;
	}
	if (is_exec(ev) && !event_failed(ev))
		baseline_exec(b, &set->clock, ev->ts_ns);
	if (!observers)
		return;
	if ((observers & ~set->path_keyed) || !key_cache_signature(set->cache, ctx, &signature)) {
		observe(set, b, ctx, observers, out);
	} else if (!recall(set, b, ctx, signature, out)) {
		observe(set, b, ctx, observers, out);
		remember(set, b, process, signature, out);
	}
}

bool profile_sighting_key(const struct sighting *sighting, const struct field_context *ctx,
			  struct record_key *out)
{
	struct dimension_key key = {.n_levels = sighting->n_levels};

	memcpy(key.fields, sighting->fields, sizeof(key.fields));
	if (sighting->n_levels && !sighting->fields[0].ptr &&
	    !dimension_observe(sighting->profile->dimension, ctx, &key))
		return false;
	out->n = MIN(key.n_levels, sighting->n_levels);
	memcpy(out->fields, key.fields, sizeof(out->fields));
	return true;
}
