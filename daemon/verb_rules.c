#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/source_line.h"
#include "cli/verb.h"
#include "daemon/documents.h"
#include "daemon/verb_text.h"
#include "daemon/verbs.h"

#define LINE_COLUMNS 100 /* shown of the line that a message is about */

static int usage(void)
{
	fprintf(stderr,
		"usage: ethogram rules check FILE... [--json]\n"
		"       ethogram rules list [--json] [--server URL]\n"
		"       ethogram rules explain ALERT [--rule NAME] [--json] [--server URL]\n"
		"       ethogram rules what-if FILE [--capture X.scap]... [OPTIONS]\n"
		"       ethogram rules except ALERT [--pick N] [--save FILE] [OPTIONS]\n");
	return 2;
}

/* "FILE:LINE:COLUMN: error: message (LOAD_ERR_…) in 'item'" */
static void print_message(const cJSON *message, const char *kind)
{
	SCOPED(free_ptr) char *file = human_text(json_string(message, "file"));
	SCOPED(free_ptr) char *text = human_text(json_string(message, "message"));
	SCOPED(free_ptr) char *item = human_text(json_string(message, "item"));
	double line = json_number(message, "line");

	if (file && *file)
		fprintf(stderr, "%s:", file);
	if (line > 0)
		fprintf(stderr, "%.0f:%.0f:", line, json_number(message, "column"));
	fprintf(stderr, " %s: %s (%s)", kind, text ? text : "", json_string(message, "code"));
	if (item && *item)
		fprintf(stderr, " in '%s'", item);
	fputc('\n', stderr);
	if (line > 0 && line <= UINT32_MAX)
		source_line_print(stderr, json_string(message, "file"), (uint32_t)line,
				  (uint32_t)json_number(message, "column"), LINE_COLUMNS);
}

/* "note: rule 'NAME': never has a value here: FIELD, FIELD" */
static void print_absent(const cJSON *item)
{
	SCOPED(free_ptr) char *rule = human_text(json_string(item, "rule"));
	const cJSON *field;
	const char *comma = " ";

	fprintf(stderr, "note: rule '%s': never has a value here:", rule ? rule : "");
	cJSON_ArrayForEach(field, json_member(item, "fields"))
	{
		fprintf(stderr, "%s%s", comma, field->valuestring);
		comma = ", ";
	}
	fputc('\n', stderr);
}

static void print_outcome(const cJSON *json)
{
	const cJSON *message;

	human_locale();
	cJSON_ArrayForEach(message, json_member(json, "errors")) print_message(message, "error");
	cJSON_ArrayForEach(message, json_member(json, "warnings"))
		print_message(message, "warning");
	cJSON_ArrayForEach(message, json_member(json, "absent_fields")) print_absent(message);
	if (json_is_true(json, "successful"))
		printf("%.0f rules, %.0f macros, %.0f lists: valid\n", json_number(json, "rules"),
		       json_number(json, "macros"), json_number(json, "lists"));
}

static int check(const char *const *files, uint32_t n, bool is_json)
{
	struct field_set fields = verb_fields_all();
	cJSON *json = document_rules_check(files, n, &fields, NULL);
	bool is_good = json_is_true(json, "successful");

	if (is_json) {
		SCOPED(free_ptr) char *text = json ? cJSON_PrintUnformatted(json) : NULL;

		printf("%s\n", text ? text : "");
	} else {
		print_outcome(json);
	}
	cJSON_Delete(json);
	return is_good ? 0 : 1;
}

int verb_rules_ask(int argc, char **argv)
{
	SCOPED(free_ptr) char **own = calloc((size_t)argc + 2, sizeof(*own));
	SCOPED(free_ptr) char *verb = human_print("rules %s", argv[0]);
	static char program[] = "ethogram";

	if (!own || !verb)
		return 1;
	own[0] = program;
	own[1] = verb;
	memcpy((void *)(own + 2), argv + 1, ((size_t)argc - 1) * sizeof(*own));
	return cli_main(argc + 1, own);
}

int verb_rules(int argc, char **argv)
{
	SCOPED(free_ptr) const char **files = calloc((size_t)argc + 1, sizeof(*files));
	bool is_json = false;
	uint32_t n = 0;

	if (argc >= 2 && strcmp(argv[1], "list") == 0)
		return cli_main(argc + 1, argv - 1); /* behind the program's name again */
	if (argc >= 2 && strcmp(argv[1], "explain") == 0)
		return cli_main(argc, argv); /* the verb of that name */
	if (argc >= 2 && strcmp(argv[1], "what-if") == 0)
		return verb_rules_what_if(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "except") == 0)
		return verb_rules_ask(argc - 1, argv + 1);
	if (!files || argc < 2 || strcmp(argv[1], "check") != 0)
		return usage();
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			is_json = true;
		else if (argv[i][0] == '-' && argv[i][1])
			return usage();
		else
			files[n++] = argv[i];
	}
	return n ? check(files, n, is_json) : usage();
}
