#include "rules/rule_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/util.h"
#include "filter/event_sets.h"
#include "filter/format.h"
#include "filter/print.h"
#include "filter/stored.h"
#include "rules/fire.h"
#include "rules/memory.h"
#include "rules/plans.h"
#include "state/state.h"

#define MESSAGE_BYTES_MAX 16384
#define FIELDS_BYTES_MAX 65536
#define STATIC_BYTES_MAX 16384
#define EXTRA_BYTES_MAX 1024 /* of the text of one field that the configuration adds */
#define EXTRA_NAME_BYTES 2048
#define EXTRAS_RESERVED_BYTES 16384
#define SUPPRESSED_BYTES_MAX 48

int rule_set_create(struct rule_set **out, uint32_t n)
{
	SCOPED(rule_set_destroy) struct rule_set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->rules = calloc(n + 1, sizeof(*set->rules));
	if (!set->rules || filter_share_create(&set->share))
		return -ENOMEM;
	*out = TAKE(set);
	return 0;
}

void rule_set_destroy(struct rule_set **set)
{
	struct rule_set *s = *set;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++) {
		window_rule_destroy(&s->rules[i].window);
		filter_destroy(&s->rules[i].filter);
		format_destroy(&s->rules[i].message);
		format_destroy(&s->rules[i].fields);
		for (uint32_t k = 0; k < s->rules[i].n_extras; k++)
			format_destroy(&s->rules[i].extras[k].format);
	}
	stored_set_destroy(&s->stored);
	for (size_t i = 0; i < ARRAY_SIZE(s->occurrences); i++)
		format_destroy(&s->occurrences[i]);
	free(s->rules);
	free(s->matched);
	free(s->candidates);
	windows_destroy(&s->windows);
	plans_destroy(&s->plans);
	eval_cache_destroy(&s->cache);
	filter_share_destroy(&s->share);
	pool_done(&s->pool);
	free(s);
	*set = NULL;
}

static uint64_t condition_hash(struct text condition)
{
	uint64_t hash = XXH3_64bits(condition.ptr, condition.len);

	return hash ? hash : 1;
}

/* Into the set's own memory. */
static int copy_news(struct rule_set *set, struct rule *rule)
{
	struct rule_news *news;

	if (!rule->n_news)
		return 0;
	news = pool_alloc(&set->pool, rule->n_news * sizeof(*news));
	if (!news)
		return -ENOMEM;
	for (uint32_t i = 0; i < rule->n_news; i++) {
		news[i] = rule->news[i];
		news[i].dimension = pool_text(&set->pool, rule->news[i].dimension);
		if (!news[i].dimension.ptr)
			return -ENOMEM;
	}
	rule->news = news;
	return 0;
}

int rule_set_add(struct rule_set *set, const struct rule *rule)
{
	struct rule *r = &set->rules[set->n];
	struct text *texts[] = {&r->name,        &r->description, &r->source, &r->condition,
				&r->output,      &r->tags,        &r->file,   &r->absent_fields,
				&r->only_if_new, &r->own_rate};

	*r = *rule;
	set->n++;
	r->name_hash = rule_name_hash(rule->name);
	for (uint32_t i = 0; i < r->n_extras; i++) {
		r->extras[i].name = pool_text(&set->pool, r->extras[i].name);
		if (!r->extras[i].name.ptr)
			return -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		*texts[i] = pool_text(&set->pool, *texts[i]);
		if (!texts[i]->ptr)
			return -ENOMEM;
	}
	r->condition_hash = condition_hash(filter_source(r->filter));
	return copy_news(set, r);
}

static int list_add(struct rule_set *set, struct rule_list *list, uint32_t candidate)
{
	uint32_t *items = grown(&set->pool, list->items, list->n, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->n++] = candidate;
	return 0;
}

static bool has_syscalls(const struct event_set *events)
{
	for (uint32_t w = 0; w < SYSCALL_SET_WORDS; w++) {
		if (events->syscalls[w])
			return true;
	}
	return false;
}

/* The event of calls that have none of their own: which call it is, matching tests. */
static bool is_listed(const struct event_set *events, uint32_t type)
{
	if (type == EVENT_GENERIC)
		return has_syscalls(events) || (events->types[0] >> EVENT_GENERIC & 1);
	return events->types[type / 64] >> (type % 64) & 1;
}

