#include "daemon/verbs.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "capture/live.h"
#include "daemon/daemon.h"
#include "daemon/options.h"

#define BATCH_MAX 2048  /* events between two rests */
#define IDLE_WAIT_MS 50 /* longest sleep: bounds how late a question is answered */

static void apply_wanted(struct daemon *d)
{
	if (!atomic_exchange(&d->wanted_changed, false))
		return;
	live_source_set_classes(d->source, d->classes.types, d->classes.syscalls);
	if (d->source->ops->set_wanted(d->source, d->wanted.types, d->wanted.syscalls))
		log_warn("capture: cannot change what is captured, keeping the old set");
	live_source_set_raw_names(d->source, d->typed_names_wanted);
}

/* Event time while events come; the clock moves it when the host is idle. */
static int run_until_stopped(struct daemon *d)
{
	while (!atomic_load(&d->stop)) {
		int n = pipeline_run_batch(d->pipeline, BATCH_MAX);

		if (n < 0)
			return n;
		apply_wanted(d);
		pipeline_rest(d->pipeline, n == BATCH_MAX ? pipeline_last_event_ns(d->pipeline)
							  : clock_real_ns());
		if (n < BATCH_MAX)
			d->source->ops->wait(d->source, IDLE_WAIT_MS);
	}
	return 0;
}

static int run(struct daemon *d)
{
	int r;

	daemon_block_signals();
	r = daemon_make(d);
	if (!r)
		r = daemon_start_loader(d);
	if (r)
		return r;
	api_server_set_live(d->api, true);
	api_server_set_ready(d->api, true);
	fprintf(stderr, "ethogram: ready, %s\n", api_server_address(d->api));
	r = run_until_stopped(d);
	api_server_set_ready(d->api, false);
	pipeline_checkpoint(d->pipeline, clock_real_ns());
	if (r)
		log_err_r(r, "capture: ended");
	else
		log_info("stopped");
	return r;
}

int verb_run(int argc, char **argv)
{
	struct daemon d = {.argc = argc, .argv = argv};
	int r = options_load_config(argc, argv, &d.config);

	if (r == -EXIT_USAGE) {
		fprintf(stderr, "usage: ethogram run [-c FILE] [--set KEY=VALUE]...\n");
		return 2;
	}
	if (r)
		return 1;
	r = run(&d);
	daemon_stop_loader(&d);
	daemon_unmake(&d);
	return r ? 1 : 0;
}
