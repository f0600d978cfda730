#include "capture/scap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "capture/scap_convert.h"
#include "capture/scap_facts.h"
#include "capture/scap_section.h"

#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)
#define MAJOR_MAX 1u

struct scap_source {
	struct source source;
	char **paths;
	size_t n_paths, file_at;
	struct scap_input *file; /* NULL: the next one is to be opened */
	struct scap_section *section;
	struct scap_tasks *tasks;
	struct scap_converter converter;
	struct scap_facts facts;
	struct event event;
	struct scap_input_block block;
	bool has_block;     /* read and not yet told of: the first event of a section */
	bool telling_state; /* the section's state comes first */
	bool in_section, in_events;
	bool in_preamble;  /* no event of the section was told that is not of its state */
	uint64_t position; /* event blocks of this file */
	uint64_t told;     /* position of the last event; 0 none */
	size_t told_file;
	int error; /* for good */
	uint64_t error_offset;
	struct diag diag;
	struct scap_counters counters;
	struct source_counters totals;
};

static struct scap_source *of(struct source *source)
{
	return (struct scap_source *)source;
}

static const struct scap_source *of_const(const struct source *source)
{
	return (const struct scap_source *)source;
}

/* The file cannot be read on. */
static int fail(struct scap_source *s, int r, uint64_t offset)
{
	const char *path = s->paths[MIN(s->file_at, s->n_paths - 1)];

	s->error = r;
	s->error_offset = offset;
	s->has_block = false;
	if (s->in_section && !s->in_events) /* what there was of state is told first */
		s->in_events = s->telling_state = true;
	s->diag.offset = (uint32_t)MIN(offset, UINT32_MAX);
	snprintf(s->diag.file, sizeof(s->diag.file), "%s", path);
	return r;
}

static int open_file(struct scap_source *s)
{
	int r = scap_input_open(&s->file, s->paths[s->file_at], &s->diag);

	if (r)
		return fail(s, r, 0);
	s->in_section = false;
	s->position = 0;
	return 0;
}

/* A section begins: what follows is of another host, or of another time. */
static int begin_section(struct scap_source *s)
{
	struct scap_cursor c = cursor_over(s->block.body, s->block.len);
	uint32_t magic = cursor_u32(&c);
	uint16_t major = cursor_u16(&c), minor = cursor_u16(&c);

	if (c.is_short || magic != BYTE_ORDER_MAGIC) {
		diag_set(&s->diag, 0, "byte %" PRIu64 ": the byte order is not this machine's",
			 s->block.offset);
		return fail(s, -EBADMSG, s->block.offset);
	}
	if (major > MAJOR_MAX) {
		diag_set(&s->diag, 0, "byte %" PRIu64 ": version %u.%u is unknown", s->block.offset,
			 major, minor);
		return fail(s, -EBADMSG, s->block.offset);
	}
	scap_section_clear(s->section);
	scap_tasks_clear(s->tasks);
	s->in_section = true;
	s->in_events = false;
	s->in_preamble = true;
	s->counters.sections++;
	return 0;
}

static int add_state(struct scap_source *s)
{
	int r;

	if (s->in_events) {
		diag_set(&s->diag, 0, "byte %" PRIu64 ": a block of type 0x%x stands among events",
			 s->block.offset, s->block.type);
		return fail(s, -EBADMSG, s->block.offset);
	}
	if (!s->block.trailer_agrees) {
		diag_set(&s->diag, 0, "byte %" PRIu64 ": the block's two lengths differ",
			 s->block.offset);
		return fail(s, -EBADMSG, s->block.offset);
	}
	if (scap_list_kind(s->block.type).list == SCAP_LIST_NONE) {
		s->counters.skipped_blocks++;
		return 0;
	}
	r = scap_section_add(s->section, &s->block, &s->diag);
	return r ? fail(s, r, s->block.offset) : 0;
}

