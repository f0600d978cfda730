#include "capture/scap_input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/util.h"

#define FRAME_BYTES 12u /* type, length before, length behind */
#define STEP_BYTES (UINT32_C(1) << 20)

struct scap_input {
	gzFile gz;
	uint64_t offset; /* of what is read next, unpacked */
	uint8_t *body;
	uint32_t capacity;
};

int scap_input_open(struct scap_input **out, const char *path, struct diag *diag)
{
	SCOPED(scap_input_close) struct scap_input *file = calloc(1, sizeof(*file));

	if (!file)
		return diag_set(diag, -ENOMEM, "no memory");
	errno = 0;
	file->gz = gzopen(path, "rbe");
	if (!file->gz) {
		int error = errno ? errno : ENOMEM;

		return diag_set(diag, -error, "%s", strerror(error));
	}
	gzbuffer(file->gz, 128 * 1024);
	*out = TAKE(file);
	return 0;
}

void scap_input_close(struct scap_input **file)
{
	if (!*file)
		return;
	if ((*file)->gz)
		gzclose((*file)->gz);
	free((*file)->body);
	free(*file);
	*file = NULL;
}

/* Read up to len bytes: how many there were, or -errno. */
static int64_t read_some(struct scap_input *file, void *to, uint32_t len, struct diag *diag)
{
	int n = gzread(file->gz, to, len);
	int error = Z_OK;
	const char *why = gzerror(file->gz, &error);

	if (error == Z_ERRNO)
		return diag_set(diag, -errno, "byte %" PRIu64 ": %s", file->offset,
				strerror(errno));
	/* A cut gzip file gives what it has first. */
	if (n < 0 || (error != Z_OK && error != Z_BUF_ERROR))
		return diag_set(diag, -EBADMSG, "byte %" PRIu64 ": gzip data is damaged: %s",
				file->offset, why);
	if (n == 0 && error == Z_BUF_ERROR)
		return diag_set(diag, -EBADMSG, "byte %" PRIu64 ": the gzip data is cut short",
				file->offset);
	file->offset += (uint64_t)n;
	return n;
}

static int cut_short(uint64_t offset, uint64_t have, uint64_t want, struct diag *diag)
{
	return diag_set(diag, -EBADMSG,
			"byte %" PRIu64 ": the file ends %" PRIu64
			" bytes into a block of %" PRIu64,
			offset, have, want);
}

/* Room for len bytes of body. Grows with what was really read, so that a made-up length costs no
 * memory. */
static int reserve(struct scap_input *file, uint32_t len, struct diag *diag)
{
	uint32_t capacity = MAX(file->capacity, 64 * 1024u);
	uint8_t *body;

	while (capacity < len)
		capacity *= 2;
	if (capacity == file->capacity)
		return 0;
	body = realloc(file->body, capacity);
	if (!body)
		return diag_set(diag, -ENOMEM, "no memory for a block of %u bytes", len);
	file->body = body;
	file->capacity = capacity;
	return 0;
}

static int read_body(struct scap_input *file, uint32_t len, uint64_t offset, struct diag *diag)
{
	uint32_t used = 0;

	while (used < len) {
		uint32_t step = MIN(len - used, STEP_BYTES);
		int64_t n;
		int r = reserve(file, used + step, diag);

		if (r)
			return r;
		n = read_some(file, file->body + used, step, diag);
		if (n < 0)
			return (int)n;
		used += (uint32_t)n;
		if (n < step)
			return cut_short(offset, FRAME_BYTES - 4 + used, FRAME_BYTES - 4 + len,
					 diag);
	}
	return 0;
}

int scap_input_next(struct scap_input *file, struct scap_input_block *out, struct diag *diag)
{
	uint64_t offset = file->offset;
	uint32_t head[2], trailer, len;
	int64_t n = read_some(file, head, sizeof(head), diag);
	int r;

	out->offset = offset;
	if (n <= 0)
		return (int)n;
	if (n < (int64_t)sizeof(head))
		return cut_short(offset, (uint64_t)n, FRAME_BYTES, diag);
	if (head[1] < FRAME_BYTES || head[1] > SCAP_INPUT_BLOCK_MAX)
		return diag_set(diag, -EBADMSG,
				"byte %" PRIu64 ": a block of type 0x%x says that it has %u bytes",
				offset, head[0], head[1]);
	len = head[1] - FRAME_BYTES;
	r = read_body(file, len + sizeof(trailer), offset, diag);
	if (r)
		return r;
	memcpy(&trailer, file->body + len, sizeof(trailer));
	*out = (struct scap_input_block){
		.type = head[0],
		.len = len,
		.body = file->body,
		.offset = offset,
		.trailer_agrees = trailer == head[1],
	};
	return 1;
}
