#include "anomaly/scorer.h"

#include <errno.h>
#include <stdlib.h>

#include "anomaly/budget.h"
#include "anomaly/describe.h"
#include "anomaly/image.h"
#include "anomaly/judgement.h"
#include "anomaly/open_table.h"
#include "anomaly/record_image.h"
#include "base/util.h"

#define NS_PER_S UINT64_C(1000000000)
#define WORK_INTERVAL_NS (NS_PER_S / 10)
#define UPDATE_INTERVAL_NS NS_PER_S /* between two emissions of one anomaly */
#define BELOW_EMIT_MAX 8            /* anomalies below the threshold, per interval of work */
#define BELOW_KEPT_NS (86400 * NS_PER_S)
#define ABOVE_KEPT_NS (7 * 86400 * NS_PER_S)
#define LOST_MARK_NS (QUALITY_WINDOW_NS / 2) /* the last two count */
#define IMAGE_INTERVAL_NS (60 * NS_PER_S)
#define IMAGE_TAG UINT64_C(0x3130726f63736765) /* "egscor01" */

#define BITS_MIN 1.0 /* what happens every other epoch is not listed at all */

/* A further new value in one stream and episode: as surprising as a tossed coin. */
#define CLUMP_BITS 1.0

#define CACHE_SIZE 128    /* power of two */
#define PREFIXES_SIZE 512 /* power of two */
/* Anomalies that one new prefix (a new program, say) may open; more are folded into its first. */
#define ANOMALIES_PER_PREFIX_MAX 32

/* A waiting behaviour may be seen a hundred thousand times a second; its score is frozen for the
 * epoch. */
struct cached {
	uint64_t key, epoch;
	bool is_startup;
	struct deviation deviation;
};

/* How many anomalies a new prefix opened. Direct-mapped: a collision forgets the older one. */
struct prefix {
	uint64_t key, first_id;
	uint32_t n;
};

struct scorer {
	struct anomaly_config config;
	struct budget budget;
	struct open_table *open;
	const struct field *args_field;
	anomaly_emit_fn *emit;
	void *emit_arg;
	uint64_t next_id, epoch_ns;
	uint64_t now_ns, next_work_ns;
	uint64_t lost_total, lost_mark, lost_mark_older, lost_marked_ns;
	uint64_t image_ns;
	bool is_changed, is_urgent; /* since the last image */
	struct scorer_counters counters;
	struct cached cache[CACHE_SIZE];
	struct prefix prefixes[PREFIXES_SIZE];
};

static const struct field *find_args_field(void)
{
	struct field_table table = state_field_table();

	for (uint32_t i = 0; i < table.n; i++) {
		if (strcmp(table.fields[i].name, "evt.args") == 0)
			return &table.fields[i];
	}
	return NULL;
}

int scorer_create(struct scorer **out, const struct anomaly_config *config, uint64_t next_id)
{
	SCOPED(scorer_destroy) struct scorer *scorer = calloc(1, sizeof(*scorer));
	int r;

	if (!scorer)
		return -ENOMEM;
	r = open_table_create(&scorer->open);
	if (r)
		return r;
	scorer->config = *config;
	scorer->next_id = MAX(next_id, 1);
	scorer->epoch_ns = MAX((uint64_t)(config->epoch_s * 1e9), 1);
	scorer->args_field = find_args_field();
	budget_init(&scorer->budget, config->budget_per_day, config->min_return_period_s,
		    config->epoch_s);
	*out = TAKE(scorer);
	return 0;
}

void scorer_destroy(struct scorer **scorer)
{
	if (!*scorer)
		return;
	open_table_destroy(&(*scorer)->open);
	free(*scorer);
	*scorer = NULL;
}

void scorer_set_emit(struct scorer *scorer, anomaly_emit_fn *anomaly, void *arg)
{
	scorer->emit = anomaly;
	scorer->emit_arg = arg;
}

/* Emission ----------------------------------------------------------------------------------- */

