/* How each kind of record is written into its tables: prepared statements, one call a record,
 * inside the caller's transaction. */
#pragma once

#include <sqlite3.h>

#include "storage/store.h"

struct rows;

int rows_create(struct rows **out, sqlite3 *db);
void rows_destroy(struct rows **rows);

/* Write a record; WRITE_COMMIT writes nothing. -EINVAL, -E2BIG: only this record cannot be stored,
 * the transaction stands; any other error: roll back. */
int rows_write(struct rows *rows, enum write_kind kind, const void *record);

/* Bytes that stored events take, kept count of; counted anew after a transaction that failed. */
uint64_t rows_event_bytes(const struct rows *rows);
int rows_count_events(struct rows *rows);
void rows_forgot_events(struct rows *rows, uint64_t bytes);

/* Note in meta when the checkpoint was taken that the transaction ends. */
int rows_note_checkpoint(struct rows *rows, uint64_t now_ns, uint64_t boot_ns);
