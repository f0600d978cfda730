/* A table on a terminal: columns as wide as their content, the flexible ones cut where the line
 * would not fit. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct table;

struct column {
	const char *title;
	bool is_right;    /* figures */
	bool is_flexible; /* may be cut with "…" */
};

/* 0 or -ENOMEM. columns are borrowed until the table is destroyed. */
int table_create(struct table **out, const struct column *columns, unsigned n_columns);
void table_destroy(struct table **table);

/* The next cell; takes text (malloc'd, made safe with human_text(); NULL is empty). */
void table_add(struct table *table, char *text);

/* The same for text that is safe already; copied. */
void table_add_copy(struct table *table, const char *text);

/* width 0: never cut. */
void table_print(const struct table *table, FILE *to, unsigned width);

/* Columns of the terminal that to is; 0 where it is none. */
unsigned table_terminal_width(FILE *to);
