#include "daemon/verbs.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/config.h"
#include "daemon/recorder.h"
#include "daemon/verb_text.h"

#define SECONDS_MAX 1e9
#define BUFFER_BYTES (UINT64_C(64) << 20) /* everything is captured: more than the daemon needs */

struct record_options {
	const char *path, *filter;
	double seconds; /* infinite: until a signal */
};

/* Signals have no other way in. */
static volatile sig_atomic_t stopped;

static void on_signal(int signal_number)
{
	(void)signal_number;
	stopped = 1;
	alarm(1); /* again: a write may have begun just now, for a reader that reads no more */
}

static int usage(void)
{
	fprintf(stderr, "usage: ethogram record -w FILE [--for SECONDS] [--filter FILTER]\n");
	return 2;
}

static bool parse_seconds(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == '\0' && *out > 0 && *out <= SECONDS_MAX;
}

static bool parse(int argc, char **argv, struct record_options *out)
{
	*out = (struct record_options){.seconds = INFINITY};
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			return false;
		if (strcmp(argv[i], "-w") == 0)
			out->path = argv[i + 1];
		else if (strcmp(argv[i], "--filter") == 0)
			out->filter = argv[i + 1];
		else if (strcmp(argv[i], "--for") != 0 ||
			 !parse_seconds(argv[i + 1], &out->seconds))
			return false;
	}
	return out->path && *out->path;
}

static void take_signals(void)
{
	struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGALRM, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL); /* the write says so */
}

static int record_until(struct recorder *recorder, const struct record_options *options)
{
	uint64_t begin_ns = clock_monotonic_ns();
	int r = 0;

	if (isfinite(options->seconds))
		alarm((unsigned)ceil(options->seconds));

	fprintf(stderr, "ethogram: recording to %s\n",
		strcmp(options->path, "-") == 0 ? "stdout" : options->path);
	while (!r && !stopped && (double)(clock_monotonic_ns() - begin_ns) < options->seconds * 1e9)
		r = recorder_step(recorder);
	return r ? r : recorder_finish(recorder);
}

int verb_record(int argc, char **argv)
{
	SCOPED(recorder_destroy) struct recorder *recorder = NULL;
	SCOPED(config_destroy) struct config *config = NULL;
	struct record_options options;
	struct diag diag = {0};
	int r;

	if (!parse(argc, argv, &options))
		return usage();
	if (config_create(&config))
		return 1;
	take_signals();
	r = recorder_create(
		&recorder,
		&(struct recorder_config){.path = options.path,
					  .filter = options.filter,
					  .buffer_bytes = BUFFER_BYTES,
					  .processes_max = (uint32_t)config->limits.processes,
					  .fds_per_process_max =
						  (uint32_t)config->limits.fds_per_process},
		&diag);
	if (r == -EINVAL && *diag.message)
		verb_print_diag("filter", options.filter, &diag);
	if (r)
		return 1;
	r = record_until(recorder, &options);
	recorder_print_summary(recorder);
	return r ? 1 : 0;
}