/* A rule that can be true for every event is no reason to capture them all: it sees what others,
 * the dimensions and state ask for. */
static bool is_unbounded(const struct event_set *events)
{
	return event_set_count(events) > EVENT_TYPE_END / 2;
}

static bool mentions_any(struct text text, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text.len && memmem(text.ptr, text.len, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

/* Whether the text names a field about descriptors of the process besides the event's. Also true
 * where such a name stands in a literal, which only costs a few events more. */
static bool mentions_descriptors(struct text text)
{
	static const char *const fields[] = {"fd.types", "fdlist.", "proc.std", "proc.fd"};

	return mentions_any(text, fields, ARRAY_SIZE(fields));
}

/* Of steps the last comes first: an event that is two of them must not be both in one chain. */
static void add_steps(struct rule_set *set, uint32_t rule)
{
	const struct window_rule *window = set->rules[rule].window;

	for (uint32_t step = window->n_steps; step-- > 0;)
		set->candidates[set->n_candidates++] = (struct candidate){
			.filter = window->steps[step].filter, .rule = rule, .step = step};
}

static int add_candidates(struct rule_set *set)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->n; i++)
		n += set->rules[i].window ? set->rules[i].window->n_steps : 1;
	set->candidates = calloc(n + 1, sizeof(*set->candidates));
	if (!set->candidates)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->n; i++) {
		const struct rule *rule = &set->rules[i];

		if (rule->is_enabled && rule->window && rule->window->kind == WINDOW_SEQUENCE)
			add_steps(set, i);
		else if (rule->is_enabled)
			set->candidates[set->n_candidates++] =
				(struct candidate){.filter = rule->filter, .rule = i};
	}
	return 0;
}

/* Memory for what enabled rules count and follow. */
static int add_windows(struct rule_set *set)
{
	uint32_t n = 0;
	int r;

	set->n_windows = 0;
	for (uint32_t i = 0; i < set->n; i++) {
		if (set->rules[i].window && set->rules[i].is_enabled)
			set->rules[i].window->list = set->n_windows++;
	}
	if (!set->n_windows)
		return 0;
	r = windows_create(&set->windows, set->n_windows, set->window_bytes, set->window_secret);
	for (uint32_t i = 0; !r && i < set->n; i++) {
		const struct window_rule *window = set->rules[i].window;

		if (window && set->rules[i].is_enabled)
			windows_set_list(set->windows, n++, window->identity, window->within_ns);
	}
	return r;
}

static bool is_about_calls(const struct rule *rule)
{
	return !text_equal(rule->source, TEXT("ethogram"));
}

static int list_candidate(struct rule_set *set, uint32_t candidate)
{
	const struct candidate *c = &set->candidates[candidate];
	const struct event_set *events = filter_event_set(c->filter);
	int r = 0;

	if (!is_about_calls(&set->rules[c->rule]))
		return list_add(set, &set->by_source_ethogram, candidate);
	for (uint32_t type = 0; !r && type < EVENT_TYPE_END; type++) {
		if (is_listed(events, type))
			r = list_add(set, &set->by_type[type], candidate);
	}
	return r;
}

/* What an enabled rule about system calls needs to be captured. */
static void add_wants(struct rule_set *set, const struct rule *rule)
{
	const struct event_set *events = filter_event_set(rule->filter);

	if (!is_unbounded(events))
		event_set_add(&set->events, events);
	if (mentions_descriptors(rule->condition) || mentions_descriptors(rule->output) ||
	    (rule->window && mentions_descriptors(rule->window->uses)))
		set->reads_descriptors = true;
}

int rule_set_index(struct rule_set *set)
{
	int r = eval_cache_create(&set->cache, set->share);

	if (!r)
		r = add_candidates(set);
	if (!r)
		r = add_windows(set);
	for (uint32_t i = 0; !r && i < set->n_candidates; i++)
		r = list_candidate(set, i);
	if (r)
		return r;
	for (uint32_t i = 0; i < set->n; i++) {
		if (set->rules[i].is_enabled && is_about_calls(&set->rules[i]))
			add_wants(set, &set->rules[i]);
	}
	set->matched = calloc(set->n_candidates + 1, sizeof(*set->matched));
	return set->matched ? plans_create(&set->plans, set, set->seed) : -ENOMEM;
}

