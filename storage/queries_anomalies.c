#include "base/json_text.h"
#include "base/util.h"
#include "storage/queries_internal.h"

static const char *const members[] = {
	"id",
	"time",
	"last_seen",
	"occurrences",
	"state",
	"workload",
	"dimension",
	"key",
	"level",
	"novel",
	"seen_before",
	"return_period_s",
	"return_period_basis_s",
	"return_period_capped",
	"above_threshold",
	"coverage",
	"reason",
	"usual",
	"process",
	"event",
	"incident",
	"feedback",
	"data_quality",
	NULL,
};

#define COLUMNS                                                                                    \
	"SELECT id, time_ns, last_ns, occurrences, state, above, return_period_s, incident,"       \
	" (SELECT document FROM anomaly_documents AS d WHERE d.id = anomalies.id) FROM anomalies"

static void replace_id(cJSON *object, const char *name, char letter, uint64_t id)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	json_add_id(object, name, letter, id);
}

/* The document as it was first written, with what the columns know better. */
static cJSON *row_json(sqlite3_stmt *s, sqlite3 *db)
{
	cJSON *anomaly = queries_document(column_text(s, 8), members);
	uint64_t last_ns = column_u64(s, 2);
	char text[TIME_TEXT_BYTES];

	replace_id(anomaly, "id", 'a', column_u64(s, 0));
	queries_replace(anomaly, "last_seen", cJSON_CreateString(time_print(last_ns, text)));
	queries_replace(anomaly, "occurrences",
			cJSON_CreateNumber((double)sqlite3_column_int64(s, 3)));
	queries_replace(anomaly, "state", cJSON_CreateString(anomaly_state_name(column_u64(s, 4))));
	queries_replace(anomaly, "above_threshold", cJSON_CreateBool(sqlite3_column_int(s, 5)));
	queries_replace(anomaly, "return_period_s",
			cJSON_CreateNumber(sqlite3_column_double(s, 6)));
	replace_id(anomaly, "incident", 'i', column_u64(s, 7));
	queries_mark_quality(db, cJSON_GetObjectItemCaseSensitive(anomaly, "data_quality"),
			     column_u64(s, 1), last_ns);
	return anomaly;
}

static cJSON *list_row(sqlite3_stmt *s, uint64_t *key, uint64_t *id, void *filter_arg)
{
	const struct anomaly_filter *filter = filter_arg;
	cJSON *anomaly = row_json(s, sqlite3_db_handle(s));

	cJSON_DeleteItemFromObjectCaseSensitive(anomaly, "explanation");
	*id = column_u64(s, 0);
	*key = filter->below_threshold ? selection_real_key(sqlite3_column_double(s, 6))
				       : column_u64(s, 1);
	return anomaly;
}

static int select_anomalies(struct selection *selection, const struct anomaly_filter *filter)
{
	selection_begin(selection, COLUMNS " WHERE true");
	selection_and_u64(selection, "above = ?", !filter->below_threshold);
	selection_and_time(selection, "time_ns >= ?", filter->since_ns);
	selection_and_time(selection, "time_ns < ?", filter->until_ns);
	if (filter->workload_id)
		selection_and_u64(selection, "workload = ?", filter->workload_id);
	if (filter->dimension.len)
		selection_and_text(selection, "dimension = ?", filter->dimension);
	if (filter->min_return_period_s > 0)
		selection_and_real(selection, "return_period_s >= ?", filter->min_return_period_s);
	if (filter->state >= 0)
		selection_and_u64(selection, "state = ?", (uint64_t)filter->state);
	if (filter->incident)
		selection_and_u64(selection, "incident = ? AND incident != 0", filter->incident);
	return filter->below_threshold
		       ? selection_page(selection, "return_period_s", 'b', filter->cursor,
					filter->limit)
		       : selection_page(selection, "time_ns", 'a', filter->cursor, filter->limit);
}

int queries_anomalies(struct queries *queries, const struct anomaly_filter *filter, cJSON **out)
{
	struct selection selection;
	int r = select_anomalies(&selection, filter);

	if (r)
		return r;
	return queries_list(queries, &selection, filter->below_threshold ? 'b' : 'a', filter->limit,
			    list_row, (void *)filter, out);
}

int queries_anomaly(struct queries *queries, uint64_t id, cJSON **out)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = queries_find(queries, COLUMNS " WHERE id = ?1", id, &statement);

	if (r)
		return r;
	*out = row_json(statement, queries_db(queries));
	if (!cJSON_GetObjectItemCaseSensitive(*out, "explanation"))
		json_add_null(*out, "explanation");
	return 0;
}
