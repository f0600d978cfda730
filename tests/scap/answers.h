/* Recorded answers of another engine: for each filter the positions of the event blocks of one
 * capture that it matches. Positions count from 1. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A set of positions. */
struct positions {
	uint64_t *words;
	uint32_t n_words;
};

void positions_add(struct positions *set, uint64_t position);
bool positions_has(const struct positions *set, uint64_t position);
uint64_t positions_count(const struct positions *set);
void positions_done(struct positions *set);

/* The first position above after that one set has and the other has not; 0: none. */
uint64_t positions_next_difference(const struct positions *a, const struct positions *b,
				   uint64_t after);

/* "3,7-9,12-20/2"; false when it is not of this form. */
bool positions_parse(struct positions *set, const char *text);

struct answer {
	char *filter;
	char *error; /* the other engine gave none, and why; else NULL */
	struct positions events;
};

struct answers {
	struct positions all; /* what it shows at all */
	struct answer *items;
	uint32_t n;
};

/* 0, -errno, or -EINVAL for a file that is not of this form. */
int answers_read(struct answers *out, const char *path);
void answers_done(struct answers *answers);
