#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/util.h"
#include "capture/scap.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "daemon/replay_output.h"
#include "daemon/verbs.h"

#define EXIT_UNREADABLE 2
#define BATCH_MAX 2048

struct replay_options {
	const char **files, **rules;
	uint32_t n_files, n_rules;
	const char *db;
	bool is_json;
	char **config_argv; /* what options_load_config() takes */
	int config_argc;
};

struct replay {
	struct replay_options options;
	struct daemon daemon;
	struct replay_output *output;
};

static int usage(void)
{
	fprintf(stderr, "usage: ethogram replay FILE... [-c FILE] [--set KEY=VALUE]... "
			"[--rules FILE]... [--json] [--db FILE]\n");
	return 2;
}

static void options_done(struct replay_options *o)
{
	free(o->files);
	free(o->rules);
	free(o->config_argv);
}

/* False: wrong usage. */
static bool take_option(struct replay_options *o, const char *name, char *value)
{
	if (!value)
		return false;
	if (strcmp(name, "--rules") == 0) {
		o->rules[o->n_rules++] = value;
	} else if (strcmp(name, "--db") == 0) {
		o->db = value;
	} else if (strcmp(name, "-c") == 0 || strcmp(name, "--set") == 0) {
		o->config_argv[o->config_argc++] = (char *)name;
		o->config_argv[o->config_argc++] = value;
	} else {
		return false;
	}
	return true;
}

static bool parse(int argc, char **argv, struct replay_options *o)
{
	size_t n = (size_t)argc + 1;

	o->files = calloc(n, sizeof(*o->files));
	o->rules = calloc(n, sizeof(*o->rules));
	o->config_argv = calloc(n, sizeof(*o->config_argv));
	if (!o->files || !o->rules || !o->config_argv)
		return false;
	o->config_argv[o->config_argc++] = argv[0];
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			o->is_json = true;
		} else if (argv[i][0] != '-' || !argv[i][1]) {
			o->files[o->n_files++] = argv[i];
		} else {
			if (!take_option(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
				return false;
			i++;
		}
	}
	return o->n_files > 0;
}

static void free_strings(struct string_list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){0};
}

/* --rules stands for rules.files, --db for storage.path: without it nothing is stored. */
static int apply_options(struct config *config, const struct replay_options *o)
{
	free(config->storage.path);
	config->storage.path = o->db ? strdup(o->db) : NULL;
	if (o->db && !config->storage.path)
		return -ENOMEM;
	if (!o->n_rules)
		return 0;
	free_strings(&config->rules.files);
	config->rules.files.items = calloc(o->n_rules, sizeof(char *));
	for (uint32_t i = 0; config->rules.files.items && i < o->n_rules; i++) {
		config->rules.files.items[i] = strdup(o->rules[i]);
		if (!config->rules.files.items[i])
			return -ENOMEM;
		config->rules.files.n++;
	}
	return config->rules.files.items ? 0 : -ENOMEM;
}

/* Secrets go before anybody sees them; then the record is said, and stored if it is to be. */
static void emit(enum write_kind kind, void *record, void *arg)
{
	struct replay *replay = arg;
	struct daemon *d = &replay->daemon;

	if (record && d->config->storage.redact.n > 0)
		redact_record(d->redact, kind, record);
	replay_output_record(replay->output, kind, record);
	if (d->writer)
		writer_push(d->writer, kind, record);
	else
		record_free(record);
}

static void print_loss(const char *what, uint64_t n)
{
	if (n)
		fprintf(stderr, "ethogram: replay: %llu %s\n", (unsigned long long)n, what);
}

/* What the captures hold and was not told. */
static void print_losses(const struct source *source)
{
	struct scap_counters c;

	scap_source_counters(source, &c);
	print_loss("events of types that this version does not know, left out", c.unknown_total);
	print_loss("beginnings of calls could not be kept: their ends lack parameters",
		   c.enters_lost);
	print_loss("blocks that are neither state nor event, left out", c.skipped_blocks);
}

/* What it came to: also that there was nothing to say. */
static void print_summary(const struct replay *replay)
{
	const struct source *source = replay->daemon.source;
	struct replay_said said = replay_output_said(replay->output);
	struct source_counters c;

	source->ops->counters(source, &c);
	fprintf(stderr,
		"ethogram: replay: %" PRIu64 " events: %" PRIu64 " alerts, %" PRIu64
		" anomalies, %" PRIu64 " incidents\n",
		c.events_total, said.alerts, said.anomalies, said.incidents);
	print_losses(source);
}

/* Which exit code it is. The source has said why if it was the file's fault. */
static int print_failure(const struct source *source, int error)
{
	const struct diag *diag = scap_source_diag(source);

	if (!diag->message[0]) {
		log_err_r(error, "replay: ended early");
		return 1;
	}
	diag_print(diag);
	return EXIT_UNREADABLE;
}

/* What is unreadable ends the replay, after everything before it was said. */
static int run(struct replay *replay)
{
	struct daemon *d = &replay->daemon;
	int r, said, code = 0;

	do
		r = pipeline_run_batch(d->pipeline, BATCH_MAX);
	while (r > 0);
	pipeline_end(d->pipeline, pipeline_last_event_ns(d->pipeline));
	said = replay_output_finish(replay->output);
	if (said) {
		log_err_r(said, "standard output: cannot write");
		code = 1;
	}
	if (r < 0)
		code = print_failure(d->source, r);
	print_summary(replay);
	return code;
}

static int start(struct replay *replay)
{
	struct daemon *d = &replay->daemon;
	struct diag diag = {0};
	int r = options_load_config(replay->options.config_argc, replay->options.config_argv,
				    &d->config);

	if (r == -EXIT_USAGE)
		return usage();
	if (r || apply_options(d->config, &replay->options) ||
	    replay_output_create(&replay->output, stdout, replay->options.is_json))
		return 1;
	d->is_replay = true;
	d->emit = emit;
	d->emit_arg = replay;
	r = scap_source_create(&d->source, replay->options.files, replay->options.n_files, &diag);
	if (r) {
		diag_print(&diag);
		return EXIT_UNREADABLE;
	}
	if (daemon_make_replay(d))
		return 1;
	replay_output_set_state(replay->output, d->state);
	return 0;
}

int verb_replay(int argc, char **argv)
{
	struct replay replay = {0};
	int code;

	/* The same file gives the same bytes, wherever and whenever it is read. */
	setenv("TZ", "UTC", 1);
	tzset();
	code = parse(argc, argv, &replay.options) ? start(&replay) : usage();
	if (!code)
		code = run(&replay);
	daemon_unmake(&replay.daemon);
	replay_output_destroy(&replay.output);
	options_done(&replay.options);
	return code;
}
