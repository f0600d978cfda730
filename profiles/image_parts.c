#include "profiles/image.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

#define NAME_BYTES_MAX 4096
#define HELD_MAX (1u << 20)

enum level_flag { LEVEL_OFF = 1, LEVEL_SKETCH = 2 };
enum mark_flag { MARK_MADE = 1, MARK_LEARNED = 2, MARK_POOL = 4 };

void parts_write_baseline(const struct baseline *b, struct blob_writer *writer)
{
	blob_put_text(writer, b->name);
	blob_put_u8(writer, (uint8_t)b->kind);
	blob_put_varint(writer, b->epoch);
	blob_put_varint(writer, b->age);
	blob_put_varint(writer, b->observed);
	blob_put_varint(writer, b->n_starts);
	blob_put_u64(writer, b->start_ns);
	blob_put_u64(writer, b->first_ns);
	blob_put_u64(writer, b->last_ns);
	blob_put_u64(writer, pool_key(b->pool));
}

int image_read_name(struct blob_reader *reader, struct text *name, enum workload_kind *kind)
{
	*name = blob_get_text(reader);
	*kind = (enum workload_kind)blob_get_u8(reader);
	if (reader->failed || name->len > NAME_BYTES_MAX || *kind >= WORKLOAD_UNRESOLVED)
		return -EBADMSG;
	return 0;
}

int parts_read_baseline(struct profile_set *set, struct baseline *b, struct blob_reader *reader)
{
	uint32_t epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	uint32_t age = (uint32_t)blob_get_count(reader, UINT32_MAX / 2);
	uint32_t observed = (uint32_t)blob_get_count(reader, UINT32_MAX / 2);
	uint32_t n_starts = (uint32_t)blob_get_count(reader, UINT32_MAX / 2);
	uint64_t start_ns = blob_get_u64(reader), first_ns = blob_get_u64(reader);
	uint64_t last_ns = blob_get_u64(reader), pool = blob_get_u64(reader);

	if (reader->failed || age < b->age || first_ns == 0)
		return -EBADMSG;
	pool_add_units(b->pool, age - b->age);
	b->epoch = epoch;
	b->epoch_end_ns = 0;
	b->age = age;
	b->observed = observed;
	b->n_starts = n_starts;
	b->start_ns = start_ns;
	b->first_ns = first_ns;
	b->last_ns = last_ns;
	baseline_update_share(b, &set->clock);
	population_join_key(&set->population, b, pool);
	return 0;
}

static void write_levels(const struct profile *p, bool with_streams, struct blob_writer *writer)
{
	blob_put_u8(writer, with_streams);
	for (unsigned l = 0; l < p->n_levels; l++) {
		const struct level *level = &p->levels[l];

		blob_put_u8(writer, (uint8_t)((level->is_off ? LEVEL_OFF : 0) |
					      (level->sketch ? LEVEL_SKETCH : 0)));
		for (int s = 0; with_streams && s < STRATA; s++)
			discovery_write(&level->streams[s], writer);
	}
}

static int read_levels(struct profile *p, struct blob_reader *reader)
{
	bool with_streams = blob_get_u8(reader) != 0;

	for (unsigned l = 0; l < p->n_levels; l++) {
		struct level *level = &p->levels[l];
		uint8_t flags = blob_get_u8(reader);

		for (int s = 0; with_streams && s < STRATA; s++) {
			int r = discovery_read(&level->streams[s], reader);

			if (r)
				return r;
		}
		if ((flags & LEVEL_SKETCH) && !level->sketch && !reader->failed) {
			profile_open_sketch(p, l);
			if (!level->sketch)
				return -ENOMEM;
		}
		level->is_off = level->is_off || (flags & LEVEL_OFF);
	}
	return 0;
}

static void write_curve(const struct curve *curve, struct blob_writer *writer)
{
	blob_put_varint(writer, curve->stride);
	blob_put_varint(writer, curve->n);
	for (uint32_t i = 0; i < curve->n; i++) {
		blob_put_varint(writer, curve->points[i].active_epoch);
		blob_put_varint(writer, curve->points[i].distinct);
	}
}

