#include "daemon/what_if_tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_text.h"
#include "base/util.h"

#define NS_PER_DAY (UINT64_C(86400) * 1000000000)

struct workload_hits {
	uint64_t id, hits;
	char *name; /* as in JSON */
};

struct day_hits {
	uint64_t day, hits; /* since the epoch */
};

struct rule_hits {
	struct text name; /* owned */
	enum what_if_change change;
	bool is_on_now;
	uint64_t hits, hits_now, suppressed;
	bool has_suppressed;
	struct workload_hits *workloads;
	struct day_hits *days; /* ascending */
	uint32_t n_workloads, n_days, n_examples;
	uint64_t other_workloads, other_days; /* hits beyond what there is room for */
	cJSON *examples[WHAT_IF_EXAMPLES_MAX];
};

struct what_if_tally {
	struct rule_hits *rules;
	uint32_t n, last; /* last: the rule that was hit last, looked at first */
	bool compares;
};

int what_if_tally_create(struct what_if_tally **out)
{
	struct what_if_tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return -ENOMEM;
	*out = tally;
	return 0;
}

static void rule_hits_done(struct rule_hits *rule)
{
	for (uint32_t i = 0; i < rule->n_workloads; i++)
		free(rule->workloads[i].name);
	for (uint32_t i = 0; i < rule->n_examples; i++)
		cJSON_Delete(rule->examples[i]);
	free(rule->workloads);
	free(rule->days);
	free((char *)rule->name.ptr);
}

void what_if_tally_destroy(struct what_if_tally **tally_ptr)
{
	struct what_if_tally *tally = TAKE(*tally_ptr);

	if (!tally)
		return;
	for (uint32_t i = 0; i < tally->n; i++)
		rule_hits_done(&tally->rules[i]);
	free(tally->rules);
	free(tally);
}

int what_if_tally_add(struct what_if_tally *tally, struct text name, enum what_if_change change,
		      bool is_on_now)
{
	struct rule_hits *rules = reallocarray(tally->rules, tally->n + 1, sizeof(*tally->rules));
	char *copy = text_dup(name);

	if (rules)
		tally->rules = rules;
	if (!rules || !copy) {
		free(copy);
		return -ENOMEM;
	}
	rules[tally->n] = (struct rule_hits){
		.name = {copy, name.len}, .change = change, .is_on_now = is_on_now};
	return (int)tally->n++;
}

static struct rule_hits *find_rule(struct what_if_tally *tally, struct text name)
{
	if (tally->last < tally->n && text_equal(tally->rules[tally->last].name, name))
		return &tally->rules[tally->last];
	for (uint32_t i = 0; i < tally->n; i++) {
		if (text_equal(tally->rules[i].name, name)) {
			tally->last = i;
			return &tally->rules[i];
		}
	}
	return NULL;
}

