#include "profiles/lifecycle.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/util.h"

#define SENTENCE_MAX 256

void lifecycle_moment(const struct profile_set *set, const struct baseline *b, struct moment *out)
{
	uint32_t age, observed;

	baseline_time_at(b, &set->clock, MAX(set->now_ns, b->last_ns), &age, &observed);
	*out = (struct moment){.age = age, .observed = observed, .min_epochs = set->min_epochs};
	out->share = (age + 1.0) / (observed + 1.0);
	out->ready_epochs = MAX(1.0, set->clock.ready_return_period_epochs * out->share);
	out->epoch_s = set->shared.epoch_s / out->share;
}

struct stream lifecycle_stream(const struct profile *p, unsigned level, const struct moment *now)
{
	struct stream stream = p->levels[level].streams[STEADY].stream;

	stream_advance(&stream, now->age);
	stream_judge(&stream, now->ready_epochs, now->min_epochs);
	return stream;
}

static void forecast(const struct stream *stream, const struct moment *now, struct outlook *out)
{
	struct stream_forecast f = stream_forecast(stream, now->ready_epochs, now->min_epochs);

	out->state = f.outlook == STREAM_UNSETTLED ? UNSETTLED : LEARNING;
	if (f.outlook != STREAM_EXPECTED)
		return;
	out->has_eta = true;
	out->eta_low_s = f.low_epochs * now->epoch_s;
	out->eta_high_s = f.high_epochs * now->epoch_s;
}

void lifecycle_dimension(const struct profile *p, const struct moment *now, struct outlook *out)
{
	struct stream coarsest = lifecycle_stream(p, 0, now);

	*out = (struct outlook){.state = READY, .ready_level = -1};
	for (int l = p->n_levels - 1; l >= 0 && out->ready_level < 0; l--) {
		struct stream stream = lifecycle_stream(p, (unsigned)l, now);

		if (stream.is_ready && !p->levels[l].is_off)
			out->ready_level = l;
	}
	if (out->ready_level < 0)
		forecast(&coarsest, now, out);
}

/* A dimension in which nothing ever happened. */
static void silent_dimension(const struct moment *now, struct outlook *out)
{
	struct stream stream;

	stream_init(&stream, 0);
	stream_advance(&stream, now->age);
	*out = (struct outlook){.state = READY, .ready_level = 0};
	if (!stream_judge(&stream, now->ready_epochs, now->min_epochs))
		forecast(&stream, now, out);
}

void lifecycle_workload(const struct baseline *b, const struct moment *now, struct outlook *out)
{
	uint32_t n_learning = 0, n_unsettled = 0, n_expected = 0;

	*out = (struct outlook){.state = READY, .ready_level = -1};
	for (uint32_t i = 0; i < b->n_profiles; i++) {
		struct outlook one;

		if (b->profiles[i])
			lifecycle_dimension(b->profiles[i], now, &one);
		else
			silent_dimension(now, &one);
		n_learning += one.state == LEARNING;
		n_unsettled += one.state == UNSETTLED;
		n_expected += one.has_eta;
		out->eta_low_s = fmax(out->eta_low_s, one.eta_low_s);
		out->eta_high_s = fmax(out->eta_high_s, one.eta_high_s);
	}
	if (n_learning)
		out->state = LEARNING;
	else if (n_unsettled)
		out->state = UNSETTLED;
	/* Ready in a while is only said when nothing else stands in the way. */
	out->has_eta = n_expected && n_expected == n_learning && n_unsettled == 0;
}

struct sentences {
	struct snapshot_pool *pool;
	struct text *out;
	uint32_t n;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentences *s, const char *format, ...)
{
	char buffer[SENTENCE_MAX];
	va_list args;
	int len;

	if (s->n == SNAPSHOT_REASONS_MAX)
		return;
	va_start(args, format);
	len = vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	len = MIN(len, SENTENCE_MAX - 1);
	if (len > 0)
		s->out[s->n++] = snapshot_text(s->pool, (struct text){buffer, (uint32_t)len});
}

static void say_learning(struct sentences *s, const struct profile *p, unsigned level,
			 const struct moment *now)
{
	const struct dimension_info *info = dimension_info(p->dimension);
	struct stream stream = lifecycle_stream(p, level, now);
	double high = stream_rate_high(&stream);

	if (now->age < now->min_epochs)
		say(s, "known for %u epochs of existence, %u are the least", now->age,
		    now->min_epochs);
	else if (stream_forecast(&stream, now->ready_epochs, now->min_epochs).outlook ==
		 STREAM_UNSETTLED)
		say(s, "'%.*s' does not settle: new ones keep coming, in about 1 epoch of %.0f",
		    TEXT_ARGS(info->levels[level]), 1 / stream_rate(&stream));
	else
		say(s,
		    "still learning '%.*s': new ones may come in 1 epoch of %.0f, ready at 1 of "
		    "%.0f",
		    TEXT_ARGS(info->levels[level]), 1 / high, now->ready_epochs);
}

static void say_memory(struct sentences *s, const struct profile *p)
{
	const struct dimension_info *info = dimension_info(p->dimension);

	for (unsigned l = 0; l < p->n_levels; l++) {
		const struct level *level = &p->levels[l];

		if (level->is_off)
			say(s, "'%.*s' is too varied for the memory allowed: no longer judged",
			    TEXT_ARGS(info->levels[l]));
		else if (level->sketch)
			say(s,
			    "'%.*s' is too varied to keep exactly: estimated, %.2g %% of new ones "
			    "are taken for known",
			    TEXT_ARGS(info->levels[l]), count_min_false_known(level->sketch) * 100);
	}
}

uint32_t lifecycle_reasons(const struct profile *p, const struct moment *now,
			   struct snapshot_pool *pool, struct text reasons[SNAPSHOT_REASONS_MAX])
{
	const struct dimension_info *info = dimension_info(p->dimension);
	struct sentences s = {pool, reasons, 0};
	struct outlook outlook;

	lifecycle_dimension(p, now, &outlook);
	if (outlook.ready_level >= 0)
		say(&s, "ready for '%.*s'", TEXT_ARGS(info->levels[outlook.ready_level]));
	if (outlook.ready_level + 1 < p->n_levels && !p->levels[outlook.ready_level + 1].is_off)
		say_learning(&s, p, (unsigned)(outlook.ready_level + 1), now);
	say_memory(&s, p);
	return s.n;
}
