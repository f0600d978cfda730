#include "profiles/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profiles/population.h"

#define NS_PER_DAY UINT64_C(86400000000000)

struct held *pending_find(const struct baseline *b, uint64_t fingerprint)
{
	return fp_map_find(&b->held, fingerprint);
}

static uint64_t leaf_of(const struct held *held)
{
	return held->fingerprints[held->key.n - 1];
}

static size_t text_bytes(const struct record_key *key)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < key->n; i++)
		bytes += key->fields[i].len;
	return bytes;
}

static size_t held_bytes(const struct held *held)
{
	return sizeof(*held) + text_bytes(&held->key);
}

struct held *held_create(struct profile *p, const struct record_key *key,
			 const uint64_t *fingerprints)
{
	struct held *held = calloc(1, sizeof(*held) + text_bytes(key));
	char *at;

	if (!held)
		return NULL;
	at = (char *)(held + 1);
	held->profile = p;
	held->key.n = key->n;
	for (unsigned i = 0; i < key->n; i++) {
		held->fingerprints[i] = fingerprints[i];
		held->key.fields[i] = (struct text){at, key->fields[i].len};
		if (key->fields[i].len)
			memcpy(at, key->fields[i].ptr, key->fields[i].len);
		at += key->fields[i].len;
	}
	return held;
}

/* The order of due times. New ones come last, so this looks at one neighbour. */
static void enqueue(struct pending *pending, struct held *held)
{
	struct held *after = pending->last;

	while (after && after->first_ns > held->first_ns)
		after = after->previous;
	held->previous = after;
	held->next = after ? after->next : pending->first;
	if (held->next)
		held->next->previous = held;
	else
		pending->last = held;
	if (after)
		after->next = held;
	else
		pending->first = held;
	held->is_queued = true;
}

static void dequeue(struct pending *pending, struct held *held)
{
	if (!held->is_queued)
		return;
	if (held->previous)
		held->previous->next = held->next;
	else
		pending->first = held->next;
	if (held->next)
		held->next->previous = held->previous;
	else
		pending->last = held->previous;
	held->previous = held->next = NULL;
	held->is_queued = false;
}

static void note_changed(struct held *held)
{
	held->is_dirty = true;
	held->profile->baseline->is_dirty = true;
}

static struct held_prefix *prefix_of(const struct held *held, unsigned level)
{
	return fp_map_find(&held->profile->baseline->prefixes, held->fingerprints[level]);
}

const struct held_prefix *pending_prefix(const struct held *held, unsigned level)
{
	return level < held->new_level ? NULL : prefix_of(held, level);
}

static int share_prefix(struct held *held, unsigned level)
{
	struct baseline *b = held->profile->baseline;
	struct held_prefix *prefix = prefix_of(held, level);

	if (!prefix) {
		prefix = calloc(1, sizeof(*prefix));
		if (!prefix)
			return -ENOMEM;
		prefix->profile = held->profile;
		prefix->fingerprint = held->fingerprints[level];
		prefix->level = (uint8_t)level;
		prefix->stratum = held->flags & HELD_STARTUP ? STARTUP : STEADY;
		if (fp_map_put(&b->prefixes, prefix->fingerprint, prefix)) {
			free(prefix);
			return -ENOMEM;
		}
	}
	prefix->n_held++;
	return 0;
}

static void release_prefixes(struct held *held, unsigned from, unsigned to, bool is_learned)
{
	struct baseline *b = held->profile->baseline;

	for (unsigned l = from; l < to; l++) {
		struct held_prefix *prefix = prefix_of(held, l);

		if (!prefix)
			continue;
		prefix->n_held--;
		if (!(held->flags & HELD_QUARANTINED) && prefix->n_waiting)
			prefix->n_waiting--;
		prefix->is_learned = prefix->is_learned || is_learned;
		if (prefix->n_held == 0)
			free(fp_map_remove(&b->prefixes, prefix->fingerprint));
	}
}

static int share_prefixes(struct held *held)
{
	for (unsigned l = held->new_level; l < held->key.n; l++) {
		if (share_prefix(held, l)) {
			release_prefixes(held, held->new_level, l, false);
			return -ENOMEM;
		}
	}
	return 0;
}

