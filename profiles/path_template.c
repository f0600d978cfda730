#include "profiles/path_template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/util.h"

/* Character classes. */
enum { DIGIT = 1, HEX_LETTER = 2, LOWER = 4, UPPER = 8, ALNUM = DIGIT | LOWER | UPPER };

static const uint8_t classes[256] = {
	['0' ... '9'] = DIGIT, ['a' ... 'f'] = LOWER | HEX_LETTER,
	['g' ... 'z'] = LOWER, ['A' ... 'F'] = UPPER | HEX_LETTER,
	['G' ... 'Z'] = UPPER,
};

static bool is(char c, unsigned wanted)
{
	return classes[(uint8_t)c] & wanted;
}

/* How many bytes from the start of t are of these classes. */
static uint32_t span(struct text t, unsigned wanted)
{
	uint32_t n = 0;

	while (n < t.len && is(t.ptr[n], wanted))
		n++;
	return n;
}

static struct text from(struct text t, uint32_t skip)
{
	return (struct text){t.ptr + skip, t.len - skip};
}

static struct text until(struct text t, uint32_t len)
{
	return (struct text){t.ptr, MIN(len, t.len)};
}

/* Output --------------------------------------------------------------------------------------- */

#define CUT_MARK_LEN 17 /* '~' and 16 hex digits */

struct output {
	char *buffer;
	uint32_t len;
	uint64_t overflow; /* FNV-1a of what found no room, 0 nothing */
};

static void put(struct output *out, struct text t)
{
	uint32_t room = PATH_TEMPLATE_MAX - CUT_MARK_LEN - out->len;
	uint32_t len = MIN(t.len, room);

	for (uint32_t i = 0; i < len; i++) /* a few bytes: cheaper than a call */
		out->buffer[out->len + i] = t.ptr[i];
	out->len += len;
	for (uint32_t i = len; i < t.len; i++) {
		if (out->overflow == 0)
			out->overflow = UINT64_C(0xcbf29ce484222325);
		out->overflow ^= (uint8_t)t.ptr[i];
		out->overflow *= UINT64_C(0x100000001b3);
	}
}

static void put_literal(struct output *out, const char *literal)
{
	put(out, text_from(literal));
}

static struct text finish(struct output *out)
{
	if (out->overflow) {
		char mark[CUT_MARK_LEN + 1];

		snprintf(mark, sizeof(mark), "~%016llx", (unsigned long long)out->overflow);
		memcpy(out->buffer + out->len, mark, CUT_MARK_LEN);
		out->len += CUT_MARK_LEN;
	}
	return (struct text){out->buffer, out->len};
}

/* Tables --------------------------------------------------------------------------------------- */

/* A component of digits alone: what it counts, by what stands before it (already templated). */
static const struct {
	struct text before;
	bool is_suffix; /* before ends the path so far, instead of being all of it */
	const char *name;
} numbered[] = {
	{TEXT("/proc/"), false, "<pid>"},
	{TEXT("/proc/irq/"), false, "<n>"},
	{TEXT("/task/"), true, "<tid>"},
	{TEXT("/fd/"), true, "<fd>"},
	{TEXT("/fdinfo/"), true, "<fd>"},
	{TEXT("/dev/pts/"), true, "<n>"},
	{TEXT("/dev/bus/usb/"), false, "<n>"},
	{TEXT("/dev/bus/usb/<n>/"), false, "<n>"},
	{TEXT("/run/user/"), true, "<uid>"},
	{TEXT("/run/systemd/users/"), true, "<uid>"},
	{TEXT("/run/systemd/sessions/"), true, "<n>"},
	{TEXT("/run/systemd/seats/"), true, "<n>"},
	{TEXT("/snapshots/"), true, "<n>"}, /* containerd's layers */
};

