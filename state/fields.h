/* Tools for writing extractors, and the extractors of each class of fields with the variants that
 * fields.def names. */
#pragma once

#include "state/fd_table.h"
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
	EVT_SYSCALL_NR,
	EVT_BUFLEN,
	EVT_ZERO,
	EVT_ONE,
	EVT_COUNT_EXIT,
	EVT_ERROR,
	EVT_ERROR_FILE,
	EVT_ERROR_NET,
	EVT_ERROR_MEMORY,
	EVT_ERROR_OTHER,
	EVT_TYPE,
	EVT_SYSCALL_TYPE,
	EVT_ASYNCTYPE,
	EVT_CATEGORY,
	EVT_DIR,
	EVT_RES,
	EVT_SOURCE,
	EVT_HOSTNAME,
	EVT_IO_DIR,
	EVT_PATH_SOURCE,
	EVT_ADDR_SOURCE,
	EVT_IS_IO_URING,
	EVT_LATENCY_HUMAN,
	EVT_FAILED,
	EVT_IS_IO,
	EVT_IS_READ,
	EVT_IS_WRITE,
	EVT_IS_WAIT,
	EVT_IS_SYSLOG,
	EVT_FALSE,
	EVT_OPEN_READ,
	EVT_OPEN_WRITE,
	EVT_OPEN_EXEC,
	EVT_OPEN_CREATE,
	TIME_CLOCK,
	TIME_CLOCK_S,
	TIME_ISO8601,
	TIME_DATE,
	TIME_DATE_S,
	PATH_ABS,
	PATH_NAME,
	PATH_SOURCE,
	PATH_TARGET,
	PATH_NAMERAW,
	PATH_SOURCERAW,
	PATH_TARGETRAW,
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
	PROC_PID,
	PROC_VPID,
	PROC_SID,
	PROC_PGID,
	PROC_VPGID,
	PROC_TTY,
	PROC_LOGINSHELL,
	PROC_NARGS,
	PROC_LENARGS,
	PROC_START,
	PROC_DURATION,
	PROC_PIDNS_START,
	PROC_EXE_INO,
	PROC_EXE_CTIME,
	PROC_EXE_MTIME,
	PROC_CTIME_TO_START,
	PROC_CTIME_TO_PIDNS,
	PROC_FD_COUNT,
	PROC_FD_LIMIT,
	PROC_FD_USAGE,
	PROC_VM_SIZE,
	PROC_VM_RSS,
	PROC_VM_SWAP,
	PROC_NTHREADS,
	PROC_NCHILDS,
	PROC_EXE_WRITABLE,
	PROC_EXE_UPPER,
	PROC_EXE_LOWER,
	PROC_EXE_MEMFD,
	PROC_IS_BLIND,
	PROC_SID_LEADER,
	PROC_VPGID_LEADER,
	PROC_PGID_LEADER,
	PROC_STD_TYPE,
	PROC_STD_NAME,
	THREAD_TID,
	THREAD_VTID,
	THREAD_IS_MAIN,
	THREAD_PFMAJOR,
	THREAD_PFMINOR,
	THREAD_VM_SIZE,
	THREAD_VM_RSS,
	THREAD_ZERO,
	THREAD_CAP_PERMITTED,
	THREAD_CAP_INHERITABLE,
	THREAD_CAP_EFFECTIVE,
	THREAD_CGROUPS,
};

/* Added to a proc_variant: whose value. */
enum relation {
	OF_SELF = 0,
	OF_PARENT = 1 << 8,
	OF_SID = 2 << 8,
	OF_PGID = 3 << 8,
	OF_VPGID = 4 << 8,
	OF_FD0 = 5 << 8, /* of the process's standard descriptors */
	OF_FD1 = 6 << 8,
	OF_FD2 = 7 << 8,
};

enum user_variant {
	USER_UID,
	USER_NAME,
	USER_HOME,
	USER_SHELL,
	USER_LOGINUID,
	USER_LOGINNAME,
	GROUP_GID,
	GROUP_NAME,
};

enum fd_variant {
	FD_NUM,
	FD_NAME,
	FD_NAMERAW,
	FD_DIR,
	FD_FILENAME,
	FD_TYPE,
	FD_TYPECHAR,
	FD_L4PROTO,
	FD_SOCKFAMILY,
	FD_UID,
	FD_CONTAINERNAME,
	FD_CONTAINERDIRECTORY,
	FD_CLIENT,
	FD_SERVER,
	FD_LOCAL,
	FD_REMOTE,
	FD_EITHER,
	FD_IS_SERVER,
	FD_CONNECTED,
	FD_NAME_CHANGED,
	FD_UPPER,
	FD_LOWER,
	FD_DEV,
	FD_DEV_MAJOR,
	FD_DEV_MINOR,
	FD_INO,
	FDLIST_NUMS,
	FDLIST_NAMES,
	FDLIST_CIPS,
	FDLIST_SIPS,
	FDLIST_CPORTS,
	FDLIST_SPORTS,
};

