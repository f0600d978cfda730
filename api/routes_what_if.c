/* Rules tried before they are used. */
#include <errno.h>
#include <string.h>

#include "api/reader_pool.h"
#include "api/routes.h"
#include "base/ids.h"
#include "base/util.h"

#define RETRY_S 5 /* about what one takes */

/* What -EINVAL means. */
struct invalid {
	unsigned status;
	const char *detail;
};

static void answer_tried(struct answer *answer, int r, char *text, const struct invalid *invalid)
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
		answer_problem(answer, invalid->status, "%s", invalid->detail);
		break;
	case -ENOENT:
		answer_problem(answer, 404,
			       "there is no such alert, or nothing is stored of its event");
		break;
	default:
		answer_errno(answer, r, "stored events");
	}
}

/* False after answering. */
static bool parse_alert(const char *text, uint64_t *alert, struct answer *answer)
{
	if (!text || id_parse('l', text_from(text), alert))
		return true;
	answer_problem(answer, 400, "parameter 'alert' must be an alert's id, like l42");
	return false;
}

void route_rules_what_if(const struct call *call, struct answer *answer)
{
	static const struct invalid cursor = {400, "parameter 'cursor' is none of ours"};
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
	if (!parse_alert(query_text(query, "alert"), &ask.alert, answer))
		return;
	r = reader_pool_take(call->readers, &queries);
	if (r == 0) {
		r = call->hooks->rules_what_if_json(&ask, queries, &text, call->hooks->arg);
		reader_pool_give(call->readers, queries);
	}
	answer_tried(answer, r, text, &cursor);
}

void route_alert_exceptions(const struct call *call, struct answer *answer)
{
	static const struct invalid rules = {
		503, "the rule files do not load as they are now: see /v1/rules/check"};
	struct queries *queries;
	char *text = NULL;
	uint64_t alert;
	int r;

	if (!id_parse('l', text_from(call->args[0]), &alert)) {
		answer_tried(answer, -ENOENT, NULL, &rules);
		return;
	}
	r = reader_pool_take(call->readers, &queries);
	if (r == 0) {
		r = call->hooks->alert_exceptions_json(alert, queries, &text, call->hooks->arg);
		reader_pool_give(call->readers, queries);
	}
	answer_tried(answer, r, text, &rules);
}