const struct event_set *rule_set_events(const struct rule_set *set)
{
	return &set->events;
}

/* Rules that bound no events count, too: they see what others ask for. */
void rule_set_add_classes(const struct rule_set *set, const struct event_set *wanted,
			  struct call_classes *classes)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct rule *rule = &set->rules[i];

		if (rule->is_enabled && is_about_calls(rule))
			call_classes_add_filter(classes, rule->filter, wanted);
	}
}

bool rule_set_reads_descriptors(const struct rule_set *set)
{
	return set->reads_descriptors;
}

void rule_set_each_use(const struct rule_set *set, rule_use_fn *visit, void *arg)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct rule *rule = &set->rules[i];

		if (!rule->is_enabled || !is_about_calls(rule))
			continue;
		visit(filter_event_set(rule->filter), rule->condition, arg);
		visit(filter_event_set(rule->filter), rule->output, arg);
		if (rule->window)
			visit(filter_event_set(rule->filter), rule->window->uses, arg);
	}
}

/* The event's rules; those of calls without an event of their own are told apart by number. */
static const struct rule_list *candidates(const struct rule_set *set, struct text source,
					  const struct event *ev)
{
	if (text_equal(source, TEXT("ethogram")))
		return &set->by_source_ethogram;
	return &set->by_type[ev->type];
}

static bool is_for_call(const struct candidate *candidate, const struct event *ev)
{
	return ev->type != EVENT_GENERIC ||
	       event_set_has(filter_event_set(candidate->filter), EVENT_GENERIC, ev->nr);
}

/* Shell's way: qsort() may allocate. */
static void sort_numbers(uint32_t *items, uint32_t n)
{
	for (uint32_t gap = n / 2; gap; gap /= 2) {
		for (uint32_t i = gap; i < n; i++) {
			uint32_t item = items[i], k = i;

			for (; k >= gap && items[k - gap] > item; k -= gap)
				items[k] = items[k - gap];
			items[k] = item;
		}
	}
}

/* The candidates that are true, in order of definition, into set->matched; how many. */
static uint32_t find_true(struct rule_set *set, const struct rule_list *list,
			  const struct field_context *ctx, bool has_plans)
{
	uint32_t n = has_plans ? plans_match(set->plans, ctx) : PLANS_NO_ANSWER;

	if (n != PLANS_NO_ANSWER) {
		sort_numbers(set->matched, n);
		return n;
	}
	n = 0;
	for (uint32_t i = 0; i < list->n; i++) {
		const struct candidate *candidate = &set->candidates[list->items[i]];

		if (!is_for_call(candidate, ctx->event) || !filter_eval(candidate->filter, ctx))
			continue;
		set->matched[n++] = list->items[i];
		if (!set->match_all && !set->n_windows && !set->rules[candidate->rule].n_news)
			break;
	}
	return n;
}

/* Whether the rule matches: one of its candidates is true, its window is full with that, and it is
 * news if it has to be. What is none is not counted; of a sequence the last step has to be. */
static bool is_match(struct rule_set *set, const struct candidate *candidate,
		     const struct field_context *ctx, struct window_match *window,
		     struct rule_match *match)
{
	const struct rule *rule = &set->rules[candidate->rule];
	bool is_sequence = rule->window && rule->window->kind == WINDOW_SEQUENCE;

	if (!is_sequence && !rule_is_news(rule, ctx, match))
		return false;
	if (rule->window &&
	    !window_rule_note(rule->window, candidate->step, set->windows, ctx, window))
		return false;
	return !is_sequence || rule_is_news(rule, ctx, match);
}

/* The candidates that are true, in order of definition. Rules with windows see every event,
 * whatever matched before them. */
static uint32_t report_true(struct rule_set *set, uint32_t n_true, const struct field_context *ctx,
			    struct rule_match *matches)
{
	struct window_match window = {0};
	uint32_t n = 0, last = UINT32_MAX;
	bool is_done = false;

	for (uint32_t i = 0; i < n_true; i++) {
		const struct candidate *candidate = &set->candidates[set->matched[i]];
		const struct rule *rule = &set->rules[candidate->rule];
		struct rule_match match = {.set = set, .rule = candidate->rule};

		if (is_done && !rule->window)
			continue;
		if (candidate->rule != last)
			window = (struct window_match){0};
		last = candidate->rule;
		if (!is_match(set, candidate, ctx, &window, &match) || is_done)
			continue;
		match.hit = window.hit;
		is_done = !set->match_all;
		rule_fire(set, ctx, &match);
		if (n == RULE_MATCHES_MAX)
			set->matches_dropped_total++;
		else
			matches[n++] = match;
	}
	return n;
}

