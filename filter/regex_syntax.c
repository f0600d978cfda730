#include "filter/regex_syntax.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/utf8.h"

#define REPEAT_MAX 1000
#define DEPTH_MAX 200
#define OUTPUT_MAX (UINT32_C(1) << 20)

struct translation {
	struct text pattern;
	uint32_t at;
	char *out;
	uint32_t len, size;
	uint32_t depth;
	int error;
	struct diag *diag;
};

/* What stands before a repetition operator. */
struct atom {
	bool exists, is_repeated;
	uint32_t start;  /* of its translation */
	uint32_t repeat; /* product of the repetitions in it */
};

static bool fail(struct translation *t, const char *message)
{
	if (!t->error)
		t->error = diag_set(t->diag, -EINVAL, "bad regular expression: %s at byte %u",
				    message, t->at);
	return false;
}

static bool reserve(struct translation *t, uint32_t more)
{
	uint32_t size = t->size ? t->size : 64;
	char *grown;

	if (t->error || t->len + more >= OUTPUT_MAX)
		return fail(t, "too large");
	while (size < t->len + more + 1)
		size *= 2;
	if (size == t->size)
		return true;
	grown = realloc(t->out, size);
	if (!grown) {
		t->error = -ENOMEM;
		return false;
	}
	t->out = grown;
	t->size = size;
	return true;
}

static void emit(struct translation *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void emit(struct translation *t, const char *format, ...)
{
	char piece[64];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	if (!reserve(t, (uint32_t)n))
		return;
	memcpy(t->out + t->len, piece, (size_t)n);
	t->len += (uint32_t)n;
}

/* Insert "(?:" at start, so that what follows becomes one group. */
static void open_group_at(struct translation *t, uint32_t start)
{
	if (!reserve(t, 3))
		return;
	memmove(t->out + start + 3, t->out + start, t->len - start);
	memcpy(t->out + start, "(?:", 3);
	t->len += 3;
}

static char peek(const struct translation *t, uint32_t n)
{
	return t->pattern.len - t->at > n ? t->pattern.ptr[t->at + n] : '\0';
}

static bool at_end(const struct translation *t)
{
	return t->at == t->pattern.len;
}

/* The character at the position, decoded; the pattern is valid UTF-8. */
static uint32_t take_char(struct translation *t)
{
	bool is_valid;
	uint32_t len = utf8_next(t->pattern, t->at, &is_valid);
	uint32_t c = (unsigned char)t->pattern.ptr[t->at];

	if (len > 1) {
		c &= 0x7f >> len;
		for (uint32_t i = 1; i < len; i++)
			c = c << 6 | ((unsigned char)t->pattern.ptr[t->at + i] & 0x3f);
	}
	t->at += len;
	return c;
}

static bool take_hex(struct translation *t, uint32_t *c)
{
	bool is_braced = peek(t, 0) == '{';
	uint32_t n = 0;

	t->at += is_braced;
	*c = 0;
	while (isxdigit((unsigned char)peek(t, 0)) && (is_braced || n < 2) && n < 7) {
		*c = *c * 16 + (uint32_t)text_hex_digit(peek(t, 0));
		t->at++;
		n++;
	}
	if (is_braced ? n == 0 || peek(t, 0) != '}' : n != 2)
		return fail(t, "bad escape sequence");
	t->at += is_braced;
	return *c <= 0x10ffff || fail(t, "bad escape sequence");
}

/* Behind a backslash. */
static bool take_escape(struct translation *t, uint32_t *c)
{
	static const char letters[] = "nrtafv", meant[] = "\n\r\t\a\f\v";
	char first = peek(t, 0);
	const char *letter;

	if (at_end(t))
		return fail(t, "trailing backslash");
	if ((unsigned char)first >= 0x80)
		return fail(t, "bad escape sequence");
	t->at++;
	if (!isalnum((unsigned char)first)) {
		*c = (unsigned char)first;
		return true;
	}
	letter = strchr(letters, first);
	if (letter) {
		*c = (unsigned char)meant[letter - letters];
		return true;
	}
	if (first == 'x')
		return take_hex(t, c);
	if (first == '0' ||
	    (first >= '1' && first <= '7' && peek(t, 0) >= '0' && peek(t, 0) <= '7')) {
		*c = (uint32_t)(first - '0');
		for (int i = 0; i < 2 && peek(t, 0) >= '0' && peek(t, 0) <= '7'; i++)
			*c = *c * 8 + (uint32_t)(t->pattern.ptr[t->at++] - '0');
		return true;
	}
	t->at--;
	return fail(t, "this escape does not exist here (no \\d \\w \\s \\b; use [[:digit:]])");
}

static bool take_class_char(struct translation *t, uint32_t *c)
{
	if (at_end(t))
		return fail(t, "missing ]");
	if (peek(t, 0) == '\\') {
		t->at++;
		return take_escape(t, c);
	}
	*c = take_char(t);
	return true;
}

/* [:name:] inside a class; false: none stands here, or error is set. */
static bool take_named_class(struct translation *t)
{
	static const char *const names[] = {"alnum", "alpha", "ascii", "blank", "cntrl",
					    "digit", "graph", "lower", "print", "punct",
					    "space", "upper", "word",  "xdigit"};
	struct text rest = {t->pattern.ptr + t->at, t->pattern.len - t->at};
	const char *end;

	if (!text_starts_with(rest, TEXT("[:")))
		return false;
	end = memmem(rest.ptr + 2, rest.len - 2, ":]", 2);
	if (!end)
		return false;
	rest = (struct text){rest.ptr + 2, (uint32_t)(end - rest.ptr - 2)};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct text name = text_from(names[i]);
		bool is_negated = rest.len && rest.ptr[0] == '^';

		if (text_equal((struct text){rest.ptr + is_negated, rest.len - is_negated}, name)) {
			emit(t, "[:%s%s:]", is_negated ? "^" : "", names[i]);
			t->at += rest.len + 4;
			return true;
		}
	}
	return fail(t, "unknown character class");
}

