#include "storage/rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/util.h"
#include "storage/database.h"
#include "storage/records_json.h"
#include "storage/squeeze.h"

enum statement {
	REPEAT_ANOMALY,
	PUT_ANOMALY,
	PUT_ANOMALY_DOCUMENT,
	PUT_INCIDENT,
	PUT_ALERT,
	PUT_GAP,
	PUT_BEHAVIOUR,
	PUT_EVENT,
	PUT_OWNER,
	PUT_SPAN,
	PUT_SPAN_DOCUMENT,
	PUT_CONDITION,
	PUT_JOURNAL,
	PUT_IMAGE,
	DELETE_COVERED,
	NOTE_CHECKPOINT,
	STATEMENT_END,
};

static const char *const texts[STATEMENT_END] = {
	/* The narrow path: nothing changed that an index or the document holds. */
	[REPEAT_ANOMALY] = "UPDATE anomalies SET last_ns = ?2, occurrences = ?3 WHERE id = ?1"
			   " AND state = ?4 AND above = ?5 AND return_period_s = ?6"
			   " AND incident = ?7",
	[PUT_ANOMALY] =
		"INSERT INTO anomalies(id, last_ns, occurrences, state, above, return_period_s,"
		" incident, time_ns, workload, dimension)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
		" ON CONFLICT(id) DO UPDATE SET last_ns = ?2, occurrences = ?3, state = ?4,"
		" above = ?5, return_period_s = ?6, incident = ?7",
	[PUT_ANOMALY_DOCUMENT] = "INSERT INTO anomaly_documents(id, document) VALUES(?1, ?2)"
				 " ON CONFLICT(id) DO UPDATE SET document = ?2",
	[PUT_INCIDENT] = "INSERT INTO incidents(id, from_ns, to_ns, is_open, workload,"
			 " return_period_s, document) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
			 " ON CONFLICT(id) DO UPDATE SET to_ns = ?3, is_open = ?4,"
			 " return_period_s = ?6, document = ?7",
	[PUT_ALERT] = "INSERT INTO alerts(id, time_ns, priority, rule, source, workload,"
		      " workload_name, incident, pid, start_ns, tags, message, output_fields,"
		      " condition)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
		      " ON CONFLICT(id) DO UPDATE SET incident = ?8",
	[PUT_GAP] = "INSERT INTO gaps(id, from_ns, to_ns, reason, events, detail)"
		    " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE SET"
		    " from_ns = ?2, to_ns = ?3, reason = ?4, events = ?5, detail = ?6",
	/* The first time it was learned counts. */
	[PUT_BEHAVIOUR] = "INSERT INTO behaviours(workload, dimension, fingerprint, key, first_ns)"
			  " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
	[PUT_EVENT] =
		"INSERT INTO events(id, time_ns, workload, workload_name, type, nr, reason,"
		" span, bytes, fields, cut) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
		" ON CONFLICT DO NOTHING",
	[PUT_OWNER] = "INSERT INTO event_owners(letter, owner, event) VALUES(?1, ?2, ?3)"
		      " ON CONFLICT DO NOTHING",
	[PUT_SPAN] = "INSERT INTO spans(id, from_ns, to_ns, hash) VALUES(?1, ?2, ?3, ?4)"
		     " ON CONFLICT(id) DO UPDATE SET to_ns = ?3",
	[PUT_SPAN_DOCUMENT] = "INSERT INTO span_documents(hash, document) VALUES(?1, ?2)"
			      " ON CONFLICT DO NOTHING",
	[PUT_CONDITION] = "INSERT INTO conditions(hash, last_ns, rule, condition)"
			  " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(hash) DO UPDATE SET last_ns = ?2",
	[PUT_JOURNAL] = "INSERT INTO journal(sequence, workload, bytes) VALUES(?1, ?2, ?3)",
	[PUT_IMAGE] = "INSERT INTO images(kind, workload, sequence, bytes) VALUES(?1, ?2, ?3, ?4)"
		      " ON CONFLICT(kind, workload) DO UPDATE SET sequence = ?3, bytes = ?4",
	[DELETE_COVERED] = "DELETE FROM journal WHERE workload = ?1 AND sequence <= ?2",
	[NOTE_CHECKPOINT] = "INSERT INTO meta(name, value) VALUES('last_checkpoint_ns', ?1),"
			    " ('last_checkpoint_boot_ns', ?2)"
			    " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
};

