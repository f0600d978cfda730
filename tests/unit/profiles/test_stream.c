#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "profiles/stream.h"
#include "random.h"

static void expect_near(const char *what, double got, double want, double tolerance)
{
	if (fabs(got - want) > tolerance)
		fail_msg("%s: got %g, want %g +- %g", what, got, want, tolerance);
}

/* The formulas, step by step, for comparison. */
struct steps {
	double n, x, n2, x2;
	uint32_t age;
};

static void steps_end_epoch(struct steps *s, bool hit)
{
	double age = ++s->age;
	double g = exp2(-1 / fmin(fmax(age / 4, 6), 4320));
	double g2 = exp2(-1 / fmin(fmax(age, 6), 17280));

	s->n = g * s->n + hit;
	s->x = g * s->x + 1;
	s->n2 = g2 * s->n2 + hit;
	s->x2 = g2 * s->x2 + 1;
}

/* Hits here and there, the stream touched only at hits and at the end. */
static void lazy_form_equals_steps(void **state)
{
	static const struct {
		const char *name;
		uint32_t age;
		double hit_share;
	} rows[] = {
		{"one epoch", 1, 1},         {"young", 20, .2},
		{"across 24", 40, .1},       {"never hit", 3000, 0},
		{"rarely hit", 17000, .01},  {"across 17280", 20000, .002},
		{"very old", 100000, .0005},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct steps steps = {0};
		struct stream stream;
		uint64_t random = i;

		stream_init(&stream, 0);
		for (uint32_t epoch = 0; epoch < rows[i].age; epoch++) {
			bool hit = random_unit(&random) < rows[i].hit_share;

			if (hit) {
				stream_advance(&stream, epoch);
				stream_mark_new(&stream);
			}
			steps_end_epoch(&steps, hit);
		}
		stream_advance(&stream, rows[i].age);
		assert_int_equal(stream.age, rows[i].age);
		expect_near(rows[i].name, stream.x, steps.x, 1);
		expect_near(rows[i].name, stream.n, steps.n, .001 * steps.n + .01);
		expect_near(rows[i].name, stream.x2, steps.x2, 1);
		expect_near(rows[i].name, stream.n2, steps.n2, .001 * steps.n2 + .01);
	}
}

static void rate_is_frozen_within_an_epoch(void **state)
{
	struct stream stream;
	double rate, high;

	(void)state;
	stream_init(&stream, 2);
	assert_true(stream_rate(&stream) == .5); /* a/b */
	stream_advance(&stream, 500);
	rate = stream_rate(&stream);
	high = stream_rate_high(&stream);
	for (int i = 0; i < 1000000; i++) {
		stream_mark_new(&stream);
		stream_mark_distinct(&stream);
		stream_advance(&stream, 500);
		stream_advance(&stream, 3); /* time does not go back */
	}
	assert_true(stream_rate(&stream) == rate);
	assert_true(stream_rate_high(&stream) == high);
	stream_advance(&stream, 501);
	assert_true(stream_rate(&stream) > rate);
	expect_near("one hit", stream.n, 1, 1e-9);
}

static void longest_claim_follows_age(void **state)
{
	static const struct {
		unsigned level;
		uint32_t age;
		double prior;
	} rows[] = {
		{0, 0, .35}, {0, 1000, .35}, {1, 1000, .40}, {2, 1000, .50}, {5, 10000, .50},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stream stream;
		double want = (rows[i].age / 3.77 + 1) / rows[i].prior;

		stream_init(&stream, rows[i].level);
		stream_advance(&stream, rows[i].age);
		expect_near("claim", stream_longest_claim(&stream), want, .02 * want);
		/* Without a discovery the claim is as long as it can be; with one, shorter. */
		expect_near("rate", 1 / stream_rate(&stream), stream_longest_claim(&stream), 1e-6);
		stream_mark_new(&stream);
		stream_advance(&stream, rows[i].age + 1);
		assert_true(1 / stream_rate(&stream) < stream_longest_claim(&stream));
	}
	/* However old: 87 to 124 days of ten minutes. */
	for (unsigned level = 0; level < 3; level += 2) {
		struct stream stream;

		stream_init(&stream, level);
		stream_advance(&stream, UINT32_MAX);
		assert_in_range((uint64_t)stream_longest_claim(&stream), 12400, 17900);
	}
}

