#include <errno.h>

#include "anomaly/incidents.h"
#include "anomaly/phrase.h"
#include "base/arena.h"
#include "base/util.h"
#include "profiles/behavior_counts.h"

#define KEY_TEXT_MAX 4096
#define KEY_FIELD_MAX 1024

/* What a field of a family reads: the row's variant. */
enum anomaly_part {
	ANOMALY_RETURN_PERIOD,
	ANOMALY_BITS,
	ANOMALY_BASIS,
	ANOMALY_CAPPED,
	ANOMALY_DIMENSION,
	ANOMALY_LEVEL,
	ANOMALY_NOVEL,
	ANOMALY_ABOVE,
	ANOMALY_REPEAT,
	ANOMALY_ID,
	ANOMALY_KEY,
	ANOMALY_INCIDENT,
};

enum workload_part { PART_NAME, PART_ID, PART_KIND, PART_INSTANCE, PART_STATE, PART_COVERAGE };

enum sketch_part { SKETCH_COUNT, SKETCH_PROFILE };

enum incident_part {
	INCIDENT_ID,
	INCIDENT_RETURN_PERIOD,
	INCIDENT_BITS,
	INCIDENT_ANOMALIES,
	INCIDENT_ALERTS,
	INCIDENT_ABOVE,
	INCIDENT_WORKLOAD,
	INCIDENT_SUMMARY,
	INCIDENT_ROOT_PID,
	INCIDENT_ROOT_EXE,
	INCIDENT_FROM,
	INCIDENT_TO,
};

static bool give_id(const struct field_context *ctx, char letter, uint64_t id, struct value *value)
{
	char *bytes = arena_alloc(ctx->arena, 24);
	struct phrase phrase = {bytes, 0, 24};

	if (!bytes || !id)
		return false;
	phrase_printf(&phrase, "%c%llu", letter, (unsigned long long)id);
	value->text = phrase_result(&phrase);
	return true;
}

static bool give_key(const struct field_context *ctx, const struct sighting *s,
		     const struct field_arg *arg, struct value *value)
{
	struct phrase phrase = {.size = KEY_TEXT_MAX};
	struct record_key key;

	if (!profile_sighting_key(s, ctx, &key))
		return false;
	if (arg->is_given && arg->is_index) {
		if (arg->index < 0 || arg->index >= key.n)
			return false;
		value->text = key.fields[arg->index];
		return true;
	}
	phrase.bytes = arena_alloc(ctx->arena, KEY_TEXT_MAX);
	if (!phrase.bytes)
		return false;
	phrase_key(&phrase, key.fields, key.n, KEY_FIELD_MAX);
	value->text = phrase_result(&phrase);
	return true;
}

/* The event's deviation in the named dimension, or its strongest; -1: none. */
static int pick_deviation(const struct score *score, const struct field *field,
			  const struct field_arg *arg)
{
	bool by_name = arg->is_given && field->variant != ANOMALY_KEY;
	int best = -1;

	for (uint32_t i = 0; score && i < score->n; i++) {
		const struct deviation *d = &score->items[i];

		if (!d->is_deviation || (by_name && !text_equal(d->dimension, arg->text)))
			continue;
		if (best < 0 || d->return_period_s > score->items[best].return_period_s)
			best = (int)i;
	}
	return best;
}

static bool extract_anomaly(const struct field_context *ctx, const struct field *field,
			    const struct field_arg *arg, struct values *out)
{
	int i = pick_deviation(ctx->score, field, arg);
	const struct deviation *d;
	struct value *value;

	if (i < 0)
		return false;
	value = field_one_value(ctx, field, out);
	if (!value)
		return false;
	d = &ctx->score->items[i];
	switch ((enum anomaly_part)field->variant) {
	case ANOMALY_RETURN_PERIOD:
		value->f64 = d->return_period_s;
		return true;
	case ANOMALY_BITS:
		value->f64 = d->bits;
		return true;
	case ANOMALY_BASIS:
		value->f64 = d->basis_s;
		return true;
	case ANOMALY_CAPPED:
		value->u64 = d->is_capped;
		return true;
	case ANOMALY_DIMENSION:
		value->text = d->dimension;
		return true;
	case ANOMALY_LEVEL:
		value->i64 = d->level;
		return true;
	case ANOMALY_NOVEL:
		value->u64 = d->level >= 0;
		return true;
	case ANOMALY_ABOVE:
		value->u64 = d->is_above_threshold;
		return true;
	case ANOMALY_REPEAT:
		value->u64 = d->is_repeat;
		return true;
	case ANOMALY_ID:
		return give_id(ctx, 'a', d->anomaly_id, value);
	case ANOMALY_KEY:
		return give_key(ctx, &ctx->score->sightings->items[i], arg, value);
	case ANOMALY_INCIDENT:
		return give_id(ctx, 'i', ctx->score->incident_id, value);
	}
	return false;
}

