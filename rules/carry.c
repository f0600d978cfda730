/* What a set of rules hands over to the one that takes its place. */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "rules/rule_set.h"

static int compare_rules(const void *a, const void *b, void *arg)
{
	const struct rule_set *set = arg;

	return text_compare(set->rules[*(const uint32_t *)a].name,
			    set->rules[*(const uint32_t *)b].name);
}

/* Rule indices of the set in the order of the names. */
static uint32_t *sorted_by_name(const struct rule_set *set)
{
	uint32_t *rules = malloc((set->n + 1) * sizeof(*rules));

	for (uint32_t i = 0; rules && i < set->n; i++)
		rules[i] = i;
	if (rules)
		qsort_r(rules, set->n, sizeof(*rules), compare_rules, (void *)set);
	return rules;
}

/* Index + 1 of the rule of that name and source, 0 if there is none. */
static uint32_t find_rule(const struct rule_set *set, const uint32_t *sorted,
			  const struct rule *wanted)
{
	uint32_t low = 0, high = set->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct rule *rule = &set->rules[sorted[middle]];
		int order = text_compare(rule->name, wanted->name);

		if (order == 0)
			return text_equal(rule->source, wanted->source) ? sorted[middle] + 1 : 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

int rule_set_prepare_carry(struct rule_set *next, const struct rule_set *current)
{
	SCOPED(free_ptr) uint32_t *sorted = sorted_by_name(current);

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < next->n; i++)
		next->rules[i].carries_from = find_rule(current, sorted, &next->rules[i]);
	return 0;
}

void rule_set_carry(struct rule_set *next, const struct rule_set *current)
{
	for (uint32_t i = 0; i < next->n; i++) {
		struct rule *rule = &next->rules[i];
		const struct rule *old;

		if (!rule->carries_from)
			continue;
		old = &current->rules[rule->carries_from - 1];
		rule->hits_total = old->hits_total;
		rule->last_hit_ns = old->last_hit_ns;
		rule->suppressed_total = old->suppressed_total;
		if (rule->rate.burst == old->rate.burst && rule->rate.per_ns == old->rate.per_ns)
			rule->rate_state = old->rate_state;
		rule->rate_state.n_suppressed = old->rate_state.n_suppressed;
	}
	rule_set_counters(current, &next->carried);
}