/* What follows the beginning of a component. */
enum rest {
	REST_DIGITS, /* one or more */
	REST_HEX,    /* 6 or more */
	REST_MKTEMP, /* 10 letters and digits to the end or a dot; 6 to 12 that look made up */
	REST_RANDOM, /* 6 to 12 letters and digits to the end or a dot, that look made up */
	REST_LONG,   /* 16 or more of [A-Za-z0-9,_-] */
	REST_PYTHON, /* 8 of [a-z0-9_] to the end or a dot: tempfile.py */
};

static const struct {
	struct text beginning;
	enum rest rest;
	bool is_whole; /* the beginning vanishes, too */
	const char *name;
} begun[] = {
	{TEXT("tmp."), REST_MKTEMP, true, "<tmp>"}, /* mktemp(1) */
	{TEXT("tmp"), REST_PYTHON, true, "<tmp>"},
	{TEXT("sed"), REST_RANDOM, false, "<tmp>"}, /* sed -i */
	{TEXT("sess_"), REST_LONG, false, "<id>"},  /* PHP */
	{TEXT("session-"), REST_DIGITS, false, "<n>"},
	{TEXT("user-"), REST_DIGITS, false, "<uid>"},
	{TEXT("user@"), REST_DIGITS, false, "<uid>"},
	{TEXT("krb5cc_"), REST_DIGITS, false, "<uid>"},
	{TEXT("run-u"), REST_DIGITS, false, "<n>"}, /* systemd-run */
	{TEXT("run-r"), REST_HEX, false, "<id>"},
	{TEXT("core."), REST_DIGITS, false, "<pid>"},
	{TEXT("agent."), REST_DIGITS, false, "<pid>"}, /* ssh-agent */
	{TEXT(".nfs"), REST_HEX, false, "<id>"},
	{TEXT(".fuse_hidden"), REST_HEX, false, "<id>"},
	{TEXT("veth"), REST_HEX, false, "<id>"},
	{TEXT("pip-unpack-"), REST_PYTHON, false, "<tmp>"},
	{TEXT("pip-install-"), REST_PYTHON, false, "<tmp>"},
	{TEXT("pip-req-build-"), REST_PYTHON, false, "<tmp>"},
	{TEXT("pip-build-env-"), REST_PYTHON, false, "<tmp>"},
	{TEXT("pip-ephem-wheel-cache-"), REST_PYTHON, false, "<tmp>"},
	{TEXT("pip-wheel-"), REST_PYTHON, false, "<tmp>"},
	{TEXT("pipe:["), REST_DIGITS, false, "<n>"},
	{TEXT("socket:["), REST_DIGITS, false, "<n>"},
};

/* Where programs put what they made up, and numbers and tails of names mean nothing. */
static const struct text temporary[] = {
	TEXT("/tmp/"),
	TEXT("/var/tmp/"),
	TEXT("/dev/shm/"),
};

/* Shapes --------------------------------------------------------------------------------------- */

/* Letters and digits as mkstemp mixes them, not as people do: a capital behind the first place
 * beside small letters, or a letter behind a digit. Misses about 2 % of six random ones. */
static bool looks_random(struct text t)
{
	bool has_lower = false, has_inner_upper = false, letter_after_digit = false;

	for (uint32_t i = 0; i < t.len; i++) {
		has_lower |= is(t.ptr[i], LOWER);
		has_inner_upper |= i > 0 && is(t.ptr[i], UPPER);
		letter_after_digit |=
			i > 0 && is(t.ptr[i - 1], DIGIT) && is(t.ptr[i], LOWER | UPPER);
	}
	return (has_lower && has_inner_upper) || letter_after_digit;
}

static uint32_t random_len(struct text t)
{
	uint32_t len = span(t, ALNUM);
	bool ends = len == t.len || t.ptr[len] == '.';

	return ends && len >= 6 && len <= 12 && looks_random(until(t, len)) ? len : 0;
}

static uint32_t python_len(struct text t)
{
	uint32_t len = 0;

	while (len < t.len && (is(t.ptr[len], LOWER | DIGIT) || t.ptr[len] == '_'))
		len++;
	return len == 8 && (len == t.len || t.ptr[len] == '.') ? len : 0;
}

