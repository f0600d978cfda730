#include "cli/source_line.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "cli/human.h"

#define FILE_BYTES_MAX (8 << 20)
#define CELLS_MAX 65536 /* characters of a line that are looked at */
#define TAB_COLUMNS 8

/* One character as it is shown. */
struct cell {
	char *text; /* of one that is escaped or a tab, else NULL */
	const char *bytes;
	uint8_t len, width;
};

/* Length of the line break at at (libyaml's, as places are counted by them), 0 if none. */
static size_t break_len(const char *at, const char *end)
{
	static const struct text breaks[] = {TEXT("\r\n"),         TEXT("\n"),
					     TEXT("\r"),           TEXT("\xc2\x85"),
					     TEXT("\xe2\x80\xa8"), TEXT("\xe2\x80\xa9")};

	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		if ((size_t)(end - at) >= breaks[i].len &&
		    memcmp(at, breaks[i].ptr, breaks[i].len) == 0)
			return breaks[i].len;
	}
	return 0;
}

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	char *text = file ? malloc(FILE_BYTES_MAX) : NULL;

	*len = text ? fread(text, 1, FILE_BYTES_MAX, file) : 0;
	if (text && ferror(file)) {
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

static bool find_line(const char *text, size_t len, uint32_t line, struct text *out)
{
	const char *at = text, *end = text + len, *start;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	start = at;
	for (uint32_t n = 1; at <= end; at++) {
		size_t broken = at < end ? break_len(at, end) : 1;

		if (!broken)
			continue;
		if (n++ == line) {
			*out = (struct text){start, (uint32_t)(at - start)};
			return true;
		}
		at += broken - 1;
		start = at + 1;
	}
	return false;
}

/* Bytes of the UTF-8 character at p; 1 where there is none. */
static uint8_t character_len(const char *p, const char *end)
{
	unsigned char first = (unsigned char)*p;
	uint8_t n = first < 0x80 ? 1 : first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (first > 0xf4 || end - p < n)
		return 1;
	for (uint8_t i = 1; i < n; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 1;
	}
	return n;
}

static void fill_cell(struct cell *cell, const char *bytes, uint8_t len, unsigned column)
{
	char own[8] = {0};
	bool is_text = len > 1 || ((unsigned char)*bytes < 0x80 && *bytes);

	*cell = (struct cell){.bytes = bytes, .len = len};
	memcpy(own, bytes, len);
	if (*bytes == '\t')
		cell->text = human_print("%*s", (int)(TAB_COLUMNS - column % TAB_COLUMNS), "");
	else if (is_text)
		cell->text = human_text(own);
	else
		cell->text = human_print("\\x%02x", (unsigned char)*bytes);
	cell->width = cell->text ? (uint8_t)human_width(cell->text) : 0;
}

static struct cell *make_cells(struct text line, uint32_t *n)
{
	struct cell *cells = calloc((size_t)MIN(line.len, CELLS_MAX) + 1, sizeof(*cells));
	const char *end = line.ptr + line.len;
	unsigned column = 0;

	*n = 0;
	for (const char *p = line.ptr; cells && p < end && *n < CELLS_MAX; (*n)++) {
		uint8_t len = character_len(p, end);

		fill_cell(&cells[*n], p, len, column);
		column += cells[*n].width;
		p += len;
	}
	return cells;
}

/* The cells [first, last) to be shown: width columns with the marked one among them. */
static void choose_window(const struct cell *cells, uint32_t n, uint32_t mark, unsigned width,
			  uint32_t *first, uint32_t *last)
{
	unsigned before = 0, taken = 0;

	*first = MIN(mark, n);
	while (*first > 0 && before + cells[*first - 1].width <= width / 2)
		before += cells[--*first].width;
	/* What is not needed behind the mark shows more before it. */
	taken = before;
	for (*last = MIN(mark, n); *last < n && taken + cells[*last].width <= width; (*last)++)
		taken += cells[*last].width;
	while (*last == n && *first > 0 && taken + cells[*first - 1].width <= width)
		taken += cells[--*first].width;
}

static bool ends_word(const struct cell *cell)
{
	return strchr(" \t(){},", *cell->bytes) != NULL;
}

static void print_cells(FILE *out, const struct cell *cells, uint32_t n, uint32_t mark,
			unsigned width)
{
	uint32_t first, last, i = mark;
	unsigned before = 0;

	choose_window(cells, n, mark, width, &first, &last);
	fprintf(out, "    %s", first ? "..." : "");
	for (uint32_t k = first; k < last; k++)
		fprintf(out, "%s", cells[k].text ? cells[k].text : "");
	fprintf(out, "%s\n    %s", last < n ? "..." : "", first ? "   " : "");
	for (uint32_t k = first; k < MIN(mark, last); k++)
		before += cells[k].width;
	fprintf(out, "%*s^", (int)before, "");
	before = i < last && cells[i].width ? cells[i].width - 1u : 0;
	while (++i < last && !ends_word(&cells[mark]) && !ends_word(&cells[i]))
		before += cells[i].width;
	while (before--)
		fputc('~', out);
	fputc('\n', out);
}

void source_line_print(FILE *out, const char *path, uint32_t line, uint32_t column, unsigned width)
{
	struct cell *cells;
	struct text found;
	uint32_t n;
	size_t len;
	char *text = read_file(path, &len);

	if (text && line && column && find_line(text, len, line, &found)) {
		cells = make_cells(found, &n);
		if (cells)
			print_cells(out, cells, n, MIN(column - 1, n), width);
		for (uint32_t i = 0; cells && i < n; i++)
			free(cells[i].text);
		free(cells);
	}
	free(text);
}
