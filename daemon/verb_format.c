#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/given.h"
#include "daemon/options.h"
#include "daemon/verb_text.h"
#include "daemon/verbs.h"
#include "filter/filter.h"

#define OUTPUT_BYTES_MAX (1U << 20)

static int print_format(const struct format *format, const struct field_context *ctx)
{
	SCOPED(free_ptr) char *buffer = malloc(OUTPUT_BYTES_MAX);
	uint32_t len;

	if (!buffer)
		return 1;
	len = format_print(format, ctx, buffer, OUTPUT_BYTES_MAX);
	fwrite(buffer, 1, len, stdout);
	putchar('\n');
	return 0;
}

int verb_format(int argc, char **argv)
{
	SCOPED(given_destroy) struct given *given = NULL;
	SCOPED(format_destroy) struct format *format = NULL;
	struct field_set fields = verb_fields_all();
	struct diag diag = {0};
	const char *json;

	if (argc < 2 || !verb_take_fields(argc, argv, 2, &json)) {
		fprintf(stderr, "usage: ethogram format FORMAT --fields JSON\n");
		return 2;
	}
	if (given_create(&given, json ? json : "{}", &fields, &diag)) {
		diag_print(&diag);
		return 1;
	}
	if (format_compile(&format, text_from(argv[1]), given_fields(given), &diag)) {
		verb_print_diag("format", argv[1], &diag);
		return 1;
	}
	return print_format(format, given_context(given));
}
