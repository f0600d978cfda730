#include "state/open_digest.h"

#define XXH_INLINE_ALL /* a call costs as much as hashing a short path */
#include <xxhash.h>

#include "base/util.h"
#include "state/fields.h"

#define ERROR_MAX 4095

/* All that is covered. No padding: every byte is hashed. */
struct facts {
	XXH128_hash_t name;
	int64_t number;
	uint64_t details; /* bits: see details_of() */
};

_Static_assert(sizeof(struct facts) == 32, "padding would be hashed");

/* fd_number() reads it. */
_Static_assert(OPEN_fd == 0 && OPENAT_fd == 0 && OPENAT2_fd == 0 && CREAT_fd == 0 &&
		       OPEN_BY_HANDLE_AT_fd == 0,
	       "the descriptor is the first parameter");

bool open_digest_is_for(enum event_type type)
{
	return type == EVENT_OPEN || type == EVENT_OPENAT || type == EVENT_OPENAT2 ||
	       type == EVENT_CREAT || type == EVENT_OPEN_BY_HANDLE_AT;
}

/* How the entry's name is shown depends on nothing but the entry's kind and name. */
static bool is_plain(const struct fd_entry *e)
{
	return e->kind == FD_FILE || e->kind == FD_DIRECTORY;
}

/* As fd_number(). */
static int64_t number_of(const struct field_context *ctx)
{
	const struct param *fd = ctx->subject->fd < 0 ? event_param(ctx->event, 0) : NULL;

	return fd ? fd->i64 : ctx->subject->fd;
}

static uint64_t details_of(const struct event *ev, const struct fd_entry *e)
{
	return ev->type | (uint64_t)event_opens_for(ev) << 16 | (uint64_t)ev->has_res << 24 |
	       (uint64_t)(e ? 1 + e->kind : 0) << 32 | (uint64_t)(ev->res < 0 ? -ev->res : 0) << 48;
}

bool open_digest(const struct field_context *ctx, uint64_t seed, struct open_digest *out)
{
	const struct event *ev = ctx->event;
	const struct fd_entry *e;
	struct facts facts;
	XXH128_hash_t hash;
	struct text name;

	if (!field_process(ctx))
		return false;
	e = ctx->subject->fd_entry;
	if ((e && !is_plain(e)) || ev->res < -ERROR_MAX)
		return false;
	name = e ? e->name : ctx->subject->path;
	facts = (struct facts){.name = XXH3_128bits_withSeed(name.ptr, name.len, seed),
			       .number = number_of(ctx),
			       .details = details_of(ev, e)};
	hash = XXH3_128bits_withSeed(&facts, sizeof(facts), seed);
	*out = (struct open_digest){hash.low64, hash.high64};
	return true;
}
