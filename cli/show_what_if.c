#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/verb.h"
#include "cli/what_if.h"

#define NAME_BYTES_MAX 512 /* of the file, as the server takes it */

int cli_what_if(struct cli *cli)
{
	SCOPED(free_ptr) char *real = NULL;
	SCOPED(free_ptr) char *text = NULL;
	struct cli_path path;
	cJSON *json = NULL;
	size_t len = 0;
	bool is_good;
	int code;

	if (!cli->arg && !cli->options[OPTION_RULE] && !cli->wants_all) {
		fprintf(stderr, "ethogram rules what-if: FILE, --rule NAME or --all is needed\n");
		return 2;
	}
	cli_path_init(&path, "/v1/rules/what-if");
	if (cli->arg) {
		text = cli_read_file(cli->arg, &len);
		real = realpath(cli->arg, NULL);
		if (!text)
			return 1;
		if (real && strlen(real) <= NAME_BYTES_MAX)
			cli_path_add(cli, &path, "file", real);
	}
	if (!cli_path_add_time(cli, &path, "since", OPTION_SINCE) ||
	    !cli_path_add_time(cli, &path, "until", OPTION_UNTIL))
		return 2;
	cli_path_add(cli, &path, "rule", cli->options[OPTION_RULE]);
	cli_path_add(cli, &path, "cursor", cli->options[OPTION_CURSOR]);
	cli_path_add(cli, &path, "all", cli->wants_all ? "true" : NULL);
	code = cli_send(cli, &path, text ? text : "", len, &json);
	if (!json)
		return code;
	what_if_print(json, false, cli->out);
	is_good = json_is_true(json, "successful");
	if (*json_string(json, "next"))
		fprintf(cli->out, "\nGo on with: --cursor %s\n", json_string(json, "next"));
	cJSON_Delete(json);
	return is_good ? 0 : 1;
}
