#include "profiles/count_min.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/util.h"

/* Depth is a parameter of the hot functions, so that the usual 4 unrolls. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

#define IMAGE_VERSION 1
#define GROW_FACTOR 4
/* A layer above this share of false known keys takes no new ones, if there is room for another. */
#define LAYER_FALSE_KNOWN_MAX (1.0 / 200)

struct cell {
	uint32_t count;
	uint32_t touched; /* newest epoch in which a key of the cell was seen */
	uint32_t raised;  /* twice the epochs, plus one when they count the epoch touched already */
};

struct layer {
	uint32_t width;
	uint32_t occupied[COUNT_MIN_DEPTH_MAX]; /* cells with count > 0, by row */
	struct cell *cells;                     /* depth rows of width */
};

struct count_min {
	uint32_t depth, n_layers;
	uint32_t epoch; /* newest */
	uint64_t seed, total;
	size_t bytes_max;
	uint32_t forget_layer, forget_cell; /* where count_min_forget() goes on */
	struct layer layers[COUNT_MIN_LAYERS_MAX];
};

/* The key's cells in one layer. */
struct spot {
	struct cell *cells[COUNT_MIN_DEPTH_MAX];
};

static size_t layer_bytes(const struct count_min *cm, uint32_t width)
{
	return (size_t)width * cm->depth * sizeof(struct cell);
}