static uint32_t long_len(struct text t)
{
	uint32_t len = 0;

	while (len < t.len && (is(t.ptr[len], ALNUM) || memchr(",_-", t.ptr[len], 3)))
		len++;
	return len >= 16 ? len : 0;
}

static uint32_t rest_len(struct text t, enum rest rest)
{
	uint32_t len;

	switch (rest) {
	case REST_DIGITS:
		return span(t, DIGIT);
	case REST_HEX:
		len = span(t, DIGIT | HEX_LETTER);
		return len >= 6 ? len : 0;
	case REST_MKTEMP:
		len = span(t, ALNUM);
		return len == 10 && (len == t.len || t.ptr[len] == '.') ? len : random_len(t);
	case REST_RANDOM:
		return random_len(t);
	case REST_LONG:
		return long_len(t);
	case REST_PYTHON:
		return python_len(t);
	}
	return 0;
}

/* 8-4-4-4-12 hex digits; systemd's escapes have '_' for '-'. */
static bool is_uuid(struct text t)
{
	static const uint8_t groups[] = {8, 4, 4, 4, 12};
	uint32_t at = 0;

	if (t.len < 36)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (span(until(from(t, at), groups[i]), DIGIT | HEX_LETTER) != groups[i])
			return false;
		at += groups[i];
		if (i + 1 < ARRAY_SIZE(groups) && t.ptr[at] != '-' && t.ptr[at] != '_')
			return false;
		at++;
	}
	return at > t.len || !is(t.ptr[at - 1], ALNUM);
}

static bool two_digits(struct text t, uint32_t at, int low, int high)
{
	int value;

	if (at + 2 > t.len || !is(t.ptr[at], DIGIT) || !is(t.ptr[at + 1], DIGIT))
		return false;
	value = (t.ptr[at] - '0') * 10 + (t.ptr[at + 1] - '0');
	return value >= low && value <= high;
}

/* Length of a separator of date and time parts, or -1. */
static int separator_len(struct text t, uint32_t at)
{
	if (at < t.len && memchr("-_.:T", t.ptr[at], 5))
		return 1;
	return at < t.len && is(t.ptr[at], DIGIT) ? 0 : -1;
}

/* 20261121, 2026-11-21, 2026_11_21, each with a time of day or without. 0: no date. */
static uint32_t date_len(struct text t)
{
	uint32_t at = 4;
	int sep, sep2;

	if (!two_digits(t, 0, 19, 20) || !two_digits(t, 2, 0, 99))
		return 0;
	sep = separator_len(t, at);
	if (sep < 0 || !two_digits(t, at + (uint32_t)sep, 1, 12))
		return 0;
	at += (uint32_t)sep + 2;
	sep2 = separator_len(t, at);
	if (sep2 != sep || !two_digits(t, at + (uint32_t)sep2, 1, 31))
		return 0;
	at += (uint32_t)sep2 + 2;
	sep = separator_len(t, at);
	if (sep >= 0 && two_digits(t, at + (uint32_t)sep, 0, 23)) {
		uint32_t minutes = at + (uint32_t)sep + 2;
		uint32_t seconds;

		sep = separator_len(t, minutes);
		seconds = minutes + (uint32_t)MAX(sep, 0) + 2;
		if (sep >= 0 && two_digits(t, minutes + (uint32_t)sep, 0, 59)) {
			sep = separator_len(t, seconds);
			at = seconds;
			if (sep >= 0 && two_digits(t, seconds + (uint32_t)sep, 0, 60))
				at = seconds + (uint32_t)sep + 2;
		}
	}
	return at < t.len && is(t.ptr[at], DIGIT) ? 0 : at;
}