/* Wilson-Hilferty against exact 80 % quantiles of Gamma(n + 1/2, 1). */
static void high_rate_is_the_quantile(void **state)
{
	static const struct {
		double n, want;
	} rows[] = {{0, .821}, {1, 2.321}, {2, 3.645}, {5, 7.319}, {10, 13.06}, {100, 108.8}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stream stream = {.n = rows[i].n, .x = 999, .prior = .5, .age = 4000};

		expect_near("quantile", stream_rate_high(&stream) * 1000, rows[i].want,
			    .015 * rows[i].want);
	}
}

static void ready_has_hysteresis(void **state)
{
	struct stream stream;
	uint32_t age = 0;

	(void)state;
	stream_init(&stream, 0);
	while (!stream_judge(&stream, 288, 36)) {
		stream_advance(&stream, ++age);
		assert_true(age < 5000);
	}
	assert_in_range(age, 800, 960); /* "age about 880 epochs" */
	stream_mark_new(&stream);
	stream_advance(&stream, ++age);
	assert_true(stream_rate_high(&stream) > 1. / 288);
	assert_true(stream_judge(&stream, 288, 36)); /* one discovery does not end it */
	for (int i = 0; i < 10; i++) {
		stream_mark_new(&stream);
		stream_advance(&stream, ++age);
	}
	assert_false(stream_judge(&stream, 288, 36));
	assert_int_equal(stream.fallbacks, 1);
	/* A low bar does not make it ready before its time. */
	stream_init(&stream, 0);
	stream_advance(&stream, 35);
	assert_false(stream_judge(&stream, 1, 36));
	stream_advance(&stream, 36);
	assert_true(stream_judge(&stream, 1, 36));
}

static void coverage_and_clumps(void **state)
{
	struct stream stream;

	(void)state;
	stream_init(&stream, 0);
	assert_true(stream_coverage(&stream) == 0);
	for (uint32_t age = 0; age < 1000; age++) {
		stream_advance(&stream, age);
		for (int i = 0; i < 10; i++)
			stream_mark_distinct(&stream);
		/* Every tenth epoch has two new things among its ten. */
		if (age % 10 == 0) {
			stream_mark_new(&stream);
			stream_mark_new(&stream);
		}
	}
	stream_advance(&stream, 1000);
	expect_near("coverage", stream_coverage(&stream), .98, .002);
	expect_near("clump", stream_clump(&stream), .5, .02);
}

/* What the streams of a simulated workload claimed, and what came: by least claimed period. */
static const double claims[] = {1, 10, 30, 100, 300, 1000};

struct record {
	double promised[ARRAY_SIZE(claims)];
	double observed[ARRAY_SIZE(claims)];
};

#define KEYS_MAX (1 << 20)

/* One workload: seen[] is its catalogue. */
struct workload {
	struct stream stream;
	uint64_t random;
	uint8_t seen[KEYS_MAX];
	bool is_hit, in_burst;
};

static void see(struct workload *w, uint64_t key)
{
	key &= KEYS_MAX - 1;
	if (!w->seen[key]) {
		w->seen[key] = 1;
		w->is_hit = true;
		stream_mark_new(&w->stream);
	}
	stream_mark_distinct(&w->stream);
}

typedef void epoch_fn(struct workload *w, uint32_t epoch);

static void zipf_heavy(struct workload *w, uint32_t epoch)
{
	(void)epoch;
	for (int i = 0; i < 10; i++)
		see(w, random_zipf(&w->random, 1.05, KEYS_MAX - 1));
}

static void zipf_light(struct workload *w, uint32_t epoch)
{
	(void)epoch;
	for (int i = 0; i < 20; i++)
		see(w, random_zipf(&w->random, 2.2, KEYS_MAX - 1));
}

/* Things come and go: the window of usual keys moves, at a pace that changes. */
static void drifting(struct workload *w, uint32_t epoch)
{
	double base = epoch / 150. + 15 * sin(epoch / 2000.);

	for (int i = 0; i < 20; i++)
		see(w, (uint64_t)(base + 100) + random_zipf(&w->random, 1.8, 40));
}

/* A database: rarely anything new. */
static void quiet(struct workload *w, uint32_t epoch)
{
	(void)epoch;
	see(w, random_next(&w->random) % 20);
	if (random_unit(&w->random) < .0015)
		see(w, random_next(&w->random));
}

