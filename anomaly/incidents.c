#include "anomaly/incidents.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "anomaly/describe.h"
#include "anomaly/episode.h"
#include "anomaly/image.h"
#include "anomaly/record_image.h"
#include "anomaly/return_period.h"
#include "anomaly/subtree.h"
#include "anomaly/tails.h"
#include "base/util.h"

#define NS_PER_S UINT64_C(1000000000)
#define WORK_INTERVAL_NS (NS_PER_S / 10)
#define STALE_INTERVAL_NS NS_PER_S
#define IMAGE_INTERVAL_NS (60 * NS_PER_S)
#define IMAGE_TAG UINT64_C(0x3130636e69736765) /* "egsinc01" */

#define BUCKETS 1024 /* power of two */
#define EPISODES_MAX 512
#define WINDOWS_MAX 4      /* an episode lasts no longer than so many windows */
#define GROWTH_TOLD 10.0   /* an incident that grew so much is told again */
#define BITS_WITH_ALERT 2. /* deviation that an alert needs beside it to make an incident */

struct incidents {
	struct anomaly_config config;
	struct scorer *scorer;
	alert_emit_fn *emit_alert;
	void *emit_arg;
	struct tails *tails;
	uint64_t window_ns, next_id, next_work_ns, now_ns, image_ns;
	bool has_changes;           /* an incident waits to be emitted */
	bool is_changed, is_urgent; /* since the last image */
	struct incident_counters counters;
	struct episode *buckets[BUCKETS];
};

int incidents_create(struct incidents **out, const struct anomaly_config *config, uint64_t next_id)
{
	SCOPED(incidents_destroy) struct incidents *in = calloc(1, sizeof(*in));
	int r;

	if (!in)
		return -ENOMEM;
	r = tails_create(&in->tails);
	if (r)
		return r;
	in->config = *config;
	in->window_ns = MAX((uint64_t)(config->incident_window_s * 1e9), 1);
	in->next_id = MAX(next_id, 1);
	*out = TAKE(in);
	return 0;
}

static void drop_episodes(struct incidents *in)
{
	for (uint32_t i = 0; i < BUCKETS; i++) {
		while (in->buckets[i]) {
			struct episode *e = in->buckets[i];

			in->buckets[i] = e->next;
			episode_destroy(&e);
		}
	}
	in->counters.episodes = 0;
}

void incidents_destroy(struct incidents **incidents)
{
	struct incidents *in = *incidents;

	if (!in)
		return;
	drop_episodes(in);
	tails_destroy(&in->tails);
	free(in);
	*incidents = NULL;
}

void incidents_bind(struct incidents *incidents, struct scorer *scorer, alert_emit_fn *emit_alert,
		    void *arg)
{
	incidents->scorer = scorer;
	incidents->emit_alert = emit_alert;
	incidents->emit_arg = arg;
}

static double threshold_s(const struct incidents *in)
{
	return in->scorer ? scorer_threshold_s(in->scorer) : in->config.min_return_period_s;
}

/* Episodes ----------------------------------------------------------------------------------- */

static uint32_t bucket_of(int32_t pid, uint64_t start_ns)
{
	uint64_t mixed = (start_ns ^ (uint64_t)(uint32_t)pid) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 32) & (BUCKETS - 1);
}

static bool is_quiet(const struct incidents *in, const struct episode *e, uint64_t now_ns)
{
	return (now_ns > e->last_ns && now_ns - e->last_ns > in->window_ns) ||
	       (now_ns > e->first_ns && now_ns - e->first_ns > WINDOWS_MAX * in->window_ns);
}

static struct episode *find_episode(const struct incidents *in, const struct process *root,
				    uint64_t now_ns)
{
	struct episode *e = in->buckets[bucket_of(root->pid, root->start_ns)];

	while (e && (e->root_pid != root->pid || e->root_start_ns != root->start_ns ||
		     e->workload_id != root->workload->id || is_quiet(in, e, now_ns)))
		e = e->next;
	return e;
}

/* What is ordinary is learned from every episode that no alert spoke against. */
static void teach(struct incidents *in, const struct episode *e)
{
	if (e->is_suspicious || !(e->bits > 0))
		return;
	tail_add(tails_get(in->tails, e->workload_id, e->age_epochs), e->bits);
	if (in->scorer)
		scorer_add_episode(in->scorer, e->return_period_s);
	in->is_changed = true;
}

