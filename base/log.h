/* Logging to stderr, one line an event: `subject 'name': what: cause`. Resource code logs once, at
 * the lowest level that can name the object; callers just return the error. Nothing above debug
 * on the event path: count instead. Any thread. */
#pragma once

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERR };

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_err(...) log_line(LOG_LEVEL_ERR, __VA_ARGS__)

/* Log with the meaning of errno value -r (or r) appended, and give r back. */
int log_err_r(int r, const char *format, ...) __attribute__((format(printf, 2, 3)));