/* Jobs of the day, the week and the month, each with habits of its own. */
static void periodic(struct workload *w, uint32_t epoch)
{
	static const uint32_t periods[] = {6, 144, 1008, 4320};

	see(w, random_next(&w->random) % 10);
	for (uint32_t i = 0; i < ARRAY_SIZE(periods); i++) {
		if (epoch % periods[i] == periods[i] / 2)
			see(w, 1000 * (i + 1) + random_zipf(&w->random, 2.5, 500));
	}
}

/* Nothing for long, then many new things for a few epochs in a row. */
static void bursty(struct workload *w, uint32_t epoch)
{
	(void)epoch;
	see(w, random_next(&w->random) % 10);
	w->in_burst = random_unit(&w->random) < (w->in_burst ? .6 : .002);
	for (int i = 0; w->in_burst && i < 5; i++)
		see(w, random_next(&w->random));
}

/* A new version every ten days or so brings a batch of new things. */
static void deployed(struct workload *w, uint32_t epoch)
{
	uint64_t version = epoch / 1400;

	for (int i = 0; i < 10; i++)
		see(w, version * 1000 + random_zipf(&w->random, 2, 300));
}

static void simulate(struct workload *w, epoch_fn *run, unsigned level, uint64_t seed,
		     struct record *record)
{
	memset(w, 0, sizeof(*w));
	w->random = seed;
	stream_init(&w->stream, level);
	for (uint32_t epoch = 0; epoch < 17280; epoch++) {
		double rate;

		stream_advance(&w->stream, epoch);
		rate = stream_rate(&w->stream);
		w->is_hit = false;
		run(w, epoch);
		for (size_t c = 0; c < ARRAY_SIZE(claims); c++) {
			if (rate * claims[c] > 1)
				break;
			record->promised[c] += rate;
			record->observed[c] += w->is_hit;
		}
	}
}

/* The property that everything rests on: whatever the workload, something new turns up at most
 * twice as often as the claims said (with room for chance where little was promised: a Poisson
 * count exceeds its mean by three deviations once in 700). */
static void claims_are_kept(void **state)
{
	static const struct {
		const char *name;
		epoch_fn *run;
	} rows[] = {
		{"zipf heavy", zipf_heavy}, {"zipf light", zipf_light}, {"drifting", drifting},
		{"quiet", quiet},           {"periodic", periodic},     {"bursty", bursty},
		{"deployed", deployed},
	};
	static struct workload workload;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record record = {0};
		char line[200];
		int len = 0;

		for (uint64_t seed = 1; seed <= 24; seed++)
			simulate(&workload, rows[i].run, seed % 3, seed * 1000 + i, &record);
		for (size_t c = 0; c < ARRAY_SIZE(claims); c++)
			len += snprintf(line + len, sizeof(line) - (size_t)len, " %g:%.0f/%.1f",
					claims[c], record.observed[c], record.promised[c]);
		print_message("# %s: observed/promised%s\n", rows[i].name, line);
		for (size_t c = 0; c < ARRAY_SIZE(claims); c++) {
			double allowed = 2 * record.promised[c];

			if (record.observed[c] > allowed + 3 * sqrt(fmin(allowed, 3)))
				fail_msg("%s, claims of %g and more: promised %.1f, observed %.0f",
					 rows[i].name, claims[c], record.promised[c],
					 record.observed[c]);
		}
	}
}

