/* Live tests as tables: a row is a call made by number, so that the C library cannot choose another
 * one, and what its event must hold. */
#pragma once

#include "tests/live/live.h"

enum want_kind {
	WANT_END,
	WANT_NUMBER,
	WANT_TEXT,
	WANT_BYTES, /* a value of a parameter with alternatives: number is its length */
	WANT_ABSENT,
	WANT_DIRFD,    /* the test folder's descriptor */
	WANT_RESULT,   /* what the call returned */
	WANT_POSITIVE, /* more than 0 */
	WANT_CHILD,    /* the calling process */
};

struct want {
	enum want_kind kind;
	const char *param;
	int64_t number;
	const char *text;
};

/* clang-format off */
#define N(param, number) {WANT_NUMBER, param, number, NULL}
#define T(param, text) {WANT_TEXT, param, 0, text}
#define BYTES(param, bytes) {WANT_BYTES, param, sizeof(bytes) - 1, bytes}
#define ABSENT(param) {WANT_ABSENT, param, 0, NULL}
#define DIRFD(param) {WANT_DIRFD, param, 0, NULL}
#define IS_RESULT(param) {WANT_RESULT, param, 0, NULL}
#define POSITIVE(param) {WANT_POSITIVE, param, 0, NULL}
#define CHILD(param) {WANT_CHILD, param, 0, NULL}
/* clang-format on */

/* Stand for values in arguments that only the child knows. */
#define DIR (-1000)      /* the folder's descriptor */
#define SELF (-1001)     /* its process id */
#define LAST_FD (-1002)  /* what the last NEW_FD row returned */
#define LAST_RES (-1003) /* what the last NEW_ANY row returned */

#define NEW_FD 1000  /* any descriptor */
#define NEW_ANY 1001 /* anything but an error: an address, an id */

#define P(pointer) ((long)(pointer))

struct row {
	const char *name;
	long nr;
	enum event_type type;
	long args[6];
	long res; /* what the call must return; NEW_FD, NEW_ANY */
	struct want wants[18];
	const char *path; /* of the event's file; relative to the folder, or as it is
			   * behind a "="; NULL: not looked at */
	long or_res;      /* not 0: a machine may refuse the call with this error; then only the
			   * parameters that are arguments hold, and the row is not looked at */
};

struct plan {
	const struct row *rows;
	size_t n;
	char folder[64];
	int dirfd;             /* the same number in parent and child: opened before the fork */
	void (*prepare)(void); /* in the child, in its folder; may be NULL */
	uint32_t n_before[EVENT_TYPE_END]; /* events of a type that `prepare` makes */
};

/* Make the folder. */
void plan_begin(struct plan *plan);
void plan_end(struct plan *plan);

/* Make all calls in a child and check all events. Fails the test that calls it. */
void plan_run(struct live_test *t, struct plan *plan);

/* The rows in a folder of their own. */
void table_run(struct live_test *t, const struct row *rows, size_t n, void (*prepare)(void));