/* A run of hex digits that is no word and no number: what a program made up. */
static bool is_hex_id(struct text run)
{
	uint32_t n_digits = 0;

	if (run.len < 8)
		return false;
	for (uint32_t i = 0; i < run.len; i++) {
		if (!is(run.ptr[i], DIGIT | HEX_LETTER))
			return false;
		n_digits += is(run.ptr[i], DIGIT);
	}
	if (run.len >= 16)
		return n_digits > 0;
	return n_digits >= 2 && run.len - n_digits >= (run.len < 12 ? 2 : 1);
}

/* Components ----------------------------------------------------------------------------------- */

struct walk {
	struct output out;
	struct text rest;   /* what follows the component, with its slash */
	uint32_t least_run; /* shorter decimals within names stay */
	bool is_temporary, is_sys, is_log;
	uint8_t after_year; /* components that may still be month and day */
};

/* Below a cache's or a tree's two-digit directories there is an id: nginx, git, squid. */
static bool leads_to_id(struct text rest)
{
	for (int depth = 0; depth < 2; depth++) {
		uint32_t len = 0;

		if (rest.len == 0)
			return false;
		rest = from(rest, 1);
		while (len < rest.len && rest.ptr[len] != '/')
			len++;
		if (is_hex_id(until(rest, len)) ||
		    (len >= 8 && span(until(rest, len), DIGIT) == len))
			return true;
		if (len == 0 || len > 2 || span(until(rest, len), DIGIT | HEX_LETTER) != len)
			return false;
		rest = from(rest, len);
	}
	return false;
}

/* A component of digits alone. NULL: it stays. */
static const char *number_name(const struct walk *walk, struct text part)
{
	struct text so_far = {walk->out.buffer, walk->out.len};

	for (size_t i = 0; i < ARRAY_SIZE(numbered); i++) {
		if (numbered[i].is_suffix ? text_ends_with(so_far, numbered[i].before)
					  : text_equal(so_far, numbered[i].before))
			return numbered[i].name;
	}
	if (date_len(part) == part.len)
		return "<date>";
	if (part.len >= 16)
		return "<id>";
	if (part.len >= 4 || walk->is_temporary || (walk->after_year && part.len == 2))
		return "<n>";
	return NULL;
}

/* The whole component has a name of its own. NULL: look into it. */
static const char *whole_name(const struct walk *walk, struct text part)
{
	struct text so_far = {walk->out.buffer, walk->out.len};

	if (is(part.ptr[part.len - 1], DIGIT) && span(part, DIGIT) == part.len) {
		const char *name = number_name(walk, part);

		if (name)
			return name;
	}
	if (part.len <= 2 && span(part, DIGIT | HEX_LETTER) == part.len && leads_to_id(walk->rest))
		return "<h>";
	if (is(part.ptr[0], DIGIT) && text_ends_with(so_far, TEXT("/map_files/")))
		return "<range>";
	if (part.len == 26 && text_ends_with(so_far, TEXT("/overlay2/l/")))
		return "<id>";
	return NULL;
}

/* Could the table of beginnings know it? By the first three bytes. (And whatever
 * else is not plain by its beginning.) */
static bool begins_known(struct text part)
{
	uint32_t three;

	if (part.len < 4)
		return false;
	three = (uint32_t)(uint8_t)part.ptr[0] << 16 | (uint32_t)(uint8_t)part.ptr[1] << 8 |
		(uint8_t)part.ptr[2];
#define THREE(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))
	switch (three) {
	case THREE('t', 'm', 'p'):
	case THREE('t', 'e', 'm'): /* is_temporary_name() */
	case THREE('s', 'e', 'd'):
	case THREE('s', 'e', 's'):
	case THREE('s', 'o', 'c'):
	case THREE('u', 's', 'e'):
	case THREE('k', 'r', 'b'):
	case THREE('r', 'u', 'n'):
	case THREE('c', 'o', 'r'):
	case THREE('a', 'g', 'e'):
	case THREE('v', 'e', 't'):
	case THREE('p', 'i', 'p'):
	case THREE('.', 'n', 'f'):
	case THREE('.', 'f', 'u'):
		return true;
	default:
		return false;
	}
#undef THREE
}

