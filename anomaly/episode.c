#include "anomaly/episode.h"

#include <math.h>
#include <stdlib.h>

#include "base/util.h"

#define FURTHER_MAX 8 /* distinct values in a stream that pay, beside the first */

void episode_destroy(struct episode **episode)
{
	struct episode *e = *episode;

	if (!e)
		return;
	for (uint32_t i = 0; i < e->n_kept_alerts; i++)
		record_free(e->alerts[i]);
	record_free(e->incident);
	free(e);
	*episode = NULL;
}

static void name_it(struct episode_names *names, struct text name)
{
	uint32_t len = MIN(name.len, EPISODE_NAME_BYTES);

	for (uint32_t i = 0; i < names->n; i++) {
		struct text known = {names->items[i].bytes, names->items[i].len};

		if (text_equal(known, (struct text){name.ptr, len})) {
			names->items[i].times++;
			return;
		}
	}
	if (names->n == EPISODE_NAMES_MAX || len == 0)
		return;
	memcpy(names->items[names->n].bytes, name.ptr, len);
	names->items[names->n].len = (uint8_t)len;
	names->items[names->n++].times = 1;
}

static struct episode_stream *stream_of(struct episode *e, uint64_t key)
{
	for (uint32_t i = 0; i < e->n_streams; i++) {
		if (e->streams[i].key == key)
			return &e->streams[i];
	}
	if (e->n_streams == EPISODE_STREAMS_MAX)
		return NULL;
	e->streams[e->n_streams] = (struct episode_stream){.key = key};
	return &e->streams[e->n_streams++];
}

/* Each new prefix pays once in an episode. */
static bool take_value(struct episode *e, uint64_t value)
{
	for (uint32_t i = 0; i < e->n_values; i++) {
		if (e->values[i] == value)
			return false;
	}
	if (e->n_values == EPISODE_VALUES_MAX) {
		e->n_unpaid++;
		return false;
	}
	e->values[e->n_values++] = value;
	return true;
}

static double paid(const struct episode_stream *s)
{
	return s->bits + s->further_bits;
}

/* The strongest deviation pays in full, further ones as clumps, never more than their own bits. */
static void pay(struct episode_stream *s, const struct deviation *d)
{
	double further = MIN(d->clump_bits, MIN(d->bits, s->bits));

	if (s->bits > 0 && s->n_further < FURTHER_MAX) {
		s->further_bits += further;
		s->n_further++;
	}
	s->bits = MAX(s->bits, d->bits);
}

static bool add_deviation(struct episode *e, const struct sighting *s, const struct deviation *d)
{
	uint64_t key = (uint64_t)s->dimension << 8 | (uint64_t)(uint8_t)d->level << 1 |
		       (uint64_t)s->is_startup;
	struct episode_stream *stream;
	double before;

	/* A level that is still learning pays nothing: its news belong into the baseline, and an
	 * incident would keep them out. */
	if (!d->is_ready || !(d->bits > 0) || !take_value(e, s->fingerprints[d->level]))
		return false;
	stream = stream_of(e, key);
	if (!stream) {
		e->n_unpaid++;
		return false;
	}
	before = paid(stream);
	pay(stream, d);
	e->bits += paid(stream) - before;
	return paid(stream) > before;
}

static bool add_anomaly(struct episode *e, const struct deviation *d)
{
	if (!d->anomaly_id)
		return false;
	for (uint32_t i = 0; i < e->n_ids; i++) {
		if (e->anomaly_ids[i] == d->anomaly_id)
			return false;
	}
	if (e->n_ids == EPISODE_ANOMALIES_MAX) {
		e->n_unpaid++;
		return false;
	}
	name_it(&e->dimensions, d->dimension);
	e->anomaly_ids[e->n_ids++] = d->anomaly_id;
	e->n_anomalies++;
	return true;
}

bool episode_add_score(struct episode *e, const struct score *score)
{
	bool has_grown = false;

	for (uint32_t i = 0; i < score->n; i++) {
		const struct deviation *d = &score->items[i];

		if (!d->is_deviation || d->level < 0)
			continue;
		e->has_above = e->has_above || d->is_above_threshold;
		if (d->age_epochs > e->age_epochs) {
			e->age_epochs = d->age_epochs;
			e->epoch_unit_s = d->epoch_unit_s;
		}
		has_grown |= add_deviation(e, &score->sightings->items[i], d);
		has_grown |= add_anomaly(e, d);
	}
	return has_grown;
}

static void keep_alert(struct episode *e, const struct record_alert *alert)
{
	struct record_alert *copy = record_alert_copy(alert);

	if (!copy)
		return; /* it still counts; only its late joining is lost */
	if (e->n_kept_alerts == EPISODE_ALERTS_MAX) {
		record_free(e->alerts[0]);
		memmove(&e->alerts[0], &e->alerts[1],
			(EPISODE_ALERTS_MAX - 1) * sizeof(e->alerts[0]));
		e->n_kept_alerts--;
	}
	e->alerts[e->n_kept_alerts++] = copy;
}

void episode_note_alert(struct episode *e, const struct record_alert *alert)
{
	name_it(&e->rules, alert->rule);
	if (!e->incident)
		keep_alert(e, alert);
}

static void say_names(struct phrase *p, const struct episode_names *names)
{
	if (!names->n)
		return;
	phrase_text(p, TEXT(" ("));
	for (uint32_t i = 0; i < names->n; i++) {
		if (i)
			phrase_text(p, TEXT(", "));
		phrase_text(p, (struct text){names->items[i].bytes, names->items[i].len});
		if (names->items[i].times > 1)
			phrase_printf(p, " x %u", names->items[i].times);
	}
	if (names->n == EPISODE_NAMES_MAX)
		phrase_text(p, TEXT(", ..."));
	phrase_text(p, TEXT(")"));
}

void episode_summary(const struct episode *e, struct text workload_name, struct text root_exe,
		     struct phrase *out)
{
	phrase_short(out, root_exe.len ? root_exe : TEXT("a process"), 128);
	phrase_text(out, TEXT(" in "));
	phrase_short(out, plain_workload_name(workload_name), 128);
	phrase_printf(out, ": %u %sbehaviour%s never seen", e->n_anomalies,
		      e->n_anomalies == EPISODE_ANOMALIES_MAX ? "or more " : "",
		      e->n_anomalies == 1 ? "" : "s");
	say_names(out, &e->dimensions);
	if (e->n_alerts) {
		phrase_printf(out, ", %u alert%s", e->n_alerts, e->n_alerts == 1 ? "" : "s");
		say_names(out, &e->rules);
	}
	phrase_text(out, TEXT("; expected once in "));
	phrase_duration(out, e->return_period_s);
}