static void read_curve(struct curve *curve, struct blob_reader *reader)
{
	curve->stride = (uint32_t)blob_get_count(reader, UINT32_MAX / 2);
	curve->stride += curve->stride == 0;
	curve->n = (uint32_t)blob_get_count(reader, CURVE_POINTS);
	for (uint32_t i = 0; i < curve->n; i++) {
		curve->points[i].active_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
		curve->points[i].distinct = (uint32_t)blob_get_count(reader, UINT32_MAX);
	}
}

void parts_write_profile(const struct profile *p, bool with_streams, struct blob_writer *writer)
{
	const struct dimension_info *info = dimension_info(p->dimension);

	blob_put_text(writer, info->name);
	blob_put_u64(writer, info->definition_hash);
	blob_put_u8(writer, p->n_levels);
	blob_put_varint(writer, p->active_epochs);
	blob_put_varint(writer, p->last_epoch);
	blob_put_varint(writer, p->child_epochs);
	blob_put_varint(writer, p->last_child_epoch);
	blob_put_varint(writer, p->events_total);
	blob_put_varint(writer, p->incidences);
	blob_put_u64(writer, p->first_ns);
	blob_put_u64(writer, p->last_ns);
	write_curve(&p->curve, writer);
	write_levels(p, with_streams, writer);
}

/* The profile whose name and definition come next; NULL: none of today's dimensions. */
static int find_profile(struct profile_set *set, struct baseline *b, struct blob_reader *reader,
			struct profile **out)
{
	struct text name = blob_get_text(reader);
	uint64_t hash = blob_get_u64(reader);
	uint8_t n_levels = blob_get_u8(reader);

	*out = NULL;
	if (reader->failed)
		return -EBADMSG;
	for (uint32_t i = 0; i < set->n_dimensions; i++) {
		const struct dimension_info *info =
			dimension_info(dimension_set_get(set->dimensions, i));

		if (info->definition_hash != hash || !text_equal(info->name, name))
			continue;
		if (info->n_levels != n_levels)
			return -EBADMSG;
		*out = profile_set_profile(set, b, i);
		return *out ? 0 : -ENOMEM;
	}
	return 0;
}

int parts_read_profile(struct profile_set *set, struct baseline *b, struct blob_reader *reader,
		       struct profile **out)
{
	struct profile *p;
	int r = find_profile(set, b, reader, &p);

	*out = NULL;
	if (r || !p)
		return r;
	p->active_epochs = (uint32_t)blob_get_count(reader, UINT32_MAX);
	p->last_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	p->child_epochs = (uint32_t)blob_get_count(reader, UINT32_MAX);
	p->last_child_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	p->events_total = blob_get_varint(reader);
	p->incidences = blob_get_varint(reader);
	p->first_ns = blob_get_u64(reader);
	p->last_ns = blob_get_u64(reader);
	read_curve(&p->curve, reader);
	r = read_levels(p, reader);
	if (r || reader->failed)
		return r ? r : -EBADMSG;
	*out = p;
	return 0;
}

void parts_write_key(const struct record_key *key, struct blob_writer *writer)
{
	blob_put_u8(writer, key->n);
	for (unsigned i = 0; i < key->n; i++)
		blob_put_text(writer, key->fields[i]);
}

int parts_read_key(struct blob_reader *reader, unsigned n_levels, struct record_key *key)
{
	*key = (struct record_key){.n = blob_get_u8(reader)};
	if (key->n == 0 || key->n > n_levels)
		reader->failed = true;
	for (unsigned i = 0; !reader->failed && i < key->n; i++)
		key->fields[i] = blob_get_text(reader);
	return reader->failed ? -EBADMSG : 0;
}

static void write_held(const struct held *held, struct blob_writer *writer)
{
	parts_write_key(&held->key, writer);
	blob_put_u8(writer, held->new_level);
	blob_put_u8(writer, held->flags);
	blob_put_varint(writer, held->first_epoch);
	blob_put_varint(writer, held->last_epoch);
	blob_put_varint(writer, held->active_epochs);
	blob_put_varint(writer, held->days);
	blob_put_varint(writer, held->last_day);
	blob_put_u64(writer, held->first_ns);
	blob_put_u64(writer, held->last_ns);
	blob_put_varint(writer, held->events);
	blob_put_varint(writer, held->anomaly);
	for (unsigned l = held->new_level; l < held->key.n; l++) {
		const struct held_prefix *prefix = pending_prefix(held, l);

		blob_put_varint(writer, prefix->unit);
		blob_put_varint(writer, prefix->pool_unit);
		blob_put_u8(writer, (uint8_t)((prefix->is_marked ? MARK_MADE : 0) |
					      (prefix->is_learned ? MARK_LEARNED : 0) |
					      (prefix->is_pool_marked ? MARK_POOL : 0)));
	}
}

