#include "capture/scap_convert.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/util.h"

/* A number of as many bytes as are stored. */
static uint64_t stored_number(enum scap_param_type type, struct text value)
{
	uint32_t len = MIN(value.len, 8u);
	uint64_t number = 0;

	memcpy(&number, value.ptr, len);
	if (scap_param_is_signed(type) && len < 8 && number >> (8 * len - 1) & 1)
		number |= UINT64_MAX << (8 * len);
	return number;
}

/* As wide and as signed as our parameter is. */
static uint64_t as_type(enum param_type type, uint64_t number)
{
	switch (type) {
	case PARAM_INT16:
		return (uint64_t)(int64_t)(int16_t)number;
	case PARAM_INT32:
		return (uint64_t)(int64_t)(int32_t)number;
	default:
		return number;
	}
}

static struct text until_nul(struct text t)
{
	const char *nul = t.len ? memchr(t.ptr, '\0', t.len) : NULL;

	return nul ? (struct text){t.ptr, (uint32_t)(nul - t.ptr)} : t;
}

/* How a pointer to nothing was written before it became an empty value. */
static bool is_null_text(struct text t)
{
	return text_equal(t, TEXT("<NA>")) || text_equal(t, TEXT("(NULL)"));
}

/* Names of unix sockets end at a NUL, which is stored. */
static struct text without_nul(struct text value, uint32_t name_at)
{
	struct text name;

	if (value.len <= name_at || value.ptr[0] != AF_UNIX)
		return value;
	name = until_nul((struct text){value.ptr + name_at, value.len - name_at});
	return (struct text){value.ptr, name_at + name.len};
}

static void set_param(struct param *param, enum param_type type, enum scap_param_type stored,
		      struct text value)
{
	if (stored == SCAP_DYN && type < PARAM_CHARBUF && value.len) { /* which one it is */
		value.ptr++;
		value.len--;
		stored = SCAP_INT64;
	}
	param->is_present = value.len > 0;
	if (!value.len)
		return;
	if (type < PARAM_CHARBUF) {
		param->u64 = as_type(type, stored_number(stored, value));
		return;
	}
	param->bytes = value;
	if (type <= PARAM_FSRELPATH) {
		param->bytes = until_nul(value);
		param->is_present = !is_null_text(param->bytes);
	} else if (type == PARAM_SOCKADDR) {
		param->bytes = without_nul(value, 1);
	} else if (type == PARAM_SOCKTUPLE) {
		param->bytes = without_nul(value, 17);
	}
}

/* Parameters in taken are left alone; what is set is added to it. */
static void set_params(struct event *ev, const struct scap_record *record, uint32_t *taken)
{
	const struct event_info *info = event_info(ev->type);

	for (uint32_t i = 0; i < record->n; i++) {
		const struct scap_param *from = &record->info->params[i];

		if (from->to == SCAP_NOWHERE || *taken >> from->to & 1)
			continue;
		set_param(&ev->params[from->to], info->params[from->to].type,
			  (enum scap_param_type)from->type, record->values[i]);
		*taken |= UINT32_C(1) << from->to;
	}
}

/* Calls tell their result first. */
static void set_result(struct event *ev, const struct scap_record *record)
{
	const struct param *first = event_param(ev, 0);
	enum param_type type;

	ev->res = 0;
	ev->has_res = false;
	if (record->info->role != SCAP_EXIT || ev->type == EVENT_GENERIC || !first)
		return;
	type = event_info(ev->type)->params[0].type;
	if (type >= PARAM_CHARBUF)
		return;
	ev->res = first->i64;
	ev->has_res = true;
}

void scap_converter_init(struct scap_converter *converter)
{
	const struct syscall_info *calls;
	uint32_t n;

	memset(converter, 0xff, sizeof(*converter));
	calls = syscall_table(&n);
	for (uint32_t i = n; i-- > 0;) { /* the first of several calls of an event counts */
		if (calls[i].nr64 < 0)
			continue;
		converter->by_event[calls[i].event] = (uint16_t)calls[i].nr64;
		if (calls[i].scap_code && calls[i].scap_code < SCAP_CODES)
			converter->by_code[calls[i].scap_code] = (uint16_t)calls[i].nr64;
	}
}

static uint16_t call_number(const struct scap_converter *converter, const struct event *ev)
{
	const struct param *code;

	if (ev->type != EVENT_GENERIC)
		return converter->by_event[ev->type];
	code = event_param(ev, GENERIC_ID);
	return code && code->u64 < SCAP_CODES ? converter->by_code[code->u64] : UINT16_MAX;
}

static bool has_path(const struct event *ev)
{
	const struct event_info *info = event_info(ev->type);

	for (unsigned i = 0; i < info->n_params; i++) {
		if (info->params[i].type == PARAM_FSPATH || info->params[i].type == PARAM_FSRELPATH)
			return true;
	}
	return ev->type == EVENT_CHDIR;
}

void scap_convert(const struct scap_converter *converter, struct event *ev,
		  const struct scap_record *record, const struct scap_record *enter)
{
	uint32_t taken = 0;

	*ev = (struct event){
		.type = (enum event_type)record->info->event,
		.ts_ns = record->ts_ns,
		.cpu = record->cpu,
		.tid = record->tid,
		.fd = -1,
		.quality = record->flags & SCAP_STATE_ONLY ? EVENT_STATE_ONLY : 0,
	};
	ev->n_params = event_info(ev->type)->n_params;
	set_params(ev, record, &taken);
	if (enter)
		set_params(ev, enter, &taken);
	set_result(ev, record);
	ev->nr = record->info->role == SCAP_EXIT ? call_number(converter, ev) : UINT16_MAX;
	if (has_path(ev))
		ev->quality |= EVENT_PATH_FROM_CALLER;
}
