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
};

/* Open, lock, migrate. Logs one sentence on failure: -EBUSY in use by another instance, -EPROTO
 * newer than the program, -EBADMSG damaged, -ENOSPC, -EACCES. */
int store_open(struct store **out, const struct store_config *config);
void store_close(struct store **store);

/* Values kept across restarts: ids, seed. -ENOENT when unset. */
int store_get_u64(struct store *store, const char *name, uint64_t *out);
int store_set_u64(struct store *store, const char *name, uint64_t value);

/* Restore: visit images, then journal segments in order. The callback's error is only counted. */
typedef int store_blob_fn(const struct record_blob *blob, void *arg);
int store_each_image(struct store *store, const char *kind, store_blob_fn *visit, void *arg);
int store_each_journal(struct store *store, store_blob_fn *visit, void *arg);

/* Writer --------------------------------------------------------------------------------- */

enum write_kind {
	WRITE_ANOMALY,   /* struct record_anomaly: insert or update by id */
	WRITE_INCIDENT,  /* struct record_incident */
	WRITE_ALERT,     /* struct record_alert */
	WRITE_GAP,       /* struct record_gap */
	WRITE_BEHAVIOUR, /* struct record_behaviour */
	WRITE_JOURNAL,   /* struct record_blob; never shed */
	WRITE_IMAGE,     /* struct record_blob, kind "profile"; deletes covered journal */
	WRITE_SCORER,    /* struct record_blob, kind "scorer" */
	WRITE_INCIDENTS, /* struct record_blob, kind "incidents" */
	WRITE_COMMIT,    /* NULL: end of a checkpoint, commit now */
	WRITE_KIND_END,
};

struct writer;

/* Called on the writer thread for each alert, anomaly and incident, for outputs and streams. */
typedef void writer_tap_fn(enum write_kind kind, const void *record, void *arg);

int writer_create(struct writer **out, struct store *store, uint32_t queue_max);
/* Writes what is queued, commits, stops the thread. */
void writer_destroy(struct writer **writer);
void writer_add_tap(struct writer *writer, writer_tap_fn *tap, void *arg);

/* Pipeline thread: hand over a record (taken always). Never blocks. A full queue sheds alerts'
 * repeats, anomalies' repeats and behaviours' texts first, counted; journal and images are merged
 * or wait, never shed. */
void writer_push(struct writer *writer, enum write_kind kind, void *record);

struct writer_counters {
	uint64_t queued, queue_max, written_total, shed_total, errors_total;
	uint64_t last_commit_ns;
	uint64_t bytes_written_total;
};

void writer_counters(const struct writer *writer, struct writer_counters *out);
