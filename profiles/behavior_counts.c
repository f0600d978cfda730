#include "profiles/behavior_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/util.h"
#include "profiles/behavior_fields.h"
#include "profiles/blob.h"
#include "profiles/count_min.h"
#include "state/state.h"

#define KEY_BYTES_MAX 16384
#define SOURCE_BYTES_MAX 4096
#define IMAGE_VERSION 1

/* What an event showed in a profile; made when first asked for. */
struct shown {
	uint64_t event; /* its number in the counts; 0: none */
	bool has_value; /* the profile says something of such events, and not nothing */
	bool has_no_fd; /* it would, but there is no descriptor */
	uint32_t len;
	char *key; /* KEY_BYTES_MAX */
};

struct counted {
	struct behavior_fields fields;
	struct text source;
	struct event_set events;
	struct count_min_config sketch_config;
	struct count_min *sketch;
	uint64_t identity; /* of what decides its counts */
	uint64_t reset_ns, next_reset_ns;
	struct shown shown;
};

/* An image that is made a piece at a time. */
struct image {
	bool is_under_way;
	uint32_t item; /* the profile that is written now */
	struct count_min_part part;
	struct blob_writer all, one;
};

struct behavior_counts {
	uint64_t seed;
	uint64_t event; /* number of the present one */
	uint64_t next_reset_ns;
	bool is_dirty;
	struct event_set events;
	struct behavior_counters counters;
	struct image image;
	uint32_t n;
	struct counted items[];
};

static const enum event_type with_descriptor[] = {
	EVENT_OPEN,   EVENT_OPENAT,  EVENT_OPENAT2, EVENT_CREAT,
	EVENT_ACCEPT, EVENT_ACCEPT4, EVENT_CONNECT, EVENT_OPEN_BY_HANDLE_AT,
};

static bool has_descriptor(enum event_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(with_descriptor); i++) {
		if (with_descriptor[i] == type)
			return true;
	}
	return false;
}

static uint32_t width_for(uint32_t columns)
{
	uint32_t width = COUNT_MIN_WIDTH_MIN;

	while (width < columns && width < COUNT_MIN_WIDTH_MAX)
		width *= 2;
	return width;
}

uint64_t behavior_sketch_bytes(uint32_t rows, uint32_t columns)
{
	return (uint64_t)MIN(rows, COUNT_MIN_DEPTH_MAX) * width_for(columns) * 3 * sizeof(uint32_t);
}

static bool set_has(const struct event_set *set, uint32_t type)
{
	return set->types[type / 64] >> (type % 64) & 1;
}

static int check_events(const struct counted *item, struct diag *diag)
{
	for (uint32_t type = 0; item->fields.has_fd && type < EVENT_TYPE_END; type++) {
		if (set_has(&item->events, type) && !has_descriptor((enum event_type)type))
			return diag_set(diag, -EINVAL,
					"a behavior profile with fd. fields can only count events "
					"that make or use a descriptor, not %s",
					event_info((enum event_type)type)->name);
	}
	return 0;
}

static uint64_t identify(const struct counted *item)
{
	uint64_t hash = XXH3_64bits(item->source.ptr, item->source.len);
	const uint64_t parts[] = {hash, XXH3_64bits(&item->events, sizeof(item->events)),
				  item->sketch_config.width, item->sketch_config.depth,
				  item->reset_ns};

	return XXH3_64bits(parts, sizeof(parts));
}

