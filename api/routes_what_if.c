/* Rules tried before they are used. */
#include <errno.h>
#include <string.h>

#include "api/reader_pool.h"
#include "api/routes.h"
#include "base/util.h"

#define RETRY_S 5 /* about what one takes */

static void answer_tried(struct answer *answer, int r, char *text)
{
	switch (r) {
	case 0:
		answer_json_text(answer, text);
		break;
	case -EBUSY:
		answer_problem(answer, 429, "as many rules are being tried as may be; try again");
		answer->retry_after_s = RETRY_S;
		break;
	case -EINVAL:
		answer_problem(answer, 400, "parameter 'cursor' is none of ours");
		break;
	default:
		answer_errno(answer, r, "stored events");
	}
}

void route_rules_what_if(const struct call *call, struct answer *answer)
{
	const struct query *query = &call->query;
	struct api_what_if ask = {
		.text = call->body,
		.len = call->body_len,
		.file = query_text(query, "file"),
		.rule = query_text(query, "rule"),
		.cursor = query_text(query, "cursor"),
		.since_ns = query_time_ns(query, "since", 0),
		.until_ns = query_time_ns(query, "until", 0),
		.wants_all = query_bool(query, "all", false),
	};
	struct queries *queries;
	char *text = NULL;
	int r;

	if (!ask.len && !ask.rule && !ask.wants_all) {
		answer_problem(answer, 400,
			       "the body must be a rule file, unless 'rule' or 'all' is given");
		return;
	}
	if (memchr(ask.text, 0, ask.len)) {
		answer_problem(answer, 400, "the body has a NUL byte in it");
		return;
	}
	r = reader_pool_take(call->readers, &queries);
	if (r == 0) {
		r = call->hooks->rules_what_if_json(&ask, queries, &text, call->hooks->arg);
		reader_pool_give(call->readers, queries);
	}
	answer_tried(answer, r, text);
}
