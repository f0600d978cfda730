#include "cli/commands.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verb.h"

#define BIT(option) (1U << (option))
#define TIMES (BIT(OPTION_SINCE) | BIT(OPTION_UNTIL))
#define PAGE (BIT(OPTION_LIMIT) | BIT(OPTION_CURSOR))

enum arg_need { ARG_NONE, ARG_NEEDED, ARG_OPTIONAL };

static const struct command {
	const char *name, *arg, *help;
	cli_verb_fn *run;
	enum arg_need need;
	unsigned options; /* bits of enum cli_option */
	bool takes_below, takes_all;
} commands[] = {
	{"status", "", "what the daemon does, loses and takes", cli_status, ARG_NONE, 0, false},
	{"workloads", "", "what is on this host and how well each is known", cli_workloads,
	 ARG_NONE, PAGE, false},
	{"profile", "W", "what one workload usually does", cli_profile, ARG_NEEDED,
	 BIT(OPTION_DIMENSION) | BIT(OPTION_LIMIT), false},
	{"pending", "W", "what it did that is not learned yet", cli_pending, ARG_NEEDED,
	 BIT(OPTION_DIMENSION) | BIT(OPTION_LIMIT), false},
	{"anomalies", "", "what broke character", cli_anomalies, ARG_NONE,
	 TIMES | PAGE | BIT(OPTION_WORKLOAD) | BIT(OPTION_DIMENSION) | BIT(OPTION_STATE) |
		 BIT(OPTION_MIN_RETURN_PERIOD),
	 true},
	{"explain", "ID",
	 "every number behind an anomaly (a42) or incident (i7), every clause behind an alert (l3)",
	 cli_explain, ARG_NEEDED, BIT(OPTION_RULE), false},
	{"incidents", "", "anomalies and alerts that belong together", cli_incidents, ARG_NONE,
	 TIMES | PAGE | BIT(OPTION_WORKLOAD) | BIT(OPTION_STATE) | BIT(OPTION_MIN_RETURN_PERIOD),
	 false},
	{"alerts", "", "rules that matched", cli_alerts, ARG_NONE,
	 TIMES | PAGE | BIT(OPTION_WORKLOAD) | BIT(OPTION_RULE) | BIT(OPTION_PRIORITY) |
		 BIT(OPTION_INCIDENT),
	 false},
	{"processes", "", "the live process tree", cli_processes, ARG_NONE,
	 BIT(OPTION_ROOT) | BIT(OPTION_DEPTH), false},
	{"rules", "list", "loaded rules with hits", cli_rules, ARG_NEEDED,
	 BIT(OPTION_NAME) | BIT(OPTION_TAG), false},
	{"rules what-if", "FILE", "what a rule file would have said of stored events", cli_what_if,
	 ARG_OPTIONAL, TIMES | BIT(OPTION_RULE) | BIT(OPTION_CURSOR), false, true},
	{"rules except", "ALERT", "exceptions that would silence an alert, tried on history",
	 cli_except, ARG_NEEDED, BIT(OPTION_PICK) | BIT(OPTION_SAVE), false, false},
};

static const struct {
	const char *name, *value, *help;
} option_names[OPTION_END] = {
	[OPTION_SINCE] = {"since", "TIME", "not before a time, or that long ago (2h)"},
	[OPTION_UNTIL] = {"until", "TIME", "before a time, or that long ago"},
	[OPTION_WORKLOAD] = {"workload", "W", "of this workload: id, name or part of it"},
	[OPTION_DIMENSION] = {"dimension", "NAME", "of this dimension"},
	[OPTION_MIN_RETURN_PERIOD] = {"min-return-period", "TIME",
				      "at least this surprising (8h, 2d)"},
	[OPTION_STATE] = {"state", "STATE", "in this state (open, …)"},
	[OPTION_RULE] = {"rule", "NAME", "of this rule"},
	[OPTION_PRIORITY] = {"priority", "NAME", "of this priority or a more urgent one"},
	[OPTION_INCIDENT] = {"incident", "ID", "of this incident"},
	[OPTION_ROOT] = {"root", "PID", "the tree below this process"},
	[OPTION_DEPTH] = {"depth", "N", "levels below the root"},
	[OPTION_NAME] = {"name", "NAME", "of that name; * stands for anything"},
	[OPTION_TAG] = {"tag", "TAG", "with this tag"},
	[OPTION_LIMIT] = {"limit", "N", "at most so many, up to 1000"},
	[OPTION_CURSOR] = {"cursor", "C", "the page after the one whose end this is"},
	[OPTION_PICK] = {"pick", "N", "the one with this number; else the first, the narrowest"},
	[OPTION_SAVE] = {"save", "FILE", "add it to a rule file, if that silences the alert"},
};

