#include "cli/verb.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/util.h"
#include "cli/human.h"

#define FILE_BYTES_MAX (1U << 20) /* as the server takes */

void cli_path_init(struct cli_path *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	path->is_cut =
		vsnprintf(path->text, sizeof(path->text), format, args) >= (int)sizeof(path->text);
	va_end(args);
}

void cli_path_add(struct cli *cli, struct cli_path *path, const char *name, const char *value)
{
	SCOPED(free_ptr) char *escaped = value ? client_escape(cli->client, value) : NULL;
	size_t used = strlen(path->text), left = sizeof(path->text) - used;

	if (!value)
		return;
	if (!escaped ||
	    (size_t)snprintf(path->text + used, left, "%c%s=%s",
			     strchr(path->text, '?') ? '&' : '?', name, escaped) >= left)
		path->is_cut = true;
}

bool cli_parse_duration(const char *text, double *seconds)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {
		{"", 1},      {"s", 1},       {"m", 60},       {"min", 60},   {"h", 3600},
		{"d", 86400}, {"day", 86400}, {"days", 86400}, {"w", 604800}, {"y", 31536000},
	};
	char *end;
	double value;

	if (*text < '0' || *text > '9')
		return false;
	value = strtod(text, &end);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].name) != 0 || !isfinite(value))
			continue;
		*seconds = value * units[i].seconds;
		return true;
	}
	return false;
}

bool cli_path_add_time(struct cli *cli, struct cli_path *path, const char *name,
		       enum cli_option option)
{
	const char *text = cli->options[option];
	char printed[TIME_TEXT_BYTES];
	double seconds;
	uint64_t ns;

	if (!text)
		return true;
	if (strpbrk(text, "smhdwy") && cli_parse_duration(text, &seconds)) {
		ns = (uint64_t)(MIN(seconds, 1e9) * 1e9);
		ns = cli->now_ns > ns ? cli->now_ns - ns : 0;
	} else if (!time_parse(text_from(text), &ns)) {
		fprintf(stderr,
			"ethogram: --%s '%s': must be a time like 2026-11-20T12:00:00Z or how long "
			"ago, like 2h\n",
			name, text);
		return false;
	}
	cli_path_add(cli, path, name, time_print(ns, printed));
	return true;
}

bool cli_path_add_duration(struct cli *cli, struct cli_path *path, const char *name,
			   enum cli_option option)
{
	const char *text = cli->options[option];
	char printed[32];
	double seconds;

	if (!text)
		return true;
	if (!cli_parse_duration(text, &seconds)) {
		fprintf(stderr, "ethogram: '%s': must be a duration like 90, 8h or 2d\n", text);
		return false;
	}
	snprintf(printed, sizeof(printed), "%.3f", seconds);
	cli_path_add(cli, path, name, printed);
	return true;
}

static int ask(struct cli *cli, const struct cli_path *path, const char *body, size_t len,
	       cJSON **json)
{
	SCOPED(free_ptr) char *text = NULL;
	cJSON **parsed = cli->is_json ? NULL : json;
	int r;

	if (path->is_cut) {
		fprintf(stderr, "ethogram: the arguments are too long\n");
		return 2;
	}
	r = body ? client_post(cli->client, path->text, body, len, &text, parsed)
		 : client_get(cli->client, path->text, &text, parsed);
	if (r)
		return 1;
	if (cli->is_json)
		fprintf(cli->out, "%s\n", text);
	return 0;
}

int cli_ask(struct cli *cli, const struct cli_path *path, cJSON **json)
{
	return ask(cli, path, NULL, 0, json);
}

int cli_send(struct cli *cli, const struct cli_path *path, const char *body, size_t len,
	     cJSON **json)
{
	return ask(cli, path, body, len, json);
}

char *cli_read_file(const char *path, size_t *len)
{
	SCOPED(free_ptr) char *text = malloc(FILE_BYTES_MAX + 2);
	FILE *file = fopen(path, "re");
	bool is_bad;

	if (!file || !text) {
		fprintf(stderr, "ethogram: %s: %s\n", path, strerror(errno));
		if (file)
			fclose(file);
		return NULL;
	}
	*len = fread(text, 1, FILE_BYTES_MAX + 1, file);
	is_bad = ferror(file);
	fclose(file);
	if (is_bad || *len > FILE_BYTES_MAX) {
		fprintf(stderr, "ethogram: %s: %s\n", path,
			is_bad ? "cannot be read" : "the file is larger than 1 MiB");
		return NULL;
	}
	text[*len] = '\0';
	return TAKE(text);
}

/* How well a name fits what was typed: 3 the same, 2 begins with it, 1 holds it, 0 not. */
static int fit(const cJSON *workload, const char *text)
{
	const char *name = json_string(workload, "name");
	const char *colon = strchr(name, ':');

	if (strcmp(name, text) == 0 || strcmp(json_string(workload, "id"), text) == 0)
		return 3;
	if (strncmp(name, text, strlen(text)) == 0 ||
	    (colon && strncmp(colon + 1, text, strlen(text)) == 0))
		return 2;
	return strstr(name, text) ? 1 : 0;
}

struct choice {
	int fit;
	unsigned n; /* with that fit */
	char id[17];
	char *names; /* of those, for people */
};

