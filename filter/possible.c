#include "filter/possible.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/call_class.h"
#include "base/util.h"
#include "filter/event_sets.h"
#include "filter/filter_private.h"
#include "state/state.h"

/* The event table's flags of opens. */
#define OPEN_FLAG_READ UINT64_C(1)
#define OPEN_FLAG_WRITE UINT64_C(2)
#define OPEN_FLAG_CREAT UINT64_C(4)

#define RESULTS_MAX 96 /* representative results of one class */
#define ERRNO_MAX 4095
#define ARENA_BYTES 8192

/* What a field's value follows from. */
enum basis {
	BASIS_OTHER,    /* more than the class: not known here */
	BASIS_TYPE,     /* the type of the event */
	BASIS_RESULT,   /* and its return value */
	BASIS_ERROR,    /* the return value's name */
	BASIS_ACCESS,   /* the flags of an open */
	BASIS_CREATION, /* whether it made a file, known only where it cannot have */
	BASIS_FD,       /* the descriptor that an open returned */
};

static const struct {
	const char *name;
	enum basis basis;
} known_fields[] = {
	{"evt.type", BASIS_TYPE},
	{"syscall.type", BASIS_TYPE},
	{"evt.dir", BASIS_TYPE},
	{"evt.source", BASIS_TYPE},
	{"evt.is_async", BASIS_TYPE},
	{"evt.is_io", BASIS_TYPE},
	{"evt.is_io_read", BASIS_TYPE},
	{"evt.is_io_write", BASIS_TYPE},
	{"evt.io_dir", BASIS_TYPE},
	{"evt.is_wait", BASIS_TYPE},
	{"evt.count", BASIS_TYPE},
	{"evt.failed", BASIS_RESULT},
	{"evt.rawres", BASIS_RESULT},
	{"evt.count.error", BASIS_RESULT},
	{"evt.res", BASIS_ERROR},
	{"evt.is_open_read", BASIS_ACCESS},
	{"evt.is_open_write", BASIS_ACCESS},
	{"evt.is_open_exec", BASIS_CREATION},
	{"evt.is_open_create", BASIS_CREATION},
	{"fd.num", BASIS_FD},
};

enum truth { FALSE, TRUE, UNKNOWN };

/* One representative of a class. */
struct sample {
	struct field_context ctx;
	struct event ev;
	struct subject subject;
	struct process process;
	struct arena arena;
	uint32_t detail;
};

/* Return values between which no comparison of the filter can tell. */
struct results {
	int64_t items[RESULTS_MAX];
	uint32_t n;
	bool is_full;
};

bool event_type_opens(enum event_type type)
{
	return type == EVENT_OPEN || type == EVENT_OPENAT || type == EVENT_OPENAT2 ||
	       type == EVENT_CREAT || type == EVENT_OPEN_BY_HANDLE_AT;
}

static int flags_param(enum event_type type)
{
	switch (type) {
	case EVENT_OPEN:
		return OPEN_flags;
	case EVENT_OPENAT:
		return OPENAT_flags;
	case EVENT_OPENAT2:
		return OPENAT2_flags;
	case EVENT_OPEN_BY_HANDLE_AT:
		return OPEN_BY_HANDLE_AT_flags;
	default:
		return -1;
	}
}

uint32_t event_call_class(const struct event *ev)
{
	enum { TMPFILE = 8192 };
	int index = flags_param(ev->type);
	const struct param *flags = index >= 0 ? event_param(ev, (unsigned)index) : NULL;
	uint32_t detail = 0;

	if (ev->type == EVENT_CREAT)
		detail = CALL_WRITES | CALL_CREATES;
	if (flags)
		detail = (uint32_t)flags->u64 & (CALL_READS | CALL_WRITES);
	if (flags && flags->u64 & (OPEN_FLAG_CREAT | TMPFILE))
		detail |= CALL_CREATES;
	return call_class(ev->res, detail);
}

/* Calls without an event of their own, and those whose event has no parameters, do not tell filters
 * how they ended: a comparison of it is false then, and its negation true. */
static bool has_result(enum event_type type)
{
	return type != EVENT_GENERIC && event_info(type)->n_params > 0;
}

/* The state's own field: one that was given by hand may say anything. */
static enum basis basis_of(const struct operand *operand)
{
	struct field_table own = state_field_table();

