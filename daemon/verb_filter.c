#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "daemon/given.h"
#include "daemon/options.h"
#include "daemon/verb_text.h"
#include "daemon/verbs.h"
#include "filter/filter.h"

static int usage(void)
{
	fprintf(stderr, "usage: ethogram filter check FILTER\n"
			"       ethogram filter eval FILTER --fields JSON\n");
	return 2;
}

static int check(const char *source)
{
	SCOPED(filter_destroy) struct filter *filter = NULL;
	struct field_set fields = verb_fields_all();
	struct diag diag = {0};

	if (filter_compile(&filter, text_from(source), &fields, &diag)) {
		verb_print_diag("filter", source, &diag);
		return 1;
	}
	printf("filter is valid\n");
	return 0;
}

static int eval(const char *source, const char *json)
{
	SCOPED(given_destroy) struct given *given = NULL;
	SCOPED(filter_destroy) struct filter *filter = NULL;
	struct field_set fields = verb_fields_all();
	struct diag diag = {0};

	if (given_create(&given, json ? json : "{}", &fields, &diag)) {
		diag_print(&diag);
		return 1;
	}
	if (filter_compile(&filter, text_from(source), given_fields(given), &diag)) {
		verb_print_diag("filter", source, &diag);
		return 1;
	}
	printf("%s\n", filter_eval(filter, given_context(given)) ? "true" : "false");
	return 0;
}

int verb_filter(int argc, char **argv)
{
	const char *json;

	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc < 3 || strcmp(argv[1], "eval") != 0 || !verb_take_fields(argc, argv, 3, &json))
		return usage();
	return eval(argv[2], json);
}
