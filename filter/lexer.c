#include "filter/lexer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/util.h"

bool lex_fail(struct lexer *lex, const char *format, ...)
{
	char message[DIAG_MESSAGE_MAX];
	va_list args;

	if (lex->error)
		return false;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	lex->error = diag_set(lex->diag, -EINVAL, "%s", message);
	diag_place(lex->diag, lex->source.ptr, lex->source.len, lex->at);
	return false;
}

bool lex_no_memory(struct lexer *lex)
{
	if (!lex->error)
		lex->error = diag_set(lex->diag, -ENOMEM, "the text is too large");
	return false;
}

/* The character n behind the position; NUL past the end (a NUL in the text is no token either). */
static char peek(const struct lexer *lex, uint32_t n)
{
	return lex->source.len - lex->at > n ? lex->source.ptr[lex->at + n] : '\0';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n';
}

/* What ends a bare word, as isspace(3) has it: not the same as a blank. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct text take(struct lexer *lex, uint32_t len)
{
	struct text t = {lex->source.ptr + lex->at, len};

	lex->at += len;
	return t;
}

bool lex_at_end(const struct lexer *lex)
{
	return lex->at == lex->source.len;
}

bool lex_at_quote(const struct lexer *lex)
{
	return peek(lex, 0) == '"' || peek(lex, 0) == '\'';
}

bool lex_blank(struct lexer *lex)
{
	uint32_t start = lex->at;

	while (!lex_at_end(lex) && is_blank(lex->source.ptr[lex->at]))
		lex->at++;
	return lex->at > start;
}

bool lex_string(struct lexer *lex, const char *token)
{
	struct text rest = {lex->source.ptr + lex->at, lex->source.len - lex->at};
	struct text t = text_from(token);

	if (!text_starts_with(rest, t))
		return false;
	lex->at += t.len;
	return true;
}

/* Length of an identifier that begins n behind the position, 0 if none does. */
static uint32_t identifier_len(const struct lexer *lex, uint32_t n)
{
	uint32_t len = 0;

	if (!is_letter(peek(lex, n)))
		return 0;
	while (is_letter(peek(lex, n + len)) || is_digit(peek(lex, n + len)) ||
	       peek(lex, n + len) == '_')
		len++;
	return len;
}

bool lex_identifier(struct lexer *lex, struct text *out)
{
	uint32_t len = identifier_len(lex, 0);

	if (len)
		*out = take(lex, len);
	return len > 0;
}

bool lex_field_name(struct lexer *lex, struct text *out)
{
	uint32_t first = identifier_len(lex, 0), len = first;

	while (len && peek(lex, len) == '.') {
		uint32_t part = identifier_len(lex, len + 1);

		if (!part)
			break;
		len += 1 + part;
	}
	if (len == first)
		return false;
	*out = take(lex, len);
	return true;
}

/* 0x[0-9a-fA-F]+ or [+-]?[0-9]+\.?[0-9]*([eE][+-][0-9]+)? */
bool lex_number(struct lexer *lex, struct text *out)
{
	uint32_t len = 0;

	if (peek(lex, 0) == '0' && (peek(lex, 1) == 'x' || peek(lex, 1) == 'X') &&
	    text_hex_digit(peek(lex, 2)) >= 0) {
		for (len = 2; text_hex_digit(peek(lex, len)) >= 0;)
			len++;
		*out = take(lex, len);
		return true;
	}
	if (peek(lex, 0) == '+' || peek(lex, 0) == '-')
		len++;
	if (!is_digit(peek(lex, len)))
		return false;
	while (is_digit(peek(lex, len)))
		len++;
	if (peek(lex, len) == '.')
		len++;
	while (is_digit(peek(lex, len)))
		len++;
	if ((peek(lex, len) == 'e' || peek(lex, len) == 'E') &&
	    (peek(lex, len + 1) == '+' || peek(lex, len + 1) == '-') &&
	    is_digit(peek(lex, len + 2))) {
		for (len += 3; is_digit(peek(lex, len));)
			len++;
	}
	*out = take(lex, len);
	return true;
}

