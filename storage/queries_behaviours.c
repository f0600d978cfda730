#include <stdlib.h>

#include "base/json_text.h"
#include "base/util.h"
#include "storage/queries_internal.h"

/* The stored key is a JSON array of shown texts; the snapshot holds bytes. */
static void parse_key(struct text stored, struct snapshot_pool *pool, struct record_key *key)
{
	cJSON *array = cJSON_ParseWithLength(stored.ptr ? stored.ptr : "", stored.len), *field;

	cJSON_ArrayForEach(field, array)
	{
		struct text shown = text_from(cJSON_GetStringValue(field));
		SCOPED(free_ptr) char *bytes = malloc((size_t)shown.len + 1);
		uint32_t len;

		if (key->n == RECORD_KEY_MAX || !bytes || !json_text_decode(shown, bytes, &len))
			break;
		key->fields[key->n++] = snapshot_text(pool, (struct text){bytes, len});
	}
	cJSON_Delete(array);
}

static int resolve(sqlite3_stmt *statement, uint64_t workload_id, struct snapshot_pool *pool,
		   struct snapshot_behaviour *behaviour)
{
	int r;

	bind_u64(statement, 1, workload_id);
	bind_text(statement, 2, behaviour->dimension);
	bind_u64(statement, 3, behaviour->fingerprint);
	r = database_next(statement);
	if (r == 1 && behaviour->key.n == 0)
		parse_key(column_text(statement, 0), pool, &behaviour->key);
	if (r == 1 && behaviour->first_seen_ns == 0)
		behaviour->first_seen_ns = column_u64(statement, 1);
	sqlite3_reset(statement);
	return MIN(r, 0);
}

static int resolve_all(sqlite3 *db, uint64_t workload_id, struct snapshot_behaviours *behaviours)
{
	static const char sql[] = "SELECT key, first_ns FROM behaviours WHERE workload = ?1"
				  " AND dimension = ?2 AND fingerprint = ?3";
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(db, sql, &statement);

	for (uint32_t i = 0; r == 0 && i < behaviours->n; i++) {
		struct snapshot_behaviour *behaviour = &behaviours->items[i];

		if (behaviour->key.n == 0 || behaviour->first_seen_ns == 0)
			r = resolve(statement, workload_id, &behaviours->pool, behaviour);
	}
	return r;
}

int queries_behaviour_texts(struct queries *queries, uint64_t workload_id,
			    struct snapshot_behaviours *behaviours)
{
	int r = resolve_all(queries_db(queries), workload_id, behaviours);

	return r ? queries_failed(queries, r) : 0;
}
