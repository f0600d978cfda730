/* Routes over live workloads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/live.h"
#include "api/reader_pool.h"
#include "api/routes.h"
#include "api/workload_json.h"
#include "base/ids.h"
#include "base/json_text.h"
#include "base/util.h"

#define GAPS_QUOTED 100

/* {"items": items, "next": next or null} */
static void answer_list(struct answer *answer, cJSON *items, const char *next)
{
	cJSON *json = cJSON_CreateObject();

	json_add_item(json, "items", items);
	json_add_text_or_null(json, "next", text_from(next));
	answer_json(answer, json);
}

static cJSON *read_gaps(const struct call *call)
{
	struct queries *queries;
	cJSON *gaps = NULL;

	if (reader_pool_take(call->readers, &queries))
		return NULL;
	if (queries_gaps(queries, 0, UINT64_MAX, GAPS_QUOTED, &gaps))
		gaps = NULL;
	reader_pool_give(call->readers, queries);
	return gaps;
}

static int compare_workload(const void *a, const void *b)
{
	const struct snapshot_workload_head *x = *(const struct snapshot_workload_head *const *)a;
	const struct snapshot_workload_head *y = *(const struct snapshot_workload_head *const *)b;
	int r = text_compare(x->name, y->name);

	return r ? r : x->id < y->id ? -1 : x->id > y->id;
}

/* Workloads in the order of their names, so that a cursor (the last id given) finds its place. */
static int sort_workloads(const struct snapshot_workloads *workloads,
			  const struct snapshot_workload_head ***out)
{
	const struct snapshot_workload_head **sorted =
		calloc(MAX(workloads->n, 1), sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < workloads->n; i++)
		sorted[i] = &workloads->items[i];
	qsort(sorted, workloads->n, sizeof(*sorted), compare_workload);
	*out = sorted;
	return 0;
}

static bool parse_cursor(const struct call *call, struct answer *answer, uint64_t *cursor)
{
	const char *text = query_text(&call->query, "cursor");

	*cursor = 0;
	if (!text || hex16_parse(text_from(text), cursor))
		return true;
	answer_problem(answer, 400, "parameter 'cursor' is not one that was given out");
	return false;
}

static void answer_workloads(const struct call *call, struct answer *answer,
			     const struct snapshot_workloads *workloads, uint64_t cursor)
{
	SCOPED(free_ptr) const struct snapshot_workload_head **sorted = NULL;
	uint32_t limit = query_limit(&call->query), first = 0, i;
	char next[HEX16_BYTES] = "";
	cJSON *items, *gaps;

	if (sort_workloads(workloads, &sorted)) {
		answer_errno(answer, -ENOMEM, "workloads");
		return;
	}
	for (i = 0; cursor && i < workloads->n; i++) {
		if (sorted[i]->id == cursor)
			first = i + 1;
	}
	items = cJSON_CreateArray();
	gaps = read_gaps(call);
	for (i = first; i < workloads->n && i - first < limit; i++)
		cJSON_AddItemToArray(items, workload_head_json(sorted[i], gaps));
	if (i < workloads->n)
		hex16_print(sorted[i - 1]->id, next);
	cJSON_Delete(gaps);
	answer_list(answer, items, next[0] ? next : NULL);
}

void route_workloads(const struct call *call, struct answer *answer)
{
	SCOPED(live_release) struct live_answer *live = NULL;
	uint64_t cursor;
	int r;

	if (!parse_cursor(call, answer, &cursor))
		return;
	r = live_share(call->live, REQUEST_WORKLOADS, &live);
	if (r)
		answer_errno(answer, r, "workloads");
	else
		answer_workloads(call, answer, &live->request->workloads, cursor);
}

/* Ask the pipeline about the workload in the path; NULL with the refusal in answer. */
static struct request *ask_about(const struct call *call, struct answer *answer,
				 enum request_kind kind)
{
	SCOPED(request_destroy) struct request *request = request_create(kind);
	const char *dimension = query_text(&call->query, "dimension");
	int r = -ENOENT;

	if (!request) {
		answer_errno(answer, -ENOMEM, "workload");
		return NULL;
	}
	if (dimension && strlen(dimension) >= sizeof(request->dimension)) {
		answer_problem(answer, 400, "parameter 'dimension' is no dimension's name");
		return NULL;
	}
	if (dimension)
		snprintf(request->dimension, sizeof(request->dimension), "%s", dimension);
	if (hex16_parse(text_from(call->args[0]), &request->workload_id))
		r = live_ask(call->live, request);
	if (r) {
		answer_errno(answer, r, "workload");
		return NULL;
	}
	return TAKE(request);
}

void route_workload(const struct call *call, struct answer *answer)
{
	SCOPED(request_destroy) struct request *request = ask_about(call, answer, REQUEST_WORKLOAD);
	cJSON *gaps;

	if (!request)
		return;
	gaps = read_gaps(call);
	answer_json(answer, workload_json(&request->workload, gaps));
	cJSON_Delete(gaps);
}

