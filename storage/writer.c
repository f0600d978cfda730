#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/util.h"
#include "storage/batch.h"
#include "storage/database.h"
#include "storage/redact.h"
#include "storage/retention.h"
#include "storage/store.h"
#include "storage/store_internal.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* How long records of each urgency may wait for company; a checkpoint's until its WRITE_COMMIT. */
static const uint64_t patience_ns[] = {
	[URGENCY_CHECKPOINT] = 30 * NS_PER_S,
	[URGENCY_SOON] = NS_PER_S,
	[URGENCY_NOW] = 200 * NS_PER_MS,
};

#define GATHER_MS 50 /* a pause in which records collect */
#define RETRY_FIRST_NS (500 * NS_PER_MS)
#define RETRY_LAST_NS (10 * NS_PER_S)
#define RETENTION_PERIOD_NS (600 * NS_PER_S)
#define BATCH_BYTES_MAX (UINT64_C(64) << 20) /* waiting while the disk is full */
#define BATCH_BYTES_SOON (UINT64_C(8) << 20) /* commit without waiting for company */
#define HARD_FACTOR 8 /* of queue_max and QUEUE_BYTES, for first occurrences */
#define QUEUE_BYTES (UINT64_C(8) << 20)
#define REPEAT_SLOTS 1024

struct tap {
	writer_tap_fn *fn;
	void *arg;
};

struct writer {
	struct store *store;
	struct queue queue;
	_Atomic uint64_t queued_bytes;
	struct batch *batch;
	struct tap taps[WRITER_TAPS_MAX];
	unsigned n_taps;
	struct redact *redact; /* NULL: nothing to hide */
	bool is_inline;        /* no thread: who pushes writes */
	pthread_t thread;
	_Atomic bool is_stopping;

	/* Producer: rules that hit a workload lately, by hash. */
	uint64_t alerts_seen[REPEAT_SLOTS];

	/* Writer thread. */
	uint64_t due_ns;   /* commit then; UINT64_MAX: nothing waits */
	uint64_t retry_ns; /* not before; 0 when the last commit succeeded */
	uint64_t retry_wait_ns;
	uint64_t retention_ns; /* next slice */
	bool has_checkpoint;   /* among what is ready */
	int io_fd;             /* /proc/thread-self/io, -1 where there is none */

	/* Counters, read by any thread. */
	_Atomic uint64_t written, shed, shed_first, errors, last_commit_ns, last_checkpoint_ns;
	_Atomic uint64_t bytes_written, waiting_bytes;
	_Atomic uint64_t events_written, events_shed, events_forgotten, event_bytes;
	_Atomic bool is_failing;
};

/* Producer ------------------------------------------------------------------------------------ */

/* FNV-1a: here only to tell repeats from news under overload. */
static uint64_t hash_alert(const struct record_alert *alert)
{
	uint64_t hash = 0xcbf29ce484222325 ^ alert->workload_id;

	for (uint32_t i = 0; i < alert->rule.len; i++)
		hash = (hash ^ (unsigned char)alert->rule.ptr[i]) * 0x100000001b3;
	return hash | 1;
}

static bool is_repeat(struct writer *writer, enum write_kind kind, const void *record)
{
	uint64_t hash, *slot;
	bool seen;

	if (kind == WRITE_BEHAVIOUR || kind == WRITE_EVENT)
		return true;
	if (kind == WRITE_ANOMALY)
		return ((const struct record_anomaly *)record)->occurrences > 1;
	if (kind != WRITE_ALERT)
		return false;
	hash = hash_alert(record);
	slot = &writer->alerts_seen[(hash >> 32) % REPEAT_SLOTS];
	seen = *slot == hash;
	*slot = hash;
	return seen;
}

static bool is_never_shed(enum write_kind kind)
{
	return kind == WRITE_JOURNAL || kind == WRITE_IMAGE || kind == WRITE_SCORER ||
	       kind == WRITE_INCIDENTS || kind == WRITE_RULES || kind == WRITE_COUNTS ||
	       kind == WRITE_COMMIT;
}

static void count_shed(struct writer *writer, enum write_kind kind, bool repeat)
{
	if (kind == WRITE_EVENT)
		atomic_fetch_add(&writer->events_shed, 1);
	atomic_fetch_add(&writer->shed, 1);
	if (!repeat)
		atomic_fetch_add(&writer->shed_first, 1);
}

