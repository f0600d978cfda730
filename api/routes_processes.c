/* The live process tree. */
#include <errno.h>

#include "api/live.h"
#include "api/process_tree.h"
#include "api/routes.h"
#include "base/util.h"

void route_processes(const struct call *call, struct answer *answer)
{
	SCOPED(live_release) struct live_answer *live = NULL;
	uint64_t root = query_count(&call->query, "root", 0);
	uint64_t depth = query_count(&call->query, "depth", PROCESS_TREE_DEPTH_MAX);
	cJSON *json;
	int r;

	if (root > INT32_MAX) {
		answer_problem(answer, 400, "parameter 'root' must be a process id");
		return;
	}
	r = live_share(call->live, REQUEST_PROCESSES, &live);
	if (r) {
		answer_errno(answer, r, "processes");
		return;
	}
	json = process_tree_json(&live->request->processes, (int32_t)root,
				 (unsigned)MIN(depth, PROCESS_TREE_DEPTH_MAX), &r);
	if (r)
		answer_errno(answer, r, "process");
	else
		answer_json(answer, json);
}
