#include "capture/calls.h"

#include "capture/call_row.h"

static const struct call_family *const families[] = {
	&calls_file,    &calls_io,     &calls_ipc,    &calls_memory,
	&calls_process, &calls_socket, &calls_system,
};

static const struct call_row *row_of(enum event_type type)
{
	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (uint32_t i = 0; i < families[f]->n; i++) {
			if (families[f]->rows[i].event == type)
				return &families[f]->rows[i];
		}
	}
	return NULL;
}

void calls_init(struct decoder *d)
{
	for (int type = 0; type < EVENT_TYPE_END; type++)
		d->calls[type] = row_of((enum event_type)type);
}

/* Calls without an event of their own of which more than the number is worth reporting. */
static const struct {
	const char *name;
	uint64_t recipe;
} generic_recipes[] = {
	{"truncate", WIRE_TEXT(0)},
	{"truncate64", WIRE_TEXT(0)},
	{"ftruncate", WIRE_FD_ARG0},
	{"ftruncate64", WIRE_FD_ARG0},
	{"pivot_root", WIRE_TEXT(0) | WIRE_TEXT(1) | WIRE_TASK_AFTER},
};

/* What relative paths start from, by the parameters' types. */
static uint64_t base_recipe(enum event_type type)
{
	const struct event_info *info = event_info(type);
	uint64_t recipe = 0;

	if (type == EVENT_CHDIR) /* plain text in the event table */
		return WIRE_FROM_CWD;
	for (unsigned i = 0; i < info->n_params; i++) {
		if (info->params[i].type == PARAM_FSRELPATH)
			recipe = WIRE_FROM_DIR;
		else if (info->params[i].type == PARAM_FSPATH && recipe != WIRE_FROM_DIR)
			recipe = WIRE_FROM_CWD;
	}
	return recipe;
}

/* How 32-bit callers name the newer form of a call that x86-64 has in one form. */
static const char *const twin_suffixes[] = {"_time64", "64", "32"};

static const struct syscall_info *twin_by_event(const struct syscall_info *call)
{
	const struct syscall_info *calls;
	uint32_t n;

	calls = syscall_table(&n);
	for (uint32_t i = 0; i < n; i++) {
		if (calls[i].event == call->event && calls[i].nr64 >= 0)
			return &calls[i];
	}
	return NULL;
}

const struct syscall_info *call_twin(const struct syscall_info *call)
{
	if (call->nr64 >= 0)
		return call;
	if (call->event != EVENT_GENERIC)
		return twin_by_event(call);
	for (size_t i = 0; i < ARRAY_SIZE(twin_suffixes); i++) {
		struct text name = text_from(call->name), suffix = text_from(twin_suffixes[i]);
		const struct syscall_info *twin;

		if (name.len <= suffix.len ||
		    memcmp(name.ptr + name.len - suffix.len, suffix.ptr, suffix.len) != 0)
			continue;
		name.len -= suffix.len;
		twin = syscall_by_name(name);
		if (twin && twin->nr64 >= 0 && twin->event == EVENT_GENERIC)
			return twin;
	}
	return NULL;
}

uint64_t call_recipe(const struct syscall_info *call, bool is_32bit)
{
	const struct call_row *row = row_of(call->event);
	uint64_t recipe = WIRE_WANTED;

	if (row)
		recipe |= is_32bit && row->recipe32 ? row->recipe32 : row->recipe;
	if (recipe >> WIRE_TEXT_SHIFT & 63)
		recipe |= base_recipe(call->event);
	if (call->event == EVENT_GENERIC) {
		for (size_t i = 0; i < ARRAY_SIZE(generic_recipes); i++) {
			if (strcmp(generic_recipes[i].name, call->name) == 0)
				recipe |= generic_recipes[i].recipe;
		}
	}
	return recipe;
}

uint64_t call_detail_source(const struct syscall_info *call)
{
	switch (call->event) {
	case EVENT_OPEN:
		return WIRE_DETAIL_ARG1;
	case EVENT_OPENAT:
	case EVENT_OPEN_BY_HANDLE_AT:
		return WIRE_DETAIL_ARG2;
	case EVENT_CREAT:
		return WIRE_DETAIL_CREAT;
	default:
		return 0; /* openat2 has its flags in the caller's memory */
	}
}

/* i386's first calls with user and group ids have 16 bits of each; all of them set means -1. */
static uint32_t narrow_id(const struct wire_header *header, uint32_t value)
{
	static const uint16_t calls_of_16_bits[] = {16, 23, 46, 70, 71, 95, 164, 170, 182};

	if (!(header->flags & WIRE_IS_32BIT))
		return value;
	for (size_t i = 0; i < ARRAY_SIZE(calls_of_16_bits); i++) {
		if (header->nr == calls_of_16_bits[i])
			return (uint16_t)value == UINT16_MAX ? UINT32_MAX : (uint16_t)value;
	}
	return value;
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
	case SOURCE_ZERO:
		set_u64(d, param, 0);
		break;
	case SOURCE_I32:
		set_i64(d, param, (int32_t)arg);
		break;
	case SOURCE_I64:
		set_i64(d, param, (int64_t)arg);
		break;
	case SOURCE_U32:
		set_u64(d, param, narrow_id(record->header, (uint32_t)arg));
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

/* Parameters by the row; a call that has none is reported with its number and result alone. */
static void fill_params(struct decoder *d, const struct record *record, const struct call_row *row)
{
	unsigned n = MIN(d->event.n_params, ARRAY_SIZE(row->params));

	for (unsigned i = 0; i < n && row->params[i].kind != SOURCE_END; i++)
		fill_param(d, record, i, &row->params[i]);
	d->event.fd = about_fd(row, record);
}

/* The texts of these begin with one that is no path. */
static bool has_other_text_first(enum event_type type)
{
	return type == EVENT_SYMLINK || type == EVENT_SYMLINKAT || type == EVENT_MOUNT;
}

static void fill_base_paths(struct decoder *d, const struct record *record)
{
	unsigned first = has_other_text_first(d->event.type) ? 1 : 0;

	for (unsigned i = 0; first + i < 2; i++) {
		const struct wire_section *dir = record->sections[WIRE_SEC_DIR0 + first + i];

		if (dir && !(dir->flags & WIRE_SEC_TRUNCATED))
			d->event.base_path[i] =
				decode_path(d, (const char *)(dir + 1), dir->len, true);
	}
}

void decode_call(struct decoder *d, const struct record *record)
{
	const struct call_row *row = d->calls[d->event.type];
	struct event *ev = &d->event;

	if (row)
		fill_params(d, record, row);
	ev->file = decode_file_facts(d, record);
	ev->sock = decode_sock_facts(d, record);
	ev->raw_path[0] = section_text(d, record, WIRE_SEC_TEXT0);
	ev->raw_path[1] = section_text(d, record, WIRE_SEC_TEXT1);
	fill_base_paths(d, record);
	if (record->sections[WIRE_SEC_TASK] && record->header->res >= 0)
		ev->after = decode_task_facts(d, record);
	if (ev->raw_path[0].len && !ev->file)
		ev->quality |= EVENT_PATH_FROM_CALLER;
	if (row && row->special)
		row->special(d, record);
}
