#include "rules/sequence.h"

#include "base/util.h"

/* The names of the key's chains, by the index of their last step. */
static uint32_t *chains_of(struct windows *w, const struct window_rule *rule,
			   struct window_key *key)
{
	struct window_cell *cell;

	if (key->first == WINDOW_NONE) {
		key->first = windows_take_cell(w, rule->list, key);
		cell = windows_cell(w, key->first);
		cell->from = CELL_NAMES_CHAINS;
		for (uint32_t i = 0; i < RULE_STEPS_MAX; i++)
			cell->chains[i] = WINDOW_NONE;
	}
	return windows_cell(w, key->first)->chains;
}

/* The chain's first step is still within time of the present one. */
static bool is_in_time(struct windows *w, const struct window_rule *rule, uint32_t chain,
		       uint64_t now_ns)
{
	return chain != WINDOW_NONE &&
	       now_ns - windows_cell(w, chain)->step.ts_ns <= rule->within_ns;
}

static uint32_t add_cell(struct windows *w, const struct window_rule *rule,
			 const struct window_key *key, uint32_t behind,
			 const struct rule_step *step)
{
	uint32_t cell = windows_take_cell(w, rule->list, key);

	windows_cell(w, cell)->step = *step;
	if (behind != WINDOW_NONE)
		windows_cell(w, behind)->next = cell;
	return cell;
}

/* A copy of the chain (WINDOW_NONE: empty) with the step behind it. */
static uint32_t extended(struct windows *w, const struct window_rule *rule,
			 const struct window_key *key, uint32_t chain, const struct rule_step *step)
{
	uint32_t first = WINDOW_NONE, last = WINDOW_NONE;

	for (; chain != WINDOW_NONE; chain = windows_cell(w, chain)->next) {
		struct rule_step copy = windows_cell(w, chain)->step;

		last = add_cell(w, rule, key, last, &copy);
		if (first == WINDOW_NONE)
			first = last;
	}
	last = add_cell(w, rule, key, last, step);
	return first == WINDOW_NONE ? last : first;
}

static void tell(struct windows *w, const struct window_rule *rule, uint32_t chain,
		 const struct rule_step *last, struct rule_hit *hit)
{
	for (; chain != WINDOW_NONE; chain = windows_cell(w, chain)->next)
		hit->steps[hit->n_steps++] = windows_cell(w, chain)->step;
	hit->steps[hit->n_steps++] = *last;
	hit->since_ns = hit->steps[0].ts_ns;
	for (uint32_t i = 0; i < rule->n_steps; i++)
		hit->names[i] = rule->steps[i].name;
}

bool sequence_note(const struct window_rule *rule, struct windows *w, struct hash128 hash,
		   uint32_t index, const struct rule_step *step, struct rule_hit *hit)
{
	struct window_key *key = index ? windows_find(w, rule->list, hash, step->ts_ns)
				       : windows_get(w, rule->list, hash, step->ts_ns);
	uint32_t *chains, before = WINDOW_NONE, old;

	if (!key)
		return false;
	chains = chains_of(w, rule, key);
	if (index) {
		before = chains[index - 1];
		if (!is_in_time(w, rule, before, step->ts_ns))
			return false;
	}
	if (index == rule->n_steps - 1) {
		if (hit)
			tell(w, rule, before, step, hit);
		windows_drop(w, rule->list, key);
		return true;
	}
	old = chains[index];
	chains[index] = extended(w, rule, key, before, step);
	windows_give_chain(w, rule->list, old);
	return false;
}
