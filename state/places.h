/* Places that processes live in, as control groups tell: every distinct text of cgroup paths,
 * read once, and the container, unit or session that it names. Freed when no process is left in
 * them. Pipeline thread only. */
#pragma once

#include "state/cgroup.h"
#include "state/container_meta.h"
#include "state/users.h"
#include "state/workloads.h"

struct places;

enum place_state {
	PLACE_KNOWN,  /* nothing to find out, or found */
	PLACE_TO_ASK, /* the resolver has to be asked */
	PLACE_ASKED,
	PLACE_PLAIN, /* a plain name, and no container: the lineage decides */
};

/* A container, unit or session. */
struct place {
	struct cgroup_class facts;      /* its texts point into the cgroup's or key's bytes */
	struct instance_node *instance; /* the running one, with a reference; NULL: none */
	struct container_meta *meta;    /* owned; NULL: nothing known */
	struct users *users;            /* owned; of the container; NULL: not known */
	int32_t pid;                    /* a process in it, its first where that is known */
	int32_t asked_pid;              /* whose users were asked for last */
	bool has_first;                 /* pid is the first of its process namespace */
	uint32_t n_asked;
	enum place_state state;
	uint64_t token;       /* names it to the resolver */
	uint64_t patience_ns; /* how long the resolver waits for files */
	uint32_t refs;
	struct place *next_in_bucket, *prev, *next;
	struct text key;
	char bytes[];
};

/* One text of cgroup paths. */
struct cgroup {
	struct text paths;
	struct place *place; /* NULL: the paths name nothing */
	uint32_t refs;
	uint64_t hash;
	struct cgroup *next_in_bucket;
	char bytes[];
};

int places_create(struct places **out);
void places_destroy(struct places **places);

/* The cgroup with these paths, with a reference for the caller. NULL without memory. */
struct cgroup *places_enter(struct places *places, struct text paths);
/* Give the reference back. workloads: where the place's instance lives. */
void places_leave(struct places *places, struct cgroup **cgroup, struct workloads *workloads);

struct place *places_find_token(const struct places *places, uint64_t token);
struct place *places_first(const struct places *places);
size_t places_bytes(const struct places *places);