enum dns_variant {
	DNS_QUESTION,
	DNS_TYPE,
	DNS_RCODE,
	DNS_NAMES,
	DNS_ADDRESSES,
};

enum container_variant {
	CONTAINER_ID,
	CONTAINER_FULL_ID,
	CONTAINER_NAME,
	CONTAINER_TYPE,
	CONTAINER_IMAGE,
	CONTAINER_IMAGE_ID,
	CONTAINER_REPOSITORY,
	CONTAINER_TAG,
	CONTAINER_DIGEST,
	CONTAINER_LABELS,
	CONTAINER_MOUNTS,
	CONTAINER_MOUNT, /* whole, then its parts in their order */
	CONTAINER_MOUNT_SOURCE,
	CONTAINER_MOUNT_DEST,
	CONTAINER_MOUNT_MODE,
	CONTAINER_MOUNT_RDWR,
	CONTAINER_MOUNT_PROPAGATION,
	CONTAINER_START,
	CONTAINER_DURATION,
	POD_NAME,
	POD_NAMESPACE,
	POD_UID,
	POD_SANDBOX,
	POD_FULL_SANDBOX,
	POD_LABELS,
};

field_extract_fn extract_nothing;
field_extract_fn extract_evt_number, extract_evt_around, extract_evt_text, extract_evt_bool,
	extract_evt_time, extract_evt_path, extract_evt_args, extract_evt_arg, extract_syscall_arg,
	extract_evt_rawarg, extract_evt_buffer, extract_evt_type_is;
field_extract_fn extract_proc_text, extract_proc_args, extract_proc_env, extract_proc_number,
	extract_proc_bool, extract_proc_usage, extract_proc_ancestor, extract_proc_aenv,
	extract_thread_text, extract_thread_cgroup;
field_extract_fn extract_user_number, extract_user_text;
field_extract_fn extract_fd_number, extract_fd_text, extract_fd_bool, extract_fd_ip,
	extract_fd_port, extract_fd_proto, extract_fd_types, extract_fd_names, extract_fdlist,
	extract_dns;
field_extract_fn extract_container_text, extract_container_bool, extract_container_time,
	extract_container_label, extract_container_mount;
field_check_arg_fn check_syscall_arg, check_evt_arg, check_evt_abspath, check_evt_type_is,
	check_evt_around;

/* Yield one value made in the context's arena. False: the arena is full. */
bool yield_text(const struct field_context *ctx, struct values *out, struct text text);
bool yield_i64(const struct field_context *ctx, struct values *out, enum value_type type,
	       int64_t value);
bool yield_u64(const struct field_context *ctx, struct values *out, enum value_type type,
	       uint64_t value);
bool yield_bool(const struct field_context *ctx, struct values *out, bool value);
bool yield_double(const struct field_context *ctx, struct values *out, double value);
/* n values to fill; NULL: the arena is full. */
struct value *yield_list(const struct field_context *ctx, struct values *out, uint32_t n);

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
/* NUL-terminated strings back to back, with separator instead of the NULs. */
void builder_put_list(struct text_builder *b, struct text list, char separator);

static inline struct text builder_text(const struct text_builder *b)
{
	return (struct text){b->buffer, b->len};
}

/* Process of the event, NULL unknown. */
static inline const struct process *field_process(const struct field_context *ctx)
{
	return ctx->subject ? ctx->subject->process : NULL;
}

/* The next string of a list of NUL-terminated strings; false at the end. */
bool list_next(struct text *list, struct text *one);

/* Name of a descriptor: path, addresses, ...; its type text and character. */
void builder_put_fd_name(struct text_builder *b, const struct fd_entry *entry);
struct text fd_type_name(const struct fd_entry *entry);
struct text fd_type_letter(const struct fd_entry *entry);

/* The number of the event's descriptor; -1 none. */
int64_t fd_number(const struct field_context *ctx);

/* What evt.is_open_* say: what the event opens a file for, or would have. */
enum {
	OPENS_FOR_READ = 1 << 0,
	OPENS_FOR_WRITE = 1 << 1,
	OPENS_FOR_EXEC = 1 << 2,
	OPENS_FOR_CREATE = 1 << 3,
};
uint32_t event_opens_for(const struct event *ev);

/* evt.type of an event. */
struct text event_name(const struct event *ev);

/* A parameter of the event; of a program or fork that the event does not describe, as the task
 * itself is known. storage holds what is not the event's. NULL: not known. */
const struct param *field_param(const struct field_context *ctx, unsigned index,
				struct param *storage);

/* Print parameter index of the event: its number or text, and what that means. Either may be
 * empty. */
void param_print(const struct field_context *ctx, unsigned index, struct text_builder *raw,
		 struct text_builder *resolved);
