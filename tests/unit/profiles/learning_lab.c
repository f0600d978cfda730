#include "learning_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

#define START_NS UINT64_C(1700000400000000000) /* a whole number of 600 s */

static const char *const dimensions[] = {"exec/3/startup/cached", "file.read/3/startup/cached"};

static void create_set(struct lab *lab)
{
	struct diag diag = {0};
	int r = profile_set_create(&lab->set, &lab->config, NULL, &diag);

	if (r)
		fail_msg("profile_set_create: %d %s", r, diag.message);
}

static void create_workloads(struct lab *lab)
{
	for (uint32_t w = 0; w < LAB_WORKLOADS; w++) {
		snprintf(lab->names[w], sizeof(lab->names[w]), "unit:w%u.service", w);
		lab->workloads[w] = (struct workload){
			.id = 0x1000000000 + w * UINT64_C(0x9e3779b97f4a7c15),
			.name = text_from(lab->names[w]),
			.kind = WORKLOAD_UNIT,
			.index = w,
			.n_live = 1,
			.live_since_ns = lab->now_ns - UINT64_C(86400000000000),
		};
		lab->processes[w] = (struct process){
			.pid = 100 + (int32_t)w,
			.slot = w,
			.exepath = text_from(lab->names[w]),
			.workload = &lab->workloads[w],
			.is_alive = true,
		};
	}
}

struct learning_config lab_config(const char *const *files, uint32_t n)
{
	return (struct learning_config){
		.epoch_s = 600,
		.ready_return_period_s = 43200,
		.hold_s = 900,
		.startup_s = 60,
		.min_epochs = 36,
		.forget_days = 90,
		.profile_bytes_max = 64 << 20,
		.pending_per_workload_max = 4096,
		.seed = 12345,
		.dimension_files = files,
		.n_dimension_files = n,
	};
}

void lab_init_with(struct lab *lab, const struct learning_config *config)
{
	*lab = (struct lab){.config = *config, .now_ns = START_NS};
	lab->blobs = calloc(LAB_BLOBS, sizeof(*lab->blobs));
	assert_non_null(lab->blobs);
	create_set(lab);
	create_workloads(lab);
}

void lab_init(struct lab *lab)
{
	struct learning_config config = lab_config(dimensions, ARRAY_SIZE(dimensions));

	lab_init_with(lab, &config);
}

int lab_setup(void **state, const struct learning_config *config)
{
	struct lab *lab = malloc(sizeof(*lab));

	assert_non_null(lab);
	if (config)
		lab_init_with(lab, config);
	else
		lab_init(lab);
	*state = lab;
	return 0;
}

int lab_teardown(void **state)
{
	lab_done(*state);
	free(*state);
	return 0;
}

void lab_done(struct lab *lab)
{
	profile_set_destroy(&lab->set);
	for (uint32_t i = 0; i < lab->n_blobs; i++)
		free((char *)lab->blobs[i].bytes.ptr);
	free(lab->blobs);
}

void lab_wait(struct lab *lab, double seconds)
{
	uint64_t until_ns = lab->now_ns + (uint64_t)(seconds * 1e9);

	/* The daemon ticks all the time; here once an epoch. */
	while (lab->now_ns < until_ns) {
		uint64_t step_ns = (uint64_t)(lab->config.epoch_s * 1e9);

		lab->now_ns = MIN(until_ns, lab->now_ns + step_ns);
		profile_set_tick(lab->set, lab->now_ns);
	}
	for (int i = 0; i < 80; i++)
		profile_set_tick(lab->set, lab->now_ns);
}

static struct field_context context_of(struct lab *lab, struct subject *subject, uint32_t w)
{
	lab->ev.ts_ns = lab->now_ns;
	*subject = (struct subject){.process = &lab->processes[w], .fd = -1};
	return (struct field_context){.event = &lab->ev, .subject = subject};
}

void lab_exec(struct lab *lab, uint32_t w)
{
	struct subject subject;
	struct field_context ctx = context_of(lab, &subject, w);

	lab->processes[w].exec_seen = true;
	lab->processes[w].exec_ns = lab->now_ns;
	lab->processes[w].generation++;
	lab->ev = (struct event){.ts_ns = lab->now_ns, .type = EVENT_EXECVE, .nr = UINT16_MAX};
	profile_set_look_up(lab->set, &ctx, &lab->sightings);
}

void lab_set_live(struct lab *lab, uint32_t w, bool is_live)
{
	struct subject subject;
	struct field_context ctx;

	lab->workloads[w].n_live = is_live;
	lab->workloads[w].live_since_ns = is_live ? lab->now_ns : 0;
	lab->ev = (struct event){.type = is_live ? EVENT_CLONE : EVENT_PROCEXIT, .nr = UINT16_MAX};
	ctx = context_of(lab, &subject, w);
	profile_set_look_up(lab->set, &ctx, &lab->sightings);
}

