#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/util.h"
#include "cli/human.h"
#include "cli/verb.h"

#define WORKLOADS_SHOWN 3

/* ---- showing --------------------------------------------------------------------------------- */

static void print_safe(struct cli *cli, const char *text)
{
	SCOPED(free_ptr) char *safe = human_text(text);

	fputs(safe ? safe : "", cli->out);
}

static void print_lines(struct cli *cli, const char *text)
{
	SCOPED(free_ptr) char *copy = strdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) && (*line || rest)) {
		print_safe(cli, line);
		fputc('\n', cli->out);
	}
}

static void print_workloads(struct cli *cli, const cJSON *proposal)
{
	const cJSON *workloads = json_member(proposal, "workloads"), *item;
	int n = cJSON_GetArraySize(workloads), shown = 0;

	cJSON_ArrayForEach(item, workloads)
	{
		if (shown == WORKLOADS_SHOWN)
			break;
		fputs(shown++ ? ", " : ", of ", cli->out);
		print_safe(cli, json_string(item, "name"));
	}
	if (n > shown)
		fprintf(cli->out, " and %d more", n - shown);
}

static void print_proposal(struct cli *cli, const cJSON *proposal, int number)
{
	fprintf(cli->out, "%2d  ", number);
	print_safe(cli, json_string(proposal, "condition"));
	fprintf(cli->out, "\n    ");
	if (!json_is_true(proposal, "loads"))
		fprintf(cli->out, "does not load");
	else if (!json_is_true(proposal, "silences"))
		fprintf(cli->out, "does not silence this alert");
	else
		fprintf(cli->out,
			"hides %.0f, of which %.0f others (%.0f of alerts), %.0f%s process%s",
			json_number(proposal, "hidden"), json_number(proposal, "others"),
			json_number(proposal, "other_alerts"), json_number(proposal, "processes"),
			json_is_true(proposal, "processes_capped") ? " or more" : "",
			json_number(proposal, "processes") == 1 ? "" : "es");
	print_workloads(cli, proposal);
	fputc('\n', cli->out);
}

static void print_proposals(struct cli *cli, const cJSON *answer, const cJSON *picked)
{
	const cJSON *history = json_member(answer, "history"), *proposal;
	int number = 0;

	fputs("Rule ", cli->out);
	print_safe(cli, json_string(answer, "rule"));
	fprintf(cli->out, ": at least %.0f hits in %.0f stored events%s\n",
		json_number(answer, "hits"), json_number(history, "events"),
		json_is_true(history, "complete") ? "" : " (not all were looked at)");
	if (!json_is_true(answer, "matches"))
		fputs("As it is now it does not match this alert's event: nothing to except.\n",
		      cli->out);
	cJSON_ArrayForEach(proposal, json_member(answer, "items"))
		print_proposal(cli, proposal, ++number);
	if (picked) {
		fputc('\n', cli->out);
		print_lines(cli, json_string(picked, "yaml"));
	}
}

/* ---- saving ---------------------------------------------------------------------------------- */

/* What FILE is, or will be, with all links followed. */
static char *real_name(const char *file)
{
	SCOPED(free_ptr) char *for_dir = strdup(file);
	SCOPED(free_ptr) char *for_base = strdup(file);
	SCOPED(free_ptr) char *dir = NULL;
	char *real = realpath(file, NULL);

	if (real || errno != ENOENT || !for_dir || !for_base)
		return real;
	dir = realpath(dirname(for_dir), NULL);
	return dir ? human_print("%s/%s", dir, basename(for_base)) : NULL;
}