	if (operand->kind != OPERAND_FIELD || operand->arg.is_given ||
	    operand->field < own.fields || operand->field >= own.fields + own.n)
		return BASIS_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(known_fields); i++) {
		if (strcmp(operand->field->name, known_fields[i].name) == 0)
			return known_fields[i].basis;
	}
	return BASIS_OTHER;
}

/* Whether the check's outcome follows from the sample alone. */
static bool is_decided(const struct check_parts *parts, const struct sample *sample)
{
	enum filter_op op = parts->op;

	if (parts->right || op == OP_REGEX)
		return false;
	switch (basis_of(parts->left)) {
	case BASIS_TYPE:
	case BASIS_ACCESS:
		return true;
	case BASIS_RESULT:
		return has_result(sample->ev.type);
	case BASIS_ERROR: /* other comparisons could tell names that no sample has */
		return has_result(sample->ev.type) &&
		       (sample->ev.res >= 0 || op == OP_EQ || op == OP_EQ2 || op == OP_NE ||
			op == OP_IN || op == OP_EXISTS);
	case BASIS_CREATION:
		return event_type_opens(sample->ev.type) && !(sample->detail & CALL_CREATES);
	case BASIS_FD:
		return event_type_opens(sample->ev.type);
	default:
		return false;
	}
}

static enum truth eval_check(const struct check *check, struct sample *sample)
{
	struct check_parts parts;

	check_get_parts(check, &parts);
	if (!is_decided(&parts, sample))
		return UNKNOWN;
	arena_reset(&sample->arena);
	return check_eval(check, &sample->ctx) ? TRUE : FALSE;
}

static enum truth eval(const struct node *node, struct sample *sample)
{
	enum truth decisive = node->kind == AST_OR ? TRUE : FALSE, truth, all;

	if (node->kind == AST_CHECK)
		return eval_check(node->check, sample);
	if (node->kind == AST_NOT) {
		truth = eval(node->children[0], sample);
		return truth == UNKNOWN ? UNKNOWN : truth == TRUE ? FALSE : TRUE;
	}
	all = node->kind == AST_OR ? FALSE : TRUE;
	for (uint32_t i = 0; i < node->n; i++) {
		truth = eval(node->children[i], sample);
		if (truth == decisive)
			return decisive;
		if (truth == UNKNOWN)
			all = UNKNOWN;
	}
	return all;
}

static void add_result(struct results *results, int64_t res)
{
	for (uint32_t i = 0; i < results->n; i++) {
		if (results->items[i] == res)
			return;
	}
	if (results->n == RESULTS_MAX) {
		results->is_full = true;
		return;
	}
	results->items[results->n++] = res;
}

/* Comparisons with a number change their outcome only at that number. */
static void add_around(struct results *results, int64_t number)
{
	add_result(results, number);
	if (number > INT64_MIN)
		add_result(results, number - 1);
	if (number < INT64_MAX)
		add_result(results, number + 1);
}

static void add_error(struct results *results, struct text name)
{
	char text[32], *end;
	long number;

	for (int error = 1; error <= ERRNO_MAX; error++) {
		const char *known = strerrorname_np(error);

		if (known && text_equal(name, text_from(known))) {
			add_result(results, -error);
			return;
		}
	}
	if (!name.len || name.len >= sizeof(text))
		return;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	number = strtol(text, &end, 10); /* errors without a name */
	if (!*end && number > 0 && number <= ERRNO_MAX)
		add_result(results, -number);
}

static void collect_results(const struct node *node, struct results *results)
{
	struct check_parts parts;
	enum basis basis;

	for (uint32_t i = 0; node->kind != AST_CHECK && i < node->n; i++)
		collect_results(node->children[i], results);
	if (node->kind != AST_CHECK)
		return;
	check_get_parts(node->check, &parts);
	basis = basis_of(parts.left);
	for (uint32_t i = 0; i < parts.n; i++) {
		if (basis == BASIS_ERROR)
			add_error(results, parts.literals[i].text);
		else if (basis == BASIS_RESULT || basis == BASIS_FD)
			add_around(results, parts.literals[i].i64);
	}
}

/* Some of each outcome, and an error that no comparison names. */
static void add_common_results(struct results *results)
{
	static const int64_t common[] = {
		0, 1, INT32_MAX, INT64_MAX, -EPERM, -EACCES, -EINPROGRESS, -ERRNO_MAX,
	};
	uint32_t n_named = results->n;

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		add_result(results, common[i]);
	for (uint32_t error = 2; error <= n_named + 5 && error <= ERRNO_MAX; error++) {
		if (call_outcome(-(int64_t)error) == CALL_FAILED)
			add_result(results, -(int64_t)error);
	}
}

