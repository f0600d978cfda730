#include "filter/print.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/filter.h"
#include "filter/utf8.h"

#define VALUE_TEXT_MAX 128

void print_bytes(struct print *p, const char *bytes, uint32_t len)
{
	uint32_t n = MIN(len, p->size - p->len);

	if (n)
		memcpy(p->buffer + p->len, bytes, n);
	p->len += n;
	p->is_cut = p->is_cut || n < len;
}

void print_text(struct print *p, struct text t)
{
	print_bytes(p, t.ptr, t.len);
}

void print_string(struct print *p, const char *s)
{
	print_bytes(p, s, (uint32_t)strlen(s));
}

static void print_format(struct print *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void print_format(struct print *p, const char *format, ...)
{
	char text[VALUE_TEXT_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_bytes(p, text, MIN((uint32_t)n, sizeof(text) - 1));
}

static void print_json_char(struct print *p, char c)
{
	static const char letters[] = "btnvfr"; /* from \b on; \v has no short form */

	if (c == '"' || c == '\\')
		print_bytes(p, (char[]){'\\', c}, 2);
	else if (c >= '\b' && c <= '\r' && c != '\v')
		print_bytes(p, (char[]){'\\', letters[c - '\b']}, 2);
	else if ((unsigned char)c < 0x20 || c == 0x7f)
		print_format(p, "\\u%04x", (unsigned)c);
	else
		print_bytes(p, &c, 1);
}

void print_json_string(struct print *p, struct text t)
{
	print_string(p, "\"");
	for (uint32_t at = 0; at < t.len;) {
		bool is_valid;
		uint32_t len = utf8_next(t, at, &is_valid);

		if (!is_valid)
			print_string(p, "\xef\xbf\xbd");
		else if (len == 1)
			print_json_char(p, t.ptr[at]);
		else
			print_bytes(p, t.ptr + at, len);
		at += len;
	}
	print_string(p, "\"");
}

static void print_address(struct print *p, const struct ip_value *ip)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(ip->family, ip->bytes, text, sizeof(text)))
		print_string(p, text);
}

static void print_buffer(struct print *p, struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		char c = isprint((unsigned char)t.ptr[i]) ? t.ptr[i] : '.';

		print_bytes(p, &c, 1);
	}
}

static void print_number(struct print *p, const struct value *value, uint32_t flags)
{
	if (flags & FIELD_HEX || value->is_hex)
		print_format(p, "%" PRIX64, value->u64);
	else if (flags & FIELD_OCTAL)
		print_format(p, "%" PRIo64, value->u64);
	else if (flags & FIELD_PADDED)
		print_format(p, "%09" PRIu64, value->u64);
	else if (value_type_is_signed(value->type))
		print_format(p, "%" PRId64, value->i64);
	else
		print_format(p, "%" PRIu64, value->u64);
}

static void print_value(struct print *p, const struct value *value, uint32_t flags)
{
	switch (value->type) {
	case VALUE_BOOL:
		print_string(p, value->u64 ? "true" : "false");
		break;
	case VALUE_DOUBLE:
		print_format(p, "%.1f", value->f64);
		break;
	case VALUE_IPADDR:
		print_address(p, &value->ip);
		break;
	case VALUE_IPNET:
		print_string(p, "<IPNET>");
		break;
	case VALUE_BYTEBUF:
	case VALUE_SOCKADDR:
	case VALUE_SOCKTUPLE:
		print_buffer(p, value->text);
		break;
	case VALUE_CHARBUF:
	case VALUE_FSPATH:
	case VALUE_FSRELPATH:
		print_text(p, value->text);
		break;
	default:
		print_number(p, value, flags);
	}
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through the struct */
uint32_t value_print(const struct value *value, uint32_t field_flags, char *buffer, uint32_t size)
{
	struct print p = {.buffer = buffer, .size = size};

	print_value(&p, value, field_flags);
	return p.len;
}

static uint32_t operand_flags(const struct operand *operand)
{
	return operand->kind == OPERAND_FIELD ? operand->field->flags : 0;
}

static bool is_ancestors(const struct operand *operand)
{
	return operand_flags(operand) & FIELD_ANY_ANCESTOR && !operand->arg.is_given;
}

void print_values(struct print *p, const struct operand *operand, const struct values *values)
{
	uint32_t flags = operand_flags(operand);
	const char *separator = operand->is_list ? "," : " ";
	uint32_t n = operand->is_list || is_ancestors(operand) ? values->n : MIN(values->n, 1u);

	if (operand->is_list)
		print_string(p, "(");
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			print_string(p, separator);
		print_value(p, &values->items[i], flags);
	}
	if (operand->is_list)
		print_string(p, ")");
}

