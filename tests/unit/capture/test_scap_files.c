/* Capture files as such: cut anywhere, packed, put together, damaged; and the real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "capture/scap.h"
#include "tests/unit/capture/scap_bytes.h"

static struct scap_bytes b;

/* What reading came to. */
struct outcome {
	int error; /* 0: the good end */
	unsigned n_state, n_hosts, n_events;
	uint64_t last_num, offset;
	bool is_refused; /* not even opened */
	char message[DIAG_MESSAGE_MAX];
};

static struct outcome read_files(const char *const *names, size_t n)
{
	struct outcome out = {0};
	struct source *source = NULL;
	struct diag diag = {0};
	const struct event *ev;

	out.error = scap_source_create(&source, names, n, &diag);
	if (out.error) {
		out.is_refused = true;
		snprintf(out.message, sizeof(out.message), "%s", diag.message);
		return out;
	}
	while ((out.error = source_next(source, &ev)) > 0) {
		out.n_hosts += ev->host != NULL;
		out.n_state += ev->num == 0;
		out.n_events += ev->num != 0;
		out.last_num = ev->num;
	}
	if (out.error) {
		assert_int_equal(source_next(source, &ev), out.error); /* for good */
		out.offset = scap_source_error_offset(source);
		snprintf(out.message, sizeof(out.message), "%s", scap_source_diag(source)->message);
		assert_string_equal(scap_source_diag(source)->file, names[n - 1]);
	}
	source_destroy(&source);
	return out;
}

static struct outcome read_bytes(const void *bytes, size_t len)
{
	const char *name = bytes_file(bytes, len);

	return read_files(&name, 1);
}

/* A section with a process, a descriptor and some events; where each block ends. */
static unsigned put_small(uint32_t ends[16])
{
	unsigned n = 0;

	bytes_section(&b);
	ends[n++] = b.len;
	bytes_block(&b, 0x202);
	bytes_u64(&b, 42);
	bytes_u64(&b, 42);
	bytes_u64(&b, 1);
	for (int i = 0; i < 4; i++)
		bytes_text(&b, "/x");
	bytes_zero(&b, 20);
	bytes_block_end(&b);
	ends[n++] = b.len;
	bytes_block(&b, 0x203);
	bytes_u64(&b, 42);
	bytes_u64(&b, 0);
	bytes_u64(&b, 1);
	bytes_u8(&b, 1);
	bytes_text(&b, "/dev/null");
	bytes_block_end(&b);
	ends[n++] = b.len;
	bytes_event_now(&b, 6, 42, VALUES(value_of(0, 8), value_of(10, 4)));
	ends[n++] = b.len;
	bytes_event_now(&b, 7, 42, VALUES(value_of(2, 8), ((struct text){"ab", 2})));
	ends[n++] = b.len;
	bytes_event_now(&b, 186, 42, VALUES(value_of(0, 8)));
	ends[n++] = b.len;
	return n;
}

/* What a file cut after so many bytes must give. */
static void check_cut(const struct outcome *out, uint32_t cut, const uint32_t *ends, unsigned n)
{
	unsigned whole = 0;
	bool is_end;

	while (whole < n && ends[whole] <= cut)
		whole++;
	is_end = cut == (whole ? ends[whole - 1] : 0);
	if (!whole) {
		assert_true(out->is_refused);
		assert_int_equal(out->error, -EBADMSG);
		assert_true(out->message[0] != '\0');
		return;
	}
	assert_int_equal(out->n_hosts, 1);
	assert_int_equal(out->n_state, MIN(whole, 3u));
	assert_int_equal(out->n_events, whole > 4 ? whole - 4 : 0);
	if (is_end) {
		assert_int_equal(out->error, 0);
		return;
	}
	assert_int_equal(out->error, -EBADMSG);
	assert_int_equal(out->offset, ends[whole - 1]);
	assert_non_null(strstr(out->message, "the file ends"));
}

static void cut_at_every_byte(void **state)
{
	uint32_t ends[16];
	unsigned n;

	(void)state;
	b.len = 0;
	n = put_small(ends);
	for (uint32_t cut = 0; cut <= b.len; cut++) {
		struct outcome out = read_bytes(b.at, cut);

		check_cut(&out, cut, ends, n);
	}
}