void lab_scan(struct lab *lab, uint32_t w)
{
	struct subject subject = {.process = &lab->processes[w]};

	lab->workloads[w].live_since_ns = lab->now_ns;
	profile_set_note(lab->set, &subject, lab->now_ns);
}

static void fill_event(struct lab *lab, uint32_t dimension, const char *key)
{
	lab->ev = (struct event){
		.ts_ns = lab->now_ns,
		.type = EVENT_OPENAT,
		.nr = (uint16_t)dimension,
		.has_res = true,
	};
	while (*key) {
		uint32_t len = (uint32_t)strcspn(key, " ");
		struct param *param = &lab->ev.params[lab->ev.n_params++];

		param->bytes = (struct text){key, len};
		param->is_present = *key != '?';
		key += len;
		key += strspn(key, " ");
	}
	/* For the cache: keys have at most three fields, so this place is free. */
	if (lab->ev.n_params <= OPENAT_flags)
		lab->ev.n_params = OPENAT_flags + 1;
	lab->ev.params[OPENAT_flags].u64 = dimension;
	lab->ev.params[OPENAT_flags].is_present = true;
}

static const struct sighting *drive(struct lab *lab, uint32_t w, uint32_t dimension,
				    const char *key, bool commits)
{
	struct subject subject;
	struct field_context ctx;

	fill_event(lab, dimension, key);
	ctx = context_of(lab, &subject, w);
	subject.path = text_from(key);
	profile_set_look_up(lab->set, &ctx, &lab->sightings);
	if (commits) {
		profile_set_commit(lab->set, &ctx, &lab->sightings, &lab->verdict);
		lab->verdict = (struct verdict){0};
	}
	return lab->sightings.n ? &lab->sightings.items[0] : NULL;
}

const struct sighting *lab_look(struct lab *lab, uint32_t w, uint32_t dimension, const char *key)
{
	return drive(lab, w, dimension, key, false);
}

const struct sighting *lab_see(struct lab *lab, uint32_t w, uint32_t dimension, const char *key)
{
	return drive(lab, w, dimension, key, true);
}

void lab_live(struct lab *lab, uint32_t w, uint32_t dimension, const char *key, uint32_t epochs)
{
	for (uint32_t i = 0; i < epochs; i++) {
		lab_wait(lab, lab->config.epoch_s);
		lab_see(lab, w, dimension, key);
	}
}

/* As storage does it: an image replaces the workload's older one and covers its segments. */
static void store(struct lab *lab, struct record_blob *blob, bool is_image)
{
	struct lab_blob *place;
	char *bytes = malloc(blob->bytes.len);

	assert_non_null(bytes);
	memcpy(bytes, blob->bytes.ptr, blob->bytes.len);
	for (uint32_t i = 0; is_image && i < lab->n_blobs;) {
		if (lab->blobs[i].workload_id != blob->workload_id) {
			i++;
			continue;
		}
		free((char *)lab->blobs[i].bytes.ptr);
		memmove(&lab->blobs[i], &lab->blobs[i + 1],
			(--lab->n_blobs - i) * sizeof(lab->blobs[0]));
	}
	assert_true(lab->n_blobs < LAB_BLOBS);
	place = &lab->blobs[lab->n_blobs++];
	*place = (struct lab_blob){
		blob->workload_id, blob->sequence, {bytes, blob->bytes.len}, is_image};
	record_free(blob);
}

static void store_journal(struct record_blob *blob, void *arg)
{
	store(arg, blob, false);
}

static void store_image(struct record_blob *blob, void *arg)
{
	store(arg, blob, true);
}

static void store_text(struct record_behaviour *behaviour, void *arg)
{
	struct lab *lab = arg;

	lab->n_texts++;
	record_free(behaviour);
}

void lab_checkpoint(struct lab *lab)
{
	assert_int_equal(
		profile_set_checkpoint(lab->set, store_journal, store_image, store_text, lab), 0);
}

void lab_give_texts(struct lab *lab)
{
	profile_set_give_texts(lab->set, store_text, lab);
}

static void load(struct lab *lab, bool images)
{
	for (uint32_t i = 0; i < lab->n_blobs; i++) {
		const struct lab_blob *stored = &lab->blobs[i];
		struct record_blob blob = {stored->workload_id, stored->sequence, stored->bytes};
		int r;

		if (stored->is_image != images)
			continue;
		r = images ? profile_set_load_image(lab->set, &blob)
			   : profile_set_load_journal(lab->set, &blob);
		if (r)
			fail_msg("blob %u: %d", i, r);
	}
}

void lab_restart(struct lab *lab)
{
	profile_set_destroy(&lab->set);
	create_set(lab);
	load(lab, true);
	load(lab, false);
}
