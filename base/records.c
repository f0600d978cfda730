#include "base/records.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* In front of every record, out of its users' sight. */
struct head {
	struct queue_node node;
	uint32_t tag;
	size_t record_bytes;
	size_t text_used, text_max;
	_Alignas(max_align_t) char record[]; /* then the texts */
};

static struct head *head_of(const void *record)
{
	return (struct head *)((char *)record - offsetof(struct head, record));
}

void *record_alloc(size_t size, size_t text_bytes)
{
	struct head *head;
	size_t total;

	if (__builtin_add_overflow(size, text_bytes, &total) ||
	    __builtin_add_overflow(total, sizeof(*head), &total))
		return NULL;
	head = malloc(total);
	if (!head)
		return NULL;
	*head = (struct head){.record_bytes = size, .text_max = text_bytes};
	memset(head->record, 0, size);
	return head->record;
}

struct text record_text(void *record, struct text t)
{
	struct head *head = head_of(record);
	char *at = head->record + head->record_bytes + head->text_used;

	assert(t.len <= head->text_max - head->text_used);
	if (t.len)
		memcpy(at, t.ptr, t.len);
	head->text_used += t.len;
	return (struct text){at, t.len};
}

void record_free(void *record)
{
	if (record)
		free(head_of(record));
}

size_t record_bytes(const void *record)
{
	const struct head *head = head_of(record);

	return sizeof(*head) + head->record_bytes + head->text_max;
}

void record_set_tag(void *record, uint32_t tag)
{
	head_of(record)->tag = tag;
}

uint32_t record_tag(const void *record)
{
	return head_of(record)->tag;
}

struct queue_node *record_node(void *record)
{
	return &head_of(record)->node;
}

void *record_of_node(struct queue_node *node)
{
	return ((struct head *)((char *)node - offsetof(struct head, node)))->record;
}

/* Each kind of record names its texts once, in an each_text function; sizing and copying both go
 * through it, so that they cannot disagree. */
typedef void text_visit_fn(struct text *t, void *arg);
typedef void each_text_fn(void *record, text_visit_fn *visit, void *arg);

static void key_texts(struct record_key *key, text_visit_fn *visit, void *arg)
{
	for (unsigned i = 0; i < MIN(key->n, RECORD_KEY_MAX); i++)
		visit(&key->fields[i], arg);
}

static void process_texts(struct record_process *process, text_visit_fn *visit, void *arg)
{
	visit(&process->exe, arg);
	visit(&process->cmdline, arg);
	visit(&process->user, arg);
	for (unsigned i = 0; i < MIN(process->n_lineage, RECORD_LINEAGE_MAX); i++)
		visit(&process->lineage[i].exe, arg);
}

static void anomaly_texts(void *record, text_visit_fn *visit, void *arg)
{
	struct record_anomaly *anomaly = record;

	visit(&anomaly->workload_name, arg);
	visit(&anomaly->instance, arg);
	visit(&anomaly->dimension, arg);
	visit(&anomaly->reason, arg);
	visit(&anomaly->event_args, arg);
	visit(&anomaly->quality.missing_fields, arg);
	visit(&anomaly->formula, arg);
	key_texts(&anomaly->key, visit, arg);
	for (unsigned i = 0; i < MIN(anomaly->n_usual, RECORD_USUAL_MAX); i++)
		key_texts(&anomaly->usual[i].key, visit, arg);
	process_texts(&anomaly->process, visit, arg);
}

static void incident_texts(void *record, text_visit_fn *visit, void *arg)
{
	struct record_incident *incident = record;

	visit(&incident->workload_name, arg);
	visit(&incident->summary, arg);
	process_texts(&incident->root, visit, arg);
}

static void alert_texts(void *record, text_visit_fn *visit, void *arg)
{
	struct record_alert *alert = record;

	visit(&alert->rule, arg);
	visit(&alert->source, arg);
	visit(&alert->message, arg);
	visit(&alert->tags, arg);
	visit(&alert->output_fields, arg);
	visit(&alert->workload_name, arg);
}

static void gap_texts(void *record, text_visit_fn *visit, void *arg)
{
	struct record_gap *gap = record;

	visit(&gap->reason, arg);
	visit(&gap->detail, arg);
}

static void behaviour_texts(void *record, text_visit_fn *visit, void *arg)
{
	struct record_behaviour *behaviour = record;

	visit(&behaviour->dimension, arg);
	key_texts(&behaviour->key, visit, arg);
}

static void blob_texts(void *record, text_visit_fn *visit, void *arg)
{
	visit(&((struct record_blob *)record)->bytes, arg);
}

static void event_texts(void *record, text_visit_fn *visit, void *arg)
{
	struct record_event *event = record;

	visit(&event->workload_name, arg);
	visit(&event->type, arg);
	visit(&event->fields, arg);
	visit(&event->cut, arg);
}

