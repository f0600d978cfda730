#include "filter/glob.h"

#include <ctype.h>

#include "base/util.h"

#define NOT_A_BRACKET 0

static unsigned char fold(unsigned char c, bool ignore_case)
{
	return ignore_case && c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool class_matches(struct text name, unsigned char c)
{
	static const struct {
		const char *name;
		int (*is_member)(int c);
	} classes[] = {
		{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
		{"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
		{"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
	};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (text_equal(name, text_from(classes[i].name)))
			return c < 0x80 && classes[i].is_member(c);
	}
	return false;
}

/* Length of "[:name:]" at pattern.ptr[at], 0 if none is there. */
static uint32_t class_len(struct text pattern, uint32_t at, struct text *name)
{
	if (at + 1 >= pattern.len || pattern.ptr[at] != '[' || pattern.ptr[at + 1] != ':')
		return 0;
	for (uint32_t i = at + 2; i + 1 < pattern.len; i++) {
		if (pattern.ptr[i] == ':' && pattern.ptr[i + 1] == ']') {
			*name = (struct text){pattern.ptr + at + 2, i - at - 2};
			return i + 2 - at;
		}
		if (!isalpha((unsigned char)pattern.ptr[i]))
			return 0;
	}
	return 0;
}

/* One character of a bracket, quoted or not. */
static unsigned char bracket_char(struct text pattern, uint32_t *i)
{
	if (pattern.ptr[*i] == '\\' && *i + 1 < pattern.len)
		++*i;
	return (unsigned char)pattern.ptr[(*i)++];
}

/* Match c against the bracket expression that opens at at. Returns its length, or NOT_A_BRACKET
 * when it never closes: then [ stands for itself. */
static uint32_t bracket(struct text pattern, uint32_t at, unsigned char c, bool ignore_case,
			bool *matches)
{
	uint32_t i = at + 1, first;
	bool is_negated = i < pattern.len && (pattern.ptr[i] == '!' || pattern.ptr[i] == '^');
	bool found = false;

	i += is_negated;
	for (first = i; i < pattern.len && (pattern.ptr[i] != ']' || i == first);) {
		struct text name;
		uint32_t len = class_len(pattern, i, &name);
		unsigned char low, high;

		if (len) {
			found = found || class_matches(name, c) ||
				(ignore_case && class_matches(name, (unsigned char)tolower(c))) ||
				(ignore_case && class_matches(name, (unsigned char)toupper(c)));
			i += len;
			continue;
		}
		low = high = bracket_char(pattern, &i);
		if (i + 1 < pattern.len && pattern.ptr[i] == '-' && pattern.ptr[i + 1] != ']') {
			i++;
			high = bracket_char(pattern, &i);
		}
		found = found || (fold(c, ignore_case) >= fold(low, ignore_case) &&
				  fold(c, ignore_case) <= fold(high, ignore_case));
	}
	if (i >= pattern.len)
		return NOT_A_BRACKET;
	*matches = found != is_negated;
	return i + 1 - at;
}

/* Match one character of text with one element of pattern (not a star). Returns the element's
 * length, 0 when it does not match. */
static uint32_t element(struct text pattern, uint32_t at, unsigned char c, bool ignore_case)
{
	unsigned char p = (unsigned char)pattern.ptr[at];
	bool matches = false;
	uint32_t len;

	if (p == '?')
		return 1;
	if (p == '[') {
		len = bracket(pattern, at, c, ignore_case, &matches);
		if (len != NOT_A_BRACKET)
			return matches ? len : 0;
	}
	if (p == '\\') {
		if (at + 1 == pattern.len)
			return 0;
		return fold((unsigned char)pattern.ptr[at + 1], ignore_case) == fold(c, ignore_case)
			       ? 2
			       : 0;
	}
	return fold(p, ignore_case) == fold(c, ignore_case) ? 1 : 0;
}

/* Only the last star ever needs to give way: an earlier one that took more could not help. */
bool glob_match(struct text pattern, struct text text, bool ignore_case)
{
	uint32_t p = 0, t = 0, star_p = 0, star_t = 0;
	bool has_star = false;

	while (t < text.len) {
		uint32_t len = 0;

		if (p < pattern.len && pattern.ptr[p] == '*') {
			has_star = true;
			star_p = ++p;
			star_t = t;
			continue;
		}
		if (p < pattern.len)
			len = element(pattern, p, (unsigned char)text.ptr[t], ignore_case);
		if (len) {
			p += len;
			t++;
		} else if (has_star) {
			p = star_p;
			t = ++star_t;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

bool glob_is_pattern(struct text pattern)
{
	for (uint32_t i = 0; i < pattern.len; i++) {
		if (strchr("?*[", pattern.ptr[i]) && pattern.ptr[i])
			return true;
	}
	return false;
}
