#include "daemon/what_if_hook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/util.h"
#include "daemon/daemon.h"
#include "daemon/except_try.h"
#include "daemon/options.h"
#include "daemon/what_if_history.h"

#define BUDGET_NS UINT64_C(5000000000)
#define EVENTS_MAX 200000
#define UNNAMED "rules" /* in messages about a body without a name */

struct what_if_hooks {
	struct daemon *daemon;
	atomic_bool is_busy, stop;
	_Atomic uint64_t tries_total, refused_total, partial_total;
};

int what_if_hooks_create(struct what_if_hooks **out, struct daemon *daemon)
{
	struct what_if_hooks *hooks = calloc(1, sizeof(*hooks));

	if (!hooks)
		return -ENOMEM;
	hooks->daemon = daemon;
	*out = hooks;
	return 0;
}

void what_if_hooks_destroy(struct what_if_hooks **hooks)
{
	free(TAKE(*hooks));
}

void what_if_hooks_stop(struct what_if_hooks *hooks)
{
	if (hooks)
		atomic_store(&hooks->stop, true);
}

void what_if_hooks_facts(const struct what_if_hooks *hooks, struct api_rules_facts *out)
{
	out->tries_total = hooks->tries_total;
	out->tries_refused_total = hooks->refused_total;
	out->tries_partial_total = hooks->partial_total;
}

/* What is tried, and with what: the files as a reload would take them now. */
struct trial {
	struct config *config;
	struct rule_options options;
	struct what_if_question question;
	struct queries *queries;
	const struct field_set *fields;
	const atomic_bool *stop;
};

static void trial_done(struct trial *trial)
{
	config_destroy(&trial->config);
}

static int trial_init(struct trial *trial, const struct daemon *d, struct queries *queries)
{
	if (options_load_config(d->argc, d->argv, &trial->config))
		return -EIO;
	daemon_rule_options(trial->config, &trial->options);
	rule_names_tell(&d->names, &trial->options);
	trial->options.may_lack_dimensions = false;
	trial->options.has_no_rates = true;
	trial->queries = queries;
	trial->fields = &d->fields;
	trial->question = (struct what_if_question){
		.files = (const char *const *)trial->config->rules.files.items,
		.n_files = trial->config->rules.files.n,
		.options = &trial->options,
	};
	return 0;
}

/* Whether the alert's event would still be a hit. Rules that are refused decide nothing. */
static int add_alert(const struct trial *trial, uint64_t alert, cJSON *document)
{
	cJSON *json;
	bool hits = false;
	int r = alert ? except_hits(&hits, trial->queries, &trial->question, alert, trial->fields)
		      : -EINVAL;

	if (r == -EINVAL) {
		json_add_null(document, "alert");
		return 0;
	}
	if (r)
		return r;
	json = json_add_object(document, "alert");
	json_add_id(json, "id", 'l', alert);
	json_add_bool(json, "hit", hits);
	return 0;
}

static int try_rules(struct trial *trial, const struct api_what_if *ask, cJSON **document)
{
	struct what_if_history history = {
		.since_ns = ask->since_ns,
		.until_ns = ask->until_ns,
		.cursor = ask->cursor,
		.budget_ns = BUDGET_NS,
		.events_max = EVENTS_MAX,
		.now_ns = clock_real_ns(),
		.stop = trial->stop,
	};
	struct what_if_question *question = &trial->question;
	int r;

	question->path = !ask->len ? NULL : ask->file ? ask->file : UNNAMED;
	question->text = ask->text;
	question->len = ask->len;
	question->only = ask->rule;
	question->wants_all = ask->wants_all;
	r = what_if_run_history(document, trial->queries, question, &history, trial->fields);
	return r ? r : add_alert(trial, ask->alert, *document);
}

static int print(int r, cJSON *document, char **out)
{
	if (!r) {
		*out = cJSON_PrintUnformatted(document);
		r = *out ? 0 : -ENOMEM;
	}
	cJSON_Delete(document);
	return r;
}

/* -EBUSY while another is tried. */
static int begin(struct what_if_hooks *hooks, struct trial *trial, struct queries *queries)
{
	int r;

	if (atomic_exchange(&hooks->is_busy, true)) {
		hooks->refused_total++;
		return -EBUSY;
	}
	hooks->tries_total++;
	trial->stop = &hooks->stop;
	r = trial_init(trial, hooks->daemon, queries);
	if (r)
		atomic_store(&hooks->is_busy, false);
	return r;
}

/* part: that says whether it is complete. */
static void end(struct what_if_hooks *hooks, const cJSON *part)
{
	if (cJSON_IsFalse(cJSON_GetObjectItem(part, "complete")))
		hooks->partial_total++;
	atomic_store(&hooks->is_busy, false);
}

int what_if_hook(const struct api_what_if *ask, struct queries *queries, char **out, void *arg)
{
	SCOPED(trial_done) struct trial trial = {0};
	struct what_if_hooks *hooks = ((struct daemon *)arg)->tries;
	cJSON *document = NULL;
	int r = begin(hooks, &trial, queries);

	if (r)
		return r;
	r = try_rules(&trial, ask, &document);
	end(hooks, cJSON_IsTrue(cJSON_GetObjectItem(document, "successful")) ? document : NULL);
	return print(r, document, out);
}

int except_hook(uint64_t alert, struct queries *queries, char **out, void *arg)
{
	SCOPED(trial_done) struct trial trial = {0};
	struct what_if_hooks *hooks = ((struct daemon *)arg)->tries;
	struct except_question question = {.alert = alert,
					   .budget_ns = BUDGET_NS,
					   .events_max = EVENTS_MAX,
					   .stop = &hooks->stop};
	cJSON *document = NULL;
	int r = begin(hooks, &trial, queries);

	if (r)
		return r;
	question.is_redacted = trial.config->storage.redact.n > 0;
	r = except_run(&document, queries, &trial.question, &question, trial.fields);
	end(hooks, cJSON_GetObjectItem(document, "history"));
	return print(r, document, out);
}