/* Life-cycle events and opens return 32 bits. */
static bool can_return(enum event_type type, int64_t res)
{
	return res >= -ERRNO_MAX && (res <= INT32_MAX || !event_type_opens(type));
}

static void set_up_sample(struct sample *sample, enum event_type type, uint32_t nr)
{
	struct event *ev = &sample->ev;

	ev->type = type;
	ev->nr = (uint16_t)nr;
	ev->has_res = true;
	ev->n_params = event_info(type)->n_params;
	sample->subject.process = &sample->process;
	sample->ctx = (struct field_context){
		.event = ev, .subject = &sample->subject, .arena = &sample->arena};
}

static void set_sample(struct sample *sample, int64_t res, uint32_t detail)
{
	int flags = flags_param(sample->ev.type);

	sample->ev.res = res;
	sample->subject.fd = res >= 0 && res <= INT32_MAX ? (int32_t)res : -1;
	sample->detail = detail;
	if (flags >= 0)
		sample->ev.params[flags] =
			(struct param){.u64 = (detail & CALL_READS ? OPEN_FLAG_READ : 0) |
					      (detail & CALL_WRITES ? OPEN_FLAG_WRITE : 0) |
					      (detail & CALL_CREATES ? OPEN_FLAG_CREAT : 0),
				       .is_present = true};
}

static uint32_t classes_of(const struct node *root, struct sample *sample,
			   const struct results *results)
{
	uint32_t details = event_type_opens(sample->ev.type) ? CALL_DETAIL_END : 1, classes = 0;

	for (uint32_t i = 0; i < results->n; i++) {
		int64_t res = results->items[i];

		for (uint32_t detail = 0; can_return(sample->ev.type, res) && detail < details;
		     detail++) {
			uint32_t bit = UINT32_C(1) << call_class(res, detail);

			if (classes & bit)
				continue;
			set_sample(sample, res, detail);
			if (eval(root, sample) != FALSE)
				classes |= bit;
		}
	}
	return classes;
}

uint32_t filter_classes(const struct filter *filter, enum event_type type, uint32_t nr)
{
	struct results results = {0};
	struct sample *sample;
	uint32_t classes;

	collect_results(filter->root, &results);
	add_common_results(&results);
	if (results.is_full)
		return CALL_CLASSES_ALL;
	sample = calloc(1, sizeof(*sample));
	if (!sample || arena_init(&sample->arena, ARENA_BYTES)) {
		free(sample);
		return CALL_CLASSES_ALL;
	}
	set_up_sample(sample, type, nr);
	classes = classes_of(filter->root, sample, &results);
	arena_done(&sample->arena);
	free(sample);
	return classes;
}

void call_classes_all(struct call_classes *classes)
{
	memset(classes, 0xff, sizeof(*classes));
}

void call_classes_add_events(struct call_classes *classes, const struct event_set *events)
{
	for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
		if (events->types[type / 64] >> (type % 64) & 1)
			classes->types[type] = UINT32_MAX;
	}
	for (uint32_t nr = 0; nr < 64 * SYSCALL_SET_WORDS; nr++) {
		if (events->syscalls[nr / 64] >> (nr % 64) & 1)
			classes->syscalls[nr] = UINT32_MAX;
	}
}

static bool is_plain_call(const struct event_set *wanted, const struct event_set *own, uint32_t nr)
{
	return (wanted->syscalls[nr / 64] & own->syscalls[nr / 64]) >> nr % 64 & 1;
}

void call_classes_add_filter(struct call_classes *classes, const struct filter *filter,
			     const struct event_set *wanted)
{
	const struct event_set *own = filter_event_set(filter);

	for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
		if (type != EVENT_GENERIC && classes->types[type] != CALL_CLASSES_ALL &&
		    event_set_has(wanted, type, 0) && event_set_has(own, type, 0))
			classes->types[type] |= filter_classes(filter, type, 0);
	}
	for (uint32_t nr = 0; nr < 64 * SYSCALL_SET_WORDS; nr++) {
		if (is_plain_call(wanted, own, nr) && classes->syscalls[nr] != CALL_CLASSES_ALL)
			classes->syscalls[nr] |= filter_classes(filter, EVENT_GENERIC, nr);
	}
}