uint32_t rule_set_match(struct rule_set *set, struct text source, const struct field_context *ctx,
			struct rule_match matches[RULE_MATCHES_MAX])
{
	const struct rule_list *list = candidates(set, source, ctx->event);
	bool has_plans = set->plans && list != &set->by_source_ethogram;
	uint64_t refused = ctx->arena ? ctx->arena->refused_total : 0;
	struct field_context cached;
	uint32_t n_true, n;

	if (set->windows && !set->has_begun) {
		windows_note_start(set->windows, ctx->event->ts_ns);
		set->has_begun = true;
	}
	if (!list->n)
		return 0;
	eval_cache_next(set->cache);
	cached = *ctx;
	cached.cache = set->cache;
	n_true = find_true(set, list, &cached, has_plans);
	n = n_true ? report_true(set, n_true, ctx, matches) : 0;
	if (ctx->arena && ctx->arena->refused_total != refused)
		set->events_cramped_total++;
	return n;
}

uint32_t rule_set_true(const struct rule_set *set, const struct field_context *ctx,
		       struct rule_match matches[RULE_MATCHES_MAX])
{
	struct field_context own = *ctx;
	uint32_t n = 0;

	own.cache = NULL; /* another's, if any */
	for (uint32_t i = 0; i < set->n && n < RULE_MATCHES_MAX; i++) {
		const struct rule *rule = &set->rules[i];

		if (rule->is_enabled && is_about_calls(rule) && filter_eval(rule->filter, &own))
			matches[n++] = (struct rule_match){.set = set, .rule = i};
	}
	return n;
}

void rule_set_adopt_windows(struct rule_set *set, struct rule_set *from)
{
	if (set->windows && from->windows)
		windows_adopt(set->windows, from->windows);
}

void rule_set_note_loss(struct rule_set *set, uint64_t ts_ns)
{
	if (set->windows)
		windows_note_loss(set->windows, ts_ns);
}

void rule_set_window_counters(const struct rule_set *set, struct rule_window_counters *out)
{
	struct windows_counters c = {0};

	if (set->windows)
		windows_counters(set->windows, &c);
	*out = (struct rule_window_counters){.rules = set->n_windows,
					     .keys = c.keys,
					     .keys_max = c.keys_max,
					     .bytes = c.bytes,
					     .evicted_total = c.evicted_total,
					     .keyless_total = c.keyless_total,
					     .restarts_total = c.restarts_total};
}

void rule_set_forget(struct rule_set *set)
{
	if (set->plans)
		plans_forget(set->plans);
}

size_t rule_set_bytes(const struct rule_set *set)
{
	size_t bytes = sizeof(*set) + set->pool.bytes + filter_share_bytes(set->share) +
		       eval_cache_bytes(set->share) +
		       set->n_candidates * (sizeof(*set->matched) + sizeof(*set->candidates));

	for (uint32_t i = 0; i < set->n; i++)
		bytes += sizeof(set->rules[i]) + filter_bytes(set->rules[i].filter) +
			 format_bytes(set->rules[i].message) + format_bytes(set->rules[i].fields);
	return bytes + (set->plans ? plans_bytes(set->plans) : 0);
}

enum alert_priority rule_priority(const struct rule_set *set, uint32_t rule)
{
	return set->rules[rule].priority;
}

int rule_set_static_fields(struct rule_set *set, const struct rule_options *options)
{
	char buffer[STATIC_BYTES_MAX];
	struct print p = {.buffer = buffer, .size = sizeof(buffer)};

	for (uint32_t i = 0; i < options->n_static; i++) {
		if (i)
			print_string(&p, ",");
		print_json_string(&p, text_from(options->static_names[i]));
		print_string(&p, ":");
		print_json_string(&p, text_from(options->static_values[i]));
	}
	if (p.is_cut)
		return -E2BIG;
	set->static_fields = pool_text(&set->pool, (struct text){buffer, p.len});
	return set->static_fields.ptr ? 0 : -ENOMEM;
}

