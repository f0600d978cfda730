/* Checkpoints of a profile set and its restoring. */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "profiles/frame.h"
#include "profiles/image.h"
#include "profiles/profile_set.h"

#define NS_PER_DAY UINT64_C(86400000000000)
#define JOURNAL_BYTES_MIN 65536               /* below that an image is not worth it */
#define TEXTS_PER_CALL 128                    /* more than a tick can learn */
#define IMAGE_BYTES_PER_CHECKPOINT (1u << 20) /* bounds the pause; the rest waits */

#define SEQUENCE_MAX (UINT64_C(1) << 62)

/* Blobs of the host's population go under this id; no workload's is likely to be the same. */
#define HOST_ID UINT64_C(0x706f70756c617465)

struct emitters {
	profile_emit_blob_fn *journal, *image;
	profile_emit_behaviour_fn *behaviour;
	void *arg;
};

static struct frame frame_of(const struct profile_set *set, enum frame_kind kind, uint64_t id,
			     uint64_t sequence)
{
	return (struct frame){kind, id, sequence, set->seed, set->clock.epoch_ns};
}

static void forget_changes(struct baseline *b)
{
	struct held *held;
	uint32_t cursor = 0;

	for (uint32_t i = 0; i < b->n_profiles; i++) {
		struct profile *p = b->profiles[i];

		if (!p)
			continue;
		p->n_touched = 0;
		p->is_dirty = p->streams_dirty = p->lost_touched = false;
	}
	while ((held = fp_map_next(&b->held, &cursor)))
		held->is_dirty = false;
	b->n_gone = 0;
	b->is_dirty = b->needs_image = false;
}

static bool has_changed(const struct baseline *b)
{
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		if (b->profiles[i] && (b->profiles[i]->is_dirty || b->profiles[i]->streams_dirty))
			return true;
	}
	return b->is_dirty;
}

static bool must_image(const struct baseline *b)
{
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		if (b->profiles[i] && b->profiles[i]->lost_touched)
			return true;
	}
	return b->needs_image;
}

static bool outgrew(uint64_t journal_bytes, uint64_t image_bytes, uint64_t image_ns,
		    uint64_t now_ns)
{
	return journal_bytes > MAX(image_bytes, JOURNAL_BYTES_MIN) ||
	       (journal_bytes && now_ns > image_ns + NS_PER_DAY);
}

static int emit_image(struct profile_set *set, struct baseline *b, const struct emitters *to)
{
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct frame frame = frame_of(set, FRAME_IMAGE, b->id, set->sequence);
	struct record_blob *blob;
	int r;

	frame_begin(&writer, &frame);
	image_write(b, &set->pending, &writer);
	r = frame_end(&writer, &frame, &blob);
	if (r)
		return r;
	b->image_sequence = set->sequence;
	b->image_bytes = blob->bytes.len;
	b->image_ns = set->now_ns;
	b->journal_bytes = 0;
	forget_changes(b);
	to->image(blob, to->arg);
	return 0;
}

static int emit_journal(struct profile_set *set, struct baseline *b, const struct emitters *to)
{
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct frame frame = frame_of(set, FRAME_JOURNAL, b->id, set->sequence);
	struct record_blob *blob;
	int r;

	frame_begin(&writer, &frame);
	journal_write(b, &set->pending, &writer);
	r = frame_end(&writer, &frame, &blob);
	if (r)
		return r;
	b->journal_bytes += blob->bytes.len;
	forget_changes(b);
	to->journal(blob, to->arg);
	return 0;
}

static int store_baseline(struct profile_set *set, struct baseline *b, size_t *image_bytes,
			  const struct emitters *to)
{
	bool wants_image;
	int r;

	/* Silent existence is evidence too, and must not be lost with the process. */
	if (b->workload && b->workload->n_live && epoch_of(&set->clock, set->now_ns) > b->epoch)
		profile_set_exist(set, b, set->now_ns);
	/* One that never existed, because its processes ended before the first look, says nothing
	 * and is not read back. */
	if (!has_changed(b) || !b->first_ns)
		return 0;
	if (!b->image_ns)
		b->image_ns = set->now_ns;
	wants_image = outgrew(b->journal_bytes, b->image_bytes, b->image_ns, set->now_ns) &&
		      *image_bytes < IMAGE_BYTES_PER_CHECKPOINT;
	if (!wants_image && !must_image(b))
		return emit_journal(set, b, to);
	r = emit_image(set, b, to);
	*image_bytes += b->image_bytes;
	return r;
}

