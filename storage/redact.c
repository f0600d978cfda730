#define PCRE2_CODE_UNIT_WIDTH 8
#include "storage/redact.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

#include "base/util.h"

#define MATCH_LIMIT 100000 /* steps: about a millisecond */

struct redact {
	pcre2_match_context *context;
	pcre2_match_data *match; /* room for the whole and the first group */
	uint32_t n;
	pcre2_code *patterns[];
};

int redact_create(struct redact **out, const char *const *patterns, uint32_t n, struct diag *diag)
{
	SCOPED(redact_destroy) struct redact *redact = NULL;

	redact = calloc(1, sizeof(*redact) + n * sizeof(redact->patterns[0]));
	if (!redact)
		return -ENOMEM;
	redact->context = pcre2_match_context_create(NULL);
	redact->match = pcre2_match_data_create(2, NULL);
	if (!redact->context || !redact->match)
		return -ENOMEM;
	pcre2_set_match_limit(redact->context, MATCH_LIMIT);
	for (uint32_t i = 0; i < n; i++) {
		PCRE2_UCHAR message[128];
		PCRE2_SIZE at;
		int code;

		redact->patterns[i] = pcre2_compile((PCRE2_SPTR)patterns[i], PCRE2_ZERO_TERMINATED,
						    0, &code, &at, NULL);
		if (!redact->patterns[i]) {
			pcre2_get_error_message(code, message, sizeof(message));
			return diag_set(diag, -EINVAL,
					"storage.redact: pattern '%s', character %zu: %s",
					patterns[i], (size_t)at + 1, (const char *)message);
		}
		redact->n = i + 1;
		/* Without it matching is slower, no more. */
		(void)pcre2_jit_compile(redact->patterns[i], PCRE2_JIT_COMPLETE);
	}
	*out = TAKE(redact);
	return 0;
}

void redact_destroy(struct redact **redact_ptr)
{
	struct redact *redact = TAKE(*redact_ptr);

	if (!redact)
		return;
	for (uint32_t i = 0; i < redact->n; i++)
		pcre2_code_free(redact->patterns[i]);
	pcre2_match_data_free(redact->match);
	pcre2_match_context_free(redact->context);
	free(redact);
}

/* Hide all bytes, or those of JSON text that leave it JSON: no quotes, no escapes. */
static void hide(char *from, const char *to, bool is_json)
{
	for (char *at = from; at < to; at++) {
		if (is_json && *at == '\\')
			at++;
		else if (!is_json || !strchr("\"{}[]:,", *at))
			*at = '*';
	}
}

/* Hide the pattern's first match at or after start. Returns where to go on, text.len when done. */
static size_t hide_next(struct redact *redact, const pcre2_code *pattern, char *bytes, size_t len,
			size_t start, bool is_json)
{
	PCRE2_SIZE *ends = pcre2_get_ovector_pointer(redact->match);
	int n = pcre2_match(pattern, (PCRE2_SPTR)bytes, len, start, 0, redact->match,
			    redact->context);
	unsigned group;

	if (n == PCRE2_ERROR_NOMATCH)
		return len;
	if (n < 0) {
		hide(bytes, bytes + len, is_json);
		return len;
	}
	group = n != 1 && ends[2] != PCRE2_UNSET ? 2 : 0;
	hide(bytes + ends[group], bytes + ends[group + 1], is_json);
	/* An empty match must not be found for ever, nor one that \K moved behind its start. */
	return MAX(ends[1], start + 1);
}

/* Texts that do not live in the record's own block are the program's, not a stranger's. */
static void hide_all(struct redact *redact, void *record, struct text text, bool is_json)
{
	const char *first = record, *end = first + record_bytes(record);
	char *bytes = (char *)text.ptr;

	if (text.len == 0 || bytes < first || bytes >= end)
		return;
	for (uint32_t i = 0; i < redact->n; i++) {
		for (size_t at = 0; at < text.len;)
			at = hide_next(redact, redact->patterns[i], bytes, text.len, at, is_json);
	}
}

static void hide_key(struct redact *redact, void *record, const struct record_key *key)
{
	for (unsigned i = 0; i < MIN(key->n, RECORD_KEY_MAX); i++)
		hide_all(redact, record, key->fields[i], false);
}

static void hide_anomaly(struct redact *redact, struct record_anomaly *anomaly)
{
	hide_key(redact, anomaly, &anomaly->key);
	for (unsigned i = 0; i < MIN(anomaly->n_usual, RECORD_USUAL_MAX); i++)
		hide_key(redact, anomaly, &anomaly->usual[i].key);
	hide_all(redact, anomaly, anomaly->process.cmdline, false);
	hide_all(redact, anomaly, anomaly->event_args, false);
	hide_all(redact, anomaly, anomaly->reason, false);
}

static void hide_incident(struct redact *redact, struct record_incident *incident)
{
	hide_all(redact, incident, incident->root.cmdline, false);
	hide_all(redact, incident, incident->summary, false);
}

static void hide_alert(struct redact *redact, struct record_alert *alert)
{
	hide_all(redact, alert, alert->message, false);
	hide_all(redact, alert, alert->output_fields, true);
}

/* The end of the JSON string that begins at from: its closing quote, or the text's end. */
static uint32_t string_end(struct text json, uint32_t from)
{
	uint32_t at = from;

	while (at < json.len && json.ptr[at] != '"')
		at += json.ptr[at] == '\\' ? 2 : 1;
	return MIN(at, json.len);
}

/* Each value by itself: a pattern must not run on into the name of the next field. */
static void hide_event(struct redact *redact, struct record_event *event)
{
	struct text json = event->fields;

	for (uint32_t at = 0; at < json.len; at++) {
		uint32_t end;

		if (json.ptr[at] != '"')
			continue;
		end = string_end(json, at + 1);
		if (end + 1 >= json.len || json.ptr[end + 1] != ':')
			hide_all(redact, event, (struct text){json.ptr + at + 1, end - at - 1},
				 true);
		at = end;
	}
}

void redact_record(struct redact *redact, enum write_kind kind, void *record)
{
	struct record_behaviour *behaviour = record;

	if (kind == WRITE_ANOMALY)
		hide_anomaly(redact, record);
	else if (kind == WRITE_INCIDENT)
		hide_incident(redact, record);
	else if (kind == WRITE_ALERT)
		hide_alert(redact, record);
	else if (kind == WRITE_EVENT)
		hide_event(redact, record);
	else if (kind == WRITE_BEHAVIOUR)
		hide_key(redact, record, &behaviour->key);
}
