#include "daemon/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define SYSTEM_CONFIG "/etc/ethogram/ethogram.yaml"

void diag_print(const struct diag *diag)
{
	fprintf(stderr, "ethogram: ");
	if (*diag->file)
		fprintf(stderr, "%s:", diag->file);
	if (diag->line)
		fprintf(stderr, "%u:%u:", diag->line, diag->column);
	fprintf(stderr, "%s%s\n", *diag->file ? " " : "", diag->message);
}

/* Options come in pairs: a name this file knows and a value. */
static int check_pairs(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "-c") != 0 && strcmp(argv[i], "--set") != 0)
			return -EXIT_USAGE;
		if (i + 1 == argc)
			return -EXIT_USAGE;
	}
	return 0;
}

static int load_file(int argc, char **argv, struct config *config, struct diag *diag)
{
	const char *path = access(SYSTEM_CONFIG, R_OK) == 0 ? SYSTEM_CONFIG : NULL;

	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "-c") == 0)
			path = argv[i + 1];
	}
	return path ? config_load_file(config, path, diag) : 0;
}

static int apply_assignments(int argc, char **argv, struct config *config, struct diag *diag)
{
	int r = 0;

	for (int i = 1; !r && i < argc; i += 2) {
		if (strcmp(argv[i], "--set") == 0)
			r = config_set(config, argv[i + 1], diag);
	}
	return r;
}

int options_read_config(int argc, char **argv, struct config **out, struct diag *diag)
{
	SCOPED(config_destroy) struct config *config = NULL;
	int r = check_pairs(argc, argv);

	if (r)
		return r;
	r = config_create(&config);
	if (!r)
		r = load_file(argc, argv, config, diag);
	if (!r)
		r = apply_assignments(argc, argv, config, diag);
	if (r)
		return r;
	*diag = (struct diag){0};
	r = config_finish(config, diag);
	if (!r)
		*out = TAKE(config);
	return r;
}

int options_load_config(int argc, char **argv, struct config **out)
{
	struct diag diag = {0};
	int r = options_read_config(argc, argv, out, &diag);

	if (!r || r == -EXIT_USAGE)
		return r;
	if (*diag.message)
		diag_print(&diag);
	else
		fprintf(stderr, "ethogram: %s\n", strerror(-r));
	return -1;
}
