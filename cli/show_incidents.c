#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verb.h"

int cli_incidents(struct cli *cli)
{
	static const struct column columns[] = {
		{"ID", false, false},    {"LAST", false, false},    {"ONCE EVERY", true, false},
		{"STATE", false, false}, {"WORKLOAD", false, true}, {"ANOMALIES", true, false},
		{"ALERTS", true, false}, {"SUMMARY", false, true},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	struct cli_path path;
	cJSON *json = NULL;
	const cJSON *item;
	int code = cli_list_path(cli, &path, "/v1/incidents", "40");

	if (code == 0)
		code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	if (!cJSON_GetArraySize(json_member(json, "items"))) {
		fprintf(cli->out, "no incidents\n");
	} else if (table_create(&table, columns, ARRAY_SIZE(columns)) == 0) {
		cJSON_ArrayForEach(item, json_member(json, "items"))
		{
			table_add(table, cli_safe(item, "id"));
			table_add(table, cli_ago(cli, item, "to"));
			table_add(table, cli_duration(item, "return_period_s"));
			table_add(table, cli_safe(item, "state"));
			table_add(table, cli_safe(json_member(item, "workload"), "name"));
			table_add(table, human_print("%.0f", json_number(item, "anomalies")));
			table_add(table, human_print("%.0f", json_number(item, "alerts")));
			table_add(table, cli_safe(item, "summary"));
		}
		table_print(table, cli->out, cli->width);
	}
	cJSON_Delete(json);
	return 0;
}

int cli_alerts(struct cli *cli)
{
	static const struct column columns[] = {
		{"ID", false, false},    {"WHEN", false, false},    {"PRIORITY", false, false},
		{"RULE", false, true},   {"WORKLOAD", false, true}, {"INCIDENT", false, false},
		{"OUTPUT", false, true},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	struct cli_path path;
	cJSON *json = NULL;
	const cJSON *item;
	int code = cli_list_path(cli, &path, "/v1/alerts", "40");

	if (code == 0)
		code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	if (!cJSON_GetArraySize(json_member(json, "items"))) {
		fprintf(cli->out, "no alerts\n");
	} else if (table_create(&table, columns, ARRAY_SIZE(columns)) == 0) {
		cJSON_ArrayForEach(item, json_member(json, "items"))
		{
			table_add(table, cli_safe(item, "id"));
			table_add(table, cli_ago(cli, item, "time"));
			table_add(table, cli_safe(item, "priority"));
			table_add(table, cli_safe(item, "rule"));
			table_add(table, cli_safe(json_member(item, "workload"), "name"));
			table_add(table, cli_safe(item, "incident"));
			table_add(table, cli_safe(item, "output"));
		}
		table_print(table, cli->out, cli->width);
	}
	cJSON_Delete(json);
	return 0;
}

static void show_timeline(const struct cli *cli, const cJSON *json)
{
	static const struct column columns[] = {
		{"WHEN (UTC)", false, false}, {"ID", false, false}, {"ONCE EVERY", true, false},
		{"WHAT", false, false},       {"", false, true},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	const cJSON *item;

	if (table_create(&table, columns, ARRAY_SIZE(columns)))
		return;
	cJSON_ArrayForEach(item, json_member(json, "timeline"))
	{
		bool is_alert = strcmp(json_string(item, "kind"), "alert") == 0;
		SCOPED(free_ptr) char *time = cli_safe(item, "time");

		table_add(table, time ? strndup(time, 23) : NULL);
		table_add(table, cli_safe(item, "id"));
		table_add(table, is_alert ? strdup("") : cli_duration(item, "return_period_s"));
		table_add(table, is_alert ? cli_safe(item, "rule") : cli_safe(item, "dimension"));
		table_add(table, cli_safe(item, "text"));
	}
	fputc('\n', cli->out);
	table_print(table, cli->out, cli->width);
}

int cli_incident(struct cli *cli)
{
	struct cli_path path;
	cJSON *json = NULL;
	int code;

	cli_path_init(&path, "/v1/incidents/%s", cli->arg);
	code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	cli_line(cli, "incident",
		 human_print("%s, %s", json_string(json, "id"), json_string(json, "state")));
	cli_line(cli, "workload", cli_safe(json_member(json, "workload"), "name"));
	cli_line(cli, "once every", cli_duration(json, "return_period_s"));
	cli_line(cli, "summary", cli_safe(json, "summary"));
	cli_line(cli, "began", cli_ago(cli, json, "from"));
	cli_line(cli, "process", cli_lineage_text(json_member(json, "process")));
	show_timeline(cli, json);
	cJSON_Delete(json);
	return 0;
}
