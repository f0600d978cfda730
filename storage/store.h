/* SQLite: everything that is kept. One writer thread owns the writing connection; readers open
 * their own. Any number of reader threads. Refuses a database newer than the program, migrates an
 * older one in one transaction, and takes an exclusive lock file so that a second instance never
 * touches the first one's data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/records.h"

struct store;

struct store_config {
	const char *path;
	double checkpoint_s, retention_days;
	uint64_t max_bytes;
	uint64_t history_bytes; /* of stored events */
};

/* Open, lock, migrate. Logs one sentence on failure: -EBUSY in use by another instance, -EPROTO
 * newer than the program, -EBADMSG damaged, -ENOSPC, -EACCES. The store belongs to one thread at a
 * time: the opener's, then the writer's from writer_create() to writer_destroy(). */
int store_open(struct store **out, const struct store_config *config);
void store_close(struct store **store);

/* Size of the database file and of its write-ahead log, now. Any thread. */
void store_sizes(const struct store *store, uint64_t *bytes, uint64_t *wal_bytes);

/* Values kept across restarts: ids, seed. -ENOENT when unset. The writer keeps
 * "last_checkpoint_ns" (epoch) and "last_checkpoint_boot_ns" (boot clock): what came after it in a
 * killed run was not seen. */
int store_get_u64(struct store *store, const char *name, uint64_t *out);
int store_set_u64(struct store *store, const char *name, uint64_t value);
/* The same for a text, cut at size with its NUL. */
int store_get_text(struct store *store, const char *name, char *out, size_t size);
int store_set_text(struct store *store, const char *name, const char *value);

/* Highest id ever stored of a kind of record, 0 when none: the next is one more. Kept in meta, so
 * that retention never makes an id come back. */
uint64_t store_last_anomaly(struct store *store);
uint64_t store_last_incident(struct store *store);
uint64_t store_last_alert(struct store *store);
uint64_t store_last_gap(struct store *store); /* of those that are stored: nobody sees gaps' ids */
uint64_t store_last_event(struct store *store);
uint64_t store_last_span(struct store *store);

/* Restore: visit images, then journal segments by sequence. How many the callback refused, or
 * -errno. An image or segment that a newer image covers is not there any more. */
typedef int store_blob_fn(const struct record_blob *blob, void *arg);
int store_each_image(struct store *store, const char *kind, store_blob_fn *visit, void *arg);
int store_each_journal(struct store *store, store_blob_fn *visit, void *arg);

/* Writer --------------------------------------------------------------------------------- */

enum write_kind {
	WRITE_ANOMALY,   /* struct record_anomaly: insert or update by id */
	WRITE_INCIDENT,  /* struct record_incident: insert or update by id */
	WRITE_ALERT,     /* struct record_alert */
	WRITE_GAP,       /* struct record_gap: insert or update by id; id 0: a new one */
	WRITE_BEHAVIOUR, /* struct record_behaviour */
	WRITE_EVENT,     /* struct record_event: one of an id that is stored already is dropped */
	WRITE_SPAN,      /* struct record_span: insert or update by id */
	WRITE_CONDITION, /* struct record_condition: insert or update by hash */
	WRITE_JOURNAL,   /* struct record_blob; never shed */
	/* Images: one a kind and workload_id, a newer one replaces the older. */
	WRITE_IMAGE,     /* struct record_blob, kind "profile"; covers, and deletes, the journal
			  * segments of its workload_id with sequence up to its own */
	WRITE_SCORER,    /* struct record_blob, kind "scorer"; covers no journal */
	WRITE_INCIDENTS, /* struct record_blob, kind "incidents"; covers no journal */
	WRITE_RULES,     /* struct record_blob, kind "rules"; covers no journal */
	WRITE_COUNTS,    /* struct record_blob, kind "counts"; covers no journal */
	WRITE_COMMIT,    /* NULL: end of a checkpoint, commit now */
	WRITE_KIND_END,
};

struct writer;

/* Called on the writer thread for each alert, anomaly and incident as it is taken from the queue
 * (before it is stored), for outputs and streams. record is borrowed for the call. */
typedef void writer_tap_fn(enum write_kind kind, const void *record, void *arg);

/* From here to writer_destroy() the store is the writer thread's. queue_max: records waiting. */
int writer_create(struct writer **out, struct store *store, uint32_t queue_max);
/* Without a thread, for replay: the pusher writes, sheds nothing and looks at no clock; old records
 * are not forgotten, and last_checkpoint_ns stays. Taps are called within writer_push(). */
int writer_create_inline(struct writer **out, struct store *store);
/* Writes what is queued, commits, stops the thread. */
void writer_destroy(struct writer **writer);
/* Before the first push. At most WRITER_TAPS_MAX. */
#define WRITER_TAPS_MAX 4
void writer_add_tap(struct writer *writer, writer_tap_fn *tap, void *arg);

/* Before the first push: hide secrets in all records, for taps and database alike. redact is
 * borrowed until writer_destroy(). */
struct redact;
void writer_set_redact(struct writer *writer, struct redact *redact);

/* Pipeline thread: hand over a record made with record_alloc() (taken always; NULL for
 * WRITE_COMMIT). Never blocks, allocates nothing but for WRITE_COMMIT.
 *
 * Alerts, anomalies and incidents are readable half a second later, repeats of them within
 * seconds; what belongs to a checkpoint appears all at once with its WRITE_COMMIT.
 *
 * A queue that fills sheds, counted, in this order: behaviours' texts, events and repeats (an
 * anomaly with occurrences > 1, an alert of a rule that hit the same workload before) beyond half
 * of queue_max or 4 MiB; everything else but checkpoints beyond eight times queue_max or 64 MiB.
 * Journal and images are never shed: while the disk is full they wait in memory, merged as far as
 * images cover segments. */
void writer_push(struct writer *writer, enum write_kind kind, void *record);

struct writer_counters {
	uint64_t queued, queue_max, written_total, shed_total, errors_total;
	uint64_t shed_first_total;    /* of shed_total: no repeats */
	uint64_t last_commit_ns;      /* epoch; any commit */
	uint64_t last_checkpoint_ns;  /* epoch; one ended by WRITE_COMMIT */
	uint64_t bytes_written_total; /* to disk by the writer thread: log, database */
	uint64_t waiting_bytes;       /* taken from the queue, not yet stored */
	bool is_failing;              /* the last commit failed (disk full, ...); retried */
	/* Stored events. */
	uint64_t events_written_total, events_shed_total;
	uint64_t events_forgotten_total; /* deleted by age or for want of room */
	uint64_t event_bytes;            /* what those that are stored take */
};

/* Any thread. */
void writer_counters(const struct writer *writer, struct writer_counters *out);