/* Take the block in. 1: it is an event. */
static int sort_block(struct scap_source *s)
{
	if (s->block.type == SCAP_SECTION_TYPE)
		return begin_section(s);
	if (!s->in_section) {
		diag_set(&s->diag, 0, "byte %" PRIu64 ": this is no capture file", s->block.offset);
		return fail(s, -EBADMSG, s->block.offset);
	}
	if (!scap_is_event_block(s->block.type))
		return add_state(s);
	if (!s->in_events)
		s->telling_state = true;
	s->in_events = true;
	return 1;
}

/* The file's last section may hold no event. */
static int end_file(struct scap_source *s)
{
	if (!s->in_section) {
		diag_set(&s->diag, 0, "byte 0: this is no capture file");
		return fail(s, -EBADMSG, 0);
	}
	if (!s->in_events) {
		s->in_events = s->telling_state = true;
		return 1;
	}
	scap_input_close(&s->file);
	s->file_at++;
	return 0;
}

/* 1: an event or state is to be told; 0: not yet, read the next one; -errno. */
static int read_block(struct scap_source *s)
{
	int r = s->file ? 0 : open_file(s);

	if (r)
		return r;
	r = scap_input_next(s->file, &s->block, &s->diag);
	if (r < 0)
		return fail(s, r, s->block.offset);
	if (r == 0)
		return end_file(s);
	r = sort_block(s);
	s->has_block = r > 0;
	return r;
}

/* Read on until there is something to tell. 1; 0 at the end of the last file; -errno. */
static int read_on(struct scap_source *s)
{
	int r = 0;

	while (!r && s->file_at < s->n_paths)
		r = read_block(s);
	return r;
}

static void count(struct scap_source *s)
{
	s->totals.events_total++;
	s->totals.by_type[s->event.type].seen++;
}

/* When the section's events begin. */
static uint64_t first_time(const struct scap_source *s)
{
	struct scap_record record;
	const char *why;

	return s->has_block && !scap_record_parse(&s->block, &record, &why) ? record.ts_ns : 0;
}

static int tell_state(struct scap_source *s)
{
	int r = scap_section_next(s->section, s->tasks, &s->event, &s->diag);

	s->told = 0;
	if (r > 0)
		s->event.ts_ns = first_time(s);
	else
		s->telling_state = false;
	return r < 0 ? fail(s, r, scap_section_offset(s->section)) : r;
}

/* Recorders tell of containers, users and groups that were there before by the events of new ones,
 * ahead of all others. */
static void mark_preamble(struct scap_source *s)
{
	switch (s->event.type) {
	case EVENT_CONTAINER:
	case EVENT_USERADDED:
	case EVENT_USERDELETED:
	case EVENT_GROUPADDED:
	case EVENT_GROUPDELETED:
		if (s->in_preamble)
			s->event.quality |= EVENT_STATE_ONLY;
		break;
	default:
		s->in_preamble = false;
	}
}

/* An event comes of the block, or not. */
static int tell_event(struct scap_source *s)
{
	const struct scap_record *enter;
	struct scap_record record;
	const char *why;

	s->has_block = false;
	s->position++;
	s->counters.blocks++;
	s->counters.trailers_wrong += !s->block.trailer_agrees;
	if (scap_record_parse(&s->block, &record, &why)) {
		diag_set(&s->diag, 0, "byte %" PRIu64 ": event %" PRIu64 " is damaged: %s",
			 s->block.offset, s->position, why);
		return fail(s, -EBADMSG, s->block.offset);
	}
	if (!record.info || record.info->event == SCAP_NO_EVENT) {
		s->counters.unknown_total++;
		return 0;
	}
	if (record.info->role == SCAP_ENTER) {
		s->counters.enters++;
		s->counters.enters_lost += !scap_tasks_keep_enter(s->tasks, &record);
		return 0;
	}
	enter = record.info->role == SCAP_EXIT ? scap_tasks_take_enter(s->tasks, &record) : NULL;
	/* Texts of the record must outlive this function, as they do: they are the block's. */
	scap_convert(&s->converter, &s->event, &record, enter);
	scap_facts_fill(&s->facts, &s->event, enter, s->tasks);
	mark_preamble(s);
	s->event.num = s->position;
	s->told = s->position;
	count(s);
	return 1;
}

