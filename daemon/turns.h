/* Whose turn it is when threads are more than processors. The pipeline goes first: what waits for
 * it is lost in the end, what waits for another thread only comes later. Lowering needs no
 * privilege, and the daemon takes no more from the host than before. */
#pragma once

/* This thread, and all that it and they make from here on, do not interrupt another by waking up
 * (SCHED_BATCH). No change where the host gave the daemon a policy of its own. */
void turns_wait(void);

/* This thread does again, the others that were made do not. */
void turns_go_first(void);

/* This thread computes for long: a tenth of a processor that the pipeline wants, too. For good. */
void turns_go_last(void);