/* The host's table of known prefixes: states of those that changed, or all. */
static void write_known(const struct population *population, bool is_image,
			struct blob_writer *writer)
{
	if (is_image) {
		head_write(population->known, writer);
		return;
	}
	blob_put_varint(writer, population->n_touched);
	for (uint32_t i = 0; i < population->n_touched; i++) {
		const struct head_slot *slot = head_find(population->known, population->touched[i]);

		blob_put_u64(writer, population->touched[i]);
		blob_put_u32(writer, slot ? slot->first_epoch : 0);
		blob_put_varint(writer, slot ? slot->epochs : 0);
	}
}

static int store_population(struct profile_set *set, const struct emitters *to)
{
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct population *population = &set->population;
	struct record_blob *blob;
	struct frame frame;
	bool is_image;
	int r;

	if (!population->is_dirty)
		return 0;
	if (!population->image_ns)
		population->image_ns = set->now_ns;
	is_image = population->needs_image ||
		   outgrew(population->journal_bytes, population->image_bytes, population->image_ns,
			   set->now_ns);
	frame = frame_of(set, is_image ? FRAME_IMAGE : FRAME_JOURNAL, HOST_ID, set->sequence);
	frame_begin(&writer, &frame);
	blob_put_u8(&writer, population->is_full);
	write_known(population, is_image, &writer);
	population_write_pools(population, &writer);
	r = frame_end(&writer, &frame, &blob);
	if (r)
		return r;
	population->n_touched = 0;
	population->is_dirty = population->needs_image = false;
	population->journal_bytes = is_image ? 0 : population->journal_bytes + blob->bytes.len;
	if (is_image) {
		population->image_bytes = blob->bytes.len;
		population->image_ns = set->now_ns;
		to->image(blob, to->arg);
	} else {
		to->journal(blob, to->arg);
	}
	return 0;
}

static size_t text_bytes(const struct held *held)
{
	size_t bytes = dimension_info(held->profile->dimension)->name.len;

	for (unsigned i = 0; i < held->key.n; i++)
		bytes += held->key.fields[i].len;
	return bytes;
}

static int emit_text(struct held *held, const struct emitters *to)
{
	struct record_behaviour *record = record_alloc(sizeof(*record), text_bytes(held));

	if (!record)
		return -ENOMEM;
	record->workload_id = held->profile->baseline->id;
	record->dimension = record_text(record, dimension_info(held->profile->dimension)->name);
	record->fingerprint = held->fingerprints[held->key.n - 1];
	record->first_ns = held->first_ns;
	record->key.n = held->key.n;
	for (unsigned i = 0; i < held->key.n; i++)
		record->key.fields[i] = record_text(record, held->key.fields[i]);
	to->behaviour(record, to->arg);
	return 0;
}

static int emit_texts(struct profile_set *set, uint32_t max, const struct emitters *to)
{
	while (set->learned && max--) {
		struct held *held = set->learned;
		int r = emit_text(held, to);

		if (r)
			return r;
		set->learned = held->next;
		set->n_learned--;
		free(held);
	}
	return 0;
}

void profile_set_give_texts(struct profile_set *set, profile_emit_behaviour_fn *behaviour,
			    void *arg)
{
	struct emitters to = {.behaviour = behaviour, .arg = arg};

	emit_texts(set, TEXTS_PER_CALL, &to); /* without memory: they wait for the next time */
}

int profile_set_checkpoint(struct profile_set *set, profile_emit_blob_fn *journal,
			   profile_emit_blob_fn *image, profile_emit_behaviour_fn *behaviour,
			   void *arg)
{
	struct emitters to = {journal, image, behaviour, arg};
	size_t image_bytes = 0;
	int result, r;

	set->sequence++;
	result = emit_texts(set, UINT32_MAX, &to);
	for (uint32_t i = 0; i < set->n_baselines; i++) {
		r = store_baseline(set, set->baselines[i], &image_bytes, &to);
		result = result ? result : r;
	}
	r = store_population(set, &to);
	return result ? result : r;
}

