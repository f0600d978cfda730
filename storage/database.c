#include "storage/database.h"

#include <errno.h>

int database_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return -EINVAL;
	case SQLITE_TOOBIG:
		return -E2BIG;
	default:
		return -EIO;
	}
}

int database_exec(sqlite3 *db, const char *sql)
{
	return database_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return database_errno(sqlite3_prepare_v2(db, sql, -1, out, NULL));
}

void database_finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
	*statement = NULL;
}

int database_next(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	return code == SQLITE_ROW ? 1 : database_errno(code);
}

int database_run(sqlite3_stmt *statement)
{
	int r = database_errno(sqlite3_step(statement));

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return r;
}

int database_get(sqlite3 *db, const char *sql, int64_t *out)
{
	__attribute__((cleanup(database_finalize))) sqlite3_stmt *statement = NULL;
	int r = database_prepare(db, sql, &statement);

	if (r == 0)
		r = database_next(statement);
	if (r < 0)
		return r;
	*out = r == 1 ? sqlite3_column_int64(statement, 0) : 0;
	return 0;
}

void bind_u64(sqlite3_stmt *statement, int at, uint64_t value)
{
	sqlite3_bind_int64(statement, at, (sqlite3_int64)value);
}

void bind_text(sqlite3_stmt *statement, int at, struct text value)
{
	sqlite3_bind_text(statement, at, value.len ? value.ptr : "", (int)value.len, SQLITE_STATIC);
}

void bind_blob(sqlite3_stmt *statement, int at, struct text value)
{
	sqlite3_bind_blob64(statement, at, value.len ? value.ptr : "", value.len, SQLITE_STATIC);
}

uint64_t column_u64(sqlite3_stmt *statement, int at)
{
	return (uint64_t)sqlite3_column_int64(statement, at);
}

struct text column_text(sqlite3_stmt *statement, int at)
{
	const void *ptr = sqlite3_column_blob(statement, at);

	return (struct text){ptr, ptr ? (uint32_t)sqlite3_column_bytes(statement, at) : 0};
}
