#include "base/event_table.h"

#include <assert.h>

#include "base/util.h"

#define EVENT(constant, ...) static const struct param_info constant##_params[] = {
#define PARAM(constant, id, name, type, format, flags, dirfd)                                      \
	{name, PARAM_##type, FORMAT_##format, flags, dirfd},
#define END(constant)                                                                              \
	}                                                                                          \
	;
#include "base/event_types.def"
#undef EVENT
#undef PARAM
#undef END

static const struct event_info events[EVENT_TYPE_END] = {
#define EVENT(constant, name, scap, category, flags)                                               \
	[EVENT_##constant] = {                                                                     \
		name, scap, CATEGORY_##category, constant##_N_PARAMS, flags, constant##_params},
#define PARAM(...)
#define END(constant)
#include "base/event_types.def"
#undef EVENT
#undef PARAM
#undef END
};

#define EVENT(...)
#define PARAM(...)
#define END(constant) static_assert((int)constant##_N_PARAMS <= EVENT_PARAMS_MAX, #constant);
#include "base/event_types.def"
#undef EVENT
#undef PARAM
#undef END

static const struct syscall_info syscalls[] = {
#define SYSCALL(name, nr64, nr32, code, event) {#name, nr64, nr32, code, EVENT_##event},
#include "base/syscalls.def"
#undef SYSCALL
};

#define FLAG_TABLE(constant, name) static const struct flag_name constant##_names[] = {
#define FLAG(constant, name, value) {name, value},
#define FLAG_END(constant)                                                                         \
	}                                                                                          \
	;
#include "base/flag_tables.def"
#undef FLAG_TABLE
#undef FLAG
#undef FLAG_END

static const struct {
	const struct flag_name *names;
	uint32_t n;
} flag_tables[FLAG_TABLE_END] = {
#define FLAG_TABLE(constant, name)                                                                 \
	[FLAGS_##constant] = {constant##_names, ARRAY_SIZE(constant##_names)},
#define FLAG(...)
#define FLAG_END(constant)
#include "base/flag_tables.def"
#undef FLAG_TABLE
#undef FLAG
#undef FLAG_END
};

const struct event_info *event_info(enum event_type type)
{
	assert(type < EVENT_TYPE_END);
	return &events[type];
}

int event_by_name(struct text name)
{
	for (int i = 0; i < EVENT_TYPE_END; i++) {
		if (text_equal(name, text_from(events[i].name)))
			return i;
	}
	return -1;
}

int event_param_by_name(enum event_type type, struct text name)
{
	const struct event_info *info = event_info(type);

	for (int i = 0; i < info->n_params; i++) {
		if (text_equal(name, text_from(info->params[i].name)))
			return i;
	}
	return -1;
}

#define DYN_ALTERNATIVES_MAX 5

/* Alternatives of the parameters whose type depends on the call's other arguments. */
static const struct {
	uint16_t event;
	uint8_t first, last; /* parameters */
	uint8_t n;
	uint8_t types[DYN_ALTERNATIVES_MAX];
} dyns[] = {
	{EVENT_SETSOCKOPT,
	 SETSOCKOPT_val,
	 SETSOCKOPT_val,
	 5,
	 {PARAM_BYTEBUF, PARAM_ERRNO, PARAM_UINT32, PARAM_UINT64, PARAM_RELTIME}},
	{EVENT_GETSOCKOPT,
	 GETSOCKOPT_val,
	 GETSOCKOPT_val,
	 5,
	 {PARAM_BYTEBUF, PARAM_ERRNO, PARAM_UINT32, PARAM_UINT64, PARAM_RELTIME}},
	{EVENT_PTRACE, PTRACE_addr, PTRACE_data, 2, {PARAM_UINT64, PARAM_SIGTYPE}},
	{EVENT_KEYCTL, KEYCTL_arg2, KEYCTL_arg5, 2, {PARAM_INT64, PARAM_CHARBUF}},
};

int event_dyn_type(enum event_type type, unsigned param, uint8_t alternative)
{
	for (size_t i = 0; i < ARRAY_SIZE(dyns); i++) {
		if (dyns[i].event == type && param >= dyns[i].first && param <= dyns[i].last)
			return alternative < dyns[i].n ? dyns[i].types[alternative] : -1;
	}
	return -1;
}

const struct syscall_info *syscall_by_nr(uint32_t nr, bool is_32bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(syscalls); i++) {
		int16_t own = is_32bit ? syscalls[i].nr32 : syscalls[i].nr64;

		if (own >= 0 && (uint32_t)own == nr)
			return &syscalls[i];
	}
	return NULL;
}

const struct syscall_info *syscall_by_name(struct text name)
{
	for (size_t i = 0; i < ARRAY_SIZE(syscalls); i++) {
		if (text_equal(name, text_from(syscalls[i].name)))
			return &syscalls[i];
	}
	return NULL;
}

/* Names that no event here ever has: of plugins and of the tables of captures, and calls of other
 * architectures. Rules for many hosts name them, too. */
static const char *const names_of_others[] = {
	"NA",
	"pluginevent",
	"task",
	"task_file_anon_inode",
	"task_file_directory",
	"task_file_memfd",
	"task_file_pipe",
	"task_file_regular",
	"task_file_socket_inet",
	"task_file_socket_inet6",
	"task_file_socket_netlink",
	"task_file_socket_unix",
	"arm_fadvise64_64",
	"multiplexer",
	"oldwait4",
	"pciconfig_iobase",
	"pciconfig_read",
	"pciconfig_write",
	"riscv_flush_icache",
	"riscv_hwprobe",
	"rtas",
	"s390_guarded_storage",
	"s390_pci_mmio_read",
	"s390_pci_mmio_write",
	"s390_runtime_instr",
	"s390_sthyi",
	"spu_create",
	"spu_run",
	"subpage_prot",
	"swapcontext",
	"switch_endian",
	"sync_file_range2",
	"sys_debug_setcontext",
	"timerfd",
};

bool event_name_is_known(struct text name)
{
	if (event_by_name(name) >= 0 || syscall_by_name(name))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names_of_others); i++) {
		if (text_equal(name, text_from(names_of_others[i])))
			return true;
	}
	return false;
}

const struct syscall_info *syscall_table(uint32_t *n)
{
	*n = ARRAY_SIZE(syscalls);
	return syscalls;
}

const struct flag_name *flag_names(enum flag_table_id table, uint32_t *n)
{
	*n = flag_tables[table].n;
	return flag_tables[table].names;
}