static void mark(struct held *held, struct held_prefix *prefix, bool is_host_new)
{
	struct profile *p = held->profile;

	prefix->unit = discovery_mark(&p->levels[prefix->level].streams[prefix->stratum]);
	prefix->is_marked = true;
	stream_mark_distinct(&p->levels[prefix->level].streams[prefix->stratum].stream);
	p->streams_dirty = p->is_dirty = true;
	if (is_host_new && prefix->stratum == STEADY && p->baseline->pool)
		prefix->is_pool_marked =
			pool_mark(p->baseline->pool, p, prefix->level, &prefix->pool_unit);
}

static void withdraw(struct held *held, struct held_prefix *prefix)
{
	struct profile *p = held->profile;

	discovery_withdraw(&p->levels[prefix->level].streams[prefix->stratum], prefix->unit);
	if (prefix->is_pool_marked && p->baseline->pool)
		pool_withdraw(p->baseline->pool, p, prefix->level, prefix->pool_unit);
	prefix->is_marked = prefix->is_pool_marked = false;
	p->streams_dirty = p->is_dirty = true;
}

static void start_waiting(struct held *held, unsigned host_new_level)
{
	for (unsigned l = held->new_level; l < held->key.n; l++) {
		struct held_prefix *prefix = prefix_of(held, l);

		if (prefix->n_waiting++ == 0 && !prefix->is_marked && !prefix->is_learned)
			mark(held, prefix, l >= host_new_level);
	}
}

/* Make room for a suspicious behaviour: the latest waiting one of this workload goes, and will be
 * new again. */
static bool evict_one(struct pending *pending, const struct baseline *b)
{
	for (struct held *held = pending->last; held; held = held->previous) {
		if (held->profile->baseline != b)
			continue;
		pending->evicted_total++;
		free(pending_take(pending, held, false));
		return true;
	}
	return false;
}

static bool has_room(struct pending *pending, const struct baseline *b, bool is_suspicious)
{
	if (b->held.count < pending->per_workload_max)
		return true;
	if (is_suspicious && evict_one(pending, b))
		return true;
	pending->refused_total++;
	return false;
}

static void keep(struct pending *pending, struct held *held)
{
	pending->n_held++;
	pending->bytes += held_bytes(held);
	if (held->flags & HELD_QUARANTINED) {
		pending->n_quarantined++;
		held->profile->baseline->n_quarantined++;
	} else if (!(held->flags & HELD_ANOMALOUS)) {
		enqueue(pending, held);
	}
}

static void fill_first_sight(struct held *held, const struct first_sight *sight, uint32_t epoch)
{
	held->new_level = sight->new_level;
	held->flags = (uint8_t)((sight->is_startup ? HELD_STARTUP : 0) |
				(sight->is_anomalous ? HELD_ANOMALOUS : 0) |
				(sight->is_suspicious ? HELD_QUARANTINED : 0) |
				(sight->is_matched ? HELD_BY_RULE : 0));
	held->first_epoch = held->last_epoch = epoch;
	held->active_epochs = held->days = 1;
	held->last_day = (uint32_t)(sight->ts_ns / NS_PER_DAY);
	held->first_ns = held->last_ns = sight->ts_ns;
	held->events = 1;
	held->anomaly = sight->anomaly;
}

int pending_add(struct pending *pending, struct profile *p, const struct first_sight *sight,
		uint32_t epoch)
{
	SCOPED(free_ptr) struct held *held = NULL;
	struct held *kept;

	if (!has_room(pending, p->baseline, sight->is_suspicious))
		return -ENOSPC;
	held = held_create(p, sight->key, sight->fingerprints);
	if (!held)
		return -ENOMEM;
	fill_first_sight(held, sight, epoch);
	if (share_prefixes(held))
		return -ENOMEM;
	if (fp_map_put(&p->baseline->held, leaf_of(held), held)) {
		release_prefixes(held, held->new_level, held->key.n, false);
		return -ENOMEM;
	}
	kept = TAKE(held);
	if (!sight->is_suspicious)
		start_waiting(kept, sight->host_new_level);
	keep(pending, kept);
	note_changed(kept);
	return 0;
}

void pending_see(struct held *held, uint32_t epoch, uint64_t ts_ns)
{
	uint32_t day = (uint32_t)(ts_ns / NS_PER_DAY);

	held->events++;
	held->last_ns = MAX(held->last_ns, ts_ns);
	if (epoch <= held->last_epoch)
		return;
	held->last_epoch = epoch;
	held->active_epochs++;
	if (day > held->last_day) {
		held->days++;
		held->last_day = day;
	}
	note_changed(held);
}

