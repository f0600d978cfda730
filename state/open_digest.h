/* What an open is about, as a fingerprint: for remembering what was found out about such opens. It
 * covers all that fields with FIELD_OF_OPEN depend on: the event's type, how it ended, what it
 * opened the file for, the descriptor's number, kind and name. Not who opened it. */
#pragma once

#include "state/field.h"

struct open_digest {
	uint64_t low, high; /* each by itself covers everything */
};

/* Whether events of the type have one. */
bool open_digest_is_for(enum event_type type);

/* The digest of the context's event, which is of such a type. seed is secret: who knows it could
 * make up two names with the same digest. False: it has none (who did it is not known, what was
 * opened is no plain file, or the error is none of Linux). */
bool open_digest(const struct field_context *ctx, uint64_t seed, struct open_digest *out);
