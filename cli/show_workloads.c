#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verb.h"

/* "about 5 h", "2 h to 9 h", "" */
static char *eta_text(const cJSON *workload)
{
	const cJSON *eta = json_member(workload, "ready_eta_s");
	SCOPED(free_ptr) char *low = human_duration(json_number(eta, "low"));
	SCOPED(free_ptr) char *high = human_duration(json_number(eta, "high"));

	if (!cJSON_IsObject(eta) || !low || !high)
		return strdup("");
	return strcmp(low, high) == 0 ? human_print("about %s", low)
				      : human_print("%s to %s", low, high);
}

static void add_workload(struct table *table, const struct cli *cli, const cJSON *item)
{
	table_add(table, cli_safe(item, "name"));
	table_add(table, cli_safe(item, "state"));
	table_add(table, human_share(json_number(item, "coverage")));
	table_add(table, cli_duration(item, "basis_s"));
	table_add(table, eta_text(item));
	table_add(table, human_count(json_number(item, "behaviours")));
	table_add(table, human_count(json_number(item, "pending")));
	table_add(table, human_print("%d", cJSON_GetArraySize(json_member(item, "instances"))));
	table_add(table, cli_ago(cli, item, "last_seen"));
}

/* Say that there is more, and how to get it. */
static void note_next(const struct cli *cli, const cJSON *json)
{
	SCOPED(free_ptr) char *cursor = cli_safe(json, "next");

	if (cursor && *cursor)
		fprintf(cli->out, "(more: --limit N, or --cursor %s)\n", cursor);
}

