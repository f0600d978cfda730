#include "profiles/profile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "profiles/baseline.h"

#define TOUCHED_MAX (1u << 20)
#define SKETCH_KEYS_FIRST 256 /* the first layer's; it grows by itself */
#define HLL_PRECISION 10
#define FALSE_KNOWN_MAX .05
#define STARTUPS_MIN 3
#define STARTUP_RATE_MAX .5

size_t profile_level_share(const struct profile *p, unsigned level)
{
	const struct dimension_info *info = dimension_info(p->dimension);
	/* The finest level has by far the most prefixes. */
	size_t bytes = (size_t)info->settings.head_bytes_max;

	return level + 1u == info->n_levels && level > 0 ? bytes / 4 * 3 : bytes / 4;
}

static int create_levels(struct profile *p)
{
	for (unsigned l = 0; l < p->n_levels; l++) {
		int r = head_create(&p->levels[l].head, profile_level_share(p, l));

		if (r)
			return r;
		for (int s = 0; s < STRATA; s++)
			discovery_init(&p->levels[l].streams[s], l);
	}
	return 0;
}

int profile_create(struct profile **out, struct baseline *baseline, uint32_t index,
		   const struct dimension *dimension, struct profile_shared *shared)
{
	const struct dimension_info *info = dimension_info(dimension);
	SCOPED(profile_destroy) struct profile *p = NULL;
	int r;

	p = calloc(1, sizeof(*p) + info->n_levels * sizeof(p->levels[0]));
	if (!p)
		return -ENOMEM;
	p->baseline = baseline;
	p->dimension = dimension;
	p->shared = shared;
	p->index = index;
	p->n_levels = info->n_levels;
	p->curve.stride = 1;
	r = create_levels(p);
	if (r == 0 && info->settings.top)
		r = top_list_create(&p->top, MIN(info->settings.top, TOP_LIST_SIZE_MAX));
	if (r)
		return r;
	profile_update_bytes(p);
	*out = TAKE(p);
	return 0;
}

void profile_destroy(struct profile **profile)
{
	struct profile *p = *profile;

	if (!p)
		return;
	for (unsigned l = 0; l < p->n_levels; l++) {
		head_destroy(&p->levels[l].head);
		count_min_destroy(&p->levels[l].sketch);
	}
	top_list_destroy(&p->top);
	hyperloglog_destroy(&p->distinct);
	free(p->touched);
	p->shared->bytes -= p->bytes;
	free(p);
	*profile = NULL;
}

void profile_update_bytes(struct profile *p)
{
	size_t bytes = sizeof(*p) + p->n_levels * sizeof(p->levels[0]);

	for (unsigned l = 0; l < p->n_levels; l++) {
		bytes += head_bytes(p->levels[l].head);
		bytes += p->levels[l].sketch ? count_min_bytes(p->levels[l].sketch) : 0;
	}
	bytes += p->top ? top_list_bytes(p->top) : 0;
	bytes += p->distinct ? hyperloglog_bytes(p->distinct) : 0;
	bytes += p->touched_capacity * sizeof(*p->touched);
	p->shared->bytes += bytes - p->bytes;
	p->bytes = bytes;
}

void profile_note_touched(struct profile *p, struct touched touched)
{
	p->is_dirty = true;
	if (p->lost_touched)
		return;
	if (p->n_touched == p->touched_capacity) {
		uint32_t capacity = p->touched_capacity ? p->touched_capacity * 2 : 32;
		void *grown = NULL;

		if (capacity <= TOUCHED_MAX)
			grown = realloc(p->touched, capacity * sizeof(*p->touched));
		if (!grown) {
			p->lost_touched = true;
			return;
		}
		p->touched = grown;
		p->touched_capacity = capacity;
	}
	p->touched[p->n_touched++] = touched;
}

static bool is_forgotten(const struct profile *p, uint32_t last_epoch, uint32_t epoch)
{
	return epoch > last_epoch && epoch - last_epoch > p->shared->forget_epochs;
}