/* Room for one more of size bytes behind n, doubling; items stays where memory ends. */
static int make_room(void **items, uint32_t n, size_t size)
{
	void *grown;

	if (n && (n & (n - 1)))
		return 0; /* between powers of two there is room */
	grown = reallocarray(*items, n ? 2 * (size_t)n : 1, size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	return 0;
}

static int count_workload(struct rule_hits *rule, uint64_t id, struct text name)
{
	void *room = rule->workloads;
	char *shown;

	for (uint32_t i = 0; i < rule->n_workloads; i++) {
		if (rule->workloads[i].id == id) {
			rule->workloads[i].hits++;
			return 0;
		}
	}
	shown = rule->n_workloads < WHAT_IF_WORKLOADS_MAX ? json_text_encode(name) : NULL;
	if (!shown || make_room(&room, rule->n_workloads, sizeof(*rule->workloads))) {
		rule->other_workloads++;
		free(shown);
		return rule->n_workloads < WHAT_IF_WORKLOADS_MAX ? -ENOMEM : 0;
	}
	rule->workloads = room;
	rule->workloads[rule->n_workloads++] = (struct workload_hits){id, 1, shown};
	return 0;
}

static int count_day(struct rule_hits *rule, uint64_t day)
{
	uint32_t at = rule->n_days;
	void *room = rule->days;

	while (at > 0 && rule->days[at - 1].day > day)
		at--;
	if (at > 0 && rule->days[at - 1].day == day) {
		rule->days[at - 1].hits++;
		return 0;
	}
	if (rule->n_days == WHAT_IF_DAYS_MAX) {
		rule->other_days++;
		return 0;
	}
	if (make_room(&room, rule->n_days, sizeof(*rule->days))) {
		rule->other_days++;
		return -ENOMEM;
	}
	rule->days = room;
	memmove(rule->days + at + 1, rule->days + at, (rule->n_days - at) * sizeof(*rule->days));
	rule->days[at] = (struct day_hits){day, 1};
	rule->n_days++;
	return 0;
}

static cJSON *workload_json(uint64_t id, const char *name)
{
	cJSON *json = cJSON_CreateObject();

	json_add_hex16(json, "id", id);
	cJSON_AddStringToObject(json, "name", name);
	return json;
}

static cJSON *example_json(const struct record_alert *alert, const cJSON *event)
{
	SCOPED(free_ptr) char *workload = json_text_encode(alert->workload_name);
	cJSON *json = cJSON_CreateObject(), *process = NULL;

	json_add_time(json, "time", alert->ts_ns);
	json_add_item(json, "workload",
		      alert->workload_id && workload ? workload_json(alert->workload_id, workload)
						     : NULL);
	if (alert->pid) {
		process = cJSON_CreateObject();
		json_add_i64(process, "pid", alert->pid);
		json_add_time(process, "start_time", alert->start_time_ns);
	}
	json_add_item(json, "process", process);
	json_add_text(json, "output", alert->message);
	json_add_item(json, "event", event ? cJSON_Duplicate(event, true) : NULL);
	return json;
}

int what_if_tally_hit(struct what_if_tally *tally, const struct record_alert *alert,
		      const cJSON *event)
{
	struct rule_hits *rule = find_rule(tally, alert->rule);
	int r;

	if (!rule)
		return 0;
	rule->hits++;
	r = count_workload(rule, alert->workload_id, alert->workload_name);
	if (count_day(rule, alert->ts_ns / NS_PER_DAY))
		r = -ENOMEM;
	if (rule->n_examples < WHAT_IF_EXAMPLES_MAX) {
		cJSON *example = example_json(alert, event);

		if (example)
			rule->examples[rule->n_examples++] = example;
		else
			r = -ENOMEM;
	}
	return r ? r : 1;
}

bool what_if_tally_wants_example(struct what_if_tally *tally, struct text name)
{
	const struct rule_hits *rule = find_rule(tally, name);

	return rule && rule->n_examples < WHAT_IF_EXAMPLES_MAX;
}

void what_if_tally_hit_now(struct what_if_tally *tally, struct text name)
{
	struct rule_hits *rule = find_rule(tally, name);

	if (rule)
		rule->hits_now++;
}

void what_if_tally_suppressed(struct what_if_tally *tally, struct text name, uint64_t n)
{
	struct rule_hits *rule = find_rule(tally, name);

	if (!rule)
		return;
	rule->suppressed += n;
	rule->has_suppressed = true;
}

void what_if_tally_compare(struct what_if_tally *tally)
{
	tally->compares = true;
}

uint32_t what_if_tally_size(const struct what_if_tally *tally)
{
	return tally->n;
}

const char *what_if_day(uint64_t ns, char out[DAY_TEXT_BYTES])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, DAY_TEXT_BYTES, "%Y-%m-%d", &tm);
	return out;
}

static int compare_hits(const void *a, const void *b)
{
	const struct workload_hits *x = a, *y = b;

	if (x->hits != y->hits)
		return x->hits < y->hits ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void add_workloads(cJSON *json, const struct rule_hits *rule)
{
	cJSON *items = json_add_array(json, "workloads");

	if (rule->n_workloads > 1)
		qsort(rule->workloads, rule->n_workloads, sizeof(*rule->workloads), compare_hits);
	for (uint32_t i = 0; i < rule->n_workloads; i++) {
		const struct workload_hits *w = &rule->workloads[i];
		cJSON *item = workload_json(w->id, w->name);

		json_add_u64(item, "hits", w->hits);
		cJSON_AddItemToArray(items, item);
	}
	json_add_u64(json, "workloads_left_out", rule->other_workloads);
}

static void add_days(cJSON *json, const struct rule_hits *rule)
{
	cJSON *items = json_add_array(json, "days");
	char text[DAY_TEXT_BYTES];

	for (uint32_t i = 0; i < rule->n_days; i++) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "day",
					what_if_day(rule->days[i].day * NS_PER_DAY, text));
		json_add_u64(item, "hits", rule->days[i].hits);
		cJSON_AddItemToArray(items, item);
	}
	json_add_u64(json, "days_left_out", rule->other_days);
}

static void add_hits_now(cJSON *json, const struct what_if_tally *tally,
			 const struct rule_hits *rule)
{
	if (!rule->is_on_now)
		json_add_u64(json, "hits_now", 0);
	else if (rule->change == WHAT_IF_SAME)
		json_add_u64(json, "hits_now", rule->hits);
	else if (tally->compares)
		json_add_u64(json, "hits_now", rule->hits_now);
	else
		json_add_null(json, "hits_now");
}

cJSON *what_if_tally_json(const struct what_if_tally *tally, uint32_t index)
{
	static const char *const changes[] = {"new", "changed", "same"};
	const struct rule_hits *rule = &tally->rules[index];
	cJSON *json = cJSON_CreateObject(), *examples;

	json_add_text(json, "name", rule->name);
	json_add_text(json, "change", text_from(changes[rule->change]));
	json_add_u64(json, "hits", rule->hits);
	add_hits_now(json, tally, rule);
	if (rule->has_suppressed)
		json_add_u64(json, "suppressed", rule->suppressed);
	else
		json_add_null(json, "suppressed");
	add_workloads(json, rule);
	add_days(json, rule);
	examples = json_add_array(json, "examples");
	for (uint32_t i = 0; i < rule->n_examples; i++)
		cJSON_AddItemToArray(examples, cJSON_Duplicate(rule->examples[i], true));
	return json;
}
