#include "rules/windows.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define CELLS_PER_KEY 2 /* for sizing */
#define SWEPT_PER_KEY 2 /* keys looked at, whether their time is over, for each new one */

static_assert(sizeof(struct window_cell) == 64, "a cache line");

struct key_list {
	struct hash128 identity;
	uint64_t within_ns;
	uint64_t now_ns;
	uint64_t from_ns;    /* of the first event it can have seen; 0 not yet */
	uint64_t evicted_ns; /* newest event of a key given up */
	bool has_evicted;
	uint32_t newest, oldest;
	uint32_t n_keys, n_cells;
};

struct windows {
	struct siphash_key secret;
	struct window_key *keys;
	struct window_cell *cells;
	uint32_t *slots; /* keys by hash */
	struct key_list *lists;
	uint32_t n_lists;
	uint32_t n_slots;             /* a power of two */
	uint32_t free_key, free_cell; /* given back: chains */
	uint32_t fresh_key,
		fresh_cell; /* the first never used: untouched memory is not there yet */
	bool has_lost;
	uint64_t lost_ns;
	struct windows_counters counters;
};

static uint32_t power_above(uint64_t n)
{
	uint32_t power = 1;

	while (power < n && power < UINT32_C(1) << 30)
		power *= 2;
	return power;
}

int windows_create(struct windows **out, uint32_t n_lists, uint64_t bytes,
		   struct siphash_key secret)
{
	SCOPED(windows_destroy) struct windows *w = calloc(1, sizeof(*w));
	const size_t unit = sizeof(struct window_key) + 2 * sizeof(uint32_t) +
			    CELLS_PER_KEY * sizeof(struct window_cell);

	if (!w)
		return -ENOMEM;
	w->secret = secret;
	w->n_lists = n_lists;
	w->counters.keys_max =
		(uint32_t)MIN(MAX(bytes, (uint64_t)WINDOWS_BYTES_MIN) / unit, UINT32_C(1) << 28);
	w->counters.cells_max = CELLS_PER_KEY * w->counters.keys_max;
	w->n_slots = power_above(w->counters.keys_max);
	w->keys = calloc(w->counters.keys_max, sizeof(*w->keys));
	w->cells = aligned_alloc(64, w->counters.cells_max * sizeof(*w->cells));
	w->slots = calloc(w->n_slots, sizeof(*w->slots));
	w->lists = calloc(n_lists + 1, sizeof(*w->lists));
	if (!w->keys || !w->cells || !w->slots || !w->lists)
		return -ENOMEM;
	w->counters.bytes = sizeof(*w) + w->counters.keys_max * sizeof(*w->keys) +
			    w->counters.cells_max * sizeof(*w->cells) +
			    w->n_slots * sizeof(*w->slots) + (n_lists + 1) * sizeof(*w->lists);
	memset(w->slots, 0xff, w->n_slots * sizeof(*w->slots));
	w->free_key = w->free_cell = WINDOW_NONE;
	for (uint32_t i = 0; i < n_lists; i++)
		w->lists[i].newest = w->lists[i].oldest = WINDOW_NONE;
	*out = TAKE(w);
	return 0;
}

void windows_destroy(struct windows **windows)
{
	struct windows *w = *windows;

	if (!w)
		return;
	free(w->keys);
	free(w->cells);
	free(w->slots);
	free(w->lists);
	free(w);
	*windows = NULL;
}

void windows_set_list(struct windows *w, uint32_t list, struct hash128 identity, uint64_t within_ns)
{
	w->lists[list].identity = identity;
	w->lists[list].within_ns = within_ns;
}

struct siphash_key windows_secret(const struct windows *w)
{
	return w->secret;
}