bool profile_find(const struct profile *p, unsigned level, uint64_t fingerprint, uint32_t epoch,
		  struct prefix *out)
{
	const struct level *l = &p->levels[level];
	struct head_slot *slot = head_find(l->head, fingerprint);

	*out = (struct prefix){0};
	if (slot) {
		*out = (struct prefix){slot, slot->epochs, slot->events, slot->last_epoch};
	} else if (l->sketch) {
		struct count_min_record record =
			count_min_find(l->sketch, &fingerprint, sizeof(fingerprint));

		if (record.count == 0)
			return false;
		*out = (struct prefix){NULL, record.epochs, record.count, record.last_epoch};
	} else {
		return false;
	}
	return !is_forgotten(p, out->last_epoch, epoch);
}

void profile_sync(struct profile *p, uint32_t age, uint32_t starts, double ready_epochs,
		  uint32_t min_epochs)
{
	if (p->synced_age == age && p->synced_starts == starts)
		return;
	for (unsigned l = 0; l < p->n_levels; l++) {
		struct discovery *streams = p->levels[l].streams;
		bool was_ready = streams[STEADY].stream.is_ready;

		stream_advance(&streams[STEADY].stream, age);
		stream_advance(&streams[STARTUP].stream, starts);
		if (stream_judge(&streams[STEADY].stream, ready_epochs, min_epochs) != was_ready)
			p->is_dirty = p->streams_dirty = true;
	}
	p->synced_age = age;
	p->synced_starts = starts;
}

static void mark_distinct(struct profile *p, unsigned level, enum stratum stratum)
{
	stream_mark_distinct(&p->levels[level].streams[stratum].stream);
	p->streams_dirty = true;
}

/* True if this is its first sighting in the epoch. */
static bool touch(struct profile *p, unsigned level, uint64_t fingerprint, uint32_t epoch,
		  struct head_slot *slot)
{
	struct level *l = &p->levels[level];

	if (slot)
		return head_touch(slot, epoch, 1);
	if (!l->sketch)
		return false;
	return count_min_add(l->sketch, &fingerprint, sizeof(fingerprint), epoch, 1).last_epoch <
	       epoch;
}

void profile_see_prefixes(struct profile *p, const uint64_t *fingerprints, unsigned n,
			  enum stratum stratum, uint32_t epoch)
{
	for (unsigned l = 0; l < n; l++) {
		struct head_slot *slot = head_find(p->levels[l].head, fingerprints[l]);

		if (slot && slot->epochs && slot->last_epoch >= epoch)
			continue;
		if (!touch(p, l, fingerprints[l], epoch, slot))
			continue;
		mark_distinct(p, l, stratum);
		profile_note_touched(
			p, (struct touched){fingerprints[l], epoch, (uint8_t)l, false, false, 0});
	}
}

void profile_note_active(struct profile *p, uint32_t epoch, uint64_t ts_ns)
{
	struct curve *curve = &p->curve;

	p->last_ns = MAX(p->last_ns, ts_ns);
	if (p->active_epochs && p->last_epoch >= epoch)
		return;
	if (!p->first_ns)
		p->first_ns = ts_ns;
	p->is_dirty = true;
	p->last_epoch = epoch;
	p->active_epochs++;
	if (p->active_epochs % curve->stride)
		return;
	if (curve->n == CURVE_POINTS) {
		/* Every second point goes, further ones come half as often. */
		for (uint32_t i = 0; i < CURVE_POINTS / 2; i++)
			curve->points[i] = curve->points[i * 2 + 1];
		curve->n = CURVE_POINTS / 2;
		curve->stride *= 2;
		if (p->active_epochs % curve->stride)
			return;
	}
	curve->points[curve->n].active_epoch = p->active_epochs;
	curve->points[curve->n++].distinct = (uint32_t)MIN(profile_distinct(p), UINT32_MAX);
}

