/* What only the live source can do, besides struct source. Pipeline thread only. */
#pragma once

#include "capture/source.h"
#include "capture/wire.h"

/* Of the wanted calls, which classes (base/call_class.h) to report: a word by event type, and one
 * by x86-64 number for those without an event of their own. Copied; in force from the next
 * set_wanted() on. All at first. */
void live_source_set_classes(struct source *source, const uint32_t types[EVENT_TYPE_END],
			     const uint32_t syscalls[WIRE_NR_END]);

/* Only count the calls of these types, and of these x86-64 numbers without an event of their own;
 * NULL: of none. In force at once, also over later set_wanted(). */
void live_source_set_shed(struct source *source, const uint64_t *event_types,
			  const uint64_t *syscalls);

/* End a sleep also when fd becomes readable; -1: none. Borrowed. */
void live_source_watch(struct source *source, int fd);

/* Ways in which the programs read kernel memory, best first; see capture/bpf/compat.bpf.h. */
#define LIVE_READ_MODES 3

/* As live_source_create(), which tries all of them from LIVE_READ_MODES - 1 down to 0, but no
 * better one than `read_mode`: tests run what older kernels need. */
int live_source_create_reading(struct source **out, const struct live_config *config,
			       uint32_t read_mode);