static void packed(void **state)
{
	uint32_t ends[16];
	unsigned n;

	(void)state;
	b.len = 0;
	n = put_small(ends);
	for (size_t members = 1; members <= 5; members++) {
		const char *name = bytes_gzip_file(b.at, b.len, members);
		struct outcome out = read_files(&name, 1);

		check_cut(&out, b.len, ends, n);
	}
}

/* A packed file that was cut is never taken for a whole one. */
static void packed_and_cut(void **state)
{
	static uint8_t whole[4096];
	uint32_t ends[16];
	size_t len;
	FILE *file;

	(void)state;
	b.len = 0;
	put_small(ends);
	file = fopen(bytes_gzip_file(b.at, b.len, 1), "re");
	assert_non_null(file);
	len = fread(whole, 1, sizeof(whole), file);
	fclose(file);
	assert_true(len > 100 && len < sizeof(whole));
	for (size_t cut = 1; cut < len; cut++) {
		struct outcome out = read_bytes(whole, cut);

		if (out.error == 0)
			fail_msg("%zu of %zu bytes read as a whole file", cut, len);
		assert_true(out.message[0] != '\0');
	}
	whole[len / 2] ^= 0x55;
	assert_int_equal(read_bytes(whole, len).error, -EBADMSG);
}

/* Sections one after the other, in a file or in several: each begins anew. */
static void put_together(void **state)
{
	const char *names[3];
	struct outcome out;
	uint32_t ends[16];
	char copy[] = "/tmp/ethogram-scap-second-XXXXXX";
	int fd;

	(void)state;
	b.len = 0;
	put_small(ends);
	put_small(ends);
	out = read_bytes(b.at, b.len);
	assert_int_equal(out.error, 0);
	assert_int_equal(out.n_hosts, 2);
	assert_int_equal(out.n_state, 6);
	assert_int_equal(out.n_events, 4);
	assert_int_equal(out.last_num, 6);
	fd = mkstemp(copy);
	assert_int_equal(write(fd, b.at, b.len), b.len);
	close(fd);
	names[0] = copy;
	names[1] = copy;
	names[2] = bytes_file(b.at, b.len - 1);
	out = read_files(names, 3);
	unlink(copy);
	assert_int_equal(out.error, -EBADMSG); /* the last one */
	assert_int_equal(out.n_hosts, 6);
	assert_int_equal(out.n_events, 11);
}

/* Between files the position begins anew; the file is told. */
static void positions_are_of_their_file(void **state)
{
	struct source *source = NULL;
	const struct event *ev;
	const char *names[2];
	uint32_t ends[16];

	(void)state;
	b.len = 0;
	put_small(ends);
	names[0] = names[1] = bytes_file(b.at, b.len);
	assert_int_equal(scap_source_create(&source, names, 2, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		ev = next_state(source);
		assert_int_equal(scap_source_position(source), 0);
		ev = next_event(source);
		assert_int_equal(scap_source_file(source), i);
		assert_int_equal(scap_source_position(source), 2);
		ev = next_event(source);
		assert_int_equal(scap_source_position(source), 3);
		assert_int_equal(ev->num, 3);
	}
	assert_null(next_event(source));
	source_destroy(&source);
}

/* Threads of one section are nobody in the next. */
static void sections_share_nothing(void **state)
{
	struct source *source;
	uint32_t ends[16];

	(void)state;
	b.len = 0;
	put_small(ends);
	bytes_event_now(&b, 4, 42, VALUES(value_of(9, 8))); /* enters close, and no more */
	bytes_section(&b);
	bytes_event_now(&b, 5, 42, VALUES(value_of(0, 8)));
	source = bytes_open(&b);
	next_event(source);
	next_event(source);
	assert_null(event_param(next_event(source), CLOSE_fd));
	source_destroy(&source);
}

/* What was there before is told by events too, ahead of all others; later ones are news. */
static void containers_and_users_of_before(void **state)
{
	static const uint16_t types[] = {272, 354, 358, 324, 186, 354};
	struct source *source;

	(void)state;
	b.len = 0;
	bytes_section(&b);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		bytes_event(&b, (struct event_form){.block = 0x216, .type = types[i], .tid = 42},
			    VALUES(value_of(0, 4)));
	source = bytes_open(&b);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct event *ev = next_event(source);

		assert_int_equal(!!(ev->quality & EVENT_STATE_ONLY), i < 4);
	}
	source_destroy(&source);
}