/* The shortest decimal form that reads back as the same number. */
static void print_json_double(struct print *p, double value)
{
	char text[40];

	if (value != value || value - value != 0) {
		print_string(p, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	print_string(p, text);
	if (!strpbrk(text, ".e"))
		print_string(p, ".0");
}

static void print_json_value(struct print *p, const struct value *value, uint32_t flags)
{
	char text[VALUE_TEXT_MAX];
	struct print inner = {.buffer = text, .size = sizeof(text)};

	switch (value->type) {
	case VALUE_CHARBUF:
	case VALUE_FSPATH:
	case VALUE_FSRELPATH:
		print_json_string(p, value->text);
		return;
	case VALUE_BYTEBUF:
	case VALUE_SOCKADDR:
	case VALUE_SOCKTUPLE:
		print_string(p, "\"");
		for (uint32_t i = 0; i < value->text.len; i++) {
			char c = value->text.ptr[i];

			print_json_char(p, isprint((unsigned char)c) ? c : '.');
		}
		print_string(p, "\"");
		return;
	case VALUE_DOUBLE:
		print_json_double(p, value->f64);
		return;
	default:
		break;
	}
	print_value(&inner, value, flags & ~(uint32_t)FIELD_PADDED); /* in text only */
	if (value->type == VALUE_IPADDR || value->type == VALUE_IPNET || value->is_hex ||
	    flags & (FIELD_HEX | FIELD_OCTAL))
		print_json_string(p, (struct text){text, inner.len});
	else
		print_bytes(p, text, inner.len);
}

void print_json_values(struct print *p, const struct operand *operand, const struct values *values)
{
	uint32_t flags = operand_flags(operand);

	if (is_ancestors(operand) && values->n != 1) {
		char text[4096];
		struct print inner = {.buffer = text, .size = sizeof(text)};

		print_values(&inner, operand, values);
		print_json_string(p, (struct text){text, inner.len});
		return;
	}
	if (!operand->is_list) {
		if (values->n)
			print_json_value(p, &values->items[0], flags);
		else
			print_string(p, "null");
		return;
	}
	if (!values->n) {
		print_string(p, "null"); /* as upstream */
		return;
	}
	print_string(p, "[");
	for (uint32_t i = 0; i < values->n; i++) {
		if (i)
			print_string(p, ",");
		print_json_value(p, &values->items[i], flags);
	}
	print_string(p, "]");
}

/* A byte takes six at most: \u001b. */
static bool print_json_value_short(struct print *p, const struct value *value, uint32_t flags,
				   uint32_t max)
{
	struct value start = *value;

	if (!value_type_is_text(value->type) || value->text.len <= (max - 8) / 6) {
		print_json_value(p, value, flags);
		return false;
	}
	start.text.len = (max - 8) / 6;
	while (start.text.len && (start.text.ptr[start.text.len] & 0xc0) == 0x80)
		start.text.len--; /* not within a character */
	print_json_value(p, &start, flags);
	if (!p->is_cut) {
		p->len--; /* the closing quote */
		print_string(p, "...\"");
	}
	return true;
}

bool print_json_values_short(struct print *p, const struct operand *operand,
			     const struct values *values, uint32_t max)
{
	uint32_t flags = operand_flags(operand), start = p->len;
	bool is_short = false;

	if (is_ancestors(operand) && values->n != 1) {
		char text[4096];
		struct print inner = {.buffer = text, .size = sizeof(text)};
		struct value joined = {.type = VALUE_CHARBUF};

		print_values(&inner, operand, values);
		joined.text = (struct text){text, inner.len};
		return print_json_value_short(p, &joined, 0, max) || inner.is_cut;
	}
	if (!operand->is_list && values->n)
		return print_json_value_short(p, &values->items[0], flags, max);
	if (!values->n) {
		print_string(p, "null");
		return false;
	}
	print_string(p, "[");
	for (uint32_t i = 0; i < values->n && !is_short; i++) {
		uint32_t used = p->len - start;

		if (i)
			print_string(p, ",");
		is_short = used + 32 > max;
		if (is_short)
			print_string(p, "\"...\"");
		else
			is_short = print_json_value_short(p, &values->items[i], flags, max - used);
	}
	print_string(p, "]");
	return is_short;
}
