#include "base/util.h"
#include "storage/queries_internal.h"
#include "storage/records_json.h"

#define COLUMNS                                                                                    \
	"SELECT id, time_ns, priority, rule, source, workload, workload_name, incident, pid,"      \
	" start_ns, tags, message, output_fields FROM alerts"

static cJSON *row_json(sqlite3_stmt *s, const char *host)
{
	struct record_alert alert = {
		.id = column_u64(s, 0),
		.ts_ns = column_u64(s, 1),
		.priority = (enum alert_priority)column_u64(s, 2),
		.rule = column_text(s, 3),
		.source = column_text(s, 4),
		.workload_id = column_u64(s, 5),
		.workload_name = column_text(s, 6),
		.incident = column_u64(s, 7),
		.pid = sqlite3_column_int(s, 8),
		.start_time_ns = column_u64(s, 9),
		.tags = column_text(s, 10),
		.message = column_text(s, 11),
		.output_fields = column_text(s, 12),
	};

	return alert_json(&alert, host);
}

static cJSON *list_row(sqlite3_stmt *s, uint64_t *key, uint64_t *id, void *host)
{
	*id = column_u64(s, 0);
	*key = column_u64(s, 1);
	return row_json(s, host);
}

static int select_alerts(struct selection *selection, const struct alert_filter *filter)
{
	selection_begin(selection, COLUMNS " WHERE true");
	selection_and_time(selection, "time_ns >= ?", filter->since_ns);
	selection_and_time(selection, "time_ns < ?", filter->until_ns);
	if (filter->workload_id)
		selection_and_u64(selection, "workload = ?", filter->workload_id);
	if (filter->incident)
		selection_and_u64(selection, "incident = ? AND incident != 0", filter->incident);
	if (filter->rule.len)
		selection_and_blob(selection, "rule = ?", filter->rule);
	if (filter->most_urgent >= 0)
		selection_and_u64(selection, "priority >= ?", (uint64_t)filter->most_urgent);
	if (filter->least_urgent >= 0)
		selection_and_u64(selection, "priority <= ?", (uint64_t)filter->least_urgent);
	return selection_page(selection, "time_ns", 'l', filter->cursor, filter->limit);
}

int queries_alerts(struct queries *queries, const struct alert_filter *filter, cJSON **out)
{
	struct selection selection;
	int r = select_alerts(&selection, filter);

	if (r)
		return r;
	return queries_list(queries, &selection, 'l', filter->limit, list_row,
			    (void *)queries_host(queries), out);
}

int queries_alert(struct queries *queries, uint64_t id, cJSON **out)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = queries_find(queries, COLUMNS " WHERE id = ?1", id, &statement);

	if (r)
		return r;
	*out = row_json(statement, queries_host(queries));
	return 0;
}