static bool hash_equal(struct hash128 a, struct hash128 b)
{
	return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

static uint32_t *slot_of(struct windows *w, struct hash128 hash)
{
	return &w->slots[hash.words[0] & (w->n_slots - 1)];
}

static void unlink_key(struct windows *w, struct key_list *l, const struct window_key *key)
{
	if (key->newer != WINDOW_NONE)
		w->keys[key->newer].older = key->older;
	else
		l->newest = key->older;
	if (key->older != WINDOW_NONE)
		w->keys[key->older].newer = key->newer;
	else
		l->oldest = key->newer;
}

static void link_newest(struct windows *w, struct key_list *l, struct window_key *key)
{
	uint32_t index = (uint32_t)(key - w->keys);

	key->newer = WINDOW_NONE;
	key->older = l->newest;
	if (l->newest != WINDOW_NONE)
		w->keys[l->newest].newer = index;
	else
		l->oldest = index;
	l->newest = index;
}

void windows_give_cell(struct windows *w, uint32_t list, uint32_t cell)
{
	w->cells[cell].next = w->free_cell;
	w->free_cell = cell;
	w->lists[list].n_cells--;
	w->counters.cells--;
}

void windows_give_chain(struct windows *w, uint32_t list, uint32_t cell)
{
	while (cell != WINDOW_NONE) {
		uint32_t next = w->cells[cell].next;

		windows_give_cell(w, list, cell);
		cell = next;
	}
}

/* Sequences keep chains behind chains: the first cell of such a key names them, and is marked so.
 */
static void give_cells(struct windows *w, uint32_t list, struct window_key *key)
{
	if (key->first != WINDOW_NONE && w->cells[key->first].from == CELL_NAMES_CHAINS) {
		for (uint32_t i = 0; i < RULE_STEPS_MAX; i++)
			windows_give_chain(w, list, w->cells[key->first].chains[i]);
	}
	windows_give_chain(w, list, key->first);
}

void windows_drop(struct windows *w, uint32_t list, struct window_key *key)
{
	struct key_list *l = &w->lists[list];
	uint32_t index = (uint32_t)(key - w->keys);
	uint32_t *at = slot_of(w, key->hash);

	while (*at != index)
		at = &w->keys[*at].next;
	*at = key->next;
	unlink_key(w, l, key);
	give_cells(w, list, key);
	key->next = w->free_key;
	w->free_key = index;
	l->n_keys--;
	w->counters.keys--;
}

static bool is_over(const struct key_list *l, const struct window_key *key)
{
	return l->now_ns - key->last_ns > l->within_ns;
}

static void drop_all(struct windows *w, uint32_t list)
{
	while (w->lists[list].oldest != WINDOW_NONE)
		windows_drop(w, list, &w->keys[w->lists[list].oldest]);
}

/* What there is too little of: keys, or cells when key is to get one. */
struct shortage {
	uint32_t list;                 /* that wants */
	const struct window_key *keep; /* in it; NULL: keys are short */
};

static uint32_t held(const struct windows *w, uint32_t list, const struct shortage *s)
{
	return s->keep ? w->lists[list].n_cells : w->lists[list].n_keys;
}

/* Whether it has a key to give. */
static bool can_give(const struct windows *w, uint32_t list, const struct shortage *s)
{
	return w->lists[list].n_keys > (list == s->list && s->keep);
}

static uint32_t giving_list(const struct windows *w, const struct shortage *s)
{
	uint32_t all = s->keep ? w->counters.cells_max : w->counters.keys_max;
	uint32_t most = s->list, most_held = 0;

	if (held(w, s->list, s) > all / w->n_lists && can_give(w, s->list, s))
		return s->list;
	for (uint32_t i = 0; i < w->n_lists; i++) {
		if (can_give(w, i, s) && held(w, i, s) > most_held) {
			most = i;
			most_held = held(w, i, s);
		}
	}
	return most;
}

/* Make room at the cost of the oldest key of the list that must give. */
static void evict(struct windows *w, const struct shortage *s)
{
	uint32_t from = giving_list(w, s);
	struct key_list *l = &w->lists[from];
	uint32_t oldest = l->oldest;
	struct window_key *key;

	assert(oldest != WINDOW_NONE);
	key = &w->keys[oldest];
	assert(key != s->keep); /* the newest of its list, and not alone */
	if (!is_over(l, key)) {
		w->counters.evicted_total++;
		l->evicted_ns = MAX(l->evicted_ns, key->last_ns);
		l->has_evicted = true;
	}
	windows_drop(w, from, key);
}

uint64_t windows_now(struct windows *w, uint32_t list, uint64_t ts_ns)
{
	struct key_list *l = &w->lists[list];

	if (ts_ns >= l->now_ns || l->now_ns - ts_ns > l->within_ns) {
		if (ts_ns < l->now_ns) {
			drop_all(w, list);
			l->from_ns = ts_ns;
			w->counters.restarts_total++;
		}
		l->now_ns = ts_ns;
	}
	return l->now_ns;
}

static void touch(struct windows *w, struct key_list *l, struct window_key *key)
{
	if (l->newest == (uint32_t)(key - w->keys))
		return;
	unlink_key(w, l, key);
	link_newest(w, l, key);
}

struct window_key *windows_find(struct windows *w, uint32_t list, struct hash128 hash,
				uint64_t now_ns)
{
	struct key_list *l = &w->lists[list];
	uint32_t i = *slot_of(w, hash);

	while (i != WINDOW_NONE && !hash_equal(w->keys[i].hash, hash))
		i = w->keys[i].next;
	if (i == WINDOW_NONE)
		return NULL;
	if (now_ns - w->keys[i].last_ns > l->within_ns) {
		windows_drop(w, list, &w->keys[i]);
		return NULL;
	}
	touch(w, l, &w->keys[i]);
	w->keys[i].last_ns = now_ns;
	return &w->keys[i];
}

static void sweep(struct windows *w, uint32_t list)
{
	struct key_list *l = &w->lists[list];

	for (int i = 0; i < SWEPT_PER_KEY && l->oldest != WINDOW_NONE; i++) {
		if (!is_over(l, &w->keys[l->oldest]))
			return;
		windows_drop(w, list, &w->keys[l->oldest]);
	}
}

/* A free one, which may cost another; not linked anywhere. */
static uint32_t take_key(struct windows *w, uint32_t list)
{
	uint32_t key;

	if (w->free_key == WINDOW_NONE && w->fresh_key < w->counters.keys_max)
		return w->fresh_key++;
	if (w->free_key == WINDOW_NONE)
		evict(w, &(struct shortage){list, NULL});
	key = w->free_key;
	w->free_key = w->keys[key].next;
	return key;
}

struct window_key *windows_get(struct windows *w, uint32_t list, struct hash128 hash,
			       uint64_t now_ns)
{
	struct window_key *key = windows_find(w, list, hash, now_ns);
	uint32_t *slot = slot_of(w, hash), index;

	if (key)
		return key;
	sweep(w, list);
	index = take_key(w, list);
	key = &w->keys[index];
	*key = (struct window_key){.hash = hash,
				   .next = *slot,
				   .first = WINDOW_NONE,
				   .last = WINDOW_NONE,
				   .last_ns = now_ns};
	*slot = index;
	link_newest(w, &w->lists[list], key);
	w->lists[list].n_keys++;
	w->counters.keys++;
	return key;
}

uint32_t windows_take_cell(struct windows *w, uint32_t list, const struct window_key *key)
{
	uint32_t cell;

	while (w->free_cell == WINDOW_NONE && w->fresh_cell == w->counters.cells_max)
		evict(w, &(struct shortage){list, key});
	if (w->free_cell == WINDOW_NONE) {
		cell = w->fresh_cell++;
	} else {
		cell = w->free_cell;
		w->free_cell = w->cells[cell].next;
	}
	w->cells[cell] = (struct window_cell){.next = WINDOW_NONE};
	w->lists[list].n_cells++;
	w->counters.cells++;
	return cell;
}

struct window_cell *windows_cell(struct windows *w, uint32_t cell)
{
	return &w->cells[cell];
}

static void swap_bytes(void *a, void *b, size_t size)
{
	unsigned char *x = a, *y = b;

	for (size_t i = 0; i < size; i++) {
		unsigned char saved = x[i];

		x[i] = y[i];
		y[i] = saved;
	}
}

/* The lists move, then the memory with all keys; lists that no rule has any more are emptied. */
bool windows_adopt(struct windows *w, struct windows *from)
{
	uint64_t own_bytes = w->counters.bytes;
	struct key_list *lists;
	uint32_t n_lists;

	if (w->counters.keys_max != from->counters.keys_max || w->counters.keys)
		return false;
	for (uint32_t i = 0; i < w->n_lists; i++) {
		for (uint32_t j = 0; j < from->n_lists; j++) {
			if (!hash_equal(w->lists[i].identity, from->lists[j].identity))
				continue;
			w->lists[i] = from->lists[j];
			from->lists[j] =
				(struct key_list){.newest = WINDOW_NONE, .oldest = WINDOW_NONE};
			break;
		}
	}
	for (uint32_t j = 0; j < from->n_lists; j++)
		drop_all(from, j);
	lists = w->lists;
	n_lists = w->n_lists;
	swap_bytes(w, from, sizeof(*w));
	from->lists = w->lists;
	from->n_lists = w->n_lists;
	w->lists = lists;
	w->n_lists = n_lists;
	w->counters.bytes = own_bytes;
	return true;
}

void windows_note_loss(struct windows *w, uint64_t ts_ns)
{
	w->lost_ns = w->has_lost ? MAX(w->lost_ns, ts_ns) : ts_ns;
	w->has_lost = true;
}

void windows_note_start(struct windows *w, uint64_t ts_ns)
{
	for (uint32_t i = 0; i < w->n_lists; i++) {
		if (!w->lists[i].from_ns)
			w->lists[i].from_ns = ts_ns;
	}
}

bool windows_are_complete(const struct windows *w, uint32_t list, uint64_t from_ns)
{
	const struct key_list *l = &w->lists[list];

	return l->from_ns <= from_ns && !(w->has_lost && w->lost_ns >= from_ns) &&
	       !(l->has_evicted && l->evicted_ns >= from_ns);
}

void windows_count_keyless(struct windows *w)
{
	w->counters.keyless_total++;
}

void windows_counters(const struct windows *w, struct windows_counters *out)
{
	*out = w->counters;
}
