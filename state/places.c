#include "state/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/util.h"

#define N_BUCKETS 1024u

struct places {
	struct cgroup *cgroups[N_BUCKETS];
	struct place *places[N_BUCKETS];
	struct place *first;
	uint64_t last_token;
	size_t bytes;
};

int places_create(struct places **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void place_free(struct places *places, struct place *place)
{
	places->bytes -= sizeof(*place) + place->facts.path.len;
	if (place->meta)
		places->bytes -= sizeof(*place->meta);
	users_destroy(&place->users);
	free(place->meta);
	free(place);
}

void places_destroy(struct places **places)
{
	struct places *p = *places;

	if (!p)
		return;
	for (uint32_t i = 0; i < N_BUCKETS; i++) {
		while (p->cgroups[i]) {
			struct cgroup *next = p->cgroups[i]->next_in_bucket;

			free(p->cgroups[i]);
			p->cgroups[i] = next;
		}
	}
	while (p->first) {
		struct place *next = p->first->next;

		place_free(p, p->first);
		p->first = next;
	}
	free(p);
	*places = NULL;
}

static uint64_t hash_of(struct text t)
{
	return XXH3_64bits(t.ptr ? t.ptr : "", t.len);
}

/* A container is the same through all the groups inside it; the rest is what its path is. */
static struct text key_of(const struct cgroup_class *facts)
{
	return facts->kind == CGROUP_CONTAINER ? facts->id : facts->path;
}

/* Move a text of the facts from the key's source into the copy. */
static struct text moved(struct text t, const char *from, uint32_t len, const char *to)
{
	if (!t.len || t.ptr < from || t.ptr >= from + len)
		return t;
	return (struct text){to + (t.ptr - from), t.len};
}

/* Everything the facts point to, in the place's own memory: the whole path, which holds the rest.
 */
static struct place *place_create(struct places *places, const struct cgroup_class *facts)
{
	struct text path = facts->path;
	struct place *place = malloc(sizeof(*place) + path.len);

	if (!place)
		return NULL;
	*place = (struct place){.facts = *facts, .refs = 0, .token = ++places->last_token};
	memcpy(place->bytes, path.ptr, path.len);
	place->facts.path = (struct text){place->bytes, path.len};
	place->facts.id = facts->id.ptr == facts->unit
				  ? (struct text){place->facts.unit, facts->id.len}
				  : moved(facts->id, path.ptr, path.len, place->bytes);
	place->facts.ns = moved(facts->ns, path.ptr, path.len, place->bytes);
	place->facts.pod_uid = moved(facts->pod_uid, path.ptr, path.len, place->bytes);
	place->key = key_of(&place->facts);
	if (facts->kind == CGROUP_CONTAINER || facts->kind == CGROUP_NAMED)
		place->state = PLACE_TO_ASK;
	places->bytes += sizeof(*place) + path.len;
	return place;
}

static struct place *place_get(struct places *places, const struct cgroup_class *facts)
{
	struct text key = key_of(facts);
	struct place **bucket = &places->places[hash_of(key) % N_BUCKETS], *place;

	for (place = *bucket; place; place = place->next_in_bucket) {
		if (text_equal(place->key, key)) {
			place->refs++;
			return place;
		}
	}
	place = place_create(places, facts);
	if (!place)
		return NULL;
	place->refs = 1;
	place->next_in_bucket = *bucket;
	*bucket = place;
	place->next = places->first;
	if (place->next)
		place->next->prev = place;
	places->first = place;
	return place;
}

static void place_unref(struct places *places, struct place *place, struct workloads *workloads)
{
	struct place **at = &places->places[hash_of(place->key) % N_BUCKETS];

	if (--place->refs)
		return;
	while (*at != place)
		at = &(*at)->next_in_bucket;
	*at = place->next_in_bucket;
	if (place->prev)
		place->prev->next = place->next;
	else
		places->first = place->next;
	if (place->next)
		place->next->prev = place->prev;
	if (place->instance)
		place->instance->place = NULL;
	workloads_unref_instance(workloads, &place->instance);
	place_free(places, place);
}

struct cgroup *places_enter(struct places *places, struct text paths)
{
	uint64_t hash = hash_of(paths);
	struct cgroup **bucket = &places->cgroups[hash % N_BUCKETS], *cgroup;
	struct cgroup_class facts;

	for (cgroup = *bucket; cgroup; cgroup = cgroup->next_in_bucket) {
		if (cgroup->hash == hash && text_equal(cgroup->paths, paths)) {
			cgroup->refs++;
			return cgroup;
		}
	}
	cgroup = malloc(sizeof(*cgroup) + paths.len);
	if (!cgroup)
		return NULL;
	*cgroup = (struct cgroup){.refs = 1, .hash = hash, .next_in_bucket = *bucket};
	if (paths.len)
		memcpy(cgroup->bytes, paths.ptr, paths.len);
	cgroup->paths = (struct text){cgroup->bytes, paths.len};
	cgroup_classify(cgroup->paths, &facts);
	if (facts.kind != CGROUP_NONE) {
		cgroup->place = place_get(places, &facts);
		if (!cgroup->place) {
			free(cgroup);
			return NULL;
		}
	}
	*bucket = cgroup;
	places->bytes += sizeof(*cgroup) + paths.len;
	return cgroup;
}

void places_leave(struct places *places, struct cgroup **cgroup, struct workloads *workloads)
{
	struct cgroup *c = *cgroup, **at;

	*cgroup = NULL;
	if (!c || --c->refs)
		return;
	at = &places->cgroups[c->hash % N_BUCKETS];
	while (*at != c)
		at = &(*at)->next_in_bucket;
	*at = c->next_in_bucket;
	if (c->place)
		place_unref(places, c->place, workloads);
	places->bytes -= sizeof(*c) + c->paths.len;
	free(c);
}

struct place *places_find_token(const struct places *places, uint64_t token)
{
	struct place *place = places->first;

	while (place && place->token != token)
		place = place->next;
	return place;
}

struct place *places_first(const struct places *places)
{
	return places->first;
}

size_t places_bytes(const struct places *places)
{
	return sizeof(*places) + places->bytes;
}
