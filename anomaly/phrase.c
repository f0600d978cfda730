#include "anomaly/phrase.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

void phrase_text(struct phrase *phrase, struct text text)
{
	uint32_t len = MIN(text.len, phrase->size - phrase->len);

	if (len)
		memcpy(phrase->bytes + phrase->len, text.ptr, len);
	phrase->len += len;
}

void phrase_short(struct phrase *phrase, struct text text, uint32_t max)
{
	if (text.len <= max) {
		phrase_text(phrase, text);
		return;
	}
	phrase_text(phrase, (struct text){text.ptr, max});
	phrase_text(phrase, TEXT("..."));
}

void phrase_printf(struct phrase *phrase, const char *format, ...)
{
	char part[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(part, sizeof(part), format, args);
	va_end(args);
	if (len > 0)
		phrase_text(phrase,
			    (struct text){part, (uint32_t)MIN((size_t)len, sizeof(part) - 1)});
}

void phrase_duration(struct phrase *phrase, double seconds)
{
	static const struct {
		double below_s, unit_s;
		const char *format;
	} rows[] = {
		{10, 1, "%.1f s"},
		{120, 1, "%.0f s"},
		{2 * 3600, 60, "%.0f min"},
		{2 * 86400, 3600, "%.0f h"},
		{2 * 365.25 * 86400, 86400, "%.0f days"},
		{INFINITY, 365.25 * 86400, "%.1f years"},
	};
	unsigned i = 0;

	while (i < ARRAY_SIZE(rows) - 1 && seconds >= rows[i].below_s)
		i++;
	phrase_printf(phrase, rows[i].format, seconds / rows[i].unit_s);
}

void phrase_key(struct phrase *phrase, const struct text *fields, uint32_t n, uint32_t field_max)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			phrase_text(phrase, TEXT(" > "));
		phrase_short(phrase, fields[i], field_max);
	}
}

struct text plain_workload_name(struct text workload)
{
	const char *colon = workload.len ? memchr(workload.ptr, ':', workload.len) : NULL;
	uint32_t kind = colon ? (uint32_t)(colon - workload.ptr) + 1 : 0;

	return (struct text){workload.ptr + kind, workload.len - kind};
}
