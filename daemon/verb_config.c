#include "daemon/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/config.h"
#include "daemon/options.h"

static int usage(void)
{
	fprintf(stderr, "usage: ethogram config check|show|keys [-c FILE] [--set KEY=VALUE]...\n");
	return 2;
}

/* The reference of all keys, as docs/configuration.md holds it. */
static int print_keys(void)
{
	SCOPED(free_ptr) char *text = config_document();

	if (!text)
		return 1;
	fputs(text, stdout);
	return 0;
}

int verb_config(int argc, char **argv)
{
	SCOPED(config_destroy) struct config *config = NULL;
	SCOPED(free_ptr) char *text = NULL;
	int rest;

	if (argc < 2)
		return usage();
	if (strcmp(argv[1], "keys") == 0)
		return print_keys();
	if (strcmp(argv[1], "check") != 0 && strcmp(argv[1], "show") != 0)
		return usage();
	rest = options_load_config(argc - 1, argv + 1, &config);
	if (rest < 0)
		return rest == -EXIT_USAGE ? usage() : 1;
	if (strcmp(argv[1], "check") == 0) {
		printf("configuration is valid\n");
		return 0;
	}
	text = config_show(config);
	if (!text)
		return 1;
	fputs(text, stdout);
	return 0;
}