/* Behind the members of an object that ends with a brace. */
static uint32_t add_members(char *out, uint32_t len, struct text more)
{
	len--; /* the closing brace */
	if (len > 1)
		out[len++] = ',';
	memcpy(out + len, more.ptr, more.len);
	len += more.len;
	out[len++] = '}';
	return len;
}

/* Members whose values are formats' texts. */
static uint32_t add_extras(const struct rule *rule, const struct field_context *ctx, char *out,
			   uint32_t len, bool *is_cut)
{
	char value[EXTRA_BYTES_MAX], member[6 * EXTRA_BYTES_MAX + EXTRA_NAME_BYTES];

	for (uint32_t i = 0; i < rule->n_extras; i++) {
		struct print p = {.buffer = member, .size = sizeof(member)};
		uint32_t n = format_print(rule->extras[i].format, ctx, value, sizeof(value));

		*is_cut = *is_cut || n == sizeof(value);
		print_json_string(&p, rule->extras[i].name);
		print_string(&p, ":");
		print_json_string(&p, (struct text){value, n});
		if (!p.is_cut && len + p.len + 2 < FIELDS_BYTES_MAX)
			len = add_members(out, len, (struct text){member, p.len});
		else
			*is_cut = true;
	}
	return len;
}

/* The rule's fields, what was left out, and the static ones as one object. *is_cut: some values are
 * not whole. */
static uint32_t print_fields(const struct rule_set *set, const struct rule *rule,
			     const struct field_context *ctx, char *out, bool *is_cut)
{
	char suppressed[SUPPRESSED_BYTES_MAX];
	struct text more = set->static_fields;
	uint32_t reserved =
		more.len + SUPPRESSED_BYTES_MAX + 4 + (rule->n_extras ? EXTRAS_RESERVED_BYTES : 0);
	uint32_t size = FIELDS_BYTES_MAX - reserved;
	uint32_t len = format_fields_json(rule->fields, ctx, out, size);

	if (len < 2) {
		*is_cut = true;
		len = format_fields_json_short(rule->fields, ctx, out, size);
	}
	if (len < 2)
		len = (uint32_t)snprintf(out, FIELDS_BYTES_MAX, "{\"ethogram.fields_cut\":true}");
	if (ctx->match->n_suppressed) {
		int n = snprintf(suppressed, sizeof(suppressed), "\"rule.suppressed\":%llu",
				 (unsigned long long)ctx->match->n_suppressed);

		len = add_members(out, len, (struct text){suppressed, (uint32_t)n});
	}
	len = more.len ? add_members(out, len, more) : len;
	return add_extras(rule, ctx, out, len, is_cut);
}

/* The output; one that fills the buffer was cut, and ends in dots. */
static uint32_t print_message(const struct rule *rule, const struct field_context *ctx, char *out,
			      bool *is_cut)
{
	uint32_t len = format_print(rule->message, ctx, out, MESSAGE_BYTES_MAX);

	if (len < MESSAGE_BYTES_MAX)
		return len;
	*is_cut = true;
	memcpy(out + len - 3, "...", 3);
	return len;
}

static struct record_alert *make_alert(struct rule_set *set, const struct rule_match *match,
				       const struct field_context *ctx)
{
	struct rule_match made = *match;
	struct field_context own = *ctx;
	const struct rule *rule = &set->rules[match->rule];
	const struct process *process = ctx->subject ? ctx->subject->process : NULL;
	struct text workload = process ? process->workload->name : TEXT_NONE;
	char *message = arena_alloc(ctx->arena, MESSAGE_BYTES_MAX);
	char *fields = arena_alloc(ctx->arena, FIELDS_BYTES_MAX);
	struct record_alert *alert;
	uint32_t message_len, fields_len;
	bool is_cut = false;

	if (!message || !fields)
		return NULL;
	made.set = set;
	own.match = &made;
	message_len = print_message(rule, &own, message, &is_cut);
	fields_len = print_fields(set, rule, &own, fields, &is_cut);
	set->outputs_cut_total += is_cut;
	alert = record_alloc(sizeof(*alert), (size_t)message_len + fields_len + rule->name.len +
						     rule->source.len + rule->tags.len +
						     workload.len);
	if (!alert)
		return NULL;
	alert->ts_ns = ctx->event->ts_ns;
	alert->priority = rule->priority;
	alert->condition = rule->condition_hash;
	alert->rule = record_text(alert, rule->name);
	alert->source = record_text(alert, rule->source);
	alert->tags = record_text(alert, rule->tags);
	alert->message = record_text(alert, (struct text){message, message_len});
	alert->output_fields = record_text(alert, (struct text){fields, fields_len});
	alert->workload_name = record_text(alert, workload);
	if (process) {
		alert->workload_id = process->workload->id;
		alert->pid = process->pid;
		alert->start_time_ns = process_start_time_ns(ctx->state, process);
	}
	return alert;
}

