#include "anomaly/describe.h"

#include <math.h>

#include "anomaly/phrase.h"
#include "base/util.h"

#define REASON_MAX 2048
#define FORMULA_MAX 1024
#define ARGS_MAX 2048
#define FIELD_MAX 160 /* bytes of a key field in a sentence */
#define USUAL_NAMED 3 /* usual behaviours named in the sentence */
#define TEXT_MAX 4096 /* bytes of any other text in a record */

/* How a key's fields behind the first are read. */
enum object_style {
	STYLE_FIELDS, /* one by one */
	STYLE_PATH,   /* top directory, directory, name */
	STYLE_SOCKET, /* directory, name */
	STYLE_PEER,   /* protocol, port, network, address */
	STYLE_LOCAL,  /* protocol, port, address */
};

/* How the shipped dimensions are spoken of. The first field of their keys is who acts, the others
 * say on what; other dimensions are quoted field by field. */
static const struct wording {
	struct text dimension;
	const char *never, *never_any, *usually;
	enum object_style style;
} wordings[] = {
	{TEXT("exec"), "run", "run a program", "runs", STYLE_FIELDS},
	{TEXT("file.read"), "read", "read a file", "reads", STYLE_PATH},
	{TEXT("file.write"), "written", "written a file", "writes", STYLE_PATH},
	{TEXT("file.denied"), "been refused", "been refused a file", "is refused", STYLE_PATH},
	{TEXT("net.connect"), "connected to", "connected anywhere", "connects to", STYLE_PEER},
	{TEXT("unix.connect"), "connected to", "connected to a local socket", "connects to",
	 STYLE_SOCKET},
	{TEXT("net.listen"), "listened on", "listened anywhere", "listens on", STYLE_LOCAL},
	{TEXT("privilege"), "used", "used a privilege", "uses", STYLE_FIELDS},
};

static const struct wording *wording_of(struct text dimension)
{
	for (size_t i = 0; i < ARRAY_SIZE(wordings); i++) {
		if (text_equal(wordings[i].dimension, dimension))
			return &wordings[i];
	}
	return NULL;
}

static struct text cut(struct text t, uint32_t max)
{
	return (struct text){t.ptr, MIN(t.len, max)};
}

static void say_file(struct phrase *p, struct text directory, struct text name)
{
	phrase_short(p, directory, FIELD_MAX);
	if (!text_ends_with(directory, TEXT("/")))
		phrase_text(p, TEXT("/"));
	phrase_short(p, name, FIELD_MAX);
}

static void say_below(struct phrase *p, struct text directory)
{
	phrase_text(p, TEXT("anything below "));
	phrase_short(p, directory, FIELD_MAX);
}

/* "10.0.0.1 port 80 (tcp/private)"; what is not among the n fields is left out. */
static void say_end(struct phrase *p, const struct text *fields, uint32_t n, uint32_t address)
{
	if (n > address) {
		phrase_short(p, fields[address], FIELD_MAX);
		phrase_text(p, TEXT(" "));
	}
	if (n > 2) {
		phrase_text(p, TEXT("port "));
		phrase_short(p, fields[2], FIELD_MAX);
		phrase_text(p, TEXT(" "));
	}
	phrase_text(p, TEXT("("));
	phrase_short(p, fields[1], FIELD_MAX);
	phrase_text(p, TEXT(")"));
}

/* What is done, from the first n fields of a key of which the first is who does it. */
static void say_object(struct phrase *p, const struct wording *wording,
		       const struct record_key *key, uint32_t n)
{
	const struct text *f = key->fields;

	n = MIN(n, key->n);
	if (n < 2)
		phrase_text(p, TEXT("something"));
	else if (wording->style == STYLE_FIELDS)
		phrase_key(p, &f[1], n - 1, FIELD_MAX);
	else if (wording->style == STYLE_PEER)
		say_end(p, f, n, n > 4 ? 4 : 3);
	else if (wording->style == STYLE_LOCAL)
		say_end(p, f, n, 3);
	else if (n == 2)
		say_below(p, f[1]);
	else if (wording->style == STYLE_SOCKET)
		say_file(p, f[1], f[2]);
	else
		say_file(p, f[2], n > 3 ? f[3] : TEXT_NONE);
}