void profile_see(struct profile *p, const uint64_t *fingerprints, const struct record_key *key,
		 enum stratum stratum, uint32_t epoch, const struct prefix *leaf)
{
	unsigned level = key->n - 1u;

	p->events_total++;
	if (!touch(p, level, fingerprints[level], epoch, leaf->slot))
		return;
	p->incidences++;
	mark_distinct(p, level, stratum);
	profile_note_touched(
		p, (struct touched){fingerprints[level], epoch, (uint8_t)level, true, false, 0});
	profile_see_prefixes(p, fingerprints, level, stratum, epoch);
	if (p->top)
		top_list_add(p->top, fingerprints[level], 1, epoch, key);
}

uint64_t profile_sketch_seed(const struct profile *p, unsigned level)
{
	return p->baseline->seed ^ level;
}

void profile_open_sketch(struct profile *p, unsigned level)
{
	const struct dimension_settings *settings = &dimension_info(p->dimension)->settings;
	struct count_min_config config = {
		.width = count_min_width_for(SKETCH_KEYS_FIRST),
		.depth = settings->sketch_rows ? settings->sketch_rows : 4,
		.bytes_max = (size_t)settings->sketch_bytes_max,
		.seed = profile_sketch_seed(p, level),
	};

	p->shared->coarsened_total++;
	p->is_dirty = true;
	if (count_min_create(&p->levels[level].sketch, &config))
		p->levels[level].is_off = true;
	if (level + 1u == p->n_levels && !p->distinct)
		hyperloglog_create(&p->distinct, HLL_PRECISION, p->baseline->seed);
}

/* Room for a new prefix in the level's head, or NULL: the sketch has it. */
static struct head_slot *add_prefix(struct profile *p, unsigned level, uint64_t fingerprint,
				    const struct lesson *lesson)
{
	struct level *l = &p->levels[level];
	bool is_finest = level > 0 && level + 1u == p->n_levels;
	struct head_slot *slot = NULL;

	/* Memory is short: only the finest level gives way, that is where the masses are. */
	if (!l->sketch && !(is_finest && p->shared->bytes >= p->shared->bytes_max))
		slot = head_add(l->head, fingerprint, 0, lesson->first_epoch);
	else if (l->sketch)
		slot = head_find(l->head, fingerprint); /* forgotten once, its slot still there */
	if (slot)
		return slot;
	if (!l->sketch && !l->is_off)
		profile_open_sketch(p, level);
	if (!l->sketch) {
		p->shared->refused_total++;
		return NULL;
	}
	count_min_add(l->sketch, &fingerprint, sizeof(fingerprint), lesson->last_epoch,
		      (uint32_t)MIN(lesson->events, UINT32_MAX));
	if (!l->is_off && count_min_is_full(l->sketch) &&
	    count_min_false_known(l->sketch) >= FALSE_KNOWN_MAX) {
		l->is_off = true;
		p->shared->coarsened_total++;
	}
	return NULL;
}

static void fill_slot(struct head_slot *slot, const struct lesson *lesson)
{
	uint32_t events = (uint32_t)MIN(lesson->events, UINT32_MAX);

	slot->events = slot->events > UINT32_MAX - events ? UINT32_MAX : slot->events + events;
	slot->epochs = MAX(slot->epochs, lesson->active_epochs);
	slot->first_epoch = MIN(slot->first_epoch, lesson->first_epoch);
	slot->last_epoch = MAX(slot->last_epoch, lesson->last_epoch);
}

/* The prefix above level gained a child. */
static void touch_parent(struct profile *p, const struct lesson *lesson, unsigned level)
{
	struct head_slot *slot;

	if (level > 0) {
		slot = head_find(p->levels[level - 1].head, lesson->fingerprints[level - 1]);
		if (slot)
			head_touch_child(slot, lesson->first_epoch);
		profile_note_touched(p, (struct touched){lesson->fingerprints[level - 1],
							 lesson->first_epoch, (uint8_t)(level - 1),
							 false, false, 0});
	} else if (p->child_epochs == 0 || p->last_child_epoch < lesson->first_epoch) {
		p->child_epochs++;
		p->last_child_epoch = lesson->first_epoch;
	}
}

