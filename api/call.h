/* One request on its way through a route's function, and what such a function may ask: the
 * pipeline (shared answers, live.h), the store, the daemon's hooks. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "api/answer.h"
#include "api/query.h"
#include "api/server.h"

struct live;
struct reader_pool;

/* What the server knows of itself and of the host. */
struct api_facts {
	char host[65], boot_id[64];
	atomic_bool is_live, is_ready;
	_Atomic uint64_t requests_total, refused_total, overload_total;
};

#define CALL_ARGS_MAX 2
#define CALL_ARG_MAX 64

struct call {
	const char *args[CALL_ARGS_MAX]; /* what stood for {..} in the route's path */
	struct query query;
	const char *body; /* NUL-terminated after body_len bytes; "" if none */
	size_t body_len;
	/* borrowed from the server */
	struct live *live;
	struct reader_pool *readers;
	const struct api_sources *sources;
	const struct api_hooks *hooks;
	const struct api_facts *facts;
};