bool lex_bare_string(struct lexer *lex, struct text *out)
{
	uint32_t len = 0;

	for (; lex->at + len < lex->source.len; len++) {
		char c = lex->source.ptr[lex->at + len];

		if (is_space(c) || c == '\0' || strchr("()\"'=,", c))
			break;
	}
	if (len)
		*out = take(lex, len);
	return len > 0;
}

/* Decode one escape sequence whose backslash stands at text.ptr[i]. Returns its length, 0 if it is
 * none. */
static uint32_t unescape_one(struct text text, uint32_t i, char quote, char *out)
{
	char c = i + 1 < text.len ? text.ptr[i + 1] : '\0';
	int high, low;

	switch (c) {
	case 'b':
		*out = '\b';
		return 2;
	case 'f':
		*out = '\f';
		return 2;
	case 'n':
		*out = '\n';
		return 2;
	case 'r':
		*out = '\r';
		return 2;
	case 't':
		*out = '\t';
		return 2;
	case ' ':
		*out = '\\';
		return 2;
	case '\\':
	case '/':
		*out = c;
		return 2;
	case 'x':
		high = i + 2 < text.len ? text_hex_digit(text.ptr[i + 2]) : -1;
		low = i + 3 < text.len ? text_hex_digit(text.ptr[i + 3]) : -1;
		*out = (char)(high * 16 + low);
		return high >= 0 && low >= 0 ? 4 : 0;
	default:
		*out = c;
		return c == quote && c ? 2 : 0;
	}
}

static bool unescape(struct lexer *lex, struct text raw, char quote, struct text *out)
{
	char *bytes = pool_alloc(lex->pool, (size_t)raw.len + 1);
	uint32_t n = 0, i = 0;

	if (!bytes)
		return lex_no_memory(lex);
	while (i < raw.len) {
		uint32_t len = 1;

		if (raw.ptr[i] == '\\') {
			len = unescape_one(raw, i, quote, &bytes[n]);
			if (!len) {
				lex->at += i;
				return lex_fail(lex,
						"this escape sequence does not exist; known are "
						"\\b \\f \\n \\r \\t \\\\ \\/ \\xHH");
			}
		} else {
			bytes[n] = raw.ptr[i];
		}
		n++;
		i += len;
	}
	*out = (struct text){bytes, n};
	return true;
}

bool lex_quoted_string(struct lexer *lex, struct text *out)
{
	char quote = peek(lex, 0), previous = '\0';
	uint32_t end;
	struct text raw;

	if (lex->error || !lex_at_quote(lex))
		return false;
	for (end = lex->at + 1; end < lex->source.len; end++) {
		/* As upstream: a backslash before the quote keeps the string open even when it is
		 * itself escaped. */
		if (lex->source.ptr[end] == quote && previous != '\\')
			break;
		previous = lex->source.ptr[end];
	}
	if (end == lex->source.len)
		return lex_fail(lex, "the string that opens here has no closing %c", quote);
	raw = (struct text){lex->source.ptr + lex->at + 1, end - lex->at - 1};
	lex->at++;
	if (!unescape(lex, raw, quote, out))
		return false;
	lex->at = end + 1;
	return true;
}

bool lex_argument(struct lexer *lex, struct text *out)
{
	uint32_t len = 0;

	if (lex->error || peek(lex, 0) != '[')
		return false;
	lex->at++;
	if (lex_at_quote(lex)) {
		if (!lex_quoted_string(lex, out))
			return false;
	} else {
		for (; lex->at + len < lex->source.len; len++) {
			char c = lex->source.ptr[lex->at + len];

			if (is_space(c) || c == '\0' || strchr("[]\"'", c))
				break;
		}
		if (!len)
			return lex_fail(lex, "expected an argument");
		*out = take(lex, len);
	}
	if (!lex_string(lex, "]"))
		return lex_fail(lex, "expected ']' after the argument");
	return true;
}
