#include "profiles/frame.h"

#include <errno.h>
#include <xxhash.h>

#define FRAME_VERSION 1
#define CHECKSUM_BYTES sizeof(uint64_t)

static uint64_t seed_check(uint64_t seed)
{
	static const char purpose[] = "seed check";

	return XXH3_64bits_withSeed(purpose, sizeof(purpose), seed);
}

void frame_begin(struct blob_writer *writer, const struct frame *frame)
{
	blob_put_u32(writer, frame->kind);
	blob_put_u8(writer, FRAME_VERSION);
	blob_put_u64(writer, frame->workload_id);
	blob_put_u64(writer, frame->sequence);
	blob_put_u64(writer, seed_check(frame->seed));
	blob_put_u64(writer, frame->epoch_ns);
}

int frame_end(struct blob_writer *writer, const struct frame *frame, struct record_blob **out)
{
	struct record_blob *blob;

	if (!writer->failed)
		blob_put_u64(writer, XXH3_64bits(writer->bytes, writer->len));
	if (writer->failed || writer->len > UINT32_MAX)
		return -ENOMEM;
	blob = record_alloc(sizeof(*blob), writer->len);
	if (!blob)
		return -ENOMEM;
	blob->workload_id = frame->workload_id;
	blob->sequence = frame->sequence;
	blob->bytes = record_text(
		blob, (struct text){(const char *)writer->bytes, (uint32_t)writer->len});
	*out = blob;
	return 0;
}

int frame_open(const struct record_blob *blob, const struct frame *frame,
	       struct blob_reader *reader)
{
	struct blob_reader tail;
	size_t len = blob->bytes.len;

	if (len < CHECKSUM_BYTES)
		return -EBADMSG;
	len -= CHECKSUM_BYTES;
	tail = (struct blob_reader){(const uint8_t *)blob->bytes.ptr + len, CHECKSUM_BYTES, false};
	if (blob_get_u64(&tail) != XXH3_64bits(blob->bytes.ptr, len))
		return -EBADMSG;
	*reader = (struct blob_reader){(const uint8_t *)blob->bytes.ptr, len, false};
	if (blob_get_u32(reader) != frame->kind || blob_get_u8(reader) != FRAME_VERSION ||
	    blob_get_u64(reader) != blob->workload_id || blob_get_u64(reader) != blob->sequence ||
	    blob_get_u64(reader) != seed_check(frame->seed) ||
	    blob_get_u64(reader) != frame->epoch_ns)
		return -EBADMSG;
	return 0;
}