struct record_alert *rule_alert_create(struct rule_set *set, const struct rule_match *match,
				       const struct field_context *ctx)
{
	size_t used = ctx->arena->used;
	struct record_alert *alert = make_alert(set, match, ctx);

	/* The record has copies: the room is for the event's next alert. */
	ctx->arena->used = used;
	return alert;
}

uint32_t rule_set_size(const struct rule_set *set)
{
	return set->n;
}

struct text rule_set_name(const struct rule_set *set, uint32_t index)
{
	return set->rules[index].name;
}

struct text rule_set_absent_fields(const struct rule_set *set, uint32_t index)
{
	return set->rules[index].absent_fields;
}

void rule_set_info(const struct rule_set *set, uint32_t index, struct rule_info *out)
{
	const struct rule *rule = &set->rules[index];

	*out = (struct rule_info){
		.name = rule->name,
		.description = rule->description,
		.source = rule->source,
		.condition = rule->condition,
		.output = rule->output,
		.tags = rule->tags,
		.only_if_new = rule->only_if_new,
		.rate = rule->own_rate,
		.window = rule->window ? rule->window->summary : TEXT(""),
		.condition_source = filter_source(rule->filter),
		.priority = rule->priority,
		.is_enabled = rule->is_enabled,
		.hits_total = rule->hits_total,
		.suppressed_total = rule->suppressed_total,
		.last_hit_ns = rule->last_hit_ns,
		.absent_fields = rule->absent_fields,
		.file = rule->file,
		.line = rule->line,
	};
}

void rule_set_counters(const struct rule_set *set, struct rule_counters *out)
{
	struct plans_counters plans = {0};

	*out = set->carried;
	out->matches_dropped_total += set->matches_dropped_total;
	out->regex_gave_up_total += filter_share_regex_gave_up_total(set->share);
	if (set->plans)
		plans_counters(set->plans, &plans);
	out->opens_total += plans.opens_total;
	out->opens_remembered_total += plans.remembered_total;
	out->outputs_cut_total += set->outputs_cut_total;
	out->events_cramped_total += set->events_cramped_total;
}

void rule_set_totals(const struct rule_set *set, struct rule_set_totals *out)
{
	*out = set->totals;
}

void rule_messages_done(struct rule_messages *messages)
{
	for (uint32_t i = 0; i < messages->n; i++) {
		free(messages->items[i].message);
		free(messages->items[i].file);
		free(messages->items[i].item);
	}
	free(messages->items);
	*messages = (struct rule_messages){0};
}

static struct text up_to_star(struct text pattern)
{
	const char *star = pattern.len ? memchr(pattern.ptr, '*', pattern.len) : NULL;

	return star ? (struct text){pattern.ptr, (uint32_t)(star - pattern.ptr)} : pattern;
}

static struct text behind(struct text t, uint32_t len)
{
	return (struct text){t.ptr + len, t.len - len};
}

bool rule_name_matches(struct text pattern, struct text name)
{
	struct text part = up_to_star(pattern);

	if (part.len == pattern.len)
		return text_equal(pattern, name);
	if (!text_starts_with(name, part))
		return false;
	name = behind(name, part.len);
	pattern = behind(pattern, part.len);
	while (pattern.len) {
		const char *at;

		while (pattern.len && *pattern.ptr == '*')
			pattern = behind(pattern, 1);
		if (!pattern.len)
			return true;
		part = up_to_star(pattern);
		at = name.len ? memmem(name.ptr, name.len, part.ptr, part.len) : NULL;
		if (!at)
			return false;
		name = behind(name, (uint32_t)(at - name.ptr) + part.len);
		pattern = behind(pattern, part.len);
	}
	return name.len == 0;
}
