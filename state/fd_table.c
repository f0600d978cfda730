#include "state/fd_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIN_CAPACITY 8u
#define TEXT_STEP 32u

struct slot {
	int32_t fd; /* -1: empty */
	bool close_on_exec;
	uint16_t mark; /* limits->mark when it was opened */
	struct fd_entry *entry;
};

/* The contents, an open-addressing hash table; shared between tables until one changes it. */
struct fd_map {
	uint32_t refs, n, n_slots; /* n_slots is a power of two, at least a third of it empty */
	uint32_t hand;             /* where eviction looks next */
	struct slot slots[];
};

struct fd_table {
	uint32_t refs;
	struct fd_map *map; /* NULL: empty */
};

static uint32_t home(const struct fd_map *map, int32_t fd)
{
	/* Fibonacci hashing: neighbouring numbers fall far apart. */
	uint32_t hash = (uint32_t)fd * UINT32_C(2654435769);

	return (uint32_t)((uint64_t)hash * map->n_slots >> 32);
}

/* The slot of fd, or the empty one where it would go. */
static uint32_t probe(const struct fd_map *map, int32_t fd)
{
	uint32_t i = home(map, fd);

	while (map->slots[i].fd >= 0 && map->slots[i].fd != fd)
		i = (i + 1) & (map->n_slots - 1);
	return i;
}

static size_t map_bytes(uint32_t n_slots)
{
	return sizeof(struct fd_map) + n_slots * sizeof(struct slot);
}

static struct fd_map *map_create(uint32_t n_slots, struct fd_limits *limits)
{
	struct fd_map *map = malloc(map_bytes(n_slots));

	if (!map)
		return NULL;
	*map = (struct fd_map){.refs = 1, .n_slots = n_slots};
	for (uint32_t i = 0; i < n_slots; i++)
		map->slots[i].fd = -1;
	limits->bytes += map_bytes(n_slots);
	return map;
}

static void entry_unref(struct fd_entry *entry, struct fd_limits *limits)
{
	if (--entry->refs)
		return;
	limits->bytes -= sizeof(*entry) + entry->capacity;
	free(entry);
}

static void map_unref(struct fd_map *map, struct fd_limits *limits)
{
	if (!map || --map->refs)
		return;
	for (uint32_t i = 0; i < map->n_slots; i++) {
		if (map->slots[i].fd >= 0)
			entry_unref(map->slots[i].entry, limits);
	}
	limits->bytes -= map_bytes(map->n_slots);
	free(map);
}

/* Make the table's map its own and big enough for one more. */
static int make_writable(struct fd_table *table, bool for_insert, struct fd_limits *limits)
{
	struct fd_map *old = table->map, *map;
	uint32_t n_slots = old ? old->n_slots : MIN_CAPACITY;

	if (old && for_insert && (old->n + 1) * 3 > n_slots * 2)
		n_slots *= 2;
	if (old && old->refs == 1 && n_slots == old->n_slots)
		return 0;
	map = map_create(n_slots, limits);
	if (!map)
		return -ENOMEM;
	for (uint32_t i = 0; old && i < old->n_slots; i++) {
		if (old->slots[i].fd < 0)
			continue;
		map->slots[probe(map, old->slots[i].fd)] = old->slots[i];
		old->slots[i].entry->refs++;
		map->n++;
	}
	map_unref(old, limits);
	table->map = map;
	return 0;
}

/* Empty slot i and close the gap, so that no probe sequence is cut (Knuth, TAOCP 3, 6.4 R). */
static void remove_slot(struct fd_map *map, uint32_t i)
{
	uint32_t mask = map->n_slots - 1;

	map->slots[i].fd = -1;
	map->n--;
	for (uint32_t j = (i + 1) & mask; map->slots[j].fd >= 0; j = (j + 1) & mask) {
		uint32_t at = home(map, map->slots[j].fd);

		if (((j - at) & mask) < ((j - i) & mask))
			continue;
		map->slots[i] = map->slots[j];
		map->slots[j].fd = -1;
		i = j;
	}
}