struct rows {
	sqlite3 *db;
	uint64_t event_bytes; /* of all events, those of a transaction that fails too */
	sqlite3_stmt *statements[STATEMENT_END];
};

int rows_count_events(struct rows *rows)
{
	int64_t bytes;
	int r = database_get(rows->db, "SELECT coalesce(sum(bytes), 0) FROM events", &bytes);

	if (r == 0)
		rows->event_bytes = (uint64_t)bytes;
	return r;
}

uint64_t rows_event_bytes(const struct rows *rows)
{
	return rows->event_bytes;
}

void rows_forgot_events(struct rows *rows, uint64_t bytes)
{
	rows->event_bytes -= MIN(bytes, rows->event_bytes);
}

int rows_create(struct rows **out, sqlite3 *db)
{
	SCOPED(rows_destroy) struct rows *rows = calloc(1, sizeof(*rows));
	int r;

	if (!rows)
		return -ENOMEM;
	rows->db = db;
	for (int i = 0; i < STATEMENT_END; i++) {
		r = database_errno(sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
						      &rows->statements[i], NULL));

		if (r)
			return r;
	}
	r = rows_count_events(rows);
	if (r == 0)
		*out = TAKE(rows);
	return r;
}

void rows_destroy(struct rows **rows)
{
	if (!*rows)
		return;
	for (int i = 0; i < STATEMENT_END; i++)
		sqlite3_finalize((*rows)->statements[i]);
	free(*rows);
	*rows = NULL;
}

/* Takes object; the caller frees the result. */
static char *print_document(cJSON *object)
{
	char *document = object ? cJSON_PrintUnformatted(object) : NULL;

	cJSON_Delete(object);
	return document;
}

/* NaN would become NULL, which the schema refuses. */
static void bind_period(sqlite3_stmt *s, int at, double seconds)
{
	sqlite3_bind_double(s, at, isnan(seconds) ? 0 : MIN(seconds, RETURN_PERIOD_MAX_S));
}

static void bind_anomaly(sqlite3_stmt *s, const struct record_anomaly *anomaly)
{
	bind_u64(s, 1, anomaly->id);
	bind_u64(s, 2, anomaly->last_ns);
	bind_u64(s, 3, anomaly->occurrences);
	sqlite3_bind_int(s, 4, (int)anomaly->state);
	sqlite3_bind_int(s, 5, anomaly->above_threshold);
	bind_period(s, 6, anomaly->return_period_s);
	bind_u64(s, 7, anomaly->incident);
}

static int write_anomaly(struct rows *rows, const void *record)
{
	const struct record_anomaly *anomaly = record;
	sqlite3_stmt *s = rows->statements[REPEAT_ANOMALY];
	SCOPED(free_ptr) char *document = NULL;
	int r;

	bind_anomaly(s, anomaly);
	r = database_run(s);
	if (r || sqlite3_changes(rows->db) > 0)
		return r;

	s = rows->statements[PUT_ANOMALY];
	bind_anomaly(s, anomaly);
	bind_u64(s, 8, anomaly->first_ns);
	bind_u64(s, 9, anomaly->workload_id);
	bind_text(s, 10, anomaly->dimension);
	r = database_run(s);
	if (r)
		return r;

	document = print_document(anomaly_json(anomaly, ANOMALY_WITH_EXPLANATION));
	if (!document)
		return -ENOMEM;
	s = rows->statements[PUT_ANOMALY_DOCUMENT];
	bind_u64(s, 1, anomaly->id);
	bind_text(s, 2, text_from(document));
	return database_run(s);
}

static int write_incident(struct rows *rows, const void *record)
{
	const struct record_incident *incident = record;
	sqlite3_stmt *s = rows->statements[PUT_INCIDENT];
	SCOPED(free_ptr) char *document = print_document(incident_json(incident));

	if (!document)
		return -ENOMEM;
	bind_u64(s, 1, incident->id);
	bind_u64(s, 2, incident->from_ns);
	bind_u64(s, 3, incident->to_ns);
	sqlite3_bind_int(s, 4, incident->is_open);
	bind_u64(s, 5, incident->workload_id);
	bind_period(s, 6, incident->return_period_s);
	bind_text(s, 7, text_from(document));
	return database_run(s);
}

