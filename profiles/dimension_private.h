/* How a dimension is held in memory: filled by dimension_yaml.c, used by dimension.c. */
#pragma once

#include "profiles/dimension.h"
#include "profiles/key_source.h"

#define SOURCES_MAX 64      /* different values that one dimension's keys are made of */
#define CASES_MAX 64        /* events with a value of their own in one part */
#define PARTS_MAX 4         /* of one key field, joined by '/' */
#define RESULTS_MAX 16      /* error numbers that count */
#define FIELD_TEXT_MAX 1000 /* bytes of a key field; longer is cut and marked with its hash */

enum transform {
	TRANSFORM_NONE,
	TRANSFORM_DIRECTORY, /* argument: how many levels, 0 all */
	TRANSFORM_NAME,
	TRANSFORM_ARG_SHAPE,
	TRANSFORM_IP_CLASS,
	TRANSFORM_IP_NET,
	TRANSFORM_PORT,
	TRANSFORM_PORT_CLASS,
};

/* A value taken from the event once, however many parts use it. */
struct source {
	key_source_fn *own;   /* else expr */
	struct text argument; /* for own */
	struct expr *expr;
	bool is_templated; /* through path_template() */
	struct text text;  /* as written */
};

/* event: the type, or ANY_EVENT. */
#define ANY_EVENT EVENT_TYPE_END

struct part_case {
	uint16_t event, syscall; /* syscall: for EVENT_GENERIC */
	uint8_t source;
};

struct part {
	struct part_case cases[CASES_MAX];
	uint32_t n_cases;
	enum transform transform;
	uint32_t argument;
	bool has_absent;
	struct text absent; /* stands for a value that is not there */
};

struct key_field {
	struct text name;
	struct part parts[PARTS_MAX];
	uint32_t n_parts;
};

enum access { ACCESS_ANY, ACCESS_READ, ACCESS_WRITE };

struct dimension {
	struct dimension_info info;
	struct event_set events;
	bool success, failure; /* results that count... */
	int32_t errors[RESULTS_MAX];
	uint32_t n_errors; /* ...and these, besides */
	enum access access;
	struct text filter_text;
	struct filter *filter; /* NULL: none */
	struct source sources[SOURCES_MAX];
	uint32_t n_sources;
	struct key_field fields[RECORD_LEVELS_MAX];
	uint32_t n_fields;
	uint32_t min_fields; /* fewer are no observation */
};

struct dimension_set {
	struct dimension *dimensions[DIMENSIONS_MAX];
	uint32_t n;
	struct event_set events;
	uint64_t by_type[EVENT_TYPE_END];
	uint64_t by_syscall[SYSCALL_SET_WORDS * 64];
	char **strings; /* what texts point to */
	uint32_t n_strings;
};

void dimension_destroy(struct dimension **dimension);

/* A NUL-terminated copy that lives as long as the set. Empty without memory. */
struct text dimension_set_text(struct dimension_set *set, struct text t);

/* Hash of what decides keys. */
uint64_t dimension_hash(const struct dimension *dimension);

/* Build events, by_type and by_syscall from the dimensions. */
void dimension_set_index(struct dimension_set *set);
