#include "filter/value_set.h"

#include <errno.h>
#include <xxhash.h>

#include "base/util.h"
#include "filter/glob.h"

struct text_set {
	uint64_t lengths; /* bit min(len, 63) of every member: most strangers stop here */
	uint32_t mask;    /* slots - 1 */
	struct text_slot {
		struct text text; /* .ptr NULL: empty slot */
		uint32_t hash;
	} * slots;
};

uint32_t text_set_hash(struct text t)
{
	return (uint32_t)XXH3_64bits(t.ptr, t.len);
}

static uint64_t length_bit(uint32_t len)
{
	return UINT64_C(1) << MIN(len, 63u);
}

static void text_set_add(struct text_set *set, struct text t)
{
	uint32_t hash = text_set_hash(t), i = hash & set->mask;

	if (!t.ptr)
		t.ptr = "";
	for (; set->slots[i].text.ptr; i = (i + 1) & set->mask) {
		if (set->slots[i].hash == hash && text_equal(set->slots[i].text, t))
			return;
	}
	set->slots[i] = (struct text_slot){t, hash};
	set->lengths |= length_bit(t.len);
}

int text_set_build(struct text_set **out, const struct value *values, uint32_t n, struct pool *pool)
{
	struct text_set *set = pool_alloc(pool, sizeof(*set));
	uint32_t slots = 2;

	while (slots < 2 * n)
		slots *= 2;
	if (!set)
		return -ENOMEM;
	set->mask = slots - 1;
	set->slots = pool_alloc(pool, slots * sizeof(*set->slots));
	if (!set->slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		text_set_add(set, values[i].text);
	*out = set;
	return 0;
}

bool text_set_may_have(const struct text_set *set, struct text t)
{
	return set->lengths & length_bit(t.len);
}

bool text_set_has(const struct text_set *set, struct text t)
{
	return text_set_may_have(set, t) && text_set_has_hashed(set, t, text_set_hash(t));
}

bool text_set_has_hashed(const struct text_set *set, struct text t, uint32_t hash)
{
	for (uint32_t i = hash & set->mask; set->slots[i].text.ptr; i = (i + 1) & set->mask) {
		if (set->slots[i].hash == hash && text_equal(set->slots[i].text, t))
			return true;
	}
	return false;
}

struct path_set {
	uint32_t n;
	struct path_prefix {
		uint32_t n; /* components */
		struct path_component {
			struct text text;
			bool is_glob;
		} * components;
	} * prefixes;
};

/* The next component behind *at; false at the end. Empty components do not count. */
static bool next_component(struct text path, uint32_t *at, struct text *out)
{
	uint32_t start;

	while (*at < path.len && path.ptr[*at] == '/')
		++*at;
	start = *at;
	while (*at < path.len && path.ptr[*at] != '/')
		++*at;
	*out = (struct text){path.ptr + start, *at - start};
	return *at > start;
}

static int add_prefix(struct path_prefix *prefix, struct text path, struct pool *pool)
{
	struct text component;
	uint32_t at = 0, n = 0;

	while (next_component(path, &at, &component))
		n++;
	prefix->components = pool_alloc(pool, n * sizeof(*prefix->components));
	if (!prefix->components)
		return -ENOMEM;
	for (at = 0; next_component(path, &at, &component); prefix->n++) {
		prefix->components[prefix->n].text = component;
		prefix->components[prefix->n].is_glob = glob_is_pattern(component);
	}
	return 0;
}

int path_set_build(struct path_set **out, const struct value *values, uint32_t n, struct pool *pool)
{
	struct path_set *set = pool_alloc(pool, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->n = n;
	set->prefixes = pool_alloc(pool, n * sizeof(*set->prefixes));
	if (!set->prefixes)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		int r = add_prefix(&set->prefixes[i], values[i].text, pool);

		if (r)
			return r;
	}
	*out = set;
	return 0;
}

static bool prefix_covers(const struct path_prefix *prefix, struct text path)
{
	struct text component;
	uint32_t at = 0;

	for (uint32_t i = 0; i < prefix->n; i++) {
		const struct path_component *want = &prefix->components[i];

		if (!next_component(path, &at, &component))
			return false;
		if (want->is_glob ? !glob_match(want->text, component, false)
				  : !text_equal(want->text, component))
			return false;
	}
	return true;
}

int path_set_find(const struct path_set *set, struct text path)
{
	for (uint32_t i = 0; i < set->n; i++) {
		if (prefix_covers(&set->prefixes[i], path))
			return (int)i;
	}
	return -1;
}

bool path_set_covers(const struct path_set *set, struct text path)
{
	return path_set_find(set, path) >= 0;
}
