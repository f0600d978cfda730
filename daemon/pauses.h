/* The longest of many short times, ever and lately. Pipeline thread only. */
#pragma once

#include <stdint.h>

#define PAUSES_WINDOW_NS UINT64_C(10000000000) /* "lately": 10 to 20 s */

struct pauses {
	uint64_t longest_ns;        /* ever */
	uint64_t now_ns, before_ns; /* longest of this window and of the one before */
	uint64_t window_ns;         /* monotonic; when this window began */
};

/* Something took so long; it ended at end_ns, monotonic. */
static inline void pauses_note_took(struct pauses *p, uint64_t end_ns, uint64_t took_ns)
{
	if (end_ns - p->window_ns >= PAUSES_WINDOW_NS) {
		p->before_ns = end_ns - p->window_ns < 2 * PAUSES_WINDOW_NS ? p->now_ns : 0;
		p->now_ns = 0;
		p->window_ns = end_ns;
	}
	if (took_ns > p->now_ns)
		p->now_ns = took_ns;
	if (took_ns > p->longest_ns)
		p->longest_ns = took_ns;
}

/* The same of what took from start_ns to end_ns. */
static inline void pauses_note(struct pauses *p, uint64_t start_ns, uint64_t end_ns)
{
	pauses_note_took(p, end_ns, end_ns - start_ns);
}

static inline uint64_t pauses_recent_ns(const struct pauses *p)
{
	return p->now_ns > p->before_ns ? p->now_ns : p->before_ns;
}
