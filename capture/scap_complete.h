/* The parameters of an event as a capture should have them: where the kernel's word and what is
 * known of the process stand in for what the event leaves out. Used by scap_write.c. */
#pragma once

#include "base/event.h"

/* For a text that has to be made. */
struct scap_room {
	char path[4096];
};

/* Fill params (EVENT_PARAMS_MAX of them) from the event. process may be NULL. Texts are borrowed
 * from all three. */
void scap_complete(struct param *params, const struct event *ev, const struct task_facts *process,
		   struct scap_room *room);

/* The parameters of execveat's enter event, in its order, into params[0..3). */
void scap_complete_execveat_enter(struct param *params, const struct event *ev,
				  struct scap_room *room);

/* Types that tell of a whole task: exec, clone, fork, vfork. */
bool scap_is_task_event(enum event_type type);

/* Whether scap_complete() looks at the process. */
bool scap_complete_wants_process(enum event_type type);
