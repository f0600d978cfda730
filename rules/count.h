/* Counting occurrences by key in a sliding window. */
#pragma once

#include "rules/window_rule.h"

struct occurrence {
	uint64_t now_ns;   /* windows_now() */
	uint64_t value;    /* hash of the value of distinct */
	struct text shown; /* the value, as text */
};

/* One more of the key. True: the window is full and an alert is due. *hit (may be NULL) gets count,
 * times and values; texts are made in arena. */
bool count_note(const struct window_rule *rule, struct windows *windows, struct hash128 key,
		const struct occurrence *occurrence, struct arena *arena, struct rule_hit *hit);
