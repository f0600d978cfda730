#include "capture/calls.h"

#include <errno.h>

#include "capture/flags.h"

enum source_kind {
	SOURCE_END, /* no more: the rest is the special decoder's */
	SOURCE_SKIP,
	SOURCE_RES, /* the result */
	SOURCE_I32, /* argument */
	SOURCE_I64,
	SOURCE_U32,
	SOURCE_U64,
	SOURCE_TEXT, /* the nth text read */
};

struct source_spec {
	uint8_t kind; /* enum source_kind */
	uint8_t index;
	uint8_t flags; /* enum flag_map */
};

#define SKIP                                                                                       \
	{                                                                                          \
		SOURCE_SKIP, 0, 0                                                                  \
	}
#define RES                                                                                        \
	{                                                                                          \
		SOURCE_RES, 0, 0                                                                   \
	}
#define I32(i)                                                                                     \
	{                                                                                          \
		SOURCE_I32, i, 0                                                                   \
	}
#define I64(i)                                                                                     \
	{                                                                                          \
		SOURCE_I64, i, 0                                                                   \
	}
#define U32(i)                                                                                     \
	{                                                                                          \
		SOURCE_U32, i, 0                                                                   \
	}
#define U64(i)                                                                                     \
	{                                                                                          \
		SOURCE_U64, i, 0                                                                   \
	}
#define FD(i)                                                                                      \
	{                                                                                          \
		SOURCE_I32, i, 0                                                                   \
	}
#define STR(n)                                                                                     \
	{                                                                                          \
		SOURCE_TEXT, n, 0                                                                  \
	}
#define FLAGS(i, map)                                                                              \
	{                                                                                          \
		SOURCE_U64, i, FLAG_MAP_##map                                                      \
	}

enum about {
	ABOUT_NONE,
	ABOUT_RESULT, /* the descriptor returned */
	ABOUT_ARG,    /* + i: the descriptor in argument i */
};

struct call_row {
	uint32_t recipe;  /* enum wire_recipe */
	uint8_t about_fd; /* enum about */
	struct source_spec params[8];
	decode_fn *special; /* after the parameters, NULL for none */
};

#define ARG0 ABOUT_ARG
#define ARG1 (ABOUT_ARG + 1)
#define RESULT ABOUT_RESULT
#define NONE ABOUT_NONE
#define OPENS (WIRE_FD_RESULT | WIRE_TEXT_IF_FAILED)