static void emit(struct scorer *scorer, struct open_anomaly *a)
{
	struct record_anomaly *copy = record_anomaly_copy(a->record);

	if (!copy) {
		scorer->counters.memory_denied_total++;
		return;
	}
	a->emitted_ns = MAX(scorer->now_ns, 1);
	a->is_changed = false;
	if (scorer->emit)
		scorer->emit(copy, scorer->emit_arg);
	else
		record_free(copy);
}

static void touch(struct scorer *scorer, struct open_anomaly *a, bool is_urgent)
{
	a->is_changed = true;
	scorer->is_changed = true;
	scorer->is_urgent = scorer->is_urgent || is_urgent;
}

static void close_with(struct scorer *scorer, struct open_anomaly *a, enum anomaly_state state)
{
	a->record->state = state;
	if (a->emitted_ns)
		emit(scorer, a);
	scorer->is_changed = true;
}

static void leave(struct open_anomaly *a, void *arg)
{
	struct scorer *scorer = arg;

	scorer->counters.evicted_total += a->is_above;
	close_with(scorer, a, ANOMALY_EXPIRED);
}

/* Scoring ------------------------------------------------------------------------------------ */

static uint64_t workload_key(const struct field_context *ctx, uint64_t fingerprint)
{
	const struct workload *workload = ctx->subject->process->workload;

	return fingerprint ^ (workload->id * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t lost_lately(const struct scorer *scorer)
{
	return scorer->lost_total - scorer->lost_mark_older;
}

static struct record_anomaly *describe(struct scorer *scorer, const struct field_context *ctx,
				       const struct sighting *s, const struct deviation *d)
{
	struct judgement judgement;
	struct describe_input input = {
		.ctx = ctx,
		.sighting = s,
		.judgement = &judgement,
		.args_field = scorer->args_field,
		.id = d->anomaly_id,
		.lost_events = lost_lately(scorer),
		.is_above_threshold = d->is_above_threshold,
	};
	struct record_anomaly *record = NULL;

	if (judgement_make(s, &judgement))
		record = describe_anomaly(&input);
	scorer->counters.memory_denied_total += !record;
	return record;
}

static struct prefix *prefix_of(struct scorer *scorer, uint64_t key)
{
	return &scorer->prefixes[key & (PREFIXES_SIZE - 1)];
}

/* The anomaly that stands for all that is new below its prefix; NULL while there is room. */
static struct open_anomaly *folded_into(struct scorer *scorer, const struct sighting *s,
					uint64_t prefix_key)
{
	const struct prefix *prefix = prefix_of(scorer, prefix_key);

	if (s->new_level + 1 >= s->n_levels || prefix->key != prefix_key ||
	    prefix->n < ANOMALIES_PER_PREFIX_MAX)
		return NULL;
	return open_table_find_id(scorer->open, prefix->first_id);
}

static void count_prefix(struct scorer *scorer, uint64_t key, uint64_t anomaly_id)
{
	struct prefix *prefix = prefix_of(scorer, key);

	if (prefix->key != key)
		*prefix = (struct prefix){.key = key, .first_id = anomaly_id};
	prefix->n++;
}

static void open_new(struct scorer *scorer, const struct field_context *ctx,
		     const struct sighting *s, struct deviation *d, uint64_t key)
{
	struct open_anomaly opened = {
		.key = key,
		.prefix_key = workload_key(ctx, s->fingerprints[s->new_level]),
		.return_period_s = d->return_period_s,
		.last_ns = ctx->event->ts_ns,
		.is_above = d->is_above_threshold,
	};

	d->anomaly_id = scorer->next_id;
	opened.id = d->anomaly_id;
	opened.record = describe(scorer, ctx, s, d);
	if (!opened.record) {
		d->anomaly_id = 0;
		return;
	}
	scorer->next_id++;
	scorer->counters.anomalies_total++;
	count_prefix(scorer, opened.prefix_key, opened.id);
	open_table_add(scorer->open, &opened, leave, scorer);
	scorer->is_changed = true;
	scorer->is_urgent = scorer->is_urgent || opened.is_above;
}

/* What was open below the threshold is seen again with a claim above it: judged anew. */
static void raise(struct scorer *scorer, const struct field_context *ctx, const struct sighting *s,
		  const struct deviation *d, struct open_anomaly *a)
{
	struct record_anomaly *record = describe(scorer, ctx, s, d);

	if (!record)
		return;
	record->first_ns = a->record->first_ns;
	record->occurrences = a->record->occurrences;
	record->incident = a->record->incident;
	record_free(a->record);
	a->record = record;
	a->return_period_s = d->return_period_s;
	open_table_raise(scorer->open, a);
	touch(scorer, a, true);
}

static void repeat(struct scorer *scorer, const struct field_context *ctx, const struct sighting *s,
		   struct deviation *d, struct open_anomaly *a)
{
	d->anomaly_id = a->id;
	d->is_repeat = true;
	a->record->occurrences++;
	a->record->last_ns = ctx->event->ts_ns;
	a->last_ns = ctx->event->ts_ns;
	if (d->is_above_threshold && !a->is_above)
		raise(scorer, ctx, s, d, a);
	else
		touch(scorer, a, false);
}

/* Find, continue or open the anomaly of a deviation. */
static void follow(struct scorer *scorer, const struct field_context *ctx, const struct sighting *s,
		   struct deviation *d, uint64_t key)
{
	struct open_anomaly *a = open_table_find(scorer->open, key);

	if (!a) {
		a = folded_into(scorer, s, workload_key(ctx, s->fingerprints[s->new_level]));
		scorer->counters.folded_total += a != NULL;
	}
	if (a)
		repeat(scorer, ctx, s, d, a);
	else if (d->is_above_threshold ||
		 (d->bits >= BITS_MIN && open_table_wants_below(scorer->open, d->return_period_s)))
		open_new(scorer, ctx, s, d, key);
}

/* Leaves *d alone when there is nothing to judge. */
static void judge(const struct sighting *s, struct deviation *d)
{
	struct judgement judgement;

	if (!judgement_make(s, &judgement))
		return;
	*d = (struct deviation){
		.is_deviation = true,
		.dimension = judgement.view.dimension,
		.level = s->new_level,
		.is_ready = judgement.novelty.stream.is_ready,
		.bits = judgement.claim.bits,
		.return_period_s = judgement.claim.return_period_s,
		.basis_s = judgement.view.basis_s,
		.is_capped = judgement.claim.is_capped,
		.population_known =
			judgement.novelty.has_population && judgement.novelty.population_known,
		.population_factor = judgement.claim.population_factor,
		.clump_bits = CLUMP_BITS,
		.epoch_unit_s = judgement.novelty.unit_s,
		.age_epochs = judgement.novelty.stream.age_epochs,
	};
	d->n_levels = judgement_levels(&judgement, s, d->levels);
}

static void judge_cached(struct scorer *scorer, const struct field_context *ctx,
			 const struct sighting *s, uint64_t key, struct deviation *d)
{
	struct cached *cached = &scorer->cache[key & (CACHE_SIZE - 1)];
	uint64_t epoch = ctx->event->ts_ns / scorer->epoch_ns;

	if (cached->key != key || cached->epoch != epoch || cached->is_startup != s->is_startup ||
	    cached->deviation.level != s->new_level) {
		*cached = (struct cached){key, epoch, s->is_startup, {.level = s->new_level}};
		judge(s, &cached->deviation);
	}
	*d = cached->deviation;
}

static void score_one(struct scorer *scorer, const struct field_context *ctx,
		      const struct sighting *s, struct deviation *d)
{
	uint64_t key;

	d->is_deviation = false;
	d->is_above_threshold = false;
	d->anomaly_id = 0;
	d->return_period_s = 0;
	if (s->new_level < 0 || s->new_level >= s->n_levels || s->is_accepted)
		return;

	key = workload_key(ctx, s->fingerprints[s->n_levels - 1]);
	judge_cached(scorer, ctx, s, key, d);
	if (!d->is_deviation)
		return;
	scorer->counters.deviations_total++;
	d->is_above_threshold =
		d->is_ready && d->return_period_s >= budget_threshold_s(&scorer->budget);
	follow(scorer, ctx, s, d, key);
}

void scorer_score(struct scorer *scorer, const struct field_context *ctx,
		  const struct sightings *sightings, struct score *out)
{
	bool is_judged = ctx->subject->process && !(ctx->event->quality & EVENT_STATE_ONLY);

	out->sightings = sightings;
	out->n = is_judged ? MIN(sightings->n, SIGHTINGS_MAX) : 0;
	out->max_return_period_s = 0;
	out->incident_id = 0;
	out->incident_is_alarming = false;
	for (uint32_t i = 0; i < out->n; i++) {
		struct deviation *d = &out->items[i];

		score_one(scorer, ctx, &sightings->items[i], d);
		if (d->is_deviation)
			out->max_return_period_s =
				MAX(out->max_return_period_s, d->return_period_s);
	}
}

double scorer_threshold_s(const struct scorer *scorer)
{
	return budget_threshold_s(&scorer->budget);
}

/* Time --------------------------------------------------------------------------------------- */

static bool is_due(const struct scorer *scorer, const struct open_anomaly *a, uint32_t *n_below)
{
	if (a->emitted_ns)
		return a->is_changed && scorer->now_ns - a->emitted_ns >= UPDATE_INTERVAL_NS;
	if (a->is_above || a->record->incident)
		return true;
	if (scorer->now_ns < a->record->first_ns + UPDATE_INTERVAL_NS || *n_below == 0)
		return false;
	--*n_below;
	return true;
}

static bool is_over(const struct scorer *scorer, const struct open_anomaly *a)
{
	uint64_t kept_ns = a->is_above ? ABOVE_KEPT_NS : BELOW_KEPT_NS;

	return scorer->now_ns > a->last_ns && scorer->now_ns - a->last_ns > kept_ns;
}

static void work(struct scorer *scorer)
{
	uint32_t n_below = BELOW_EMIT_MAX;

	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		struct open_anomaly *a = open_table_at(scorer->open, i);

		if (!a)
			continue;
		if (is_over(scorer, a)) {
			close_with(scorer, a, ANOMALY_EXPIRED);
			open_table_remove(scorer->open, a);
		} else if (is_due(scorer, a, &n_below)) {
			emit(scorer, a);
		}
	}
}

static void mark_lost(struct scorer *scorer)
{
	if (scorer->now_ns - scorer->lost_marked_ns < LOST_MARK_NS)
		return;
	scorer->lost_mark_older = scorer->lost_mark;
	scorer->lost_mark = scorer->lost_total;
	scorer->lost_marked_ns = scorer->now_ns;
}

void scorer_tick(struct scorer *scorer, uint64_t now_ns)
{
	double threshold_s = budget_threshold_s(&scorer->budget);

	if (now_ns < scorer->next_work_ns)
		return;
	scorer->next_work_ns = now_ns + WORK_INTERVAL_NS;
	scorer->now_ns = now_ns;
	mark_lost(scorer);
	budget_advance(&scorer->budget, now_ns);
	scorer->is_urgent = scorer->is_urgent || threshold_s != budget_threshold_s(&scorer->budget);
	work(scorer);
}

void scorer_flush(struct scorer *scorer)
{
	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		struct open_anomaly *a = open_table_at(scorer->open, i);

		if (a && (a->is_changed || !a->emitted_ns))
			emit(scorer, a);
	}
}

