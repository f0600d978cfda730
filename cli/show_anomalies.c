#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verb.h"

#define LAST_PARTS_MAX 4   /* of the last part of a key, in a folded row */
#define ROWS_FETCHED "200" /* folded, they fill about a screen */

static const cJSON *last_part(const cJSON *item)
{
	const cJSON *key = json_member(item, "key");

	return cJSON_GetArrayItem(key, cJSON_GetArraySize(key) - 1);
}

/* Whether two anomalies differ in nothing but the last part of the key: the many files of one
 * directory that one new program opens. */
static bool are_alike(const cJSON *a, const cJSON *b)
{
	const cJSON *keys[] = {json_member(a, "key"), json_member(b, "key")};
	int n = cJSON_GetArraySize(keys[0]);

	if (!*json_string(a, "incident") || n < 2 || n != cJSON_GetArraySize(keys[1]) ||
	    strcmp(json_string(a, "incident"), json_string(b, "incident")) != 0 ||
	    strcmp(json_string(a, "dimension"), json_string(b, "dimension")) != 0 ||
	    strcmp(json_string(a, "state"), json_string(b, "state")) != 0)
		return false;
	for (int i = 0; i < n - 1; i++) {
		if (!cJSON_Compare(cJSON_GetArrayItem(keys[0], i), cJSON_GetArrayItem(keys[1], i),
				   true))
			return false;
	}
	return true;
}

static bool is_folded_into_another(const cJSON *items, const cJSON *item)
{
	for (const cJSON *other = items->child; other && other != item; other = other->next) {
		if (are_alike(other, item))
			return true;
	}
	return false;
}

char *cli_folded_key_text(const cJSON *items, const cJSON *item)
{
	const cJSON *next = item->next;
	unsigned n = 1;
	char *text;

	if (is_folded_into_another(items, item))
		return NULL;
	text = cli_key_text(json_member(item, "key"));
	for (; next; next = next->next) {
		SCOPED(free_ptr) char *part = NULL;
		SCOPED(free_ptr) char *before = text;

		if (!are_alike(item, next) || ++n > LAST_PARTS_MAX) {
			TAKE(before);
			continue;
		}
		part = human_text(cJSON_IsString(last_part(next)) ? last_part(next)->valuestring
								  : "");
		text = human_print("%s, %s", before ? before : "", part ? part : "");
	}
	if (n > LAST_PARTS_MAX) {
		SCOPED(free_ptr) char *before = text;

		text = human_print("%s and %u more", before ? before : "", n - LAST_PARTS_MAX);
	}
	return text;
}

static void add_anomaly(struct table *table, const struct cli *cli, const cJSON *items,
			const cJSON *item)
{
	char *behaviour = cli_folded_key_text(items, item);

	if (!behaviour)
		return;
	table_add(table, cli_safe(item, "id"));
	table_add(table, cli_ago(cli, item, "last_seen"));
	table_add(table, cli_duration(item, "return_period_s"));
	table_add(table, cli_safe(item, "state"));
	table_add(table, cli_safe(json_member(item, "workload"), "name"));
	table_add(table, cli_safe(item, "dimension"));
	table_add(table, behaviour);
	table_add(table, cli_lineage_text(json_member(item, "process")));
	table_add(table, cli_safe(item, "incident"));
}

