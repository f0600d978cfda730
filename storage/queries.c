#include "storage/queries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/log.h"
#include "base/util.h"
#include "storage/queries_internal.h"
#include "storage/records_json.h"

#define LIMIT_DEFAULT 100
#define CURSOR_LEN 33 /* letter, key, id */

struct queries {
	char *path;
	char *host; /* NULL: unknown */
	sqlite3 *db;
};

static int connect(struct queries *queries)
{
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int r = database_errno(sqlite3_open_v2(queries->path, &queries->db, flags, NULL));

	if (r == 0) {
		sqlite3_busy_timeout(queries->db, 2000); /* while the log is recovered */
		r = database_exec(queries->db,
				  "PRAGMA cache_size = -256; PRAGMA temp_store = MEMORY;"
				  "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
	}
	if (r)
		return log_err_r(r, "database '%s': cannot open for reading: %s", queries->path,
				 queries->db ? sqlite3_errmsg(queries->db) : "out of memory");
	return 0;
}

int queries_open(struct queries **out, const char *path, const char *host)
{
	SCOPED(queries_close) struct queries *queries = calloc(1, sizeof(*queries));
	int r;

	if (!queries)
		return -ENOMEM;
	queries->path = strdup(path);
	queries->host = host ? strdup(host) : NULL;
	if (!queries->path || (host && !queries->host))
		return -ENOMEM;
	r = connect(queries);
	if (r)
		return r;
	*out = TAKE(queries);
	return 0;
}

void queries_close(struct queries **queries_ptr)
{
	struct queries *queries = TAKE(*queries_ptr);

	if (!queries)
		return;
	sqlite3_close(queries->db);
	free(queries->host);
	free(queries->path);
	free(queries);
}

sqlite3 *queries_db(struct queries *queries)
{
	return queries->db;
}

const char *queries_host(const struct queries *queries)
{
	return queries->host;
}

int queries_failed(struct queries *queries, int r)
{
	return log_err_r(r, "database '%s': cannot read: %s", queries->path,
			 sqlite3_errmsg(queries->db));
}

int queries_find(struct queries *queries, const char *sql, uint64_t id, sqlite3_stmt **out)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(queries->db, sql, &statement);

	if (r == 0) {
		bind_u64(statement, 1, id);
		r = database_next(statement);
	}
	if (r < 0)
		return queries_failed(queries, r);
	if (r == 0)
		return -ENOENT;
	*out = TAKE(statement);
	return 0;
}

void selection_begin(struct selection *selection, const char *sql)
{
	*selection = (struct selection){0};
	selection->len = (uint32_t)snprintf(selection->sql, sizeof(selection->sql), "%s", sql);
}

static void append(struct selection *selection, const char *before, const char *sql)
{
	int n = snprintf(selection->sql + selection->len, sizeof(selection->sql) - selection->len,
			 "%s%s", before, sql);

	selection->len += (uint32_t)n;
	if (selection->len >= sizeof(selection->sql))
		abort(); /* our own texts: the longest is tested */
}

static struct selection_value *add_value(struct selection *selection)
{
	if (selection->n_values == SELECTION_VALUES_MAX)
		abort();
	return &selection->values[selection->n_values++];
}

void selection_and_u64(struct selection *selection, const char *condition, uint64_t value)
{
	append(selection, " AND ", condition);
	*add_value(selection) = (struct selection_value){VALUE_INTEGER, .integer = value};
}

void selection_and_time(struct selection *selection, const char *condition, uint64_t ns)
{
	if (ns)
		selection_and_u64(selection, condition, MIN(ns, INT64_MAX));
}

void selection_and_real(struct selection *selection, const char *condition, double value)
{
	append(selection, " AND ", condition);
	*add_value(selection) = (struct selection_value){VALUE_REAL, .real = value};
}

void selection_and_text(struct selection *selection, const char *condition, struct text value)
{
	append(selection, " AND ", condition);
	*add_value(selection) = (struct selection_value){VALUE_TEXT, .text = value};
}

void selection_and_blob(struct selection *selection, const char *condition, struct text value)
{
	append(selection, " AND ", condition);
	*add_value(selection) = (struct selection_value){VALUE_BLOB, .text = value};
}

uint64_t selection_real_key(double value)
{
	uint64_t key;

	value = value > 0 ? value : 0;
	memcpy(&key, &value, sizeof(key));
	return key;
}

static bool parse_cursor(struct text cursor, char kind, uint64_t *key, uint64_t *id)
{
	return cursor.len == CURSOR_LEN && cursor.ptr[0] == kind &&
	       hex16_parse((struct text){cursor.ptr + 1, 16}, key) &&
	       hex16_parse((struct text){cursor.ptr + 17, 16}, id);
}

uint32_t queries_limit(uint32_t limit)
{
	return limit == 0 ? LIMIT_DEFAULT : MIN(limit, QUERIES_LIMIT_MAX);
}

int selection_page(struct selection *selection, const char *column, char kind, struct text cursor,
		   uint32_t limit)
{
	bool is_real = strcmp(column, "return_period_s") == 0;
	char sql[128];
	uint64_t key, id;
	double real;

	if (cursor.len) {
		if (!parse_cursor(cursor, kind, &key, &id))
			return -EINVAL;
		memcpy(&real, &key, sizeof(real));
		snprintf(sql, sizeof(sql), "(%s, id) < (?, ?)", column);
		if (is_real)
			selection_and_real(selection, sql, real);
		else
			selection_and_u64(selection, sql, key);
		*add_value(selection) = (struct selection_value){VALUE_INTEGER, .integer = id};
	}
	/* One more than asked for tells whether there is a next page. */
	snprintf(sql, sizeof(sql), "%s DESC, id DESC LIMIT %u", column, queries_limit(limit) + 1);
	append(selection, " ORDER BY ", sql);
	return 0;
}