static void span_texts(void *record, text_visit_fn *visit, void *arg)
{
	visit(&((struct record_span *)record)->document, arg);
}

static void condition_texts(void *record, text_visit_fn *visit, void *arg)
{
	struct record_condition *condition = record;

	visit(&condition->rule, arg);
	visit(&condition->text, arg);
}

static void add_length(struct text *t, void *arg)
{
	*(size_t *)arg += t->len;
}

static void take_over(struct text *t, void *record)
{
	*t = record_text(record, *t);
}

static void *copy(const void *from, size_t size, each_text_fn *each_text)
{
	size_t text_bytes = 0;
	void *to;

	/* add_length only reads. */
	each_text((void *)from, add_length, &text_bytes);
	to = record_alloc(size, text_bytes);
	if (!to)
		return NULL;
	memcpy(to, from, size);
	each_text(to, take_over, to);
	return to;
}

struct record_anomaly *record_anomaly_copy(const struct record_anomaly *from)
{
	return copy(from, sizeof(*from), anomaly_texts);
}

struct record_incident *record_incident_copy(const struct record_incident *from)
{
	return copy(from, sizeof(*from), incident_texts);
}

struct record_alert *record_alert_copy(const struct record_alert *from)
{
	return copy(from, sizeof(*from), alert_texts);
}

struct record_gap *record_gap_copy(const struct record_gap *from)
{
	return copy(from, sizeof(*from), gap_texts);
}

struct record_behaviour *record_behaviour_copy(const struct record_behaviour *from)
{
	return copy(from, sizeof(*from), behaviour_texts);
}

struct record_blob *record_blob_copy(const struct record_blob *from)
{
	return copy(from, sizeof(*from), blob_texts);
}

struct record_event *record_event_copy(const struct record_event *from)
{
	return copy(from, sizeof(*from), event_texts);
}

struct record_span *record_span_copy(const struct record_span *from)
{
	return copy(from, sizeof(*from), span_texts);
}

struct record_condition *record_condition_copy(const struct record_condition *from)
{
	return copy(from, sizeof(*from), condition_texts);
}

static const char *const reason_names[] = {
	[EVENT_OF_ALERT] = "alert",
	[EVENT_OF_ANOMALY] = "anomaly",
	[EVENT_OF_SIGHTING] = "sighting",
};

const char *event_reason_name(enum event_reason reason)
{
	return reason <= EVENT_OF_SIGHTING ? reason_names[reason] : reason_names[EVENT_OF_SIGHTING];
}

static const char *const priority_names[] = {
	[PRIORITY_EMERGENCY] = "Emergency",
	[PRIORITY_ALERT] = "Alert",
	[PRIORITY_CRITICAL] = "Critical",
	[PRIORITY_ERROR] = "Error",
	[PRIORITY_WARNING] = "Warning",
	[PRIORITY_NOTICE] = "Notice",
	[PRIORITY_INFORMATIONAL] = "Informational",
	[PRIORITY_DEBUG] = "Debug",
};

const char *alert_priority_name(enum alert_priority priority)
{
	return priority <= PRIORITY_DEBUG ? priority_names[priority]
					  : priority_names[PRIORITY_DEBUG];
}

int alert_priority_by_name(struct text name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(priority_names); i++) {
		if (name.len == strlen(priority_names[i]) &&
		    strncasecmp(name.ptr, priority_names[i], name.len) == 0)
			return (int)i;
	}
	/* Rule files also write the short form. */
	if (name.len == 4 && strncasecmp(name.ptr, "info", 4) == 0)
		return PRIORITY_INFORMATIONAL;
	return -1;
}

static const char *const state_names[] = {
	[ANOMALY_OPEN] = "open",         [ANOMALY_ACCEPTED] = "accepted",
	[ANOMALY_REJECTED] = "rejected", [ANOMALY_ABSORBED] = "absorbed",
	[ANOMALY_EXPIRED] = "expired",
};

const char *anomaly_state_name(enum anomaly_state state)
{
	return state <= ANOMALY_EXPIRED ? state_names[state] : state_names[ANOMALY_OPEN];
}

int anomaly_state_by_name(struct text name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(state_names); i++) {
		if (text_equal(name, text_from(state_names[i])))
			return (int)i;
	}
	return -1;
}

static const char *const kind_names[] = {
	[WORKLOAD_POD] = "pod",   [WORKLOAD_IMAGE] = "image", [WORKLOAD_UNIT] = "unit",
	[WORKLOAD_USER] = "user", [WORKLOAD_EXE] = "exe",     [WORKLOAD_UNRESOLVED] = "unresolved",
};

const char *workload_kind_name(enum workload_kind kind)
{
	return kind <= WORKLOAD_UNRESOLVED ? kind_names[kind] : kind_names[WORKLOAD_UNRESOLVED];
}
