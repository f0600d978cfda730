/* Finds out what a container is from its runtime's files, on a thread of its own, so that the
 * pipeline never waits for a disk. Requests and answers are bounded; what does not fit is refused
 * and may be asked again. resolver_ask() and resolver_poll() never block; one caller thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "state/cgroup.h"
#include "state/container_meta.h"
#include "state/users.h"

struct resolver;

struct resolver_request {
	uint64_t token; /* the asker's own */
	char id[CGROUP_NAME_MAX], ns[CGROUP_NAME_MAX];
	int32_t pid; /* a process in the container, for its users */
	/* Also wait, up to this long, for files that are not there yet. */
	uint64_t patience_ns;
	/* Only its users, as soon as the process has a root of its own; the answer tells no more.
	 */
	bool users_only;
};

struct resolver_answer {
	uint64_t token;
	struct users *users;        /* given; NULL: not readable, or not yet */
	struct container_meta meta; /* is_known false: no runtime knows such a container */
};

/* host_root: directory under which the runtimes' files lie. */
int resolver_create(struct resolver **out, const char *host_root);
void resolver_destroy(struct resolver **resolver);

/* False: full or busy, ask again later. */
bool resolver_ask(struct resolver *resolver, const struct resolver_request *request);

/* The next answer; false: none now. */
bool resolver_poll(struct resolver *resolver, struct resolver_answer *answer);

/* Look once, on the calling thread. */
void resolver_look(const char *host_root, const char *id, const char *ns,
		   struct container_meta *meta);