static void refresh_record(struct episode *e)
{
	struct record_incident draft = *e->incident, *made;
	char summary[1024];
	struct phrase phrase = PHRASE(summary);

	draft.to_ns = e->last_ns;
	draft.bits = e->bits;
	draft.return_period_s = e->return_period_s;
	draft.n_anomalies = e->n_anomalies;
	draft.n_alerts = e->n_alerts;
	episode_summary(e, draft.workload_name, draft.root.exe, &phrase);
	draft.summary = phrase_result(&phrase);
	made = record_incident_copy(&draft);
	if (!made)
		return; /* the older text stays */
	record_free(e->incident);
	e->incident = made;
}

static void emit_incident(struct incidents *in, struct episode *e, incident_emit_fn *emit,
			  void *arg)
{
	struct record_incident *copy;

	refresh_record(e);
	copy = record_incident_copy(e->incident);
	if (!copy)
		return; /* tried again with the next change */
	e->is_changed = e->is_stale = false;
	e->emitted_ns = in->now_ns;
	emit(copy, arg);
}

/* The episode that was quiet for longest; incidents stay. NULL: all are incidents. */
static struct episode **least_wanted(struct incidents *in)
{
	struct episode **least = NULL;

	for (uint32_t i = 0; i < BUCKETS; i++) {
		for (struct episode **at = &in->buckets[i]; *at; at = &(*at)->next) {
			if (!(*at)->incident && (!least || (*at)->last_ns < (*least)->last_ns))
				least = at;
		}
	}
	return least;
}

static void remove_episode(struct incidents *in, struct episode **at)
{
	struct episode *e = *at;

	*at = e->next;
	in->counters.episodes--;
	in->counters.open -= e->incident != NULL;
	in->counters.unpaid_total += e->n_unpaid;
	in->is_urgent = in->is_urgent || e->incident;
	episode_destroy(&e);
}

static void add_episode(struct incidents *in, struct episode *e)
{
	uint32_t bucket = bucket_of(e->root_pid, e->root_start_ns);

	e->next = in->buckets[bucket];
	in->buckets[bucket] = e;
	in->counters.episodes++;
	in->counters.open += e->incident != NULL;
}

