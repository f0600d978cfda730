#include "daemon/what_if_capture.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/util.h"
#include "capture/scap.h"
#include "daemon/daemon.h"
#include "daemon/id_set.h"
#include "daemon/verb_text.h"
#include "daemon/what_if_answer.h"
#include "storage/records_json.h"

#define BATCH_MAX 2048
#define GAPS_MAX 1000 /* shown; the newest word on each */

/* What one file held. */
struct file_span {
	uint64_t events, from_ns, to_ns;
};

struct run {
	const struct what_if_question *question;
	const struct what_if_captures *captures;
	struct field_set fields;
	struct rule_messages messages;
	struct what_if_rules rules;
	struct daemon daemon;
	struct what_if_tally *tally;
	struct what_if_needs *needs; /* NULL: the rules as they are are replayed */
	struct file_span *files;
	struct id_set told;
	struct record_gap *gaps[GAPS_MAX];
	uint32_t n_gaps;
	int error;
};

static bool is_within(const struct what_if_captures *c, uint64_t ts_ns)
{
	return ts_ns >= c->since_ns && (!c->until_ns || ts_ns < c->until_ns);
}

/* Alerts come again when they join an incident late. */
static void take_alert(struct run *run, const struct record_alert *alert)
{
	int r = id_set_add(&run->told, alert->id);

	if (r > 0 && is_within(run->captures, alert->ts_ns)) {
		if (run->needs)
			r = what_if_tally_hit(run->tally, alert, NULL);
		else
			what_if_tally_hit_now(run->tally, alert->rule);
	}
	if (r < 0)
		run->error = r;
}

static void take_gap(struct run *run, struct record_gap *gap)
{
	uint32_t i = 0;

	while (i < run->n_gaps && run->gaps[i]->id != gap->id)
		i++;
	if (i == GAPS_MAX) {
		record_free(gap);
		return;
	}
	if (i < run->n_gaps)
		record_free(run->gaps[i]);
	else
		run->n_gaps++;
	run->gaps[i] = gap;
}

static void emit(enum write_kind kind, void *record, void *arg)
{
	struct run *run = arg;

	if (record && run->daemon.config->storage.redact.n > 0)
		redact_record(run->daemon.redact, kind, record);
	if (kind == WRITE_ALERT)
		take_alert(run, record);
	if (kind == WRITE_GAP && run->needs)
		take_gap(run, record);
	else
		record_free(record);
}

static void look(const struct field_context *ctx, void *arg)
{
	struct run *run = arg;
	struct file_span *file = &run->files[scap_source_file(run->daemon.source)];
	uint64_t ts_ns = ctx->event->ts_ns;

	if (!is_within(run->captures, ts_ns))
		return;
	if (!file->events || ts_ns < file->from_ns)
		file->from_ns = ts_ns;
	file->to_ns = MAX(file->to_ns, ts_ns);
	file->events++;
	what_if_needs_see(run->needs, ctx);
}

/* What the rates of reported rules left out; set is the pipeline's. */
static void note_suppressed(struct run *run, const struct rule_set *set)
{
	for (uint32_t i = 0; i < rule_set_size(set); i++) {
		struct rule_info info;

		rule_set_info(set, i, &info);
		what_if_tally_suppressed(run->tally, info.name, info.suppressed_total);
	}
}

/* config and rules are taken. */
static int replay(struct run *run, struct config *config, struct rule_set *rules, struct diag *diag)
{
	struct daemon *d = &run->daemon;
	int r;

	*d = (struct daemon){.config = config,
			     .rules = rules,
			     .is_replay = true,
			     .emit = emit,
			     .emit_arg = run,
			     .look = run->needs ? look : NULL,
			     .look_arg = run};
	r = scap_source_create(&d->source, run->captures->files, run->captures->n, diag);
	if (!r)
		r = daemon_make_replay(d);
	if (r)
		return r;
	do
		r = pipeline_run_batch(d->pipeline, BATCH_MAX);
	while (r > 0);
	pipeline_checkpoint(d->pipeline, pipeline_last_event_ns(d->pipeline));
	if (run->needs)
		note_suppressed(run, rules);
	if (r < 0)
		*diag = *scap_source_diag(d->source);
	return r ? r : run->error;
}

