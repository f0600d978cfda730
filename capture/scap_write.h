/* Writes events as a capture file (.scap) that old readers (sysdig 0.29.3 of 2022), current Falco
 * libraries and our own replay take alike; docs/captures.md says what is in it and why.
 *
 * Order: host, then the tasks and descriptors of the initial scan, then events. Whatever comes out
 * of order, or cannot be said in the format, is left out and counted by reason. The writer only
 * reads what it is given; texts are copied. Every function gives 0 or the -errno of the file,
 * which stays broken once it is. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"

struct scap_writer;

/* What a capture says of the machine, besides the struct host_facts. */
struct scap_machine {
	uint32_t n_cpus;
	uint64_t memory_bytes, pid_max;
	uint64_t boot_epoch_ns; /* 0 unknown */
};

enum scap_left_out {
	SCAP_OUT_GENERIC,   /* calls without a type, with a number old readers cannot take */
	SCAP_OUT_LATE_SCAN, /* tasks and descriptors told of after the first event */
	SCAP_OUT_NO_TASK,   /* descriptors of tasks that were not told of */
	SCAP_OUT_INTERNAL,  /* types that stand for nothing in a capture */
	SCAP_OUT_END,
};

struct scap_writer_counters {
	uint64_t events_total;     /* for readers to show */
	uint64_t state_only_total; /* for readers' state only */
	uint64_t drops_total;      /* losses told by scap_writer_drop() */
	uint64_t clipped_total;    /* texts and data that were cut at the format's limits */
	uint64_t tasks_total, fds_total;
	uint64_t bytes_total; /* in the file */
	uint64_t left_out[SCAP_OUT_END];
};

/* Begin the file at `path` ("-": stdout), compressed if its name ends with .gz. -errno is logged.
 */
int scap_writer_create(struct scap_writer **out, const char *path);
/* Without scap_writer_close(): what was not flushed is lost. */
void scap_writer_destroy(struct scap_writer **writer);

int scap_writer_host(struct scap_writer *writer, const struct scap_machine *machine,
		     const struct host_facts *host);

/* An event of the initial scan (EVENT_STATE_ONLY). process: what is known of the task's process,
 * for what a thread's own facts leave out; NULL nothing. */
int scap_writer_scan(struct scap_writer *writer, const struct event *ev,
		     const struct task_facts *process);

/* An event. process: the process that made it, for what the event itself leaves out (a clone's
 * parent, an exec that failed); NULL unknown. is_shown: false: for readers' state only. */
int scap_writer_event(struct scap_writer *writer, const struct event *ev,
		      const struct task_facts *process, bool is_shown);

/* Whether the event's type changes what readers know of processes and descriptors. */
bool scap_writer_is_state(enum event_type type);
/* Whether scap_writer_event() looks at the process. */
bool scap_writer_wants_process(enum event_type type);

/* n events were lost before ts_ns. */
int scap_writer_drop(struct scap_writer *writer, uint64_t ts_ns, uint64_t n);

/* As scap_file_hurry(). */
void scap_writer_hurry(struct scap_writer *writer);

/* Hand what is complete to the file. */
int scap_writer_flush(struct scap_writer *writer);
/* Flush and have it on the disk. A capture without events is given one that stands for nothing:
 * readers refuse a file without. now_ns: its time. */
int scap_writer_close(struct scap_writer *writer, uint64_t now_ns);

void scap_writer_counters(const struct scap_writer *writer, struct scap_writer_counters *out);
/* The reason in words for a summary. */
const char *scap_left_out_text(enum scap_left_out reason);
