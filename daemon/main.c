#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cli/commands.h"
#include "daemon/verbs.h"

/* Verbs that need no running daemon; all others are clients of the HTTP interface. */
static const struct {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"run", "[-c FILE] [--set KEY=VALUE]...   the daemon", verb_run},
	{"record", "-w FILE [--for SECONDS] [--filter FILTER]   live events into a .scap file",
	 verb_record},
	{"replay",
	 "FILE... [-c FILE] [--set KEY=VALUE]... [--rules FILE]... [--json] [--db FILE]   captures",
	 verb_replay},
	{"rules", "check FILE... | list | explain ALERT | what-if FILE | except ALERT   rules",
	 verb_rules},
	{"filter", "check FILTER | eval FILTER --fields JSON", verb_filter},
	{"format", "FORMAT --fields JSON                 print an output format", verb_format},
	{"fields", "[--json]                             filter fields", verb_fields},
	{"events", "[--json]                             events and their parameters", verb_events},
	{"config", "check|show|keys [-c FILE] [--set KEY=VALUE]...", verb_config},
	{"doctor", "what was found of BPF, BTF, capabilities, cgroups, runtimes", verb_doctor},
};

static int usage(FILE *to)
{
	fprintf(to, "usage: ethogram VERB [OPTIONS]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].help);
	cli_usage(to);
	return to == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		printf("ethogram %s\n", ETHOGRAM_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, argv[1]) != 0)
			continue;
		if (argc == 3 && strcmp(argv[2], "--help") == 0) {
			printf("usage: ethogram %s %s\n", verbs[i].name, verbs[i].help);
			return 0;
		}
		return verbs[i].run(argc - 1, argv + 1);
	}
	return cli_main(argc, argv);
}
