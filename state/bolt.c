#include "state/bolt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define FILE_BYTES_MAX (UINT64_C(1) << 26)
#define META_MAGIC 0xED0CDAEDu
#define META_VERSION 2
#define META_BYTES_SUMMED 56 /* magic .. transaction id */
#define PAGE_BRANCH 0x01
#define PAGE_LEAF 0x02
#define PAGE_HEADER 16   /* id u64, flags u16, count u16, overflow u32 */
#define ELEMENT_BYTES 16 /* branch: pos, ksize, page u64; leaf: flags, pos, ksize, vsize */
#define LEAF_IS_BUCKET 0x01
#define BUCKET_HEADER 16 /* root page u64, sequence u64; root 0: the page follows */
#define DEPTH_MAX 32

/* A piece of the mapped file: every read is checked against it. */
struct piece {
	const unsigned char *ptr;
	uint64_t len;
};

struct bolt {
	struct piece file;
	uint32_t page_bytes;
};

static bool read_u32(struct piece p, uint64_t at, uint32_t *out)
{
	if (!p.ptr || at > p.len || p.len - at < sizeof(*out))
		return false;
	memcpy(out, p.ptr + at, sizeof(*out));
	return true;
}

static bool read_u64(struct piece p, uint64_t at, uint64_t *out)
{
	if (at > p.len || p.len - at < sizeof(*out))
		return false;
	memcpy(out, p.ptr + at, sizeof(*out));
	return true;
}

static bool sub_piece(struct piece p, uint64_t at, uint64_t len, struct piece *out)
{
	if (at > p.len || p.len - at < len)
		return false;
	*out = (struct piece){p.ptr + at, len};
	return true;
}

/* FNV-1a, 64 bits: the format's checksum of a meta page. */
static uint64_t fnv1a(struct piece p)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (uint64_t i = 0; i < p.len; i++)
		hash = (hash ^ p.ptr[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* One of the two meta pages: its transaction and the root bucket's page. */
static bool read_meta(struct piece file, uint64_t at, uint32_t *page_bytes, uint64_t *root,
		      uint64_t *transaction)
{
	struct piece meta, summed;
	uint32_t magic, version;
	uint64_t checksum;

	return sub_piece(file, at + PAGE_HEADER, META_BYTES_SUMMED + 8, &meta) &&
	       read_u32(meta, 0, &magic) && magic == META_MAGIC && read_u32(meta, 4, &version) &&
	       version == META_VERSION && read_u32(meta, 8, page_bytes) && *page_bytes >= 512 &&
	       *page_bytes <= 65536 && read_u64(meta, 16, root) &&
	       read_u64(meta, 48, transaction) && read_u64(meta, META_BYTES_SUMMED, &checksum) &&
	       sub_piece(meta, 0, META_BYTES_SUMMED, &summed) && fnv1a(summed) == checksum;
}

/* The newer valid meta page decides. Its page size is that of the operating system. */
static int find_root(struct bolt *b, uint64_t *root)
{
	static const uint32_t sizes[] = {4096, 8192, 16384, 65536};
	uint64_t candidate, transaction, newest = 0;
	uint32_t page_bytes;
	bool found = false;

	for (size_t i = 0; i <= ARRAY_SIZE(sizes); i++) {
		uint64_t at = i == 0 ? 0 : sizes[i - 1];

		if (!read_meta(b->file, at, &page_bytes, &candidate, &transaction) ||
		    (at != 0 && at != page_bytes) || (found && transaction < newest))
			continue;
		found = true;
		newest = transaction;
		*root = candidate;
		b->page_bytes = page_bytes;
	}
	return found ? 0 : -EBADMSG;
}

/* A page with its overflow. */
static int find_page(const struct bolt *b, uint64_t id, struct piece *out)
{
	struct piece header;
	uint32_t overflow;
	uint64_t at;

	if (__builtin_mul_overflow(id, (uint64_t)b->page_bytes, &at) ||
	    !sub_piece(b->file, at, PAGE_HEADER, &header) || !read_u32(header, 12, &overflow))
		return -EBADMSG;
	return sub_piece(b->file, at, ((uint64_t)overflow + 1) * b->page_bytes, out) ? 0 : -EBADMSG;
}

static int compare_key(struct piece key, struct text wanted)
{
	return text_compare((struct text){(const char *)key.ptr, (uint32_t)key.len}, wanted);
}

/* Element i of a page: its words, and its key. */
static int read_element(struct piece page, uint32_t i, bool is_branch, uint32_t words[4],
			struct piece *key)
{
	uint64_t at = PAGE_HEADER + (uint64_t)i * ELEMENT_BYTES;
	uint32_t pos, key_bytes;

	for (unsigned w = 0; w < 4; w++) {
		if (!read_u32(page, at + 4 * w, &words[w]))
			return -EBADMSG;
	}
	pos = is_branch ? words[0] : words[1];
	key_bytes = is_branch ? words[1] : words[2];
	return sub_piece(page, at + pos, key_bytes, key) ? 0 : -EBADMSG;
}

/* The child that may hold the key: the last one that does not begin behind it. */
static int choose_child(struct piece page, uint16_t count, struct text wanted, uint64_t *child)
{
	bool found = false;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t words[4];
		struct piece key;
		int r = read_element(page, i, true, words, &key);

		if (r)
			return r;
		if (found && compare_key(key, wanted) > 0)
			break;
		*child = (uint64_t)words[3] << 32 | words[2];
		found = true;
	}
	return found ? 0 : -ENOENT;
}

static int find_in_leaf(struct piece page, uint16_t count, struct text wanted, bool *is_bucket,
			struct piece *value)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t words[4];
		struct piece key;
		int r = read_element(page, i, false, words, &key);

		if (r)
			return r;
		if (compare_key(key, wanted) != 0)
			continue;
		*is_bucket = words[0] & LEAF_IS_BUCKET;
		return sub_piece(page,
				 PAGE_HEADER + (uint64_t)i * ELEMENT_BYTES + words[1] +
					 (uint64_t)words[2],
				 words[3], value)
			       ? 0
			       : -EBADMSG;
	}
	return -ENOENT;
}