void scorer_set_lost(struct scorer *scorer, uint64_t lost_total)
{
	scorer->lost_total = MAX(scorer->lost_total, lost_total);
}

/* From outside ------------------------------------------------------------------------------- */

void scorer_close_anomaly(struct scorer *scorer, uint64_t anomaly_id, enum anomaly_state state)
{
	struct open_anomaly *a = anomaly_id ? open_table_find_id(scorer->open, anomaly_id) : NULL;

	if (!a)
		return;
	close_with(scorer, a, state);
	open_table_remove(scorer->open, a);
	scorer->is_urgent = true;
}

void scorer_join_incident(struct scorer *scorer, uint64_t anomaly_id, uint64_t incident_id)
{
	struct open_anomaly *a = open_table_find_id(scorer->open, anomaly_id);

	if (!a || a->record->incident == incident_id)
		return;
	a->record->incident = incident_id;
	touch(scorer, a, true);
}

void scorer_add_episode(struct scorer *scorer, double return_period_s)
{
	budget_add(&scorer->budget, return_period_s);
}

void scorer_add_report(struct scorer *scorer)
{
	budget_report(&scorer->budget);
	scorer->is_urgent = true;
}

void scorer_counters(const struct scorer *scorer, struct scorer_counters *out)
{
	*out = scorer->counters;
	out->open = open_table_size(scorer->open);
	out->below_threshold = open_table_below(scorer->open);
	out->next_id = scorer->next_id;
}

