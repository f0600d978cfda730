#include "simulate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define LEAVES_MAX 6000
#define DIRS_MAX 600
#define EXES_MAX 60

struct leaf {
	uint32_t dir;
	double probability;             /* per epoch, while it lives */
	uint32_t from, to;              /* epochs */
	uint32_t period, phase, length; /* 0: any epoch */
};

struct sim {
	uint64_t random;
	uint32_t epoch, n_leaves;
	uint32_t n_shown, shown[LEAVES_MAX];
	struct leaf leaves[LEAVES_MAX];
	uint32_t exe_of_dir[DIRS_MAX];
	/* epochs seen and epochs that brought a new child, by level; level 0's parent is the root
	 */
	uint32_t seen_exe[EXES_MAX], seen_dir[DIRS_MAX], seen_leaf[LEAVES_MAX];
	uint32_t children_root, children_exe[EXES_MAX], children_dir[DIRS_MAX];
};

double sim_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (double)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 11) * 0x1p-53;
}

/* Families of Pareto sizes: few large, many small. */
static uint32_t member_of(struct sim *sim, uint32_t n)
{
	double u = 1 - sim_random(&sim->random);

	return (uint32_t)fmin((1 / u - 1) * 2, n - 1);
}

static void grow_tree(struct sim *sim, uint32_t n_leaves, uint32_t n_dirs, uint32_t n_exes)
{
	for (uint32_t i = 0; i < n_dirs; i++)
		sim->exe_of_dir[i] = member_of(sim, n_exes);
	sim->n_leaves = n_leaves;
	for (uint32_t i = 0; i < n_leaves; i++)
		sim->leaves[i].dir = member_of(sim, n_dirs);
}

static void fill_zipf(struct sim *sim, uint32_t epochs)
{
	double head = 0.5 + 1.5 * sim_random(&sim->random);

	grow_tree(sim, 6000, 300, 30);
	for (uint32_t i = 0; i < sim->n_leaves; i++) {
		sim->leaves[i].probability = fmin(0.9, head / pow(i + 1, 1.3));
		sim->leaves[i].to = epochs;
	}
}

static void fill_drift(struct sim *sim, uint32_t epochs)
{
	grow_tree(sim, 4000, 400, 20);
	for (uint32_t i = 0; i < sim->n_leaves; i++) {
		double born = (sim_random(&sim->random) * 1.1 - 0.1) * epochs;
		double life = -log(1 - sim_random(&sim->random)) * 500 + 1;

		sim->leaves[i].probability = pow(10, -2.2 * sim_random(&sim->random) - 0.3);
		sim->leaves[i].from = (uint32_t)fmax(born, 0);
		sim->leaves[i].to = (uint32_t)fmin(fmax(born + life, 0), epochs);
	}
}

static void fill_periodic(struct sim *sim, uint32_t epochs)
{
	static const uint32_t periods[] = {0, 6, 144, 1008};

	grow_tree(sim, 400, 60, 20);
	for (uint32_t i = 0; i < sim->n_leaves; i++) {
		struct leaf *leaf = &sim->leaves[i];

		leaf->period = periods[i % ARRAY_SIZE(periods)];
		leaf->length = 1;
		leaf->phase = leaf->period ? (i / 4 % 4) * (leaf->period / 4) : 0;
		leaf->probability = leaf->period ? 0.3 + 0.7 * sim_random(&sim->random)
						 : pow(10, -3 * sim_random(&sim->random));
		leaf->to = epochs;
	}
}

struct sim *sim_create(enum sim_kind kind, uint64_t seed, uint32_t epochs)
{
	static void (*const fill[SIM_KIND_END])(struct sim *, uint32_t) = {
		[SIM_ZIPF] = fill_zipf, [SIM_DRIFT] = fill_drift, [SIM_PERIODIC] = fill_periodic};
	struct sim *sim = calloc(1, sizeof(*sim));

	assert(sim);
	sim->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	fill[kind](sim, epochs);
	return sim;
}

void sim_destroy(struct sim *sim)
{
	free(sim);
}

static bool shows(struct sim *sim, const struct leaf *leaf)
{
	if (sim->epoch < leaf->from || sim->epoch >= leaf->to)
		return false;
	if (leaf->period && (sim->epoch + leaf->period - leaf->phase) % leaf->period != 0)
		return false;
	return sim_random(&sim->random) < leaf->probability;
}

static struct sim_novelty novelty_of(const struct sim *sim, uint32_t i)
{
	uint32_t dir = sim->leaves[i].dir, exe = sim->exe_of_dir[dir];

	if (!sim->seen_exe[exe])
		return (struct sim_novelty){0, i, sim->epoch, sim->children_root};
	if (!sim->seen_dir[dir])
		return (struct sim_novelty){1, i, sim->seen_exe[exe], sim->children_exe[exe]};
	return (struct sim_novelty){2, i, sim->seen_dir[dir], sim->children_dir[dir]};
}

/* What an epoch showed, once each. */
struct marks {
	bool exe[EXES_MAX], dir[DIRS_MAX];
	bool child_root, child_exe[EXES_MAX], child_dir[DIRS_MAX];
};

static void mark_children(const struct sim *sim, const struct sim_novelty *n, struct marks *marks)
{
	uint32_t dir = sim->leaves[n->leaf].dir, exe = sim->exe_of_dir[dir];

	marks->child_root |= n->level == 0;
	marks->child_exe[exe] |= n->level <= 1;
	marks->child_dir[dir] = true;
}

static void teach(struct sim *sim, const struct marks *marks)
{
	sim->children_root += marks->child_root;
	for (uint32_t i = 0; i < EXES_MAX; i++) {
		sim->seen_exe[i] += marks->exe[i];
		sim->children_exe[i] += marks->child_exe[i];
	}
	for (uint32_t i = 0; i < DIRS_MAX; i++) {
		sim->seen_dir[i] += marks->dir[i];
		sim->children_dir[i] += marks->child_dir[i];
	}
}

uint32_t sim_epoch(struct sim *sim, struct sim_novelty novelties[SIM_NOVELTIES_MAX],
		   bool is_new[SIM_LEVELS])
{
	struct marks marks = {0};
	uint32_t n = 0;

	memset(is_new, 0, SIM_LEVELS * sizeof(is_new[0]));
	sim->n_shown = 0;
	for (uint32_t i = 0; i < sim->n_leaves; i++) {
		uint32_t dir = sim->leaves[i].dir;
		struct sim_novelty novelty;

		if (!shows(sim, &sim->leaves[i]))
			continue;
		sim->shown[sim->n_shown++] = i;
		marks.dir[dir] = marks.exe[sim->exe_of_dir[dir]] = true;
		if (sim->seen_leaf[i]++)
			continue;
		novelty = novelty_of(sim, i);
		mark_children(sim, &novelty, &marks);
		for (uint32_t l = novelty.level; l < SIM_LEVELS; l++)
			is_new[l] = true;
		if (n < SIM_NOVELTIES_MAX)
			novelties[n++] = novelty;
	}
	teach(sim, &marks);
	sim->epoch++;
	return n;
}

const uint32_t *sim_shown(const struct sim *sim, uint32_t *n)
{
	*n = sim->n_shown;
	return sim->shown;
}

void sim_key(const struct sim *sim, uint32_t leaf, uint32_t fields[SIM_LEVELS])
{
	fields[2] = leaf;
	fields[1] = sim->leaves[leaf].dir;
	fields[0] = sim->exe_of_dir[fields[1]];
}
