#include <errno.h>

#include "base/json_text.h"
#include "base/util.h"
#include "storage/queries_internal.h"

#define TIMELINE_MAX 1000

static const char *const members[] = {
	"id",        "from",   "to",      "workload", "state", "return_period_s",
	"anomalies", "alerts", "summary", "process",  NULL,
};

/* The document, with what was not seen at the time. */
static cJSON *incident_document(sqlite3 *db, struct text document, uint64_t from_ns, uint64_t to_ns)
{
	cJSON *incident = queries_document(document, members);
	cJSON *quality = json_add_object(incident, "data_quality");

	json_add_bool(quality, "complete", true);
	json_add_u64(quality, "lost_events", 0);
	json_add_array(quality, "gaps");
	queries_mark_quality(db, quality, from_ns, to_ns);
	return incident;
}

static cJSON *list_row(sqlite3_stmt *s, uint64_t *key, uint64_t *id, void *arg)
{
	(void)arg;
	*id = column_u64(s, 0);
	*key = column_u64(s, 1);
	return incident_document(sqlite3_db_handle(s), column_text(s, 2), *key, column_u64(s, 3));
}

static int select_incidents(struct selection *selection, const struct incident_filter *filter)
{
	selection_begin(selection, "SELECT id, from_ns, document, to_ns FROM incidents WHERE true");
	/* One that was still going on then counts. */
	selection_and_time(selection, "to_ns >= ?", filter->since_ns);
	selection_and_time(selection, "from_ns < ?", filter->until_ns);
	if (filter->workload_id)
		selection_and_u64(selection, "workload = ?", filter->workload_id);
	if (filter->min_return_period_s > 0)
		selection_and_real(selection, "+return_period_s >= ?", filter->min_return_period_s);
	if (filter->is_open >= 0)
		selection_and_u64(selection, "is_open = ?", (uint64_t)filter->is_open);
	return selection_page(selection, "from_ns", 'i', filter->cursor, filter->limit);
}

int queries_incidents(struct queries *queries, const struct incident_filter *filter, cJSON **out)
{
	struct selection selection;
	int r = select_incidents(&selection, filter);

	if (r)
		return r;
	return queries_list(queries, &selection, 'i', filter->limit, list_row, NULL, out);
}

/* Both kinds give: is_alert, time, id, text or document, return period, dimension, rule, priority.
 */
static const char timeline_sql[] =
	"SELECT 0, time_ns, id, (SELECT document FROM anomaly_documents AS d"
	" WHERE d.id = anomalies.id), return_period_s, dimension, NULL, NULL"
	" FROM anomalies WHERE incident = ?1 AND incident != 0"
	" UNION ALL SELECT 1, time_ns, id, message, NULL, NULL, rule, priority"
	" FROM alerts WHERE incident = ?1 AND incident != 0"
	" ORDER BY 2, 1, 3 LIMIT ?2";

static cJSON *anomaly_entry(sqlite3_stmt *s)
{
	static const char *const needed[] = {"reason", NULL};
	cJSON *entry = cJSON_CreateObject();
	cJSON *document = queries_document(column_text(s, 3), needed);

	json_add_time(entry, "time", column_u64(s, 1));
	json_add_text(entry, "kind", TEXT("anomaly"));
	json_add_id(entry, "id", 'a', column_u64(s, 2));
	json_add_item(entry, "text", cJSON_DetachItemFromObjectCaseSensitive(document, "reason"));
	json_add_double(entry, "return_period_s", sqlite3_column_double(s, 4));
	json_add_text(entry, "dimension", column_text(s, 5));
	json_add_null(entry, "rule");
	json_add_null(entry, "priority");
	cJSON_Delete(document);
	return entry;
}

static cJSON *alert_entry(sqlite3_stmt *s)
{
	cJSON *entry = cJSON_CreateObject();

	json_add_time(entry, "time", column_u64(s, 1));
	json_add_text(entry, "kind", TEXT("alert"));
	json_add_id(entry, "id", 'l', column_u64(s, 2));
	json_add_text(entry, "text", column_text(s, 3));
	json_add_null(entry, "return_period_s");
	json_add_null(entry, "dimension");
	json_add_text(entry, "rule", column_text(s, 6));
	json_add_text(entry, "priority",
		      text_from(alert_priority_name((enum alert_priority)column_u64(s, 7))));
	return entry;
}

static int add_timeline(sqlite3 *db, uint64_t id, cJSON *incident)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	cJSON *timeline = json_add_array(incident, "timeline");
	int r = database_prepare(db, timeline_sql, &statement);

	if (r)
		return r;
	bind_u64(statement, 1, id);
	sqlite3_bind_int(statement, 2, TIMELINE_MAX);
	while ((r = database_next(statement)) == 1) {
		cJSON *entry = sqlite3_column_int(statement, 0) ? alert_entry(statement)
								: anomaly_entry(statement);

		if (!cJSON_AddItemToArray(timeline, entry))
			return -ENOMEM;
	}
	return r;
}

static int read_document(sqlite3 *db, uint64_t id, cJSON **out)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(db, "SELECT document, from_ns, to_ns FROM incidents WHERE id = ?1",
				 &statement);

	if (r)
		return r;
	bind_u64(statement, 1, id);
	r = database_next(statement);
	if (r == 1)
		*out = incident_document(db, column_text(statement, 0), column_u64(statement, 1),
					 column_u64(statement, 2));
	return r == 0 ? -ENOENT : MIN(r, 0);
}

int queries_incident(struct queries *queries, uint64_t id, cJSON **out)
{
	sqlite3 *db = queries_db(queries);
	cJSON *incident = NULL;
	int r = read_document(db, id, &incident);

	if (r == -ENOENT)
		return r;
	if (r == 0)
		r = add_timeline(db, id, incident);
	if (r) {
		cJSON_Delete(incident);
		return queries_failed(queries, r);
	}
	*out = incident;
	return 0;
}
