#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/util.h"
#include "state/bolt.h"

#define DATABASE_MAX (1 << 20)
#define MUTATIONS 3000

/* A containerd's metadata with six containers, cont1 to cont6, of one image. */
static size_t load_fixture(unsigned char *bytes)
{
	char path[512];
	gzFile file;
	int n;

	snprintf(path, sizeof(path), "%s/containerd-meta.db.gz", getenv("TEST_DATA"));
	file = gzopen(path, "rb");
	assert_non_null(file);
	n = gzread(file, bytes, DATABASE_MAX);
	gzclose(file);
	assert_true(n > 4096);
	return (size_t)n;
}

static int get_from(const unsigned char *bytes, size_t len, const char *const *words, unsigned n,
		    char *out, size_t size)
{
	char file[] = "/tmp/ethogram-bolt-XXXXXX";
	struct text path[8];
	int fd = mkstemp(file), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	for (unsigned i = 0; i < n; i++)
		path[i] = text_from(words[i]);
	r = bolt_get(file, path, n, out, size);
	unlink(file);
	return r;
}

static void finds_what_is_there(void **state)
{
	static const struct {
		const char *name;
		const char *words[6];
		unsigned n;
		size_t size;
		int want;
	} rows[] = {
		{"image", {"v1", "default", "containers", "cont4", "image"}, 5, 64, 30},
		{"first", {"v1", "default", "containers", "cont1", "image"}, 5, 64, 30},
		{"last", {"v1", "default", "containers", "cont6", "image"}, 5, 64, 30},
		{"no such container",
		 {"v1", "default", "containers", "cont9", "image"},
		 5,
		 64,
		 -ENOENT},
		{"no such namespace",
		 {"v1", "other", "containers", "cont4", "image"},
		 5,
		 64,
		 -ENOENT},
		{"a bucket is no value", {"v1", "default", "containers", "cont4"}, 4, 64, -ENOENT},
		{"a value is no bucket",
		 {"v1", "default", "containers", "cont4", "image", "x"},
		 6,
		 64,
		 -ENOENT},
		{"too large for the buffer",
		 {"v1", "default", "containers", "cont4", "image"},
		 5,
		 8,
		 -EFBIG},
	};
	unsigned char *bytes = malloc(DATABASE_MAX);
	size_t len = load_fixture(bytes);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[64];
		int r = get_from(bytes, len, rows[i].words, rows[i].n, out, rows[i].size);

		if (r != rows[i].want)
			fail_msg("%s: got %d, want %d", rows[i].name, r, rows[i].want);
		if (r > 0)
			assert_memory_equal(out, "registry.example/team/tiny:1.2", 30);
	}
	free(bytes);
}

/* Any bytes may be wrong: an answer or an error, never a read outside. */
static void survives_damage(void **state)
{
	static const char *const words[] = {"v1", "default", "containers", "cont4", "image"};
	unsigned char *bytes = malloc(DATABASE_MAX), *damaged = malloc(DATABASE_MAX);
	size_t len = load_fixture(bytes);
	unsigned random = 12345;

	(void)state;
	for (int i = 0; i < MUTATIONS; i++) {
		char out[64];
		size_t cut = len;

		memcpy(damaged, bytes, len);
		for (int j = 0; j < 8; j++) {
			random = random * 1103515245u + 12345u;
			/* the meta pages' checksum guards the first two pages: leave them */
			damaged[8192 + (random >> 4) % (len - 8192)] =
				(unsigned char)(random >> 20);
		}
		if (i % 7 == 0)
			cut = (random >> 3) % len;
		get_from(damaged, cut ? cut : 1, words, 5, out, sizeof(out));
	}
	memset(damaged, 0xff, len);
	assert_int_equal(get_from(damaged, len, words, 5, (char[64]){0}, 64), -EBADMSG);
	free(bytes);
	free(damaged);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