static void put_header(uint32_t magic, uint16_t major, uint16_t minor)
{
	bytes_block(&b, 0x0a0d0d0a);
	bytes_u32(&b, magic);
	bytes_u16(&b, major);
	bytes_u16(&b, minor);
	bytes_u64(&b, UINT64_MAX);
}

static void headers(void **state)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		const char *why; /* NULL: read */
	} rows[] = {
		{0x1a2b3c4d, 1, 0, NULL},      {0x1a2b3c4d, 1, 99, NULL},
		{0x1a2b3c4d, 2, 0, "version"}, {0x4d3c2b1a, 1, 2, "byte order"},
		{0, 1, 2, "byte order"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outcome out;

		b.len = 0;
		put_header(rows[i].magic, rows[i].major, rows[i].minor);
		bytes_u16(&b, 1); /* a comment, as editors of such files leave it */
		bytes_u16(&b, 5);
		bytes_raw(&b, "hello\0\0\0", 8);
		bytes_u32(&b, 0);
		bytes_block_end(&b);
		bytes_event_now(&b, 186, 42, NULL, 0);
		out = read_bytes(b.at, b.len);
		assert_int_equal(out.error, rows[i].why ? -EBADMSG : 0);
		assert_int_equal(out.n_events, rows[i].why ? 0 : 1);
		if (rows[i].why)
			assert_non_null(strstr(out.message, rows[i].why));
	}
}

static void what_is_no_capture(void **state)
{
	static const char *const contents[] = {"", "#!/bin/sh\necho this is a program\n",
					       "\n\r\r\n", "\x1f\x8b nearly gzip"};
	const char *name = "/nowhere/at/all.scap";
	struct outcome out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		out = read_bytes(contents[i], strlen(contents[i]));
		assert_true(out.is_refused);
		assert_int_equal(out.error, -EBADMSG);
		assert_true(out.message[0] != '\0');
	}
	out = read_files(&name, 1);
	assert_int_equal(out.error, -ENOENT);
	assert_non_null(strstr(out.message, "No such file"));
	assert_int_equal(read_files(&name, 0).error, -EINVAL);
}

/* State after events needs a section of its own; unknown blocks before them are passed over. */
static void blocks_out_of_place(void **state)
{
	struct outcome out;
	uint32_t ends[16], at;
	unsigned n;

	(void)state;
	b.len = 0;
	n = put_small(ends);
	at = b.len;
	bytes_block(&b, 0x220);
	bytes_block_end(&b);
	out = read_bytes(b.at, b.len);
	assert_int_equal(out.error, -EBADMSG);
	assert_int_equal(out.offset, at);
	assert_int_equal(out.n_events, n - 4);
	b.len = 0;
	bytes_section(&b);
	bytes_block(&b, 0x7777);
	bytes_u64(&b, 1);
	bytes_block_end(&b);
	bytes_event_now(&b, 186, 42, NULL, 0);
	out = read_bytes(b.at, b.len);
	assert_int_equal(out.error, 0);
	assert_int_equal(out.n_events, 1);
}

/* The second length of a state block must agree; that of an event is counted only. */
static void second_lengths(void **state)
{
	uint32_t ends[16];
	unsigned n;

	(void)state;
	for (unsigned i = 1; i < 6; i++) {
		struct outcome out;

		b.len = 0;
		n = put_small(ends);
		b.at[ends[i] - 4] ^= 4;
		out = read_bytes(b.at, b.len);
		if (i < 3) {
			assert_int_equal(out.error, -EBADMSG);
			assert_int_equal(out.offset, ends[i - 1]);
			assert_int_equal(out.n_state, i);
		} else {
			assert_int_equal(out.error, 0);
			assert_int_equal(out.n_events, n - 4);
		}
	}
}

/* Every length of the small capture, made absurd: never more than was there, and a clear end. */
static void lengths_that_lie(void **state)
{
	static const uint32_t lies[] = {0, 1, 11, 13, 4096, 0x10000000, 0x10000001, UINT32_MAX};
	uint32_t ends[16];

	(void)state;
	b.len = 0;
	put_small(ends);
	for (uint32_t at = 0; at + 4 <= b.len; at++) {
		for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
			uint32_t before;
			struct outcome out;

			memcpy(&before, b.at + at, sizeof(before));
			memcpy(b.at + at, &lies[i], sizeof(lies[i]));
			out = read_bytes(b.at, b.len);
			assert_true(out.error == 0 || out.error == -EBADMSG);
			assert_true(out.error == 0 || out.message[0] != '\0');
			assert_true(out.n_events <= 3); /* an enter may become an exit */
			memcpy(b.at + at, &before, sizeof(before));
		}
	}
}

