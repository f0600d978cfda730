#include "daemon/gaps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/util.h"

/* A pause this short does not end a gap: continuous loss is one row, however the counters are
 * looked at. */
#define JOIN_NS UINT64_C(30000000000)
#define PARTS_MAX 96
#define OTHER "other"

struct part {
	char group[16], name[32];
	uint64_t n;
};

struct row {
	uint64_t id; /* 0: none is open */
	uint64_t from_ns, to_ns, events;
	bool is_changed;
	uint32_t n_parts;
	struct part parts[PARTS_MAX];
};

struct gaps {
	uint64_t next_id;
	struct gap_counters counters[GAP_REASON_END];
	struct row rows[GAP_REASON_END];
};

static const struct {
	const char *name;
	bool is_single; /* each is a row of its own */
} reasons[GAP_REASON_END] = {
	[GAP_RING_FULL] = {"ring full", false},
	[GAP_RECURSION] = {"program not run", false},
	[GAP_CORRUPT] = {"record unreadable", false},
	[GAP_SHED] = {"shed", false},
	[GAP_EVICTED_PROCESS] = {"process evicted", false},
	[GAP_EVICTED_FD] = {"descriptor evicted", false},
	[GAP_DOWNTIME] = {"downtime", true},
	[GAP_DOWNTIME_REBOOTED] = {"downtime, rebooted", true},
	[GAP_SUSPEND] = {"suspend", true},
	[GAP_CLOCK_FORWARD] = {"clock set forward", true},
	[GAP_CLOCK_BACK] = {"clock set back", true},
	[GAP_EVICTED_REQUEST] = {"request evicted", false},
};

const char *gap_reason_name(enum gap_reason reason)
{
	return reasons[reason].name;
}

int gaps_create(struct gaps **out, uint64_t next_id)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->next_id = next_id;
	return 0;
}

void gaps_destroy(struct gaps **gaps)
{
	free(*gaps);
	*gaps = NULL;
}

static bool continues(const struct row *row, uint64_t from_ns)
{
	return row->id && from_ns >= row->from_ns && from_ns <= row->to_ns + JOIN_NS;
}

void gaps_add(struct gaps *gaps, enum gap_reason reason, uint64_t from_ns, uint64_t to_ns,
	      uint64_t events)
{
	struct row *row = &gaps->rows[reason];
	bool is_known = events != GAP_EVENTS_UNKNOWN;

	if (reasons[reason].is_single || !continues(row, from_ns)) {
		*row = (struct row){.id = gaps->next_id++, .from_ns = from_ns, .to_ns = to_ns};
		gaps->counters[reason].gaps_total++;
	}
	row->to_ns = MAX(row->to_ns, to_ns);
	row->events = is_known && row->events != GAP_EVENTS_UNKNOWN ? row->events + events
								    : GAP_EVENTS_UNKNOWN;
	row->is_changed = true;
	if (is_known)
		gaps->counters[reason].events_total += events;
}

static struct part *find_part(struct row *row, const char *group, const char *name)
{
	for (uint32_t i = 0; i < row->n_parts; i++) {
		if (strncmp(row->parts[i].group, group, sizeof(row->parts[i].group) - 1) == 0 &&
		    strncmp(row->parts[i].name, name, sizeof(row->parts[i].name) - 1) == 0)
			return &row->parts[i];
	}
	return NULL;
}

static struct part *add_part(struct row *row, const char *group, const char *name)
{
	struct part *part = &row->parts[row->n_parts++];

	*part = (struct part){0};
	snprintf(part->group, sizeof(part->group), "%s", group);
	snprintf(part->name, sizeof(part->name), "%s", name);
	return part;
}

void gaps_add_part(struct gaps *gaps, enum gap_reason reason, const char *group, const char *name,
		   uint64_t n)
{
	/* Room for one "other" in each division stays. */
	enum { DIVISIONS = 4 };
	struct row *row = &gaps->rows[reason];
	struct part *part = find_part(row, group, name);

	if (!part && row->n_parts >= PARTS_MAX - DIVISIONS) {
		name = OTHER;
		part = find_part(row, group, name);
	}
	if (!part && row->n_parts < PARTS_MAX)
		part = add_part(row, group, name);
	if (part)
		part->n += n;
	row->is_changed = true;
}

/* NULL without parts, or without memory. Free it. */
static char *print_parts(const struct row *row)
{
	cJSON *json = row->n_parts ? cJSON_CreateObject() : NULL;
	char *text = NULL;

	for (uint32_t i = 0; json && i < row->n_parts; i++) {
		const struct part *part = &row->parts[i];
		cJSON *group = cJSON_GetObjectItemCaseSensitive(json, part->group);

		if (!group) {
			group = cJSON_CreateObject();
			cJSON_AddItemToObject(json, part->group, group);
		}
		/* cJSON keeps the pointer of a constant name: these live in the row. */
		json_add_u64(group, part->name, part->n);
	}
	if (json)
		text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}

static struct record_gap *make_record(const struct row *row, enum gap_reason reason)
{
	SCOPED(free_ptr) char *detail = print_parts(row);
	struct record_gap gap = {
		.id = row->id,
		.from_ns = row->from_ns,
		.to_ns = row->to_ns,
		.reason = text_from(reasons[reason].name),
		.events = row->events,
		.detail = detail ? text_from(detail) : TEXT_NONE,
	};

	return record_gap_copy(&gap);
}

void gaps_flush(struct gaps *gaps, gap_emit_fn *emit, void *arg)
{
	for (int reason = 0; reason < GAP_REASON_END; reason++) {
		struct row *row = &gaps->rows[reason];
		struct record_gap *gap =
			row->is_changed ? make_record(row, (enum gap_reason)reason) : NULL;

		if (!gap)
			continue;
		row->is_changed = false;
		emit(gap, arg);
	}
}

void gaps_counters(const struct gaps *gaps, struct gap_counters out[GAP_REASON_END])
{
	memcpy(out, gaps->counters, sizeof(gaps->counters));
}
