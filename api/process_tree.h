/* The live process list as a tree, for JSON. Pure. */
#pragma once

#include <cjson/cJSON.h>

#include "base/snapshot.h"

#define PROCESS_TREE_DEPTH_MAX 64 /* readers' JSON parsers recurse */
#define PROCESS_TREE_NODES_MAX 10000

/* The subtree of root_pid, depth levels below it. Root 0 stands for the kernel: every process whose
 * parent is not listed hangs under it. NULL: no such process, or no memory (then *r is -ENOENT or
 * -ENOMEM). */
cJSON *process_tree_json(const struct snapshot_processes *processes, int32_t root_pid,
			 unsigned depth, int *r);
