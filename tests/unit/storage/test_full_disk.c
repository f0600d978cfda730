#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/util.h"
#include "sample.h"

#define JUNK_BYTES 200000

static bool await(const struct writer *writer, bool is_failing, uint64_t written)
{
	struct writer_counters counters;

	for (int i = 0; i < 3000; i++) {
		writer_counters(writer, &counters);
		if (counters.is_failing == is_failing && counters.written_total >= written)
			return true;
		usleep(10000);
	}
	return false;
}

static void push_checkpoint(struct writer *writer, uint64_t sequence)
{
	static char junk[JUNK_BYTES];

	push_blob(writer, WRITE_JOURNAL, 1, sequence, (struct text){junk, sizeof(junk)});
	writer_push(writer, WRITE_COMMIT, NULL);
}

/* Fill until commits fail, go on for a while, make room: everything is there. */
static void check_recovery(struct sample *sample, void (*make_full)(struct sample *sample),
			   void (*make_room)(struct sample *sample))
{
	struct store *store = sample_open(sample);
	struct writer *writer = NULL;
	struct record_alert alert = sample_alert(1);
	struct writer_counters counters;

	assert_int_equal(writer_create(&writer, store, 4096), 0);
	push_checkpoint(writer, 1);
	assert_true(await(writer, false, 1));
	make_full(sample);
	for (uint64_t sequence = 2; sequence <= 12; sequence++)
		push_checkpoint(writer, sequence);
	push_alert(writer, &alert);
	assert_true(await(writer, true, 1));
	writer_counters(writer, &counters);
	assert_true(counters.errors_total > 0);
	assert_true(counters.waiting_bytes > JUNK_BYTES);
	/* Readers still get what is there. */
	assert_true(sample_number(sample, "SELECT count(*) FROM journal") >= 1);

	/* An image makes most of what waits superfluous. */
	push_blob(writer, WRITE_IMAGE, 1, 10, TEXT("image"));
	writer_push(writer, WRITE_COMMIT, NULL);
	for (int i = 0; i < 3000 && counters.waiting_bytes > 3 * JUNK_BYTES; i++) {
		usleep(10000);
		writer_counters(writer, &counters);
	}
	assert_true(counters.waiting_bytes < 3 * JUNK_BYTES);

	make_room(sample);
	assert_true(await(writer, false, 5));
	writer_destroy(&writer);
	store_close(&store);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM journal"), 2);
	assert_int_equal(sample_number(sample, "SELECT min(sequence) FROM journal"), 11);
	assert_int_equal(sample_number(sample, "SELECT sequence FROM images"), 10);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 1);
	assert_int_equal(
		sample_number(sample, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
		1);
}

static void limit_file_size(struct sample *sample)
{
	struct rlimit limit;

	(void)sample;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 300000;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void lift_limit(struct sample *sample)
{
	struct rlimit limit;

	(void)sample;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void writing_resumes_when_files_may_grow_again(void **state)
{
	struct sample sample;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	sample_create(&sample);
	check_recovery(&sample, limit_file_size, lift_limit);
	sample_destroy(&sample);
}

static void ballast_path(const struct sample *sample, char out[128])
{
	snprintf(out, 128, "%s/ballast", sample->dir);
}

static void fill_disk(struct sample *sample)
{
	SCOPED(close_fd) int fd = -1;
	char path[128], block[4096] = "x";

	ballast_path(sample, path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
}

static void remove_ballast(struct sample *sample)
{
	char path[128];

	ballast_path(sample, path);
	assert_int_equal(unlink(path), 0);
}

/* Needs the right to mount. */
static void writing_resumes_when_the_disk_has_room_again(void **state)
{
	struct sample sample;
	char dir[64];

	(void)state;
	sample_create(&sample);
	snprintf(dir, sizeof(dir), "%s", sample.dir);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=8m") < 0) {
		sample_destroy(&sample);
		skip();
	}
	check_recovery(&sample, fill_disk, remove_ballast);
	assert_int_equal(umount(dir), 0);
	sample_destroy(&sample);
}

static void a_full_disk_at_the_start_is_said(void **state)
{
	struct sample sample;
	struct store *store = NULL;

	(void)state;
	sample_create(&sample);
	if (mount("tmpfs", sample.dir, "tmpfs", 0, "size=1m") < 0) {
		sample_destroy(&sample);
		skip();
	}
	fill_disk(&sample);
	assert_int_equal(store_open(&store, &sample.config), -ENOSPC);
	assert_null(store);
	remove_ballast(&sample);
	store = sample_open(&sample);
	store_close(&store);
	assert_int_equal(umount(sample.dir), 0);
	sample_destroy(&sample);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing_resumes_when_files_may_grow_again),
		cmocka_unit_test(writing_resumes_when_the_disk_has_room_again),
		cmocka_unit_test(a_full_disk_at_the_start_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
