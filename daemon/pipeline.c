#include "daemon/pipeline.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/answers.h"
#include "daemon/pipeline_state.h"

#define ARENA_BYTES (256 * 1024) /* values made for one event */
#define NS_PER_S UINT64_C(1000000000)
#define COUNTS_EVERY_NS (600 * NS_PER_S)
#define COUNTS_CELLS_PER_REST 32768 /* under a millisecond */
#define REQUESTS_PER_REST 4         /* bounds the pause that askers can cause */

static struct text source_syscall(void)
{
	return TEXT("syscall");
}

static struct text source_ethogram(void)
{
	return TEXT("ethogram");
}

static void push(struct pipeline *p, enum write_kind kind, void *record)
{
	if (p->parts.emit)
		p->parts.emit(kind, record, p->parts.emit_arg);
	else
		writer_push(p->parts.writer, kind, record);
}

static void push_if_made(struct pipeline *p, enum write_kind kind, void *record)
{
	if (record)
		push(p, kind, record);
}

static void emit_anomaly(struct record_anomaly *anomaly, void *arg)
{
	push(arg, WRITE_ANOMALY, anomaly);
}

static void emit_alert(struct record_alert *alert, void *arg)
{
	push(arg, WRITE_ALERT, alert);
}

static void emit_gap(struct record_gap *gap, void *arg)
{
	push(arg, WRITE_GAP, gap);
}

static void emit_incident(struct record_incident *incident, void *arg)
{
	push(arg, WRITE_INCIDENT, incident);
}

static void close_anomaly(uint64_t anomaly_id, void *arg)
{
	struct pipeline *p = arg;

	scorer_close_anomaly(p->parts.scorer, anomaly_id, ANOMALY_ABSORBED);
}

/* Until now: capture began just before. */
static void note_downtime(struct pipeline *p)
{
	struct clock_reading now = clock_read();

	clock_watch_downtime(&p->parts.last_run, &now, p->gaps);
	gaps_flush(p->gaps, emit_gap, p);
}

int pipeline_create(struct pipeline **out, const struct pipeline_parts *parts)
{
	SCOPED(pipeline_destroy) struct pipeline *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->parts = *parts;
	p->next_alert_id = parts->next_alert_id;
	p->span_is_due = true;
	p->started_ns = clock_real_ns();
	r = rules_swap_init(&p->swap);
	if (!r)
		r = arena_init(&p->arena, ARENA_BYTES);
	if (!r)
		r = losses_create(&p->losses);
	if (!r)
		r = gaps_create(&p->gaps, parts->next_gap_id);
	if (r)
		return r;
	note_downtime(p);
	scorer_set_emit(parts->scorer, emit_anomaly, p);
	incidents_bind(parts->incidents, parts->scorer, emit_alert, p);
	profile_set_on_learned(parts->profiles, close_anomaly, p);
	*out = TAKE(p);
	return 0;
}

void pipeline_destroy(struct pipeline **pipeline)
{
	struct pipeline *p = *pipeline;

	if (!p)
		return;
	rules_swap_done(&p->swap);
	rule_set_destroy(&p->parts.rules);
	losses_destroy(&p->losses);
	gaps_destroy(&p->gaps);
	arena_done(&p->arena);
	free(p);
	*pipeline = NULL;
}

/* Make the alerts of what matched; returns how many. */
static uint32_t make_alerts(struct pipeline *p, struct text source, const struct field_context *ctx,
			    struct record_alert **alerts, bool *is_suspicious)
{
	struct rule_match matches[RULE_MATCHES_MAX];
	uint32_t n = rule_set_match(p->parts.rules, source, ctx, matches), made = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct record_alert *alert;

