/* The facts beside an event's parameters, for state: what a new image or a new task is, the ends of
 * a socket. They come from the parameters themselves; a capture has no others. */
#pragma once

#include "base/event.h"
#include "base/path.h"
#include "capture/scap_tasks.h"

struct scap_facts {
	struct task_facts task;
	struct sock_facts sock;
	char path[PATH_TEXT_MAX];
};

/* Point ev at its facts and keep the tasks up to date. enter: as for scap_convert(). */
void scap_facts_fill(struct scap_facts *facts, struct event *ev, const struct scap_record *enter,
		     struct scap_tasks *tasks);
