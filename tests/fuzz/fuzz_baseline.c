/* Any bytes in the frame of a stored baseline: they are refused or loaded, and what was loaded can
 * be looked at, moved on and stored again. The first byte says image or journal, and whose. */
#include <stdlib.h>

#include "base/util.h"
#include "profiles/frame.h"
#include "profiles/profile_set.h"
#include "tests/fuzz/fuzz.h"

#define EPOCH_NS UINT64_C(600000000000)
#define LATER_NS (UINT64_C(1700000000) * 1000000000)

static const char *const dimensions[] = {"exec/3", "file.read/3/startup", "net/2/top=2"};
static const struct learning_config config = {
	.epoch_s = 600,
	.ready_return_period_s = 86400,
	.hold_s = 86400,
	.startup_s = 60,
	.min_epochs = 6,
	.forget_days = 30,
	.profile_bytes_max = 1 << 22,
	.pending_per_workload_max = 256,
	.seed = 1,
	.dimension_files = dimensions,
	.n_dimension_files = ARRAY_SIZE(dimensions),
};

static void take_blob(struct record_blob *blob, void *arg)
{
	(void)arg;
	record_free(blob);
}

static void take_behaviour(struct record_behaviour *behaviour, void *arg)
{
	(void)arg;
	record_free(behaviour);
}

static struct record_blob *framed(const uint8_t *data, size_t size, enum frame_kind kind)
{
	struct frame frame = {kind, data[0] >> 1 & 1, data[0] >> 2, config.seed, EPOCH_NS};
	struct blob_writer writer = {0};
	struct record_blob *blob = NULL;

	frame_begin(&writer, &frame);
	blob_put_bytes(&writer, data + 1, size - 1);
	if (frame_end(&writer, &frame, &blob))
		abort();
	blob_writer_done(&writer);
	return blob;
}

static void look_at(struct profile_set *set)
{
	struct snapshot_behaviours behaviours = {0};
	struct snapshot_pending pending = {0};

	profile_set_snapshot_behaviours(set, 1, TEXT_NONE, &behaviours);
	profile_set_snapshot_pending(set, 1, &pending);
	snapshot_pool_done(&behaviours.pool);
	snapshot_pool_done(&pending.pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(profile_set_destroy) struct profile_set *set = NULL;
	enum frame_kind kind;
	struct record_blob *blob;

	if (size == 0)
		return 0;
	kind = data[0] & 1 ? FRAME_JOURNAL : FRAME_IMAGE;
	blob = framed(data, size, kind);
	if (profile_set_create(&set, &config, NULL, NULL))
		abort();
	/* Twice: a segment may come again after a crash. */
	for (int i = 0; i < 2; i++) {
		if (kind == FRAME_IMAGE)
			profile_set_load_image(set, blob);
		else
			profile_set_load_journal(set, blob);
	}
	look_at(set);
	profile_set_tick(set, LATER_NS);
	profile_set_checkpoint(set, take_blob, take_blob, take_behaviour, NULL);
	record_free(blob);
	return 0;
}