static void say_news(struct phrase *p, const struct wording *wording,
		     const struct record_anomaly *draft)
{
	uint32_t n_new = (uint32_t)draft->level + 1;
	struct text workload = plain_workload_name(draft->workload_name);

	if (!wording) {
		phrase_short(p, workload, FIELD_MAX);
		phrase_text(p, TEXT(" had never shown "));
		phrase_key(p, draft->key.fields, MIN(n_new, draft->key.n), FIELD_MAX);
		phrase_text(p, TEXT(" before"));
		return;
	}
	phrase_short(p, draft->key.fields[0], FIELD_MAX);
	phrase_text(p, TEXT(" in "));
	phrase_short(p, workload, FIELD_MAX);
	phrase_printf(p, " had never %s ", n_new == 1 ? wording->never_any : wording->never);
	if (n_new > 1)
		say_object(p, wording, &draft->key, n_new);
	phrase_text(p, n_new == 1 ? TEXT("before, now ") : TEXT(" before"));
	if (n_new == 1)
		say_object(p, wording, &draft->key, draft->key.n);
}

static void say_record(struct phrase *p, const struct describe_input *in)
{
	const struct novelty *n = &in->judgement->novelty;
	uint32_t epochs = n->parent_epochs;

	if (n->level == 0)
		epochs = MAX(epochs, n->stream.age_epochs);
	phrase_text(p, TEXT(": in "));
	phrase_duration(p, in->judgement->view.basis_s);
	phrase_printf(p, " something new %s turned up in %u of %u epochs",
		      n->level ? "there" : "of this kind", MIN(n->child_epochs, epochs), epochs);
	if (in->sighting->is_startup)
		phrase_text(p, TEXT(", this time while starting up"));
}

static void say_limits(struct phrase *p, const struct judgement *j)
{
	if (j->claim.is_capped) {
		phrase_text(p, TEXT("; known for "));
		phrase_duration(p, j->view.basis_s);
		phrase_text(p, TEXT(", so no claim above "));
		phrase_duration(p, j->claim.longest_s);
		phrase_text(p, TEXT(" is possible"));
	}
	if (j->novelty.has_population && j->novelty.population_known)
		phrase_text(p, TEXT("; other workloads of its kind do this"));
	else if (j->claim.population_factor > 1)
		phrase_text(p, TEXT("; no workload of its kind ever did this"));
}

/* At the coarsest level others act than usually, so who they are is said, too. */
static void say_usual(struct phrase *p, const struct wording *wording,
		      const struct record_anomaly *draft)
{
	for (uint32_t i = 0; i < MIN(draft->n_usual, USUAL_NAMED); i++) {
		const struct record_key *key = &draft->usual[i].key;

		phrase_text(p, i ? TEXT(", ") : TEXT("; usually "));
		if (wording && key->n > 1) {
			if (i == 0 || draft->level == 0) {
				phrase_short(p, key->fields[0], FIELD_MAX);
				phrase_printf(p, " %s ", wording->usually);
			}
			say_object(p, wording, key, key->n);
		} else {
			phrase_key(p, key->fields, key->n, FIELD_MAX);
		}
		phrase_printf(p, " (%.0f %% of epochs)", draft->usual[i].frequency * 100);
	}
}

static void say_reason(struct phrase *p, const struct describe_input *in,
		       const struct record_anomaly *draft)
{
	const struct wording *wording = wording_of(draft->dimension);

	say_news(p, wording, draft);
	say_record(p, in);
	say_usual(p, wording, draft);
	say_limits(p, in->judgement);
}

static void say_formula(struct phrase *p, const struct judgement *j)
{
	const struct novelty *n = &j->novelty;
	const struct claim *c = &j->claim;
	uint32_t epochs = n->parent_epochs;

	if (n->level == 0)
		epochs = MAX(epochs, n->stream.age_epochs);
	phrase_printf(p, "(%.2f + %.2f) / 2 bits; ", c->stream_bits, c->parent_bits);
	phrase_printf(p, "stream: -log2 %.3g per epoch at level %u, after %u epochs; ",
		      n->stream.rate_per_epoch, n->level, n->stream.age_epochs);
	phrase_printf(p, "parent: -log2 ((%u + 4 x %.3g) / (%u + 4)); ",
		      MIN(n->child_epochs, epochs), n->stream.rate_per_epoch, epochs);
	if (c->population_factor != 1)
		phrase_printf(p, "population: x %.2f; ", c->population_factor);
	if (c->is_capped)
		phrase_text(p, TEXT("cut at the longest claim; "));
	phrase_printf(p, "2^%.2f x %.3g s = %.4g s", c->bits, j->novelty.unit_s,
		      c->return_period_s);
}

static void take_key(const struct sighting *s, struct record_key *key)
{
	key->n = MIN(s->n_levels, RECORD_KEY_MAX);
	for (uint8_t i = 0; i < key->n; i++)
		key->fields[i] = cut(s->fields[i], TEXT_MAX);
}