void parts_count_held(const struct baseline *b, bool only_dirty)
{
	const struct held *held;
	uint32_t cursor = 0;

	for (uint32_t i = 0; i < b->n_profiles; i++) {
		if (b->profiles[i])
			b->profiles[i]->n_to_write = 0;
	}
	while ((held = fp_map_next(&b->held, &cursor)))
		held->profile->n_to_write += held->is_dirty || !only_dirty;
}

void parts_write_held(const struct profile *p, const struct pending *pending, bool only_dirty,
		      struct blob_writer *writer)
{
	const struct fp_map *all = &p->baseline->held;
	const struct held *held;
	uint32_t cursor = 0;

	(void)pending;
	blob_put_varint(writer, p->n_to_write);
	while (p->n_to_write && (held = fp_map_next(all, &cursor))) {
		if (held->profile == p && (held->is_dirty || !only_dirty))
			write_held(held, writer);
	}
}

/* Fingerprints are made again from the text: they are what the table is found by. */
static struct held *make_held(struct profile *p, const struct record_key *key)
{
	uint64_t fingerprints[RECORD_LEVELS_MAX];
	struct dimension_key fields;

	if (!dimension_key_of(p->dimension, key, &fields))
		return NULL;
	dimension_fingerprint(p->dimension, &fields, p->baseline->seed, fingerprints);
	return held_create(p, key, fingerprints);
}

static void read_figures(struct held *held, struct blob_reader *reader)
{
	held->new_level = blob_get_u8(reader);
	held->flags = blob_get_u8(reader);
	held->first_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	held->last_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	held->active_epochs = (uint32_t)blob_get_count(reader, UINT32_MAX);
	held->days = (uint32_t)blob_get_count(reader, UINT32_MAX);
	held->last_day = (uint32_t)blob_get_count(reader, UINT32_MAX);
	held->first_ns = blob_get_u64(reader);
	held->last_ns = blob_get_u64(reader);
	held->events = blob_get_varint(reader);
	held->anomaly = blob_get_varint(reader);
	if (held->new_level >= held->key.n)
		reader->failed = true;
}

static void read_marks(const struct held *held, struct blob_reader *reader,
		       struct held_mark marks[RECORD_LEVELS_MAX])
{
	for (unsigned l = held->new_level; !reader->failed && l < held->key.n; l++) {
		uint8_t flags;

		marks[l].unit = (uint32_t)blob_get_count(reader, UINT32_MAX);
		marks[l].pool_unit = (uint32_t)blob_get_count(reader, UINT32_MAX);
		flags = blob_get_u8(reader);
		marks[l].is_marked = flags & MARK_MADE;
		marks[l].is_learned = flags & MARK_LEARNED;
		marks[l].is_pool_marked = flags & MARK_POOL;
	}
}

static int read_held(struct profile_set *set, struct profile *p, struct blob_reader *reader)
{
	struct held_mark marks[RECORD_LEVELS_MAX] = {0};
	SCOPED(free_ptr) struct held *held = NULL;
	struct held *old;
	struct record_key key;
	int r = parts_read_key(reader, p->n_levels, &key);

	if (r)
		return r;
	held = make_held(p, &key);
	if (!held)
		return -ENOMEM;
	read_figures(held, reader);
	read_marks(held, reader, marks);
	if (reader->failed)
		return -EBADMSG;
	old = pending_find(p->baseline, held->fingerprints[key.n - 1]);
	if (old)
		free(pending_take(&set->pending, old, false));
	return pending_restore(&set->pending, TAKE(held), marks);
}

int parts_read_held(struct profile_set *set, struct profile *p, struct blob_reader *reader)
{
	uint64_t n = blob_get_count(reader, HELD_MAX);

	for (uint64_t i = 0; i < n; i++) {
		int r = read_held(set, p, reader);

		if (r)
			return r;
	}
	return reader->failed ? -EBADMSG : 0;
}
