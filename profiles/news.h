/* Is a behaviour new? For rules that fire only then: yes also where it cannot be told, so that
 * nothing is lost silently, and then with the reason for the doubt. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "state/field.h"

struct sightings;

enum news_doubt {
	NEWS_CERTAIN,
	NEWS_UNKNOWN,      /* nothing was looked up for this event */
	NEWS_UNRESOLVED,   /* its workload is not known, or has no memory left for a baseline */
	NEWS_COARSENED,    /* the profile outgrew its memory: this level is not kept any more */
	NEWS_PENDING_FULL, /* new, but may seem so again: there is no room to remember it */
};

struct news {
	bool is_new;
	enum news_doubt doubt; /* NEWS_CERTAIN where it is not new */
};

/* Between profile_set_look_up() and profile_set_commit() of the same event: does it show, in the
 * dimension, a key that is new down to the level (-1: the finest)? Neither in the baseline nor
 * pending; so, once it is committed, no more. An event that the dimension does not observe shows
 * nothing. A key with a missing field is judged by those that are there. */
struct news profile_news(const struct sightings *sightings, const struct field_context *ctx,
			 uint32_t dimension, int32_t level);
