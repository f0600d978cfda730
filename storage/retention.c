#include "storage/retention.h"

#include <stdio.h>

#include "base/util.h"
#include "storage/database.h"
#include "storage/store_internal.h"

#define NS_PER_DAY 86400e9
#define VACUUM_PAGES 256 /* given back to the file system a slice */

struct table {
	const char *name, *time;
	const char *documents; /* table of what belongs to the rows, or NULL */
	const char *key;       /* their ids there */
	bool has_ids;          /* ids that people or other rows know */
};

static const struct table tables[] = {
	{"alerts", "time_ns", NULL, NULL, true},
	{"anomalies", "time_ns", "anomaly_documents", "id", true},
	{"incidents", "to_ns", NULL, NULL, true},
	{"gaps", "to_ns", NULL, NULL, false},
	{"events", "time_ns", "event_owners", "event", true},
	{"spans", "to_ns", NULL, NULL, true},
};

static const struct table *const events = &tables[4];

/* The highest id must be known for ever, lest it be given twice. */
static int note_last_id(struct store *store, const struct table *table)
{
	char sql[256];

	if (!table->has_ids)
		return 0;
	snprintf(sql, sizeof(sql),
		 "INSERT INTO meta(name, value) SELECT 'last_%s', max(id) FROM %s HAVING max(id)"
		 " ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value)",
		 table->name, table->name);
	return database_exec(store->db, sql);
}

/* Delete the rows whose ids the query gives; *n of them. */
static int delete_rows(struct store *store, const struct table *table, const char *which, int *n)
{
	char sql[1024];
	int64_t bytes = 0;
	int r = 0;

	if (table == events) {
		snprintf(sql, sizeof(sql),
			 "SELECT coalesce(sum(bytes), 0) FROM events WHERE id IN (%s)", which);
		r = database_get(store->db, sql, &bytes);
	}
	if (r == 0 && table->documents) {
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s IN (%s)", table->documents,
			 table->key, which);
		r = database_exec(store->db, sql);
	}
	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE id IN (%s)", table->name, which);
	if (r == 0)
		r = database_exec(store->db, sql);
	*n = r ? 0 : sqlite3_changes(store->db);
	if (table == events && r == 0) {
		rows_forgot_events(store->rows, (uint64_t)bytes);
		store->events_forgotten += (uint64_t)*n;
	}
	return r;
}

/* Delete the oldest rows before cutoff_ns, at most a slice; *n of them. */
static int delete_oldest(struct store *store, const struct table *table, uint64_t cutoff_ns, int *n)
{
	char which[256];

	snprintf(which, sizeof(which), "SELECT id FROM %s WHERE %s < %llu ORDER BY %s, id LIMIT %d",
		 table->name, table->time, (unsigned long long)cutoff_ns, table->time,
		 RETENTION_SLICE_ROWS);
	return delete_rows(store, table, which, n);
}

/* Conditions of rules of which no alert is left, and what spans that went held. */
static int delete_unused(struct store *store, uint64_t cutoff_ns)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM span_documents WHERE hash NOT IN (SELECT hash FROM spans);"
		 "DELETE FROM conditions WHERE last_ns < %llu AND NOT EXISTS(SELECT 1 FROM alerts"
		 " WHERE alerts.condition = conditions.hash AND alerts.condition != 0)",
		 (unsigned long long)cutoff_ns);
	return database_exec(store->db, sql);
}

/* The time up to which a slice of the table's oldest rows reaches; INT64_MAX when it is empty. */
static int slice_end(struct store *store, const struct table *table, int64_t *end_ns)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(max(t), %lld) FROM (SELECT %s AS t FROM %s ORDER BY %s LIMIT %d)",
		 (long long)INT64_MAX, table->time, table->name, table->time, RETENTION_SLICE_ROWS);
	return database_get(store->db, sql, end_ns);
}

/* By how much stored events take more than they may. */
static uint64_t history_excess(const struct store *store)
{
	uint64_t bytes = rows_event_bytes(store->rows);

	return bytes > store->config.history_bytes ? bytes - store->config.history_bytes : 0;
}