int selection_prepare(const struct selection *selection, sqlite3 *db, sqlite3_stmt **out)
{
	int r = database_prepare(db, selection->sql, out);

	for (uint32_t i = 0; r == 0 && i < selection->n_values; i++) {
		const struct selection_value *value = &selection->values[i];

		if (value->kind == VALUE_INTEGER)
			bind_u64(*out, (int)i + 1, value->integer);
		else if (value->kind == VALUE_REAL)
			sqlite3_bind_double(*out, (int)i + 1, value->real);
		else if (value->kind == VALUE_TEXT)
			bind_text(*out, (int)i + 1, value->text);
		else
			bind_blob(*out, (int)i + 1, value->text);
	}
	return r;
}

static void add_cursor(cJSON *list, char kind, uint64_t key, uint64_t id)
{
	char cursor[CURSOR_LEN + 1];

	cursor[0] = kind;
	hex16_print(key, cursor + 1);
	hex16_print(id, cursor + 17);
	json_add_item(list, "next", cJSON_CreateString(cursor));
}

int queries_list(struct queries *queries, const struct selection *selection, char kind,
		 uint32_t limit, queries_row_fn *row, void *arg, cJSON **out)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	cJSON *list = cJSON_CreateObject(), *items = json_add_array(list, "items");
	uint64_t key = 0, id = 0;
	uint32_t n = 0;
	int r = selection_prepare(selection, queries->db, &statement);

	while (r == 0 && (r = database_next(statement)) == 1) {
		cJSON *item;

		r = 0;
		if (n++ == queries_limit(limit)) {
			add_cursor(list, kind, key, id);
			break;
		}
		item = row(statement, &key, &id, arg);
		if (!cJSON_AddItemToArray(items, item))
			r = -ENOMEM;
	}
	if (r) {
		cJSON_Delete(list);
		return queries_failed(queries, r);
	}
	if (n <= queries_limit(limit))
		json_add_null(list, "next");
	*out = list;
	return 0;
}

cJSON *queries_document(struct text document, const char *const *names)
{
	cJSON *object = cJSON_ParseWithLength(document.ptr ? document.ptr : "", document.len);

	if (!cJSON_IsObject(object)) {
		cJSON_Delete(object);
		object = cJSON_CreateObject();
	}
	for (; *names; names++) {
		if (!cJSON_GetObjectItemCaseSensitive(object, *names))
			json_add_null(object, *names);
	}
	return object;
}

void queries_replace(cJSON *object, const char *name, cJSON *item)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	json_add_item(object, name, item);
}

static cJSON *gap_row(sqlite3_stmt *statement)
{
	struct record_gap gap = {
		.from_ns = column_u64(statement, 0),
		.to_ns = column_u64(statement, 1),
		.reason = column_text(statement, 2),
		.events = sqlite3_column_type(statement, 3) == SQLITE_NULL
				  ? GAP_EVENTS_UNKNOWN
				  : column_u64(statement, 3),
		.detail = column_text(statement, 4),
	};

	return gap_json(&gap);
}

int queries_gaps_on(sqlite3 *db, uint64_t from_ns, uint64_t to_ns, uint32_t limit, cJSON *array)
{
	static const char sql[] = "SELECT from_ns, to_ns, reason, events, detail FROM gaps"
				  " WHERE to_ns >= ?1 AND from_ns <= ?2"
				  " ORDER BY to_ns DESC, id DESC LIMIT ?3";
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(db, sql, &statement);

	if (r)
		return r;
	bind_u64(statement, 1, MIN(from_ns, INT64_MAX));
	bind_u64(statement, 2, MIN(to_ns, INT64_MAX));
	bind_u64(statement, 3, queries_limit(limit));
	while ((r = database_next(statement)) == 1) {
		if (!cJSON_AddItemToArray(array, gap_row(statement)))
			return -ENOMEM;
	}
	return r;
}

/* Events of the gaps that are known. */
static double sum_lost(const cJSON *gaps)
{
	const cJSON *gap;
	double lost = 0;

	cJSON_ArrayForEach(gap, gaps)
	{
		const cJSON *events = cJSON_GetObjectItemCaseSensitive(gap, "events");

		lost += cJSON_IsNumber(events) ? events->valuedouble : 0;
	}
	return lost;
}

void queries_mark_quality(sqlite3 *db, cJSON *quality, uint64_t from_ns, uint64_t to_ns)
{
	cJSON *gaps = cJSON_GetObjectItemCaseSensitive(quality, "gaps");
	const cJSON *known = cJSON_GetObjectItemCaseSensitive(quality, "lost_events");
	double lost = cJSON_IsNumber(known) ? known->valuedouble : 0;

	from_ns -= MIN(from_ns, QUALITY_WINDOW_NS);
	if (!cJSON_IsArray(gaps) || queries_gaps_on(db, from_ns, to_ns, GAPS_MAX, gaps) ||
	    cJSON_GetArraySize(gaps) == 0)
		return;
	queries_replace(quality, "lost_events", cJSON_CreateNumber(MAX(lost, sum_lost(gaps))));
	queries_replace(quality, "complete", cJSON_CreateFalse());
}

int queries_gaps(struct queries *queries, uint64_t from_ns, uint64_t to_ns, uint32_t limit,
		 cJSON **out)
{
	cJSON *array = cJSON_CreateArray();
	int r = queries_gaps_on(queries->db, from_ns, to_ns, limit, array);

	if (r) {
		cJSON_Delete(array);
		return queries_failed(queries, r);
	}
	*out = array;
	return 0;
}