/* The file's content with the exception behind it. NULL after saying why. */
static char *new_content(const char *file, const char *alert, const char *yaml)
{
	SCOPED(free_ptr) char *old = NULL;
	struct stat info;
	size_t len = 0;

	if (stat(file, &info) == 0) {
		if (!S_ISREG(info.st_mode)) {
			fprintf(stderr, "ethogram: %s: is no plain file\n", file);
			return NULL;
		}
		old = cli_read_file(file, &len);
		if (!old)
			return NULL;
	}
	return human_print("%s%s%s# silences %s\n%s", old ? old : "",
			   len && old[len - 1] != '\n' ? "\n" : "", len ? "\n" : "", alert, yaml);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* All of it or nothing: beside the file, then in its place. */
static int replace_file(const char *file, const char *text)
{
	SCOPED(free_ptr) char *beside = human_print("%s.XXXXXX", file);
	SCOPED(close_fd) int fd = beside ? mkstemp(beside) : -1;
	struct stat info;
	int r;

	if (fd < 0)
		return -errno;
	if (stat(file, &info) == 0)
		r = fchmod(fd, info.st_mode & 07777) || fchown(fd, info.st_uid, info.st_gid)
			    ? -errno
			    : 0;
	else
		r = fchmod(fd, 0644) ? -errno : 0;
	if (!r)
		r = write_all(fd, text, strlen(text));
	if (!r && rename(beside, file))
		r = -errno;
	if (r)
		unlink(beside);
	return r;
}

/* Ask whether everything loads with the new content, and whether the alert is silenced then. */
static bool is_approved(struct cli *cli, const cJSON *answer, const char *file, const char *text)
{
	struct cli_path path;
	cJSON *json = NULL;
	const cJSON *error;
	char now[TIME_TEXT_BYTES];
	bool is_loaded, is_silent;

	cli_path_init(&path, "/v1/rules/what-if");
	cli_path_add(cli, &path, "file", file);
	cli_path_add(cli, &path, "alert", json_string(answer, "alert"));
	cli_path_add(cli, &path, "rule", json_string(answer, "rule"));
	cli_path_add(cli, &path, "since", time_print(cli->now_ns, now)); /* no history */
	if (cli_send(cli, &path, text, strlen(text), &json))
		return false;
	is_loaded = json_is_true(json, "successful");
	is_silent = cJSON_IsFalse(json_member(json_member(json, "alert"), "hit"));
	cJSON_ArrayForEach(error, json_member(json, "errors"))
	{
		SCOPED(free_ptr) char *message = human_text(json_string(error, "message"));

		fprintf(stderr, "ethogram: %s:%.0f: %s\n", file, json_number(error, "line"),
			message ? message : "");
	}
	cJSON_Delete(json);
	if (!is_loaded || !is_silent)
		fprintf(stderr, "ethogram: %s: not saved: %s\n", file,
			is_loaded ? "the alert's event would still be a hit"
				  : "the rules would not load");
	return is_loaded && is_silent;
}

static int save(struct cli *cli, const cJSON *answer, const cJSON *picked)
{
	SCOPED(free_ptr) char *file = real_name(cli->options[OPTION_SAVE]);
	SCOPED(free_ptr) char *text = NULL;
	int r;

	if (!json_is_true(answer, "matches")) {
		fprintf(stderr,
			"ethogram: not saved: the rule, as its files are now, is no more true "
			"of this alert's event\n");
		return 1;
	}
	if (!json_is_true(picked, "loads") || !json_is_true(picked, "silences")) {
		fprintf(stderr, "ethogram: not saved: it %s\n",
			json_is_true(picked, "loads") ? "does not silence this alert"
						      : "does not load");
		return 1;
	}
	if (!file) {
		fprintf(stderr, "ethogram: %s: %s\n", cli->options[OPTION_SAVE], strerror(errno));
		return 1;
	}
	text = new_content(file, json_string(answer, "alert"), json_string(picked, "yaml"));
	if (!text || !is_approved(cli, answer, file, text))
		return 1;
	r = replace_file(file, text);
	if (r) {
		fprintf(stderr, "ethogram: %s: cannot be written: %s\n", file, strerror(-r));
		return 1;
	}
	fprintf(cli->out,
		"\nSaved to %s. It counts once that file stands in rules.files, behind the rule's own, "
		"and the rules are reloaded.\n",
		file);
	return 0;
}

/* The one with the number that was asked for. NULL: there is none. */
static const cJSON *pick(const struct cli *cli, const cJSON *answer)
{
	const char *text = cli->options[OPTION_PICK] ? cli->options[OPTION_PICK] : "1";
	char *end;
	long number = strtol(text, &end, 10);

	if (*end || number < 1 || number > INT_MAX)
		return NULL;
	return cJSON_GetArrayItem(json_member(answer, "items"), (int)number - 1);
}

int cli_except(struct cli *cli)
{
	struct cli_path path;
	cJSON *json = NULL;
	const cJSON *picked;
	uint64_t id;
	int code;

	if (!id_parse('l', text_from(cli->arg), &id)) {
		fprintf(stderr, "ethogram rules except: '%s' is no alert's id, like l42\n",
			cli->arg);
		return 2;
	}
	if (cli->is_json && cli->options[OPTION_SAVE]) {
		fprintf(stderr, "ethogram rules except: --save and --json do not go together\n");
		return 2;
	}
	cli_path_init(&path, "/v1/alerts/%s/exceptions", cli->arg);
	code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	picked = pick(cli, json);
	print_proposals(cli, json, picked);
	if (!picked && (cli->options[OPTION_PICK] || cli->options[OPTION_SAVE])) {
		fprintf(stderr, "ethogram rules except: there is no proposal of that number\n");
		code = 2;
	} else if (cli->options[OPTION_SAVE]) {
		code = save(cli, json, picked);
	}
	cJSON_Delete(json);
	return code;
}