		*is_suspicious = *is_suspicious ||
				 rule_priority(p->parts.rules, matches[i].rule) <= PRIORITY_WARNING;
		if (matches[i].is_suppressed) {
			p->suppressed_total++;
			continue;
		}
		alert = rule_alert_create(p->parts.rules, &matches[i], ctx);
		if (!alert) {
			p->matches_dropped_total++;
			continue;
		}
		alert->id = p->next_alert_id++;
		alert->incident = ctx->score ? ctx->score->incident_id : 0;
		alerts[made++] = alert;
		push_if_made(p, WRITE_CONDITION,
			     rule_condition_create(p->parts.rules, matches[i].rule, alert->ts_ns));
	}
	p->matches_total += n;
	return made;
}

/* An incident that opened or grew is an event of its own: the product's alarm is a rule on it.
 * Returns how many alerts there are. */
static uint32_t raise_incident(struct pipeline *p, const struct field_context *ctx,
			       struct record_alert **alerts)
{
	bool is_suspicious = false;
	uint32_t n = make_alerts(p, source_ethogram(), ctx, alerts, &is_suspicious);

	for (uint32_t i = 0; i < n; i++)
		alerts[i]->incident = ctx->incident->id;
	return n;
}

static void begin_span(struct pipeline *p, uint64_t now_ns)
{
	struct record_span *ended, *begun;

	p->span_is_due = false;
	history_begin(p->parts.history, p->parts.rules, now_ns, &ended, &begun);
	push_if_made(p, WRITE_SPAN, ended);
	push_if_made(p, WRITE_SPAN, begun);
}

static void push_alerts(struct pipeline *p, const struct field_context *ctx,
			struct record_alert *const *alerts, uint32_t n)
{
	struct record_event *event = NULL;

	if (p->parts.history) {
		if (p->span_is_due)
			begin_span(p, ctx->event->ts_ns);
		event = history_take(p->parts.history, p->parts.rules, ctx, alerts, n);
	}
	for (uint32_t i = 0; i < n; i++)
		push(p, WRITE_ALERT, alerts[i]);
	push_if_made(p, WRITE_EVENT, event);
}

/* What was seen before the incident opened must not be learned either. */
static void quarantine_members(struct pipeline *p, const struct record_incident *incident)
{
	uint64_t ids[INCIDENT_ANOMALIES_MAX];
	uint32_t n = incidents_anomalies(p->parts.incidents, incident->id, ids, ARRAY_SIZE(ids));

	for (uint32_t i = 0; i < n; i++)
		profile_set_quarantine(p->parts.profiles, ids[i]);
}

static void conclude(const struct score *score, bool is_suspicious, struct verdict *verdict)
{
	verdict->is_suspicious = is_suspicious || score->incident_is_alarming;
	verdict->is_incident_only = !is_suspicious;
	for (uint32_t i = 0; i < score->n; i++) {
		verdict->anomaly_ids[i] = score->items[i].anomaly_id;
		verdict->return_period_s[i] = score->items[i].return_period_s;
		verdict->is_anomalous[i] = score->items[i].is_above_threshold;
	}
}

/* Take one event through every stage. ev is borrowed until the next source_next(). Learning comes
 * last: scoring must not see what this event teaches. */
static int pipeline_step(struct pipeline *p, const struct event *ev)
{
	const struct pipeline_parts *parts = &p->parts;
	struct record_alert *alerts[2 * RULE_MATCHES_MAX]; /* of the event, and of its incident */
	const struct record_incident *incident;
	struct verdict verdict = {0};
	bool is_suspicious = false;
	struct subject subject;
	uint32_t n_alerts;
	int r;

	r = state_apply(parts->state, ev, &subject);
	if (r || !subject.process)
		return r == -ENOMEM ? 0 : r; /* counted by state */
	if (ev->quality & EVENT_STATE_ONLY) {
		profile_set_note(parts->profiles, &subject, ev->ts_ns);
		return 0;
	}

	arena_reset(&p->arena);
	struct field_context ctx = {.event = ev,
				    .subject = &subject,
				    .state = parts->state,
				    .score = &p->score,
				    .memory = p->parts.rule_memory,
				    .counts = p->parts.counts,
				    .arena = &p->arena,
				    .first_event_ns = p->first_event_ns};

	profile_set_look_up(parts->profiles, &ctx, &p->sightings);
	scorer_score(parts->scorer, &ctx, &p->sightings, &p->score);
	if (parts->look)
		parts->look(&ctx, parts->look_arg);
	if (parts->counts)
		behavior_counts_note(parts->counts, &ctx);
	if (parts->rule_memory)
		rule_memory_begin_event(parts->rule_memory);
	n_alerts = make_alerts(p, source_syscall(), &ctx, alerts, &is_suspicious);
	incident = incidents_join(parts->incidents, &ctx, &p->score, alerts, n_alerts);
	if (incident) {
		if (p->score.incident_is_alarming)
			quarantine_members(p, incident);
		ctx.incident = incident;
		n_alerts += raise_incident(p, &ctx, alerts + n_alerts);
	}
	push_alerts(p, &ctx, alerts, n_alerts);
	ctx.incident = NULL;
	conclude(&p->score, is_suspicious, &verdict);
	profile_set_commit(parts->profiles, &ctx, &p->sightings, &verdict);
	return 0;
}

