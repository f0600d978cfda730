/* Events, tasks and descriptors as bytes of the capture format. Pure; used by scap_write.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"
#include "capture/scap_block.h"
#include "capture/scap_write.h"

/* Limits of readers, the closing NUL counted. */
#define SCAP_TEXT_MAX 1024 /* names and paths in state blocks */
#define SCAP_LIST_MAX 4096 /* args, env, cgroups in state blocks */
#define SCAP_USER_MAX 256  /* texts of users */
#define SCAP_PARAM_TEXT_MAX 4096
#define SCAP_PARAM_BYTES_MAX 16000
#define SCAP_GENERIC_MAX 328 /* highest call code that sysdig 0.29.3 takes */

/* Whole bodies; begin and end are the caller's. *clipped counts what was cut. */
void scap_encode_section(struct scap_block *block);
void scap_encode_machine(struct scap_block *block, const struct scap_machine *machine,
			 struct text hostname, uint64_t *clipped);

/* One entry each. False: it does not fit the block and was taken back. */
bool scap_encode_interface(struct scap_block *block, const struct host_address *address,
			   uint64_t *clipped);
bool scap_encode_user(struct scap_block *block, const struct host_user *user, uint64_t *clipped);
bool scap_encode_group(struct scap_block *block, const struct host_group *group, uint64_t *clipped);
bool scap_encode_task(struct scap_block *block, const struct task_facts *task, uint64_t *clipped);
bool scap_encode_fd(struct scap_block *block, const struct event *ev, uint64_t *clipped);

#define SCAP_FLAG_STATE_ONLY 1u

/* One event block of capture type `id`. */
struct scap_event {
	uint64_t ts_ns;
	int64_t tid;
	uint16_t cpu;
	uint16_t id;
	uint32_t flags;             /* 0 or SCAP_FLAG_STATE_ONLY */
	bool is_positional;         /* params are in the type's order, not in the event's */
	const struct param *params; /* completed */
};

void scap_encode_event(struct scap_block *block, const struct scap_event *event, uint64_t *clipped);
