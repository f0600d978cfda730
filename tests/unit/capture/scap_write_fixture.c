#include "scap_write_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"

static const char *const shell_args[] = {"-c", "true", NULL};
static const char *const shell_env[] = {"HOME=/root", NULL};

int write_setup(void **state)
{
	struct write_fixture *f = calloc(1, sizeof(*f));
	int fd;

	strcpy(f->path, "/tmp/test_scap_write.XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	event_maker_init(&f->maker, 100);
	f->shell = (struct test_task){.pid = 1000,
				      .ppid = 1,
				      .exepath = "/usr/bin/dash",
				      .exe = "sh",
				      .comm = "sh",
				      .args = shell_args,
				      .env = shell_env,
				      .cwd = "/tmp",
				      .uid = 1000,
				      .gid = 100,
				      .loginuid = 1000,
				      .sid = 900,
				      .pgid = 950,
				      .tty = 34816};
	assert_int_equal(scap_writer_create(&f->writer, f->path), 0);
	*state = f;
	return 0;
}

int write_teardown(void **state)
{
	struct write_fixture *f = *state;

	scap_writer_destroy(&f->writer);
	read_back_done(&f->file);
	unlink(f->path);
	free(f);
	return 0;
}

void write_load(struct write_fixture *f)
{
	assert_int_equal(scap_writer_close(f->writer, f->maker.now_ns), 0);
	read_back_load(&f->file, f->path);
}

const uint8_t *write_body(const struct write_fixture *f, int block)
{
	assert_true(block >= 0);
	return f->file.data + f->file.blocks[block].body;
}

void want_text(const uint8_t **at, const char *want)
{
	uint16_t len = read_back_u16(*at);

	if (len != strlen(want) || memcmp(*at + 2, want, len) != 0)
		fail_msg("got '%.*s', want '%s'", len, (const char *)*at + 2, want);
	*at += 2 + len;
}

void want_param(const struct read_back_event *event, uint32_t i, const void *want, uint32_t len)
{
	assert_true(i < event->n_params);
	if (event->params[i].len != len || memcmp(event->params[i].ptr, want, len) != 0)
		fail_msg("parameter %u of type %u: got %u bytes '%.*s'", i, event->type,
			 event->params[i].len, (int)event->params[i].len, event->params[i].ptr);
}

void want_string(const struct read_back_event *event, uint32_t i, const char *want)
{
	want_param(event, i, want, (uint32_t)strlen(want) + 1);
}