static struct episode *make_episode(struct incidents *in, const struct process *root,
				    uint64_t now_ns)
{
	struct episode *e;

	if (in->counters.episodes >= EPISODES_MAX) {
		struct episode **going = least_wanted(in);

		in->counters.evicted_total++;
		if (!going)
			return NULL;
		remove_episode(in, going);
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->root_pid = root->pid;
	e->root_start_ns = root->start_ns;
	e->workload_id = root->workload->id;
	e->first_ns = now_ns;
	e->last_ns = now_ns;
	add_episode(in, e);
	return e;
}

/* Incidents ---------------------------------------------------------------------------------- */

/* The claim of the whole: what the workload's tail says, and never more than the deviations would
 * claim if they were independent. It keeps its longest value: what happened stays as strange. */
static void claim(struct incidents *in, struct episode *e)
{
	struct tail *tail = tails_get(in->tails, e->workload_id, e->age_epochs);
	double bits = fmin(e->bits, tail_bits(tail, e->bits));
	double claim_s = fmin(e->epoch_unit_s * exp2(bits), RETURN_PERIOD_MAX_S);

	e->return_period_s = fmax(e->return_period_s, claim_s);
}

static bool deserves_incident(const struct incidents *in, const struct episode *e)
{
	if (!(e->bits > 0))
		return false;
	return e->has_above || e->return_period_s >= threshold_s(in) ||
	       (e->is_suspicious && e->bits >= BITS_WITH_ALERT);
}

/* Anomalies and alerts from before the incident opened are told that they belong to it. */
static void pull_in(struct incidents *in, struct episode *e)
{
	for (uint32_t i = 0; in->scorer && i < e->n_ids; i++)
		scorer_join_incident(in->scorer, e->anomaly_ids[i], e->incident->id);
	for (uint32_t i = 0; i < e->n_kept_alerts; i++) {
		e->alerts[i]->incident = e->incident->id;
		if (in->emit_alert)
			in->emit_alert(TAKE(e->alerts[i]), in->emit_arg);
		else
			record_free(TAKE(e->alerts[i]));
	}
	e->n_kept_alerts = 0;
}

static void open_incident(struct incidents *in, const struct field_context *ctx, struct episode *e,
			  const struct process *root)
{
	char cmdline[DESCRIBE_CMDLINE_MAX];
	struct record_incident draft = {
		.id = in->next_id,
		.from_ns = e->first_ns,
		.is_open = true,
		.workload_id = e->workload_id,
		.workload_name = root->workload->name,
	};

	describe_process(ctx, root, cmdline, &draft.root);
	e->incident = record_incident_copy(&draft);
	if (!e->incident)
		return;
	in->next_id++;
	in->counters.opened_total++;
	in->counters.open++;
	pull_in(in, e);
}

static void pass_threshold(struct incidents *in, struct episode *e)
{
	if (e->incident->above_threshold || e->return_period_s < threshold_s(in))
		return;
	e->incident->above_threshold = true;
	in->counters.reported_total++;
	if (in->scorer)
		scorer_add_report(in->scorer);
}

/* Worth a look by the rules: it opened, grew tenfold, or has become alarming. */
static bool is_news(struct incidents *in, struct episode *e)
{
	bool was_alarming = e->is_alarming;

	pass_threshold(in, e);
	e->is_alarming = e->incident->above_threshold || e->is_suspicious;
	if (e->told_s > 0 && e->is_alarming == was_alarming &&
	    e->return_period_s < e->told_s * GROWTH_TOLD)
		return false;
	e->told_s = e->return_period_s;
	return true;
}

static bool has_deviation(const struct score *score)
{
	for (uint32_t i = 0; score && i < score->n; i++) {
		if (score->items[i].is_deviation)
			return true;
	}
	return false;
}

/* The members that this event brings carry the incident from the start. */
static void mark_members(struct incidents *in, const struct episode *e, struct score *score,
			 struct record_alert **alerts, uint32_t n_alerts)
{
	for (uint32_t i = 0; i < n_alerts; i++)
		alerts[i]->incident = e->incident->id;
	if (!score)
		return;
	score->incident_id = e->incident->id;
	score->incident_is_alarming = e->is_alarming;
	for (uint32_t i = 0; in->scorer && i < score->n; i++) {
		if (score->items[i].is_deviation && score->items[i].anomaly_id)
			scorer_join_incident(in->scorer, score->items[i].anomaly_id,
					     e->incident->id);
	}
}

/* Take in the event; true: the episode changed in what it claims or who takes part. */
static bool add_event(struct incidents *in, struct episode *e, const struct score *score,
		      struct record_alert **alerts, uint32_t n_alerts)
{
	bool has_grown = score && episode_add_score(e, score);

	if (has_grown)
		claim(in, e);
	/* While there is no incident copies are kept for pull_in(); those of this event are still
	 * with the caller and are marked there, so they are noted only afterwards. */
	e->n_alerts += n_alerts;
	for (uint32_t i = 0; i < n_alerts; i++)
		e->is_suspicious = e->is_suspicious || alerts[i]->priority <= PRIORITY_WARNING;
	return has_grown;
}

const struct record_incident *incidents_join(struct incidents *incidents,
					     const struct field_context *ctx, struct score *score,
					     struct record_alert **alerts, uint32_t n_alerts)
{
	struct incidents *in = incidents;
	const struct process *process = ctx->subject->process;
	uint64_t now_ns = ctx->event->ts_ns;
	const struct process *root;
	struct episode *e;
	bool has_grown, was_open, has_news;

	if (!process || !process->workload || (!n_alerts && !has_deviation(score)))
		return NULL;
	root = subtree_root(process);
	e = find_episode(in, root, now_ns);
	if (!e)
		e = make_episode(in, root, now_ns);
	if (!e)
		return NULL;

	e->last_ns = MAX(e->last_ns, now_ns);
	has_grown = add_event(in, e, score, alerts, n_alerts);
	was_open = e->incident != NULL;
	if (!was_open && deserves_incident(in, e))
		open_incident(in, ctx, e, root);
	for (uint32_t i = 0; i < n_alerts; i++)
		episode_note_alert(e, alerts[i]);
	if (!e->incident)
		return NULL;

	e->is_changed = e->is_changed || has_grown || !was_open;
	e->is_stale = true;
	in->has_changes = true;
	in->is_urgent = in->is_urgent || e->is_changed;
	has_news = is_news(in, e);
	mark_members(in, e, score, alerts, n_alerts);
	if (!has_news)
		return NULL;
	refresh_record(e);
	e->is_changed = true;
	return e->incident;
}

uint64_t incidents_find(const struct incidents *incidents, const struct process *process,
			uint64_t now_ns)
{
	const struct episode *e =
		process->workload ? find_episode(incidents, subtree_root(process), now_ns) : NULL;

	return e && e->incident ? e->incident->id : 0;
}

uint32_t incidents_anomalies(const struct incidents *incidents, uint64_t incident_id,
			     uint64_t ids[], uint32_t max)
{
	for (uint32_t i = 0; incident_id && i < BUCKETS; i++) {
		for (const struct episode *e = incidents->buckets[i]; e; e = e->next) {
			uint32_t n = MIN(e->n_ids, max);

			if (!e->incident || e->incident->id != incident_id)
				continue;
			memcpy(ids, e->anomaly_ids, n * sizeof(ids[0]));
			return n;
		}
	}
	return 0;
}

/* Time --------------------------------------------------------------------------------------- */

static void close_episode(struct incidents *in, struct episode **at, incident_emit_fn *emit,
			  void *arg)
{
	struct episode *e = *at;

	teach(in, e);
	if (e->incident) {
		e->incident->is_open = false;
		emit_incident(in, e, emit, arg);
	}
	remove_episode(in, at);
}

static bool is_due(const struct incidents *in, const struct episode *e)
{
	if (!e->incident)
		return false;
	return e->is_changed || (e->is_stale && in->now_ns - e->emitted_ns >= STALE_INTERVAL_NS);
}

void incidents_flush(struct incidents *incidents, uint64_t now_ns, incident_emit_fn *emit,
		     void *arg)
{
	struct incidents *in = incidents;

	if (now_ns < in->next_work_ns && !in->has_changes)
		return;
	in->next_work_ns = now_ns + WORK_INTERVAL_NS;
	in->now_ns = now_ns;
	in->has_changes = false;
	for (uint32_t i = 0; i < BUCKETS; i++) {
		struct episode **at = &in->buckets[i];

		while (*at) {
			if (is_quiet(in, *at, now_ns)) {
				close_episode(in, at, emit, arg);
				continue;
			}
			if (is_due(in, *at))
				emit_incident(in, *at, emit, arg);
			at = &(*at)->next;
		}
	}
}

void incidents_counters(const struct incidents *incidents, struct incident_counters *out)
{
	*out = incidents->counters;
	out->evicted_total += tails_evicted_total(incidents->tails);
	out->next_id = incidents->next_id;
}

/* Persistence -------------------------------------------------------------------------------- */

struct record_blob *incidents_image(struct incidents *incidents)
{
	struct incidents *in = incidents;
	bool is_old = in->now_ns - in->image_ns >= IMAGE_INTERVAL_NS;
	struct blob_writer image;

	if (!in->is_urgent && !(in->is_changed && is_old))
		return NULL;
	in->is_urgent = in->is_changed = false;
	in->image_ns = in->now_ns;

	image_begin(&image, IMAGE_TAG);
	blob_put_u64(&image, in->next_id);
	tails_save(in->tails, &image);
	blob_put_varint(&image, in->counters.open);
	for (uint32_t i = 0; i < BUCKETS; i++) {
		for (const struct episode *e = in->buckets[i]; e; e = e->next) {
			if (e->incident)
				episode_save(e, &image);
		}
	}
	return image_end(&image);
}

static int load_episodes(struct incidents *in, struct blob_reader *image)
{
	uint64_t n = blob_get_count(image, EPISODES_MAX);

	for (uint64_t i = 0; i < n; i++) {
		struct episode *e;
		int r = episode_load(&e, image);

		if (r)
			return r;
		add_episode(in, e);
	}
	return image->failed || image->left ? -EBADMSG : 0;
}

int incidents_load_image(struct incidents *incidents, const struct record_blob *blob)
{
	SCOPED(incidents_destroy) struct incidents *loaded = NULL;
	struct blob_reader image;
	uint64_t next_id;
	int r = image_open(&image, blob->bytes, IMAGE_TAG);

	if (!r)
		r = incidents_create(&loaded, &incidents->config, incidents->next_id);
	if (r)
		return r;
	next_id = blob_get_u64(&image);
	loaded->next_id = MAX(loaded->next_id, next_id);
	if (!tails_load(loaded->tails, &image))
		return -EBADMSG;
	r = load_episodes(loaded, &image);
	if (r)
		return r;

	loaded->scorer = incidents->scorer;
	loaded->emit_alert = incidents->emit_alert;
	loaded->emit_arg = incidents->emit_arg;
	drop_episodes(incidents);
	tails_destroy(&incidents->tails);
	*incidents = *loaded;
	loaded->tails = NULL; /* they belong to *incidents now */
	memset(loaded->buckets, 0, sizeof(loaded->buckets));
	return 0;
}