static int make_item(struct behavior_counts *counts, struct counted *item,
		     const struct behavior_profile *profile, const struct field_set *fields,
		     uint64_t *bytes, struct diag *diag)
{
	char *source = strndup(profile->fields, SOURCE_BYTES_MAX);
	int r;

	item->source = text_from(source);
	item->shown.key = malloc(KEY_BYTES_MAX);
	if (!source || !item->shown.key)
		return -ENOMEM;
	item->events = profile->events;
	item->reset_ns = profile->reset_ns;
	item->sketch_config = (struct count_min_config){
		.width = width_for(profile->columns),
		.depth = MAX(1, MIN(profile->rows, COUNT_MIN_DEPTH_MAX)),
		.seed = counts->seed,
	};
	if (strlen(profile->fields) > SOURCE_BYTES_MAX)
		return diag_set(diag, -EINVAL, "the fields of a behavior profile are too long");
	*bytes += behavior_sketch_bytes(profile->rows, profile->columns);
	if (behavior_sketch_bytes(profile->rows, profile->columns) > BEHAVIOR_SKETCH_BYTES_MAX ||
	    *bytes > BEHAVIOR_BYTES_MAX)
		return diag_set(diag, -EINVAL,
				"sketches of more than %d bytes each, or %d together",
				BEHAVIOR_SKETCH_BYTES_MAX, BEHAVIOR_BYTES_MAX);
	r = behavior_fields_compile(&item->fields, item->source, fields, diag);
	if (!r)
		r = check_events(item, diag);
	if (!r)
		r = count_min_create(&item->sketch, &item->sketch_config);
	item->identity = identify(item);
	return r;
}

int behavior_counts_create(struct behavior_counts **out, const struct behavior_profile *profiles,
			   uint32_t n, const struct field_set *fields, uint64_t seed,
			   struct diag *diag)
{
	SCOPED(behavior_counts_destroy) struct behavior_counts *counts = NULL;
	uint64_t bytes = 0;
	int r = 0;

	if (n > BEHAVIOR_PROFILES_MAX)
		return diag_set(diag, -EINVAL, "more than %d behavior profiles",
				BEHAVIOR_PROFILES_MAX);
	counts = calloc(1, sizeof(*counts) + n * sizeof(counts->items[0]));
	if (!counts)
		return -ENOMEM;
	counts->seed = seed;
	counts->next_reset_ns = UINT64_MAX;
	for (; !r && counts->n < n; counts->n++) {
		r = make_item(counts, &counts->items[counts->n], &profiles[counts->n], fields,
			      &bytes, diag);
		for (uint32_t w = 0; w < EVENT_SET_WORDS; w++)
			counts->events.types[w] |= profiles[counts->n].events.types[w];
		if (profiles[counts->n].reset_ns)
			counts->next_reset_ns = 0; /* the first event sets the timers */
	}
	if (!r)
		*out = TAKE(counts);
	return r;
}

static void image_done(struct image *image)
{
	blob_writer_done(&image->all);
	blob_writer_done(&image->one);
	*image = (struct image){0};
}

void behavior_counts_destroy(struct behavior_counts **counts)
{
	struct behavior_counts *c = *counts;

	if (!c)
		return;
	image_done(&c->image);
	for (uint32_t i = 0; i < c->n; i++) {
		behavior_fields_done(&c->items[i].fields);
		count_min_destroy(&c->items[i].sketch);
		free((char *)c->items[i].source.ptr);
		free(c->items[i].shown.key);
	}
	free(c);
	*counts = NULL;
}

const struct event_set *behavior_counts_events(const struct behavior_counts *counts)
{
	return &counts->events;
}

void behavior_counts_each_use(const struct behavior_counts *counts, behavior_use_fn *visit,
			      void *arg)
{
	for (uint32_t i = 0; i < counts->n; i++)
		visit(&counts->items[i].events, counts->items[i].source, arg);
}

static void reset(struct behavior_counts *counts, struct counted *item)
{
	struct count_min *fresh = NULL;

	if (count_min_create(&fresh, &item->sketch_config)) {
		counts->counters.resets_failed_total++;
		return;
	}
	count_min_destroy(&item->sketch);
	item->sketch = fresh;
	counts->counters.resets_total++;
	counts->is_dirty = true;
}