static bool has_room(struct writer *writer, bool repeat)
{
	uint64_t factor = repeat ? 1 : 2 * HARD_FACTOR;

	return queue_length(&writer->queue) < writer->queue.max / 2 * factor &&
	       atomic_load(&writer->queued_bytes) < QUEUE_BYTES / 2 * factor;
}

static void write_inline(struct writer *writer, enum write_kind kind, void *record);

void writer_push(struct writer *writer, enum write_kind kind, void *record)
{
	bool repeat;

	if (kind == WRITE_COMMIT)
		record = record_alloc(0, 0);
	if (!record) {
		count_shed(writer, kind, false);
		return;
	}
	if (writer->is_inline) {
		write_inline(writer, kind, record);
		return;
	}
	repeat = is_repeat(writer, kind, record);
	if (!is_never_shed(kind) && !has_room(writer, repeat)) {
		count_shed(writer, kind, repeat);
		record_free(record);
		return;
	}
	record_set_tag(record, kind);
	atomic_fetch_add(&writer->queued_bytes, record_bytes(record));
	queue_push_always(&writer->queue, record_node(record));
}

/* Writer thread ------------------------------------------------------------------------------- */

static void take_one(struct writer *writer, enum write_kind kind, void *record, uint64_t now_ns)
{
	bool is_tapped = kind == WRITE_ALERT || kind == WRITE_ANOMALY || kind == WRITE_INCIDENT;
	enum urgency urgency;

	if (writer->redact)
		redact_record(writer->redact, kind, record);
	for (unsigned i = 0; is_tapped && i < writer->n_taps; i++)
		writer->taps[i].fn(kind, record, writer->taps[i].arg);
	if (kind == WRITE_COMMIT) {
		record_free(record);
		record = NULL;
		writer->has_checkpoint = true;
	}
	if (!batch_add(writer->batch, kind, record, &urgency))
		count_shed(writer, kind, kind == WRITE_EVENT);
	writer->due_ns = MIN(writer->due_ns, now_ns + patience_ns[urgency]);
	if (kind == WRITE_COMMIT || batch_bytes(writer->batch) > BATCH_BYTES_SOON)
		writer->due_ns = now_ns;
}

static bool take_queued(struct writer *writer)
{
	struct queue_node *node = queue_take_all(&writer->queue);
	uint64_t now_ns = clock_monotonic_ns();
	bool took = node != NULL;

	while (node) {
		void *record = record_of_node(node);

		node = node->next;
		atomic_fetch_sub(&writer->queued_bytes, record_bytes(record));
		take_one(writer, record_tag(record), record, now_ns);
	}
	atomic_store(&writer->waiting_bytes, batch_bytes(writer->batch));
	return took;
}

static bool is_records_fault(int r)
{
	return r == -EINVAL || r == -E2BIG;
}

struct written {
	uint32_t records, events;
};

static int write_ready(struct writer *writer, struct written *written)
{
	uint32_t n;
	void *const *items = batch_ready(writer->batch, &n);

	*written = (struct written){0};
	for (uint32_t i = 0; i < n; i++) {
		int r;

		if (!items[i])
			continue;
		r = rows_write(writer->store->rows, record_tag(items[i]), items[i]);
		if (is_records_fault(r)) {
			log_err("database '%s': record of kind %u cannot be stored: %s, dropping it",
				writer->store->path, record_tag(items[i]),
				sqlite3_errmsg(writer->store->db));
			atomic_fetch_add(&writer->errors, 1);
			batch_discard(writer->batch, i);
		} else if (r) {
			return r;
		} else {
			written->records++;
			written->events += record_tag(items[i]) == WRITE_EVENT;
		}
	}
	return 0;
}

static int transact(struct writer *writer, struct written *written)
{
	sqlite3 *db = writer->store->db;
	int r = database_exec(db, "BEGIN IMMEDIATE");

	if (r == 0)
		r = write_ready(writer, written);
	/* What a capture shows is no downtime of this host. */
	if (r == 0 && writer->has_checkpoint && !writer->is_inline)
		r = rows_note_checkpoint(writer->store->rows, clock_real_ns(), clock_boot_ns());
	if (r == 0)
		r = database_exec(db, "COMMIT");
	if (r && !sqlite3_get_autocommit(db)) {
		/* errmsg must still tell the first cause. */
		log_debug("database '%s': rolled back: %s", writer->store->path,
			  sqlite3_errmsg(db));
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		rows_count_events(writer->store->rows); /* the error that counts is r */
	}
	return r;
}

