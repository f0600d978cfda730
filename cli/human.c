#include "cli/human.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/ids.h"
#include "base/util.h"

void human_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
}

char *human_print(const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	return n < 0 ? NULL : text;
}

char *human_duration(double seconds)
{
	static const struct {
		double below_s, unit_s;
		const char *name;
	} units[] = {
		{120, 1, "s"},
		{7200, 60, "min"},
		{172800, 3600, "h"},
		{63072000, 86400, "days"},
		{INFINITY, 31536000, "years"},
	};
	size_t i = 0;
	double value;

	if (isnan(seconds))
		return strdup("unknown");
	if (seconds < 0)
		seconds = 0;
	while (i + 1 < ARRAY_SIZE(units) && seconds >= units[i].below_s)
		i++;
	value = seconds / units[i].unit_s;
	/* One digit after the point where it tells something: 2.4 days, but 3 h and 45 s. */
	if (value < 10 && fabs(value - round(value)) >= 0.05)
		return human_print("%.1f %s", value, units[i].name);
	return human_print("%.0f %s", value, units[i].name);
}

char *human_share(double share)
{
	double percent = share * 100;

	if (isnan(share))
		return strdup("unknown");
	/* Never round up to certainty. */
	if (percent > 99 && percent < 100)
		return human_print("%.2f %%", floor(percent * 100) / 100);
	return human_print("%.*f %%", percent > 0 && percent < 10 ? 1 : 0, percent);
}

char *human_bytes(double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t i = 0;

	if (isnan(bytes))
		return strdup("unknown");
	while (bytes >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		bytes /= 1024;
		i++;
	}
	return human_print("%.*f %s", i > 0 && bytes < 10 ? 1 : 0, bytes, units[i]);
}

char *human_count(double count)
{
	char digits[32], out[48];
	size_t len, used = 0;

	if (!(count >= 0) || count > 1e18)
		return strdup("unknown");
	len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, (uint64_t)count);
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return strdup(out);
}

char *human_ago(const char *time, uint64_t now_ns)
{
	SCOPED(free_ptr) char *duration = NULL;
	uint64_t ns;

	if (!time || !time_parse(text_from(time), &ns))
		return strdup("never");
	duration = human_duration(now_ns > ns ? (double)(now_ns - ns) / 1e9 : 0);
	return duration ? human_print("%s ago", duration) : NULL;
}

/* Decode one character; *len its bytes (1 for a byte that is no valid start). */
static wchar_t next_char(const char *text, size_t *len)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n = mbrtowc(&c, text, strnlen(text, 8), &state);

	if (n == 0 || n > 8) { /* includes (size_t)-1 and -2 */
		*len = 1;
		return L'\xfffd';
	}
	*len = n;
	return c;
}

static bool is_harmful(wchar_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || /* C0, DEL, C1 */
	       c == 0x200e || c == 0x200f || c == 0x061c || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || /* direction */
	       c == 0x2028 || c == 0x2029 ||   /* line ends */
	       c == 0xfffd;
}

char *human_text(const char *text)
{
	char *out, *to;

	if (!text)
		text = "";
	out = malloc(strlen(text) * 4 + 1);
	to = out;
	while (out && *text) {
		size_t len;
		bool is_escaped = is_harmful(next_char(text, &len));

		for (; len > 0; len--, text++) {
			if (is_escaped)
				to += sprintf(to, "\\x%02x", (unsigned char)*text);
			else
				*to++ = *text;
		}
	}
	if (out)
		*to = '\0';
	return out;
}

static unsigned char_width(wchar_t c)
{
	int width = wcwidth(c);

	return width < 0 ? 1 : (unsigned)width;
}

unsigned human_width(const char *text)
{
	unsigned width = 0;

	while (*text) {
		size_t len;

		width += char_width(next_char(text, &len));
		text += len;
	}
	return width;
}

size_t human_fit(const char *text, unsigned width)
{
	size_t bytes = 0;

	while (text[bytes]) {
		size_t len;
		unsigned taken = char_width(next_char(text + bytes, &len));

		if (taken > width)
			break;
		width -= taken;
		bytes += len;
	}
	return bytes;
}
