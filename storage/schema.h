/* The database's schema and how older ones become it. The version is PRAGMA user_version, 0 for an
 * empty file; step i takes version i to i + 1. Steps are only ever appended. */
#pragma once

#include <sqlite3.h>

struct schema {
	const char *const *steps; /* SQL, one transaction each */
	int n_steps;              /* the version they lead to */
};

extern const struct schema schema_current;

/* -EPROTO, logged, when the program is too old for db. Only reads, so that nothing of a newer file
 * is touched; a file that cannot be read is no newer one. */
int schema_refuse_newer(sqlite3 *db, const char *path, const struct schema *schema);

/* Bring db up to date, each step in a transaction of its own with its version. path is for the log.
 * 0; -EPROTO newer than the program; -ENOSPC, ...: logged, db is at the last step that succeeded.
 */
int schema_migrate(sqlite3 *db, const char *path, const struct schema *schema);
