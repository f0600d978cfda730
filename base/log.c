#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 2048

static const enum log_level threshold = LOG_LEVEL_INFO;

static const char *const prefixes[] = {
	[LOG_LEVEL_DEBUG] = "debug: ",
	[LOG_LEVEL_INFO] = "",
	[LOG_LEVEL_WARN] = "warning: ",
	[LOG_LEVEL_ERR] = "error: ",
};

/* One write per line, so that lines of several threads do not mix. Control bytes of names that
 * strangers chose are shown as '?': a log line must not forge another. */
static void emit(enum log_level level, const char *format, va_list args, const char *cause)
{
	char line[LINE_MAX_BYTES];
	int n;

	n = vsnprintf(line, sizeof(line), format, args);
	if (n < 0)
		return;
	for (char *c = line; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	fprintf(stderr, "ethogram: %s%s%s%s\n", prefixes[level], line, cause ? ": " : "",
		cause ? cause : "");
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level < threshold)
		return;
	va_start(args, format);
	emit(level, format, args, NULL);
	va_end(args);
}

int log_err_r(int r, const char *format, ...)
{
	char cause[128];
	va_list args;

	va_start(args, format);
	emit(LOG_LEVEL_ERR, format, args, strerror_r(abs(r), cause, sizeof(cause)));
	va_end(args);
	return r;
}