static int used_bytes(struct store *store, int64_t *bytes)
{
	int64_t pages, free_pages = 0, page_bytes = 0;
	int r = database_get(store->db, "PRAGMA page_count", &pages);

	if (r == 0)
		r = database_get(store->db, "PRAGMA freelist_count", &free_pages);
	if (r == 0)
		r = database_get(store->db, "PRAGMA page_size", &page_bytes);
	*bytes = r ? 0 : (pages - free_pages) * page_bytes;
	return r;
}

/* Up to when rows go now: by age, or further while the database is too large. */
static int find_cutoff(struct store *store, uint64_t now_ns, uint64_t *cutoff_ns)
{
	double kept_ns = store->config.retention_days * NS_PER_DAY;
	int64_t bytes, oldest_ns = INT64_MAX;
	int r = used_bytes(store, &bytes);

	*cutoff_ns = kept_ns < (double)now_ns ? now_ns - (uint64_t)kept_ns : 0;
	if (r || store->config.max_bytes == 0 || (uint64_t)bytes <= store->config.max_bytes)
		return r;
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
		int64_t end_ns;

		r = slice_end(store, &tables[i], &end_ns);
		if (r)
			return r;
		oldest_ns = MIN(oldest_ns, end_ns);
	}
	if (oldest_ns != INT64_MAX)
		*cutoff_ns = MAX(*cutoff_ns, (uint64_t)oldest_ns + 1);
	return 0;
}

static int delete_slices(struct store *store, uint64_t cutoff_ns, int *deleted, bool *more)
{
	*deleted = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
		int n, r = note_last_id(store, &tables[i]);

		if (r == 0)
			r = delete_oldest(store, &tables[i], cutoff_ns, &n);
		if (r)
			return r;
		*deleted += n;
		*more |= n == RETENTION_SLICE_ROWS;
	}
	return delete_unused(store, cutoff_ns);
}

/* As many of the oldest events as are too many, at most a slice. */
static int delete_history(struct store *store, bool *more)
{
	char which[512];
	int n, r = note_last_id(store, events);

	snprintf(which, sizeof(which),
		 "SELECT id FROM (SELECT id, bytes, sum(bytes) OVER (ORDER BY time_ns, id) AS total"
		 " FROM (SELECT id, time_ns, bytes FROM events ORDER BY time_ns, id LIMIT %d))"
		 " WHERE total - bytes < %llu",
		 RETENTION_SLICE_ROWS, (unsigned long long)history_excess(store));
	if (r == 0)
		r = delete_rows(store, events, which, &n);
	*more |= r == 0 && n && history_excess(store);
	return r;
}

/* A quarter of the file may stay free for what comes next. */
static int give_back(struct store *store, bool *more)
{
	int64_t free_pages, pages = 0;
	char sql[64];
	int r = database_get(store->db, "PRAGMA freelist_count", &free_pages);

	if (r == 0)
		r = database_get(store->db, "PRAGMA page_count", &pages);
	if (r || free_pages < VACUUM_PAGES || free_pages < pages / 4)
		return r;
	*more = true;
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	return database_exec(store->db, sql);
}

int retention_slice(struct store *store, uint64_t now_ns, bool *more)
{
	uint64_t cutoff_ns;
	int64_t bytes;
	int deleted = 0, r;

	*more = false;
	r = find_cutoff(store, now_ns, &cutoff_ns);
	if (r || (cutoff_ns == 0 && !history_excess(store)))
		return r;
	r = database_exec(store->db, "BEGIN IMMEDIATE");
	if (r)
		return r;
	if (cutoff_ns)
		r = delete_slices(store, cutoff_ns, &deleted, more);
	if (r == 0 && history_excess(store))
		r = delete_history(store, more);
	if (r == 0)
		r = database_exec(store->db, "COMMIT");
	if (r) {
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
		rows_count_events(store->rows); /* the error that counts is r */
		return r;
	}
	r = used_bytes(store, &bytes);
	if (r == 0 && store->config.max_bytes && (uint64_t)bytes > store->config.max_bytes)
		*more |= deleted > 0;
	return r ? r : give_back(store, more);
}
