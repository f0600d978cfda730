#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/needs.h"
#include "daemon/reload.h"
#include "daemon/turns.h"
#include "daemon/wanted.h"

static void print_message(const struct rule_message *m)
{
	fprintf(stderr, "ethogram: %s", m->file ? m->file : "rules");
	if (m->line)
		fprintf(stderr, ":%u:%u", m->line, m->column);
	fprintf(stderr, ": %s%s%s%s %s\n", m->is_error ? "" : "warning: ", m->item ? m->item : "",
		m->item ? ": " : "", m->code, m->message ? m->message : "");
}

void daemon_rule_options(const struct config *config, struct rule_options *out)
{
	static const char *const names[] = {"emergency", "alert",  "critical",      "error",
					    "warning",   "notice", "informational", "debug"};

	*out = (struct rule_options){
		.match_all = strcmp(config->rules.match, "all") == 0,
		.select = config->rules.order.items,
		.n_select = config->rules.order.n,
		.appends = config->append_output ? config->append_output->items : NULL,
		.n_appends = config->append_output ? config->append_output->n : 0,
		.static_names = (const char *const *)config->static_fields.names,
		.static_values = (const char *const *)config->static_fields.values,
		.n_static = config->static_fields.n,
		.window_bytes = config->limits.rule_windows_bytes,
	};
	out->rate = (struct rule_rate){(uint32_t)config->rules.rate_burst,
				       (uint64_t)(config->rules.rate_per_s * 1e9)};
	out->may_lack_dimensions = true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(config->rules.min_priority, names[i]) == 0)
			out->min_priority = (enum alert_priority)i;
	}
}

int daemon_load_rules(const struct daemon *daemon, const struct config *config,
		      struct rule_set **out, struct rule_messages *messages)
{
	SCOPED(rule_messages_done) struct rule_messages own = {0};
	struct rule_messages *said = messages ? messages : &own;
	struct rule_options options;
	int r;

	daemon_rule_options(config, &options);
	rule_names_tell(&daemon->names, &options);
	options.may_lack_dimensions = false;
	options.window_secret = daemon->window_secret;
	if (!daemon->is_replay && getrandom(&options.seed, sizeof(options.seed), 0) < 0)
		options.seed = clock_boot_ns(); /* better than none */
	r = rule_set_load(out, (const char *const *)config->rules.files.items,
			  config->rules.files.n, &daemon->fields, &options, said);
	for (uint32_t i = 0; i < said->n; i++) {
		if (said->items[i].is_error || r == 0)
			print_message(&said->items[i]);
	}
	return r;
}

int daemon_demand(const struct daemon *daemon, const struct config *config,
		  const struct rule_set *rules, struct capture_demand *out, struct diag *diag)
{
	static const struct event_set none;
	const struct event_set *counted =
		daemon->counts ? behavior_counts_events(daemon->counts) : &none;
	const struct event_set *asked[] = {rule_set_events(rules),
					   profile_set_events(daemon->profiles), counted};
	struct call_classes *classes = &out->classes;
	int r = wanted_events(&out->wanted, asked, ARRAY_SIZE(asked), config, diag);

	if (r)
		return r;
	out->max_cpu_ratio = config->capture.max_cpu_ratio;
	needs_of(&out->needs, rules, daemon->profiles);
	if (daemon->counts)
		needs_add_counts(&out->needs, daemon->counts);
	if (strcmp(config->capture.push_down, "on") != 0) {
		call_classes_all(classes);
		return 0;
	}
	*classes = (struct call_classes){0};
	rule_set_add_classes(rules, &out->wanted, classes);
	profile_set_add_classes(daemon->profiles, &out->wanted, classes);
	call_classes_add_events(classes, counted);
	wanted_add_state_classes(classes, asked, ARRAY_SIZE(asked),
				 rule_set_reads_descriptors(rules), config);
	return 0;
}

static void loader_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1); /* from daemon_stop_loader() */
}

void daemon_block_signals(void)
{
	sigset_t set;

	loader_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void *loader_main(void *arg)
{
	struct daemon *d = arg;
	sigset_t set;
	int signal_number;

	turns_go_last();
	loader_signals(&set);
	if (reload_attend(d->reload))
		reload_run(d->reload);
	while (sigwait(&set, &signal_number) == 0) {
		if (signal_number == SIGHUP) {
			reload_run(d->reload);
			continue;
		}
		if (signal_number == SIGUSR1)
			break;
		atomic_store(&d->stop, true);
		d->source->ops->wake(d->source);
	}
	return NULL;
}

int daemon_start_loader(struct daemon *d)
{
	int r = pthread_create(&d->loader, NULL, loader_main, d);

	d->loader_runs = r == 0;
	if (!r)
		pthread_setname_np(d->loader, "loader");
	return r ? log_err_r(-r, "loader: cannot start its thread") : 0;
}

void daemon_stop_loader(struct daemon *d)
{
	if (!d->loader_runs)
		return;
	atomic_store(&d->stop, true);
	reload_stop(d->reload);
	pthread_kill(d->loader, SIGUSR1);
	pthread_join(d->loader, NULL);
	d->loader_runs = false;
}