int cli_workloads(struct cli *cli)
{
	static const struct column columns[] = {
		{"WORKLOAD", false, true}, {"STATE", false, false},    {"COVERAGE", true, false},
		{"OBSERVED", true, false}, {"READY IN", false, false}, {"BEHAVIOURS", true, false},
		{"PENDING", true, false},  {"RUNNING", true, false},   {"LAST SEEN", false, false},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	const char *limit = cli->options[OPTION_LIMIT];
	struct cli_path path;
	cJSON *json = NULL;
	const cJSON *item;
	int code;

	cli_path_init(&path, "/v1/workloads");
	cli_path_add(cli, &path, "limit", limit ? limit : "1000");
	cli_path_add(cli, &path, "cursor", cli->options[OPTION_CURSOR]);
	code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	if (!cJSON_GetArraySize(json_member(json, "items"))) {
		fprintf(cli->out, "no workloads yet; they appear with their first process\n");
	} else if (table_create(&table, columns, ARRAY_SIZE(columns)) == 0) {
		cJSON_ArrayForEach(item, json_member(json, "items")) add_workload(table, cli, item);
		table_print(table, cli->out, cli->width);
	}
	note_next(cli, json);
	cJSON_Delete(json);
	return 0;
}

static void show_head(const struct cli *cli, const cJSON *json)
{
	const cJSON *quality = json_member(json, "data_quality");
	SCOPED(free_ptr) char *coverage = human_share(json_number(json, "coverage"));
	SCOPED(free_ptr) char *basis = cli_duration(json, "basis_s");
	SCOPED(free_ptr) char *eta = eta_text(json);

	cli_line(cli, "workload", cli_safe(json, "name"));
	cli_line(cli, "id", cli_safe(json, "id"));
	cli_line(cli, "state",
		 human_print("%s: observed %s, coverage %s%s%s", json_string(json, "state"), basis,
			     coverage, eta && *eta ? ", ready in " : "", eta ? eta : ""));
	cli_line(cli, "behaviours",
		 human_print("%.0f, %.0f pending, %.0f quarantined",
			     json_number(json, "behaviours"), json_number(json, "pending"),
			     json_number(json, "quarantined")));
	cli_line(cli, "running",
		 human_print("%d instances", cJSON_GetArraySize(json_member(json, "instances"))));
	if (!json_is_true(quality, "complete"))
		cli_line(cli, "incomplete",
			 human_print("%.0f events lost, %d gaps",
				     json_number(quality, "lost_events"),
				     cJSON_GetArraySize(json_member(quality, "gaps"))));
}

/* "ready, ready, learning": the levels' states, coarsest first. */
static char *levels_text(const cJSON *dimension)
{
	char *text = strdup("");
	const cJSON *level;

	cJSON_ArrayForEach(level, json_member(dimension, "levels"))
	{
		char *grown = human_print("%s%s%s", text ? text : "", text && *text ? ", " : "",
					  json_string(level, "state"));

		free(text);
		text = grown;
	}
	return text;
}

static void show_dimensions(const struct cli *cli, const cJSON *json)
{
	static const struct column columns[] = {
		{"DIMENSION", false, false}, {"STATE", false, false},     {"COVERAGE", true, false},
		{"EPOCHS", true, false},     {"BEHAVIOURS", true, false}, {"LEVELS", false, false},
		{"WHY", false, true},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	const cJSON *item;

	if (table_create(&table, columns, ARRAY_SIZE(columns)))
		return;
	cJSON_ArrayForEach(item, json_member(json, "dimensions"))
	{
		const cJSON *reason = cJSON_GetArrayItem(json_member(item, "reasons"), 0);

		table_add(table, cli_safe(item, "name"));
		table_add(table, cli_safe(item, "state"));
		table_add(table, human_share(json_number(item, "coverage")));
		table_add(table, human_count(json_number(item, "active_epochs")));
		table_add(table, human_count(json_number(item, "behaviours")));
		table_add(table, levels_text(item));
		table_add(table, human_text(cJSON_GetStringValue(reason)));
	}
	fputc('\n', cli->out);
	table_print(table, cli->out, cli->width);
}

static void show_behaviours(const struct cli *cli, const cJSON *list)
{
	static const struct column columns[] = {
		{"USUALLY", false, false}, {"BEHAVIOUR", false, true},  {"EPOCHS", true, false},
		{"EVENTS", true, false},   {"LAST SEEN", false, false},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	const cJSON *item;

	if (!cJSON_GetArraySize(json_member(list, "items"))) {
		fprintf(cli->out, "\nnothing learned yet; what waits: ethogram pending %s\n",
			cli->arg);
		return;
	}
	if (table_create(&table, columns, ARRAY_SIZE(columns)))
		return;
	cJSON_ArrayForEach(item, json_member(list, "items"))
	{
		SCOPED(free_ptr) char *share = human_share(json_number(item, "frequency"));

		table_add(table, human_print("%s %s", json_string(item, "dimension"), share));
		table_add(table, cli_key_text(json_member(item, "key")));
		table_add(table, human_count(json_number(item, "incidences")));
		table_add(table, human_count(json_number(item, "events")));
		table_add(table, cli_ago(cli, item, "last_seen"));
	}
	fputc('\n', cli->out);
	table_print(table, cli->out, cli->width);
	note_next(cli, list);
}

/* /v1/workloads/ID and what, asked for. */
static int ask_about(struct cli *cli, const char *id, const char *what, cJSON **json)
{
	struct cli_path path;

	cli_path_init(&path, "/v1/workloads/%s%s", id, what);
	if (*what) {
		const char *limit = cli->options[OPTION_LIMIT];

		cli_path_add(cli, &path, "dimension", cli->options[OPTION_DIMENSION]);
		cli_path_add(cli, &path, "limit", limit ? limit : "40");
	}
	return cli_ask(cli, &path, json);
}

int cli_profile(struct cli *cli)
{
	cJSON *json = NULL, *list = NULL;
	char id[17];
	int code = cli_find_workload(cli, cli->arg, id);

	if (code == 0)
		code = ask_about(cli, id, "", &json);
	if (!json)
		return code;
	code = ask_about(cli, id, "/behaviours", &list);
	if (list) {
		show_head(cli, json);
		show_dimensions(cli, json);
		show_behaviours(cli, list);
	}
	cJSON_Delete(json);
	cJSON_Delete(list);
	return code;
}

static void add_pending(struct table *table, const struct cli *cli, const cJSON *item)
{
	SCOPED(free_ptr) char *due = cli_safe(item, "due");

	table_add(table, cli_safe(item, "dimension"));
	table_add(table, cli_key_text(json_member(item, "key")));
	table_add(table, cli_ago(cli, item, "first_seen"));
	table_add(table, human_count(json_number(item, "events")));
	table_add_copy(table, json_is_true(item, "quarantined") ? "quarantined" : "waits");
	table_add(table, due && strlen(due) >= 19 ? strndup(due, 19) : strdup("not by itself"));
	table_add(table, cli_safe(item, "anomaly"));
	table_add(table, cli_safe(item, "reason"));
}

int cli_pending(struct cli *cli)
{
	static const struct column columns[] = {
		{"DIMENSION", false, false},  {"BEHAVIOUR", false, true},
		{"FIRST SEEN", false, false}, {"EVENTS", true, false},
		{"STATE", false, false},      {"LEARNED AT (UTC)", false, false},
		{"ANOMALY", false, false},    {"WHY", false, true},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	cJSON *json = NULL;
	const cJSON *item;
	char id[17];
	int code = cli_find_workload(cli, cli->arg, id);

	if (code == 0)
		code = ask_about(cli, id, "/pending", &json);
	if (!json)
		return code;
	if (!cJSON_GetArraySize(json_member(json, "items"))) {
		fprintf(cli->out, "nothing is pending\n");
	} else if (table_create(&table, columns, ARRAY_SIZE(columns)) == 0) {
		cJSON_ArrayForEach(item, json_member(json, "items")) add_pending(table, cli, item);
		table_print(table, cli->out, cli->width);
	}
	cJSON_Delete(json);
	return 0;
}
