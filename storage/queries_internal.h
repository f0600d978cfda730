/* What the files of the queries share: a WHERE clause put together from the filters that are set,
 * and cursors. */
#pragma once

#include <cjson/cJSON.h>
#include <sqlite3.h>

#include "storage/database.h"
#include "storage/queries.h"

sqlite3 *queries_db(struct queries *queries);
const char *queries_host(const struct queries *queries);

/* Log a failure to read and give the error back. */
int queries_failed(struct queries *queries, int r);

/* Run a SELECT for the row that ?1 names. 0 and gives *out, which stands on the row and is to be
 * finalized; -ENOENT, or an error that is logged. */
int queries_find(struct queries *queries, const char *sql, uint64_t id, sqlite3_stmt **out);

#define SELECTION_VALUES_MAX 12

struct selection {
	char sql[1536];
	uint32_t len;
	uint32_t n_values;
	struct selection_value {
		enum { VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_BLOB } kind;
		uint64_t integer;
		double real;
		struct text text;
	} values[SELECTION_VALUES_MAX];
};

/* Begin with "SELECT ... FROM ... WHERE true". */
void selection_begin(struct selection *selection, const char *sql);

/* Append " AND " and a condition with one "?" for the value. */
void selection_and_u64(struct selection *selection, const char *condition, uint64_t value);
/* Where 0 means that there is no bound. */
void selection_and_time(struct selection *selection, const char *condition, uint64_t ns);
void selection_and_real(struct selection *selection, const char *condition, double value);
void selection_and_text(struct selection *selection, const char *condition, struct text value);
void selection_and_blob(struct selection *selection, const char *condition, struct text value);

/* " AND (column, id) < (?, ?) ORDER BY column DESC, id DESC LIMIT ?" as the cursor says; kind is
 * the list's letter, so that cursors of other lists are refused: -EINVAL. */
int selection_page(struct selection *selection, const char *column, char kind, struct text cursor,
		   uint32_t limit);

/* As sort keys in cursors. Positive doubles order like their bits. */
uint64_t selection_real_key(double value);

int selection_prepare(const struct selection *selection, sqlite3 *db, sqlite3_stmt **out);

uint32_t queries_limit(uint32_t limit);

/* Row of a list: 0 and gives an item (NULL without memory) with its sort key and id. */
typedef cJSON *queries_row_fn(sqlite3_stmt *statement, uint64_t *key, uint64_t *id, void *arg);

/* Run a selection that ended with selection_page() and make the list object. */
int queries_list(struct queries *queries, const struct selection *selection, char kind,
		 uint32_t limit, queries_row_fn *row, void *arg, cJSON **out);

/* The stored document with its missing members as null; names ends with NULL. */
cJSON *queries_document(struct text document, const char *const *names);

/* Gaps shown with one anomaly or incident. */
#define GAPS_MAX 16

/* Quote in quality, which has an array "gaps", what was not seen from QUALITY_WINDOW_NS before
 * from_ns until to_ns; complete and lost_events follow from it. Left alone on failure. */
void queries_mark_quality(sqlite3 *db, cJSON *quality, uint64_t from_ns, uint64_t to_ns);

/* Append gaps that overlap [from_ns, to_ns] to array. Does not log. */
int queries_gaps_on(sqlite3 *db, uint64_t from_ns, uint64_t to_ns, uint32_t limit, cJSON *array);

/* Replace a member. */
void queries_replace(cJSON *object, const char *name, cJSON *item);