/* Forget some descriptor other than the standard ones. */
static void evict(struct fd_map *map, struct fd_limits *limits)
{
	for (uint32_t tries = 0; tries < map->n_slots; tries++) {
		uint32_t i = map->hand++ & (map->n_slots - 1);
		struct fd_entry *entry = map->slots[i].entry;

		if (map->slots[i].fd <= 2)
			continue;
		remove_slot(map, i);
		entry_unref(entry, limits);
		limits->evicted_total++;
		return;
	}
}

/* The slot of fd, added (with no entry) if it is new. NULL without memory. */
static struct slot *slot_for(struct fd_table *table, int32_t fd, struct fd_limits *limits)
{
	struct fd_map *map = table->map;
	uint32_t i;
	bool is_new;

	if (fd < 0)
		return NULL;
	is_new = !map || map->slots[probe(map, fd)].fd != fd;
	if (is_new && map && map->n >= limits->fds_max) {
		if (make_writable(table, false, limits))
			return NULL;
		evict(table->map, limits);
	}
	if (make_writable(table, is_new, limits))
		return NULL;
	map = table->map;
	i = probe(map, fd);
	if (is_new) {
		map->slots[i] = (struct slot){.fd = fd};
		map->n++;
	}
	map->slots[i].mark = limits->mark;
	return &map->slots[i];
}

struct fd_table *fd_table_create(struct fd_limits *limits)
{
	struct fd_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->refs = 1;
	limits->bytes += sizeof(*table);
	return table;
}

struct fd_table *fd_table_share(struct fd_table *table)
{
	table->refs++;
	return table;
}

struct fd_table *fd_table_fork(struct fd_table *table, struct fd_limits *limits)
{
	struct fd_table *copy = fd_table_create(limits);

	if (copy && table && table->map) {
		copy->map = table->map;
		copy->map->refs++;
	}
	return copy;
}

void fd_table_unref(struct fd_table **table, struct fd_limits *limits)
{
	if (*table && --(*table)->refs == 0) {
		map_unref((*table)->map, limits);
		limits->bytes -= sizeof(**table);
		free(*table);
	}
	*table = NULL;
}

const struct fd_entry *fd_table_find(const struct fd_table *table, int32_t fd)
{
	const struct slot *slot;

	if (!table || !table->map || fd < 0)
		return NULL;
	slot = &table->map->slots[probe(table->map, fd)];
	return slot->fd == fd ? slot->entry : NULL;
}

static struct fd_entry *entry_create(uint32_t text_max, struct fd_limits *limits)
{
	uint32_t capacity = (text_max + TEXT_STEP - 1) / TEXT_STEP * TEXT_STEP;
	struct fd_entry *entry = malloc(sizeof(*entry) + capacity);

	if (!entry)
		return NULL;
	limits->bytes += sizeof(*entry) + capacity;
	*entry = (struct fd_entry){.refs = 1, .capacity = capacity};
	return entry;
}

struct fd_entry *fd_table_open(struct fd_table *table, int32_t fd, uint32_t text_max,
			       bool close_on_exec, struct fd_limits *limits)
{
	struct slot *slot = slot_for(table, fd, limits);
	struct fd_entry *entry;

	if (!slot)
		return NULL;
	entry = slot->entry;
	slot->close_on_exec = close_on_exec;
	if (entry && entry->refs == 1 && entry->capacity >= text_max) {
		*entry = (struct fd_entry){.refs = 1, .capacity = entry->capacity};
		return entry;
	}
	entry = entry_create(text_max, limits);
	if (!entry) {
		fd_table_close(table, fd, limits);
		return NULL;
	}
	if (slot->entry)
		entry_unref(slot->entry, limits);
	slot->entry = entry;
	return entry;
}

