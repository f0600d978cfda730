/* Any bytes as a record of the rings: it is refused or becomes an event whose texts can be read.
 * Of the header only the length is made right: the rings see to it. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture/decode.h"
#include "tests/fuzz/fuzz.h"

static volatile uint64_t sum;

static void read_text(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		sum += (unsigned char)t.ptr[i];
}

static void read_params(const struct event *ev)
{
	const struct event_info *info = event_info(ev->type);

	for (unsigned i = 0; i < info->n_params; i++) {
		const struct param *param = event_param(ev, i);

		if (param && info->params[i].type >= PARAM_CHARBUF &&
		    info->params[i].type != PARAM_DYN)
			read_text(param->bytes);
	}
}

static void read_facts(const struct event *ev)
{
	if (ev->file)
		read_text(ev->file->path);
	if (ev->sock)
		read_text(ev->sock->path);
	if (!ev->task)
		return;
	read_text(ev->task->comm);
	read_text(ev->task->exe);
	read_text(ev->task->exepath);
	read_text(ev->task->args);
	read_text(ev->task->env);
	read_text(ev->task->cwd);
	read_text(ev->task->root);
	read_text(ev->task->cgroups);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder *decoder;
	struct record record;
	/* At the end of its block, so that a byte too many is found. */
	SCOPED(free_ptr) void *bytes = malloc(MAX(size, 1u));

	if (!bytes || (!decoder && !(decoder = malloc(sizeof(*decoder)))))
		abort();
	decoder_init(decoder);
	if (size)
		memcpy(bytes, data, size);
	if (size >= WIRE_HEADER_BYTES)
		((struct wire_header *)bytes)->len = (uint32_t)size;
	if (record_parse(&record, bytes, (uint32_t)size) || decode_record(decoder, &record))
		return 0;
	read_params(&decoder->event);
	read_facts(&decoder->event);
	read_text(decoder->event.raw_path[0]);
	read_text(decoder->event.raw_path[1]);
	return 0;
}