/* From the profile of the event's first sighting: known behaviours, too, have a workload. */
static bool give_learning(const struct field_context *ctx, const struct field *field,
			  struct value *value)
{
	struct profile_view view;

	if (!ctx->score || !ctx->score->n)
		return false;
	profile_view(&ctx->score->sightings->items[0], &view);
	if (field->variant == PART_COVERAGE)
		value->f64 = view.coverage;
	else
		value->text = view.is_ready ? TEXT("ready") : TEXT("learning");
	return true;
}

static bool extract_workload(const struct field_context *ctx, const struct field *field,
			     const struct field_arg *arg, struct values *out)
{
	const struct process *process = ctx->subject ? ctx->subject->process : NULL;
	struct value *value;

	(void)arg;
	if (!process || !process->workload)
		return false;
	value = field_one_value(ctx, field, out);
	if (!value)
		return false;
	switch ((enum workload_part)field->variant) {
	case PART_NAME:
		value->text = process->workload->name;
		return true;
	case PART_ID: {
		char *bytes = arena_alloc(ctx->arena, 17);
		struct phrase phrase = {bytes, 0, 17};

		if (!bytes)
			return false;
		phrase_printf(&phrase, "%016llx", (unsigned long long)process->workload->id);
		value->text = phrase_result(&phrase);
		return true;
	}
	case PART_KIND:
		value->text = text_from(workload_kind_name(process->workload->kind));
		return true;
	case PART_INSTANCE:
		value->text = process->instance ? process->instance->id : TEXT_NONE;
		return process->instance != NULL;
	case PART_STATE:
	case PART_COVERAGE:
		return give_learning(ctx, field, value);
	}
	return false;
}

static bool give_incident(const struct field_context *ctx, const struct field *field,
			  struct value *value)
{
	const struct record_incident *incident = ctx->incident;

	switch ((enum incident_part)field->variant) {
	case INCIDENT_ID:
		return give_id(ctx, 'i', incident->id, value);
	case INCIDENT_RETURN_PERIOD:
		value->f64 = incident->return_period_s;
		return true;
	case INCIDENT_BITS:
		value->f64 = incident->bits;
		return true;
	case INCIDENT_ANOMALIES:
		value->u64 = incident->n_anomalies;
		return true;
	case INCIDENT_ALERTS:
		value->u64 = incident->n_alerts;
		return true;
	case INCIDENT_ABOVE:
		value->u64 = incident->above_threshold;
		return true;
	case INCIDENT_WORKLOAD:
		value->text = incident->workload_name;
		return true;
	case INCIDENT_SUMMARY:
		value->text = incident->summary;
		return true;
	case INCIDENT_ROOT_PID:
		value->i64 = incident->root.pid;
		return true;
	case INCIDENT_ROOT_EXE:
		value->text = incident->root.exe;
		return true;
	case INCIDENT_FROM:
		value->u64 = incident->from_ns;
		return true;
	case INCIDENT_TO:
		value->u64 = incident->to_ns;
		return true;
	}
	return false;
}

static bool extract_incident(const struct field_context *ctx, const struct field *field,
			     const struct field_arg *arg, struct values *out)
{
	struct value *value;

	(void)arg;
	if (!ctx->incident)
		return false;
	value = field_one_value(ctx, field, out);
	return value && give_incident(ctx, field, value);
}

