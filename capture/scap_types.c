#include "capture/scap_types.h"

#include <assert.h>
#include <stddef.h>

/* What the rows name that has no event. */
enum { EVENT_NONE = SCAP_NO_EVENT };

/* Every row has one element more than parameters: the closing one, never looked at. */
#define SCAP_TYPE(id, ...) static const struct scap_param params_##id[] = {
#define SCAP_PARAM(id, type, to) {SCAP_##type, to},
#define SCAP_END(id)                                                                               \
	{                                                                                          \
		0, SCAP_NOWHERE                                                                    \
	}                                                                                          \
	}                                                                                          \
	;                                                                                          \
	static_assert(sizeof(params_##id) / sizeof(params_##id[0]) <= SCAP_PARAMS_MAX + 1, #id);
#include "capture/scap_types.def"
#undef SCAP_TYPE
#undef SCAP_PARAM
#undef SCAP_END

static const struct scap_type types[SCAP_TYPES] = {
#define SCAP_TYPE(id, event_, role_, write, flags_)                                                \
	[id] = {.event = (int16_t)EVENT_##event_,                                                  \
		.role = SCAP_##role_,                                                              \
		.n_params = sizeof(params_##id) / sizeof(params_##id[0]) - 1,                      \
		.n_write = write,                                                                  \
		.flags = flags_,                                                                   \
		.params = params_##id},
#define SCAP_PARAM(...)
#define SCAP_END(id)
#include "capture/scap_types.def"
#undef SCAP_TYPE
#undef SCAP_PARAM
#undef SCAP_END
};

static const uint8_t sizes[] = {
	[SCAP_INT8] = 1,
	[SCAP_INT16] = 2,
	[SCAP_INT32] = 4,
	[SCAP_INT64] = 8,
	[SCAP_ERRNO] = 8,
	[SCAP_FD] = 8,
	[SCAP_PID] = 8,
	[SCAP_FD32] = 4,
	[SCAP_PID32] = 4,
	[SCAP_UINT8] = 1,
	[SCAP_UINT16] = 2,
	[SCAP_UINT32] = 4,
	[SCAP_UINT64] = 8,
	[SCAP_FLAGS8] = 1,
	[SCAP_FLAGS16] = 2,
	[SCAP_FLAGS32] = 4,
	[SCAP_ENUM8] = 1,
	[SCAP_ENUM16] = 2,
	[SCAP_ENUM32] = 4,
	[SCAP_UID] = 4,
	[SCAP_GID] = 4,
	[SCAP_MODE] = 4,
	[SCAP_SIGTYPE] = 1,
	[SCAP_SIGSET] = 4,
	[SCAP_PORT] = 2,
	[SCAP_SYSCALLID] = 2,
	[SCAP_RELTIME] = 8,
	[SCAP_ABSTIME] = 8,
	[SCAP_IPV4ADDR] = 4,
	[SCAP_IPV6ADDR] = 16,
	[SCAP_CHARBUF_PAIR_ARRAY] = 0,
};

const struct scap_type *scap_type(uint32_t id)
{
	return id < SCAP_TYPES ? &types[id] : NULL;
}

int scap_enter_of(enum event_type event)
{
	uint32_t exit_id = event_info(event)->scap_type;
	const struct scap_type *enter = exit_id ? scap_type(exit_id - 1) : NULL;

	return enter && enter->role == SCAP_ENTER && enter->event == (int)event ? (int)exit_id - 1
										: -1;
}

uint8_t scap_param_size(enum scap_param_type type)
{
	return sizes[type];
}
