/* Where events come from. One interface for live capture, capture files and tests; everything
 * behind it is shared. Pipeline thread only, except source_wake(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"

struct source;

struct source_type_counters {
	uint64_t seen, dropped;
	uint64_t shed; /* left out on purpose */
};

#define SOURCE_CPUS_MAX 256    /* later ones are counted with the last */
#define SOURCE_PROGRAMS_MAX 32 /* that count what they missed */

struct source_program_counters {
	char name[16];
	uint64_t missed; /* runs that the kernel skipped because the CPU was in a program already */
};

/* Totals since the start; none ever goes back. An event that was made and wanted is in exactly one
 * of: seen or dropped of its type, missed, or behind a corruption. */
struct source_counters {
	uint64_t events_total;
	uint64_t dropped_total; /* all types; the rings were full, or the record made no sense */
	uint64_t shed_total;    /* all types; left out on purpose */
	uint64_t reordered_total;
	uint64_t corrupt_total;     /* times when a record made no sense */
	uint64_t doorbells_total;   /* long sleeps that the kernel ended */
	uint64_t own_skipped_total; /* events of the daemon itself, left out */
	uint64_t recursion_missed_total;
	uint64_t requests_evicted_total; /* io_uring: forgotten before their result came */
	uint64_t rescans_total;          /* completed */
	uint64_t rescan_ns;              /* what the last one took */
	uint64_t rescan_pause_ns;        /* longest time that one kept events waiting */
	uint64_t ring_bytes, map_bytes;
	uint64_t dropped_by_cpu[SOURCE_CPUS_MAX];
	uint32_t n_programs;
	struct source_program_counters programs[SOURCE_PROGRAMS_MAX];
	struct source_type_counters by_type[EVENT_TYPE_END];
};

#define NEEDS_WORDS ((EVENT_TYPE_END + 63) / 64)

/* What is wanted of the captured events beyond their plain parameters: work that is done only when
 * somebody looks at its result. Sets have a bit per enum event_type. */
struct capture_needs {
	bool typed_names; /* names as the caller typed them also of calls that succeeded: else the
			   * resolved path stands in (reading one costs the caller about 140 ns) */
	bool answers;     /* what name servers answer (struct event's answer) */
	uint16_t data_bytes;             /* most of the data that is wanted of one call */
	uint64_t data[NEEDS_WORDS];      /* the parameter "data" */
	uint64_t lists[NEEDS_WORDS];     /* sizes of vectors, "fds", "msgcontrol" */
	uint64_t all_sends[NEEDS_WORDS]; /* sends without an address, too */
};

static inline bool event_bit(const uint64_t *words, enum event_type type)
{
	return words[type / 64] >> (type % 64) & 1;
}

struct source_ops {
	/* The next event in time order. 1: *out is valid until the next call; 0: none now (live:
	 * call wait; replay: the end); negative errno: broken (the diag in the log). */
	int (*next)(struct source *source, const struct event **out);
	/* Live: sleep until more may be there, a wake, or timeout_ms. Replay: returns at once. */
	void (*wait)(struct source *source, int timeout_ms);
	/* Which event types (bit per enum event_type) and system calls (bit per x86-64 number; may
	 * be NULL) are wanted. Of fcntl, whose type state needs, all commands are captured only if
	 * the call is asked for, too. May be called at any time. */
	int (*set_wanted)(struct source *source, const uint64_t *event_types,
			  const uint64_t *syscalls);
	/* What is wanted of them; nothing at first. NULL: the source tells what it has. May be
	 * called at any time. */
	int (*set_needs)(struct source *source, const struct capture_needs *needs);
	void (*counters)(const struct source *source, struct source_counters *out);
	void (*wake)(struct source *source); /* any thread */
	void (*destroy)(struct source *source);
};

/* First member of every implementation. */
struct source {
	const struct source_ops *ops;
	const char *name; /* "live", "scap" */
	bool is_live;
};

static inline int source_next(struct source *source, const struct event **out)
{
	return source->ops->next(source, out);
}

static inline int source_set_needs(struct source *source, const struct capture_needs *needs)
{
	return source->ops->set_needs ? source->ops->set_needs(source, needs) : 0;
}

static inline void source_destroy(struct source **source)
{
	if (*source)
		(*source)->ops->destroy(*source);
	*source = NULL;
}

struct live_config {
	uint64_t buffer_bytes; /* all CPUs together */
	int own_tgid;          /* left out of capture and counted */
	uint32_t doze_events;  /* fewer than this in a sleep are next to nothing; 0: the default */
	bool without_rings;    /* leave io_uring alone, as on kernels that do not tell of it */
};

/* Attach to the kernel. The initial scan of processes and descriptors comes out first, as events
 * marked EVENT_STATE_ONLY; nothing is lost between the scan and the first captured event. Logs
 * one clear sentence and what to do on -EPERM (no privilege), -ENOENT (no BTF), -EOPNOTSUPP
 * (kernel too old or built without BPF). */
int live_source_create(struct source **out, const struct live_config *config);
