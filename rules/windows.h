/* The memory of rules that count and follow sequences: keys, each with a chain of cells, in one
 * fixed block. Each such rule has a list of its keys, the longest untouched last; when the block is
 * full, the oldest key goes of the rule that wants room, if that one holds more than its equal
 * share, and else of the rule that holds most. What is given up before its time is counted.
 *
 * Time is the rule's: it never goes back by less than the rule's window; an event that is older by
 * more starts the rule anew, as another capture does. Keys untouched for longer than the window say
 * nothing any more and are dropped on the way. Pipeline thread only; nothing allocates once
 * created. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/text.h"
#include "rules/rule_hit.h"

#define WINDOWS_BYTES_MIN (64u << 10)
#define CELL_TIMES 7
#define CELL_TEXT_BYTES 39
#define WINDOW_NONE UINT32_MAX /* no key, no cell */
#define CELL_NAMES_CHAINS UINT16_MAX

struct windows;

/* The value of `distinct`: first bytes for show. */
struct cell_value {
	uint64_t hash, ts_ns;
	uint8_t len;
	char text[CELL_TEXT_BYTES];
};

struct window_cell {
	uint32_t next;
	uint16_t from, to; /* times in use; from may be CELL_NAMES_CHAINS */
	union {
		uint64_t times[CELL_TIMES];
		struct cell_value value;
		struct rule_step step;
		uint32_t chains[RULE_STEPS_MAX]; /* first cells */
	};
};

struct window_key {
	struct hash128 hash;
	uint32_t next;         /* in its slot */
	uint32_t newer, older; /* in its list */
	uint32_t first, last;  /* cells, WINDOW_NONE: none */
	uint32_t n;            /* what the cells hold */
	bool has_fired;
	uint64_t fired_ns; /* last alert */
	uint64_t last_ns;  /* newest event */
	uint64_t untold;   /* occurrences since the last alert, from since_ns on */
	uint64_t since_ns;
};

struct windows_counters {
	uint32_t keys, keys_max;
	uint32_t cells, cells_max;
	uint64_t evicted_total;  /* keys given up before their time */
	uint64_t keyless_total;  /* events left out: without a value for by or distinct */
	uint64_t restarts_total; /* times a rule started anew, since time went back */
	uint64_t bytes;
};

/* Room for n_lists rules in about so many bytes (at least WINDOWS_BYTES_MIN). secret keys the
 * hashes of keys. 0 and *out, or -ENOMEM. */
int windows_create(struct windows **out, uint32_t n_lists, uint64_t bytes,
		   struct siphash_key secret);
void windows_destroy(struct windows **windows);

/* Say what a list is for: the rule's identity, and how long its window is. */
void windows_set_list(struct windows *w, uint32_t list, struct hash128 identity,
		      uint64_t within_ns);

/* Take over what from holds for rules of the same identity, and its secret and counters; from is
 * left for destruction. False, and nothing done: their sizes differ. */
bool windows_adopt(struct windows *w, struct windows *from);

struct siphash_key windows_secret(const struct windows *w);

/* The list's time at an event of ts_ns. */
uint64_t windows_now(struct windows *w, uint32_t list, uint64_t ts_ns);

/* The list's key, or NULL; touched. Valid until the next windows_get(). */
struct window_key *windows_find(struct windows *w, uint32_t list, struct hash128 hash,
				uint64_t now_ns);

/* As windows_find(), made if missing. */
struct window_key *windows_get(struct windows *w, uint32_t list, struct hash128 hash,
			       uint64_t now_ns);

/* Forget the key and its cells. */
void windows_drop(struct windows *w, uint32_t list, struct window_key *key);

/* A cell for the key, which may cost other keys theirs. */
uint32_t windows_take_cell(struct windows *w, uint32_t list, const struct window_key *key);
struct window_cell *windows_cell(struct windows *w, uint32_t cell);
void windows_give_cell(struct windows *w, uint32_t list, uint32_t cell);

/* Give back a cell and all behind it. */
void windows_give_chain(struct windows *w, uint32_t list, uint32_t cell);

/* Events were lost around ts_ns. */
void windows_note_loss(struct windows *w, uint64_t ts_ns);

/* An event of that time is the first the new lists can have seen. */
void windows_note_start(struct windows *w, uint64_t ts_ns);

/* Whether nothing that counts for the list can have been missed from then on. */
bool windows_are_complete(const struct windows *w, uint32_t list, uint64_t from_ns);

void windows_count_keyless(struct windows *w);
void windows_counters(const struct windows *w, struct windows_counters *out);
