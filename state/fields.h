/* Tools for writing extractors, and the extractors of each class of fields with the variants that
 * fields.def names. */
#pragma once

#include "state/field.h"
#include "state/state.h"

enum evt_variant {
	EVT_NUM,
	EVT_RAWTIME,
	EVT_RAWTIME_S,
	EVT_RAWTIME_NS,
	EVT_RELTIME,
	EVT_RELTIME_S,
	EVT_RELTIME_NS,
	EVT_CPU,
	EVT_RAWRES,
	EVT_BUFLEN,
	EVT_ZERO,
	EVT_ONE,
	EVT_TYPE,
	EVT_SYSCALL_TYPE,
	EVT_CATEGORY,
	EVT_DIR,
	EVT_RES,
	EVT_SOURCE,
	EVT_HOSTNAME,
	EVT_IO_DIR,
	EVT_PATH_SOURCE,
	EVT_LATENCY_HUMAN,
	EVT_FAILED,
	EVT_IS_IO,
	EVT_IS_READ,
	EVT_IS_WRITE,
	EVT_IS_WAIT,
	EVT_IS_SYSLOG,
	EVT_IS_ASYNC,
	EVT_OPEN_READ,
	EVT_OPEN_WRITE,
	EVT_OPEN_EXEC,
	EVT_OPEN_CREATE,
	TIME_CLOCK,
	TIME_CLOCK_S,
	TIME_ISO8601,
	TIME_DATE,
	TIME_DATE_S,
};

enum proc_variant {
	PROC_NAME,
	PROC_EXE,
	PROC_EXEPATH,
	PROC_CMDLINE,
	PROC_EXELINE,
	PROC_ARGS,
	PROC_ENV,
	PROC_CWD,
	PROC_PNAME,
	PROC_PEXE,
	PROC_PEXEPATH,
	PROC_PCMDLINE,
	PROC_PID,
	PROC_PPID,
	PROC_VPID,
	PROC_PVPID,
	PROC_SID,
	PROC_PGID,
	PROC_VPGID,
	PROC_TTY,
	PROC_EXE_WRITABLE,
	PROC_EXE_UPPER,
	PROC_EXE_LOWER,
	PROC_EXE_MEMFD,
	THREAD_TID,
	THREAD_VTID,
};

enum user_variant {
	USER_UID,
	USER_NAME,
	USER_HOME,
	USER_SHELL,
	USER_LOGINUID,
	USER_LOGINNAME,
	GROUP_GID,
	GROUP_NAME
};

enum fd_variant {
	FD_NUM,
	FD_NAME,
	FD_DIR,
	FD_FILENAME,
	FD_TYPE,
	FD_TYPECHAR,
	FD_L4PROTO,
	FD_CLIENT,
	FD_SERVER,
	FD_LOCAL,
	FD_REMOTE,
};

field_extract_fn extract_evt_number, extract_evt_text, extract_evt_bool, extract_evt_time;
field_extract_fn extract_proc_text, extract_proc_args, extract_proc_number, extract_proc_bool;
field_extract_fn extract_user_number, extract_user_text;
field_extract_fn extract_fd_number, extract_fd_text, extract_fd_ip, extract_fd_port;

/* Yield one value made in the context's arena. False: the arena is full. */
bool yield_text(const struct field_context *ctx, struct values *out, struct text text);
bool yield_i64(const struct field_context *ctx, struct values *out, enum value_type type,
	       int64_t value);
bool yield_u64(const struct field_context *ctx, struct values *out, enum value_type type,
	       uint64_t value);
bool yield_bool(const struct field_context *ctx, struct values *out, bool value);
bool yield_double(const struct field_context *ctx, struct values *out, double value);

/* Text that grows in the arena; what does not fit is cut. */
struct text_builder {
	char *buffer;
	uint32_t len, size;
};

/* A builder for at most size bytes; false: the arena is full. */
bool builder_init(struct text_builder *b, const struct field_context *ctx, uint32_t size);
void builder_put(struct text_builder *b, struct text t);
void builder_format(struct text_builder *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline struct text builder_text(const struct text_builder *b)
{
	return (struct text){b->buffer, b->len};
}