/* Discovery that falls as age^-alpha, expected times of readiness. */
static void forecast_knows_what_settles(void **state)
{
	static const struct {
		const char *name;
		double alpha, first_rate;
		uint32_t age;
		enum stream_outlook want;
	} rows[] = {
		{"young", .8, 1, 99, STREAM_TOO_EARLY},
		{"slows down", .8, 1, 2000, STREAM_EXPECTED},
		{"nothing new since long", 9, 1, 500, STREAM_EXPECTED},
		{"never slows down", 0, .3, 3000, STREAM_UNSETTLED},
		{"speeds up", -.3, .02, 3000, STREAM_UNSETTLED},
		{"done", 9, 1, 2000, STREAM_IS_READY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stream_forecast forecast;
		struct stream stream;
		uint64_t random = 5;

		stream_init(&stream, 1);
		for (uint32_t age = 0; age < rows[i].age; age++) {
			stream_advance(&stream, age);
			if (random_unit(&random) <
			    rows[i].first_rate * pow(age + 1, -rows[i].alpha))
				stream_mark_new(&stream);
		}
		stream_advance(&stream, rows[i].age);
		stream_judge(&stream, 288, 36);
		forecast = stream_forecast(&stream, 288, 36);
		if (forecast.outlook != rows[i].want)
			fail_msg("%s: outlook %d", rows[i].name, forecast.outlook);
		if (forecast.outlook != STREAM_EXPECTED) {
			assert_true(forecast.high_epochs == 0);
			continue;
		}
		assert_true(forecast.low_epochs >= 0);
		assert_true(forecast.high_epochs > forecast.low_epochs);
	}
}

/* When nothing new comes any more, readiness comes within the range given. */
static void forecast_range_holds_for_the_quiet(void **state)
{
	struct stream stream;
	struct stream_forecast forecast;
	uint32_t age = 400;

	(void)state;
	stream_init(&stream, 0);
	stream_mark_new(&stream);
	stream_advance(&stream, age);
	forecast = stream_forecast(&stream, 288, 36);
	while (!stream_judge(&stream, 288, 36))
		stream_advance(&stream, ++age);
	assert_in_range(age - 400, (uint64_t)forecast.low_epochs - 5,
			(uint64_t)forecast.high_epochs);
}

static void image_comes_back(void **state)
{
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct stream stream, copy = {0}, untouched = {0};
	struct blob_reader reader;
	struct text image;

	(void)state;
	stream_init(&stream, 1);
	for (uint32_t age = 0; age < 300; age += 7) {
		stream_advance(&stream, age);
		stream_mark_new(&stream);
		stream_mark_distinct(&stream);
	}
	stream_judge(&stream, 2, 36);
	stream_write(&stream, &writer);
	image = (struct text){(char *)writer.bytes, (uint32_t)writer.len};
	reader = blob_reader_of(image);
	assert_int_equal(stream_read(&copy, &reader), 0);
	assert_true(copy.n == stream.n && copy.x == stream.x && copy.n2 == stream.n2);
	assert_true(copy.extra == stream.extra && copy.distinct == stream.distinct);
	assert_int_equal(copy.age, stream.age);
	assert_int_equal(copy.open_new, 1);
	assert_int_equal(copy.is_ready, stream.is_ready);
	for (uint32_t len = 0; len < image.len; len++) {
		reader = blob_reader_of((struct text){image.ptr, len});
		assert_int_equal(stream_read(&untouched, &reader), -EBADMSG);
		assert_true(untouched.prior == 0);
	}
}

/* Whatever bytes a stream is read from, its rate is a probability. */
static void damaged_images_give_no_wild_rates(void **state)
{
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct stream stream;

	(void)state;
	stream_init(&stream, 1);
	stream_mark_new(&stream);
	stream_advance(&stream, 300);
	stream_write(&stream, &writer);
	for (size_t at = 0; at < writer.len * 8; at++) {
		struct blob_reader reader =
			blob_reader_of((struct text){(char *)writer.bytes, (uint32_t)writer.len});
		struct stream copy;

		writer.bytes[at / 8] ^= (uint8_t)(1 << at % 8);
		if (stream_read(&copy, &reader) == 0) {
			stream_advance(&copy, UINT32_MAX);
			assert_true(stream_rate(&copy) > 0 && stream_rate(&copy) <= 1);
			assert_true(stream_rate_high(&copy) > 0 && stream_rate_high(&copy) <= 1);
		}
		writer.bytes[at / 8] ^= (uint8_t)(1 << at % 8);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lazy_form_equals_steps),
		cmocka_unit_test(rate_is_frozen_within_an_epoch),
		cmocka_unit_test(longest_claim_follows_age),
		cmocka_unit_test(high_rate_is_the_quantile),
		cmocka_unit_test(ready_has_hysteresis),
		cmocka_unit_test(coverage_and_clumps),
		cmocka_unit_test(claims_are_kept),
		cmocka_unit_test(forecast_knows_what_settles),
		cmocka_unit_test(forecast_range_holds_for_the_quiet),
		cmocka_unit_test(image_comes_back),
		cmocka_unit_test(damaged_images_give_no_wild_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
