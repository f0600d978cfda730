#include "capture/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { SETS = 512, WAYS = 8 };
#define O_LARGEFILE_KERNEL 0100000

/* One question. bytes holds its record's sections from the second on. */
struct asked {
	uint64_t key, start_ns; /* start_ns 0: free */
	uint64_t ring;
	struct wire_uring uring;
	uint32_t len, capacity;
	char *bytes;
};

struct uring {
	struct asked asked[SETS][WAYS];
	struct uring_counters counters;
	char record[2 * WIRE_RECORD_MAX];
};

enum {
	OP_ACCEPT = 13,
	OP_OPENAT = 18,
	OP_OPENAT2 = 28,
	OP_RENAMEAT = 35,
	OP_UNLINKAT = 36,
	OP_MKDIRAT = 37,
	OP_SYMLINKAT = 38,
	OP_LINKAT = 39,
	OP_SOCKET = 45,
};

static const struct uring_op ops[] = {
	{9, "sendmsg"},
	{OP_ACCEPT, "accept4"},
	{16, "connect"},
	{OP_OPENAT, "openat"},
	{19, "close"},
	{26, "sendto"},
	{OP_OPENAT2, "openat2"},
	{34, "shutdown"},
	{OP_RENAMEAT, "renameat2"},
	{OP_UNLINKAT, "unlinkat"},
	{OP_MKDIRAT, "mkdirat"},
	{OP_SYMLINKAT, "symlinkat"},
	{OP_LINKAT, "linkat"},
	{OP_SOCKET, "socket"},
	{47, "sendto"},
	{48, "sendmsg"},
	{56, "bind"},
	{57, "listen"},
};

const struct uring_op *uring_ops(uint32_t *n)
{
	*n = ARRAY_SIZE(ops);
	return ops;
}

int uring_create(struct uring **out)
{
	struct uring *uring = calloc(1, sizeof(*uring));

	if (!uring)
		return -ENOMEM;
	uring->counters.bytes = sizeof(*uring);
	*out = uring;
	return 0;
}

void uring_destroy(struct uring **uring)
{
	struct uring *u = *uring;

	if (!u)
		return;
	for (uint32_t i = 0; i < SETS * WAYS; i++)
		free(u->asked[i / WAYS][i % WAYS].bytes);
	free(u);
	*uring = NULL;
}

/* Only an accept may be answered often, and its answers name no request. */
static uint64_t key_of(const struct wire_uring *r)
{
	return r->op == OP_ACCEPT ? r->ring ^ r->user_data * UINT64_C(0x9e3779b97f4a7c15)
				  : r->request;
}

static struct asked *set_of(struct uring *uring, uint64_t key)
{
	return uring->asked[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 55];
}

static struct asked *find(struct uring *uring, const struct wire_uring *r)
{
	struct asked *set = set_of(uring, key_of(r));

	for (int i = 0; i < WAYS; i++) {
		if (set[i].start_ns && set[i].key == key_of(r) && set[i].ring == r->ring &&
		    set[i].uring.op == r->op)
			return &set[i];
	}
	return NULL;
}

/* A free place, or the one of the oldest question. */
static struct asked *place_for(struct uring *uring, const struct wire_uring *r)
{
	struct asked *set = set_of(uring, key_of(r)), *best = find(uring, r);

	if (best)
		return best;
	best = &set[0];
	for (int i = 1; i < WAYS; i++) {
		if (set[i].start_ns < best->start_ns)
			best = &set[i];
	}
	/* Those that hide their success were told when they were asked, and most stay for ever. */
	if (best->start_ns && !(best->uring.flags & WIRE_URING_SKIPS_SUCCESS))
		uring->counters.evicted_total++;
	return best;
}

/* Keep a question until its result comes. */
static void keep(struct uring *uring, const struct wire_header *header, const struct wire_uring *r,
		 const char *sections, uint32_t len)
{
	struct asked *asked = place_for(uring, r);

	if (len > asked->capacity) {
		char *bytes = realloc(asked->bytes, len);

		if (!bytes) {
			asked->start_ns = 0;
			uring->counters.evicted_total++;
			return;
		}
		uring->counters.bytes += len - asked->capacity;
		asked->bytes = bytes;
		asked->capacity = len;
	}
	asked->key = key_of(r);
	asked->ring = r->ring;
	asked->start_ns = header->boot_ns ? header->boot_ns : 1;
	asked->uring = *r;
	asked->len = len;
	if (len)
		memcpy(asked->bytes, sections, len);
}