static void rest_if_due(struct pipeline *p, uint64_t now_ns)
{
	if (!p->parts.rest_every_ns || now_ns < p->rested_ns + p->parts.rest_every_ns)
		return;
	p->rested_ns = now_ns;
	pipeline_rest(p, now_ns);
}

/* The old rules go back to the loader: taking them apart takes longer than a pause may. */
static void take_new_rules(struct pipeline *p)
{
	struct rule_set *rules = rules_swap_take(&p->swap, p->last_event_ns);

	if (!rules)
		return;
	rule_set_adopt_windows(rules, p->parts.rules);
	rule_set_carry(rules, p->parts.rules);
	rules_swap_give_back(&p->swap, p->parts.rules);
	p->parts.rules = rules;
	p->span_is_due = true;
}

void pipeline_resume(struct pipeline *p)
{
	uint64_t now_ns;

	if (!p->paused_ns)
		return;
	now_ns = clock_monotonic_ns();
	pauses_note(&p->pauses, p->paused_ns, now_ns);
	pauses_note_took(&p->cpu_pauses, now_ns, clock_thread_cpu_ns() - p->paused_cpu_ns);
	p->paused_ns = 0;
}

int pipeline_run_batch(struct pipeline *p, uint32_t max)
{
	const struct event *ev;
	uint64_t start_ns;
	uint32_t n = 0;
	int r = 0;

	pipeline_resume(p);
	start_ns = clock_monotonic_ns();
	while (n < max && (r = source_next(p->parts.source, &ev)) > 0) {
		if (!p->first_event_ns && !(ev->quality & EVENT_STATE_ONLY))
			p->first_event_ns = ev->ts_ns;
		if (ev->ts_ns > p->last_event_ns)
			p->last_event_ns = ev->ts_ns;
		rest_if_due(p, p->last_event_ns);
		r = pipeline_step(p, ev);
		if (r)
			return r;
		n++;
	}
	if (n < max)
		rules_swap_drained(&p->swap);
	p->paused_cpu_ns = clock_thread_cpu_ns();
	p->paused_ns = clock_monotonic_ns();
	pauses_note(&p->batches, start_ns, p->paused_ns);
	return r < 0 ? r : (int)n;
}

static void emit_journal(struct record_blob *blob, void *arg)
{
	push(arg, WRITE_JOURNAL, blob);
}

static void emit_image(struct record_blob *blob, void *arg)
{
	push(arg, WRITE_IMAGE, blob);
}

static void emit_behaviour(struct record_behaviour *behaviour, void *arg)
{
	push(arg, WRITE_BEHAVIOUR, behaviour);
}

/* Whole sketches are large: they are written now and then, a piece at each rest, and at the end. */
static void begin_counts(struct pipeline *p, uint64_t now_ns)
{
	if (!p->parts.counts || (p->counts_stored_ns && now_ns >= p->counts_stored_ns &&
				 now_ns - p->counts_stored_ns < COUNTS_EVERY_NS))
		return;
	p->counts_stored_ns = now_ns;
	behavior_counts_begin_image(p->parts.counts);
}

