#include "rules/count.h"

#include <string.h>

#include "base/util.h"

/* Where an occurrence goes. */
struct counting {
	const struct window_rule *rule;
	struct windows *windows;
	struct window_key *key;
};

static struct window_cell *first_cell(const struct counting *c)
{
	return windows_cell(c->windows, c->key->first);
}

static uint64_t oldest_ns(const struct counting *c)
{
	const struct window_cell *cell = first_cell(c);

	return c->rule->distinct ? cell->value.ts_ns : cell->times[cell->from];
}

static void give_first_cell(const struct counting *c)
{
	uint32_t cell = c->key->first;

	c->key->first = windows_cell(c->windows, cell)->next;
	if (c->key->first == WINDOW_NONE)
		c->key->last = WINDOW_NONE;
	windows_give_cell(c->windows, c->rule->list, cell);
}

static void drop_oldest(const struct counting *c)
{
	struct window_cell *cell = first_cell(c);

	c->key->n--;
	if (c->rule->distinct || ++cell->from == cell->to)
		give_first_cell(c);
}

static void drop_old(const struct counting *c, uint64_t now_ns)
{
	while (c->key->n && now_ns - oldest_ns(c) > c->rule->within_ns)
		drop_oldest(c);
}

/* Hang a cell behind the others. */
static void link_last(const struct counting *c, uint32_t cell)
{
	windows_cell(c->windows, cell)->next = WINDOW_NONE;
	if (c->key->last == WINDOW_NONE)
		c->key->first = cell;
	else
		windows_cell(c->windows, c->key->last)->next = cell;
	c->key->last = cell;
}

static void add_time(const struct counting *c, uint64_t now_ns)
{
	struct window_cell *last;

	if (c->key->n == c->rule->at_least)
		drop_oldest(c);
	if (c->key->last == WINDOW_NONE || windows_cell(c->windows, c->key->last)->to == CELL_TIMES)
		link_last(c, windows_take_cell(c->windows, c->rule->list, c->key));
	last = windows_cell(c->windows, c->key->last);
	last->times[last->to++] = now_ns;
	c->key->n++;
}

/* Take the value's cell out of the chain; WINDOW_NONE: it has none. */
static uint32_t unlink_value(const struct counting *c, uint64_t hash)
{
	uint32_t before = WINDOW_NONE, cell = c->key->first;

	while (cell != WINDOW_NONE && windows_cell(c->windows, cell)->value.hash != hash) {
		before = cell;
		cell = windows_cell(c->windows, cell)->next;
	}
	if (cell == WINDOW_NONE)
		return WINDOW_NONE;
	if (before == WINDOW_NONE)
		c->key->first = windows_cell(c->windows, cell)->next;
	else
		windows_cell(c->windows, before)->next = windows_cell(c->windows, cell)->next;
	if (c->key->last == cell)
		c->key->last = before;
	return cell;
}

static void fill_value(struct cell_value *value, const struct occurrence *o)
{
	static const char cut[] = "...";

	value->hash = o->value;
	value->len = (uint8_t)MIN(o->shown.len, (uint32_t)CELL_TEXT_BYTES);
	if (value->len)
		memcpy(value->text, o->shown.ptr, value->len);
	if (o->shown.len > CELL_TEXT_BYTES)
		memcpy(value->text + CELL_TEXT_BYTES - 3, cut, 3);
}

/* The values stand in order of when they were seen last. */
static void add_value(const struct counting *c, const struct occurrence *o)
{
	uint32_t cell = unlink_value(c, o->value);

	if (cell == WINDOW_NONE) {
		if (c->key->n == c->rule->at_least)
			drop_oldest(c);
		cell = windows_take_cell(c->windows, c->rule->list, c->key);
		fill_value(&windows_cell(c->windows, cell)->value, o);
		c->key->n++;
	}
	windows_cell(c->windows, cell)->value.ts_ns = o->now_ns;
	link_last(c, cell);
}

static void show_values(const struct counting *c, struct arena *arena, struct rule_hit *hit)
{
	uint32_t cell = c->key->first;

	for (; cell != WINDOW_NONE && hit->n_values < RULE_VALUES_MAX;
	     cell = windows_cell(c->windows, cell)->next) {
		const struct cell_value *value = &windows_cell(c->windows, cell)->value;
		char *copy = arena_alloc(arena, (size_t)value->len + 1);

		if (!copy)
			return;
		memcpy(copy, value->text, value->len);
		hit->values[hit->n_values++] = (struct text){copy, value->len};
	}
}

/* An alert is due. was_silent: what occurred since the last alert has been counted. */
static void fire(const struct counting *c, uint64_t now_ns, bool was_silent, struct arena *arena,
		 struct rule_hit *hit)
{
	struct window_key *key = c->key;
	bool is_whole = was_silent && !c->rule->distinct && key->untold;

	if (hit) {
		hit->count = is_whole ? key->untold + 1 : key->n;
		hit->since_ns = is_whole ? key->since_ns : oldest_ns(c);
		if (c->rule->distinct)
			show_values(c, arena, hit);
	}
	key->has_fired = true;
	key->fired_ns = now_ns;
	key->untold = 0;
}

bool count_note(const struct window_rule *rule, struct windows *windows, struct hash128 hash,
		const struct occurrence *o, struct arena *arena, struct rule_hit *hit)
{
	struct window_key *key = windows_get(windows, rule->list, hash, o->now_ns);
	struct counting c = {rule, windows, key};
	bool is_silent = key->has_fired && o->now_ns - key->fired_ns <= rule->within_ns;

	drop_old(&c, o->now_ns);
	if (rule->distinct)
		add_value(&c, o);
	else
		add_time(&c, o->now_ns);
	if (is_silent) {
		if (!key->untold++)
			key->since_ns = o->now_ns;
		return false;
	}
	if (key->n < rule->at_least) {
		key->untold = 0;
		return false;
	}
	fire(&c, o->now_ns, key->has_fired, arena, hit);
	return true;
}