static const struct call_row rows[EVENT_TYPE_END] = {
	/* files */
	[EVENT_OPEN] = {OPENS | WIRE_TEXT(0), RESULT, {RES}, decode_open},
	[EVENT_CREAT] = {OPENS | WIRE_TEXT(0), RESULT, {RES}, decode_open},
	[EVENT_OPENAT] = {OPENS | WIRE_TEXT(1), RESULT, {RES, FD(0)}, decode_open},
	[EVENT_OPENAT2] = {WIRE_FD_RESULT | WIRE_TEXT(1) | WIRE_DATA(2, 24),
			   RESULT,
			   {RES, FD(0)},
			   decode_open},
	[EVENT_CLOSE] = {WIRE_WANTED, ARG0, {RES, FD(0)}},
	[EVENT_CLOSE_RANGE] = {WIRE_WANTED, NONE, {RES, U32(0), U32(1), FLAGS(2, CLOSE_RANGE)}},
	[EVENT_DUP] = {WIRE_FD_RESULT, RESULT, {RES, FD(0)}},
	[EVENT_DUP2] = {WIRE_FD_RESULT, RESULT, {RES, FD(0), FD(1)}},
	[EVENT_DUP3] = {WIRE_FD_RESULT, RESULT, {RES, FD(0), FD(1), FLAGS(2, PIPE)}},
	[EVENT_FCNTL] = {WIRE_FD_RESULT | WIRE_DUP_ONLY,
			 RESULT,
			 {RES, FD(0), FLAGS(1, FCNTL), U64(2)}},
	[EVENT_PIPE] = {WIRE_FD_PAIR | WIRE_DATA(0, 8), NONE, {RES}, decode_pipe},
	[EVENT_PIPE2] = {WIRE_FD_PAIR | WIRE_DATA(0, 8),
			 NONE,
			 {RES, SKIP, SKIP, SKIP, FLAGS(1, PIPE)},
			 decode_pipe},
	[EVENT_CHDIR] = {WIRE_CWD | WIRE_TEXT(0), NONE, {RES, STR(0)}, decode_chdir},
	[EVENT_FCHDIR] = {WIRE_FD_ARG0, ARG0, {RES, FD(0)}},
	[EVENT_UNLINK] = {WIRE_TEXT(0), NONE, {RES, STR(0)}},
	[EVENT_UNLINKAT] = {WIRE_TEXT(1), ARG0, {RES, FD(0), STR(0), FLAGS(2, UNLINKAT)}},
	[EVENT_RENAME] = {WIRE_TEXT(0) | WIRE_TEXT(1), NONE, {RES, STR(0), STR(1)}},
	[EVENT_RENAMEAT] = {WIRE_TEXT(1) | WIRE_TEXT(3), NONE, {RES, FD(0), STR(0), FD(2), STR(1)}},
	[EVENT_RENAMEAT2] = {WIRE_TEXT(1) | WIRE_TEXT(3),
			     NONE,
			     {RES, FD(0), STR(0), FD(2), STR(1), U32(4)}},
	[EVENT_LINK] = {WIRE_TEXT(0) | WIRE_TEXT(1), NONE, {RES, STR(0), STR(1)}},
	[EVENT_LINKAT] = {WIRE_TEXT(1) | WIRE_TEXT(3),
			  NONE,
			  {RES, FD(0), STR(0), FD(2), STR(1), FLAGS(4, LINKAT)}},
	[EVENT_SYMLINK] = {WIRE_TEXT(0) | WIRE_TEXT(1), NONE, {RES, STR(0), STR(1)}},
	[EVENT_SYMLINKAT] = {WIRE_TEXT(0) | WIRE_TEXT(2), ARG1, {RES, STR(0), FD(1), STR(1)}},
	[EVENT_MKDIR] = {WIRE_TEXT(0), NONE, {RES, STR(0), U32(1)}},
	[EVENT_MKDIRAT] = {WIRE_TEXT(1), ARG0, {RES, FD(0), STR(0), U32(2)}},
	[EVENT_RMDIR] = {WIRE_TEXT(0), NONE, {RES, STR(0)}},
	[EVENT_MKNOD] = {WIRE_TEXT(0), NONE, {RES, STR(0), U32(1), U32(2)}},
	[EVENT_MKNODAT] = {WIRE_TEXT(1), ARG0, {RES, FD(0), STR(0), U32(2), U32(3)}},
	[EVENT_CHMOD] = {WIRE_TEXT(0), NONE, {RES, STR(0), U32(1)}},
	[EVENT_FCHMOD] = {WIRE_FD_ARG0, ARG0, {RES, FD(0), U32(1)}},
	[EVENT_FCHMODAT] = {WIRE_TEXT(1), ARG0, {RES, FD(0), STR(0), U32(2)}},
	[EVENT_CHOWN] = {WIRE_TEXT(0), NONE, {RES, STR(0), U32(1), U32(2)}},
	[EVENT_LCHOWN] = {WIRE_TEXT(0), NONE, {RES, STR(0), U32(1), U32(2)}},
	[EVENT_FCHOWN] = {WIRE_FD_ARG0, ARG0, {RES, FD(0), U32(1), U32(2)}},
	[EVENT_FCHOWNAT] = {WIRE_TEXT(1),
			    ARG0,
			    {RES, FD(0), STR(0), U32(2), U32(3), FLAGS(4, FCHOWNAT)}},

	/* processes and credentials */
	[EVENT_EXECVE] = {WIRE_TEXT(0) | WIRE_EXEC_FAILED, NONE, {RES}, decode_exec_failed},
	[EVENT_EXECVEAT] = {WIRE_TEXT(1) | WIRE_EXEC_FAILED, NONE, {RES}, decode_exec_failed},
	[EVENT_CLONE] = {WIRE_CLONE, NONE, {RES}, decode_clone},
	[EVENT_CLONE3] = {WIRE_CLONE | WIRE_DATA(0, 8), NONE, {RES}, decode_clone},
	[EVENT_FORK] = {WIRE_CLONE, NONE, {RES}, decode_clone},
	[EVENT_VFORK] = {WIRE_CLONE, NONE, {RES}, decode_clone},
	[EVENT_SETUID] = {WIRE_WANTED, NONE, {RES, U32(0)}},
	[EVENT_SETGID] = {WIRE_WANTED, NONE, {RES, U32(0)}},
	[EVENT_SETREUID] = {WIRE_WANTED, NONE, {RES, U32(0), U32(1)}},
	[EVENT_SETREGID] = {WIRE_WANTED, NONE, {RES, U32(0), U32(1)}},
	[EVENT_SETRESUID] = {WIRE_WANTED, NONE, {RES, U32(0), U32(1), U32(2)}},
	[EVENT_SETRESGID] = {WIRE_WANTED, NONE, {RES, U32(0), U32(1), U32(2)}},
	[EVENT_SETSID] = {WIRE_WANTED, NONE, {RES}},
	[EVENT_SETPGID] = {WIRE_WANTED, NONE, {RES, I32(0), I32(1)}},
	[EVENT_CAPSET] = {WIRE_DATA(1, 24), NONE, {RES}, decode_capset},
	[EVENT_PRCTL] = {WIRE_TEXT(1), NONE, {RES, U32(0)}, decode_prctl},

	/* sockets */
	[EVENT_SOCKET] = {WIRE_FD_RESULT, RESULT, {RES, U32(0), U32(1), U32(2), FLAGS(1, PIPE)}},
	[EVENT_SOCKETPAIR] = {WIRE_FD_PAIR | WIRE_DATA(3, 8),
			      NONE,
			      {RES, SKIP, SKIP, SKIP, SKIP, U32(0), U32(1), U32(2)},
			      decode_socketpair},
	[EVENT_BIND] = {WIRE_FD_ARG0 | WIRE_ADDR_ARG1, ARG0, {RES, SKIP, FD(0)}, decode_bind},
	[EVENT_CONNECT] = {WIRE_FD_ARG0 | WIRE_ADDR_ARG1, ARG0, {RES, SKIP, FD(0)}, decode_connect},
	[EVENT_LISTEN] = {WIRE_FD_ARG0, ARG0, {RES, FD(0), I32(1)}},
	[EVENT_ACCEPT] = {WIRE_FD_RESULT | WIRE_LISTENER, RESULT, {RES}, decode_accept},
	[EVENT_ACCEPT4] = {WIRE_FD_RESULT | WIRE_LISTENER,
			   RESULT,
			   {RES, SKIP, SKIP, SKIP, SKIP, I32(3)},
			   decode_accept},
	[EVENT_SENDTO] = {WIRE_FD_ARG0 | WIRE_ADDR_ARG4 | WIRE_ADDRESSED_ONLY,
			  ARG0,
			  {RES, SKIP, FD(0), U32(2)},
			  decode_send},
	[EVENT_SENDMSG] = {WIRE_FD_ARG0 | WIRE_ADDR_MSG | WIRE_ADDRESSED_ONLY,
			   ARG0,
			   {RES, SKIP, FD(0)},
			   decode_send},
	[EVENT_SENDMMSG] = {WIRE_FD_ARG0 | WIRE_ADDR_MSG | WIRE_ADDRESSED_ONLY,
			    ARG0,
			    {RES, FD(0)},
			    decode_send},
	[EVENT_SHUTDOWN] = {WIRE_FD_ARG0, ARG0, {RES, FD(0), U32(1)}},

	/* other processes, namespaces, the kernel itself */
	[EVENT_PTRACE] = {WIRE_WANTED,
			  NONE,
			  {RES, SKIP, SKIP, FLAGS(0, PTRACE), I32(1)},
			  decode_ptrace},
	[EVENT_KILL] = {WIRE_WANTED, NONE, {RES, I32(0), U32(1)}},
	[EVENT_TKILL] = {WIRE_WANTED, NONE, {RES, I32(0), U32(1)}},
	[EVENT_TGKILL] = {WIRE_WANTED, NONE, {RES, I32(0), I32(1), U32(2)}},
	[EVENT_MOUNT] = {WIRE_TEXT(0) | WIRE_TEXT(1) | WIRE_TEXT(2),
			 NONE,
			 {RES, STR(0), STR(1), STR(2)},
			 decode_mount},
	[EVENT_UMOUNT] = {WIRE_TEXT(0), NONE, {RES, STR(0)}},
	[EVENT_UMOUNT2] = {WIRE_TEXT(0), NONE, {RES, STR(0), U32(1)}},
	[EVENT_CHROOT] = {WIRE_TEXT(0), NONE, {RES, STR(0)}},
	[EVENT_SETNS] = {WIRE_FD_ARG0, ARG0, {RES, FD(0), FLAGS(1, CLONE)}},
	[EVENT_UNSHARE] = {WIRE_WANTED, NONE, {RES, FLAGS(0, CLONE)}},
	[EVENT_BPF] = {WIRE_WANTED, RESULT, {RES, U32(0)}},
	[EVENT_INIT_MODULE] = {WIRE_TEXT(2), NONE, {RES, SKIP, U64(1), STR(0)}, decode_no_path},
	[EVENT_FINIT_MODULE] = {WIRE_FD_ARG0 | WIRE_TEXT(1),
				ARG0,
				{RES, FD(0), STR(0), U32(2)},
				decode_no_path},
	[EVENT_DELETE_MODULE] = {WIRE_TEXT(0),
				 NONE,
				 {RES, STR(0), FLAGS(1, DELETE_MODULE)},
				 decode_no_path},
	[EVENT_MEMFD_CREATE] = {WIRE_FD_RESULT | WIRE_TEXT(0),
				RESULT,
				{RES, STR(0), FLAGS(1, MEMFD)},
				decode_no_path},
	[EVENT_PIDFD_OPEN] = {WIRE_FD_RESULT, RESULT, {RES, I32(0), SKIP}, decode_pidfd_open},
	[EVENT_PIDFD_GETFD] = {WIRE_FD_RESULT, RESULT, {RES, FD(0), FD(1), U32(2)}},
	[EVENT_IO_URING_SETUP] = {WIRE_FD_RESULT | WIRE_DATA(1, 24),
				  RESULT,
				  {RES, U32(0)},
				  decode_io_uring},

	[EVENT_GENERIC] = {WIRE_WANTED, NONE, {SKIP}, decode_generic},
};

