/* Which part of a workload an incident takes in. Pure. */
#pragma once

#include "state/state.h"

/* The root of the process subtree that process's deviations are told together with.
 *
 * Processes of one instance form a tree under its main process (the first of the instance; where it
 * has died, as a daemon's starter does, the processes that it left take its place). A child of a
 * main process and all its descendants are one subtree: a shell that a service starts with
 * everything it does, and not what the service does beside. A main process is a subtree of its own,
 * without its children. A process that entered the instance from outside (kubectl exec) is a root,
 * too. A login session is one subtree as a whole, as is whatever hangs on a terminal: there the
 * commands that one person types belong together. */
const struct process *subtree_root(const struct process *process);
