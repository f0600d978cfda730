/* Events: header, lengths of the parameters, parameters. What a parameter looks like is in the
 * table of the format's types. */
#include <assert.h>
#include <sys/socket.h>

#include "base/util.h"
#include "capture/scap_encode.h"
#include "capture/scap_types.h"

#define HEADER_BYTES 26
#define OLD_TYPES_END 336 /* types that readers of 2022 know */
#define NOT_KNOWN "<NA>"
#define TUPLE_UNIX_FIXED 17 /* family and the two ends, before the path */

static_assert(SCAP_PARAM_TEXT_MAX <= UINT16_MAX && SCAP_PARAM_BYTES_MAX <= UINT16_MAX,
	      "lengths of parameters have 16 bits");

/* Lengths of an event's parameters are in front of all of them: written back when known. */
struct lengths {
	struct scap_block *block;
	uint32_t place; /* of the next one */
	uint32_t value; /* where the value began */
};

static void end_value(struct lengths *lengths)
{
	uint32_t len = lengths->block->len - lengths->value;

	lengths->block->data[lengths->place++] = (uint8_t)len;
	lengths->block->data[lengths->place++] = (uint8_t)(len >> 8);
	lengths->value = lengths->block->len;
}

static void put_number(struct scap_block *block, uint8_t size, uint64_t value)
{
	uint8_t bytes[8];

	for (uint8_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	scap_put_bytes(block, bytes, size);
}

/* Text ends at its first NUL, whatever comes behind it. */
static void put_charbuf(struct scap_block *block, struct text text, uint64_t *clipped)
{
	uint32_t len = text.ptr ? (uint32_t)strnlen(text.ptr, text.len) : 0;

	if (len > SCAP_PARAM_TEXT_MAX - 1) {
		len = SCAP_PARAM_TEXT_MAX - 1;
		(*clipped)++;
	}
	scap_put_bytes(block, text.ptr, len);
	scap_put_u8(block, 0);
}

static void put_raw(struct scap_block *block, struct text bytes, uint64_t *clipped)
{
	if (bytes.len > SCAP_PARAM_BYTES_MAX) {
		bytes.len = SCAP_PARAM_BYTES_MAX;
		(*clipped)++;
	}
	scap_put_bytes(block, bytes.ptr, bytes.len);
}

/* Strings back to back: readers walk from NUL to NUL. */
static void put_strings(struct scap_block *block, struct text list, uint64_t *clipped)
{
	if (list.len > SCAP_PARAM_BYTES_MAX - 1) {
		list.len = SCAP_PARAM_BYTES_MAX - 1;
		(*clipped)++;
	}
	scap_put_bytes(block, list.ptr, list.len);
	if (list.len && list.ptr[list.len - 1] != '\0')
		scap_put_u8(block, 0);
}

/* Addresses and tuples are ours as they are, but for the NUL that closes a unix path. */
static void put_address(struct scap_block *block, struct text address, uint32_t unix_fixed,
			uint64_t *clipped)
{
	struct text path;

	if (!address.len)
		return;
	if ((uint8_t)address.ptr[0] != AF_UNIX || address.len < unix_fixed) {
		put_raw(block, address, clipped);
		return;
	}
	path = (struct text){address.ptr + unix_fixed, address.len - unix_fixed};
	scap_put_bytes(block, address.ptr, unix_fixed);
	put_charbuf(block, path, clipped);
}

static bool is_list_of_strings(const struct scap_type *type, int8_t param)
{
	switch ((enum event_type)type->event) {
	case EVENT_CLONE:
	case EVENT_CLONE3:
	case EVENT_FORK:
	case EVENT_VFORK:
		return param == CLONE_args || param == CLONE_cgroups;
	case EVENT_EXECVE:
	case EVENT_EXECVEAT:
		return param == EXECVE_args || param == EXECVE_cgroups || param == EXECVE_env;
	default:
		return false;
	}
}

static void put_present(struct scap_block *block, const struct scap_type *type,
			const struct scap_param *spec, const struct param *param, uint64_t *clipped)
{
	uint8_t size = scap_param_size(spec->type);

	if (scap_param_is_text(spec->type))
		put_charbuf(block, param->bytes, clipped);
	else if (spec->type == SCAP_SOCKADDR)
		put_address(block, param->bytes, 1, clipped);
	else if (spec->type == SCAP_SOCKTUPLE)
		put_address(block, param->bytes, TUPLE_UNIX_FIXED, clipped);
	else if (size)
		put_number(block, size, param->u64);
	else if (is_list_of_strings(type, spec->to))
		put_strings(block, param->bytes, clipped);
	else
		put_raw(block, param->bytes, clipped);
}

/* What readers of 2022 find in place of a value that is not known: they take numbers without
 * looking whether there is one. Types they do not know, and everything with structure, may be
 * empty. */
static void put_absent(struct scap_block *block, const struct scap_type *type, uint16_t id,
		       const struct scap_param *spec)
{
	uint8_t size = scap_param_size(spec->type);
	uint64_t value = 0;

	if (id >= OLD_TYPES_END)
		return;
	if (spec->type == SCAP_FD)
		value = UINT64_MAX;
	else if (spec->type == SCAP_UID || spec->type == SCAP_GID)
		value = UINT32_MAX;
	if (size)
		put_number(block, size, value);
	else if (scap_param_is_text(spec->type))
		scap_put_bytes(block, NOT_KNOWN, sizeof(NOT_KNOWN));
	else if (spec->type == SCAP_FDLIST)
		scap_put_u16(block, 0);
	else if (spec->type == SCAP_DYN)
		put_number(block, type->event == EVENT_PTRACE ? 8 : 1, 0);
	if (spec->type == SCAP_DYN && type->event == EVENT_PTRACE)
		scap_put_u8(block, 0); /* the index, then a number */
}

/* The value for the type's parameter i; NULL: none, or one of another kind than the format has. */
static const struct param *value_of(const struct scap_event *event, const struct scap_type *type,
				    uint8_t i)
{
	const struct scap_param *spec = &type->params[i];
	const struct event_info *info;
	const struct param *param;

	if (event->is_positional)
		return event->params[i].is_present ? &event->params[i] : NULL;
	if (spec->to < 0 || type->event < 0)
		return NULL;
	info = event_info((enum event_type)type->event);
	param = &event->params[spec->to];
	if (spec->to >= info->n_params || !param->is_present)
		return NULL;
	if ((info->params[spec->to].type < PARAM_CHARBUF) != (scap_param_size(spec->type) != 0))
		return NULL;
	return param;
}

static void put_values(struct scap_block *block, struct lengths *lengths,
		       const struct scap_event *event, const struct scap_type *type,
		       uint64_t *clipped)
{
	for (uint8_t i = 0; i < type->n_write; i++) {
		const struct param *param = value_of(event, type, i);

		if (param)
			put_present(block, type, &type->params[i], param, clipped);
		else
			put_absent(block, type, event->id, &type->params[i]);
		end_value(lengths);
	}
}

void scap_encode_event(struct scap_block *block, const struct scap_event *event, uint64_t *clipped)
{
	const struct scap_type *type = scap_type(event->id);
	uint32_t place, n;
	struct lengths lengths;

	assert(type && !(type->flags & SCAP_LARGE));
	n = type->n_write;
	scap_put_u16(block, event->cpu);
	if (event->flags)
		scap_put_u32(block, event->flags);
	place = block->len;
	scap_put_u64(block, event->ts_ns);
	scap_put_u64(block, (uint64_t)event->tid);
	scap_put_u32(block, 0);
	scap_put_u16(block, event->id);
	scap_put_u32(block, n);
	lengths = (struct lengths){block, place + HEADER_BYTES, place + HEADER_BYTES + 2 * n};
	for (uint32_t i = 0; i < n; i++)
		scap_put_u16(block, 0);
	put_values(block, &lengths, event, type, clipped);
	assert(!block->is_full);
	n = block->len - place;
	for (uint32_t i = 0; i < 4; i++)
		block->data[place + 16 + i] = (uint8_t)(n >> 8 * i);
}
