/* The file that a capture is written to. Whole blocks collect in memory and go out together, so
 * that whatever ends the program leaves a file that readers take up to the last time. A compressed
 * file is a row of complete gzip members, one each time, for the same reason. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct scap_file;

/* Begin the file at `path`, "-" for stdout; one that exists is overwritten, one that is made is
 * for its owner only. Logs and gives -errno when it cannot be opened, -ENOMEM. */
int scap_file_create(struct scap_file **out, const char *path, bool is_gzip);
/* Gives up what was not flushed. */
void scap_file_destroy(struct scap_file **file);

/* Append `len` bytes of whole blocks. After a failure, which is logged once, everything is refused
 * with the same -errno and the file ends with the last flush that succeeded (where it can be cut).
 */
int scap_file_append(struct scap_file *file, const void *blocks, uint32_t len);
int scap_file_flush(struct scap_file *file);
/* The end is near: from now on, and after a write that a signal cut short, a reader of a pipe that
 * takes nothing for ten seconds is a failure, -ETIMEDOUT. */
void scap_file_hurry(struct scap_file *file);
/* Flush, and have it on the disk. */
int scap_file_sync(struct scap_file *file);

/* Bytes in the file, as far as flushed. */
uint64_t scap_file_bytes(const struct scap_file *file);
