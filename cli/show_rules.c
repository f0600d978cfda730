#include <string.h>

#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verb.h"

/* "FILE:LINE", for the caller to free. */
static char *defined_at(const cJSON *item)
{
	SCOPED(free_ptr) char *file = human_text(json_string(item, "file"));

	return human_print("%s:%.0f", file ? file : "", json_number(item, "line"));
}

int cli_rules(struct cli *cli)
{
	static const struct column columns[] = {
		{"RULE", false, true},      {"PRIORITY", false, false}, {"SOURCE", false, false},
		{"ON", false, false},       {"HITS", true, false},      {"SUPPRESSED", true, false},
		{"LAST HIT", false, false}, {"DEFINED", false, true},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	struct cli_path path;
	cJSON *json = NULL;
	const cJSON *item;
	int code;

	if (strcmp(cli->arg, "list") != 0) {
		fprintf(stderr, "usage: ethogram rules list\n");
		return 2;
	}
	cli_path_init(&path, "/v1/rules");
	cli_path_add(cli, &path, "name", cli->options[OPTION_NAME]);
	cli_path_add(cli, &path, "tag", cli->options[OPTION_TAG]);
	code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	if (table_create(&table, columns, ARRAY_SIZE(columns)) == 0) {
		cJSON_ArrayForEach(item, json_member(json, "items"))
		{
			table_add(table, cli_safe(item, "name"));
			table_add(table, cli_safe(item, "priority"));
			table_add(table, cli_safe(item, "source"));
			table_add_copy(table, json_is_true(item, "enabled") ? "yes" : "no");
			table_add(table, human_count(json_number(item, "hits_total")));
			table_add(table, human_count(json_number(item, "suppressed_total")));
			table_add(table, cli_ago(cli, item, "last_hit"));
			table_add(table, defined_at(item));
		}
		table_print(table, cli->out, cli->width);
	}
	cJSON_Delete(json);
	return 0;
}
