/* Tokens of the filter language. Every function tries one kind of token at the position, and moves
 * behind it when it is there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/text.h"
#include "filter/pool.h"

struct lexer {
	struct text source;
	uint32_t at;
	struct pool *pool;
	struct diag *diag;
	int error; /* 0 until something failed: -EINVAL (diag is filled) or -ENOMEM */
};

/* Record the first failure at the present position. Returns false. */
bool lex_fail(struct lexer *lex, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool lex_no_memory(struct lexer *lex);

/* Skip blanks; true if there was one. */
bool lex_blank(struct lexer *lex);

/* The very characters, whatever follows. */
bool lex_string(struct lexer *lex, const char *token);

bool lex_identifier(struct lexer *lex, struct text *out);
bool lex_field_name(struct lexer *lex, struct text *out);
bool lex_number(struct lexer *lex, struct text *out);
bool lex_bare_string(struct lexer *lex, struct text *out);

/* False with lex->error set when a quote opens but the string is bad. */
bool lex_quoted_string(struct lexer *lex, struct text *out);

/* [argument]. False with lex->error set when the bracket opens but the argument is bad. */
bool lex_argument(struct lexer *lex, struct text *out);

bool lex_at_quote(const struct lexer *lex);
bool lex_at_end(const struct lexer *lex);
