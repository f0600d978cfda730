/* Where and why a text (configuration, rule file, filter, request body) was refused. Text parsers
 * fill one, passed last, and never log. */
#pragma once

#include <stdint.h>

#define DIAG_MESSAGE_MAX 512
#define DIAG_FILE_MAX 256

struct diag {
	char file[DIAG_FILE_MAX]; /* empty when the text has no file */
	uint32_t line, column;    /* from 1; 0 unknown */
	uint32_t offset;          /* byte offset in the text */
	uint32_t source;          /* which text, where there are several (struct ast_node) */
	char message[DIAG_MESSAGE_MAX];
};

/* Set the message (and nothing else) and return r, so that a parser can
 * `return diag_set(diag, -EINVAL, "unknown key '%s'", key)`. diag may be NULL. */
int diag_set(struct diag *diag, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Set the place: line and column of byte offset in text. */
void diag_place(struct diag *diag, const char *text, uint32_t len, uint32_t offset);
