/* One instance a database: an exclusive lock on PATH.lock, held until it is closed or the process
 * dies. The file stays; it holds the owner's pid for the message that the other one gets. */
#pragma once

/* Lock for the database at path. Gives a descriptor that holds the lock. -EBUSY: another instance
 * has it. Logs on failure. */
int lock_file_take(const char *path, int *out);