/* Bytes that this thread gave to write(2) and friends: what the database costs the disk. */
static void count_bytes(struct writer *writer)
{
	char text[512];
	ssize_t n = writer->io_fd < 0 ? -1 : pread(writer->io_fd, text, sizeof(text) - 1, 0);
	const char *at;

	if (n <= 0)
		return;
	text[n] = '\0';
	at = strstr(text, "wchar: ");
	if (at)
		atomic_store(&writer->bytes_written, strtoull(at + strlen("wchar: "), NULL, 10));
}

/* Said once when it begins and once when it ends; in between it is counted. */
static void note_failure(struct writer *writer, int r, uint64_t now_ns)
{
	atomic_fetch_add(&writer->errors, 1);
	if (!atomic_exchange(&writer->is_failing, true)) {
		log_err_r(r,
			  "database '%s': cannot write, keeping changes in memory and retrying%s",
			  writer->store->path,
			  r == -EBADMSG
				  ? " (damaged: stop, move it away or run: sqlite3 FILE .recover)"
			  : r == -ENOSPC ? " (free some disk space or lower storage.max_bytes)"
					 : "");
		writer->retry_wait_ns = RETRY_FIRST_NS;
	} else {
		writer->retry_wait_ns = MIN(writer->retry_wait_ns * 2, RETRY_LAST_NS);
	}
	writer->retry_ns = now_ns + writer->retry_wait_ns;
}

/* Too many events for what they may take by a sixteenth: retention need not wait for its turn. */
static void count_events(struct writer *writer)
{
	uint64_t bytes = rows_event_bytes(writer->store->rows);
	uint64_t bytes_max = writer->store->config.history_bytes;

	atomic_store(&writer->event_bytes, bytes);
	atomic_store(&writer->events_forgotten, writer->store->events_forgotten);
	if (bytes > bytes_max + bytes_max / 16)
		writer->retention_ns = MIN(writer->retention_ns, clock_monotonic_ns());
}

static void note_success(struct writer *writer, const struct written *written)
{
	uint64_t real_ns = clock_real_ns();

	if (atomic_exchange(&writer->is_failing, false))
		log_info("database '%s': writing again", writer->store->path);
	writer->retry_ns = 0;
	writer->due_ns = UINT64_MAX;
	batch_written(writer->batch);
	atomic_fetch_add(&writer->written, written->records);
	atomic_fetch_add(&writer->events_written, written->events);
	atomic_store(&writer->last_commit_ns, real_ns);
	if (writer->has_checkpoint)
		atomic_store(&writer->last_checkpoint_ns, real_ns);
	writer->has_checkpoint = false;
	atomic_store(&writer->waiting_bytes, batch_bytes(writer->batch));
}

static int commit(struct writer *writer)
{
	struct written written = {0};
	uint32_t n;
	int r = 0;

	batch_ready(writer->batch, &n);
	if (n > 0 || writer->has_checkpoint)
		r = transact(writer, &written);
	if (r)
		note_failure(writer, r, clock_monotonic_ns());
	else
		note_success(writer, &written);
	count_events(writer);
	count_bytes(writer);
	return r;
}

/* Nothing is shed and nothing is due by the clock: the same records give the same rows. */
static void write_inline(struct writer *writer, enum write_kind kind, void *record)
{
	take_one(writer, kind, record, 0);
	if (kind == WRITE_COMMIT || batch_bytes(writer->batch) > BATCH_BYTES_SOON)
		commit(writer);
}

static void forget_old(struct writer *writer)
{
	bool more;
	int r = retention_slice(writer->store, clock_real_ns(), &more);
	uint64_t now_ns = clock_monotonic_ns();

	if (r)
		atomic_fetch_add(&writer->errors, 1); /* if it is the disk, commits tell too */
	count_events(writer);
	writer->retention_ns =
		now_ns + (r == 0 && more ? GATHER_MS * NS_PER_MS : RETENTION_PERIOD_NS);
	count_bytes(writer);
}

static uint64_t next_commit_ns(const struct writer *writer)
{
	return writer->due_ns == UINT64_MAX ? UINT64_MAX : MAX(writer->due_ns, writer->retry_ns);
}

/* Milliseconds until something is due, at least one. */
static int time_left_ms(const struct writer *writer, uint64_t now_ns)
{
	uint64_t next_ns = MIN(next_commit_ns(writer), writer->retention_ns);

	if (next_ns <= now_ns)
		return 0;
	return (int)MIN((next_ns - now_ns) / NS_PER_MS + 1, 3600 * 1000);
}