/* A level of a lesson. Returns whether it was new: siblings that waited beside it may have brought
 * its prefixes in before; then the records are joined, in whatever order they come. */
static bool learn_level(struct profile *p, const struct lesson *lesson, unsigned l)
{
	uint64_t fingerprint = lesson->fingerprints[l];
	struct head_slot *slot;
	struct prefix known;
	bool is_new = !profile_find(p, l, fingerprint, lesson->last_epoch, &known);

	if (!is_new && l < lesson->new_level)
		return false;
	slot = is_new ? add_prefix(p, l, fingerprint, lesson) : known.slot;
	if (slot)
		fill_slot(slot, lesson);
	else if (is_new && p->distinct && l + 1u == p->n_levels)
		hyperloglog_add(p->distinct, fingerprint);
	if (is_new)
		touch_parent(p, lesson, l);
	profile_note_touched(p, (struct touched){fingerprint, lesson->last_epoch, (uint8_t)l,
						 l + 1u == lesson->key->n, is_new, 0});
	return is_new;
}

int profile_learn(struct profile *p, const struct lesson *lesson)
{
	unsigned n = lesson->key->n;
	int coarsest = -1;

	for (unsigned l = 0; l < n; l++) {
		if (learn_level(p, lesson, l) && coarsest < 0)
			coarsest = (int)l;
	}
	if (p->top)
		top_list_add(p->top, lesson->fingerprints[n - 1], lesson->active_epochs,
			     lesson->last_epoch, lesson->key);
	p->events_total += lesson->events;
	p->incidences += lesson->active_epochs;
	profile_update_bytes(p);
	return coarsest;
}

void profile_forget(struct profile *p, uint32_t epoch, uint32_t max_slots)
{
	uint64_t keep = 2 * (uint64_t)p->shared->forget_epochs;

	if (epoch <= keep)
		return;
	for (unsigned l = 0; l < p->n_levels; l++) {
		head_forget(p->levels[l].head, (uint32_t)(epoch - keep), max_slots, NULL, NULL);
		if (p->levels[l].sketch)
			count_min_forget(p->levels[l].sketch, (uint32_t)(epoch - keep), max_slots);
	}
	if (p->top && epoch > p->shared->forget_epochs)
		top_list_forget(p->top, epoch - p->shared->forget_epochs);
}

bool profile_startup_is_ready(const struct profile *p, unsigned level)
{
	const struct stream *stream = &p->levels[level].streams[STARTUP].stream;

	return stream->age >= STARTUPS_MIN && stream_rate_high(stream) <= STARTUP_RATE_MAX;
}

int profile_ready_level(const struct profile *p)
{
	for (int l = p->n_levels - 1; l >= 0; l--) {
		if (p->levels[l].streams[STEADY].stream.is_ready && !p->levels[l].is_off)
			return l;
	}
	return -1;
}

uint64_t profile_distinct(const struct profile *p)
{
	const struct level *finest = &p->levels[p->n_levels - 1];
	uint64_t exact = head_count(finest->head);

	return p->distinct ? exact + (uint64_t)hyperloglog_estimate(p->distinct) : exact;
}

bool profile_is_estimated(const struct profile *p)
{
	for (unsigned l = 0; l < p->n_levels; l++) {
		if (p->levels[l].sketch)
			return true;
	}
	return false;
}

double profile_false_known(const struct profile *p)
{
	double most = 0;

	for (unsigned l = 0; l < p->n_levels; l++) {
		if (p->levels[l].sketch)
			most = MAX(most, count_min_false_known(p->levels[l].sketch));
	}
	return most;
}
