/* Thin helpers over SQLite: errors as -errno, values bound by type, one place for the settings of a
 * connection. For storage/ alone. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* -errno for an SQLite result code; 0 for OK, ROW and DONE. */
int database_errno(int code);

/* Run one or more statements without results. Does not log. */
int database_exec(sqlite3 *db, const char *sql);

/* The first column of the first row of sql, 0 when there is none. */
int database_get(sqlite3 *db, const char *sql, int64_t *out);

/* Compile. Does not log. */
int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);

/* For SCOPED: finalize. */
void database_finalize(sqlite3_stmt **statement);

/* Step a statement that gives no rows and make it ready for the next run. */
int database_run(sqlite3_stmt *statement);

/* Step: 1 a row, 0 no more, -errno. */
int database_next(sqlite3_stmt *statement);

/* Bind by position from 1. 64-bit identifiers keep their bits in SQLite's signed integers. Texts
 * and blobs are borrowed until the statement is reset or bound again. */
void bind_u64(sqlite3_stmt *statement, int at, uint64_t value);
void bind_text(sqlite3_stmt *statement, int at, struct text value); /* never NULL */
void bind_blob(sqlite3_stmt *statement, int at, struct text value); /* never NULL */

uint64_t column_u64(sqlite3_stmt *statement, int at);
/* Valid until the next step. */
struct text column_text(sqlite3_stmt *statement, int at);