/* Back for the next replay, which learns from nothing, too. */
static struct config *end_replay(struct run *run)
{
	struct config *config = TAKE(run->daemon.config);

	daemon_unmake(&run->daemon);
	id_set_done(&run->told);
	return config;
}

static cJSON *sources_json(const struct run *run)
{
	cJSON *json = cJSON_CreateArray();

	for (uint32_t i = 0; i < run->captures->n; i++) {
		const struct file_span *file = &run->files[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "kind", "capture");
		json_add_text(item, "file", text_from(run->captures->files[i]));
		json_add_u64(item, "events", file->events);
		json_add_time(item, "from", file->from_ns);
		json_add_time(item, "to", file->to_ns);
		cJSON_AddItemToArray(json, item);
	}
	return json;
}

static cJSON *gaps_json(struct run *run)
{
	cJSON *json = cJSON_CreateArray();

	for (uint32_t i = 0; i < run->n_gaps; i++)
		cJSON_AddItemToArray(json, gap_json(run->gaps[i]));
	return json;
}

static cJSON *missing(uint32_t rule, const void *needs)
{
	return what_if_needs_missing(needs, rule);
}

static cJSON *answer(struct run *run, bool is_complete)
{
	struct what_if_answer answer = {.is_complete = is_complete,
					.is_exact = true,
					.has_incidents = true,
					.sources = sources_json(run),
					.gaps = gaps_json(run),
					.tally = run->tally,
					.missing = missing,
					.missing_arg = run->needs};

	for (uint32_t i = 0; i < run->captures->n; i++) {
		const struct file_span *file = &run->files[i];

		if (file->events && (!answer.from_ns || file->from_ns < answer.from_ns))
			answer.from_ns = file->from_ns;
		answer.to_ns = MAX(answer.to_ns, file->to_ns);
	}
	return what_if_answer_json(&answer, &run->rules, &run->messages);
}

static void run_done(struct run *run)
{
	struct config *config = end_replay(run);

	config_destroy(&config);
	for (uint32_t i = 0; i < run->n_gaps; i++)
		record_free(run->gaps[i]);
	what_if_needs_destroy(&run->needs);
	what_if_tally_destroy(&run->tally);
	what_if_rules_done(&run->rules);
	rule_messages_done(&run->messages);
	free(run->files);
}

/* The rules as they are, for what_if_tally_hit_now(). */
static int replay_now(struct run *run, struct diag *diag)
{
	struct what_if_needs *needs = run->needs;
	struct rule_set *set = NULL;
	int r = what_if_rules_full(&run->rules, run->question, false, &run->fields, &set);

	if (r)
		return r;
	run->needs = NULL;
	what_if_tally_compare(run->tally);
	r = replay(run, end_replay(run), set, diag);
	run->needs = needs;
	return r;
}

/* Everything but the config, which is taken. */
static int prepare(struct run *run, struct config *config, struct rule_set **set)
{
	int r;

	run->daemon.config = config;
	r = what_if_rules_load(&run->rules, run->question, &run->fields, &run->messages);
	if (!r)
		r = what_if_rules_full(&run->rules, run->question, true, &run->fields, set);
	run->files = calloc((size_t)run->captures->n + 1, sizeof(*run->files));
	if (!r && (!run->files || what_if_tally_create(&run->tally)))
		r = -ENOMEM;
	if (!r)
		r = what_if_rules_tally(&run->rules, run->tally);
	if (!r)
		r = what_if_needs_create(&run->needs, &run->rules, &run->fields);
	return r;
}

int what_if_run_captures(cJSON **document, struct config *config,
			 const struct what_if_question *question,
			 const struct what_if_captures *captures, struct diag *diag)
{
	SCOPED(run_done)
	struct run run = {
		.question = question,
		.captures = captures,
		.fields = verb_fields_all(),
	};
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	int r = prepare(&run, config, &set);

	if (r) {
		if (r == -EINVAL)
			*document = what_if_refusal_json(&run.messages);
		return r;
	}
	r = replay(&run, end_replay(&run), TAKE(set), diag);
	if (!r && what_if_rules_change_any(&run.rules))
		r = replay_now(&run, diag);
	*document = answer(&run, r == 0);
	return r;
}
