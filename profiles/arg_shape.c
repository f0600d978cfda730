#include "profiles/arg_shape.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

#define SUBCOMMAND_MAX 24
#define OPTION_MAX 48 /* longer ones are cut */
#define CUT_MARK "..."

/* What a word is, in the order of the tests. */
enum kind {
	KIND_EMPTY,
	KIND_URL,
	KIND_PATH,
	KIND_IP,
	KIND_NUMBER,
	KIND_ID,
	KIND_EMAIL,
	KIND_ASSIGNMENT,
	KIND_SCRIPT,
	KIND_WORD,
};

static const char *const names[] = {
	[KIND_EMPTY] = "<empty>", [KIND_URL] = "<url>",       [KIND_PATH] = "<path>",
	[KIND_IP] = "<ip>",       [KIND_NUMBER] = "<n>",      [KIND_ID] = "<id>",
	[KIND_EMAIL] = "<email>", [KIND_ASSIGNMENT] = "<kv>", [KIND_SCRIPT] = "<script>",
	[KIND_WORD] = "<word>",
};

/* Options that take a program text as their next word, whoever has them. */
static const struct text script_options[] = {
	TEXT("-c"), TEXT("-lc"), TEXT("-ec"),    TEXT("-xc"),
	TEXT("-e"), TEXT("-E"),  TEXT("--eval"), TEXT("--command"),
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool has(struct text t, char c)
{
	return t.len && memchr(t.ptr, c, t.len);
}

static struct text from(struct text t, uint32_t skip)
{
	return (struct text){t.ptr + skip, t.len - skip};
}

/* scheme://anything */
static bool is_url(struct text t)
{
	uint32_t n = 0;

	while (n < t.len && (is_lower(t.ptr[n]) || is_digit(t.ptr[n]) || t.ptr[n] == '+'))
		n++;
	return n >= 2 && text_starts_with(from(t, n), TEXT("://"));
}

static bool is_path(struct text t)
{
	return t.ptr[0] == '/' || has(t, '/') || text_starts_with(t, TEXT("~")) ||
	       text_equal(t, TEXT(".")) || text_equal(t, TEXT(".."));
}

/* An address, with a prefix length or a v4 port or without. */
static bool is_ip(struct text t)
{
	char copy[INET6_ADDRSTRLEN + 2];
	struct in6_addr addr;
	uint32_t len = 0;

	while (len < t.len && (is_hex(t.ptr[len]) || t.ptr[len] == '.' || t.ptr[len] == ':'))
		len++;
	if (len < 2 || len >= sizeof(copy) ||
	    (len < t.len && t.ptr[len] != '/' && t.ptr[len] != '%'))
		return false;
	memcpy(copy, t.ptr, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &addr) == 1 || inet_pton(AF_INET6, copy, &addr) == 1)
		return true;
	if (has(t, '.') && strrchr(copy, ':')) {
		*strrchr(copy, ':') = '\0';
		return inet_pton(AF_INET, copy, &addr) == 1;
	}
	return false;
}

/* 12, -1.5, 0x1f, 10M, 1:30, 50%, 2026-11-21: digits first and last but for a unit. */
static bool is_number(struct text t)
{
	uint32_t i = t.ptr[0] == '-' || t.ptr[0] == '+';
	uint32_t n_digits = 0;

	if (text_starts_with(t, TEXT("0x"))) {
		for (i = 2; i < t.len && is_hex(t.ptr[i]); i++)
			n_digits++;
		return i == t.len && n_digits > 0;
	}
	if (i >= t.len || !is_digit(t.ptr[i]))
		return false;
	while (i < t.len && (is_digit(t.ptr[i]) || memchr(".,:-+", t.ptr[i], 5)))
		i++;
	return t.len - i <= 2 &&
	       (i == t.len || is_lower(t.ptr[i]) || is_upper(t.ptr[i]) || t.ptr[i] == '%');
}