/* Behind "[". */
static bool take_class(struct translation *t)
{
	bool is_first = true;

	emit(t, "[");
	if (peek(t, 0) == '^') {
		emit(t, "^");
		t->at++;
	}
	for (;; is_first = false) {
		uint32_t low = 0, high;

		if (at_end(t))
			return fail(t, "missing ]");
		if (peek(t, 0) == ']' && !is_first)
			break;
		if (peek(t, 0) == '-' && !is_first && peek(t, 1) != ']')
			return fail(t, "- must be first or last in a class");
		if (take_named_class(t))
			continue;
		if (t->error || !take_class_char(t, &low))
			return false;
		high = low;
		if (peek(t, 0) == '-' && peek(t, 1) != ']' && t->pattern.len - t->at > 1) {
			t->at++;
			if (!take_class_char(t, &high))
				return false;
		}
		if (high < low)
			return fail(t, "range out of order");
		emit(t, "\\x{%x}-\\x{%x}", low, high);
	}
	t->at++;
	emit(t, "]");
	return true;
}

/* {n}, {n,} or {n,m}; false: it is none, the brace stands for itself. */
static bool take_bounds(struct translation *t, uint32_t *low, uint32_t *high)
{
	uint32_t start = t->at, *bound = low;

	*low = *high = 0;
	t->at++;
	for (int i = 0; i < 2; i++) {
		uint32_t digits = 0;

		for (; isdigit((unsigned char)peek(t, 0)); digits++, t->at++) {
			*bound = *bound * 10 + (uint32_t)(peek(t, 0) - '0');
			*bound = MIN(*bound, REPEAT_MAX + 1u);
		}
		if (i == 0 && digits && peek(t, 0) == '}') {
			*high = *low;
			break;
		}
		if (i == 0 && digits && peek(t, 0) == ',') {
			t->at++;
			bound = high;
			continue;
		}
		if (i == 1 && peek(t, 0) == '}') {
			if (!digits)
				*high = UINT32_MAX;
			break;
		}
		t->at = start;
		return false;
	}
	t->at++;
	return true;
}

