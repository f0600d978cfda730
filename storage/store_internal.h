/* What the files of the store share. The struct belongs to one thread at a time. */
#pragma once

#include <sqlite3.h>

#include "storage/rows.h"
#include "storage/store.h"

struct store {
	sqlite3 *db;
	char *path;
	int lock_fd;
	struct store_config config; /* path: the copy above */
	struct rows *rows;
	uint64_t events_forgotten; /* events that retention deleted */
	bool was_killed;           /* the last run did not close the database */
};
