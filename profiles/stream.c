#include "profiles/stream.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

#define IMAGE_VERSION 1
#define EXPOSURE_PRIOR 1.0        /* b */
#define HALF_LIFE_MIN 6.0         /* epochs */
#define HALF_LIFE_MAX 4320.0      /* epochs: 30 days of 10 minutes */
#define HALF_LIFE_AGE_MAX 17280.0 /* at which age/4 reaches it */
#define HIGH_Z .8416              /* normal quantile of 80 % */
#define HIGH_PRIOR .5
#define FALLBACK_FACTOR 4.0
#define FORECAST_AGE_MIN 100

/* How fast the past is forgotten: half-life = clamp(age * share, 6, limit). */
struct forgetting {
	double share;
	double low, high; /* ages between which the half-life grows */
};

static const struct forgetting fast = {.25, HALF_LIFE_MIN * 4, HALF_LIFE_AGE_MAX};
static const struct forgetting slow = {1, HALF_LIFE_MIN, HALF_LIFE_AGE_MAX};

void stream_init(struct stream *stream, unsigned level)
{
	/* Found by calibration; they matter for quiet streams only. docs/statistics.md, 3. */
	static const double priors[] = {.35, .40, .50};

	*stream = (struct stream){.prior = priors[MIN(level, ARRAY_SIZE(priors) - 1)]};
}

static double clamp(double value, double low, double high)
{
	return value < low ? low : (value > high ? high : value);
}

/* What one epoch's end leaves of the past; age counts the ended one. */
static double step_factor(const struct forgetting *how, double age)
{
	return exp2(-1 / (clamp(age, how->low, how->high) * how->share));
}

/* Idle epochs from age s to t with a constant half-life. */
static double catch_up_constant(double *x, double s, double t, double half_life)
{
	double f = exp2(-(t - s) / half_life);

	*x = f * *x + half_life / M_LN2 * (1 - f);
	return f;
}

/* The same where the half-life is age * share: dx/dt = 1 - k x/t has x = f x + (t - s f)/(k + 1).
 */
static double catch_up_growing(double *x, double s, double t, double share)
{
	double k = M_LN2 / share;
	double f = pow(s / t, k);

	*x = f * *x + (t - s * f) / (k + 1);
	return f;
}

/* Move exposure x from age s to t without hits; what is left of one hit is returned. */
static double catch_up(const struct forgetting *how, double *x, double s, double t)
{
	double f = 1;

	if (s < how->low) {
		double to = fmin(t, how->low);

		f *= catch_up_constant(x, s, to, how->low * how->share);
		s = to;
	}
	if (s < t && s < how->high) {
		double to = fmin(t, how->high);

		f *= catch_up_growing(x, s, to, how->share);
		s = to;
	}
	if (s < t)
		f *= catch_up_constant(x, s, t, how->high * how->share);
	return f;
}

/* The epoch in which the marks were made ends. */
static void end_open_epoch(struct stream *s)
{
	double hit = s->open_new > 0;
	double g, g2;

	s->age++;
	g = step_factor(&fast, s->age);
	g2 = step_factor(&slow, s->age);
	s->n = g * s->n + hit;
	s->x = g * s->x + 1;
	s->n2 = g2 * s->n2 + hit;
	s->x2 = g2 * s->x2 + 1;
	s->extra = g * s->extra + (s->open_new > 0 ? s->open_new - 1 : 0);
	s->distinct = g * s->distinct + s->open_distinct;
	s->open_new = 0;
	s->open_distinct = 0;
}

void stream_advance(struct stream *stream, uint32_t age)
{
	double f;

	if (age <= stream->age)
		return;
	end_open_epoch(stream);
	if (age == stream->age)
		return;
	f = catch_up(&fast, &stream->x, stream->age, age);
	stream->n *= f;
	stream->extra *= f;
	stream->distinct *= f;
	stream->n2 *= catch_up(&slow, &stream->x2, stream->age, age);
	stream->age = age;
}

double stream_rate(const struct stream *stream)
{
	return fmin(1, (stream->n + stream->prior) / (stream->x + EXPOSURE_PRIOR));
}

/* Upper quantile of Gamma(n + 1/2) by Wilson & Hilferty (PNAS 17, 1931): error below 1.5 %. */
static double high_count(double n)
{
	double a = n + HIGH_PRIOR;
	double root = 1 - 1 / (9 * a) + HIGH_Z / (3 * sqrt(a));

	return a * root * root * root;
}

double stream_rate_high(const struct stream *stream)
{
	return fmin(1, high_count(stream->n) / (stream->x + EXPOSURE_PRIOR));
}

double stream_longest_claim(const struct stream *stream)
{
	return fmax(1, (stream->x + EXPOSURE_PRIOR) / stream->prior);
}

double stream_coverage(const struct stream *stream)
{
	double discoveries = stream->n + stream->extra;

	if (stream->distinct <= 0)
		return 0;
	return clamp(1 - discoveries / stream->distinct, 0, 1);
}