/* Hex digits and dashes, or letters and digits in a long row: nobody's word. */
static bool is_id(struct text t)
{
	uint32_t n_digits = 0, n_hex = 0, n_alnum = 0;

	if (t.len < 8)
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];

		n_digits += is_digit(c);
		n_hex += is_hex(c) || c == '-';
		n_alnum += is_digit(c) || is_lower(c) || is_upper(c) || memchr("+/=_-", c, 5);
	}
	if (n_hex == t.len)
		return n_digits >= 2;
	return t.len >= 20 && n_alnum == t.len && n_digits >= 3;
}

static bool is_email(struct text t)
{
	const char *at = memchr(t.ptr, '@', t.len);

	return at && at > t.ptr && memchr(at, '.', t.len - (size_t)(at - t.ptr));
}

/* name=value, as env(1) and dd(1) take them. */
static bool is_assignment(struct text t)
{
	uint32_t n = 0;

	while (n < t.len && (is_lower(t.ptr[n]) || is_upper(t.ptr[n]) || is_digit(t.ptr[n]) ||
			     t.ptr[n] == '_' || t.ptr[n] == '.'))
		n++;
	return n > 0 && n < t.len && t.ptr[n] == '=';
}

/* Blanks and quotes: a text, most likely a program. */
static bool is_script(struct text t)
{
	return has(t, ' ') || has(t, '\n') || has(t, ';') || has(t, '|') || has(t, '$');
}

static enum kind kind_of(struct text t)
{
	if (t.len == 0)
		return KIND_EMPTY;
	if (is_url(t))
		return KIND_URL;
	if (is_script(t))
		return KIND_SCRIPT;
	if (is_ip(t))
		return KIND_IP;
	if (is_number(t))
		return KIND_NUMBER;
	if (is_assignment(t))
		return KIND_ASSIGNMENT;
	if (is_path(t))
		return KIND_PATH;
	if (is_id(t))
		return KIND_ID;
	return is_email(t) ? KIND_EMAIL : KIND_WORD;
}

/* status, ps, apt-get: at most 24 of [a-z0-9-], small letters at both ends. */
static bool is_subcommand(struct text t)
{
	if (t.len < 2 || t.len > SUBCOMMAND_MAX || !is_lower(t.ptr[0]) ||
	    !is_lower(t.ptr[t.len - 1]))
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		if (!is_lower(t.ptr[i]) && !is_digit(t.ptr[i]) && t.ptr[i] != '-')
			return false;
	}
	return !is_id(t);
}

struct shape {
	char *buffer;
	uint32_t len;
	uint32_t last_at, last_len; /* the last part, for "again" */
	bool is_cut, is_again;
};

static void append(struct shape *shape, struct text t)
{
	uint32_t room = ARG_SHAPE_MAX - (uint32_t)strlen(CUT_MARK) - shape->len;

	if (t.len > room)
		shape->is_cut = true;
	if (shape->is_cut)
		return;
	if (t.len)
		memcpy(shape->buffer + shape->len, t.ptr, t.len);
	shape->len += t.len;
}

/* One part of the shape. The same as before only makes it "part+". */
static void add_part(struct shape *shape, struct text part)
{
	struct text last = {shape->buffer + shape->last_at, shape->last_len};

	if (shape->len && text_equal(part, last)) {
		if (!shape->is_again)
			append(shape, TEXT("+"));
		shape->is_again = true;
		return;
	}
	shape->is_again = false;
	if (shape->len)
		append(shape, TEXT(" "));
	shape->last_at = shape->len;
	append(shape, part);
	shape->last_len = shape->len - shape->last_at;
}

/* The name of an option: its letters; digits in a row become <n>, and what no option is made of
 * ends it. */
