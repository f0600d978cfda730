#include "daemon/verbs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "capture/live.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "daemon/turns.h"

#define NS_PER_S UINT64_C(1000000000)
#define BATCH_MAX 2048   /* events between two rests */
#define IDLE_WAIT_MS 500 /* longest sleep without events: lets time pass */

static void fill_load(const struct source_counters *counters, uint64_t now_ns,
		      struct shedding_input *out)
{
	*out = (struct shedding_input){
		.now_ns = now_ns,
		.cpu_ns = clock_cpu_ns(),
		.events = counters->events_total,
	};
	for (int type = 0; type < EVENT_TYPE_END; type++) {
		enum shed_step step = shed_step_of((enum event_type)type, "");

		if (step < SHED_STEP_END)
			out->shed[step] += counters->by_type[type].shed;
	}
}

/* Once a second: leave out more, or less, as the load is. */
static void look_at_load(struct daemon *d)
{
	static const char *const ways[] = {"come back", "are left out"};
	uint64_t now_ns = clock_monotonic_ns();
	uint32_t before = shedding_level(d->shedding);
	struct shedding_input input;
	struct event_set shed;

	if (isnan(shedding_limit(d->shedding)) || now_ns - d->load_looked_ns < NS_PER_S)
		return;
	d->load_looked_ns = now_ns;
	d->source->ops->counters(d->source, &d->load_counters);
	fill_load(&d->load_counters, now_ns, &input);
	if (!shedding_update(d->shedding, &input))
		return;
	shed_events(shedding_level(d->shedding), &shed);
	live_source_set_shed(d->source, shed.types, shed.syscalls);
	log_warn("capture: %.1f %% of a core taken, the limit is %.1f %%: events up to '%s' %s",
		 100 * shedding_ratio(d->shedding), 100 * shedding_limit(d->shedding),
		 shed_step_name(MAX(before, shedding_level(d->shedding)) - 1),
		 ways[shedding_level(d->shedding) > before]);
}

/* Event time while events come; the clock moves it when the host is idle. */
static int run_until_stopped(struct daemon *d)
{
	bool are_asking;

	live_source_watch(d->source, request_box_fd(d->requests));
	while (!atomic_load(&d->stop)) {
		int n = pipeline_run_batch(d->pipeline, BATCH_MAX);

		if (n < 0)
			return n;
		daemon_apply_changed_demand(d);
		look_at_load(d);
		are_asking = pipeline_rest(d->pipeline,
					   n == BATCH_MAX ? pipeline_last_event_ns(d->pipeline)
							  : clock_real_ns());
		pipeline_resume(d->pipeline);
		if (n < BATCH_MAX && !are_asking)
			d->source->ops->wait(d->source, IDLE_WAIT_MS);
	}
	return 0;
}

static int run(struct daemon *d)
{
	int r;

	daemon_block_signals();
	turns_wait(); /* all threads but this, which becomes the pipeline's */
	r = daemon_make(d);
	if (!r)
		r = daemon_start_loader(d);
	turns_go_first();
	if (r)
		return r;
	api_server_set_live(d->api, true);
	api_server_set_ready(d->api, true);
	fprintf(stderr, "ethogram: ready, %s\n", api_server_address(d->api));
	r = run_until_stopped(d);
	api_server_set_ready(d->api, false);
	pipeline_end(d->pipeline, clock_real_ns());
	if (r)
		log_err_r(r, "capture: ended");
	else
		log_info("stopped");
	return r;
}

int verb_run(int argc, char **argv)
{
	struct daemon d = {.argc = argc, .argv = argv, .demand_lock = PTHREAD_MUTEX_INITIALIZER};
	int r = options_load_config(argc, argv, &d.config);

	if (r == -EXIT_USAGE) {
		fprintf(stderr, "usage: ethogram run [-c FILE] [--set KEY=VALUE]...\n");
		return 2;
	}
	if (r)
		return 1;
	sem_init(&d.demand_applied, 0, 0);
	r = run(&d);
	daemon_stop_loader(&d);
	daemon_unmake(&d);
	sem_destroy(&d.demand_applied);
	return r ? 1 : 0;
}
