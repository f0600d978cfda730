#include "daemon/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/daemon.h"
#include "daemon/documents.h"
#include "daemon/needs.h"
#include "daemon/options.h"
#include "daemon/rules_swap.h"

#define SWAP_TIMEOUT_MS 10000
#define ASK_TIMEOUT_S 60

struct reload {
	struct daemon *daemon;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	uint64_t n_asked, n_done; /* requests; those answered */
	bool is_attended, is_stopped;
	pthread_t loader;
	char *outcome; /* JSON of the last reload */
	struct api_rules_facts facts;
};

int reload_create(struct reload **out, struct daemon *daemon)
{
	struct reload *reload = calloc(1, sizeof(*reload));
	pthread_condattr_t attributes;

	if (!reload)
		return -ENOMEM;
	reload->daemon = daemon;
	reload->facts = (struct api_rules_facts){.generation = 1, .loaded_ns = clock_real_ns()};
	pthread_mutex_init(&reload->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&reload->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	*out = reload;
	return 0;
}

void reload_destroy(struct reload **reload)
{
	if (!*reload)
		return;
	pthread_cond_destroy(&(*reload)->changed);
	pthread_mutex_destroy(&(*reload)->lock);
	free((*reload)->outcome);
	free(*reload);
	*reload = NULL;
}

/* What is in the way besides the rule files themselves, as one of their errors. */
static void add_message(struct rule_messages *messages, const char *code, const struct diag *diag)
{
	struct rule_message *items =
		realloc(messages->items, (messages->n + 1) * sizeof(*messages->items));

	if (!items)
		return;
	messages->items = items;
	items[messages->n++] = (struct rule_message){
		.is_error = true,
		.code = code,
		.message = strdup(*diag->message ? diag->message : "out of memory"),
		.file = *diag->file ? strdup(diag->file) : NULL,
		.line = diag->line,
		.column = diag->column,
	};
}

static int swap(struct daemon *d, struct rule_set *rules, struct diag *diag)
{
	struct rules_swap *at = pipeline_rules_swap(d->pipeline);
	SCOPED(rule_set_destroy) struct rule_set *old = NULL;
	int r;

	rules_swap_offer(at, rules, clock_real_ns());
	d->source->ops->wake(d->source);
	r = rules_swap_wait(at, SWAP_TIMEOUT_MS, &d->stop, &old);
	if (r == -ECANCELED)
		return diag_set(diag, r, "the daemon is ending");
	return r ? diag_set(diag, r, "the pipeline did not take the new rules in time") : 0;
}

/* Compile, and let the running pipeline go over to the new set. */
static int load(struct daemon *d, struct rule_messages *messages)
{
	SCOPED(config_destroy) struct config *config = NULL;
	SCOPED(rule_set_destroy) struct rule_set *rules = NULL;
	struct capture_demand before, demand = {0}, both;
	struct diag diag = {0};
	int r = options_read_config(d->argc, d->argv, &config, &diag);

	if (r) {
		add_message(messages, "LOAD_ERR_CONFIG", &diag);
		return r;
	}
	r = daemon_load_rules(d, config, &rules, messages);
	if (r)
		return r;
	r = daemon_demand(d, config, rules, &demand, &diag);
	if (!r)
		r = rule_set_describe(rules, &d->fields, &demand.wanted);
	if (!r)
		r = rule_set_prepare_carry(rules, d->loaded);
	if (!r) {
		before = d->demand;
		capture_demand_join(&both, &before, &demand);
		r = daemon_change_demand(d, &both, &diag);
	}
	if (!r) {
		const struct rule_set *next = rules;

		r = swap(d, TAKE(rules), &diag);
		d->loaded = r ? d->loaded : next;
		daemon_change_demand(d, r ? &before : &demand, NULL);
	}
	if (r)
		add_message(messages, "LOAD_ERR_RELOAD", &diag);
	return r;
}

static void describe_error(const struct rule_messages *messages, char *out, size_t size)
{
	snprintf(out, size, "out of memory");
	for (uint32_t i = 0; i < messages->n; i++) {
		const struct rule_message *m = &messages->items[i];
		char place[32] = "";

		if (!m->is_error)
			continue;
		if (m->line)
			snprintf(place, sizeof(place), ":%u:%u", m->line, m->column);
		snprintf(out, size, "%s%s%s%s%s%s (%s)", m->file ? m->file : "", place,
			 m->file ? ": " : "", m->item ? m->item : "", m->item ? ": " : "",
			 m->message ? m->message : "", m->code);
		return;
	}
}

static uint64_t count_errors(const struct rule_messages *messages)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < messages->n; i++)
		n += messages->items[i].is_error;
	return n;
}

