#include "anomaly/image.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/util.h"

#define CHECKSUM_BYTES 8

static void put_bytes(struct image_writer *image, const void *bytes, size_t len)
{
	if (image->failed)
		return;
	if (image->size - image->len < len) {
		size_t size = MAX(image->size * 2, image->len + len + 4096);
		char *grown = realloc(image->bytes, size);

		if (!grown) {
			image->failed = true;
			return;
		}
		image->bytes = grown;
		image->size = size;
	}
	if (len)
		memcpy(image->bytes + image->len, bytes, len);
	image->len += len;
}

void image_begin(struct image_writer *image, uint64_t tag)
{
	*image = (struct image_writer){0};
	image_put_u64(image, tag);
}

void image_put_u64(struct image_writer *image, uint64_t value)
{
	uint64_t le = htole64(value);

	put_bytes(image, &le, sizeof(le));
}

void image_put_f64(struct image_writer *image, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	image_put_u64(image, bits);
}

void image_put_text(struct image_writer *image, struct text text)
{
	uint32_t len = MIN(text.len, (uint32_t)IMAGE_TEXT_MAX);

	image_put_u64(image, len);
	put_bytes(image, text.ptr, len);
}

struct record_blob *image_end(struct image_writer *image)
{
	SCOPED(free_ptr) char *bytes = NULL;
	struct record_blob *blob;

	image_put_u64(image, image->failed ? 0 : XXH3_64bits(image->bytes, image->len));
	bytes = TAKE(image->bytes);
	if (image->failed || image->len > UINT32_MAX)
		return NULL;

	blob = record_alloc(sizeof(*blob), image->len);
	if (!blob)
		return NULL;
	blob->bytes = record_text(blob, (struct text){bytes, (uint32_t)image->len});
	return blob;
}

int image_open(struct image_reader *image, struct text bytes, uint64_t tag)
{
	uint64_t checksum;

	if (bytes.len < 2 * CHECKSUM_BYTES)
		return -EBADMSG;
	memcpy(&checksum, bytes.ptr + bytes.len - CHECKSUM_BYTES, sizeof(checksum));
	if (le64toh(checksum) != XXH3_64bits(bytes.ptr, bytes.len - CHECKSUM_BYTES))
		return -EBADMSG;

	*image = (struct image_reader){(const unsigned char *)bytes.ptr, bytes.len - CHECKSUM_BYTES,
				       false};
	return image_get_u64(image) == tag ? 0 : -EBADMSG;
}

static const void *get_bytes(struct image_reader *image, size_t len)
{
	const unsigned char *here = image->next;

	if (image->failed || image->left < len) {
		image->failed = true;
		return NULL;
	}
	image->next += len;
	image->left -= len;
	return here;
}

uint64_t image_get_u64(struct image_reader *image)
{
	const void *bytes = get_bytes(image, sizeof(uint64_t));
	uint64_t le;

	if (!bytes)
		return 0;
	memcpy(&le, bytes, sizeof(le));
	return le64toh(le);
}

uint64_t image_get_count(struct image_reader *image, uint64_t max)
{
	uint64_t count = image_get_u64(image);

	if (count <= max)
		return count;
	image->failed = true;
	return 0;
}

double image_get_f64(struct image_reader *image)
{
	uint64_t bits = image_get_u64(image);
	double value;

	memcpy(&value, &bits, sizeof(value));
	if (isfinite(value))
		return value;
	image->failed = true;
	return 0;
}

struct text image_get_text(struct image_reader *image)
{
	uint32_t len = (uint32_t)image_get_count(image, IMAGE_TEXT_MAX);
	const void *bytes = get_bytes(image, len);

	return bytes ? (struct text){bytes, len} : TEXT_NONE;
}
