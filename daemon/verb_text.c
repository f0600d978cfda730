#include "daemon/verb_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anomaly/incidents.h"
#include "base/util.h"
#include "cli/human.h"
#include "rules/rules.h"

struct field_set verb_fields_all(void)
{
	return (struct field_set){.n_tables = 4,
				  .tables = {state_field_table(), anomaly_field_table(),
					     rule_field_table(), hit_field_table()}};
}

/* The line of text around offset; *before is how much of it stands before offset. */
static struct text line_at(const char *text, uint32_t offset, uint32_t *before)
{
	size_t len = strlen(text);
	const char *at = text + MIN(offset, len), *start = at, *end;

	while (start > text && start[-1] != '\n')
		start--;
	end = at + strcspn(at, "\n");
	*before = (uint32_t)(at - start);
	return (struct text){start, (uint32_t)(end - start)};
}

void verb_print_diag(const char *what, const char *text, const struct diag *diag)
{
	uint32_t before;
	struct text line = line_at(text, diag->offset, &before);
	SCOPED(free_ptr) char *whole = text_dup(line);
	SCOPED(free_ptr) char *head = text_dup((struct text){line.ptr, before});
	SCOPED(free_ptr) char *safe = whole ? human_text(whole) : NULL;
	SCOPED(free_ptr) char *safe_head = head ? human_text(head) : NULL;
	SCOPED(free_ptr) char *message = human_text(diag->message);

	fprintf(stderr, "ethogram: %s", what);
	if (diag->line)
		fprintf(stderr, ":%u:%u", diag->line, diag->column);
	fprintf(stderr, ": %s\n", message ? message : diag->message);
	if (safe && safe_head && diag->line)
		fprintf(stderr, "  %s\n  %*s^\n", safe, (int)human_width(safe_head), "");
}

bool verb_take_fields(int argc, char **argv, int first, const char **json)
{
	*json = NULL;
	for (int i = first; i < argc; i++) {
		if (*json)
			return false;
		if (strncmp(argv[i], "--fields=", 9) == 0)
			*json = argv[i] + 9;
		else if (strcmp(argv[i], "--fields") == 0 && i + 1 < argc)
			*json = argv[++i];
		else
			return false;
	}
	return true;
}
