/* A stream of discovery: for one (workload, dimension, level, stratum) the epochs in which
 * something new turned up, with age-proportional forgetting, and the forecast that follows.
 *
 * Age is counted in active epochs that have ended: 1, 2, ... At the end of each
 *   g = 2^(-1/h), h = clamp(age/4, 6, 4320);  n = g n + hit;  x = g x + 1
 *   rate = min(1, (n + a)/(x + b)),  b = 1,  a = 0.35, 0.40, 0.50 by level
 * The rate is a Gamma-Poisson forecast judged by its own misses (Dawid 1984: prequential). It
 * moves only when an epoch ends, so all events of an epoch meet the same forecast. Epochs in which
 * nothing happened in the stream are caught up in O(1):
 *   f = (s/t)^k, k = 4 ln 2;  n = f n;  x = f x + (t - s f)/(k + 1)    from age s to t
 *
 * Plain data on the owner's storage. docs/statistics.md has the measurements. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "profiles/blob.h"

struct stream {
	double n, x;     /* hits and exposure, forgotten with half-life age/4 */
	double n2, x2;   /* the same with half-life age: tells whether discovery slows down */
	double extra;    /* discoveries beyond the first of their epoch, forgotten like n */
	double distinct; /* behaviours seen, once an epoch each, forgotten like n */
	double prior;    /* a */
	uint32_t age;    /* ended epochs that the above include */
	uint32_t open_new, open_distinct; /* of the epoch after age, not yet included */
	uint32_t fallbacks;               /* times it fell back from ready */
	bool is_ready;
};

/* Level 0 is the coarsest: it decides the prior. */
void stream_init(struct stream *stream, unsigned level);

/* age epochs have ended. The marks since the last call belong to the first of the newly ended, the
 * others were idle. An age at or below the stream's own changes nothing. */
void stream_advance(struct stream *stream, uint32_t age);

/* In the open epoch something new turned up, and something was seen for the first time in it.
 * Advance first. Neither moves the rate before the epoch ends. */
static inline void stream_mark_new(struct stream *stream)
{
	stream->open_new += stream->open_new < UINT32_MAX;
}

static inline void stream_mark_distinct(struct stream *stream)
{
	stream->open_distinct += stream->open_distinct < UINT32_MAX;
}

/* Discoveries per epoch: the expectation, and the bound that holds with 80 % (Wilson-Hilferty). */
double stream_rate(const struct stream *stream);
double stream_rate_high(const struct stream *stream);

/* The longest return period a deviation could claim today, were nothing ever discovered: about
 * (age/3.77 + 1)/a epochs. */
double stream_longest_claim(const struct stream *stream);

/* Probability that the next thing seen (once an epoch each) is known already. For people. */
double stream_coverage(const struct stream *stream);

/* Probability that a discovery is followed by another one in the same epoch. */
double stream_clump(const struct stream *stream);

/* Decide and keep is_ready: old enough and the high rate at most 1/ready_epochs; falls back when
 * it passes four times that. */
bool stream_judge(struct stream *stream, double ready_epochs, uint32_t min_epochs);

enum stream_outlook {
	STREAM_IS_READY,
	STREAM_TOO_EARLY, /* to say: below 100 epochs */
	STREAM_EXPECTED,  /* ready after low to high more epochs */
	STREAM_UNSETTLED, /* discovery does not slow down */
};

struct stream_forecast {
	enum stream_outlook outlook;
	double low_epochs, high_epochs; /* from now; 0 unless expected */
};

struct stream_forecast stream_forecast(const struct stream *stream, double ready_epochs,
				       uint32_t min_epochs);

void stream_write(const struct stream *stream, struct blob_writer *writer);
/* 0 or -EBADMSG (then *out is untouched). */
int stream_read(struct stream *out, struct blob_reader *reader);