void pipeline_checkpoint(struct pipeline *p, uint64_t now_ns)
{
	int r;

	incidents_flush(p->parts.incidents, now_ns, emit_incident, p);
	r = profile_set_checkpoint(p->parts.profiles, emit_journal, emit_image, emit_behaviour, p);
	if (r)
		log_err_r(
			r,
			"checkpoint: baselines: not everything could be handed over, trying again at the next");
	push_if_made(p, WRITE_SCORER, scorer_image(p->parts.scorer));
	push_if_made(p, WRITE_INCIDENTS, incidents_image(p->parts.incidents));
	if (p->parts.rule_memory)
		push_if_made(p, WRITE_RULES, rule_memory_image(p->parts.rule_memory));
	begin_counts(p, now_ns);
	push(p, WRITE_COMMIT, NULL);
	p->last_checkpoint_ns = now_ns;
}

void pipeline_end(struct pipeline *p, uint64_t now_ns)
{
	if (p->parts.history)
		push_if_made(p, WRITE_SPAN, history_end(p->parts.history, now_ns));
	if (p->parts.counts)
		push_if_made(p, WRITE_COUNTS, behavior_counts_image(p->parts.counts));
	pipeline_checkpoint(p, now_ns);
}

/* Whether there may be more. */
static bool answer_requests(struct pipeline *p, uint64_t now_ns)
{
	struct request *request;

	for (int i = 0; p->parts.requests && i < REQUESTS_PER_REST; i++) {
		request = request_box_take(p->parts.requests);
		if (!request)
			return false;
		request->result = answer_request(p, request, now_ns);
		request_box_finish(p->parts.requests, request);
	}
	return p->parts.requests;
}

/* Once a second: what was lost, and how fast events come. */
static void look_around(struct pipeline *p, uint64_t now_ns)
{
	uint64_t before = losses_source(p->losses)->events_total;
	double elapsed_s = (double)(now_ns - p->looked_ns) / 1e9;
	uint64_t lost = losses_check(p->losses, p->parts.source, p->parts.state, now_ns, p->gaps);

	scorer_set_lost(p->parts.scorer, lost);
	if (lost > p->lost_total)
		rule_set_note_loss(p->parts.rules, now_ns);
	p->lost_total = lost;
	if (p->parts.source->is_live) {
		struct clock_reading reading = clock_read();

		clock_watch_look(&p->clock_watch, &reading, p->gaps);
	}
	gaps_flush(p->gaps, emit_gap, p);
	if (p->looked_ns)
		p->events_per_s =
			(double)(losses_source(p->losses)->events_total - before) / elapsed_s;
	p->looked_ns = now_ns;
}

bool pipeline_rest(struct pipeline *p, uint64_t now_ns)
{
	bool are_waiting;

	take_new_rules(p);
	state_tick(p->parts.state, now_ns);
	profile_set_tick(p->parts.profiles, now_ns);
	profile_set_give_texts(p->parts.profiles, emit_behaviour, p);
	scorer_tick(p->parts.scorer, now_ns);
	incidents_flush(p->parts.incidents, now_ns, emit_incident, p);
	are_waiting = answer_requests(p, now_ns);
	if (now_ns >= p->looked_ns + NS_PER_S)
		look_around(p, now_ns);
	if (!p->last_checkpoint_ns)
		p->last_checkpoint_ns = now_ns;
	if ((double)(now_ns - p->last_checkpoint_ns) >= p->parts.checkpoint_s * 1e9)
		pipeline_checkpoint(p, now_ns);
	if (p->parts.counts)
		push_if_made(p, WRITE_COUNTS,
			     behavior_counts_go_on(p->parts.counts, COUNTS_CELLS_PER_REST));
	return are_waiting;
}

struct rules_swap *pipeline_rules_swap(struct pipeline *p)
{
	return &p->swap;
}

uint64_t pipeline_last_event_ns(const struct pipeline *p)
{
	return p->last_event_ns;
}
