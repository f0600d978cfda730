#include "capture/decode.h"

#include <errno.h>
#include <unistd.h>

#include "capture/calls.h"
#include "capture/decode_family.h"
#include "capture/socketcall.h"

void decoder_init(struct decoder *d)
{
	const struct syscall_info *calls;
	uint32_t n;

	*d = (struct decoder){.page_kb = (uint32_t)(sysconf(_SC_PAGESIZE) / 1024)};
	calls_init(d);
	for (uint32_t i = 1; i < WIRE_SOCKETCALLS; i++) {
		const struct syscall_info *call = socketcall_info(i);

		d->types[1][WIRE_SOCKETCALL_NR + i] = call->event;
		d->codes[1][WIRE_SOCKETCALL_NR + i] = call->scap_code;
	}
	calls = syscall_table(&n);
	for (uint32_t i = 0; i < n; i++) {
		int16_t nrs[2] = {calls[i].nr64, calls[i].nr32};

		for (int abi = 0; abi < 2; abi++) {
			if (nrs[abi] < 0 || nrs[abi] >= WIRE_NR_END)
				continue;
			d->types[abi][nrs[abi]] = calls[i].event;
			d->codes[abi][nrs[abi]] = calls[i].scap_code;
		}
	}
}

/* Bytes a section must have at least, by type. */
static uint32_t section_min(uint16_t type)
{
	switch (type) {
	case WIRE_SEC_FILE:
		return sizeof(struct wire_file);
	case WIRE_SEC_SOCK:
	case WIRE_SEC_LISTENER:
		return sizeof(struct wire_sock);
	case WIRE_SEC_IO:
		return sizeof(struct wire_io);
	case WIRE_SEC_TASK:
		return sizeof(struct wire_task);
	case WIRE_SEC_EXIT:
		return sizeof(struct wire_exit);
	case WIRE_SEC_URING:
		return sizeof(struct wire_uring);
	case WIRE_SEC_CGROUP:
		return sizeof(struct wire_cgroup);
	case WIRE_SEC_MEMORY:
		return sizeof(struct wire_memory);
	case WIRE_SEC_SIGNAL:
		return sizeof(struct wire_signal);
	case WIRE_SEC_FAULT:
		return sizeof(struct wire_fault);
	default:
		return 0;
	}
}

static int add_section(struct record *out, const struct wire_section *section)
{
	if (section->type >= WIRE_SEC_END || section->len < section_min(section->type))
		return -EBADMSG;
	if (section->type != WIRE_SEC_CGROUP)
		out->sections[section->type] = section;
	else if (out->n_cgroups < WIRE_HIERARCHIES_MAX)
		out->cgroups[out->n_cgroups++] = section;
	return 0;
}

int record_parse(struct record *out, const void *data, uint32_t len)
{
	const struct wire_header *header = data;
	uint32_t at;
	int r;

	memset(out, 0, sizeof(*out));
	if (len < WIRE_HEADER_BYTES || header->len > len || header->len < WIRE_HEADER_BYTES)
		return -EBADMSG;
	at = header->kind == WIRE_CALL ? sizeof(*header) : WIRE_HEADER_BYTES;
	if (header->kind >= WIRE_KIND_END || header->len < at ||
	    (header->kind == WIRE_CALL && header->nr >= WIRE_NR_END))
		return -EBADMSG;
	while (header->len - at >= sizeof(struct wire_section)) {
		const struct wire_section *section =
			(const struct wire_section *)((const char *)data + at);

		at += sizeof(*section);
		if (section->len > header->len - at)
			return -EBADMSG;
		r = add_section(out, section);
		if (r)
			return r;
		at += (section->len + 7) & ~UINT32_C(7);
		if (at > header->len)
			return -EBADMSG;
	}
	out->header = header;
	return 0;
}

/* A new task's call; the creator of a kernel thread makes none. */
static enum event_type fork_type(const struct decoder *d, const struct wire_header *header)
{
	enum event_type type = EVENT_CLONE;

	if (header->nr < WIRE_NR_END)
		type = d->types[!!(header->flags & WIRE_IS_32BIT)][header->nr];
	if (type != EVENT_FORK && type != EVENT_VFORK && type != EVENT_CLONE3)
		type = EVENT_CLONE;
	return type;
}

enum event_type decode_type(const struct decoder *d, const struct wire_header *header)
{
	switch (header->kind) {
	case WIRE_CALL:
		return d->types[!!(header->flags & WIRE_IS_32BIT)][header->nr];
	case WIRE_EXEC:
		return EVENT_EXECVE;
	case WIRE_FORK:
		return fork_type(d, header);
	case WIRE_EXIT:
		return EVENT_PROCEXIT;
	case WIRE_SIGNAL:
		return EVENT_SIGNALDELIVER;
	case WIRE_FAULT:
		return EVENT_PAGE_FAULT;
	default:
		return EVENT_PROCINFO;
	}
}

/* Events of calls without a type or without parameters do not tell how the call ended. */
static bool has_result(const struct wire_header *header, enum event_type type)
{
	if (header->kind != WIRE_CALL)
		return header->kind == WIRE_EXEC || header->kind == WIRE_FORK;
	return type != EVENT_GENERIC && event_info(type)->n_params > 0;
}

