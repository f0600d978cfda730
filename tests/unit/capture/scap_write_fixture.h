/* A writer on a scratch file, and what the tests of its two halves ask of the file. */
#pragma once

#include "capture/scap_write.h"
#include "scap_read_back.h"
#include "tests/lib/events.h"

struct write_fixture {
	char path[64];
	struct scap_writer *writer;
	struct event_maker maker;
	struct read_back file;
	struct test_task shell;
};

int write_setup(void **state);
int write_teardown(void **state);

/* End the file and take it apart. */
void write_load(struct write_fixture *f);
/* The body of a block; fails the test when there is none. */
const uint8_t *write_body(const struct write_fixture *f, int block);

/* A u16 length and a text at *at, which moves behind it. */
void want_text(const uint8_t **at, const char *want);
/* A parameter's bytes; those of a text, with its NUL. */
void want_param(const struct read_back_event *event, uint32_t i, const void *want, uint32_t len);
void want_string(const struct read_back_event *event, uint32_t i, const char *want);
