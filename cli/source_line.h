/* A line of a file with a mark under one place, for people. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* Print line (from 1) of the file as two indented lines: its text, and under column (from 1,
 * counted in characters; each byte that is not UTF-8 is one) a caret, with tildes to the end of the
 * word. Tabs become blanks, what could steer the terminal is escaped, and of longer lines only
 * width columns around the place are shown. Prints nothing where the file or the line cannot be
 * read. */
void source_line_print(FILE *out, const char *path, uint32_t line, uint32_t column, unsigned width);