static int read_known(struct population *population, struct blob_reader *reader)
{
	uint64_t n = blob_get_count(reader, reader->left);

	for (uint64_t i = 0; i < n && !reader->failed; i++) {
		uint64_t fingerprint = blob_get_u64(reader);
		uint32_t owner = blob_get_u32(reader);
		uint32_t epochs = (uint32_t)blob_get_count(reader, UINT32_MAX);
		struct head_slot *slot;

		if (reader->failed || epochs == 0)
			continue;
		slot = head_add(population->known, fingerprint, 0, owner);
		if (!slot) {
			population->is_full = true;
			continue;
		}
		slot->first_epoch = owner;
		slot->epochs = epochs;
	}
	return reader->failed ? -EBADMSG : 0;
}

static int load_population(struct profile_set *set, bool is_image, struct blob_reader *reader)
{
	struct population *population = &set->population;
	struct head *known = NULL;
	int r;

	population->is_full = population->is_full || blob_get_u8(reader) != 0;
	if (is_image) {
		r = head_read(&known, reader, population->bytes_max);
		if (r)
			return r;
		head_destroy(&population->known);
		population->known = known;
	} else {
		r = read_known(population, reader);
	}
	if (r == 0)
		r = population_read_pools(population, reader);
	population->n_touched = 0;
	population->is_dirty = false;
	return r;
}

static struct baseline *named_baseline(struct profile_set *set, uint64_t id,
				       struct blob_reader *reader, int *r)
{
	enum workload_kind kind;
	struct text name;
	struct baseline *b;

	*r = image_read_name(reader, &name, &kind);
	if (*r)
		return NULL;
	b = profile_set_baseline(set, id, name, kind);
	if (!b)
		*r = -ENOMEM;
	return b;
}

/* As if nothing were known. */
static void clear(struct profile_set *set, struct baseline *b)
{
	pending_drop_all(&set->pending, b);
	for (uint32_t i = 0; i < b->n_profiles; i++)
		profile_destroy(&b->profiles[i]);
	population_leave(b);
	b->epoch = b->age = b->observed = b->n_starts = 0;
	b->start_ns = b->first_ns = b->last_ns = b->epoch_end_ns = 0;
}

static int load_baseline(struct profile_set *set, const struct record_blob *blob, bool is_image,
			 struct blob_reader *reader)
{
	int r;
	struct baseline *b = named_baseline(set, blob->workload_id, reader, &r);

	if (!b)
		return r;
	if (!is_image && blob->sequence <= b->image_sequence)
		return 0;
	if (is_image) {
		clear(set, b);
		r = image_read(set, b, reader);
		b->image_sequence = r ? 0 : blob->sequence;
		b->image_bytes = blob->bytes.len;
		if (r)
			clear(set, b);
	} else {
		r = journal_read(set, b, reader);
		b->journal_bytes += blob->bytes.len;
	}
	pending_settle(b);
	forget_changes(b);
	return r;
}

static int load(struct profile_set *set, const struct record_blob *blob, enum frame_kind kind)
{
	struct frame frame = frame_of(set, kind, blob->workload_id, blob->sequence);
	struct blob_reader reader;
	int r = frame_open(blob, &frame, &reader);

	key_cache_clear(set->cache);
	if (r == 0 && blob->workload_id == HOST_ID)
		r = load_population(set, kind == FRAME_IMAGE, &reader);
	else if (r == 0)
		r = load_baseline(set, blob, kind == FRAME_IMAGE, &reader);
	/* Also behind a damaged one: sequences never come twice. */
	if (blob->sequence < SEQUENCE_MAX)
		set->sequence = MAX(set->sequence, blob->sequence);
	set->damaged_total += r == -EBADMSG;
	return r;
}

int profile_set_load_image(struct profile_set *set, const struct record_blob *blob)
{
	return load(set, blob, FRAME_IMAGE);
}

int profile_set_load_journal(struct profile_set *set, const struct record_blob *blob)
{
	return load(set, blob, FRAME_JOURNAL);
}
