/* Count-Min Sketch: approximate records of many keys in fixed memory.
 *
 * A layer is depth rows of width cells. A key hits one cell a row; what the sketch says of it is
 * the smallest of them, so it is never below the truth. A cell holds
 *   count   sightings, raised conservatively (Estan & Varghese, SIGCOMM 2002);
 *   epochs  epochs in which the key was seen: only the least cells rise, and only if they do not
 *           all carry this epoch already (never too low; a repeat within an epoch may raise a key
 *           that collides once a row at most);
 *   touched the last epoch in which any key of the cell was seen, for forgetting.
 * All cells of a key come from one keyed 128-bit hash; the seed is secret, since whoever knows it
 * can craft collisions (rows h1 + i h2: Kirsch & Mitzenmacher, ESA 2006).
 *
 * Presence is what novelty needs, and a sketch tells it only while nearly empty: a key never seen
 * is taken for known with probability = product of the rows' occupancies, which are counted
 * exactly. A sketch cannot be rebuilt wider, as it does not hold its keys. Instead, when a layer's
 * own probability passes 1/200, it takes no new keys any more and a layer four times as wide is
 * consulted beside it, as long as bytes_max allows. A key belongs to the first layer that claims
 * it, so each layer's records stay whole, and nothing is ever undercounted. Past the last layer
 * the probability goes on rising: the owner shows it, and stops judging this level at 1/20.
 *
 * Width: 2.6 columns a key give 1 % at depth 4. Source: Cormode & Muthukrishnan, J. Algorithms
 * 55(1), 2005: with width e/epsilon and depth ln(1/delta), a count exceeds the truth by more than
 * epsilon * (all sightings) with probability at most delta. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/blob.h"

#define COUNT_MIN_DEPTH_MAX 8
#define COUNT_MIN_WIDTH_MIN 64
#define COUNT_MIN_WIDTH_MAX (UINT32_C(1) << 24)
#define COUNT_MIN_LAYERS_MAX 4
#define COUNT_MIN_COLUMNS_PER_KEY 2.6

struct count_min;

struct count_min_config {
	uint32_t width;   /* of the first layer; rounded up to a power of two */
	uint32_t depth;   /* 1 to COUNT_MIN_DEPTH_MAX; 4 is usual */
	size_t bytes_max; /* all layers; the first one is made even if it alone is larger */
	uint64_t seed;
};

struct count_min_record {
	uint32_t count; /* 0: never seen */
	uint32_t epochs;
	uint32_t last_epoch; /* last seen: exact or too late */
};

/* 0 gives *out; -EINVAL (width, depth), -ENOMEM. */
int count_min_create(struct count_min **out, const struct count_min_config *config);
void count_min_destroy(struct count_min **cm);

/* Width for so many keys at 1 % false known (power of two, within the limits). */
uint32_t count_min_width_for(uint64_t n_keys);

/* Add n sightings of key (borrowed) in epoch; epochs never go backwards (an older one counts as
 * the newest). Returns what was known before. */
struct count_min_record count_min_add(struct count_min *cm, const void *key, size_t len,
				      uint32_t epoch, uint32_t n);

/* What is known of key: never too low. */
struct count_min_record count_min_find(const struct count_min *cm, const void *key, size_t len);

/* Probability that a key never seen is taken for known. O(1). */
double count_min_false_known(const struct count_min *cm);

/* True when the last layer is full and no further one may be made. */
bool count_min_is_full(const struct count_min *cm);

/* Forget what was last seen before epoch: look at no more than max_cells cells, going round.
 * Returns how many cells were emptied. */
uint32_t count_min_forget(struct count_min *cm, uint32_t before_epoch, uint32_t max_cells);

uint32_t count_min_depth(const struct count_min *cm);
uint64_t count_min_columns(const struct count_min *cm); /* all layers together */
uint64_t count_min_total(const struct count_min *cm);   /* sightings */
size_t count_min_bytes(const struct count_min *cm);

void count_min_write(const struct count_min *cm, struct blob_writer *writer);

/* How far a sketch is written; begins zeroed. */
struct count_min_part {
	bool has_begun;
	uint32_t layer, cell, run;
};

/* As count_min_write(), max_cells cells at a time, for sketches of one epoch that have no memory to
 * grow: what is counted meanwhile may be in it or not, what was before it is. True: all is
 * written. */
bool count_min_write_part(const struct count_min *cm, struct blob_writer *writer,
			  struct count_min_part *part, uint32_t max_cells);
/* -EBADMSG (damaged, or written under another seed), -ENOMEM. */
int count_min_read(struct count_min **out, struct blob_reader *reader, size_t bytes_max,
		   uint64_t seed);