/* The event's sighting in the dimension with that number. */
static const struct sighting *sighting_in(const struct field_context *ctx, int64_t dimension)
{
	const struct sightings *sightings = ctx->score ? ctx->score->sightings : NULL;

	for (uint32_t i = 0; sightings && i < MIN(ctx->score->n, SIGHTINGS_MAX); i++) {
		if (sightings->items[i].dimension == dimension)
			return &sightings->items[i];
	}
	return NULL;
}

/* Where behaviour profiles are configured, the number is one of theirs. */
static bool extract_counts(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	bool wants_text = field->variant == SKETCH_PROFILE;
	int64_t index = arg->is_given ? arg->index : 0;
	struct text text = TEXT_NONE;
	struct value *value;
	uint64_t count = 0;

	if (index >= BEHAVIOR_PROFILES_MAX ||
	    !behavior_counts_ask(ctx->counts, ctx, (uint32_t)index, wants_text ? NULL : &count,
				 wants_text ? &text : NULL))
		return false;
	value = field_one_value(ctx, field, out);
	if (!value)
		return false;
	if (wants_text)
		value->text = text;
	else
		value->u64 = count;
	return true;
}

static bool extract_sketch(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	struct field_arg whole = {0};
	const struct sighting *s;
	struct value *value;

	if (ctx->counts)
		return extract_counts(ctx, field, arg, out);
	s = sighting_in(ctx, arg->is_given ? arg->index : 0);
	if (!s)
		return false;
	value = field_one_value(ctx, field, out);
	if (!value)
		return false;
	if (field->variant == SKETCH_PROFILE)
		return give_key(ctx, s, &whole, value);
	value->u64 = profile_count(s) + 1; /* the field has always counted the event itself, too */
	return true;
}

static bool extract_duration(const struct field_context *ctx, const struct field *field,
			     const struct field_arg *arg, struct values *out)
{
	struct value *value;

	(void)arg;
	if (!ctx->event || !ctx->first_event_ns || ctx->event->ts_ns < ctx->first_event_ns)
		return false;
	value = field_one_value(ctx, field, out);
	if (!value)
		return false;
	value->u64 = ctx->event->ts_ns - ctx->first_event_ns;
	return true;
}

static int check_index(const struct field *field, struct field_arg *arg)
{
	(void)field;
	return !arg->is_given || (arg->is_index && arg->index >= 0) ? 0 : -EINVAL;
}

#define BY_DIMENSION (FIELD_ARG_ALLOWED | FIELD_ARG_KEY)
#define BY_INDEX (FIELD_ARG_ALLOWED | FIELD_ARG_INDEX)

#define ANOMALY(name, type, flags, check, part, description)                                       \
	{                                                                                          \
		"anomaly." name, type, flags, extract_anomaly, check, description, part            \
	}
#define WORKLOAD(name, type, part, description)                                                    \
	{                                                                                          \
		"workload." name, type, 0, extract_workload, NULL, description, part               \
	}
#define INCIDENT(name, type, part, description)                                                    \
	{                                                                                          \
		"incident." name, type, 0, extract_incident, NULL, description, part               \
	}