void pending_quarantine(struct pending *pending, struct held *held, bool is_matched)
{
	if (is_matched && !(held->flags & HELD_BY_RULE)) {
		held->flags |= HELD_BY_RULE;
		note_changed(held);
	}
	if (held->flags & HELD_QUARANTINED)
		return;
	for (unsigned l = held->new_level; l < held->key.n; l++) {
		struct held_prefix *prefix = prefix_of(held, l);

		if (--prefix->n_waiting == 0 && prefix->is_marked && !prefix->is_learned)
			withdraw(held, prefix);
	}
	dequeue(pending, held);
	held->flags |= HELD_QUARANTINED;
	pending->n_quarantined++;
	held->profile->baseline->n_quarantined++;
	note_changed(held);
}

void pending_set_anomalous(struct pending *pending, struct held *held)
{
	if (held->flags & HELD_ANOMALOUS)
		return;
	held->flags |= HELD_ANOMALOUS;
	dequeue(pending, held);
	note_changed(held);
}

bool pending_is_absorbable(const struct held *held)
{
	return (held->flags & (HELD_ANOMALOUS | HELD_QUARANTINED)) &&
	       !(held->flags & HELD_BY_RULE) && held->active_epochs >= ABSORB_ACTIVE_EPOCHS &&
	       held->days >= ABSORB_DAYS;
}

uint64_t held_due_ns(const struct pending *pending, const struct held *held)
{
	return held->first_ns + pending->hold_ns;
}

struct held *pending_due(const struct pending *pending, uint64_t now_ns)
{
	struct held *held = pending->first;

	return held && held_due_ns(pending, held) <= now_ns ? held : NULL;
}

struct held *pending_take(struct pending *pending, struct held *held, bool is_learned)
{
	struct baseline *b = held->profile->baseline;

	dequeue(pending, held);
	release_prefixes(held, held->new_level, held->key.n, is_learned);
	fp_map_remove(&b->held, leaf_of(held));
	pending->n_held--;
	pending->bytes -= held_bytes(held);
	if (held->flags & HELD_QUARANTINED) {
		pending->n_quarantined--;
		b->n_quarantined--;
	}
	baseline_note_gone(b, leaf_of(held));
	return held;
}

int pending_restore(struct pending *pending, struct held *held,
		    const struct held_mark marks[RECORD_LEVELS_MAX])
{
	SCOPED(free_ptr) struct held *owned = held;
	struct baseline *b = held->profile->baseline;

	if (share_prefixes(held))
		return -ENOMEM;
	if (fp_map_put(&b->held, leaf_of(held), held)) {
		release_prefixes(held, held->new_level, held->key.n, false);
		return -ENOMEM;
	}
	for (unsigned l = held->new_level; l < held->key.n; l++) {
		struct held_prefix *prefix = prefix_of(held, l);

		prefix->unit = marks[l].unit;
		prefix->pool_unit = marks[l].pool_unit;
		prefix->is_marked = marks[l].is_marked;
		prefix->is_pool_marked = marks[l].is_pool_marked;
		prefix->is_learned = marks[l].is_learned;
		prefix->n_waiting += !(held->flags & HELD_QUARANTINED);
	}
	keep(pending, TAKE(owned));
	return 0;
}

void pending_settle(struct baseline *b)
{
	struct held_prefix *prefix;
	uint32_t cursor = 0;

	while ((prefix = fp_map_next(&b->prefixes, &cursor))) {
		struct prefix known;

		if (profile_find(prefix->profile, prefix->level, prefix->fingerprint, b->epoch,
				 &known))
			prefix->is_learned = true;
		if (prefix->n_waiting == 0)
			prefix->is_marked = prefix->is_pool_marked = false;
	}
}

void pending_drop_all(struct pending *pending, struct baseline *b)
{
	struct held_prefix *prefix;
	struct held *held;
	uint32_t cursor = 0;

	while ((held = fp_map_next(&b->held, &cursor))) {
		dequeue(pending, held);
		pending->n_held--;
		pending->n_quarantined -= (held->flags & HELD_QUARANTINED) != 0;
		pending->bytes -= held_bytes(held);
		free(held);
	}
	cursor = 0;
	while ((prefix = fp_map_next(&b->prefixes, &cursor)))
		free(prefix);
	fp_map_done(&b->held);
	fp_map_done(&b->prefixes);
	b->n_quarantined = 0;
}
