#include "daemon/wanted.h"

#include <errno.h>

#include "base/call_class.h"
#include "base/util.h"
#include "filter/event_sets.h"

/* Without these, lineage, credentials, working directories or descriptors would be wrong. close is
 * not among them: the next open that returns the descriptor supersedes it. */
static const enum event_type state_keeping[] = {
	EVENT_EXECVE,    EVENT_EXECVEAT, EVENT_CLONE,    EVENT_CLONE3,   EVENT_FORK,
	EVENT_VFORK,     EVENT_PROCEXIT, EVENT_CHDIR,    EVENT_FCHDIR,   EVENT_CHROOT,
	EVENT_SETUID,    EVENT_SETGID,   EVENT_SETREUID, EVENT_SETREGID, EVENT_SETRESUID,
	EVENT_SETRESGID, EVENT_SETSID,   EVENT_SETPGID,  EVENT_CAPSET,   EVENT_SOCKET,
	EVENT_BIND,      EVENT_CONNECT,  EVENT_ACCEPT,   EVENT_ACCEPT4,  EVENT_DUP,
	EVENT_DUP2,      EVENT_DUP3,     EVENT_FCNTL,
};

/* Calls that failed change nothing; a connection that is being made has its ends. */
#define STATE_CLASSES (CALL_CLASSES(CALL_SUCCEEDED) | CALL_CLASSES(CALL_IN_PROGRESS))

static void set_bit(uint64_t *words, uint32_t bit)
{
	words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static void clear_bit(uint64_t *words, uint32_t bit)
{
	words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

/* An event type's or, for calls without one, the call's bit. */
static int change_named(struct event_set *set, const char *name,
			void (*change)(uint64_t *words, uint32_t bit), struct diag *diag)
{
	int type = event_by_name(text_from(name));
	const struct syscall_info *call = syscall_by_name(text_from(name));

	if (type < 0 && call && call->event != EVENT_GENERIC)
		type = call->event;
	if (type >= 0) {
		change(set->types, (uint32_t)type);
		if (type == EVENT_FCNTL)
			change(set->syscalls, (uint32_t)call->nr64);
		return 0;
	}
	if (!call || call->nr64 < 0 || call->nr64 >= SYSCALL_SET_WORDS * 64)
		return diag_set(diag, -EINVAL, "'capture.events': no event is called '%s'", name);
	change(set->syscalls, (uint32_t)call->nr64);
	return 0;
}

int wanted_events(struct event_set *out, const struct event_set *const *asked, uint32_t n_asked,
		  const struct config *config, struct diag *diag)
{
	struct event_set set = {0};
	int r = 0;

	for (uint32_t i = 0; i < n_asked; i++) {
		for (uint32_t w = 0; w < EVENT_SET_WORDS; w++)
			set.types[w] |= asked[i]->types[w];
		for (uint32_t w = 0; w < SYSCALL_SET_WORDS; w++)
			set.syscalls[w] |= asked[i]->syscalls[w];
	}
	for (uint32_t i = 0; !r && i < config->capture.events_add.n; i++)
		r = change_named(&set, config->capture.events_add.items[i], set_bit, diag);
	/* State needs few commands of fcntl, who asks for the event needs all. */
	if (set.types[EVENT_FCNTL / 64] >> (EVENT_FCNTL % 64) & 1)
		set_bit(set.syscalls, (uint32_t)syscall_by_name(TEXT("fcntl"))->nr64);
	for (size_t i = 0; i < ARRAY_SIZE(state_keeping); i++)
		set_bit(set.types, state_keeping[i]);
	for (uint32_t i = 0; !r && i < config->capture.events_remove.n; i++)
		r = change_named(&set, config->capture.events_remove.items[i], clear_bit, diag);
	if (!r)
		*out = set;
	return r;
}

/* The calls named in the configuration are wanted whatever came of them. */
static void add_named(struct call_classes *classes, const struct config *config)
{
	struct event_set set = {0};
	struct diag ignored = {0};

	for (uint32_t i = 0; i < config->capture.events_add.n; i++)
		change_named(&set, config->capture.events_add.items[i], set_bit, &ignored);
	for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
		if (event_set_has(&set, type, UINT32_MAX))
			classes->types[type] = CALL_CLASSES_ALL;
	}
	for (uint32_t nr = 0; nr < SYSCALL_SET_WORDS * 64; nr++) {
		if (set.syscalls[nr / 64] >> nr % 64 & 1)
			classes->syscalls[nr] = CALL_CLASSES_ALL;
	}
}

/* Events whose fields may come from an open long before: those about a descriptor, and those with
 * paths relative to one. */
static bool reads_descriptor(enum event_type type)
{
	const struct event_info *info = event_info(type);

	for (uint32_t i = 0; i < info->n_params; i++) {
		if (info->params[i].dirfd_param >= 0)
			return true;
	}
	return info->flags & (EVENT_USES_FD | EVENT_DESTROYS_FD);
}

static bool read_descriptors(const struct event_set *asked)
{
	for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
		if (!event_type_opens(type) && event_set_has(asked, type, UINT32_MAX) &&
		    reads_descriptor(type))
			return true;
	}
	return false;
}

void wanted_add_state_classes(struct call_classes *classes, const struct event_set *const *asked,
			      uint32_t n_asked, bool descriptors_are_read,
			      const struct config *config)
{
	for (uint32_t i = 0; i < n_asked; i++)
		descriptors_are_read |= read_descriptors(asked[i]);
	for (size_t i = 0; i < ARRAY_SIZE(state_keeping); i++)
		classes->types[state_keeping[i]] |= STATE_CLASSES;
	for (uint32_t type = 0; descriptors_are_read && type < EVENT_TYPE_END; type++) {
		if (event_info(type)->flags & EVENT_CREATES_FD)
			classes->types[type] |= CALL_CLASSES(CALL_SUCCEEDED);
	}
	add_named(classes, config);
}