static struct text moved(struct text t, const struct fd_entry *from, struct fd_entry *to)
{
	return t.len ? (struct text){to->text + (t.ptr - from->text), t.len} : TEXT_NONE;
}

/* Replace old by a bigger copy in every slot of the map that refers to it. */
static struct fd_entry *grow(struct fd_map *map, struct fd_entry *old, uint32_t text_max,
			     struct fd_limits *limits)
{
	struct fd_entry *entry = entry_create(text_max, limits);
	uint32_t capacity;

	if (!entry)
		return NULL;
	capacity = entry->capacity;
	memcpy(entry, old, sizeof(*old) + old->capacity);
	entry->refs = 0;
	entry->capacity = capacity;
	entry->name = moved(old->name, old, entry);
	entry->raw = moved(old->raw, old, entry);
	for (uint32_t i = 0; i < map->n_slots; i++) {
		if (map->slots[i].fd < 0 || map->slots[i].entry != old)
			continue;
		map->slots[i].entry = entry;
		entry->refs++;
		entry_unref(old, limits);
	}
	return entry;
}

struct fd_entry *fd_table_change(struct fd_table *table, int32_t fd, uint32_t text_max,
				 struct fd_limits *limits)
{
	struct fd_entry *entry;

	if (!fd_table_find(table, fd))
		return NULL;
	entry = table->map->slots[probe(table->map, fd)].entry;
	if (entry->capacity >= text_max)
		return entry;
	if (make_writable(table, false, limits))
		return NULL;
	return grow(table->map, entry, text_max, limits);
}

void fd_entry_set_name(struct fd_entry *entry, struct text name)
{
	assert(name.len <= entry->capacity);
	if (name.len)
		memcpy(entry->text, name.ptr, name.len);
	entry->name = (struct text){entry->text, name.len};
	entry->raw = entry->name;
}

void fd_entry_set_raw(struct fd_entry *entry, struct text raw)
{
	if (text_equal(raw, entry->name))
		return;
	assert(entry->name.len + raw.len <= entry->capacity);
	if (raw.len)
		memcpy(entry->text + entry->name.len, raw.ptr, raw.len);
	entry->raw = (struct text){entry->text + entry->name.len, raw.len};
}

int fd_table_put(struct fd_table *table, int32_t fd, const struct fd_entry *entry,
		 bool close_on_exec, struct fd_limits *limits)
{
	struct fd_entry *shared = (struct fd_entry *)entry;
	struct slot *slot;

	shared->refs++; /* before an eviction could free it */
	slot = slot_for(table, fd, limits);
	if (!slot) {
		entry_unref(shared, limits);
		return -ENOMEM;
	}
	if (slot->entry)
		entry_unref(slot->entry, limits);
	slot->entry = shared;
	slot->close_on_exec = close_on_exec;
	return 0;
}

int fd_table_dup(struct fd_table *table, int32_t from, int32_t to, bool close_on_exec,
		 struct fd_limits *limits)
{
	const struct fd_entry *entry = fd_table_find(table, from);

	if (!entry) {
		fd_table_close(table, to, limits);
		return -ENOENT;
	}
	return fd_table_put(table, to, entry, close_on_exec, limits);
}

void fd_table_set_close_on_exec(struct fd_table *table, int32_t fd, bool close_on_exec,
				struct fd_limits *limits)
{
	if (fd_table_find(table, fd) && !make_writable(table, false, limits))
		table->map->slots[probe(table->map, fd)].close_on_exec = close_on_exec;
}

bool fd_table_closes_on_exec(const struct fd_table *table, int32_t fd)
{
	return fd_table_find(table, fd) && table->map->slots[probe(table->map, fd)].close_on_exec;
}

void fd_table_close(struct fd_table *table, int32_t fd, struct fd_limits *limits)
{
	struct fd_entry *entry;
	uint32_t i;

	if (!table || !table->map || fd < 0)
		return;
	if (table->map->slots[probe(table->map, fd)].fd != fd ||
	    make_writable(table, false, limits))
		return;
	i = probe(table->map, fd);
	entry = table->map->slots[i].entry;
	remove_slot(table->map, i);
	if (entry)
		entry_unref(entry, limits);
}

