#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verb.h"

#define DEPTH_MAX 400 /* of the tree, as it is shown */
#define SHOWN_VALUES 4

/* "✓" true, "✗" false, "?" unknown, and whether the whole hangs on it. */
static char *mark(const cJSON *clause)
{
	const char *truth = json_string(clause, "truth");
	const char *sign = strcmp(truth, "true") == 0    ? "✓"
			   : strcmp(truth, "false") == 0 ? "✗"
							 : "?";

	return human_print("%s%s", sign, json_is_true(clause, "decides") ? " *" : "");
}

static char *one_value(const cJSON *value)
{
	SCOPED(free_ptr) char *text = NULL;

	if (cJSON_IsString(value))
		return human_text(value->valuestring);
	text = cJSON_PrintUnformatted(value);
	return text ? human_text(text) : NULL;
}

/* "redis-server, systemd, 3 more" */
static char *values_text(const cJSON *operand)
{
	const cJSON *values = json_member(operand, "values"), *value;
	int total = (int)json_number(operand, "n"), shown = 0;
	char *all = strdup("");

	cJSON_ArrayForEach(value, values)
	{
		SCOPED(free_ptr) char *before = all;
		SCOPED(free_ptr) char *text = one_value(value);

		if (shown == SHOWN_VALUES) {
			all = human_print("%s, %d more", before, total - shown);
			return all;
		}
		all = human_print("%s%s%s", before ? before : "", shown ? ", " : "",
				  text ? text : "");
		shown++;
	}
	return all;
}

static char *operand_text(const cJSON *operand)
{
	const char *state = json_string(operand, "state");

	if (strcmp(state, "present") != 0)
		return human_print("(%s)", state);
	return json_number(operand, "n") > 0 ? values_text(operand) : strdup("(none)");
}

/* What the left side held, the right one where that is a field too, and which of many matched. */
static char *check_values(const cJSON *check)
{
	SCOPED(free_ptr) char *left = operand_text(json_member(check, "left"));
	const cJSON *right = json_member(check, "right"), *matched = json_member(check, "matched");

	if (*json_string(right, "state")) {
		SCOPED(free_ptr) char *other = operand_text(right);

		return human_print("%s, %s", left ? left : "", other ? other : "");
	}
	if (cJSON_IsObject(matched) &&
	    (json_number(right, "n") > 1 || json_number(json_member(check, "left"), "n") > 1)) {
		SCOPED(free_ptr) char *which = one_value(json_member(matched, "right"));

		return human_print("%s (matched %s)", left ? left : "", which ? which : "");
	}
	return TAKE(left);
}

static char *clause_text(const cJSON *clause, unsigned depth)
{
	bool is_check = strcmp(json_string(clause, "kind"), "check") == 0;
	SCOPED(free_ptr) char *text = cli_safe(clause, is_check ? "text" : "kind");

	return human_print("%*s%s", (int)(2 * depth), "", text ? text : "");
}

static void add_clause(struct table *table, const cJSON *clause, unsigned depth)
{
	const cJSON *child;

	table_add(table, mark(clause));
	table_add(table, clause_text(clause, depth));
	table_add(table,
		  strcmp(json_string(clause, "kind"), "check") == 0 ? check_values(clause) : NULL);
	cJSON_ArrayForEach(child, json_member(clause, "clauses"))
	{
		if (depth < DEPTH_MAX)
			add_clause(table, child, depth + 1);
	}
}

static void print_clauses(const struct cli *cli, const cJSON *json)
{
	static const struct column columns[] = {
		{"", false, false}, {"CLAUSE", false, true}, {"VALUE", false, true}};
	SCOPED(table_destroy) struct table *table = NULL;

	if (table_create(&table, columns, ARRAY_SIZE(columns)))
		return;
	add_clause(table, json_member(json, "clauses"), 0);
	fputc('\n', cli->out);
	table_print(table, cli->out, cli->width);
	fprintf(cli->out, "\n✓ true  ✗ false  ? not known  * decides\n");
}

static void print_output_field(const struct cli *cli, const char *name, const cJSON *field)
{
	SCOPED(free_ptr) char *value = one_value(field);

	cli_line(cli, "alert says", human_print("%s = %s", name, value ? value : ""));
}

/* What is asked for besides the condition, and what the alert said of it. */
static void print_besides(const struct cli *cli, const cJSON *besides)
{
	const cJSON *field;

	if (*json_string(besides, "window"))
		cli_line(cli, "window", cli_safe(besides, "window"));
	if (*json_string(besides, "only_if_new"))
		cli_line(cli, "only if new", cli_safe(besides, "only_if_new"));
	cJSON_ArrayForEach(field, json_member(besides, "output_fields"))
	{
		SCOPED(free_ptr) char *name = human_text(field->string);
		bool is_time = cJSON_IsNumber(field) && field->valuedouble > 9e15;

		if (name && strncmp(name, "rule.", 5) == 0 && !cJSON_IsNull(field) && !is_time)
			print_output_field(cli, name, field);
	}
}

static void print_head(const struct cli *cli, const cJSON *json)
{
	const cJSON *event = json_member(json, "event"), *name;
	SCOPED(free_ptr) char *rule = cli_safe(json, "rule");
	SCOPED(free_ptr) char *type = cli_safe(event, "type");
	SCOPED(free_ptr) char *workload = cli_safe(json_member(event, "workload"), "name");

	cli_line(cli, "alert", cli_safe(json, "alert"));
	cli_line(cli, "rule",
		 human_print("%s (%s)", rule ? rule : "", json_string(json, "condition_is")));
	cli_line(cli, "event",
		 human_print("%s of %s, %s", type ? type : "", workload ? workload : "",
			     json_string(event, "time")));
	cli_line(cli, "condition", cli_safe(json, "truth"));
	print_besides(cli, json_member(json, "besides"));
	cJSON_ArrayForEach(name, json_member(json, "not_stored"))
	{
		if (cJSON_IsString(name))
			cli_line(cli, "not stored", human_text(name->valuestring));
	}
}

int cli_explain_alert(struct cli *cli)
{
	struct cli_path path;
	cJSON *json = NULL;
	int code;

	cli_path_init(&path, "/v1/alerts/%s/explain", cli->arg);
	cli_path_add(cli, &path, "rule", cli->options[OPTION_RULE]);
	code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	print_head(cli, json);
	if (cJSON_IsObject(json_member(json, "clauses"))) {
		print_clauses(cli, json);
	} else {
		cli_line(cli, "no truth", cli_safe(json, "error"));
		code = 1;
	}
	cJSON_Delete(json);
	return code;
}
