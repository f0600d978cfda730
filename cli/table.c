#include "cli/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/human.h"

#define COLUMNS_MAX 12
#define GAP 2 /* blanks between columns */
#define FLEXIBLE_WIDTH_MIN 12

struct table {
	const struct column *columns;
	unsigned n_columns;
	char **cells; /* row after row */
	size_t n_cells, capacity;
	bool is_short; /* out of memory: rows are missing */
};

int table_create(struct table **out, const struct column *columns, unsigned n_columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->columns = columns;
	table->n_columns = MIN(n_columns, COLUMNS_MAX);
	*out = table;
	return 0;
}

void table_destroy(struct table **table_ptr)
{
	struct table *table = TAKE(*table_ptr);

	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void table_add(struct table *table, char *text)
{
	if (table->n_cells == table->capacity) {
		size_t capacity = table->capacity ? table->capacity * 2 : 64;
		char **grown = reallocarray(table->cells, capacity, sizeof(char *));

		if (!grown) {
			table->is_short = true;
			free(text);
			return;
		}
		table->cells = grown;
		table->capacity = capacity;
	}
	table->cells[table->n_cells++] = text;
}

void table_add_copy(struct table *table, const char *text)
{
	table_add(table, strdup(text));
}

static const char *cell_text(const struct table *table, size_t index)
{
	return table->cells[index] ? table->cells[index] : "";
}

static void measure(const struct table *table, unsigned widths[COLUMNS_MAX])
{
	assert(table->n_columns > 0);
	for (unsigned c = 0; c < table->n_columns; c++)
		widths[c] = human_width(table->columns[c].title);
	for (size_t i = 0; i < table->n_cells; i++) {
		unsigned *width = &widths[i % table->n_columns];

		*width = MAX(*width, human_width(cell_text(table, i)));
	}
}

/* Take what the line is too long by from the flexible columns, always from the widest. */
static void shrink(const struct table *table, unsigned widths[COLUMNS_MAX], unsigned line_width)
{
	unsigned total = GAP * (table->n_columns - 1);

	for (unsigned c = 0; c < table->n_columns; c++)
		total += widths[c];
	for (; total > line_width; total--) {
		unsigned widest = COLUMNS_MAX;

		for (unsigned c = 0; c < table->n_columns; c++) {
			if (table->columns[c].is_flexible && widths[c] > FLEXIBLE_WIDTH_MIN &&
			    (widest == COLUMNS_MAX || widths[c] > widths[widest]))
				widest = c;
		}
		if (widest == COLUMNS_MAX)
			return;
		widths[widest]--;
	}
}

static void print_cell(FILE *to, const char *text, unsigned width, bool is_right, bool is_last)
{
	unsigned taken = human_width(text);

	if (taken > width && width > 0) {
		fprintf(to, "%.*s…", (int)human_fit(text, width - 1), text);
		taken = human_width(text) > width ? width : taken;
	} else if (is_right) {
		fprintf(to, "%*s%s", (int)(width - taken), "", text);
		taken = width;
	} else {
		fputs(text, to);
	}
	if (!is_last)
		fprintf(to, "%*s", (int)(width - MIN(taken, width) + GAP), "");
}

void table_print(const struct table *table, FILE *to, unsigned line_width)
{
	unsigned widths[COLUMNS_MAX];
	unsigned n = table->n_columns;

	assert(n > 0);

	measure(table, widths);
	if (line_width)
		shrink(table, widths, line_width);
	for (unsigned c = 0; c < n; c++)
		print_cell(to, table->columns[c].title, widths[c], table->columns[c].is_right,
			   c + 1 == n);
	fputc('\n', to);
	for (size_t i = 0; i < table->n_cells; i++) {
		unsigned c = (unsigned)(i % n);

		print_cell(to, cell_text(table, i), widths[c], table->columns[c].is_right,
			   c + 1 == n);
		if (c + 1 == n)
			fputc('\n', to);
	}
	if (table->is_short)
		fputs("(out of memory: rows are missing)\n", to);
}

unsigned table_terminal_width(FILE *to)
{
	struct winsize size;

	if (!isatty(fileno(to)) || ioctl(fileno(to), TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}