int cli_anomalies(struct cli *cli)
{
	static const struct column columns[] = {
		{"ID", false, false},        {"LAST SEEN", false, false},
		{"ONCE EVERY", true, false}, {"STATE", false, false},
		{"WORKLOAD", false, true},   {"DIMENSION", false, false},
		{"BEHAVIOUR", false, true},  {"LINEAGE", false, true},
		{"INCIDENT", false, false},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	struct cli_path path;
	cJSON *json = NULL;
	const cJSON *items, *item;
	int code = cli_list_path(cli, &path, "/v1/anomalies", ROWS_FETCHED);

	if (code == 0)
		code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	items = json_member(json, "items");
	if (!cJSON_GetArraySize(items)) {
		fprintf(cli->out, cli->is_below
					  ? "nothing surprising so far\n"
					  : "no anomalies above the threshold; the most surprising "
					    "below it: ethogram anomalies --below\n");
	} else if (table_create(&table, columns, ARRAY_SIZE(columns)) == 0) {
		cJSON_ArrayForEach(item, items) add_anomaly(table, cli, items, item);
		table_print(table, cli->out, cli->width);
	}
	cJSON_Delete(json);
	return 0;
}

static void explain_head(const struct cli *cli, const cJSON *json)
{
	SCOPED(free_ptr) char *period = cli_duration(json, "return_period_s");
	SCOPED(free_ptr) char *basis = cli_duration(json, "return_period_basis_s");
	SCOPED(free_ptr) char *first = cli_ago(cli, json, "time");
	SCOPED(free_ptr) char *last = cli_ago(cli, json, "last_seen");

	cli_line(cli, "anomaly",
		 human_print("%s, %s", json_string(json, "id"), json_string(json, "state")));
	cli_line(cli, "why", cli_safe(json, "reason"));
	cli_line(cli, "workload", cli_safe(json_member(json, "workload"), "name"));
	cli_line(cli, "dimension", cli_safe(json, "dimension"));
	cli_line(cli, "behaviour", cli_key_text(json_member(json, "key")));
	cli_line(cli, "seen",
		 human_print("%.0f times, first %s, last %s", json_number(json, "occurrences"),
			     first, last));
	cli_line(cli, "once every",
		 human_print("%s%s (%.0f s, %.1f bits, %s the threshold)", period,
			     json_is_true(json, "return_period_capped")
				     ? ", the longest claim its age allows"
				     : "",
			     json_number(json, "return_period_s"), json_number(json, "bits"),
			     json_is_true(json, "above_threshold") ? "above" : "below"));
	cli_line(cli, "observed for", human_print("%s", basis));
	cli_line(cli, "coverage", human_share(json_number(json, "coverage")));
	if (*json_string(json, "seen_before"))
		cli_line(cli, "seen before", cli_ago(cli, json, "seen_before"));
}

static void explain_process(const struct cli *cli, const cJSON *json)
{
	const cJSON *process = json_member(json, "process");
	const cJSON *event = json_member(json, "event");
	SCOPED(free_ptr) char *exe = cli_safe(process, "exe");
	SCOPED(free_ptr) char *user = cli_safe(process, "user");
	SCOPED(free_ptr) char *type = cli_safe(event, "type");
	SCOPED(free_ptr) char *args = cli_safe(event, "args");

	cli_line(cli, "process",
		 human_print("%.0f %s, user %s", json_number(process, "pid"), exe,
			     user && *user ? user : "unknown"));
	cli_line(cli, "command line", cli_safe(process, "cmdline"));
	cli_line(cli, "lineage", cli_lineage_text(process));
	cli_line(cli, "event", human_print("%s %s", type, args));
	if (*json_string(json, "incident"))
		cli_line(cli, "incident", cli_safe(json, "incident"));
}

static void explain_quality(const struct cli *cli, const cJSON *json)
{
	const cJSON *quality = json_member(json, "data_quality");

	if (json_is_true(quality, "complete"))
		return;
	cli_line(cli, "incomplete",
		 human_print("%.0f events lost, %d gaps, %d fields missing, sketch %s",
			     json_number(quality, "lost_events"),
			     cJSON_GetArraySize(json_member(quality, "gaps")),
			     cJSON_GetArraySize(json_member(quality, "missing_fields")),
			     json_string(quality, "sketch")));
}

/* "1.2e-05 /s", and how often that is. */
static char *rate_text(double per_s)
{
	SCOPED(free_ptr) char *every = NULL;

	if (isnan(per_s))
		return strdup("unknown");
	if (per_s <= 0)
		return strdup("0 /s");
	every = human_duration(1 / per_s);
	return human_print("%.3g /s (every %s)", per_s, every);
}

static void explain_levels(const struct cli *cli, const cJSON *json)
{
	static const struct column columns[] = {
		{"LEVEL", true, false},  {"UP TO HERE", false, true},
		{"KNOWN", false, false}, {"NEWS COMES AT", false, false},
		{"BITS", true, false},   {"ONCE EVERY", true, false},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	const cJSON *level;

	if (table_create(&table, columns, ARRAY_SIZE(columns)))
		return;
	cJSON_ArrayForEach(level, json_member(json_member(json, "explanation"), "levels"))
	{
		table_add(table, human_print("%.0f", json_number(level, "level")));
		table_add(table, cli_key_text(json_member(level, "key")));
		table_add_copy(table, json_is_true(level, "known") ? "yes" : "new");
		table_add(table, rate_text(json_number(level, "discovery_rate_per_s")));
		table_add(table, human_print("%.1f", json_number(level, "bits")));
		table_add(table, cli_duration(level, "return_period_s"));
	}
	fputc('\n', cli->out);
	table_print(table, cli->out, cli->width);
}

static void explain_formula(const struct cli *cli, const cJSON *json)
{
	const cJSON *explanation = json_member(json, "explanation");
	const cJSON *population = json_member(explanation, "population");

	fputc('\n', cli->out);
	cli_line(cli, "population",
		 human_print("%s, factor %.3g",
			     json_is_true(population, "known") ? "others on this host do it"
							       : "new to the whole host",
			     json_number(population, "factor")));
	cli_line(cli, "formula", cli_safe(explanation, "formula"));
}

static void explain_usual(const struct cli *cli, const cJSON *json)
{
	const cJSON *usual;

	if (!cJSON_GetArraySize(json_member(json, "usual")))
		return;
	fprintf(cli->out, "\nusually it does instead:\n");
	cJSON_ArrayForEach(usual, json_member(json, "usual"))
	{
		SCOPED(free_ptr) char *key = cli_key_text(json_member(usual, "key"));
		SCOPED(free_ptr) char *share = human_share(json_number(usual, "frequency"));

		fprintf(cli->out, "  %-8s %s\n", share ? share : "", key ? key : "");
	}
}

static int explain_anomaly(struct cli *cli)
{
	struct cli_path path;
	cJSON *json = NULL;
	int code;

	cli_path_init(&path, "/v1/anomalies/%s", cli->arg);
	code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	explain_head(cli, json);
	explain_process(cli, json);
	explain_quality(cli, json);
	explain_levels(cli, json);
	explain_formula(cli, json);
	explain_usual(cli, json);
	cJSON_Delete(json);
	return 0;
}

int cli_explain(struct cli *cli)
{
	size_t digits = strspn(cli->arg + (*cli->arg != '\0'), "0123456789");

	/* Checked here so that nothing else gets into the path. */
	if (!*cli->arg || !strchr("ail", *cli->arg) || digits == 0 || digits > 19 ||
	    cli->arg[1 + digits]) {
		SCOPED(free_ptr) char *safe = human_text(cli->arg);

		fprintf(stderr,
			"ethogram: '%s': must be an anomaly (a42), incident (i7) or alert (l3)\n",
			safe);
		return 2;
	}
	return *cli->arg == 'a'   ? explain_anomaly(cli)
	       : *cli->arg == 'i' ? cli_incident(cli)
				  : cli_explain_alert(cli);
}