/* Put the beginning of the component if the table knows it; returns how much of it was done. */
static uint32_t put_begun(struct walk *walk, struct text part)
{
	if (!begins_known(part))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(begun); i++) {
		uint32_t len = begun[i].beginning.len;
		uint32_t rest;

		if (!text_starts_with(part, begun[i].beginning))
			continue;
		rest = rest_len(from(part, len), begun[i].rest);
		if (rest == 0)
			continue;
		if (!begun[i].is_whole)
			put(&walk->out, until(part, len));
		put_literal(&walk->out, begun[i].name);
		return len + rest;
	}
	return 0;
}

/* .swp, .swo, .swn, ...: vim takes the next letter while one is in use. */
static bool is_swap_file(struct text part)
{
	return part.len > 5 && part.ptr[0] == '.' && part.ptr[part.len - 4] == '.' &&
	       part.ptr[part.len - 3] == 's' && part.ptr[part.len - 2] == 'w' &&
	       is(part.ptr[part.len - 1], LOWER);
}

/* ".txt", ".s", ".tar": length of a short ending of letters, or 0. */
static uint32_t extension_len(struct text part)
{
	uint32_t len = 0;

	while (len < part.len && is(part.ptr[part.len - 1 - len], LOWER | UPPER))
		len++;
	return len > 0 && len <= 5 && len + 1 < part.len && part.ptr[part.len - 1 - len] == '.'
		       ? len + 1
		       : 0;
}

/* tempfile.py's eight of [a-z0-9_] behind a prefix, of which 8 % have no digit and are missed. */
static bool has_python_tail(struct text part)
{
	uint32_t n_digits = 0;

	if (part.len < 9 || !memchr("-_.", part.ptr[part.len - 9], 3))
		return false;
	for (uint32_t i = part.len - 8; i < part.len; i++) {
		if (!is(part.ptr[i], LOWER | DIGIT) && part.ptr[i] != '_')
			return false;
		n_digits += is(part.ptr[i], DIGIT);
	}
	return n_digits > 0 && n_digits < 8;
}

/* What is behind the last of ". - _" and was made up by mkstemp: its length, or 0. Outside of
 * temporary directories only rsync's .name.XXXXXX, and what no one would type. */
static uint32_t random_tail(const struct walk *walk, struct text part)
{
	uint32_t len = 0;
	struct text tail;
	bool is_mixed;

	if (walk->is_temporary && has_python_tail(part))
		return 8;
	while (len < part.len && is(part.ptr[part.len - 1 - len], ALNUM))
		len++;
	if (len < 6 || len > 12 || len == part.len ||
	    !memchr(".-_", part.ptr[part.len - 1 - len], 3))
		return 0;
	tail = from(part, part.len - len);
	if (!looks_random(tail))
		return 0;
	if (walk->is_temporary || text_starts_with(part, TEXT("systemd-private-")))
		return len;
	is_mixed = false;
	for (uint32_t i = 1; i < len; i++)
		is_mixed |= is(tail.ptr[i], UPPER);
	is_mixed &= span(tail, LOWER | UPPER) < len;
	return len == 6 && (part.ptr[0] == '.' || is_mixed) ? len : 0;
}

/* The number of a rotated log: ".1" or ".12.gz" at the end. Its place, or 0. */
static uint32_t rotation_at(const struct walk *walk, struct text part)
{
	static const struct text packed[] = {TEXT(".gz"), TEXT(".xz"), TEXT(".bz2"), TEXT(".zst")};
	uint32_t end = part.len, at;

	if (part.len < 3 ||
	    !(is(part.ptr[part.len - 1], DIGIT) || memchr("z2t", part.ptr[part.len - 1], 3)))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(packed); i++) {
		if (text_ends_with(part, packed[i]))
			end = part.len - packed[i].len;
	}
	at = end;
	while (at > 0 && is(part.ptr[at - 1], DIGIT))
		at--;
	if (at == end || end - at > 3 || at < 2 || part.ptr[at - 1] != '.')
		return 0;
	return walk->is_log || text_ends_with(until(part, at), TEXT(".log.")) ? at : 0;
}