static int layer_add(struct count_min *cm, uint32_t width)
{
	struct layer *layer = &cm->layers[cm->n_layers];
	struct cell *cells = calloc((size_t)width * cm->depth, sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	*layer = (struct layer){.width = width, .cells = cells};
	cm->n_layers++;
	return 0;
}

static uint32_t power_of_two_from(uint32_t least)
{
	uint32_t width = COUNT_MIN_WIDTH_MIN;

	while (width < least)
		width *= 2;
	return width;
}

uint32_t count_min_width_for(uint64_t n_keys)
{
	double columns = COUNT_MIN_COLUMNS_PER_KEY * (double)n_keys;

	if (columns >= COUNT_MIN_WIDTH_MAX)
		return COUNT_MIN_WIDTH_MAX;
	return power_of_two_from((uint32_t)columns + 1);
}

int count_min_create(struct count_min **out, const struct count_min_config *config)
{
	SCOPED(count_min_destroy) struct count_min *cm = NULL;
	int r;

	if (config->width == 0 || config->width > COUNT_MIN_WIDTH_MAX || config->depth == 0 ||
	    config->depth > COUNT_MIN_DEPTH_MAX)
		return -EINVAL;
	cm = calloc(1, sizeof(*cm));
	if (!cm)
		return -ENOMEM;
	cm->depth = config->depth;
	cm->seed = config->seed;
	cm->bytes_max = config->bytes_max;
	r = layer_add(cm, power_of_two_from(config->width));
	if (r)
		return r;
	*out = TAKE(cm);
	return 0;
}

void count_min_destroy(struct count_min **cm)
{
	if (!*cm)
		return;
	for (uint32_t i = 0; i < (*cm)->n_layers; i++)
		free((*cm)->layers[i].cells);
	free(*cm);
	*cm = NULL;
}

static inline uint32_t epochs_of(const struct cell *cell)
{
	return cell->raised >> 1;
}

/* Row i uses h1 + i h2; h2 is odd, so the rows differ. Widths are powers of two. */
static ALWAYS_INLINE struct spot spot_of(const struct layer *layer, XXH128_hash_t hash,
					 uint32_t depth)
{
	uint64_t at = hash.low64;
	struct cell *row = layer->cells;
	struct spot spot;

	for (uint32_t i = 0; i < depth; i++) {
		/* The upper half: the lowest bits of h1 + i h2 repeat after two rows. */
		spot.cells[i] = &row[(at >> 32) & (layer->width - 1)];
		row += layer->width;
		at += hash.high64 | 1;
	}
	return spot;
}

static inline uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static ALWAYS_INLINE struct count_min_record read_spot(const struct spot *spot, uint32_t depth)
{
	uint32_t count = UINT32_MAX, raised = UINT32_MAX, touched = UINT32_MAX;

	for (uint32_t i = 0; i < depth; i++) {
		const struct cell *cell = spot->cells[i];

		count = lesser(count, cell->count);
		raised = lesser(raised, cell->raised);
		touched = lesser(touched, cell->touched);
	}
	if (count == 0)
		return (struct count_min_record){0};
	return (struct count_min_record){count, raised >> 1, touched};
}

/* The first layer that claims the key; else the last layer, where it would be put. */
static ALWAYS_INLINE struct layer *layer_of(const struct count_min *cm, XXH128_hash_t hash,
					    uint32_t depth, struct spot *spot,
					    struct count_min_record *record)
{
	const struct layer *layer = NULL;

	for (uint32_t i = 0; i < cm->n_layers; i++) {
		layer = &cm->layers[i];
		*spot = spot_of(layer, hash, depth);
		*record = read_spot(spot, depth);
		if (record->count)
			break;
	}
	return (struct layer *)layer;
}

static double layer_false_known(const struct count_min *cm, const struct layer *layer)
{
	double product = 1;

	for (uint32_t i = 0; i < cm->depth; i++)
		product *= (double)layer->occupied[i] / layer->width;
	return product;
}

double count_min_false_known(const struct count_min *cm)
{
	double none = 1;

	for (uint32_t i = 0; i < cm->n_layers; i++)
		none *= 1 - layer_false_known(cm, &cm->layers[i]);
	return 1 - none;
}

static bool may_grow(const struct count_min *cm)
{
	uint32_t width = cm->layers[cm->n_layers - 1].width;

	return cm->n_layers < COUNT_MIN_LAYERS_MAX && width <= COUNT_MIN_WIDTH_MAX / GROW_FACTOR &&
	       count_min_bytes(cm) + layer_bytes(cm, width * GROW_FACTOR) <= cm->bytes_max;
}

bool count_min_is_full(const struct count_min *cm)
{
	return layer_false_known(cm, &cm->layers[cm->n_layers - 1]) > LAYER_FALSE_KNOWN_MAX &&
	       !may_grow(cm);
}

/* Do all least cells count this epoch already? Then the key may have been seen in it. Without
 * branches, here and below: what the cells hold cannot be foreseen, and a wrong guess would wait
 * for memory. */
static ALWAYS_INLINE bool least_carry(const struct spot *spot, uint32_t depth, uint32_t epoch,
				      uint32_t least)
{
	bool carry = true;

	for (uint32_t i = 0; i < depth; i++) {
		const struct cell *cell = spot->cells[i];

		carry &= (epochs_of(cell) != least) |
			 ((cell->touched == epoch) & (cell->raised & 1));
	}
	return carry;
}

static inline void raise_cell(struct cell *cell, uint32_t count, uint32_t epoch, uint32_t least,
			      bool carry)
{
	uint32_t epochs = epochs_of(cell);
	uint32_t rises = !carry & (epochs == least) & (epochs < INT32_MAX);
	uint32_t counts_epoch = (cell->touched == epoch) & cell->raised & 1;

	cell->count = MAX(cell->count, count);
	cell->raised = (epochs + rises) << 1 | counts_epoch | rises;
	cell->touched = epoch;
}

static ALWAYS_INLINE void raise_spot(struct layer *layer, const struct spot *spot, uint32_t depth,
				     const struct count_min_record *before, uint32_t epoch,
				     uint32_t n)
{
	uint32_t count = before->count > UINT32_MAX - n ? UINT32_MAX : before->count + n;
	bool carry = least_carry(spot, depth, epoch, before->epochs);

	for (uint32_t i = 0; i < depth; i++) {
		layer->occupied[i] += spot->cells[i]->count == 0;
		raise_cell(spot->cells[i], count, epoch, before->epochs, carry);
	}
}

static ALWAYS_INLINE struct count_min_record add(struct count_min *cm, XXH128_hash_t hash,
						 uint32_t depth, uint32_t n)
{
	struct count_min_record before;
	struct spot spot;
	struct layer *layer = layer_of(cm, hash, depth, &spot, &before);

	/* Without memory for another layer the last one goes on; its probability is shown. */
	if (before.count == 0 && layer_false_known(cm, layer) > LAYER_FALSE_KNOWN_MAX &&
	    may_grow(cm) && layer_add(cm, layer->width * GROW_FACTOR) == 0) {
		layer = &cm->layers[cm->n_layers - 1];
		spot = spot_of(layer, hash, depth);
	}
	raise_spot(layer, &spot, depth, &before, cm->epoch, n);
	return before;
}

struct count_min_record count_min_add(struct count_min *cm, const void *key, size_t len,
				      uint32_t epoch, uint32_t n)
{
	XXH128_hash_t hash = XXH3_128bits_withSeed(key, len, cm->seed);

	if (n == 0)
		return count_min_find(cm, key, len);
	cm->epoch = MAX(cm->epoch, epoch);
	cm->total += n;
	return cm->depth == 4 ? add(cm, hash, 4, n) : add(cm, hash, cm->depth, n);
}

struct count_min_record count_min_find(const struct count_min *cm, const void *key, size_t len)
{
	XXH128_hash_t hash = XXH3_128bits_withSeed(key, len, cm->seed);
	struct count_min_record record;
	struct spot spot;

	if (cm->depth == 4)
		layer_of(cm, hash, 4, &spot, &record);
	else
		layer_of(cm, hash, cm->depth, &spot, &record);
	return record;
}

static bool forget_cell(struct layer *layer, uint32_t index, uint32_t before_epoch)
{
	struct cell *cell = &layer->cells[index];

	if (cell->count == 0 || cell->touched >= before_epoch)
		return false;
	layer->occupied[index / layer->width]--;
	*cell = (struct cell){0};
	return true;
}

uint32_t count_min_forget(struct count_min *cm, uint32_t before_epoch, uint32_t max_cells)
{
	uint32_t n_forgotten = 0;

	for (uint32_t i = 0; i < max_cells; i++) {
		struct layer *layer = &cm->layers[cm->forget_layer];

		n_forgotten += forget_cell(layer, cm->forget_cell, before_epoch);
		if (++cm->forget_cell < layer->width * cm->depth)
			continue;
		cm->forget_cell = 0;
		cm->forget_layer = (cm->forget_layer + 1) % cm->n_layers;
	}
	return n_forgotten;
}

uint32_t count_min_depth(const struct count_min *cm)
{
	return cm->depth;
}

uint64_t count_min_columns(const struct count_min *cm)
{
	uint64_t columns = 0;

	for (uint32_t i = 0; i < cm->n_layers; i++)
		columns += cm->layers[i].width;
	return columns;
}

uint64_t count_min_total(const struct count_min *cm)
{
	return cm->total;
}

size_t count_min_bytes(const struct count_min *cm)
{
	return sizeof(*cm) + (size_t)count_min_columns(cm) * cm->depth * sizeof(struct cell);
}

/* Proves that reader and writer use the same seed, without telling it. */
static uint32_t seed_check(uint64_t seed)
{
	return (uint32_t)(XXH3_64bits_withSeed("count_min", 9, seed) >> 32);
}

static void write_head(const struct count_min *cm, struct blob_writer *writer)
{
	blob_put_u8(writer, IMAGE_VERSION);
	blob_put_u8(writer, (uint8_t)cm->depth);
	blob_put_u8(writer, (uint8_t)cm->n_layers);
	blob_put_u32(writer, seed_check(cm->seed));
	blob_put_varint(writer, cm->epoch);
	blob_put_varint(writer, cm->total);
}

/* Empty cells are most of a healthy sketch: a run of them is one number. */
static void write_cells(struct blob_writer *writer, const struct layer *layer, uint32_t end,
			struct count_min_part *part)
{
	uint32_t run = part->run; /* in a register, as all that the loop touches */

	for (uint32_t i = part->cell; i < end; i++) {
		const struct cell *cell = &layer->cells[i];

		if (cell->count == 0) {
			run++;
			continue;
		}
		blob_put_varint(writer, run);
		blob_put_varint(writer, cell->count);
		blob_put_varint(writer, cell->raised);
		blob_put_varint(writer, cell->touched);
		run = 0;
	}
	part->run = run;
	part->cell = end;
}

bool count_min_write_part(const struct count_min *cm, struct blob_writer *writer,
			  struct count_min_part *part, uint32_t max_cells)
{
	if (!part->has_begun)
		write_head(cm, writer);
	part->has_begun = true;
	while (part->layer < cm->n_layers && max_cells > 0) {
		const struct layer *layer = &cm->layers[part->layer];
		uint32_t n = lesser(layer->width * cm->depth - part->cell, max_cells);

		if (part->cell == 0)
			blob_put_varint(writer, layer->width);
		write_cells(writer, layer, part->cell + n, part);
		max_cells -= n;
		if (part->cell < layer->width * cm->depth)
			break;
		blob_put_varint(writer, part->run);
		part->layer++;
		part->cell = part->run = 0;
	}
	return part->layer == cm->n_layers;
}

void count_min_write(const struct count_min *cm, struct blob_writer *writer)
{
	struct count_min_part part = {0};

	while (!count_min_write_part(cm, writer, &part, UINT32_MAX))
		;
}

static void read_cells(struct blob_reader *reader, struct count_min *cm, struct layer *layer)
{
	uint32_t n = layer->width * cm->depth;
	uint32_t at = (uint32_t)blob_get_count(reader, n);

	while (at < n && !reader->failed) {
		struct cell *cell = &layer->cells[at];

		cell->count = (uint32_t)blob_get_count(reader, UINT32_MAX);
		cell->raised = (uint32_t)blob_get_count(reader, UINT32_MAX);
		cell->touched = (uint32_t)blob_get_count(reader, cm->epoch);
		if (cell->count == 0)
			reader->failed = true;
		layer->occupied[at / layer->width]++;
		at += 1 + (uint32_t)blob_get_count(reader, n - at - 1);
	}
}

static bool is_width(uint64_t width)
{
	return width >= COUNT_MIN_WIDTH_MIN && width <= COUNT_MIN_WIDTH_MAX &&
	       (width & (width - 1)) == 0;
}

/* A layer's cells cost memory before any byte proves them, so layers beyond the first must fit the
 * budget, and the first may be as large as some profile makes it. */
static int read_layer(struct blob_reader *reader, struct count_min *cm)
{
	uint64_t width = blob_get_varint(reader);
	int r;

	if (reader->failed || !is_width(width))
		return -EBADMSG;
	if (count_min_bytes(cm) + layer_bytes(cm, (uint32_t)width) > cm->bytes_max &&
	    (cm->n_layers > 0 || width > COUNT_MIN_WIDTH_MAX / 64))
		return -EBADMSG;
	r = layer_add(cm, (uint32_t)width);
	if (r)
		return r;
	read_cells(reader, cm, &cm->layers[cm->n_layers - 1]);
	return reader->failed ? -EBADMSG : 0;
}

int count_min_read(struct count_min **out, struct blob_reader *reader, size_t bytes_max,
		   uint64_t seed)
{
	SCOPED(count_min_destroy) struct count_min *cm = calloc(1, sizeof(*cm));
	uint8_t version, n_layers;

	if (!cm)
		return -ENOMEM;
	cm->seed = seed;
	cm->bytes_max = bytes_max;
	version = blob_get_u8(reader);
	cm->depth = blob_get_u8(reader);
	n_layers = blob_get_u8(reader);
	if (version != IMAGE_VERSION || cm->depth == 0 || cm->depth > COUNT_MIN_DEPTH_MAX ||
	    n_layers == 0 || n_layers > COUNT_MIN_LAYERS_MAX ||
	    blob_get_u32(reader) != seed_check(seed))
		return -EBADMSG;
	cm->epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	cm->total = blob_get_varint(reader);
	while (cm->n_layers < n_layers) {
		int r = read_layer(reader, cm);

		if (r)
			return r;
	}
	*out = TAKE(cm);
	return 0;
}