static void choose(struct choice *choice, const cJSON *workload, const char *text)
{
	int how = fit(workload, text);
	char *names = NULL;

	if (how == 0 || how < choice->fit)
		return;
	if (how > choice->fit) {
		free(choice->names);
		*choice = (struct choice){.fit = how};
		snprintf(choice->id, sizeof(choice->id), "%s", json_string(workload, "id"));
	}
	choice->n++;
	if (choice->n <= 8) {
		SCOPED(free_ptr) char *name = human_text(json_string(workload, "name"));

		if (asprintf(&names, "%s  %s\n", choice->names ? choice->names : "",
			     name ? name : "") < 0)
			return;
		free(choice->names);
		choice->names = names;
	}
}

int cli_find_workload(struct cli *cli, const char *text, char id[17])
{
	struct choice choice = {0};
	SCOPED(free_ptr) char *safe = human_text(text);
	char *cursor = NULL;
	int code = 0;

	do {
		struct cli_path path;
		cJSON *json = NULL;
		const cJSON *item;

		cli_path_init(&path, "/v1/workloads?limit=1000");
		cli_path_add(cli, &path, "cursor", cursor);
		free(cursor);
		cursor = NULL;
		if (client_get(cli->client, path.text, NULL, &json))
			code = 1;
		cJSON_ArrayForEach(item, json_member(json, "items")) choose(&choice, item, text);
		if (*json_string(json, "next"))
			cursor = strdup(json_string(json, "next"));
		cJSON_Delete(json);
	} while (cursor && code == 0);

	if (code == 0 && choice.n == 0)
		fprintf(stderr, "ethogram: no workload '%s'; see: ethogram workloads\n", safe);
	else if (code == 0 && choice.n > 1)
		fprintf(stderr, "ethogram: '%s' fits %u workloads:\n%s%s", safe, choice.n,
			choice.names ? choice.names : "", choice.n > 8 ? "  …\n" : "");
	if (choice.n != 1)
		code = 1;
	memcpy(id, choice.id, sizeof(choice.id));
	free(choice.names);
	return code;
}

const cJSON *json_member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_string(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(json_member(object, name));

	return text ? text : "";
}

double json_number(const cJSON *object, const char *name)
{
	const cJSON *item = json_member(object, name);

	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

bool json_is_true(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(json_member(object, name));
}

/* Append " > part" to *text. */
static void append_part(char **text, const char *part)
{
	SCOPED(free_ptr) char *safe = human_text(part);
	char *grown;

	if (!safe || asprintf(&grown, "%s%s%s", *text ? *text : "", *text ? " > " : "", safe) < 0)
		return;
	free(*text);
	*text = grown;
}

char *cli_key_text(const cJSON *key)
{
	char *text = NULL;
	const cJSON *field;

	cJSON_ArrayForEach(field, key)
		append_part(&text, cJSON_GetStringValue(field) ? cJSON_GetStringValue(field) : "");
	return text;
}

/* The file's name alone: "/usr/bin/redis-server" is known as redis-server; "?" for what was not
 * seen. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!*path)
		return "?";
	return slash && slash[1] ? slash + 1 : path;
}

char *cli_lineage_text(const cJSON *process)
{
	const cJSON *lineage = json_member(process, "lineage");
	char *text = NULL;

	for (int i = cJSON_GetArraySize(lineage); i-- > 0;)
		append_part(&text, base_name(json_string(cJSON_GetArrayItem(lineage, i), "exe")));
	append_part(&text, base_name(json_string(process, "exe")));
	return text;
}

char *cli_ago(const struct cli *cli, const cJSON *object, const char *name)
{
	return human_ago(cJSON_GetStringValue(json_member(object, name)), cli->now_ns);
}

char *cli_duration(const cJSON *object, const char *name)
{
	return human_duration(json_number(object, name));
}

char *cli_safe(const cJSON *object, const char *name)
{
	return human_text(json_string(object, name));
}

void cli_line(const struct cli *cli, const char *label, char *value)
{
	fprintf(cli->out, "%-14s %s\n", label, value ? value : "");
	free(value);
}

int cli_list_path(struct cli *cli, struct cli_path *path, const char *start,
		  const char *usual_limit)
{
	const char *workload = cli->options[OPTION_WORKLOAD];
	const char *limit = cli->options[OPTION_LIMIT];
	char id[17];
	int code;

	cli_path_init(path, "%s", start);
	if (!cli_path_add_time(cli, path, "since", OPTION_SINCE) ||
	    !cli_path_add_time(cli, path, "until", OPTION_UNTIL) ||
	    !cli_path_add_duration(cli, path, "min_return_period_s", OPTION_MIN_RETURN_PERIOD))
		return 2;
	if (workload) {
		code = cli_find_workload(cli, workload, id);
		if (code)
			return code;
		cli_path_add(cli, path, "workload", id);
	}
	cli_path_add(cli, path, "dimension", cli->options[OPTION_DIMENSION]);
	cli_path_add(cli, path, "state", cli->options[OPTION_STATE]);
	cli_path_add(cli, path, "below_threshold", cli->is_below ? "true" : NULL);
	cli_path_add(cli, path, "rule", cli->options[OPTION_RULE]);
	cli_path_add(cli, path, "min_priority", cli->options[OPTION_PRIORITY]);
	cli_path_add(cli, path, "incident", cli->options[OPTION_INCIDENT]);
	cli_path_add(cli, path, "cursor", cli->options[OPTION_CURSOR]);
	cli_path_add(cli, path, "limit", limit ? limit : usual_limit);
	return 0;
}
