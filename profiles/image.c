#include "profiles/image.h"

#include <errno.h>

#include "base/util.h"

static void write_tables(const struct profile *p, struct blob_writer *writer)
{
	for (unsigned l = 0; l < p->n_levels; l++) {
		const struct level *level = &p->levels[l];

		head_write(level->head, writer);
		if (level->sketch)
			count_min_write(level->sketch, writer);
	}
	blob_put_u8(writer, p->top != NULL);
	if (p->top)
		top_list_write(p->top, writer);
	blob_put_u8(writer, p->distinct != NULL);
	if (p->distinct)
		hyperloglog_write(p->distinct, writer);
}

/* The level's flags are read already: a sketch is there if one was stored. */
static int read_level_tables(struct profile *p, unsigned l, struct blob_reader *reader)
{
	const struct dimension_settings *settings = &dimension_info(p->dimension)->settings;
	struct level *level = &p->levels[l];
	struct head *head = NULL;
	int r = head_read(&head, reader, profile_level_share(p, l));

	if (r)
		return r;
	head_destroy(&level->head);
	level->head = head;
	if (!level->sketch)
		return 0;
	count_min_destroy(&level->sketch);
	return count_min_read(&level->sketch, reader, (size_t)settings->sketch_bytes_max,
			      profile_sketch_seed(p, l));
}

static int read_tables(struct profile *p, struct blob_reader *reader)
{
	int r = 0;

	for (unsigned l = 0; r == 0 && l < p->n_levels; l++)
		r = read_level_tables(p, l, reader);
	if (r == 0 && blob_get_u8(reader)) {
		top_list_destroy(&p->top);
		r = top_list_read(&p->top, reader);
	}
	if (r == 0 && blob_get_u8(reader)) {
		hyperloglog_destroy(&p->distinct);
		r = hyperloglog_read(&p->distinct, reader, p->baseline->seed);
	}
	profile_update_bytes(p);
	return r ? r : (reader->failed ? -EBADMSG : 0);
}

static void write_section(const struct profile *p, const struct pending *pending,
			  struct blob_writer *writer)
{
	SCOPED(blob_writer_done) struct blob_writer section = {0};

	parts_write_profile(p, true, &section);
	write_tables(p, &section);
	parts_write_held(p, pending, false, &section);
	writer->failed = writer->failed || section.failed;
	blob_put_text(writer, (struct text){(const char *)section.bytes, (uint32_t)section.len});
}

void image_write(const struct baseline *b, const struct pending *pending,
		 struct blob_writer *writer)
{
	uint32_t n = 0;

	parts_count_held(b, false);
	parts_write_baseline(b, writer);
	for (uint32_t i = 0; i < b->n_profiles; i++)
		n += b->profiles[i] != NULL;
	blob_put_varint(writer, n);
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		if (b->profiles[i])
			write_section(b->profiles[i], pending, writer);
	}
}

static int read_section(struct profile_set *set, struct baseline *b, struct text bytes)
{
	struct blob_reader section = blob_reader_of(bytes);
	struct profile *p;
	int r = parts_read_profile(set, b, &section, &p);

	if (r || !p)
		return r;
	r = read_tables(p, &section);
	return r ? r : parts_read_held(set, p, &section);
}

int image_read(struct profile_set *set, struct baseline *b, struct blob_reader *reader)
{
	uint64_t n;
	int r = parts_read_baseline(set, b, reader);

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