/* Calls without an event of their own of which more than the number is worth reporting. */
static const struct {
	const char *name;
	uint32_t recipe;
} generic_recipes[] = {
	{"truncate", WIRE_TEXT(0)},
	{"truncate64", WIRE_TEXT(0)},
	{"ftruncate", WIRE_FD_ARG0},
	{"ftruncate64", WIRE_FD_ARG0},
	{"pivot_root", WIRE_TEXT(0) | WIRE_TEXT(1)},
};

uint32_t call_recipe(const struct syscall_info *call)
{
	uint32_t recipe = rows[call->event].recipe;

	if (call->event == EVENT_GENERIC) {
		for (size_t i = 0; i < ARRAY_SIZE(generic_recipes); i++) {
			if (strcmp(generic_recipes[i].name, call->name) == 0)
				recipe |= generic_recipes[i].recipe;
		}
	}
	return recipe ? recipe | WIRE_WANTED : WIRE_WANTED;
}

static void fill_param(struct decoder *d, const struct record *record, unsigned param,
		       const struct source_spec *spec)
{
	uint64_t arg = record->header->args[spec->index < 6 ? spec->index : 0];
	enum wire_section_type text = WIRE_SEC_TEXT0 + spec->index;

	switch ((enum source_kind)spec->kind) {
	case SOURCE_END:
	case SOURCE_SKIP:
		break;
	case SOURCE_RES:
		set_i64(d, param, record->header->res);
		break;
	case SOURCE_I32:
		set_i64(d, param, (int32_t)arg);
		break;
	case SOURCE_I64:
		set_i64(d, param, (int64_t)arg);
		break;
	case SOURCE_U32:
		set_u64(d, param, (uint32_t)arg);
		break;
	case SOURCE_U64:
		set_u64(d, param, spec->flags ? flags_portable(spec->flags, (uint32_t)arg) : arg);
		break;
	case SOURCE_TEXT:
		if (section_is_known(record, text))
			set_bytes(d, param, section_text(d, record, text));
		break;
	}
}

