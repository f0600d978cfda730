#include "capture/scap_tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define PAGE_TASKS 1024
#define PAGES (SCAP_TID_MAX / PAGE_TASKS)

struct scap_tasks {
	struct scap_task *pages[PAGES];
	uint64_t enter_bytes;
};

int scap_tasks_create(struct scap_tasks **out)
{
	struct scap_tasks *tasks = calloc(1, sizeof(*tasks));

	if (!tasks)
		return -ENOMEM;
	*out = tasks;
	return 0;
}

static void free_enter(struct scap_tasks *tasks, struct scap_task *task)
{
	if (!task->enter)
		return;
	tasks->enter_bytes -= sizeof(*task->enter) + task->enter->capacity;
	free(task->enter);
	task->enter = NULL;
	task->has_enter = false;
}

void scap_tasks_clear(struct scap_tasks *tasks)
{
	for (int i = 0; i < PAGES; i++) {
		for (int k = 0; tasks->pages[i] && k < PAGE_TASKS; k++)
			free_enter(tasks, &tasks->pages[i][k]);
		free(tasks->pages[i]);
		tasks->pages[i] = NULL;
	}
}

void scap_tasks_destroy(struct scap_tasks **tasks)
{
	if (!*tasks)
		return;
	scap_tasks_clear(*tasks);
	free(*tasks);
	*tasks = NULL;
}

static struct scap_task *find(const struct scap_tasks *tasks, int32_t tid)
{
	struct scap_task *page;

	if (tid <= 0 || tid >= SCAP_TID_MAX)
		return NULL;
	page = tasks->pages[tid / PAGE_TASKS];
	return page ? &page[tid % PAGE_TASKS] : NULL;
}

struct scap_task *scap_tasks_get(struct scap_tasks *tasks, int32_t tid)
{
	struct scap_task **page;

	if (tid <= 0 || tid >= SCAP_TID_MAX)
		return NULL;
	page = &tasks->pages[tid / PAGE_TASKS];
	if (!*page)
		*page = calloc(PAGE_TASKS, sizeof(**page));
	return *page ? &(*page)[tid % PAGE_TASKS] : NULL;
}

int32_t scap_tasks_pid(struct scap_tasks *tasks, int32_t tid)
{
	const struct scap_task *task = find(tasks, tid);

	return task && task->pid ? task->pid : tid;
}

static uint32_t values_bytes(const struct scap_record *record)
{
	uint64_t bytes = 0; /* of a block, so that it fits */

	for (uint32_t i = 0; i < record->n; i++)
		bytes += record->values[i].len;
	return (uint32_t)bytes;
}

/* Room for len bytes of values; what is there is kept where it is enough. */
static bool make_room(struct scap_tasks *tasks, struct scap_task *task, uint32_t len)
{
	uint32_t capacity = MAX(len, 64u);

	if (task->enter && task->enter->capacity >= len)
		return true;
	free_enter(tasks, task);
	if (tasks->enter_bytes + sizeof(*task->enter) + capacity > SCAP_ENTERS_BYTES_MAX)
		return false;
	task->enter = malloc(sizeof(*task->enter) + capacity);
	if (!task->enter)
		return false;
	task->enter->capacity = capacity;
	tasks->enter_bytes += sizeof(*task->enter) + capacity;
	return true;
}

bool scap_tasks_keep_enter(struct scap_tasks *tasks, const struct scap_record *record)
{
	struct scap_task *task = scap_tasks_get(tasks, record->tid);
	struct scap_record *kept;
	uint32_t used = 0;

	if (!task)
		return false;
	task->has_enter = false;
	if (!make_room(tasks, task, values_bytes(record)))
		return false;
	kept = &task->enter->record;
	*kept = *record;
	for (uint32_t i = 0; i < kept->n; i++) {
		struct text *value = &kept->values[i];

		if (value->len)
			memcpy(task->enter->bytes + used, value->ptr, value->len);
		value->ptr = task->enter->bytes + used;
		used += value->len;
	}
	task->has_enter = true;
	return true;
}

const struct scap_record *scap_tasks_take_enter(struct scap_tasks *tasks,
						const struct scap_record *leave)
{
	struct scap_task *task = find(tasks, leave->tid);

	if (!task || !task->has_enter)
		return NULL;
	task->has_enter = false;
	return task->enter->record.type + 1 == leave->type ? &task->enter->record : NULL;
}

void scap_tasks_end(struct scap_tasks *tasks, int32_t tid)
{
	struct scap_task *task = find(tasks, tid);

	if (!task)
		return;
	free_enter(tasks, task);
	task->pid = 0;
	task->told_by_creator = false;
}
