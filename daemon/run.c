#include "daemon/verbs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "daemon/wanted.h"

#define BATCH_MAX 2048	    /* events between two rests */
#define IDLE_WAIT_MS 50	    /* longest sleep with nothing to do: bounds the answer time of the API */
#define WRITER_QUEUE_MAX 65536

/* Each step makes one part and logs why it cannot; the parts are unmade in reverse. */
typedef int step_fn(struct daemon *d);

static int make_rules(struct daemon *d)
{
	return daemon_load_rules(d, d->config, &d->rules);
}

static uint64_t stored_or_new_seed(struct daemon *d)
{
	uint64_t seed = 0;

	if (store_get_u64(d->store, "seed", &seed) == 0)
		return seed;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = clock_boot_ns(); /* only an early boot without entropy comes here */
	store_set_u64(d->store, "seed", seed);
	return seed;
}

static int make_profiles(struct daemon *d)
{
	const struct config *c = d->config;
	struct learning_config learning = {
		.epoch_s = c->learning.epoch_s,
		.ready_return_period_s = c->learning.ready_return_period_s,
		.hold_s = c->learning.hold_s,
		.startup_s = c->learning.startup_s,
		.min_epochs = (uint32_t)c->learning.min_epochs,
		.forget_days = c->learning.forget_days,
		.profile_bytes_max = c->limits.profile_bytes,
		.pending_per_workload_max = (uint32_t)c->limits.pending_per_workload,
		.seed = stored_or_new_seed(d),
		.dimension_files = (const char *const *)c->learning.dimensions.items,
		.n_dimension_files = c->learning.dimensions.n,
	};
	struct diag diag = {0};
	int r = profile_set_create(&d->profiles, &learning, &d->fields, &diag);

	if (r && *diag.message)
		diag_print(&diag);
	return r;
}

/* Dimension files are checked before anything is opened; the real set needs the stored seed. */
static int check_dimensions(struct daemon *d)
{
	const struct config *c = d->config;
	struct learning_config learning = {
		.epoch_s = c->learning.epoch_s,
		.ready_return_period_s = c->learning.ready_return_period_s,
		.hold_s = c->learning.hold_s,
		.startup_s = c->learning.startup_s,
		.min_epochs = (uint32_t)c->learning.min_epochs,
		.forget_days = c->learning.forget_days,
		.profile_bytes_max = c->limits.profile_bytes,
		.pending_per_workload_max = (uint32_t)c->limits.pending_per_workload,
		.dimension_files = (const char *const *)c->learning.dimensions.items,
		.n_dimension_files = c->learning.dimensions.n,
	};
	SCOPED(profile_set_destroy) struct profile_set *probe = NULL;
	struct diag diag = {0};
	int r = profile_set_create(&probe, &learning, &d->fields, &diag);

	if (r && *diag.message)
		diag_print(&diag);
	return r;
}

static int make_store(struct daemon *d)
{
	struct store_config config = {
		.path = d->config->storage.path,
		.checkpoint_s = d->config->storage.checkpoint_s,
		.retention_days = d->config->storage.retention_days,
		.max_bytes = d->config->storage.max_bytes,
	};

	return store_open(&d->store, &config);
}
