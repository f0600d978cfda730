/* The verbs that list what filters and rules may name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/events_json.h"
#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "daemon/documents.h"
#include "daemon/verb_text.h"
#include "daemon/verbs.h"

static int print_json(cJSON *json)
{
	SCOPED(free_ptr) char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	cJSON_Delete(json);
	if (!text)
		return 1;
	printf("%s\n", text);
	return 0;
}

/* 0: table, 1: --json, -1: anything else */
static int wants_json(int argc, char **argv)
{
	if (argc == 1)
		return 0;
	if (argc == 2 && strcmp(argv[1], "--json") == 0)
		return 1;
	fprintf(stderr, "usage: ethogram %s [--json]\n", argv[0]);
	return -1;
}

static void print_fields(const cJSON *json)
{
	static const struct column columns[] = {
		{"FIELD", false, false}, {"TYPE", false, false},   {"ARGUMENT", false, false},
		{"LIST", false, false},  {"MEANING", false, true},
	};
	SCOPED(table_destroy) struct table *table = NULL;
	const cJSON *item;

	if (table_create(&table, columns, ARRAY_SIZE(columns)))
		return;
	cJSON_ArrayForEach(item, json_member(json, "items"))
	{
		table_add_copy(table, json_string(item, "name"));
		table_add_copy(table, json_string(item, "type"));
		table_add_copy(table, json_string(item, "argument"));
		table_add_copy(table, json_is_true(item, "list") ? "yes" : "");
		table_add_copy(table, json_string(item, "description"));
	}
	table_print(table, stdout, table_terminal_width(stdout));
}

int verb_fields(int argc, char **argv)
{
	struct field_set fields = verb_fields_all();
	int how = wants_json(argc, argv);
	cJSON *json;

	if (how < 0)
		return 2;
	json = document_fields(&fields);
	if (how == 1)
		return print_json(json);
	print_fields(json);
	cJSON_Delete(json);
	return 0;
}

static void print_events(const cJSON *json)
{
	const cJSON *item, *parameter;

	cJSON_ArrayForEach(item, json_member(json, "items"))
	{
		const char *separator = "";

		printf("%s(", json_string(item, "name"));
		cJSON_ArrayForEach(parameter, json_member(item, "parameters"))
		{
			printf("%s%s", separator, cJSON_GetStringValue(parameter));
			separator = ", ";
		}
		printf(")\n");
	}
}

int verb_events(int argc, char **argv)
{
	int how = wants_json(argc, argv);
	cJSON *json;

	if (how < 0)
		return 2;
	json = events_json();
	if (how == 1)
		return print_json(json);
	print_events(json);
	cJSON_Delete(json);
	return 0;
}