/* 0000:00:1f.2 */
static uint32_t pci_len(struct text t)
{
	static const char shape[] = "xxxx:xx:xx.x";

	if (t.len < sizeof(shape) - 1)
		return 0;
	for (uint32_t i = 0; i < sizeof(shape) - 1; i++) {
		if (shape[i] == 'x' ? !is(t.ptr[i], DIGIT | HEX_LETTER) : t.ptr[i] != shape[i])
			return 0;
	}
	return sizeof(shape) - 1;
}

/* One run of letters and digits, in which decimals may be long. */
static void put_run(struct walk *walk, struct text run)
{
	while (run.len) {
		uint32_t other = span(run, LOWER | UPPER);
		uint32_t digits;

		put(&walk->out, until(run, other));
		run = from(run, other);
		digits = span(run, DIGIT);
		if (digits >= walk->least_run)
			put_literal(&walk->out, "<n>");
		else
			put(&walk->out, until(run, digits));
		run = from(run, digits);
	}
}

/* Put what begins part, and return its length: a date, an id, or one run. part begins with a letter
 * or digit. */
static uint32_t put_token(struct walk *walk, struct text part)
{
	uint32_t run = span(part, ALNUM);
	uint32_t len;

	if (text_starts_with(part, TEXT("pod")) && is_uuid(from(part, 3))) {
		put_literal(&walk->out, "pod<id>");
		return 3 + 36;
	}
	if (span(part, DIGIT) == 0 && !is(part.ptr[0], HEX_LETTER)) {
		put_run(walk, until(part, run));
		return run;
	}
	len = date_len(part);
	if (len) {
		put_literal(&walk->out, "<date>");
		return len;
	}
	if (is_uuid(part)) {
		put_literal(&walk->out, "<id>");
		return 36;
	}
	len = walk->is_sys ? pci_len(part) : 0;
	if (len) {
		put_literal(&walk->out, "<pci>");
		return len;
	}
	if (is_hex_id(until(part, run)))
		put_literal(&walk->out, "<id>");
	else
		put_run(walk, until(part, run));
	return run;
}

/* A number in a temporary's name may have any length: temp-4711.rdb. */
static bool is_temporary_name(struct text part)
{
	return text_starts_with(part, TEXT("temp-")) || text_starts_with(part, TEXT("tmp-")) ||
	       text_starts_with(part, TEXT(".tmp")) || text_starts_with(part, TEXT(".#"));
}

/* Can no token in part be a date, an id, or a long number? One pass, for most components. */
static bool stays(const struct walk *walk, struct text part)
{
	uint32_t least = MIN(walk->least_run, 4);
	uint32_t digits = 0, hex = 0;

	for (uint32_t i = 0; i < part.len; i++) {
		unsigned class = classes[(uint8_t)part.ptr[i]];

		digits = class & DIGIT ? digits + 1 : 0;
		hex = class & (DIGIT | HEX_LETTER) ? hex + 1 : 0;
		if (digits >= least || hex >= 8)
			return false;
	}
	return true;
}

static void put_tokens(struct walk *walk, struct text part)
{
	uint32_t at = 0;

	if (stays(walk, part)) {
		put(&walk->out, part);
		return;
	}
	while (at < part.len) {
		uint32_t other = 0;

		while (at + other < part.len && !is(part.ptr[at + other], ALNUM))
			other++;
		put(&walk->out, until(from(part, at), other));
		at += other;
		if (at < part.len)
			at += put_token(walk, from(part, at));
	}
}

/* Nothing here can vary: what most components of a path with digits come to, in little time. */
static bool is_plain(const struct walk *walk, struct text part)
{
	char last = part.ptr[part.len - 1];

	return !walk->is_temporary && !walk->is_sys && part.len > 2 && part.len != 26 &&
	       part.ptr[0] != '.' && !is(part.ptr[0], DIGIT) && !is(last, DIGIT) &&
	       !begins_known(part) && !(last == 'z' || last == 't' || last == '2') &&
	       stays(walk, part) && !random_tail(walk, part);
}