double stream_clump(const struct stream *stream)
{
	return (stream->extra + .5) / (stream->n + stream->extra + 1);
}

bool stream_judge(struct stream *stream, double ready_epochs, uint32_t min_epochs)
{
	double high = stream_rate_high(stream);

	if (!stream->is_ready) {
		stream->is_ready = stream->age >= min_epochs && high * ready_epochs <= 1;
	} else if (high * ready_epochs > FALLBACK_FACTOR) {
		stream->is_ready = false;
		stream->fallbacks++;
	}
	return stream->is_ready;
}

/* How discovery slows down, as age^-alpha: from the rates under two half-lives, which lag behind by
 * (k+1)/(k+1-alpha) and (k2+1)/(k2+1-alpha). Few hits say little: shrunk to the usual 0.7. */
static double slow_down(const struct stream *s)
{
	static const double k = 4 * M_LN2, k2 = M_LN2;
	static const double usual = .7, usual_weight = 4, most = 1.3;
	double rate2 = (s->n2 + s->prior) / (s->x2 + EXPOSURE_PRIOR);
	double r = stream_rate(s) / rate2;
	double divisor = k + 1 - r * (k2 + 1);
	double alpha = most;

	/* Beyond the pole the fast rate is above the slow one: discovery speeds up. */
	if (divisor > 0)
		alpha = clamp((k + 1) * (k2 + 1) * (1 - r) / divisor, -most, most);
	else
		alpha = -most;
	return fmin(most, (usual * usual_weight + alpha * s->n2) / (usual_weight + s->n2));
}

struct stream_forecast stream_forecast(const struct stream *stream, double ready_epochs,
				       uint32_t min_epochs)
{
	/* Exposure .81 R is the least that can bound the rate by 1/R; it is reached at 3.77 x. */
	double soonest = fmax(3.77 * (.81 * ready_epochs - 1), min_epochs);
	double age = stream->age;
	double alpha, at;

	if (stream->is_ready)
		return (struct stream_forecast){.outlook = STREAM_IS_READY};
	if (stream->age < FORECAST_AGE_MIN)
		return (struct stream_forecast){.outlook = STREAM_TOO_EARLY};
	alpha = slow_down(stream);
	if (alpha < .15)
		return (struct stream_forecast){.outlook = STREAM_UNSETTLED};
	at = age * pow(fmax(1, stream_rate(stream) * ready_epochs * 1.15), 1 / alpha);
	at = fmax(at, fmax(3.2 * ready_epochs, fmax(min_epochs, age + 1)));
	return (struct stream_forecast){
		.outlook = STREAM_EXPECTED,
		.low_epochs = fmax(0, fmax(at / 2, soonest) - age),
		.high_epochs = 2 * at - age,
	};
}

void stream_write(const struct stream *stream, struct blob_writer *writer)
{
	blob_put_u8(writer, IMAGE_VERSION);
	blob_put_u8(writer, stream->is_ready);
	blob_put_varint(writer, stream->age);
	blob_put_varint(writer, stream->open_new);
	blob_put_varint(writer, stream->open_distinct);
	blob_put_varint(writer, stream->fallbacks);
	blob_put_f64(writer, stream->prior);
	blob_put_f64(writer, stream->n);
	blob_put_f64(writer, stream->x);
	blob_put_f64(writer, stream->n2);
	blob_put_f64(writer, stream->x2);
	blob_put_f64(writer, stream->extra);
	blob_put_f64(writer, stream->distinct);
}

/* What the updates keep true of any stream. */
static bool is_sane(const struct stream *s)
{
	double age = s->age;

	return s->prior > 0 && s->prior <= 1 && s->n >= 0 && s->n <= s->x + 1e-6 &&
	       s->x <= age + 1 && s->n2 >= 0 && s->n2 <= s->x2 + 1e-6 && s->x2 <= age + 1 &&
	       s->extra >= 0 && s->distinct >= 0;
}

int stream_read(struct stream *out, struct blob_reader *reader)
{
	uint8_t version = blob_get_u8(reader);
	struct stream s = {.is_ready = blob_get_u8(reader) != 0};

	s.age = (uint32_t)blob_get_count(reader, UINT32_MAX);
	s.open_new = (uint32_t)blob_get_count(reader, UINT32_MAX);
	s.open_distinct = (uint32_t)blob_get_count(reader, UINT32_MAX);
	s.fallbacks = (uint32_t)blob_get_count(reader, UINT32_MAX);
	s.prior = blob_get_f64(reader);
	s.n = blob_get_f64(reader);
	s.x = blob_get_f64(reader);
	s.n2 = blob_get_f64(reader);
	s.x2 = blob_get_f64(reader);
	s.extra = blob_get_f64(reader);
	s.distinct = blob_get_f64(reader);
	if (reader->failed || version != IMAGE_VERSION || !is_sane(&s))
		return -EBADMSG;
	*out = s;
	return 0;
}