static void take_usual(const struct describe_input *in, struct record_anomaly *draft)
{
	struct record_key keys[RECORD_USUAL_MAX];
	double frequencies[RECORD_USUAL_MAX];
	uint32_t n = profile_usual(in->sighting, in->judgement->novelty.level, RECORD_USUAL_MAX,
				   keys, frequencies);

	draft->n_usual = (uint8_t)MIN(n, RECORD_USUAL_MAX);
	for (uint8_t i = 0; i < draft->n_usual; i++) {
		draft->usual[i].key = keys[i];
		draft->usual[i].key.n = MIN(keys[i].n, RECORD_KEY_MAX);
		draft->usual[i].frequency = frequencies[i];
	}
}

static struct text event_args(const struct describe_input *in)
{
	struct field_arg none = {0};
	struct values values;

	if (!in->args_field || !in->ctx->arena ||
	    !in->args_field->extract(in->ctx, in->args_field, &none, &values) || values.n == 0)
		return TEXT_NONE;
	return cut(values.items[0].text, ARGS_MAX);
}

void describe_process(const struct field_context *ctx, const struct process *process,
		      char cmdline[DESCRIBE_CMDLINE_MAX], struct record_process *out)
{
	const struct process *p = process;

	*out = (struct record_process){
		.pid = process->pid,
		.start_time_ns = process_start_time_ns(ctx->state, process),
		.uid = process->uid,
		.exe = cut(process->exepath, TEXT_MAX),
		.user = state_user_name(ctx->state, process, process->uid),
	};
	out->cmdline =
		(struct text){cmdline, process_cmdline(process, cmdline, DESCRIBE_CMDLINE_MAX)};
	while (out->n_lineage < RECORD_LINEAGE_MAX) {
		p = p->creator ? p->creator : p->parent;
		if (!p)
			break;
		out->lineage[out->n_lineage].pid = p->pid;
		out->lineage[out->n_lineage].exe = cut(p->exepath, TEXT_MAX);
		out->n_lineage++;
	}
}

static void take_judgement(const struct describe_input *in, struct record_anomaly *draft)
{
	const struct judgement *j = in->judgement;

	draft->level = (int32_t)j->novelty.level;
	draft->novel = true;
	draft->is_startup = in->sighting->is_startup;
	draft->return_period_s = j->claim.return_period_s;
	draft->return_period_basis_s = j->view.basis_s;
	draft->return_period_capped = j->claim.is_capped;
	draft->above_threshold = in->is_above_threshold;
	draft->bits = j->claim.bits;
	draft->coverage = j->view.coverage;
	draft->population_known = j->novelty.has_population && j->novelty.population_known;
	draft->population_factor = j->claim.population_factor;
	draft->n_levels = judgement_levels(j, in->sighting, draft->levels);
	draft->quality = (struct record_quality){
		.complete = in->lost_events == 0 && !in->sighting->is_missing,
		.lost_events = in->lost_events,
		.sketch_estimated = j->view.is_estimated,
	};
}

/* When the behaviour was last seen, if it was forgotten since; the end of that epoch. */
static uint64_t seen_before_ns(const struct describe_input *in)
{
	double ns = (double)in->sighting->last_seen_epoch * in->judgement->view.epoch_s * 1e9;

	return ns > 0 && ns < (double)in->ctx->event->ts_ns ? (uint64_t)ns : 0;
}

struct record_anomaly *describe_anomaly(const struct describe_input *input)
{
	const struct event *ev = input->ctx->event;
	const struct process *process = input->ctx->subject->process;
	char cmdline[DESCRIBE_CMDLINE_MAX], reason[REASON_MAX], formula[FORMULA_MAX];
	struct phrase reason_phrase = PHRASE(reason), formula_phrase = PHRASE(formula);
	struct record_anomaly draft = {
		.id = input->id,
		.first_ns = ev->ts_ns,
		.last_ns = ev->ts_ns,
		.occurrences = 1,
		.state = ANOMALY_OPEN,
		.workload_id = input->judgement->view.workload->id,
		.workload_name = input->judgement->view.workload->name,
		.instance = process->instance ? process->instance->id : TEXT_NONE,
		.dimension = input->judgement->view.dimension,
		.seen_before_ns = seen_before_ns(input),
		.event_type = ev->type,
		.event_num = ev->num,
		.event_args = event_args(input),
	};

	take_key(input->sighting, &draft.key);
	take_judgement(input, &draft);
	take_usual(input, &draft);
	describe_process(input->ctx, process, cmdline, &draft.process);
	say_reason(&reason_phrase, input, &draft);
	say_formula(&formula_phrase, input->judgement);
	draft.reason = phrase_result(&reason_phrase);
	draft.formula = phrase_result(&formula_phrase);
	return record_anomaly_copy(&draft);
}
