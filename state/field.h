/* Filter fields: one definition per field, used by rules, profiles, output formats and the API.
 *
 * A field set is a list of tables; state/ owns the table of evt.*, proc.*, fd.*, ... and anomaly/
 * adds anomaly.*, workload.* and incident.*. A field's extractor reads one event in its context.
 * Values are valid until the context's arena is reset (once an event). Pipeline thread only,
 * except look-ups, which any thread may do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/event.h"
#include "base/text.h"

struct eval_cache;
struct state;
struct subject;
struct score;
struct record_incident;
struct rule_memory;
struct rule_match;
struct behavior_counts;

enum value_type {
	VALUE_INT8,
	VALUE_INT16,
	VALUE_INT32,
	VALUE_INT64,
	VALUE_UINT8,
	VALUE_UINT16,
	VALUE_UINT32,
	VALUE_UINT64,
	VALUE_FLAGS32, /* and other flag widths: unsigned */
	VALUE_MODE,
	VALUE_FD,
	VALUE_PID,
	VALUE_ERRNO,
	VALUE_PORT,
	VALUE_RELTIME, /* ns */
	VALUE_ABSTIME, /* ns since the epoch */
	VALUE_DOUBLE,
	VALUE_BOOL,
	VALUE_UID,
	VALUE_GID,
	VALUE_CHARBUF,
	VALUE_FSPATH,
	VALUE_FSRELPATH,
	VALUE_BYTEBUF,
	VALUE_IPADDR,
	VALUE_IPNET,
	VALUE_SOCKADDR,
	VALUE_SOCKTUPLE,
	VALUE_DYNAMIC, /* evt.rawarg: decided per event */
	VALUE_TYPE_END,
};

/* "charbuf", "uint64", ...; and back, -1 if unknown. */
const char *value_type_name(enum value_type type);
int value_type_by_name(struct text name);

/* Values whose member of struct value is .text. */
static inline bool value_type_is_text(enum value_type type)
{
	return type == VALUE_CHARBUF || type == VALUE_FSPATH || type == VALUE_FSRELPATH ||
	       type == VALUE_BYTEBUF || type == VALUE_SOCKADDR || type == VALUE_SOCKTUPLE;
}

/* Whose member is .i64. */
static inline bool value_type_is_signed(enum value_type type)
{
	return type <= VALUE_INT64 || type == VALUE_FD || type == VALUE_PID || type == VALUE_ERRNO;
}

struct ip_value {
	uint8_t bytes[16]; /* network order; v4 in the first four */
	uint8_t family;    /* AF_INET, AF_INET6 */
	uint8_t prefix;    /* IPNET: bits */
};

struct value {
	union {
		int64_t i64;  /* signed integers, FD, PID, ERRNO */
		uint64_t u64; /* unsigned integers, flags, PORT, times, BOOL (0, 1), UID, GID */
		double f64;
		struct text text; /* CHARBUF, FSPATH, FSRELPATH, BYTEBUF, SOCKADDR, SOCKTUPLE */
		struct ip_value ip;
	};
	enum value_type type; /* never VALUE_DYNAMIC */
	bool is_hex;          /* prints in upper-case hex, whatever its field does */
};

/* What an extractor yields: n values (1 unless the field is a list; a list may have 0). */
struct values {
	const struct value *items;
	uint32_t n;
};

struct field_context {
	const struct event *event;
	const struct subject *subject;
	const struct state *state;
	const struct score *score;              /* NULL before scoring */
	const struct record_incident *incident; /* events of source "ethogram" */
	struct rule_memory *memory;             /* of rules; NULL: they remember nothing */
	struct behavior_counts *counts;         /* NULL: none are configured */
	const struct rule_match *match;         /* the alert that is made; NULL: none is */
	struct arena *arena;                    /* for made-up values */
	uint64_t first_event_ns;                /* for evt.reltime */
	struct eval_cache *cache;               /* of filters evaluated together; NULL: none */
};

/* The argument in brackets or behind the dot. */
struct field_arg {
	bool is_given;
	bool is_index; /* text is a decimal number, in .index */
	int64_t index;
	struct text text;  /* borrowed from the compiled filter */
	intptr_t prepared; /* what check_arg made of it */
};

enum field_flag {
	FIELD_LIST = 1 << 0,
	FIELD_FILTER_ONLY = 1 << 1, /* absent when printed */
	FIELD_OUTPUT_ONLY = 1 << 2,
	FIELD_DEPRECATED = 1 << 3,
	FIELD_NO_TRANSFORMER = 1 << 4,
	FIELD_NO_FIELD_TO_FIELD = 1 << 5,
	FIELD_SUGGESTED_OUTPUT = 1 << 6,
	FIELD_ARG_REQUIRED = 1 << 7,
	FIELD_ARG_ALLOWED = 1 << 8,
	FIELD_ARG_INDEX = 1 << 9, /* a number in brackets */
	FIELD_ARG_KEY = 1 << 10,  /* text in brackets */
	FIELD_ARG_DOT = 1 << 11,  /* the argument stands behind a dot: evt.arg.flags */
	FIELD_HEX = 1 << 12,      /* prints in upper-case hex */
	FIELD_PADDED = 1 << 13,   /* prints as nine digits */
	FIELD_OCTAL = 1 << 14,
	/* Compared in its own way (language.md 2.10), see enum field_compare. */
	FIELD_ANY_ANCESTOR = 1 << 15, /* without argument: true if any ancestor satisfies */
	FIELD_EITHER_END = 1 << 16,   /* fd.ip, fd.port, fd.net: = either end, != both ends */
	/* Depends on nothing but the process (until its generation changes), the thread's name and,
	 * the second, its ancestors (until the lineage epoch changes): what it decides can be kept.
	 */
	FIELD_PER_PROCESS = 1 << 17,
	FIELD_UNAVAILABLE = 1 << 18, /* loads, never has a value here */
	FIELD_PER_LINEAGE = 1 << 19,
	/* Of opens, depends on nothing but what open_digest() covers. */
	FIELD_OF_OPEN = 1 << 20,
};

struct field;

/* Yield the field's values. False: absent. */
typedef bool field_extract_fn(const struct field_context *ctx, const struct field *field,
			      const struct field_arg *arg, struct values *out);

/* Check and prepare an argument at compile time: 0, or -EINVAL (then the field does not exist). */
typedef int field_check_arg_fn(const struct field *field, struct field_arg *arg);

struct field {
	const char *name;
	enum value_type type;
	uint32_t flags; /* enum field_flag */
	field_extract_fn *extract;
	field_check_arg_fn *check_arg; /* may be NULL */
	const char *description;
	intptr_t variant; /* for extractors that serve several rows */
};

struct field_table {
	const struct field *fields;
	uint32_t n;
};

#define FIELD_TABLES_MAX 6

struct field_set {
	struct field_table tables[FIELD_TABLES_MAX];
	uint32_t n_tables;
};

/* For extractors: one value of the field's type in the context's arena, to be filled in. NULL when
 * the arena is full or missing. */
struct value *field_one_value(const struct field_context *ctx, const struct field *field,
			      struct values *out);

/* Fields of the syscall source that state/ answers. */
struct field_table state_field_table(void);

/* The field that name (which may carry a .argument for FIELD_ARG_DOT fields) denotes; the rest
 * behind the field's own name is given in *dot_arg (empty if none). NULL: no such field. */
const struct field *field_set_find(const struct field_set *set, struct text name,
				   struct text *dot_arg);

/* Fill arg from its text (index detection, check_arg). 0 or -EINVAL. */
int field_arg_prepare(const struct field *field, struct text text, bool is_given,
		      struct field_arg *arg);
