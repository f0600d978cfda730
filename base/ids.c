#include "base/ids.h"

#include <stdio.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define YEAR_MAX 2500

const char *time_print(uint64_t ns, char out[TIME_TEXT_BYTES])
{
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm); /* at most the year 2554 */
	n = strftime(out, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TIME_TEXT_BYTES - n, ".%09uZ", (unsigned)(ns % NS_PER_S));
	return out;
}

/* What is left to read. */
struct reader {
	const char *at, *end;
};

static bool take_char(struct reader *in, char c)
{
	if (in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

static bool is_digit(const struct reader *in)
{
	return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

/* Exactly n digits. */
static bool take_digits(struct reader *in, unsigned n, int *value)
{
	*value = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!is_digit(in))
			return false;
		*value = *value * 10 + (*in->at++ - '0');
	}
	return true;
}

/* Optional ".digits" as nanoseconds. */
static bool take_fraction(struct reader *in, uint64_t *ns)
{
	uint64_t unit = NS_PER_S / 10;

	*ns = 0;
	if (!take_char(in, '.'))
		return true;
	if (!is_digit(in))
		return false;
	for (; is_digit(in); unit /= 10)
		*ns += (uint64_t)(*in->at++ - '0') * unit;
	return true;
}

/* "Z" or "+hh:mm", as seconds east. */
static bool take_zone(struct reader *in, int *east_s)
{
	int hours, minutes, sign;

	*east_s = 0;
	if (take_char(in, 'Z') || take_char(in, 'z'))
		return true;
	if (take_char(in, '+'))
		sign = 1;
	else if (take_char(in, '-'))
		sign = -1;
	else
		return false;
	if (!take_digits(in, 2, &hours) || !take_char(in, ':') || !take_digits(in, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*east_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool take_date_time(struct reader *in, struct tm *tm)
{
	*tm = (struct tm){0};
	if (!take_digits(in, 4, &tm->tm_year) || !take_char(in, '-') ||
	    !take_digits(in, 2, &tm->tm_mon) || !take_char(in, '-') ||
	    !take_digits(in, 2, &tm->tm_mday))
		return false;
	if (!take_char(in, 'T') && !take_char(in, 't') && !take_char(in, ' '))
		return false;
	if (!take_digits(in, 2, &tm->tm_hour) || !take_char(in, ':') ||
	    !take_digits(in, 2, &tm->tm_min) || !take_char(in, ':') ||
	    !take_digits(in, 2, &tm->tm_sec))
		return false;
	return tm->tm_year >= 1970 && tm->tm_year < YEAR_MAX && tm->tm_mon >= 1 &&
	       tm->tm_mon <= 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour <= 23 &&
	       tm->tm_min <= 59 && tm->tm_sec <= 60;
}

/* Seconds since the epoch of that day's midnight; false when there is no such day. */
static bool day_start(const struct tm *tm, int64_t *seconds)
{
	struct tm day = {.tm_year = tm->tm_year - 1900, .tm_mon = tm->tm_mon - 1};

	day.tm_mday = tm->tm_mday;
	*seconds = timegm(&day); /* the 31st of June becomes the 1st of July */
	return day.tm_mday == tm->tm_mday;
}

static bool parse_rfc3339(struct reader in, uint64_t *ns)
{
	struct tm tm;
	uint64_t fraction_ns;
	int64_t seconds;
	int east_s;

	if (!take_date_time(&in, &tm) || !take_fraction(&in, &fraction_ns) ||
	    !take_zone(&in, &east_s) || in.at != in.end || !day_start(&tm, &seconds))
		return false;
	seconds += tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec - east_s;
	if (seconds < 0)
		return false;
	*ns = (uint64_t)seconds * NS_PER_S + fraction_ns;
	return true;
}

static bool parse_seconds(struct reader in, uint64_t *ns)
{
	uint64_t seconds = 0, fraction_ns;

	if (!is_digit(&in))
		return false;
	while (is_digit(&in)) {
		seconds = seconds * 10 + (uint64_t)(*in.at++ - '0');
		if (seconds >= UINT64_C(16725225600)) /* the year 2500 */
			return false;
	}
	if (!take_fraction(&in, &fraction_ns) || in.at != in.end)
		return false;
	*ns = seconds * NS_PER_S + fraction_ns;
	return true;
}

bool time_parse(struct text t, uint64_t *ns)
{
	struct reader in = {t.ptr, t.ptr + t.len};

	return t.len && (parse_rfc3339(in, ns) || parse_seconds(in, ns));
}

const char *hex16_print(uint64_t value, char out[HEX16_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 15; i >= 0; i--) {
		out[i] = digits[value & 15];
		value >>= 4;
	}
	out[16] = '\0';
	return out;
}

bool hex16_parse(struct text t, uint64_t *value)
{
	uint64_t sum = 0;

	if (t.len != HEX16_BYTES - 1)
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];

		if (c >= '0' && c <= '9')
			sum = sum << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			sum = sum << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*value = sum;
	return true;
}

const char *id_print(char letter, uint64_t id, char out[ID_BYTES])
{
	snprintf(out, ID_BYTES, "%c%llu", letter, (unsigned long long)id);
	return out;
}

bool id_parse(char letter, struct text t, uint64_t *id)
{
	uint64_t sum = 0;

	if (t.len < 2 || t.len > 19 || t.ptr[0] != letter || t.ptr[1] == '0')
		return false;
	for (uint32_t i = 1; i < t.len; i++) {
		if (t.ptr[i] < '0' || t.ptr[i] > '9')
			return false;
		sum = sum * 10 + (uint64_t)(t.ptr[i] - '0');
	}
	*id = sum;
	return true;
}
