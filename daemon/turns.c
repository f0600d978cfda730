#include "daemon/turns.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define LAST_NICE 10 /* beside a thread of none: 110 of 1134 parts of a processor */
#define NICE_MAX 19

/* Threads are scheduled one by one: 0 is the calling one, not the process. */
static void change_policy(int from, int to)
{
	struct sched_param param = {0};

	if (sched_getscheduler(0) == from && sched_setscheduler(0, to, &param))
		log_debug("threads: scheduling policy %d refused: %d", to, errno);
}

void turns_wait(void)
{
	change_policy(SCHED_OTHER, SCHED_BATCH);
}

void turns_go_first(void)
{
	change_policy(SCHED_BATCH, SCHED_OTHER);
}

void turns_go_last(void)
{
	id_t self = (id_t)gettid();

	setpriority(PRIO_PROCESS, self, MIN(getpriority(PRIO_PROCESS, self) + LAST_NICE, NICE_MAX));
}
