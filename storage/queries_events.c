#include <errno.h>

#include "base/json_text.h"
#include "base/util.h"
#include "storage/queries_internal.h"
#include "storage/squeeze.h"

#define COLUMNS                                                                                    \
	"SELECT id, time_ns, workload, workload_name, type, nr, reason, span, fields, cut"         \
	" FROM events"

#define SPANS_MAX 1000
#define FIELDS_BYTES_MAX (1U << 20)

/* Text is read as it is: events were stored so once. */
static int read_fields(sqlite3_stmt *s, int at, struct text *out, char **owned)
{
	int r;

	*owned = NULL;
	*out = column_text(s, at);
	if (sqlite3_column_type(s, at) != SQLITE_BLOB)
		return 0;
	r = unsqueeze(*out, FIELDS_BYTES_MAX, out);
	*owned = r ? NULL : (char *)out->ptr;
	return r;
}

static int read_event(sqlite3_stmt *s, struct record_event *out, char **owned)
{
	*out = (struct record_event){
		.id = column_u64(s, 0),
		.ts_ns = column_u64(s, 1),
		.workload_id = column_u64(s, 2),
		.workload_name = column_text(s, 3),
		.type = column_text(s, 4),
		.nr = sqlite3_column_int(s, 5),
		.reason = (enum event_reason)column_u64(s, 6),
		.span = column_u64(s, 7),
		.cut = column_text(s, 9),
	};
	return read_fields(s, 8, &out->fields, owned);
}

static int visit_event(sqlite3_stmt *s, stored_event_fn *visit, void *arg)
{
	SCOPED(free_ptr) char *owned = NULL;
	struct record_event event;
	int r = read_event(s, &event, &owned);

	return r ? r : visit(&event, arg);
}

int queries_each_event(struct queries *queries, const struct event_filter *filter,
		       stored_event_fn *visit, void *arg)
{
	static const char sql[] = COLUMNS " WHERE (time_ns, id) > (?1, ?2) AND time_ns >= ?3"
					  " AND time_ns < ?4 AND (?5 = 0 OR workload = ?5)"
					  " ORDER BY time_ns, id LIMIT ?6";
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(queries_db(queries), sql, &statement), n = 0;

	if (r)
		return queries_failed(queries, r);
	bind_u64(statement, 1, MIN(filter->after_ns, INT64_MAX));
	bind_u64(statement, 2, MIN(filter->after_id, INT64_MAX));
	bind_u64(statement, 3, MIN(filter->since_ns, INT64_MAX));
	bind_u64(statement, 4, filter->until_ns ? MIN(filter->until_ns, INT64_MAX) : INT64_MAX);
	bind_u64(statement, 5, filter->workload_id);
	bind_u64(statement, 6, queries_limit(filter->limit));
	while ((r = database_next(statement)) == 1) {
		r = visit_event(statement, visit, arg);
		if (r)
			return r;
		n++;
	}
	return r < 0 ? queries_failed(queries, r) : n;
}

int queries_event_of(struct queries *queries, char letter, uint64_t owner, stored_event_fn *visit,
		     void *arg)
{
	static const char sql[] = COLUMNS " WHERE id = (SELECT event FROM event_owners"
					  " WHERE letter = ?1 AND owner = ?2)";
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(queries_db(queries), sql, &statement);

	if (r == 0) {
		bind_text(statement, 1, (struct text){&letter, 1});
		bind_u64(statement, 2, owner);
		r = database_next(statement);
	}
	if (r < 0)
		return queries_failed(queries, r);
	if (r == 0)
		return -ENOENT;
	return visit_event(statement, visit, arg);
}

int queries_oldest_event(struct queries *queries, uint64_t *ns)
{
	int64_t oldest = 0;
	int r = database_get(queries_db(queries), "SELECT min(time_ns) FROM events", &oldest);

	if (r)
		return queries_failed(queries, r);
	*ns = (uint64_t)oldest;
	return 0;
}

/* One that lasts has lasted to the last checkpoint, or to the last event. */
#define SPANS                                                                                      \
	"SELECT id, from_ns, CASE WHEN to_ns < 9223372036854775807 THEN to_ns ELSE"                \
	" max(from_ns, coalesce((SELECT value FROM meta WHERE name = 'last_checkpoint_ns'), 0),"   \
	" coalesce((SELECT max(time_ns) FROM events), 0)) END, coalesce(document, '{}'),"          \
	" to_ns = 9223372036854775807 FROM spans"                                                  \
	" LEFT JOIN span_documents ON spans.hash = span_documents.hash"

/* Columns of SPANS. */
static cJSON *span_json(sqlite3_stmt *s)
{
	static const char *const names[] = {"events", "fields", NULL};
	cJSON *json = queries_document(column_text(s, 3), names);

	json_add_u64(json, "id", column_u64(s, 0));
	json_add_time(json, "from", column_u64(s, 1));
	json_add_time(json, "to", column_u64(s, 2));
	json_add_bool(json, "lasts", column_u64(s, 4));
	return json;
}

int queries_spans(struct queries *queries, uint64_t since_ns, uint64_t until_ns, cJSON **out)
{
	static const char sql[] = SPANS " WHERE to_ns >= ?1"
					" AND from_ns < ?2 ORDER BY from_ns, id LIMIT ?3";
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	cJSON *array = cJSON_CreateArray();
	int r = database_prepare(queries_db(queries), sql, &statement);

	if (r == 0) {
		bind_u64(statement, 1, MIN(since_ns, INT64_MAX));
		bind_u64(statement, 2, until_ns ? MIN(until_ns, INT64_MAX) : INT64_MAX);
		bind_u64(statement, 3, SPANS_MAX);
	}
	while (r == 0 && (r = database_next(statement)) == 1)
		r = cJSON_AddItemToArray(array, span_json(statement)) ? 0 : -ENOMEM;
	if (r) {
		cJSON_Delete(array);
		return queries_failed(queries, r);
	}
	*out = array;
	return 0;
}

int queries_span(struct queries *queries, uint64_t id, cJSON **out)
{
	static const char sql[] = SPANS " WHERE id = ?1";
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = queries_find(queries, sql, id, &statement);

	if (r)
		return r;
	*out = span_json(statement);
	return 0;
}

int queries_condition_of_alert(struct queries *queries, uint64_t alert, struct text *out)
{
	static const char sql[] = "SELECT conditions.condition FROM alerts, conditions"
				  " WHERE alerts.id = ?1 AND alerts.condition = conditions.hash";
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = queries_find(queries, sql, alert, &statement);
	struct text found;
	char *copy;

	if (r)
		return r;
	found = column_text(statement, 0);
	copy = text_dup(found);
	if (!copy)
		return -ENOMEM;
	*out = (struct text){copy, found.len};
	return 0;
}
