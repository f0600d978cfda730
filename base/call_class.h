/* Classes of returned system calls: what the kernel can tell of one before it has done any work
 * for it, namely how it ended and, for opens, what for. Rules and dimensions say which classes they
 * can use (filter/possible.h); the others are dropped where they arise. Read by BPF programs, too:
 * nothing else may be included.
 *
 * A class is a number below CALL_CLASS_END: outcome * CALL_DETAIL_END + detail. Sets of classes are
 * words with bit 1 << class. */
#pragma once

enum call_outcome {
	CALL_SUCCEEDED,
	CALL_DENIED,      /* EACCES, EPERM */
	CALL_IN_PROGRESS, /* EINPROGRESS */
	CALL_FAILED,      /* any other error */
	CALL_OUTCOME_END,
};

/* Of opens; of all other calls it is 0. */
enum call_detail {
	CALL_READS = 1 << 0,   /* the access mode allows reading */
	CALL_WRITES = 1 << 1,  /* ... writing */
	CALL_CREATES = 1 << 2, /* O_CREAT or __O_TMPFILE is set: it may make a file */
	CALL_DETAIL_END = 8,
};

#define CALL_CLASS_END (CALL_OUTCOME_END * CALL_DETAIL_END)
#define CALL_CLASSES_ALL 0xffffffffu

/* All classes of an outcome. */
#define CALL_CLASSES(outcome) (((1u << CALL_DETAIL_END) - 1) << ((outcome)*CALL_DETAIL_END))

#define CALL_EPERM 1
#define CALL_EACCES 13
#define CALL_EINPROGRESS 115
#define CALL_O_CREAT 0100u
#define CALL_O_TMPFILE 020000000u /* without O_DIRECTORY, which goes with it */

static inline __attribute__((always_inline)) unsigned int call_outcome(long long res)
{
	if (res >= 0)
		return CALL_SUCCEEDED;
	if (res == -CALL_EACCES || res == -CALL_EPERM)
		return CALL_DENIED;
	return res == -CALL_EINPROGRESS ? CALL_IN_PROGRESS : CALL_FAILED;
}

/* Of an open with these flags, as the call takes them: access modes 0, 1, 2 are reading, writing,
 * both; 3 is neither. */
static inline __attribute__((always_inline)) unsigned int call_detail_of_open(unsigned int flags)
{
	unsigned int detail = ((flags & 3) + 1) & 3;

	return flags & (CALL_O_CREAT | CALL_O_TMPFILE) ? detail | CALL_CREATES : detail;
}

static inline __attribute__((always_inline)) unsigned int call_class(long long res,
								     unsigned int detail)
{
	return call_outcome(res) * CALL_DETAIL_END + detail;
}