void cli_usage(FILE *to)
{
	fprintf(to, "\nClients of a running daemon (all take --json, --server URL, --token-file "
		    "FILE, --ca FILE):\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-13s %-5s %s\n", commands[i].name, commands[i].arg,
			commands[i].help);
	fprintf(to, "Options of a verb: ethogram VERB --help\n");
}

static void verb_usage(const struct command *command, FILE *to)
{
	fprintf(to, "usage: ethogram %s%s%s [OPTIONS]\n%s\n\n", command->name,
		*command->arg ? " " : "", command->arg, command->help);
	for (unsigned i = 0; i < OPTION_END; i++) {
		if ((command->options & BIT(i)) && option_names[i].name)
			fprintf(to, "  --%s %-*s %s\n", option_names[i].name,
				(int)(20 - strlen(option_names[i].name)), option_names[i].value,
				option_names[i].help);
	}
	if (command->takes_below)
		fprintf(to, "  --%-21s those below the threshold, most surprising first\n",
			"below");
	if (command->takes_all)
		fprintf(to, "  --%-21s every rule, not only what FILE defines or changes\n", "all");
	fprintf(to, "  --json                  the server's answer as it is\n"
		    "  --server URL            http://…, https://… or the path of a Unix socket\n"
		    "  --token-file FILE       else $ETHOGRAM_TOKEN, or token beside the socket\n"
		    "  --ca FILE               certificates to trust\n");
}

/* The value of "--name VALUE" or "--name=VALUE" at argv[*i], NULL if it is another option. */
static const char *option_value(int argc, char **argv, int *i, const char *name, bool *is_bad)
{
	const char *arg = argv[*i];
	size_t len;

	assert(arg && name);
	len = strlen(name);
	if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, len) != 0)
		return NULL;
	if (arg[2 + len] == '=')
		return arg + 3 + len;
	if (arg[2 + len])
		return NULL;
	if (*i + 1 >= argc) {
		fprintf(stderr, "ethogram: %s needs a value\n", arg);
		*is_bad = true;
		return "";
	}
	return argv[++*i];
}

static bool take_flag(struct cli *cli, const struct command *command, const char *arg)
{
	if (strcmp(arg, "--json") == 0)
		return cli->is_json = true;
	if (strcmp(arg, "--below") == 0 && command->takes_below)
		return cli->is_below = true;
	if (strcmp(arg, "--all") == 0 && command->takes_all)
		return cli->wants_all = true;
	return false;
}

static bool take_option(struct cli *cli, const struct command *command,
			struct client_options *client, int argc, char **argv, int *i)
{
	bool is_bad = false;
	const char *value;

	if ((value = option_value(argc, argv, i, "server", &is_bad)))
		client->server = value;
	else if ((value = option_value(argc, argv, i, "token-file", &is_bad)))
		client->token_file = value;
	else if ((value = option_value(argc, argv, i, "ca", &is_bad)))
		client->ca_file = value;
	for (unsigned option = 0; !value && option < OPTION_END; option++) {
		if (!(command->options & BIT(option)))
			continue;
		value = option_value(argc, argv, i, option_names[option].name, &is_bad);
		if (value)
			cli->options[option] = value;
	}
	if (!value) {
		fprintf(stderr, "ethogram %s: unknown option %s; see: ethogram %s --help\n",
			command->name, argv[*i], command->name);
		return false;
	}
	return !is_bad;
}

static bool take_args(struct cli *cli, const struct command *command, struct client_options *client,
		      int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (take_flag(cli, command, argv[i]))
			continue;
		if (argv[i][0] == '-' && argv[i][1]) {
			if (!take_option(cli, command, client, argc, argv, &i))
				return false;
		} else if (command->need == ARG_NONE || cli->arg) {
			fprintf(stderr, "ethogram %s: '%s' is one argument too many\n",
				command->name, argv[i]);
			return false;
		} else {
			cli->arg = argv[i];
		}
	}
	if (command->need == ARG_NEEDED && !cli->arg) {
		verb_usage(command, stderr);
		return false;
	}
	return true;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

static int run(const struct command *command, int argc, char **argv)
{
	SCOPED(client_destroy) struct client *client = NULL;
	struct client_options options = {0};
	struct cli cli = {.out = stdout, .width = table_terminal_width(stdout)};
	int code;

	if (!take_args(&cli, command, &options, argc, argv))
		return 2;
	if (client_create(&client, &options))
		return 1;
	cli.client = client;
	cli.now_ns = clock_real_ns();
	code = command->run(&cli);
	if (fflush(stdout) || ferror(stdout))
		return 1;
	return code;
}

int cli_main(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
	int code;

	if (!command) {
		fprintf(stderr, "ethogram: no verb '%s'; see: ethogram --help\n",
			argc > 1 ? argv[1] : "");
		return 2;
	}
	if (wants_help(argc, argv)) {
		verb_usage(command, stdout);
		return 0;
	}
	human_locale();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	code = run(command, argc, argv);
	curl_global_cleanup();
	return code;
}
