#include "anomaly/image.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/util.h"

#define CHECKSUM_BYTES sizeof(uint64_t)

void image_begin(struct blob_writer *image, uint64_t tag)
{
	*image = (struct blob_writer){0};
	blob_put_u64(image, tag);
}

struct record_blob *image_end(struct blob_writer *image)
{
	SCOPED(blob_writer_done) struct blob_writer own = *image;
	struct record_blob *blob;

	*image = (struct blob_writer){0};
	if (own.failed)
		return NULL;
	blob_put_u64(&own, XXH3_64bits(own.bytes, own.len));
	if (own.failed || own.len > UINT32_MAX)
		return NULL;

	blob = record_alloc(sizeof(*blob), own.len);
	if (!blob)
		return NULL;
	blob->bytes = record_text(blob, (struct text){(char *)own.bytes, (uint32_t)own.len});
	return blob;
}

int image_open(struct blob_reader *image, struct text bytes, uint64_t tag)
{
	struct blob_reader checksum;

	if (bytes.len < sizeof(tag) + CHECKSUM_BYTES)
		return -EBADMSG;
	checksum = blob_reader_of(
		(struct text){bytes.ptr + bytes.len - CHECKSUM_BYTES, CHECKSUM_BYTES});
	bytes.len -= CHECKSUM_BYTES;
	if (blob_get_u64(&checksum) != XXH3_64bits(bytes.ptr, bytes.len))
		return -EBADMSG;

	*image = blob_reader_of(bytes);
	return blob_get_u64(image) == tag ? 0 : -EBADMSG;
}
