/* Claims against what happens, on simulated workloads: a deviation that claims "once in R epochs"
 * must not come more than about twice as often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "anomaly/return_period.h"
#include "anomaly/tail.h"
#include "base/util.h"
#include "profiles/stream.h"
#include "simulate.h"

#define EPOCHS 4320
#define WARM_UP 60
#define SEEDS 4
/* Fewer events than this are no evidence either way. */
#define EVENTS_MIN 8

static const double claims[] = {10, 30, 100, 300};
static const char *const kind_names[] = {"zipf", "drift", "periodic"};

struct tally {
	double promised[ARRAY_SIZE(claims)], observed[ARRAY_SIZE(claims)];
	uint32_t epochs;
};

static void advance(struct stream streams[SIM_LEVELS], const bool is_new[SIM_LEVELS], uint32_t age)
{
	for (unsigned l = 0; l < SIM_LEVELS; l++) {
		if (is_new[l])
			stream_mark_new(&streams[l]);
		stream_advance(&streams[l], age);
	}
}

static struct claim claim_of(const struct stream streams[SIM_LEVELS],
			     const struct sim_novelty *novelty)
{
	const struct stream *stream = &streams[novelty->level];
	struct novelty n = {
		.stream = {.rate_per_epoch = stream_rate(stream),
			   .longest_claim_epochs = stream_longest_claim(stream),
			   .age_epochs = stream->age},
		.level = novelty->level,
		.parent_epochs = novelty->parent_epochs,
		.child_epochs = novelty->child_epochs,
		.unit_s = 1,
	};
	struct claim claim;

	return_period_claim(&n, &claim);
	return claim;
}

/* The longest claim of an epoch, 0 when nothing was new. */
static double longest_claim(const struct stream streams[SIM_LEVELS],
			    const struct sim_novelty *novelties, uint32_t n)
{
	double longest = 0;

	for (uint32_t i = 0; i < n; i++)
		longest = fmax(longest, claim_of(streams, &novelties[i]).return_period_s);
	return longest;
}

static void play(enum sim_kind kind, uint64_t seed, struct tally *streams_tally,
		 struct tally *claims_tally)
{
	struct sim *sim = sim_create(kind, seed, EPOCHS);
	struct sim_novelty novelties[SIM_NOVELTIES_MAX];
	struct stream streams[SIM_LEVELS];
	bool is_new[SIM_LEVELS];

	for (unsigned l = 0; l < SIM_LEVELS; l++)
		stream_init(&streams[l], l);
	for (uint32_t e = 0; e < EPOCHS; e++) {
		uint32_t n = sim_epoch(sim, novelties, is_new);
		double longest = longest_claim(streams, novelties, n);

		for (size_t i = 0; e >= WARM_UP && i < ARRAY_SIZE(claims); i++) {
			for (unsigned l = 0; l < SIM_LEVELS; l++) {
				double rate = stream_rate(&streams[l]);

				if (1 / rate < claims[i])
					continue;
				streams_tally->promised[i] += rate;
				streams_tally->observed[i] += is_new[l];
			}
			claims_tally->promised[i] += 1 / claims[i];
			claims_tally->observed[i] += longest >= claims[i];
		}
		advance(streams, is_new, e + 1);
	}
	sim_destroy(sim);
}

static void check(const char *what, const char *kind, const struct tally *tally)
{
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		print_message("# %s %s at %.0f+: %.0f observed, %.1f promised\n", what, kind,
			      claims[i], tally->observed[i], tally->promised[i]);
		if (tally->observed[i] > fmax(2 * tally->promised[i], EVENTS_MIN))
			fail_msg("%s %s at %.0f+: %.0f observed, %.1f promised", what, kind,
				 claims[i], tally->observed[i], tally->promised[i]);
	}
}

static void claims_hold_on(enum sim_kind kind)
{
	struct tally streams = {0}, best = {0};

	for (uint64_t seed = 0; seed < SEEDS; seed++)
		play(kind, seed, &streams, &best);
	check("streams", kind_names[kind], &streams);
	check("longest claim", kind_names[kind], &best);
	assert_true(best.observed[0] > 0); /* it does claim something */
}

static void claims_hold_on_zipf(void **state)
{
	(void)state;
	claims_hold_on(SIM_ZIPF);
}

static void claims_hold_under_drift(void **state)
{
	(void)state;
	claims_hold_on(SIM_DRIFT);
}

static void claims_hold_on_periodic_work(void **state)
{
	(void)state;
	claims_hold_on(SIM_PERIODIC);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_hold_on_zipf),
		cmocka_unit_test(claims_hold_under_drift),
		cmocka_unit_test(claims_hold_on_periodic_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