static int write_alert(struct rows *rows, const void *record)
{
	const struct record_alert *alert = record;
	sqlite3_stmt *s = rows->statements[PUT_ALERT];

	bind_u64(s, 1, alert->id);
	bind_u64(s, 2, alert->ts_ns);
	sqlite3_bind_int(s, 3, (int)alert->priority);
	bind_blob(s, 4, alert->rule);
	bind_blob(s, 5, alert->source);
	bind_u64(s, 6, alert->workload_id);
	bind_blob(s, 7, alert->workload_name);
	bind_u64(s, 8, alert->incident);
	sqlite3_bind_int(s, 9, alert->pid);
	bind_u64(s, 10, alert->start_time_ns);
	bind_blob(s, 11, alert->tags);
	bind_blob(s, 12, alert->message);
	bind_text(s, 13, alert->output_fields);
	bind_u64(s, 14, alert->condition);
	return database_run(s);
}

static int write_gap(struct rows *rows, const void *record)
{
	const struct record_gap *gap = record;
	sqlite3_stmt *s = rows->statements[PUT_GAP];

	if (gap->id)
		bind_u64(s, 1, gap->id);
	else
		sqlite3_bind_null(s, 1);
	bind_u64(s, 2, gap->from_ns);
	bind_u64(s, 3, gap->to_ns);
	bind_blob(s, 4, gap->reason);
	if (gap->events == GAP_EVENTS_UNKNOWN)
		sqlite3_bind_null(s, 5);
	else
		bind_u64(s, 5, gap->events);
	if (gap->detail.len)
		bind_text(s, 6, gap->detail);
	else
		sqlite3_bind_null(s, 6);
	return database_run(s);
}

static int write_behaviour(struct rows *rows, const void *record)
{
	const struct record_behaviour *behaviour = record;
	sqlite3_stmt *s = rows->statements[PUT_BEHAVIOUR];
	SCOPED(free_ptr) char *key = print_document(key_json(&behaviour->key));

	if (!key)
		return -ENOMEM;
	bind_u64(s, 1, behaviour->workload_id);
	bind_text(s, 2, behaviour->dimension);
	bind_u64(s, 3, behaviour->fingerprint);
	bind_text(s, 4, text_from(key));
	bind_u64(s, 5, behaviour->first_ns);
	return database_run(s);
}

/* A row's own columns, indexes and owners. */
#define EVENT_OVERHEAD_BYTES 128

static int write_owner(struct rows *rows, char letter, uint64_t owner, uint64_t event)
{
	sqlite3_stmt *s = rows->statements[PUT_OWNER];

	bind_text(s, 1, (struct text){&letter, 1});
	bind_u64(s, 2, owner);
	bind_u64(s, 3, event);
	return database_run(s);
}

static int write_event(struct rows *rows, const void *record)
{
	const struct record_event *event = record;
	sqlite3_stmt *s = rows->statements[PUT_EVENT];
	SCOPED(free_ptr) char *owned = NULL;
	struct text squeezed;
	uint64_t bytes;
	int r = squeeze(event->fields, &squeezed);

	if (r)
		return r;
	owned = (char *)squeezed.ptr;
	bytes = (uint64_t)EVENT_OVERHEAD_BYTES + squeezed.len + event->cut.len +
		event->workload_name.len;

	bind_u64(s, 1, event->id);
	bind_u64(s, 2, event->ts_ns);
	bind_u64(s, 3, event->workload_id);
	bind_blob(s, 4, event->workload_name);
	bind_blob(s, 5, event->type);
	sqlite3_bind_int(s, 6, event->nr);
	sqlite3_bind_int(s, 7, (int)event->reason);
	bind_u64(s, 8, event->span);
	bind_u64(s, 9, bytes);
	bind_blob(s, 10, squeezed);
	bind_text(s, 11, event->cut);
	r = database_run(s);
	if (r == 0 && sqlite3_changes(rows->db) > 0)
		rows->event_bytes += bytes;
	for (unsigned i = 0; r == 0 && i < MIN(event->n_owners, RECORD_OWNERS_MAX); i++)
		r = write_owner(rows, event->owners[i].letter, event->owners[i].id, event->id);
	return r;
}