static void begin_event(struct decoder *d, const struct record *record)
{
	const struct wire_header *header = record->header;
	struct event *ev = &d->event;

	d->text_used = 0;
	ev->type = decode_type(d, header);
	ev->scan = SCAN_NONE;
	ev->boot_ns = header->boot_ns;
	ev->cpu = header->cpu;
	ev->nr = header->kind == WIRE_CALL ? header->nr : UINT16_MAX;
	if (nr_is_socketcall(ev->nr, header->flags & WIRE_IS_32BIT))
		ev->nr = NR_SOCKETCALL_32;
	ev->quality = header->flags & WIRE_IS_32BIT ? EVENT_IS_32BIT : 0;
	if (header->flags & WIRE_IS_IO_URING)
		ev->quality |= EVENT_IO_URING;
	if (header->flags & WIRE_IS_FIXED_FILE)
		ev->quality |= EVENT_FIXED_FILE;
	if (header->flags & WIRE_CUT)
		ev->quality |= EVENT_TRUNCATED;
	ev->tid = (int32_t)header->tid;
	ev->tgid = (int32_t)header->tgid;
	ev->start_ns = header->start_ns;
	ev->exec_id = header->exec_id;
	ev->res = header->res;
	ev->n_params = event_info(ev->type)->n_params;
	ev->has_res = has_result(header, ev->type);
	ev->args = header->kind == WIRE_CALL ? d->args : NULL;
	for (unsigned i = 0; ev->args && i < ARRAY_SIZE(d->args); i++)
		d->args[i] = header->args[i];
	for (unsigned i = 0; i < ev->n_params; i++)
		ev->params[i].is_present = false;
	ev->file = NULL;
	ev->sock = NULL;
	ev->task = NULL;
	ev->after = NULL;
	ev->fd = -1;
	ev->raw_path[0] = TEXT_NONE;
	ev->raw_path[1] = TEXT_NONE;
	ev->base_path[0] = TEXT_NONE;
	ev->base_path[1] = TEXT_NONE;
	ev->answer = TEXT_NONE;
	if (header->flags & WIRE_FOR_STATE)
		ev->quality |= EVENT_STATE_ONLY;
}

int decode_record(struct decoder *d, const struct record *record)
{
	static decode_fn *const by_kind[WIRE_KIND_END] = {
		[WIRE_CALL] = decode_call,     [WIRE_EXEC] = decode_exec,
		[WIRE_FORK] = decode_fork,     [WIRE_EXIT] = decode_exit,
		[WIRE_TASK] = decode_task,     [WIRE_FD] = decode_descriptor,
		[WIRE_SIGNAL] = decode_signal, [WIRE_FAULT] = decode_fault,
	};

	if (!by_kind[record->header->kind])
		return -EBADMSG; /* half of an event: uring.h */
	begin_event(d, record);
	by_kind[record->header->kind](d, record);
	return 0;
}

char *decode_room(struct decoder *d, uint32_t size)
{
	char *room = d->text + d->text_used;

	if (size > DECODE_TEXT_BYTES - d->text_used) {
		d->event.quality |= EVENT_TRUNCATED;
		return NULL;
	}
	d->text_used += size;
	return room;
}

struct text section_text(struct decoder *d, const struct record *record,
			 enum wire_section_type type)
{
	const struct wire_section *section = record->sections[type];

	if (!section || section->flags & WIRE_SEC_UNREADABLE)
		return TEXT_NONE;
	if (section->flags & WIRE_SEC_TRUNCATED)
		d->event.quality |= EVENT_TRUNCATED;
	return (struct text){(const char *)(section + 1), section->len};
}

bool section_is_known(const struct record *record, enum wire_section_type type)
{
	return record->sections[type] && !(record->sections[type]->flags & WIRE_SEC_UNREADABLE);
}

struct text decode_path(struct decoder *d, const char *reversed, uint32_t len, bool is_rooted)
{
	char *out = decode_room(d, len + 1);
	uint32_t at = len;
	char *to = out;

	if (!out)
		return TEXT_NONE;
	if (len == 0) {
		*out = '/';
		return (struct text){out, is_rooted ? 1 : 0};
	}
	while (at > 0) {
		uint32_t end = at - 1, begin = end; /* the slash that closes a name */

		while (begin > 0 && reversed[begin - 1] != '/')
			begin--;
		if (is_rooted || to > out)
			*to++ = '/';
		memcpy(to, reversed + begin, end - begin);
		to += end - begin;
		at = begin;
	}
	return (struct text){out, (uint32_t)(to - out)};
}

bool section_copy(const struct record *record, enum wire_section_type type, void *out,
		  uint32_t size)
{
	const struct wire_section *section = record->sections[type];

	if (!section || section->len != size || section->flags & WIRE_SEC_UNREADABLE)
		return false;
	memcpy(out, section + 1, size);
	return true;
}

void set_dyn(struct decoder *d, unsigned param, uint8_t alternative, const void *value,
	     uint32_t size)
{
	char *out = decode_room(d, 1 + size);

	if (!out)
		return;
	out[0] = (char)alternative;
	if (size)
		memcpy(out + 1, value, size);
	set_bytes(d, param, (struct text){out, 1 + size});
}