/* Under the lock. */
static void note_outcome(struct reload *reload, int r, const struct rule_messages *messages)
{
	struct api_rules_facts *facts = &reload->facts;
	cJSON *json;

	facts->reloads_total++;
	facts->errors = r ? MAX(count_errors(messages), 1) : 0;
	*facts->last_error = '\0';
	if (r) {
		facts->reloads_refused_total++;
		facts->last_error_ns = clock_real_ns();
		describe_error(messages, facts->last_error, sizeof(facts->last_error));
	} else {
		facts->generation++;
		facts->loaded_ns = clock_real_ns();
	}
	json = document_load(r ? NULL : reload->daemon->loaded, messages);
	json_add_u64(json, "generation", facts->generation);
	json_add_time(json, "loaded_at", facts->loaded_ns);
	free(reload->outcome);
	reload->outcome = json ? cJSON_PrintUnformatted(json) : NULL;
	cJSON_Delete(json);
}

void reload_run(struct reload *reload)
{
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	uint64_t n_asked, start_ns = clock_monotonic_ns();
	int r;

	pthread_mutex_lock(&reload->lock);
	n_asked = reload->n_asked;
	pthread_mutex_unlock(&reload->lock);
	r = load(reload->daemon, &messages);
	pthread_mutex_lock(&reload->lock);
	note_outcome(reload, r, &messages);
	reload->facts.load_ns = clock_monotonic_ns() - start_ns;
	if (r)
		log_warn("reload: refused: %s: keeping the rules that run (generation %" PRIu64 ")",
			 reload->facts.last_error, reload->facts.generation);
	else
		log_info("reload: %u rules, generation %" PRIu64,
			 rule_set_size(reload->daemon->loaded), reload->facts.generation);
	reload->n_done = n_asked;
	pthread_cond_broadcast(&reload->changed);
	pthread_mutex_unlock(&reload->lock);
}

bool reload_attend(struct reload *reload)
{
	bool has_asked;

	pthread_mutex_lock(&reload->lock);
	reload->is_attended = true;
	reload->loader = pthread_self();
	has_asked = reload->n_asked > 0;
	pthread_mutex_unlock(&reload->lock);
	return has_asked;
}

char *reload_ask(struct reload *reload)
{
	struct timespec until = {.tv_sec = (time_t)(clock_monotonic_ns() / 1000000000) +
					   ASK_TIMEOUT_S};
	char *outcome = NULL;
	uint64_t mine;

	pthread_mutex_lock(&reload->lock);
	mine = ++reload->n_asked;
	if (reload->is_attended && !reload->is_stopped)
		pthread_kill(reload->loader, SIGHUP);
	while (!reload->is_stopped && reload->n_done < mine &&
	       pthread_cond_timedwait(&reload->changed, &reload->lock, &until) == 0)
		;
	if (reload->n_done >= mine && reload->outcome)
		outcome = strdup(reload->outcome);
	pthread_mutex_unlock(&reload->lock);
	return outcome;
}

void reload_stop(struct reload *reload)
{
	pthread_mutex_lock(&reload->lock);
	reload->is_stopped = true;
	pthread_cond_broadcast(&reload->changed);
	pthread_mutex_unlock(&reload->lock);
}

void reload_facts(struct reload *reload, struct api_rules_facts *out)
{
	pthread_mutex_lock(&reload->lock);
	*out = reload->facts;
	pthread_mutex_unlock(&reload->lock);
}
