/* What the reader must remember of the tasks of a capture: which process a thread belongs to, what
 * its unfinished call was, and who told first of a new task. Bounded. */
#pragma once

#include "capture/scap_record.h"

#define SCAP_TID_MAX (INT32_C(1) << 22) /* the kernel's own limit */
#define SCAP_ENTERS_BYTES_MAX (UINT64_C(64) << 20)

struct scap_tasks;

/* An enter event, with its values. */
struct scap_enter {
	struct scap_record record;
	uint32_t capacity;
	char bytes[];
};

struct scap_task {
	int32_t pid;          /* thread group id; 0 unknown */
	bool told_by_itself;  /* its creator's return is still to come */
	bool told_by_creator; /* its own return is still to come */
	bool has_enter;
	struct scap_enter *enter;
};

int scap_tasks_create(struct scap_tasks **out);
void scap_tasks_destroy(struct scap_tasks **tasks);

/* Forget everything. */
void scap_tasks_clear(struct scap_tasks *tasks);

/* The task, made if need be; NULL: no such number can be, or no memory. */
struct scap_task *scap_tasks_get(struct scap_tasks *tasks, int32_t tid);

/* The process of a thread; the number itself where it is not known. */
int32_t scap_tasks_pid(struct scap_tasks *tasks, int32_t tid);

/* Keep an enter event. False: there is no room for it. */
bool scap_tasks_keep_enter(struct scap_tasks *tasks, const struct scap_record *record);

/* The kept enter event that belongs to an exit event, NULL without. It is gone with the next call
 * for that task. */
const struct scap_record *scap_tasks_take_enter(struct scap_tasks *tasks,
						const struct scap_record *leave);

/* The task ended. */
void scap_tasks_end(struct scap_tasks *tasks, int32_t tid);