/* At the first event the timers start, unless a stored one runs. */
static void tick(struct behavior_counts *counts, uint64_t now_ns)
{
	counts->next_reset_ns = UINT64_MAX;
	for (uint32_t i = 0; i < counts->n; i++) {
		struct counted *item = &counts->items[i];

		if (!item->reset_ns)
			continue;
		if (item->next_reset_ns && now_ns >= item->next_reset_ns)
			reset(counts, item);
		if (now_ns >= item->next_reset_ns || item->next_reset_ns > now_ns + item->reset_ns)
			item->next_reset_ns = now_ns + item->reset_ns;
		counts->next_reset_ns = MIN(counts->next_reset_ns, item->next_reset_ns);
	}
}

static const struct shown *show(struct behavior_counts *counts, struct counted *item,
				const struct field_context *ctx)
{
	struct shown *shown = &item->shown;
	struct field_context own = *ctx;
	bool is_empty, is_cut;

	if (shown->event == counts->event)
		return shown;
	own.cache = NULL; /* its numbers are those of rules' operands */
	shown->event = counts->event;
	shown->has_value = shown->has_no_fd = false;
	shown->len = 0;
	if (item->fields.has_fd && !has_descriptor(ctx->event->type))
		return shown;
	if (item->fields.has_fd && (!ctx->subject || !ctx->subject->fd_entry)) {
		shown->has_no_fd = true;
		return shown;
	}
	shown->len = behavior_fields_print(&item->fields, &own, shown->key, KEY_BYTES_MAX,
					   &is_empty, &is_cut);
	shown->has_value = !is_empty;
	counts->counters.cut_total += is_cut;
	return shown;
}

void behavior_counts_note(struct behavior_counts *counts, const struct field_context *ctx)
{
	counts->event++;
	if (ctx->event->ts_ns >= counts->next_reset_ns)
		tick(counts, ctx->event->ts_ns);
	if (!set_has(&counts->events, ctx->event->type))
		return;
	for (uint32_t i = 0; i < counts->n; i++) {
		struct counted *item = &counts->items[i];
		const struct shown *shown;

		if (!set_has(&item->events, ctx->event->type))
			continue;
		shown = show(counts, item, ctx);
		if (!shown->has_value)
			continue;
		count_min_add(item->sketch, shown->key, shown->len, 0, 1);
		counts->counters.updates_total++;
		counts->is_dirty = true;
	}
}

/* The values one behind the other, without the end marks. */
static struct text joined(const struct shown *shown, struct arena *arena)
{
	char *bytes = arena ? arena_alloc(arena, shown->len + 1) : NULL;
	struct text t = {bytes, 0};

	for (uint32_t i = 0; bytes && i < shown->len; i++) {
		if (shown->key[i] != BEHAVIOR_END)
			bytes[t.len++] = shown->key[i];
	}
	return t;
}

bool behavior_counts_ask(struct behavior_counts *counts, const struct field_context *ctx,
			 uint32_t profile, uint64_t *count, struct text *text)
{
	const struct shown *shown;

	if (profile >= counts->n)
		return false;
	shown = show(counts, &counts->items[profile], ctx);
	if (shown->has_no_fd)
		return false;
	if (count)
		*count = shown->has_value ? count_min_find(counts->items[profile].sketch,
							   shown->key, shown->len)
						    .count
					  : 0;
	if (text) {
		*text = joined(shown, ctx->arena);
		return text->ptr != NULL;
	}
	return true;
}

void behavior_counts_counters(const struct behavior_counts *counts, struct behavior_counters *out)
{
	*out = counts->counters;
	out->profiles = counts->n;
	for (uint32_t i = 0; i < counts->n; i++)
		out->bytes += count_min_bytes(counts->items[i].sketch) + KEY_BYTES_MAX;
}

static void image_begin(struct behavior_counts *counts)
{
	struct image *image = &counts->image;

	image_done(image);
	*image = (struct image){.is_under_way = true};
	blob_put_u8(&image->all, IMAGE_VERSION);
	blob_put_varint(&image->all, counts->n);
	counts->is_dirty = false;
}

/* At most so many cells more of one profile. The timer stands as it did when its profile began: one
 * that runs out meanwhile does so again after the image was loaded. */