/* The call's header and the arguments it would have had. */
static struct wire_header *begin_call(struct uring *uring, const struct wire_header *from,
				      const struct wire_uring *asked)
{
	struct wire_header *call = (struct wire_header *)uring->record;

	memcpy(call, from, WIRE_HEADER_BYTES);
	memset(call->args, 0, sizeof(call->args));
	call->kind = WIRE_CALL;
	call->flags |= WIRE_IS_IO_URING;
	call->len = sizeof(*call);
	if (!asked)
		return call;
	memcpy(call->args, asked->args, sizeof(call->args));
	/* The kernel adds it where a caller of 64 bits need not. */
	if (asked->op == OP_OPENAT)
		call->args[2] &= ~(uint64_t)O_LARGEFILE_KERNEL;
	if (asked->flags & (WIRE_URING_FIXED_FILE | WIRE_URING_DIRECT))
		call->flags |= WIRE_IS_FIXED_FILE;
	return call;
}

/* Nobody knows what was asked: descriptor 0, as arguments that are all zero would say, it was not.
 */
static void forget_descriptors(struct wire_header *call, uint16_t op)
{
	const uint64_t none = (uint64_t)-1;

	switch (op) {
	case OP_SOCKET:
		break;
	case OP_SYMLINKAT:
		call->args[1] = none;
		break;
	case OP_RENAMEAT:
	case OP_LINKAT:
		call->args[0] = call->args[2] = none;
		break;
	case OP_ACCEPT:
	case OP_OPENAT:
	case OP_OPENAT2:
	case OP_UNLINKAT:
	case OP_MKDIRAT:
		call->args[0] = none;
		break;
	default: /* the socket, or the file closed, under a number that is not known */
		call->flags |= WIRE_IS_FIXED_FILE;
	}
}

static void append(struct wire_header *call, const void *bytes, uint32_t len)
{
	memcpy((char *)call + call->len, bytes, len);
	call->len += len;
}

/* openat2's arguments lie in memory of the caller's: they are handed on as that block. */
static void append_how(struct wire_header *call)
{
	struct {
		struct wire_section section;
		uint64_t words[3];
	} how = {{WIRE_SEC_DATA, 0, sizeof(how.words)},
		 {call->args[2] & ~(uint64_t)O_LARGEFILE_KERNEL, call->args[3], call->args[4]}};

	append(call, &how, sizeof(how));
}

static bool is_open(const struct wire_uring *r)
{
	return r->op == OP_OPENAT || r->op == OP_OPENAT2;
}

static void append_asked(struct wire_header *call, const struct asked *asked, bool with_names)
{
	if (asked->uring.op == OP_OPENAT2)
		append_how(call);
	if (asked->len && (with_names || !is_open(&asked->uring)))
		append(call, asked->bytes, asked->len);
}

/* Whether what the request came to is among the sections. */
static bool has_object(const char *sections, uint32_t len)
{
	return len >= sizeof(struct wire_section) &&
	       ((const struct wire_section *)sections)->type == WIRE_SEC_FILE;
}

static const struct wire_header *done(struct uring *uring, const struct wire_header *header,
				      const struct wire_uring *r, const char *sections,
				      uint32_t len, bool with_raw_names)
{
	struct asked *asked = find(uring, r);
	struct wire_header *call;

	uring->counters.done_total++;
	if (!asked) {
		/* Of another multishot request, which is no event. */
		if (!r->request)
			return NULL;
		uring->counters.unmatched_total++;
	} else if (asked->uring.flags & WIRE_URING_SKIPS_SUCCESS && header->res >= 0) {
		asked->start_ns = 0; /* reported when it was asked */
		return NULL;
	}
	call = begin_call(uring, header, asked ? &asked->uring : NULL);
	if (asked)
		append_asked(call, asked, with_raw_names || !has_object(sections, len));
	else
		forget_descriptors(call, r->op);
	append(call, sections, len);
	if (asked && !(r->flags & WIRE_URING_MORE))
		asked->start_ns = 0;
	return call;
}

const struct wire_header *uring_take(struct uring *uring, const struct wire_header *record,
				     bool with_raw_names)
{
	const char *at = (const char *)record + WIRE_HEADER_BYTES;
	const struct wire_section *first = (const struct wire_section *)at;
	const struct wire_uring *r = (const struct wire_uring *)(first + 1);
	uint32_t skip = sizeof(*first) + sizeof(*r), len;
	struct wire_header *call;
	struct asked now;

	if (record->len < WIRE_HEADER_BYTES + skip || first->type != WIRE_SEC_URING ||
	    first->len != sizeof(*r) || record->len > WIRE_RECORD_MAX)
		return NULL;
	at += skip;
	len = record->len - WIRE_HEADER_BYTES - skip;
	if (record->kind == WIRE_RING_DONE)
		return done(uring, record, r, at, len, with_raw_names);
	uring->counters.asked_total++;
	keep(uring, record, r, at, len);
	if (!(r->flags & WIRE_URING_SKIPS_SUCCESS))
		return NULL;
	call = begin_call(uring, record, r);
	call->res = 0;
	call->flags |= WIRE_IS_FIXED_FILE; /* its descriptor is not known */
	now = (struct asked){.uring = *r, .len = len, .bytes = (char *)at};
	append_asked(call, &now, true);
	return call;
}

void uring_counters(const struct uring *uring, struct uring_counters *out)
{
	*out = uring->counters;
}