/* Remove the slots that is_wanted() names. Removal moves later slots forward, so slot i is looked
 * at again after one. */
static void close_matching(struct fd_table *table, uint32_t first, uint32_t last, bool only_cloexec,
			   struct fd_limits *limits)
{
	for (uint32_t i = 0; i < table->map->n_slots;) {
		struct slot *slot = &table->map->slots[i];
		struct fd_entry *entry = slot->entry;

		if (slot->fd < 0 || (uint32_t)slot->fd < first || (uint32_t)slot->fd > last ||
		    (only_cloexec && !slot->close_on_exec)) {
			i++;
			continue;
		}
		remove_slot(table->map, i);
		entry_unref(entry, limits);
	}
}

void fd_table_close_range(struct fd_table *table, uint32_t first, uint32_t last,
			  bool set_close_on_exec, struct fd_limits *limits)
{
	if (!table || !table->map || make_writable(table, false, limits))
		return;
	if (!set_close_on_exec) {
		close_matching(table, first, last, false, limits);
		return;
	}
	for (uint32_t i = 0; i < table->map->n_slots; i++) {
		struct slot *slot = &table->map->slots[i];

		if (slot->fd >= 0 && (uint32_t)slot->fd >= first && (uint32_t)slot->fd <= last)
			slot->close_on_exec = true;
	}
}

static bool any_close_on_exec(const struct fd_map *map)
{
	for (uint32_t i = 0; i < map->n_slots; i++) {
		if (map->slots[i].fd >= 0 && map->slots[i].close_on_exec)
			return true;
	}
	return false;
}

void fd_table_exec(struct fd_table *table, struct fd_limits *limits)
{
	if (!table || !table->map || !any_close_on_exec(table->map))
		return;
	if (make_writable(table, false, limits))
		return;
	close_matching(table, 0, INT32_MAX, true, limits);
}

static bool is_among(int32_t fd, const int32_t *seen, uint32_t n)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t middle = low + (n - low) / 2;

		if (seen[middle] == fd)
			return true;
		if (seen[middle] < fd)
			low = middle + 1;
		else
			n = middle;
	}
	return false;
}

static bool is_stale(const struct slot *slot, const int32_t *seen, uint32_t n,
		     const struct fd_limits *limits)
{
	return slot->fd >= 0 && slot->mark != limits->mark && !is_among(slot->fd, seen, n);
}

uint32_t fd_table_sweep(struct fd_table *table, const int32_t *seen, uint32_t n,
			struct fd_limits *limits)
{
	uint32_t n_stale = 0;

	for (uint32_t i = 0; table && table->map && i < table->map->n_slots; i++)
		n_stale += is_stale(&table->map->slots[i], seen, n, limits);
	if (!n_stale || make_writable(table, false, limits))
		return 0;
	/* Removal moves later slots forward, so slot i is looked at again after one. */
	for (uint32_t i = 0; i < table->map->n_slots;) {
		struct fd_entry *entry = table->map->slots[i].entry;

		if (!is_stale(&table->map->slots[i], seen, n, limits)) {
			i++;
			continue;
		}
		remove_slot(table->map, i);
		entry_unref(entry, limits);
	}
	return n_stale;
}

uint32_t fd_table_count(const struct fd_table *table)
{
	return table && table->map ? table->map->n : 0;
}

bool fd_table_is_shared(const struct fd_table *table)
{
	return table && table->refs > 1;
}

void fd_table_each(const struct fd_table *table, fd_visit_fn *visit, void *arg)
{
	if (!table || !table->map)
		return;
	for (uint32_t i = 0; i < table->map->n_slots; i++) {
		const struct slot *slot = &table->map->slots[i];

		if (slot->fd >= 0 && !visit(slot->fd, slot->entry, arg))
			return;
	}
}