static struct text option_name(struct text option, char *buffer)
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < option.len && len < OPTION_MAX; i++) {
		char c = option.ptr[i];

		if (is_digit(c)) {
			if (i == 0 || !is_digit(option.ptr[i - 1])) {
				memcpy(buffer + len, "<n>", 3);
				len += 3;
			}
		} else if (is_lower(c) || is_upper(c) || memchr("-_+.:@", c, 6)) {
			buffer[len++] = c;
		} else {
			memcpy(buffer + len, "<...>", 5);
			len += 5;
			break;
		}
	}
	return (struct text){buffer, len};
}

/* A value may be glued to a one-letter option: -I/usr/include, -pSecret12. What is in small letters
 * may as well be an option's name (find -name), so that stays. */
static bool has_glued_value(struct text option)
{
	if (option.len <= 2 || option.ptr[1] == '-')
		return false;
	for (uint32_t i = 2; i < option.len; i++) {
		if (!is_lower(option.ptr[i]) && !is_digit(option.ptr[i]) && option.ptr[i] != '-')
			return true;
	}
	return false;
}

/* name, then the type of value behind it. */
static void add_typed(struct shape *shape, struct text name, const char *between, struct text value)
{
	const char *type = names[kind_of(value)];
	char part[OPTION_MAX + 32];
	uint32_t len = name.len;

	memcpy(part, name.ptr, name.len);
	while (*between)
		part[len++] = *between++;
	while (*type)
		part[len++] = *type++;
	add_part(shape, (struct text){part, len});
}

static void add_option(struct shape *shape, struct text option)
{
	const char *equals = memchr(option.ptr, '=', option.len);
	char buffer[OPTION_MAX + 8];
	struct text name = option;

	if (equals)
		name.len = (uint32_t)(equals - option.ptr);
	if (equals)
		add_typed(shape, option_name(name, buffer), "=", from(option, name.len + 1));
	else if (has_glued_value(option))
		add_typed(shape, (struct text){option.ptr, 2}, "", from(option, 2));
	else
		add_part(shape, option_name(option, buffer));
}

/* The next argument; false at the end. */
static bool next_arg(struct text *rest, char separator, struct text *arg)
{
	const char *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->ptr, separator, rest->len);
	*arg = (struct text){rest->ptr, end ? (uint32_t)(end - rest->ptr) : rest->len};
	*rest = from(*rest, MIN(arg->len + 1, rest->len));
	return true;
}

static bool takes_script(struct text option)
{
	for (size_t i = 0; i < ARRAY_SIZE(script_options); i++) {
		if (text_equal(option, script_options[i]))
			return true;
	}
	return false;
}

struct text arg_shape(struct text args, char buffer[ARG_SHAPE_MAX])
{
	struct shape shape = {.buffer = buffer};
	char separator = has(args, '\0') ? '\0' : ' ';
	bool is_first_word = true, operands_only = false, is_script_next = false;
	struct text arg;

	while (!shape.is_cut && next_arg(&args, separator, &arg)) {
		if (separator == ' ' && arg.len == 0)
			continue;
		if (is_script_next) {
			enum kind kind = kind_of(arg);

			/* nginx -c takes a path; sh -c ls a very short script. */
			add_part(&shape, text_from(names[kind == KIND_PATH ? kind : KIND_SCRIPT]));
			is_script_next = is_first_word = false;
		} else if (!operands_only && text_equal(arg, TEXT("--"))) {
			add_part(&shape, arg);
			operands_only = true;
		} else if (!operands_only && arg.len > 1 && arg.ptr[0] == '-' && !is_number(arg)) {
			add_option(&shape, arg);
			is_script_next = takes_script(arg);
		} else if (is_first_word && !operands_only && is_subcommand(arg)) {
			add_part(&shape, arg);
			is_first_word = false;
		} else {
			add_part(&shape, text_from(names[kind_of(arg)]));
			is_first_word = false;
		}
	}
	if (shape.is_cut) {
		memcpy(buffer + shape.len, CUT_MARK, strlen(CUT_MARK));
		shape.len += (uint32_t)strlen(CUT_MARK);
	}
	return (struct text){buffer, shape.len};
}
