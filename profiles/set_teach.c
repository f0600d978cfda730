/* What events teach a profile set: commit and the passing of time. */
#include "profiles/profile_set.h"

#include <stdlib.h>

#include "base/util.h"
#include "profiles/set_private.h"

#define NS_PER_DAY UINT64_C(86400000000000)
#define LEARNED_MAX 65536 /* texts that wait for a checkpoint */
#define LESSONS_PER_TICK 64
#define PROFILES_PER_SWEEP 16
#define SLOTS_PER_SWEEP 4096

static void fill_key(const struct sighting *s, struct record_key *key)
{
	key->n = s->n_levels;
	for (unsigned l = 0; l < s->n_levels; l++)
		key->fields[l] = s->fields[l];
}

/* held is owned from here. */
static void keep_text(struct profile_set *set, struct held *held)
{
	if (set->n_learned >= LEARNED_MAX) {
		set->texts_dropped_total++;
		free(held);
		return;
	}
	held->next = set->learned;
	set->learned = held;
	set->n_learned++;
}

static void learn(struct profile_set *set, struct held *held)
{
	struct profile *p = held->profile;
	struct lesson lesson = {
		.fingerprints = held->fingerprints,
		.key = &held->key,
		.new_level = held->new_level,
		.first_epoch = held->first_epoch,
		.last_epoch = held->last_epoch,
		.active_epochs = held->active_epochs,
		.events = held->events,
	};

	set->absorbed_total += (held->flags & (HELD_ANOMALOUS | HELD_QUARANTINED)) != 0;
	pending_take(&set->pending, held, true);
	profile_learn(p, &lesson);
	population_learn(&set->population, p, &held->key, held->last_epoch);
	set->learned_today++;
	if (held->anomaly && set->tell_learned)
		set->tell_learned(held->anomaly, set->tell_arg);
	keep_text(set, held);
}

void profile_set_on_learned(struct profile_set *set, profile_learned_fn *learned, void *arg)
{
	set->tell_learned = learned;
	set->tell_arg = arg;
}

/* It finds no room in pending, so it will be new again; the streams know all the same, once a unit.
 */
static void mark_refused(struct profile *p, const struct sighting *s)
{
	for (unsigned l = (unsigned)s->new_level; l < s->n_levels; l++) {
		struct discovery *d = &p->levels[l].streams[s->is_startup ? STARTUP : STEADY];

		if (d->stream.open_new == 0)
			discovery_mark(d);
	}
	p->streams_dirty = p->is_dirty = true;
}

static void hold(struct profile_set *set, const struct sighting *s, const struct verdict *verdict,
		 uint32_t i, uint64_t ts_ns)
{
	struct profile *p = s->profile;
	struct record_key key;
	struct first_sight sight = {
		.fingerprints = s->fingerprints,
		.key = &key,
		.new_level = (uint8_t)s->new_level,
		.is_startup = s->is_startup,
		.is_anomalous = verdict->is_anomalous[i] &&
				p->levels[s->new_level].streams[STEADY].stream.is_ready,
		.is_suspicious = verdict->is_suspicious,
		.is_matched = verdict->is_suspicious && !verdict->is_incident_only,
		.ts_ns = ts_ns,
		.anomaly = verdict->anomaly_ids[i],
	};

	fill_key(s, &key);
	sight.host_new_level = (uint8_t)population_new_level(&set->population, p, &key);
	if (pending_add(&set->pending, p, &sight, p->baseline->epoch) && !sight.is_suspicious)
		mark_refused(p, s);
}

static void see_held(struct profile_set *set, struct held *held, const struct sighting *s,
		     const struct verdict *verdict, uint32_t i, uint64_t ts_ns)
{
	const struct profile *p = s->profile;

	pending_see(held, p->baseline->epoch, ts_ns);
	if (verdict->anomaly_ids[i] && held->anomaly != verdict->anomaly_ids[i]) {
		held->anomaly = verdict->anomaly_ids[i];
		held->is_dirty = p->baseline->is_dirty = true;
	}
	if (verdict->is_suspicious)
		pending_quarantine(&set->pending, held, !verdict->is_incident_only);
	else if (verdict->is_anomalous[i] &&
		 p->levels[s->new_level].streams[STEADY].stream.is_ready)
		pending_set_anomalous(&set->pending, held);
	if (!verdict->is_suspicious && pending_is_absorbable(held))
		learn(set, held);
}

