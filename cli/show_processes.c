#include <string.h>

#include "base/util.h"
#include "cli/human.h"
#include "cli/verb.h"

#define INDENT_MAX 40 /* deeper levels are not indented further */

/* One line: pid, indented command line, workload. Nothing recurses: depth is a stranger's. */
static void show_line(const struct cli *cli, const cJSON *process, unsigned depth)
{
	SCOPED(free_ptr) char *cmdline = cli_safe(process, "cmdline");
	SCOPED(free_ptr) char *exe = cli_safe(process, "exe");
	SCOPED(free_ptr) char *user = cli_safe(process, "user");
	SCOPED(free_ptr) char *workload = cli_safe(process, "workload");
	const char *what = cmdline && *cmdline ? cmdline : exe ? exe : "";
	unsigned indent = MIN(2 * depth, INDENT_MAX);
	unsigned used = 8 + 12 + 32 + indent;
	unsigned left = cli->width > used + 20 ? cli->width - used : 20;
	size_t len = cli->width ? human_fit(what, left) : strlen(what);
	size_t workload_len = human_fit(workload ? workload : "", 30);

	fprintf(cli->out, "%7.0f  %-10.10s  %-*.*s  %*s%.*s%s\n", json_number(process, "pid"),
		user ? user : "", 30, (int)workload_len, workload ? workload : "", (int)indent, "",
		(int)len, what, what[len] ? "…" : "");
	if (json_is_true(process, "children_cut"))
		fprintf(cli->out, "%*s…\n", (int)(55 + indent), "");
}

/* Depth first, with the way back on a small stack: the server answers at most 64 levels. */
static void show_tree(const struct cli *cli, const cJSON *root)
{
	const cJSON *stack[66];
	unsigned depth = 0;
	unsigned is_whole = json_number(root, "pid") == 0; /* the kernel takes no line */
	const cJSON *at = root;

	while (at) {
		const cJSON *child =
			json_member(at, "children") ? json_member(at, "children")->child : NULL;

		if (json_number(at, "pid") != 0)
			show_line(cli, at, depth - is_whole);
		if (child && depth + 1 < ARRAY_SIZE(stack)) {
			stack[depth++] = at;
			at = child;
			continue;
		}
		while (at && (at == root || !at->next))
			at = depth ? stack[--depth] : NULL;
		at = at ? at->next : NULL;
	}
}

int cli_processes(struct cli *cli)
{
	struct cli_path path;
	cJSON *json = NULL;
	int code;

	cli_path_init(&path, "/v1/processes");
	cli_path_add(cli, &path, "root", cli->options[OPTION_ROOT]);
	cli_path_add(cli, &path, "depth", cli->options[OPTION_DEPTH]);
	code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	fprintf(cli->out, "%7s  %-10s  %-30s  %s\n", "PID", "USER", "WORKLOAD", "COMMAND");
	show_tree(cli, json);
	cJSON_Delete(json);
	return 0;
}
