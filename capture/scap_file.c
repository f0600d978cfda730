#include "capture/scap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"
#include "base/util.h"

#define BUFFER_BYTES (1u << 20)
#define PATIENCE_S 10
#define GZIP_WINDOW_BITS (15 + 16) /* 16: with gzip's header */
#define GZIP_MEM_LEVEL 8

struct scap_file {
	char *path;
	int fd;
	bool is_gzip, is_ours; /* is_ours: opened here, and closed */
	bool is_hurried;
	int error;        /* of the write that failed; 0 none */
	uint64_t written; /* bytes of successful flushes */
	uint32_t used;
	uint8_t *buffer, *packed; /* packed: room for a member, gzip only */
	uint32_t packed_bytes;
	z_stream stream; /* gzip only */
};

static int begin_gzip(struct scap_file *file)
{
	if (deflateInit2(&file->stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEM_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	file->is_gzip = true;
	file->packed_bytes = (uint32_t)deflateBound(&file->stream, BUFFER_BYTES);
	file->packed = malloc(file->packed_bytes);
	return file->packed ? 0 : -ENOMEM;
}

int scap_file_create(struct scap_file **out, const char *path, bool is_gzip)
{
	SCOPED(scap_file_destroy) struct scap_file *file = calloc(1, sizeof(*file));
	int r = 0;

	if (!file)
		return -ENOMEM;
	file->fd = STDOUT_FILENO;
	file->path = strdup(path);
	file->buffer = malloc(BUFFER_BYTES);
	if (!file->path || !file->buffer)
		return -ENOMEM;
	if (is_gzip)
		r = begin_gzip(file);
	if (r)
		return r;
	if (strcmp(path, "-") != 0) {
		file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
		if (file->fd < 0)
			return log_err_r(-errno, "capture file '%s': cannot be written", path);
		file->is_ours = true;
	}
	*out = TAKE(file);
	return 0;
}

void scap_file_destroy(struct scap_file **file)
{
	struct scap_file *f = *file;

	if (!f)
		return;
	if (f->is_gzip)
		deflateEnd(&f->stream);
	if (f->is_ours)
		close(f->fd);
	free(f->packed);
	free(f->buffer);
	free(f->path);
	free(f);
	*file = NULL;
}

/* Whether the other end takes PIPE_BUF bytes, now or soon. */
static bool is_taken(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLOUT};
	int n = 0;

	/* Signals may go on coming, about one a second. */
	for (int i = 0; n <= 0 && i < PATIENCE_S; i++) {
		n = poll(&end, 1, 1000);
		if (n < 0 && errno != EINTR)
			return false;
	}
	return n > 0;
}

/* Once in a hurry never blocks for long: a reader may have stopped reading for good. */
static int write_all(struct scap_file *file, const uint8_t *data, uint32_t len)
{
	while (len > 0) {
		uint32_t step = file->is_hurried ? MIN(len, (uint32_t)PIPE_BUF) : len;
		ssize_t n;

		if (file->is_hurried && !is_taken(file->fd))
			return -ETIMEDOUT;
		n = write(file->fd, data, step);
		if (n < 0 && errno != EINTR)
			return -errno;
		/* Only a signal cuts a write short that does not fail. */
		file->is_hurried |= n < (ssize_t)step;
		data += MAX(n, 0);
		len -= (uint32_t)MAX(n, 0);
	}
	return 0;
}

/* A block that was written in part would make readers end with an error. */
static int give_up(struct scap_file *file, int r)
{
	file->error = r;
	file->used = 0;
	if (file->is_ours && ftruncate(file->fd, (off_t)file->written))
		log_debug("capture file '%s': cannot be cut at the last whole block", file->path);
	return log_err_r(r, "capture file '%s': cannot be written, ending at %llu bytes",
			 file->path, (unsigned long long)file->written);
}

/* The buffer as one gzip member; its bytes in *len. */
static int pack(struct scap_file *file, uint32_t *len)
{
	z_stream *stream = &file->stream;

	if (deflateReset(stream) != Z_OK)
		return -EINVAL;
	stream->next_in = file->buffer;
	stream->avail_in = file->used;
	stream->next_out = file->packed;
	stream->avail_out = file->packed_bytes;
	if (deflate(stream, Z_FINISH) != Z_STREAM_END)
		return -EINVAL;
	*len = file->packed_bytes - stream->avail_out;
	return 0;
}

int scap_file_flush(struct scap_file *file)
{
	const uint8_t *data = file->is_gzip ? file->packed : file->buffer;
	uint32_t len = file->used;
	int r = 0;

	if (file->error)
		return file->error;
	if (!file->used)
		return 0;
	if (file->is_gzip)
		r = pack(file, &len);
	if (!r)
		r = write_all(file, data, len);
	if (r)
		return give_up(file, r);
	file->written += len;
	file->used = 0;
	return 0;
}

int scap_file_append(struct scap_file *file, const void *blocks, uint32_t len)
{
	int r = file->error;

	if (!r && len > BUFFER_BYTES - file->used)
		r = scap_file_flush(file);
	if (r)
		return r;
	memcpy(file->buffer + file->used, blocks, len);
	file->used += len;
	return 0;
}

void scap_file_hurry(struct scap_file *file)
{
	file->is_hurried = true;
}

int scap_file_sync(struct scap_file *file)
{
	int r = scap_file_flush(file), n = 0;

	/* A pipe has no disk behind it. */
	while (!r && (n = fsync(file->fd)) && errno == EINTR)
		continue;
	if (!r && n && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
		r = give_up(file, -errno);
	return r;
}

uint64_t scap_file_bytes(const struct scap_file *file)
{
	return file->written;
}