/* Persistence -------------------------------------------------------------------------------- */

static void put_open(const struct open_anomaly *a, struct blob_writer *image)
{
	blob_put_u64(image, a->key);
	blob_put_u64(image, a->prefix_key);
	record_image_put_anomaly(image, a->record);
}

struct record_blob *scorer_image(struct scorer *scorer)
{
	bool is_old = scorer->now_ns - scorer->image_ns >= IMAGE_INTERVAL_NS;
	struct blob_writer image;

	scorer_flush(scorer);
	if (!scorer->is_urgent && !(scorer->is_changed && is_old))
		return NULL;
	scorer->is_urgent = scorer->is_changed = false;
	scorer->image_ns = scorer->now_ns;

	image_begin(&image, IMAGE_TAG);
	blob_put_u64(&image, scorer->next_id);
	budget_save(&scorer->budget, &image);
	blob_put_varint(&image, open_table_size(scorer->open));
	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		const struct open_anomaly *a = open_table_at(scorer->open, i);

		if (a)
			put_open(a, &image);
	}
	return image_end(&image);
}

/* The table is created for the image, so nothing has to give way. */
static void leave_none(struct open_anomaly *a, void *arg)
{
	(void)a;
	(void)arg;
}

static int get_open(struct blob_reader *image, struct open_table *table)
{
	struct open_anomaly a = {0};

	a.key = blob_get_u64(image);
	a.prefix_key = blob_get_u64(image);
	a.record = record_image_get_anomaly(image);
	if (!a.record)
		return image->failed ? -EBADMSG : -ENOMEM;
	if (open_table_find(table, a.key)) {
		record_free(a.record);
		return -EBADMSG;
	}
	a.id = a.record->id;
	a.return_period_s = a.record->return_period_s;
	a.last_ns = a.record->last_ns;
	a.is_above = a.record->above_threshold;
	a.emitted_ns = 1; /* it was, before the image was made */
	open_table_add(table, &a, leave_none, NULL);
	return 0;
}

int scorer_load_image(struct scorer *scorer, const struct record_blob *blob)
{
	SCOPED(open_table_destroy) struct open_table *table = NULL;
	struct budget budget = scorer->budget;
	struct blob_reader image;
	uint64_t next_id, n;
	int r = image_open(&image, blob->bytes, IMAGE_TAG);

	if (!r)
		r = open_table_create(&table);
	if (r)
		return r;
	next_id = blob_get_u64(&image);
	if (!budget_load(&budget, &image))
		return -EBADMSG;
	n = blob_get_count(&image, OPEN_MAX);
	for (uint64_t i = 0; i < n && !r; i++)
		r = get_open(&image, table);
	if (r || image.failed || image.left)
		return r ? r : -EBADMSG;

	open_table_destroy(&scorer->open);
	scorer->open = TAKE(table);
	scorer->budget = budget;
	scorer->next_id = MAX(scorer->next_id, next_id);
	return 0;
}
