#include "profiles/image.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

#define ENTRIES_MAX (1u << 24)

enum entry_flag { ENTRY_LEAF = 1, ENTRY_NEW = 2, ENTRY_SLOT = 4, ENTRY_TEXT = 8 };

/* A text goes along when its behaviour was listed lately: an older one is in an image, or in an
 * earlier segment. */
static bool find_text(const struct profile *p, const struct touched *touched,
		      struct top_entry *entry)
{
	return touched->is_leaf && p->top && top_list_find(p->top, touched->fingerprint, entry) &&
	       (touched->is_new || entry->first_epoch == entry->last_epoch) && entry->key.n > 0;
}

static void write_entry(const struct profile *p, const struct touched *touched,
			struct blob_writer *writer)
{
	const struct head_slot *slot =
		head_find(p->levels[touched->level].head, touched->fingerprint);
	struct top_entry entry;
	bool has_text = find_text(p, touched, &entry);

	blob_put_u64(writer, touched->fingerprint);
	blob_put_u8(writer, touched->level);
	blob_put_u8(writer, (uint8_t)((touched->is_leaf ? ENTRY_LEAF : 0) |
				      (touched->is_new ? ENTRY_NEW : 0) | (slot ? ENTRY_SLOT : 0) |
				      (has_text ? ENTRY_TEXT : 0)));
	blob_put_varint(writer, touched->epoch);
	if (slot) {
		blob_put_varint(writer, slot->epochs);
		blob_put_varint(writer, slot->child_epochs);
		blob_put_varint(writer, slot->first_epoch);
		blob_put_varint(writer, slot->last_epoch);
		blob_put_varint(writer, slot->last_child_epoch);
		blob_put_varint(writer, slot->events);
	}
	if (has_text)
		parts_write_key(&entry.key, writer);
}

struct entry {
	uint64_t fingerprint;
	uint8_t level, flags;
	uint32_t epoch;
	struct head_slot slot;
	struct record_key key;
};

static int read_entry(const struct profile *p, struct blob_reader *reader, struct entry *e)
{
	*e = (struct entry){.fingerprint = blob_get_u64(reader)};
	e->level = blob_get_u8(reader);
	e->flags = blob_get_u8(reader);
	e->epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	if (e->flags & ENTRY_SLOT) {
		e->slot.epochs = (uint32_t)blob_get_count(reader, UINT32_MAX);
		e->slot.child_epochs = (uint32_t)blob_get_count(reader, UINT32_MAX >> 4);
		e->slot.first_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
		e->slot.last_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
		e->slot.last_child_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
		e->slot.events = (uint32_t)blob_get_count(reader, UINT32_MAX);
	}
	if (e->flags & ENTRY_TEXT && parts_read_key(reader, p->n_levels, &e->key))
		return -EBADMSG;
	if (reader->failed || e->level >= p->n_levels || e->slot.first_epoch > e->slot.last_epoch)
		return -EBADMSG;
	return 0;
}

static void apply_slot(struct profile *p, const struct entry *e)
{
	struct head_slot *slot =
		head_add(p->levels[e->level].head, e->fingerprint, 0, e->slot.first_epoch);

	if (!slot) {
		p->shared->refused_total++;
		return;
	}
	slot->epochs = e->slot.epochs;
	slot->child_epochs = e->slot.child_epochs;
	slot->first_epoch = e->slot.first_epoch;
	slot->last_epoch = e->slot.last_epoch;
	slot->last_child_epoch = e->slot.last_child_epoch;
	slot->events = e->slot.events;
}

static void apply(struct profile *p, const struct entry *e)
{
	struct count_min *sketch = p->levels[e->level].sketch;
	uint32_t weight = 1;

	if (e->flags & ENTRY_SLOT) {
		apply_slot(p, e);
		weight = MAX(1u, e->flags & ENTRY_NEW ? e->slot.epochs : 1);
	} else if (sketch) {
		count_min_add(sketch, &e->fingerprint, sizeof(e->fingerprint), e->epoch, 1);
		if (e->flags & ENTRY_NEW && p->distinct && e->level + 1u == p->n_levels)
			hyperloglog_add(p->distinct, e->fingerprint);
	}
	if (e->flags & ENTRY_LEAF && p->top)
		top_list_add(p->top, e->fingerprint, weight, e->epoch, &e->key);
}

static void write_section(const struct profile *p, const struct pending *pending,
			  struct blob_writer *writer)
{
	SCOPED(blob_writer_done) struct blob_writer section = {0};

	parts_write_profile(p, p->streams_dirty, &section);
	blob_put_varint(&section, p->n_touched);
	for (uint32_t i = 0; i < p->n_touched; i++)
		write_entry(p, &p->touched[i], &section);
	parts_write_held(p, pending, true, &section);
	writer->failed = writer->failed || section.failed;
	blob_put_text(writer, (struct text){(const char *)section.bytes, (uint32_t)section.len});
}

static bool has_changed(const struct profile *p)
{
	return p && (p->is_dirty || p->streams_dirty || p->n_to_write);
}

void journal_write(const struct baseline *b, const struct pending *pending,
		   struct blob_writer *writer)
{
	uint32_t n = 0;

	parts_count_held(b, true);
	parts_write_baseline(b, writer);
	blob_put_varint(writer, b->n_gone);
	for (uint32_t i = 0; i < b->n_gone; i++)
		blob_put_u64(writer, b->gone[i]);
	for (uint32_t i = 0; i < b->n_profiles; i++)
		n += has_changed(b->profiles[i]);
	blob_put_varint(writer, n);
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		if (has_changed(b->profiles[i]))
			write_section(b->profiles[i], pending, writer);
	}
}

static int read_section(struct profile_set *set, struct baseline *b, struct text bytes)
{
	struct blob_reader section = blob_reader_of(bytes);
	struct profile *p;
	uint64_t n;
	int r = parts_read_profile(set, b, &section, &p);

	if (r || !p)
		return r;
	n = blob_get_count(&section, ENTRIES_MAX);
	for (uint64_t i = 0; i < n; i++) {
		struct entry entry;

		r = read_entry(p, &section, &entry);
		if (r)
			return r;
		apply(p, &entry);
	}
	profile_update_bytes(p);
	return parts_read_held(set, p, &section);
}

static int read_gone(struct profile_set *set, struct baseline *b, struct blob_reader *reader)
{
	uint64_t n = blob_get_count(reader, ENTRIES_MAX);

	for (uint64_t i = 0; i < n; i++) {
		struct held *held = pending_find(b, blob_get_u64(reader));

		if (reader->failed)
			return -EBADMSG;
		if (held)
			free(pending_take(&set->pending, held, false));
	}
	return reader->failed ? -EBADMSG : 0;
}

int journal_read(struct profile_set *set, struct baseline *b, struct blob_reader *reader)
{
	uint64_t n;
	int r = parts_read_baseline(set, b, reader);

	if (r == 0)
		r = read_gone(set, b, reader);
	if (r)
		return r;
	n = blob_get_count(reader, DIMENSIONS_MAX);
	for (uint64_t i = 0; i < n; i++) {
		struct text section = blob_get_text(reader);

		r = reader->failed ? -EBADMSG : read_section(set, b, section);
		if (r)
			return r;
	}
	return reader->failed ? -EBADMSG : 0;
}