/* The first record wakes this thread, at some cost to the producer; what follows within the pause
 * does not. */
static void sleep_until_due(struct writer *writer)
{
	int left_ms = time_left_ms(writer, clock_monotonic_ns());

	if (left_ms > GATHER_MS) {
		queue_wait(&writer->queue, left_ms);
		left_ms = queue_length(&writer->queue) ? GATHER_MS : 0;
	}
	if (left_ms > 0 && !atomic_load(&writer->is_stopping))
		queue_nap(&writer->queue, left_ms);
}

static void *run(void *arg)
{
	struct writer *writer = arg;

	writer->io_fd = open("/proc/thread-self/io", O_RDONLY | O_CLOEXEC);
	while (!atomic_load(&writer->is_stopping)) {
		uint64_t now_ns;

		sleep_until_due(writer);
		take_queued(writer);
		now_ns = clock_monotonic_ns();
		if (next_commit_ns(writer) <= now_ns)
			commit(writer);
		else if (writer->retention_ns <= now_ns)
			forget_old(writer);
	}
	take_queued(writer);
	if (commit(writer))
		log_err("database '%s': %llu bytes of changes are lost", writer->store->path,
			(unsigned long long)batch_bytes(writer->batch));
	close_fd(&writer->io_fd);
	return NULL;
}

static void free_writer(struct writer *writer)
{
	queue_done(&writer->queue);
	batch_destroy(&writer->batch);
	free(writer);
}

static int make(struct writer **out, struct store *store, uint32_t queue_max)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return -ENOMEM;
	writer->store = store;
	writer->due_ns = UINT64_MAX;
	writer->io_fd = -1;
	writer->retention_ns = clock_monotonic_ns() + 60 * NS_PER_S;
	r = batch_create(&writer->batch, BATCH_BYTES_MAX);
	if (!r)
		r = queue_init(&writer->queue, queue_max);
	if (r) {
		batch_destroy(&writer->batch);
		free(writer);
		return r;
	}
	*out = writer;
	return 0;
}

int writer_create(struct writer **out, struct store *store, uint32_t queue_max)
{
	struct writer *writer;
	sigset_t all, before;
	int r = make(&writer, store, queue_max);

	if (r)
		return r;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the main thread */
	r = -pthread_create(&writer->thread, NULL, run, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		free_writer(writer);
		return r;
	}
	pthread_setname_np(writer->thread, "writer");
	*out = writer;
	return 0;
}

int writer_create_inline(struct writer **out, struct store *store)
{
	int r = make(out, store, 1);

	if (!r)
		(*out)->is_inline = true;
	return r;
}

void writer_destroy(struct writer **writer_ptr)
{
	struct writer *writer = TAKE(*writer_ptr);

	if (!writer)
		return;
	if (writer->is_inline) {
		commit(writer);
	} else {
		atomic_store(&writer->is_stopping, true);
		queue_wake(&writer->queue);
		pthread_join(writer->thread, NULL);
	}
	free_writer(writer);
}

void writer_add_tap(struct writer *writer, writer_tap_fn *tap, void *arg)
{
	if (writer->n_taps < WRITER_TAPS_MAX)
		writer->taps[writer->n_taps++] = (struct tap){tap, arg};
}

void writer_set_redact(struct writer *writer, struct redact *redact)
{
	writer->redact = redact;
}

void writer_counters(const struct writer *writer, struct writer_counters *out)
{
	*out = (struct writer_counters){
		.queued = queue_length(&writer->queue),
		.queue_max = writer->queue.max,
		.written_total = atomic_load(&writer->written),
		.shed_total = atomic_load(&writer->shed),
		.shed_first_total = atomic_load(&writer->shed_first),
		.errors_total = atomic_load(&writer->errors),
		.last_commit_ns = atomic_load(&writer->last_commit_ns),
		.last_checkpoint_ns = atomic_load(&writer->last_checkpoint_ns),
		.bytes_written_total = atomic_load(&writer->bytes_written),
		.waiting_bytes = atomic_load(&writer->waiting_bytes),
		.is_failing = atomic_load(&writer->is_failing),
		.events_written_total = atomic_load(&writer->events_written),
		.events_shed_total = atomic_load(&writer->events_shed),
		.events_forgotten_total = atomic_load(&writer->events_forgotten),
		.event_bytes = atomic_load(&writer->event_bytes),
	};
}