/* What an independent reader counted in the captures of the collection. */
static const struct {
	const char *name;
	uint32_t blocks, processes, descriptors;
} captures[] = {
	{"falco_cat_write", 345, 73, 384},
	{"falco_connect_localhost", 374, 184, 690},
	{"falco_empty", 143, 218, 883},
	{"falco_empty_v2", 83, 103, 373},
	{"falco_open-multiple-files", 1272, 128, 685},
	{"falco_ping_sendto", 1526, 136, 674},
	{"falco_psp_privileged", 2059, 100, 644},
	{"falco_psp_run_as_user_0_container", 4143, 124, 693},
	{"falco_psp_run_as_user_65534_container", 241, 126, 700},
	{"falco_psp_write_tmp_test", 229, 124, 693},
	{"falco_syscall", 368, 229, 773},
	{"libs_curl_google", 1536, 54, 316},
	{"libs_curl_google_comments", 1536, 54, 316},
	{"libs_sample", 572, 94, 515},
	{"libs_single_ipv6_conn", 1728, 154, 564},
	{"libs_test_ipv6_client", 326, 58, 333},
	{"sf_alpine_alpine", 8840, 503, 719},
	{"sf_client-server_tcp-client-server", 2302, 131, 628},
	{"sf_files_files", 2186, 201, 1019},
	{"sf_files_filesat", 1697, 201, 1019},
	{"sf_mpm-event_cold_start_capture", 3507, 303, 1150},
	{"sf_namespaces_setns", 9947, 214, 1121},
	{"sf_rename_rename", 4525, 356, 969},
	{"sf_rename_rename2at", 2253, 136, 732},
	{"sf_setuid_setuid", 1973, 201, 1019},
};

static void check_capture(size_t at, const char *path)
{
	uint32_t processes = 0, descriptors = 0, events = 0;
	struct source *source = NULL;
	struct scap_counters counters;
	const struct event *ev;
	struct diag diag = {0};
	int r = scap_source_create(&source, &path, 1, &diag);

	if (r)
		fail_msg("%s: %s", path, diag.message);
	while ((r = source_next(source, &ev)) > 0) {
		events += ev->num != 0;
		processes += ev->num == 0 && ev->task;
		descriptors += ev->file || (ev->num == 0 && ev->sock);
		assert_true(ev->num == 0 || event_info(ev->type)->n_params == ev->n_params);
	}
	if (r)
		fail_msg("%s: %s", path, scap_source_diag(source)->message);
	scap_source_counters(source, &counters);
	source_destroy(&source);
	assert_int_equal(counters.blocks, captures[at].blocks);
	assert_int_equal(counters.blocks, events + counters.enters + counters.unknown_total);
	assert_int_equal(processes, captures[at].processes);
	assert_int_equal(descriptors, captures[at].descriptors);
	assert_int_equal(counters.enters_lost, 0);
	assert_int_equal(counters.trailers_wrong, 0);
	assert_int_equal(counters.skipped_blocks, 0);
}

static void real_captures(void **state)
{
	const char *folder = getenv("TEST_CAPTURES");
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; folder && i < ARRAY_SIZE(captures); i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s.scap", folder, captures[i].name);
		if (access(path, R_OK))
			continue;
		check_capture(i, path);
		n++;
	}
	if (!n)
		printf("# the collection of captures is not here: SKIPPED\n");
	if (!n)
		skip();
	assert_int_equal(n, ARRAY_SIZE(captures)); /* all of them or none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(packed),
		cmocka_unit_test(packed_and_cut),
		cmocka_unit_test(put_together),
		cmocka_unit_test(positions_are_of_their_file),
		cmocka_unit_test(sections_share_nothing),
		cmocka_unit_test(containers_and_users_of_before),
		cmocka_unit_test(headers),
		cmocka_unit_test(what_is_no_capture),
		cmocka_unit_test(blocks_out_of_place),
		cmocka_unit_test(second_lengths),
		cmocka_unit_test(lengths_that_lie),
		cmocka_unit_test(real_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