/* A name, in temporary directories with its extension apart. */
static void put_name(struct walk *walk, struct text part)
{
	uint32_t extension = walk->is_temporary ? extension_len(part) : 0;
	struct text stem = until(part, part.len - extension);
	uint32_t tail = random_tail(walk, stem);

	if (walk->is_temporary && stem.len && random_len(stem) == stem.len)
		tail = stem.len;
	put_tokens(walk, until(stem, stem.len - tail));
	if (tail)
		put_literal(&walk->out, "<tmp>");
	put_tokens(walk, from(part, stem.len));
}

static void put_component(struct walk *walk, struct text part)
{
	const char *whole;
	uint32_t done, at;

	walk->after_year -= walk->after_year > 0;
	if (part.len == 4 && two_digits(part, 0, 19, 20) && two_digits(part, 2, 0, 99))
		walk->after_year = 3;
	walk->least_run = walk->is_sys ? 1 : walk->is_temporary ? 3 : 5;
	if (is_plain(walk, part)) {
		put(&walk->out, part);
		return;
	}
	whole = whole_name(walk, part);
	if (whole) {
		put_literal(&walk->out, whole);
		return;
	}
	if (is_temporary_name(part))
		walk->least_run = 1;
	done = put_begun(walk, part);
	part = from(part, done);
	if (is_swap_file(part)) {
		put(&walk->out, until(part, part.len - 1));
		put_literal(&walk->out, "p");
		return;
	}
	at = rotation_at(walk, part);
	if (at) {
		put_tokens(walk, until(part, at));
		put_literal(&walk->out, "<n>");
		put(&walk->out, from(part, at + span(from(part, at), DIGIT)));
		return;
	}
	put_name(walk, part);
}

/* Paths ---------------------------------------------------------------------------------------- */

/* Could anything in it vary? Digits, a temporary directory, or a component that begins like a
 * temporary file. Most paths end here. */
static bool may_vary(struct text path)
{
	uint8_t has_digit = 0;

	/* No early end: the compiler turns this into vector code. */
	for (uint32_t i = 0; i < path.len; i++)
		has_digit |= (uint8_t)(path.ptr[i] - '0') < 10;
	if (has_digit || path.len > PATH_TEMPLATE_MAX - CUT_MARK_LEN)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(temporary); i++) {
		if (text_starts_with(path, temporary[i]))
			return true;
	}
	for (uint32_t i = 0; i + 3 < path.len; i++) {
		const char *p = path.ptr + i;

		if (p[0] != '/')
			continue;
		if (p[1] == '.' || (p[1] == 't' && p[2] == 'm' && p[3] == 'p') ||
		    (p[1] == 's' && p[2] == 'e'))
			return true;
	}
	return false;
}

struct text path_template(struct text path, char buffer[PATH_TEMPLATE_MAX])
{
	struct walk walk = {0};
	uint32_t at = 0;

	if (!may_vary(path))
		return path;
	walk.out.buffer = buffer;
	for (size_t i = 0; i < ARRAY_SIZE(temporary); i++)
		walk.is_temporary |= text_starts_with(path, temporary[i]);
	walk.is_sys = text_starts_with(path, TEXT("/sys/devices/"));
	walk.is_log = text_starts_with(path, TEXT("/var/log/"));
	while (at < path.len) {
		const char *slash = memchr(path.ptr + at, '/', path.len - at);
		uint32_t len = slash ? (uint32_t)(slash - path.ptr) - at : path.len - at;

		walk.rest = from(path, at + len);
		if (len)
			put_component(&walk, until(from(path, at), len));
		at += len;
		if (at < path.len)
			put(&walk.out, until(from(path, at++), 1));
	}
	return finish(&walk.out);
}