/* Behaviours have an order of their own: most usual first, then by dimension and fingerprint, which
 * stay. A cursor is the frequency (in parts per billion) and the fingerprint of the last one given;
 * frequencies move between two pages, by little. */
static uint64_t frequency_ppb(const struct snapshot_behaviour *behaviour)
{
	double share = behaviour->frequency;

	return share > 0 ? (uint64_t)(MIN(share, 1.0) * 1e9 + 0.5) : 0;
}

static int compare_place(uint64_t ppb_a, uint64_t fingerprint_a, uint64_t ppb_b,
			 uint64_t fingerprint_b)
{
	if (ppb_a != ppb_b)
		return ppb_a > ppb_b ? -1 : 1;
	return fingerprint_a < fingerprint_b ? -1 : fingerprint_a > fingerprint_b;
}

static int compare_behaviour(const void *a, const void *b)
{
	const struct snapshot_behaviour *x = a, *y = b;

	return compare_place(frequency_ppb(x), x->fingerprint, frequency_ppb(y), y->fingerprint);
}

struct place {
	bool is_given;
	uint64_t ppb, fingerprint;
};

/* "PPB-FINGERPRINT", both 16 hex digits. */
static bool parse_place(const struct call *call, struct answer *answer, struct place *out)
{
	const char *text = query_text(&call->query, "cursor");

	*out = (struct place){.is_given = text != NULL};
	if (!text)
		return true;
	if (strlen(text) == 33 && text[16] == '-' &&
	    hex16_parse((struct text){text, 16}, &out->ppb) &&
	    hex16_parse((struct text){text + 17, 16}, &out->fingerprint))
		return true;
	answer_problem(answer, 400, "parameter 'cursor' is not one that was given out");
	return false;
}

static bool is_after(const struct snapshot_behaviour *behaviour, const struct place *place)
{
	return !place->is_given || compare_place(frequency_ppb(behaviour), behaviour->fingerprint,
						 place->ppb, place->fingerprint) > 0;
}

/* The texts of one page only, from the store. */
static void add_texts(const struct call *call, uint64_t workload_id,
		      struct snapshot_behaviours *page)
{
	struct queries *queries;

	if (reader_pool_take(call->readers, &queries))
		return; /* keys stay empty: figures are worth showing without them */
	queries_behaviour_texts(queries, workload_id, page);
	reader_pool_give(call->readers, queries);
}

static void answer_behaviours(const struct call *call, struct answer *answer,
			      struct request *request, const struct place *place)
{
	struct snapshot_behaviours *all = &request->behaviours;
	struct snapshot_behaviours page = {.pool = all->pool, .items = all->items};
	cJSON *items = cJSON_CreateArray();
	char next[2 * HEX16_BYTES] = "";
	uint32_t first = 0;

	if (all->n)
		qsort(all->items, all->n, sizeof(*all->items), compare_behaviour);
	while (first < all->n && !is_after(&all->items[first], place))
		first++;
	page.items += first;
	page.n = MIN(all->n - first, query_limit(&call->query));
	add_texts(call, request->workload_id, &page);
	all->pool = page.pool; /* the page's texts go with the answer */
	for (uint32_t i = 0; i < page.n; i++)
		cJSON_AddItemToArray(items, behaviour_json(&page.items[i]));
	if (page.n && first + page.n < all->n) {
		const struct snapshot_behaviour *last = &page.items[page.n - 1];

		hex16_print(frequency_ppb(last), next);
		next[16] = '-';
		hex16_print(last->fingerprint, next + 17);
	}
	answer_list(answer, items, next[0] ? next : NULL);
}

void route_behaviours(const struct call *call, struct answer *answer)
{
	SCOPED(request_destroy) struct request *request = NULL;
	struct place place;

	if (!parse_place(call, answer, &place))
		return;
	request = ask_about(call, answer, REQUEST_BEHAVIOURS);
	if (request)
		answer_behaviours(call, answer, request, &place);
}

static int compare_pending(const void *a, const void *b)
{
	const struct snapshot_pending_item *x = a, *y = b;

	return x->first_seen_ns > y->first_seen_ns ? -1 : x->first_seen_ns < y->first_seen_ns;
}

/* What waits, newest first. The table is bounded (limits.pending_per_workload) and moves while it
 * is read, so there are no pages: limit cuts, and next stays null. */
void route_pending(const struct call *call, struct answer *answer)
{
	SCOPED(request_destroy) struct request *request = ask_about(call, answer, REQUEST_PENDING);
	uint32_t limit = query_limit(&call->query);
	struct snapshot_pending *pending;
	cJSON *items;

	if (!request)
		return;
	pending = &request->pending;
	if (pending->n)
		qsort(pending->items, pending->n, sizeof(*pending->items), compare_pending);
	items = cJSON_CreateArray();
	for (uint32_t i = 0; i < MIN(pending->n, limit); i++)
		cJSON_AddItemToArray(items, pending_json(&pending->items[i]));
	answer_list(answer, items, NULL);
}