/* Descend from a page to the leaf that holds the key. */
static int find_key(const struct bolt *b, struct piece page, struct text wanted, bool *is_bucket,
		    struct piece *value)
{
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		uint16_t flags, count;
		uint64_t child = 0;
		int r;

		if (page.len < PAGE_HEADER)
			return -EBADMSG;
		memcpy(&flags, page.ptr + 8, sizeof(flags));
		memcpy(&count, page.ptr + 10, sizeof(count));
		if (flags & PAGE_LEAF)
			return find_in_leaf(page, count, wanted, is_bucket, value);
		if (!(flags & PAGE_BRANCH))
			return -EBADMSG;
		r = choose_child(page, count, wanted, &child);
		if (!r)
			r = find_page(b, child, &page);
		if (r)
			return r;
	}
	return -EBADMSG;
}

/* The first page of a bucket: its own, or inline behind the header. */
static int bucket_page(const struct bolt *b, struct piece bucket, struct piece *page)
{
	uint64_t root;

	if (!read_u64(bucket, 0, &root) || bucket.len < BUCKET_HEADER)
		return -EBADMSG;
	if (root)
		return find_page(b, root, page);
	return sub_piece(bucket, BUCKET_HEADER, bucket.len - BUCKET_HEADER, page) ? 0 : -EBADMSG;
}

static int look_up(struct bolt *b, const struct text *path, unsigned n, struct piece *value)
{
	struct piece page;
	bool is_bucket;
	uint64_t root;
	int r = find_root(b, &root);

	if (!r)
		r = find_page(b, root, &page);
	for (unsigned i = 0; !r && i < n; i++) {
		r = find_key(b, page, path[i], &is_bucket, value);
		if (!r && is_bucket != (i + 1 < n))
			return -ENOENT;
		if (!r && is_bucket)
			r = bucket_page(b, *value, &page);
	}
	return r;
}

/* The whole file in memory: a mapping would crash the reader if the file shrank under it. */
static int read_whole(const char *file, char **out, size_t *len)
{
	SCOPED(close_fd) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	SCOPED(free_ptr) char *bytes = NULL;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > FILE_BYTES_MAX)
		return -EBADMSG;
	bytes = malloc((size_t)st.st_size);
	if (!bytes)
		return -ENOMEM;
	for (*len = 0; n > 0 && *len<(size_t)st.st_size; *len += n> 0 ? (size_t)n : 0)
		n = pread(fd, bytes + *len, (size_t)st.st_size - *len, (off_t)*len);
	if (n < 0)
		return -errno;
	*out = TAKE(bytes);
	return 0;
}

int bolt_get(const char *file, const struct text *path, unsigned n, char *out, size_t size)
{
	SCOPED(free_ptr) char *bytes = NULL;
	struct bolt b = {0};
	struct piece value = {0};
	size_t len = 0;
	int r = read_whole(file, &bytes, &len);

	if (r)
		return r;
	b.file = (struct piece){(const unsigned char *)bytes, len};
	r = look_up(&b, path, n, &value);
	if (r)
		return r;
	if (value.len > size)
		return -EFBIG;
	if (value.len)
		memcpy(out, value.ptr, value.len);
	return (int)value.len;
}