static int scap_next(struct source *source, const struct event **out)
{
	struct scap_source *s = of(source);

	for (;;) {
		int r;

		/* What the section had before damage is told before the damage. */
		if (s->telling_state) {
			r = tell_state(s);
		} else if (s->has_block) {
			r = tell_event(s);
		} else if (s->error) {
			return s->error;
		} else {
			if (!read_on(s))
				return 0;
			continue;
		}
		if (r < 0)
			return r;
		if (r > 0)
			break;
	}
	s->told_file = s->file_at;
	*out = &s->event;
	return 1;
}

static void scap_wait(struct source *source, int timeout_ms)
{
	(void)source;
	(void)timeout_ms;
}

/* Everything in a file was wanted by who recorded it. */
static int scap_set_wanted(struct source *source, const uint64_t *event_types,
			   const uint64_t *syscalls)
{
	(void)source;
	(void)event_types;
	(void)syscalls;
	return 0;
}

static void scap_counters(const struct source *source, struct source_counters *out)
{
	*out = of_const(source)->totals;
}

static void scap_wake(struct source *source)
{
	(void)source;
}

static void source_free(struct scap_source **source)
{
	struct scap_source *s = *source;

	if (!s)
		return;
	for (size_t i = 0; s->paths && i < s->n_paths; i++)
		free(s->paths[i]);
	free(s->paths);
	scap_input_close(&s->file);
	scap_section_destroy(&s->section);
	scap_tasks_destroy(&s->tasks);
	free(s);
	*source = NULL;
}

static void scap_destroy(struct source *source)
{
	struct scap_source *s = of(source);

	source_free(&s);
}

static const struct source_ops scap_ops = {
	.next = scap_next,
	.wait = scap_wait,
	.set_wanted = scap_set_wanted,
	.counters = scap_counters,
	.wake = scap_wake,
	.destroy = scap_destroy,
};

static int copy_paths(struct scap_source *s, const char *const *paths, size_t n)
{
	s->paths = calloc(n, sizeof(*s->paths));
	if (!s->paths)
		return -ENOMEM;
	s->n_paths = n;
	for (size_t i = 0; i < n; i++) {
		s->paths[i] = strdup(paths[i]);
		if (!s->paths[i])
			return -ENOMEM;
	}
	return 0;
}

int scap_source_create(struct source **out, const char *const *paths, size_t n, struct diag *diag)
{
	SCOPED(source_free) struct scap_source *s = calloc(1, sizeof(*s));
	int r;

	if (!n)
		return diag_set(diag, -EINVAL, "no capture file is named");
	if (!s)
		return diag_set(diag, -ENOMEM, "no memory");
	s->source = (struct source){.ops = &scap_ops, .name = "scap"};
	scap_converter_init(&s->converter);
	r = copy_paths(s, paths, n);
	if (!r)
		r = scap_section_create(&s->section);
	if (!r)
		r = scap_tasks_create(&s->tasks);
	if (r)
		return diag_set(diag, r, "no memory");
	/* Who names another file hears of it at once. */
	r = read_block(s);
	if (r < 0) {
		if (diag)
			*diag = s->diag;
		return r;
	}
	*out = &TAKE(s)->source;
	return 0;
}

const struct diag *scap_source_diag(const struct source *source)
{
	return &of_const(source)->diag;
}

uint64_t scap_source_error_offset(const struct source *source)
{
	return of_const(source)->error_offset;
}

size_t scap_source_file(const struct source *source)
{
	return of_const(source)->told_file;
}

uint64_t scap_source_position(const struct source *source)
{
	return of_const(source)->told;
}

void scap_source_counters(const struct source *source, struct scap_counters *out)
{
	*out = of_const(source)->counters;
}