static int32_t about_fd(const struct call_row *row, const struct record *record)
{
	if (row->about_fd == ABOUT_NONE)
		return -1;
	if (row->about_fd == ABOUT_RESULT)
		return record->header->res < 0 ? -1 : (int32_t)record->header->res;
	return (int32_t)record->header->args[row->about_fd - ABOUT_ARG];
}

void decode_call(struct decoder *d, const struct record *record)
{
	const struct call_row *row = &rows[d->event.type];
	struct event *ev = &d->event;
	unsigned n =
		ev->n_params < ARRAY_SIZE(row->params) ? ev->n_params : ARRAY_SIZE(row->params);

	for (unsigned i = 0; i < n && row->params[i].kind != SOURCE_END; i++)
		fill_param(d, record, i, &row->params[i]);
	ev->fd = about_fd(row, record);
	ev->file = decode_file_facts(d, record);
	ev->sock = decode_sock_facts(d, record);
	ev->raw_path[0] = section_text(d, record, WIRE_SEC_TEXT0);
	ev->raw_path[1] = section_text(d, record, WIRE_SEC_TEXT1);
	if (ev->raw_path[0].len && !ev->file)
		ev->quality |= EVENT_PATH_FROM_CALLER;
	if (row->special)
		row->special(d, record);
}
