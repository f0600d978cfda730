/* Which returned system calls can make a condition true, as far as the kernel can tell before it
 * has done any work for them (base/call_class.h). What is left unsaid stays possible: a class is
 * left out only where the condition is false for every event of it, whatever process, path or
 * descriptor the event is about. Pure; any thread. */
#pragma once

#include "filter/filter.h"

/* For each event type, and for calls without one of their own by x86-64 number, a set of call
 * classes. Life-cycle events have no classes: their words mean nothing. */
struct call_classes {
	uint32_t types[EVENT_TYPE_END];
	uint32_t syscalls[64 * SYSCALL_SET_WORDS];
};

/* The classes of calls of that type (nr counts for EVENT_GENERIC only) for which the filter can be
 * true. All of them without memory. */
uint32_t filter_classes(const struct filter *filter, enum event_type type, uint32_t nr);

/* Add what the filter can be true for, of the events in wanted. */
void call_classes_add_filter(struct call_classes *classes, const struct filter *filter,
			     const struct event_set *wanted);

/* Add every call of these events. */
void call_classes_add_events(struct call_classes *classes, const struct event_set *events);

void call_classes_all(struct call_classes *classes);

/* The class that the kernel finds for the event; the detail of opens from their flags in the event
 * table's encoding. */
uint32_t event_call_class(const struct event *ev);

/* Whether calls of the type open files, and so have a detail. */
bool event_type_opens(enum event_type type);
