#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/commands.h"
#include "cli/what_if.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "daemon/verb_text.h"
#include "daemon/verbs.h"
#include "daemon/what_if_capture.h"

#define EXIT_UNREADABLE 2

struct what_if_options {
	const char **captures, **rules;
	uint32_t n_captures, n_rules;
	const char *file, *rule, *since, *until;
	bool is_json, wants_all;
	char **config_argv; /* what options_load_config() takes */
	int config_argc;
};

static void print_usage(FILE *to)
{
	fputs("usage: ethogram rules what-if FILE --capture X.scap... [-c FILE] "
	      "[--set KEY=VALUE]... [--rules FILE]...\n"
	      "           [--since T] [--until T] [--rule NAME] [--all] [--json]\n"
	      "       ethogram rules what-if FILE [--since T] [--until T] [--rule NAME] "
	      "[--all] [--cursor C] [--json] [--server URL]\n"
	      "what a rule file would have said: of captures, or of what the daemon stored\n\n"
	      "FILE may be left out with --rule or --all: the rules that run.\n"
	      "With --capture, --rules names what runs instead of rules.files of the "
	      "configuration.\n",
	      to);
}

static int usage(void)
{
	print_usage(stderr);
	return 2;
}

static void options_done(struct what_if_options *o)
{
	free(o->captures);
	free(o->rules);
	free(o->config_argv);
}

/* False: wrong usage. */
static bool take_option(struct what_if_options *o, const char *name, char *value)
{
	if (!value)
		return false;
	if (strcmp(name, "--capture") == 0)
		o->captures[o->n_captures++] = value;
	else if (strcmp(name, "--rules") == 0)
		o->rules[o->n_rules++] = value;
	else if (strcmp(name, "--rule") == 0)
		o->rule = value;
	else if (strcmp(name, "--since") == 0)
		o->since = value;
	else if (strcmp(name, "--until") == 0)
		o->until = value;
	else if (strcmp(name, "-c") == 0 || strcmp(name, "--set") == 0) {
		o->config_argv[o->config_argc++] = (char *)name;
		o->config_argv[o->config_argc++] = value;
	} else {
		return false;
	}
	return true;
}

static bool parse(int argc, char **argv, struct what_if_options *o)
{
	size_t n = (size_t)argc + 1;

	o->captures = calloc(n, sizeof(*o->captures));
	o->rules = calloc(n, sizeof(*o->rules));
	o->config_argv = calloc(n, sizeof(*o->config_argv));
	if (!o->captures || !o->rules || !o->config_argv)
		return false;
	o->config_argv[o->config_argc++] = argv[0];
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			o->is_json = true;
		} else if (strcmp(argv[i], "--all") == 0) {
			o->wants_all = true;
		} else if (argv[i][0] != '-' || !argv[i][1]) {
			if (o->file)
				return false;
			o->file = argv[i];
		} else {
			if (!take_option(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
				return false;
			i++;
		}
	}
	return (o->file || o->rule || o->wants_all) && o->n_captures > 0;
}

static bool parse_time(const char *name, const char *text, uint64_t *ns)
{
	if (!text || time_parse(text_from(text), ns))
		return true;
	fprintf(stderr, "ethogram: --%s: a capture takes a time like 2026-11-20T12:00:00Z\n", name);
	return false;
}

/* 0 successful, 1 rules refused or a failure, 2 an unreadable capture. */
static int exit_code(int r, const cJSON *document, const struct diag *diag)
{
	if (r == 0)
		return 0;
	if (diag->message[0]) {
		diag_print(diag);
		return EXIT_UNREADABLE;
	}
	if (r != -EINVAL || !document)
		log_err_r(r, "what-if: ended early");
	return 1;
}

static int run(const struct what_if_options *o, struct config *config)
{
	const char *const *files =
		o->n_rules ? o->rules : (const char *const *)config->rules.files.items;
	SCOPED(rule_names_done) struct rule_names names = {0};
	struct field_set fields = verb_fields_all();
	struct rule_options rule_options;
	struct what_if_question question = {
		.files = files,
		.n_files = o->n_rules ? o->n_rules : config->rules.files.n,
		.options = &rule_options,
		.path = o->file,
		.only = o->rule,
		.wants_all = o->wants_all,
	};
	struct what_if_captures captures = {.files = o->captures, .n = o->n_captures};
	struct diag diag = {0};
	cJSON *document = NULL;
	int r;

	if (!parse_time("since", o->since, &captures.since_ns) ||
	    !parse_time("until", o->until, &captures.until_ns)) {
		config_destroy(&config);
		return 2;
	}
	daemon_rule_options(config, &rule_options);
	if (rule_names_load(&names, config, &fields, &diag)) {
		diag_print(&diag);
		config_destroy(&config);
		return 1;
	}
	rule_names_tell(&names, &rule_options);
	r = what_if_run_captures(&document, config, &question, &captures, &diag);
	if (document) /* no alert was asked about */
		json_add_null(document, "alert");
	if (document)
		what_if_print(document, o->is_json, stdout);
	r = exit_code(r, document, &diag);
	cJSON_Delete(document);
	return fflush(stdout) || ferror(stdout) ? 1 : r;
}

static bool has_captures(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--capture") == 0)
			return true;
	}
	return false;
}

/* argv[0] is "what-if". */
int verb_rules_what_if(int argc, char **argv)
{
	SCOPED(options_done) struct what_if_options options = {0};
	struct config *config = NULL;
	int r;

	if (argc < 2)
		return usage();
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (!has_captures(argc, argv))
		return verb_rules_ask(argc, argv);
	if (!parse(argc, argv, &options))
		return usage();
	r = options_load_config(options.config_argc, options.config_argv, &config);
	if (r)
		return r == -EXIT_USAGE ? usage() : 1;
	free(config->storage.path); /* nothing is stored */
	config->storage.path = NULL;
	return run(&options, config);
}