static const struct field fields[] = {
	ANOMALY("return_period_s", VALUE_DOUBLE, BY_DIMENSION, NULL, ANOMALY_RETURN_PERIOD,
		"How rarely the workload does something at least this strange, in seconds; of the "
		"event's strongest deviation, or of the one in the dimension in brackets."),
	ANOMALY("bits", VALUE_DOUBLE, BY_DIMENSION, NULL, ANOMALY_BITS,
		"The same as bits of surprise: log2 of the return period in epochs."),
	ANOMALY("basis_s", VALUE_DOUBLE, BY_DIMENSION, NULL, ANOMALY_BASIS,
		"How long the dimension has been observed for this workload, in seconds."),
	ANOMALY("capped", VALUE_BOOL, BY_DIMENSION, NULL, ANOMALY_CAPPED,
		"Whether the claim is as long as so short an observation allows."),
	ANOMALY("dimension", VALUE_CHARBUF, BY_DIMENSION, NULL, ANOMALY_DIMENSION,
		"The dimension that deviates most."),
	ANOMALY("level", VALUE_INT64, BY_DIMENSION, NULL, ANOMALY_LEVEL,
		"Coarsest key field that is new, 0 the coarsest of all."),
	ANOMALY("novel", VALUE_BOOL, BY_DIMENSION, NULL, ANOMALY_NOVEL,
		"Whether the behaviour was never seen."),
	ANOMALY("above_threshold", VALUE_BOOL, BY_DIMENSION, NULL, ANOMALY_ABOVE,
		"Whether the return period passes the current threshold."),
	ANOMALY("repeat", VALUE_BOOL, BY_DIMENSION, NULL, ANOMALY_REPEAT,
		"Whether the deviation continues an open anomaly."),
	ANOMALY("id", VALUE_CHARBUF, BY_DIMENSION, NULL, ANOMALY_ID, "The anomaly it belongs to."),
	ANOMALY("key", VALUE_CHARBUF, BY_INDEX, check_index, ANOMALY_KEY,
		"The behaviour's key, or the field of it with the number in brackets."),
	ANOMALY("incident", VALUE_CHARBUF, 0, NULL, ANOMALY_INCIDENT,
		"The open incident of the process subtree."),
	WORKLOAD("name", VALUE_CHARBUF, PART_NAME, "The baseline the process belongs to."),
	WORKLOAD("id", VALUE_CHARBUF, PART_ID, "Its id: 16 hex digits, the same on every host."),
	WORKLOAD("kind", VALUE_CHARBUF, PART_KIND, "pod, image, unit, user, exe or unresolved."),
	WORKLOAD("instance", VALUE_CHARBUF, PART_INSTANCE,
		 "The running copy: container id, session, process."),
	WORKLOAD("state", VALUE_CHARBUF, PART_STATE,
		 "ready or learning, of the dimension that the event shows."),
	WORKLOAD("coverage", VALUE_DOUBLE, PART_COVERAGE,
		 "Estimated probability that the next behaviour of that dimension is a known one."),
	INCIDENT("id", VALUE_CHARBUF, INCIDENT_ID, "The incident."),
	INCIDENT("return_period_s", VALUE_DOUBLE, INCIDENT_RETURN_PERIOD,
		 "How rarely the workload shows an episode at least this strange, in seconds."),
	INCIDENT("bits", VALUE_DOUBLE, INCIDENT_BITS, "Bits of surprise, summed over streams."),
	INCIDENT("anomalies", VALUE_UINT64, INCIDENT_ANOMALIES, "Number of anomalies in it."),
	INCIDENT("alerts", VALUE_UINT64, INCIDENT_ALERTS, "Number of alerts in it."),
	INCIDENT("above_threshold", VALUE_BOOL, INCIDENT_ABOVE,
		 "Whether the return period passed the threshold."),
	INCIDENT("workload", VALUE_CHARBUF, INCIDENT_WORKLOAD, "Name of the workload."),
	INCIDENT("summary", VALUE_CHARBUF, INCIDENT_SUMMARY, "One sentence."),
	INCIDENT("root.pid", VALUE_PID, INCIDENT_ROOT_PID, "Process at the root of the subtree."),
	INCIDENT("root.exe", VALUE_FSPATH, INCIDENT_ROOT_EXE, "Its executable."),
	INCIDENT("from", VALUE_ABSTIME, INCIDENT_FROM, "When it began."),
	INCIDENT("to", VALUE_ABSTIME, INCIDENT_TO, "When something was last added."),
	{"anomaly.count_min_sketch", VALUE_UINT64, BY_INDEX, extract_sketch, check_index,
	 "How often the behaviour of the behavior profile with that number was seen, this time "
	 "included; without anomaly.count_min_sketch: of the dimension with that number.",
	 SKETCH_COUNT},
	{"anomaly.count_min_sketch.profile", VALUE_CHARBUF, BY_INDEX, extract_sketch, check_index,
	 "The behaviour that the event shows in the behavior profile, or dimension, with that number.",
	 SKETCH_PROFILE},
	{"anomaly.falco.duration_ns", VALUE_UINT64, 0, extract_duration, NULL,
	 "Time since the first event, in ns."},
};

struct field_table anomaly_field_table(void)
{
	return (struct field_table){fields, ARRAY_SIZE(fields)};
}
