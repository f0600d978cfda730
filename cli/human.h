/* Figures and strangers' text as people read them on a terminal. Each function gives a string that
 * the caller frees, or NULL without memory. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* Let widths of characters, and what may be printed, follow the terminal's encoding: before
 * anything below. */
void human_locale(void);

/* printf() into a string. */
char *human_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "0.3 s", "45 s", "12 min", "3 h", "2.4 days", "1.2 years"; NaN: "unknown". */
char *human_duration(double seconds);

/* "97 %", "99.4 %"; NaN: "unknown". */
char *human_share(double share);

/* "12 B", "3.4 KiB", "1.2 GiB" */
char *human_bytes(double bytes);

/* "1,234,567" */
char *human_count(double count);

/* "12 s ago", from an RFC 3339 time (NULL: "never") and now in ns since the epoch. */
char *human_ago(const char *time, uint64_t now_ns);

/* Text that cannot steer the terminal: control characters, and those that turn the direction of
 * writing, come out as \xNN for each byte; everything else as it is. */
char *human_text(const char *text);

/* Columns that valid UTF-8 text takes on a terminal. */
unsigned human_width(const char *text);

/* Bytes of text's longest prefix that takes at most width columns. */
size_t human_fit(const char *text, unsigned width);
