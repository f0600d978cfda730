/* A process that checkpoints as fast as it can is killed at random moments: the database is intact
 * each time, and everything it had been told was stored is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/util.h"
#include "sample.h"

#define KILLS 50
#define SEGMENT_BYTES 3000

/* What segment n holds: recognisable and different each time. */
static void make_segment(uint64_t n, char out[SEGMENT_BYTES])
{
	for (uint64_t i = 0; i < SEGMENT_BYTES; i++)
		out[i] = (char)(n * 31 + i * 7 + i / 256);
}

static void push_segment(struct writer *writer, uint64_t n)
{
	struct record_anomaly anomaly = sample_anomaly(n);
	struct record_alert alert = sample_alert(n);
	struct record_event event = sample_event(n);
	char bytes[SEGMENT_BYTES];

	make_segment(n, bytes);
	push_anomaly(writer, &anomaly);
	push_alert(writer, &alert);
	push_event(writer, &event);
	push_blob(writer, WRITE_JOURNAL, 1, n, (struct text){bytes, sizeof(bytes)});
	if (n % 10 == 0)
		push_blob(writer, WRITE_IMAGE, 1, n - 5, (struct text){bytes, sizeof(bytes)});
	writer_push(writer, WRITE_COMMIT, NULL);
}

/* Push segments from first on; write each number to fd once it is committed. */
static void work(struct sample *sample, uint64_t first, int fd)
{
	struct store *store = NULL;
	struct writer *writer = NULL;
	struct writer_counters before, now;

	if (store_open(&store, &sample->config) || writer_create(&writer, store, 4096))
		_exit(1);
	for (uint64_t n = first;; n++) {
		writer_counters(writer, &before);
		push_segment(writer, n);
		do {
			usleep(500);
			writer_counters(writer, &now);
		} while (now.last_checkpoint_ns == before.last_checkpoint_ns);
		if (write(fd, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

/* The last number read until the writer of fd is gone. */
static uint64_t last_confirmed(int fd, uint64_t last)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) == sizeof(n))
		last = n;
	return last;
}

struct check {
	uint64_t next; /* expected segment */
	uint64_t first;
};

static int check_segment(const struct record_blob *blob, void *arg)
{
	struct check *check = arg;
	char want[SEGMENT_BYTES];

	if (check->first == 0)
		check->first = check->next = blob->sequence;
	assert_int_equal(blob->sequence, check->next);
	make_segment(blob->sequence, want);
	assert_int_equal(blob->bytes.len, sizeof(want));
	assert_memory_equal(blob->bytes.ptr, want, sizeof(want));
	check->next++;
	return 0;
}

static int check_image(const struct record_blob *blob, void *arg)
{
	char want[SEGMENT_BYTES];

	*(uint64_t *)arg = blob->sequence;
	make_segment(blob->sequence + 5, want);
	assert_memory_equal(blob->bytes.ptr, want, sizeof(want));
	return 0;
}

/* Image and segments together tell everything from 1 to at least confirmed. Returns how far. */
static uint64_t check_store(struct sample *sample, uint64_t confirmed)
{
	struct store *store;
	struct check check = {0};
	uint64_t covered = 0, reached;

	assert_int_equal(
		sample_number(sample, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
		1);
	store = sample_open(sample);
	assert_int_equal(store_each_image(store, "profile", check_image, &covered), 0);
	assert_int_equal(store_each_journal(store, check_segment, &check), 0);
	reached = check.first ? check.next - 1 : covered;
	if (check.first)
		assert_int_equal(check.first, covered + 1);
	assert_true(reached >= confirmed);
	store_close(&store);
	/* What is in a checkpoint and what came with it stand and fall together. */
	assert_true((uint64_t)sample_number(sample, "SELECT count(*) FROM anomalies") >= reached);
	assert_true((uint64_t)sample_number(sample, "SELECT count(*) FROM alerts") >= reached);
	assert_true((uint64_t)sample_number(sample, "SELECT count(*) FROM events") >= reached);
	return reached;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void kills_lose_nothing_that_was_confirmed(void **state)
{
	uint64_t seed = 88172645463325252, reached = 0;
	struct sample sample;

	(void)state;
	sample_create(&sample);
	for (int i = 0; i < KILLS; i++) {
		uint64_t confirmed;
		int ends[2];
		pid_t child;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		if (child == 0) {
			close(ends[0]);
			work(&sample, reached + 1, ends[1]);
		}
		close(ends[1]);
		usleep((useconds_t)(next_random(&seed) % 300000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		confirmed = last_confirmed(ends[0], reached);
		close(ends[0]);
		if (access(sample.path, F_OK) == 0)
			reached = check_store(&sample, confirmed);
	}
	print_message("# %llu checkpoints\n", (unsigned long long)reached);
	assert_true(reached > KILLS);
	sample_destroy(&sample);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kills_lose_nothing_that_was_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