static void teach_new(struct profile_set *set, const struct sighting *s, struct finding *f,
		      const struct verdict *verdict, uint32_t i, uint64_t ts_ns)
{
	bool is_innocent =
		!verdict->is_suspicious && !(f->held && (f->held->flags & HELD_QUARANTINED));

	if (is_innocent)
		profile_see_prefixes(s->profile, s->fingerprints, (unsigned)s->new_level,
				     s->is_startup ? STARTUP : STEADY, s->profile->baseline->epoch);
	if (f->held)
		see_held(set, f->held, s, verdict, i, ts_ns);
	else
		hold(set, s, verdict, i, ts_ns);
}

static void teach_known(const struct sighting *s, const struct finding *f)
{
	struct profile *p = s->profile;
	struct head_slot *slot = f->leaf.slot;
	struct record_key key;

	/* Nearly always: seen in this epoch already. */
	if (slot && slot->last_epoch >= p->baseline->epoch) {
		slot->events += slot->events < UINT32_MAX;
		p->events_total++;
		return;
	}
	fill_key(s, &key);
	p->baseline->is_dirty = true;
	profile_see(p, s->fingerprints, &key, s->is_startup ? STARTUP : STEADY, p->baseline->epoch,
		    &f->leaf);
}

void profile_set_commit(struct profile_set *set, const struct field_context *ctx,
			const struct sightings *sightings, const struct verdict *verdict)
{
	uint64_t ts_ns = ctx->event->ts_ns;

	for (uint32_t i = 0; i < sightings->n; i++) {
		const struct sighting *s = &sightings->items[i];

		profile_note_active(s->profile, s->profile->baseline->epoch, ts_ns);
		if (s->new_level < 0)
			teach_known(s, &set->findings[i]);
		else
			teach_new(set, s, &set->findings[i], verdict, i, ts_ns);
	}
}

/* Some profiles an epoch, so that all are looked at many times within forget_days. */
static void sweep(struct profile_set *set, uint32_t epoch)
{
	uint32_t n = set->n_baselines * set->n_dimensions;

	for (uint32_t i = 0; i < PROFILES_PER_SWEEP && i < n; i++) {
		struct baseline *b;
		struct profile *p;

		set->sweep_at = (set->sweep_at + 1) % n;
		b = set->baselines[set->sweep_at / set->n_dimensions];
		p = b->profiles[set->sweep_at % set->n_dimensions];
		if (p)
			profile_forget(p, epoch, SLOTS_PER_SWEEP);
	}
	set->swept_epoch = epoch;
}

void profile_set_tick(struct profile_set *set, uint64_t now_ns)
{
	uint32_t epoch = epoch_of(&set->clock, now_ns);
	uint32_t today = (uint32_t)(now_ns / NS_PER_DAY);
	struct held *held;

	profile_set_move_on(set, now_ns);
	if (today != set->today) {
		set->today = today;
		set->learned_today = 0;
	}
	for (int i = 0; i < LESSONS_PER_TICK; i++) {
		held = pending_due(&set->pending, now_ns);
		if (!held)
			break;
		learn(set, held);
	}
	if (epoch != set->swept_epoch)
		sweep(set, epoch);
}

void profile_set_quarantine(struct profile_set *set, uint64_t anomaly_id)
{
	for (uint32_t i = 0; anomaly_id && i < set->n_baselines; i++) {
		const struct fp_map *all = &set->baselines[i]->held;
		uint32_t cursor = 0;
		struct held *held;

		while ((held = fp_map_next(all, &cursor))) {
			if (held->anomaly == anomaly_id)
				pending_quarantine(&set->pending, held, false);
		}
	}
}