static int write_span(struct rows *rows, const void *record)
{
	const struct record_span *span = record;
	sqlite3_stmt *s = rows->statements[PUT_SPAN];
	int r;

	bind_u64(s, 1, span->id);
	bind_u64(s, 2, span->from_ns);
	bind_u64(s, 3, span->to_ns ? span->to_ns : INT64_MAX);
	bind_u64(s, 4, span->hash);
	r = database_run(s);
	if (r)
		return r;
	s = rows->statements[PUT_SPAN_DOCUMENT];
	bind_u64(s, 1, span->hash);
	bind_text(s, 2, span->document);
	return database_run(s);
}

static int write_condition(struct rows *rows, const void *record)
{
	const struct record_condition *condition = record;
	sqlite3_stmt *s = rows->statements[PUT_CONDITION];

	bind_u64(s, 1, condition->hash);
	bind_u64(s, 2, condition->last_ns);
	bind_blob(s, 3, condition->rule);
	bind_blob(s, 4, condition->text);
	return database_run(s);
}

static int write_journal(struct rows *rows, const void *record)
{
	const struct record_blob *blob = record;
	sqlite3_stmt *s = rows->statements[PUT_JOURNAL];

	bind_u64(s, 1, blob->sequence);
	bind_u64(s, 2, blob->workload_id);
	bind_blob(s, 3, blob->bytes);
	return database_run(s);
}

static int put_image(struct rows *rows, const char *kind, const struct record_blob *blob)
{
	sqlite3_stmt *s = rows->statements[PUT_IMAGE];

	bind_text(s, 1, text_from(kind));
	bind_u64(s, 2, blob->workload_id);
	bind_u64(s, 3, blob->sequence);
	bind_blob(s, 4, blob->bytes);
	return database_run(s);
}

static int write_image(struct rows *rows, const void *record)
{
	const struct record_blob *blob = record;
	sqlite3_stmt *s = rows->statements[DELETE_COVERED];
	int r = put_image(rows, "profile", blob);

	if (r)
		return r;
	bind_u64(s, 1, blob->workload_id);
	bind_u64(s, 2, blob->sequence);
	return database_run(s);
}

static int write_scorer(struct rows *rows, const void *record)
{
	return put_image(rows, "scorer", record);
}

static int write_incidents(struct rows *rows, const void *record)
{
	return put_image(rows, "incidents", record);
}

static int write_rules(struct rows *rows, const void *record)
{
	return put_image(rows, "rules", record);
}

static int write_counts(struct rows *rows, const void *record)
{
	return put_image(rows, "counts", record);
}

static int write_nothing(struct rows *rows, const void *record)
{
	(void)rows;
	(void)record;
	return 0;
}

typedef int write_fn(struct rows *rows, const void *record);

static write_fn *const writes[WRITE_KIND_END] = {
	[WRITE_ANOMALY] = write_anomaly,     [WRITE_INCIDENT] = write_incident,
	[WRITE_ALERT] = write_alert,         [WRITE_GAP] = write_gap,
	[WRITE_BEHAVIOUR] = write_behaviour, [WRITE_EVENT] = write_event,
	[WRITE_SPAN] = write_span,           [WRITE_CONDITION] = write_condition,
	[WRITE_JOURNAL] = write_journal,     [WRITE_IMAGE] = write_image,
	[WRITE_SCORER] = write_scorer,       [WRITE_INCIDENTS] = write_incidents,
	[WRITE_RULES] = write_rules,         [WRITE_COUNTS] = write_counts,
	[WRITE_COMMIT] = write_nothing,
};

int rows_write(struct rows *rows, enum write_kind kind, const void *record)
{
	return writes[kind](rows, record);
}

int rows_note_checkpoint(struct rows *rows, uint64_t now_ns, uint64_t boot_ns)
{
	sqlite3_stmt *s = rows->statements[NOTE_CHECKPOINT];

	bind_u64(s, 1, now_ns);
	bind_u64(s, 2, boot_ns);
	return database_run(s);
}
