#include "cli/what_if.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/human.h"
#include "cli/source_line.h"
#include "cli/verb.h"

#define PARTS_MAX 8      /* of a line that lists things */
#define LINE_COLUMNS 100 /* shown of the line that a message is about */

/* "2026-11-20 12:00:00" of a time in an answer. */
static void print_time(const cJSON *object, const char *name, FILE *to)
{
	const char *time = json_string(object, name);

	if (strlen(time) < 19)
		fputs("?", to);
	else
		fprintf(to, "%.10s %.8s", time, time + 11);
}

static void print_count(double count, FILE *to)
{
	SCOPED(free_ptr) char *text = human_count(count);

	fputs(text ? text : "?", to);
}

static void print_safe(const char *text, FILE *to)
{
	SCOPED(free_ptr) char *safe = human_text(text);

	fputs(safe ? safe : "", to);
}

static void print_source(const cJSON *source, FILE *to)
{
	fputs("  ", to);
	if (strcmp(json_string(source, "kind"), "capture") == 0) {
		print_safe(json_string(source, "file"), to);
		fputs(": ", to);
		print_count(json_number(source, "events"), to);
		fputs(" events\n", to);
		return;
	}
	print_count(json_number(source, "events"), to);
	fputs(" stored events: of alerts ", to);
	print_count(json_number(source, "alerts"), to);
	fputs(", of anomalies ", to);
	print_count(json_number(source, "anomalies"), to);
	fputs(", seen first in an epoch ", to);
	print_count(json_number(source, "sightings"), to);
	fputs(" (hits are at least so many)\n", to);
}

static void print_span(const cJSON *answer, FILE *to)
{
	const cJSON *span = json_member(answer, "span"), *source;

	if (!*json_string(span, "from")) {
		fputs("No events in the span that was asked for.\n", to);
	} else {
		print_time(span, "from", to);
		fputs(" to ", to);
		print_time(span, "to", to);
		fprintf(to, " UTC%s\n",
			json_is_true(answer, "complete") ? "" : ", incomplete: ended early");
	}
	cJSON_ArrayForEach(source, json_member(answer, "sources")) print_source(source, to);
}

/* "  title: A 3, B 2 and 5 more" of a list of objects, or of texts where key is NULL. */
static void print_list(const char *title, const cJSON *list, const char *key, FILE *to)
{
	int n = cJSON_GetArraySize(list), shown = 0;
	const cJSON *item;

	if (!n)
		return;
	fprintf(to, "  %s: ", title);
	cJSON_ArrayForEach(item, list)
	{
		const char *text = key ? json_string(item, key) : cJSON_GetStringValue(item);

		if (shown == PARTS_MAX)
			break;
		fputs(shown++ ? ", " : "", to);
		print_safe(text ? text : "", to);
		if (key) {
			fputs(" ", to);
			print_count(json_number(item, "hits"), to);
		}
	}
	if (n > shown)
		fprintf(to, " and %d more", n - shown);
	fputs("\n", to);
}

static void print_rule(const cJSON *rule, bool is_exact, FILE *to)
{
	const char *change = json_string(rule, "change");
	const cJSON *missing = json_member(rule, "not_captured"), *example;
	double now = json_number(rule, "hits_now");

	fputs("\n", to);
	print_safe(json_string(rule, "name"), to);
	fprintf(to, " (%s%s): %s", strcmp(change, "same") == 0 ? "as it runs" : change,
		json_is_true(rule, "enabled") ? "" : ", switched off", is_exact ? "" : "at least ");
	print_count(json_number(rule, "hits"), to);
	fputs(json_number(rule, "hits") == 1 ? " hit" : " hits", to);
	if (json_number(rule, "suppressed") > 0) {
		fputs(" and ", to);
		print_count(json_number(rule, "suppressed"), to);
		fputs(" that its rate leaves out", to);
	}
	if (strcmp(change, "changed") == 0 && !isnan(now)) {
		fputs(", now ", to);
		print_count(now, to);
	}
	fputs("\n", to);
	print_list("workloads", json_member(rule, "workloads"), "name", to);
	print_list("days", json_member(rule, "days"), "day", to);
	cJSON_ArrayForEach(example, json_member(rule, "examples"))
	{
		fputs("  ", to);
		print_time(example, "time", to);
		fputs("  ", to);
		print_safe(json_string(example, "output"), to);
		fputs("\n", to);
	}
	print_list("events that it needs and that never came", json_member(missing, "events"), NULL,
		   to);
	print_list("fields that it needs and that never had a value",
		   json_member(missing, "fields"), NULL, to);
}

/* The line, if the file is there to be read, with a caret. */
static void print_place(const cJSON *message, FILE *to)
{
	double line = json_number(message, "line");

	if (line > 0 && line <= UINT32_MAX)
		source_line_print(to, json_string(message, "file"), (uint32_t)line,
				  (uint32_t)json_number(message, "column"), LINE_COLUMNS);
}

static void print_messages(const cJSON *answer, FILE *to)
{
	const cJSON *message;

	for (int kind = 0; kind < 2; kind++) {
		cJSON_ArrayForEach(message, json_member(answer, kind ? "warnings" : "errors"))
		{
			print_safe(json_string(message, "file"), to);
			fprintf(to, ":%.0f:%.0f: %s: ", json_number(message, "line"),
				json_number(message, "column"), kind ? "warning" : "error");
			print_safe(json_string(message, "message"), to);
			fprintf(to, " (%s)\n", json_string(message, "code"));
			print_place(message, to);
		}
	}
}

static void print_gaps(const cJSON *answer, FILE *to)
{
	const cJSON *gaps = json_member(answer, "gaps"), *gap;
	int n = cJSON_GetArraySize(gaps), shown = 0;

	cJSON_ArrayForEach(gap, gaps)
	{
		if (shown++ == PARTS_MAX)
			break;
		fputs(shown == 1 ? "\nNot everything was seen then:\n  " : "  ", to);
		print_time(gap, "from", to);
		fputs(" to ", to);
		print_time(gap, "to", to);
		fprintf(to, ": %s\n", json_string(gap, "reason"));
	}
	if (n > PARTS_MAX)
		fprintf(to, "  and %d more times\n", n - PARTS_MAX);
}

void what_if_print(const cJSON *answer, bool is_json, FILE *to)
{
	bool is_exact = json_is_true(answer, "exact");
	const cJSON *rules = json_member(answer, "rules"), *rule;

	if (is_json) {
		SCOPED(free_ptr) char *text = cJSON_PrintUnformatted(answer);

		fprintf(to, "%s\n", text ? text : "");
		return;
	}
	print_messages(answer, stderr);
	if (!json_is_true(answer, "successful"))
		return;
	print_span(answer, to);
	if (!cJSON_GetArraySize(rules))
		fputs("No rule is new or would change.\n", to);
	cJSON_ArrayForEach(rule, rules) print_rule(rule, is_exact, to);
	print_gaps(answer, to);
}