static bool repeat(struct translation *t, struct atom *atom, uint32_t low, uint32_t high,
		   const char *op)
{
	uint32_t times = high == UINT32_MAX ? low : high;

	if (!atom->exists)
		return fail(t, "nothing to repeat");
	if ((high != UINT32_MAX && high > REPEAT_MAX) || low > REPEAT_MAX ||
	    (high != UINT32_MAX && low > high) || atom->repeat * MAX(times, 1u) > REPEAT_MAX)
		return fail(t, "bad repetition count");
	atom->repeat *= MAX(times, 1u);
	if (atom->is_repeated) {
		open_group_at(t, atom->start);
		emit(t, ")");
	}
	atom->is_repeated = true;
	emit(t, "%s", op);
	return true;
}

static bool take_braces(struct translation *t, struct atom *atom)
{
	uint32_t low, high;
	char op[32];

	if (!take_bounds(t, &low, &high)) {
		*atom = (struct atom){.exists = true, .start = t->len, .repeat = 1};
		t->at++;
		emit(t, "\\{");
		return true;
	}
	if (high == UINT32_MAX)
		snprintf(op, sizeof(op), "{%u,}", low);
	else
		snprintf(op, sizeof(op), "{%u,%u}", low, high);
	return repeat(t, atom, low, high, op);
}

static bool take_alternatives(struct translation *t, uint32_t *max_repeat);

static bool take_group(struct translation *t, struct atom *atom)
{
	if (++t->depth > DEPTH_MAX)
		return fail(t, "nested too deeply");
	emit(t, "(?:");
	if (!take_alternatives(t, &atom->repeat))
		return false;
	if (peek(t, 0) != ')')
		return fail(t, "missing )");
	t->at++;
	t->depth--;
	emit(t, ")");
	return true;
}

/* One atom that is no repetition operator. */
static bool take_atom(struct translation *t, struct atom *atom)
{
	char c = peek(t, 0);
	uint32_t literal;

	*atom = (struct atom){.exists = true, .start = t->len, .repeat = 1};
	switch (c) {
	case '(':
		t->at++;
		return take_group(t, atom);
	case '[':
		t->at++;
		return take_class(t);
	case '.':
	case '^':
	case '$':
		t->at++;
		emit(t, "(?:%c)", c);
		return true;
	case '\\':
		t->at++;
		if (!take_escape(t, &literal))
			return false;
		break;
	default:
		literal = take_char(t);
	}
	emit(t, "\\x{%x}", literal);
	return true;
}

/* alternative ( '|' alternative )*, up to ')' or the end. */
static bool take_alternatives(struct translation *t, uint32_t *max_repeat)
{
	struct atom atom = {0};

	*max_repeat = 1;
	while (!at_end(t) && peek(t, 0) != ')') {
		char c = peek(t, 0);
		bool ok = true;

		if (c == '|') {
			t->at++;
			emit(t, "|");
			atom = (struct atom){0};
		} else if (c == '*' || c == '+' || c == '?') {
			ok = repeat(t, &atom, 0, UINT32_MAX, c == '*' ? "*" : c == '+' ? "+" : "?");
			t->at++;
		} else if (c == '{') {
			ok = take_braces(t, &atom);
		} else {
			ok = take_atom(t, &atom);
		}
		if (!ok || t->error)
			return false;
		*max_repeat = MAX(*max_repeat, atom.repeat);
	}
	return true;
}

int regex_translate(struct text pattern, char **out, uint32_t *len, struct diag *diag)
{
	struct translation t = {.pattern = pattern, .diag = diag};
	uint32_t max_repeat;

	if (!utf8_is_valid(pattern))
		return diag_set(diag, -EINVAL, "a regular expression must be valid UTF-8");
	emit(&t, "\\A(?:");
	take_alternatives(&t, &max_repeat);
	if (!t.error && !at_end(&t))
		fail(&t, "unexpected )");
	emit(&t, ")\\z");
	if (t.error) {
		free(t.out);
		return t.error;
	}
	*out = t.out;
	*len = t.len;
	return 0;
}