static void image_go_on(struct behavior_counts *counts, uint32_t max_cells)
{
	struct image *image = &counts->image;
	const struct counted *item = &counts->items[image->item];

	if (!image->part.has_begun) {
		blob_put_u64(&image->all, item->identity);
		blob_put_u64(&image->all, item->next_reset_ns);
	}
	if (!count_min_write_part(item->sketch, &image->one, &image->part, max_cells))
		return;
	image->all.failed |= image->one.failed || image->one.len > UINT32_MAX / 2;
	if (!image->all.failed)
		blob_put_text(&image->all,
			      (struct text){(char *)image->one.bytes, (uint32_t)image->one.len});
	blob_writer_done(&image->one);
	image->one = (struct blob_writer){0};
	image->part = (struct count_min_part){0};
	image->item++;
}

/* What came to nothing for want of memory is tried again. */
static struct record_blob *image_end(struct behavior_counts *counts)
{
	struct blob_writer *all = &counts->image.all;
	struct record_blob *blob = NULL;

	if (!all->failed && all->len <= UINT32_MAX / 2)
		blob = record_alloc(sizeof(*blob), all->len);
	if (blob)
		blob->bytes =
			record_text(blob, (struct text){(char *)all->bytes, (uint32_t)all->len});
	counts->is_dirty |= !blob;
	image_done(&counts->image);
	return blob;
}

void behavior_counts_begin_image(struct behavior_counts *counts)
{
	if (counts->is_dirty && !counts->image.is_under_way)
		image_begin(counts);
}

struct record_blob *behavior_counts_go_on(struct behavior_counts *counts, uint32_t max_cells)
{
	if (!counts->image.is_under_way)
		return NULL;
	if (counts->image.item < counts->n)
		image_go_on(counts, max_cells);
	return counts->image.item < counts->n ? NULL : image_end(counts);
}

struct record_blob *behavior_counts_image(struct behavior_counts *counts)
{
	if (!counts->is_dirty && !counts->image.is_under_way)
		return NULL;
	image_begin(counts);
	while (counts->image.item < counts->n)
		image_go_on(counts, UINT32_MAX);
	return image_end(counts);
}

static int load_one(struct behavior_counts *counts, uint64_t identity, uint64_t next_reset_ns,
		    struct text bytes)
{
	for (uint32_t i = 0; i < counts->n; i++) {
		struct counted *item = &counts->items[i];
		struct blob_reader reader = blob_reader_of(bytes);
		SCOPED(count_min_destroy) struct count_min *sketch = NULL;
		int r;

		if (item->identity != identity)
			continue;
		r = count_min_read(&sketch, &reader, count_min_bytes(item->sketch), counts->seed);
		if (r)
			return r;
		if (count_min_columns(sketch) != item->sketch_config.width ||
		    count_min_depth(sketch) != item->sketch_config.depth || reader.left)
			return -EBADMSG;
		count_min_destroy(&item->sketch);
		item->sketch = TAKE(sketch);
		item->next_reset_ns = next_reset_ns;
	}
	return 0; /* of a profile that is no more */
}

int behavior_counts_load_image(struct behavior_counts *counts, const struct record_blob *blob)
{
	struct blob_reader reader = blob_reader_of(blob->bytes);
	bool is_known = blob_get_u8(&reader) == IMAGE_VERSION;
	uint64_t n = blob_get_count(&reader, BEHAVIOR_PROFILES_MAX);
	int r = is_known && !reader.failed ? 0 : -EBADMSG;

	for (uint64_t i = 0; !r && i < n; i++) {
		uint64_t identity = blob_get_u64(&reader), next_reset_ns = blob_get_u64(&reader);
		struct text bytes = blob_get_text(&reader);

		r = reader.failed ? -EBADMSG : load_one(counts, identity, next_reset_ns, bytes);
	}
	counts->counters.damaged_total += r == -EBADMSG;
	return r;
}
