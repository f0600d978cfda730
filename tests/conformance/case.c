#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/conformance/cases.h"

bool failed(struct suite *suite, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(suite->reason, sizeof(suite->reason), format, args);
	va_end(args);
	return false;
}

/* Rewrite escapes that cJSON cannot hold as private characters of the same length. */
static void rewrite_escapes(char *line)
{
	for (char *c = line; *c; c++) {
		if (*c != '\\' || !c[1])
			continue;
		if (strncmp(c, "\\u0000", 6) == 0)
			memcpy(c, "\\uf7", 4);
		else if (strncmp(c, "\\udc", 4) == 0 && strchr("89abcdefABCDEF", c[4]) &&
			 (c - line < 6 || strncmp(c - 6, "\\ud", 3) != 0 ||
			  !strchr("89abAB", c[-3])))
			memcpy(c, "\\uf7", 4);
		c++;
	}
}

cJSON *case_read(const char *line)
{
	char *copy = strdup(line);
	cJSON *json;

	rewrite_escapes(copy);
	json = cJSON_Parse(copy);
	free(copy);
	return json;
}

/* What stands for a value that should be a text and is none: equal to nothing that the engine says.
 */
#define NOT_A_TEXT "\xff(no text)"

struct text text_of(const cJSON *string)
{
	const char *text = cJSON_IsString(string) ? string->valuestring : NOT_A_TEXT;
	const unsigned char *in = (const unsigned char *)text;
	char *out = malloc(strlen(text) + 1);
	uint32_t n = 0;

	while (*in) {
		/* U+F700..F7FF: EF 9C 80 .. EF 9F BF */
		if (in[0] == 0xef && in[1] >= 0x9c && in[1] <= 0x9f) {
			out[n++] = (char)((in[1] - 0x9c) << 6 | (in[2] & 0x3f));
			in += 3;
		} else {
			out[n++] = (char)*in++;
		}
	}
	out[n] = '\0';
	return (struct text){out, n};
}

const char *string_member(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool expects_success(const cJSON *test)
{
	const cJSON *expect = cJSON_GetObjectItemCaseSensitive(test, "expect");
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(expect, "result");

	return cJSON_IsTrue(result) ||
	       (cJSON_IsString(result) && strcmp(result->valuestring, "ok") == 0);
}

static int hex_bytes(const char *hex, char *out)
{
	unsigned byte;
	int n = 0;

	for (; hex[0] && hex[1] && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		out[n++] = (char)byte;
	return n;
}

static void free_text(struct text *t)
{
	free((void *)t->ptr);
}

/* Strings whose every byte counts: see text_of(). */
static bool is_bytes(enum value_type type)
{
	return type == VALUE_CHARBUF || type == VALUE_FSPATH || type == VALUE_FSRELPATH ||
	       type == VALUE_BYTEBUF;
}

static int define(struct given *given, const cJSON *field, char *reason, size_t reason_size)
{
	static const struct {
		const char *name;
		enum value_type type;
	} other_names[] = {{"flags8", VALUE_FLAGS32},      {"flags16", VALUE_FLAGS32},
			   {"enumflags8", VALUE_FLAGS32},  {"enumflags16", VALUE_FLAGS32},
			   {"enumflags32", VALUE_FLAGS32}, {"sigtype", VALUE_UINT8},
			   {"syscallid", VALUE_UINT16},    {"ipv4addr", VALUE_IPADDR},
			   {"ipv6addr", VALUE_IPADDR},     {"ipv4net", VALUE_IPNET},
			   {"ipv6net", VALUE_IPNET}};
	const char *type_name = string_member(field, "type");
	const char *hex = string_member(field, "hex");
	const cJSON *value = cJSON_GetObjectItem(field, "value");
	int type = type_name ? value_type_by_name(text_from(type_name)) : -1;
	uint32_t flags = 0;
	struct diag diag = {0};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(other_names); i++) {
		if (type_name && strcmp(type_name, other_names[i].name) == 0)
			type = (int)other_names[i].type;
	}
	if (cJSON_IsTrue(cJSON_GetObjectItem(field, "list")))
		flags |= FIELD_LIST;
	if (cJSON_IsTrue(cJSON_GetObjectItem(field, "no_transformer")))
		flags |= FIELD_NO_TRANSFORMER;
	if (cJSON_IsTrue(cJSON_GetObjectItem(field, "no_rhs")))
		flags |= FIELD_NO_FIELD_TO_FIELD;
	if (type < 0) {
		snprintf(reason, reason_size, "given %s: unknown type", field->string);
		return -EINVAL;
	}
	r = given_define(given, field->string, (enum value_type)type, flags);
	if (!r && cJSON_IsString(value) && is_bytes((enum value_type)type)) {
		SCOPED(free_text) struct text text = text_of(value);

		return given_set_bytes(given, field->string, text);
	}
	if (!r && hex) {
		SCOPED(free_ptr) char *bytes = malloc(strlen(hex) + 1);

		return given_set_bytes(given, field->string,
				       (struct text){bytes, (uint32_t)hex_bytes(hex, bytes)});
	}
	if (!r)
		r = value ? given_set(given, field->string, value, &diag)
			  : diag_set(&diag, -EINVAL, "neither value nor hex");
	if (r)
		snprintf(reason, reason_size, "given %s: %s", field->string, diag.message);
	return r;
}

int given_of(struct given **out, const cJSON *test, char *reason, size_t reason_size)
{
	SCOPED(given_destroy) struct given *given = NULL;
	const cJSON *field;
	int r = given_create(&given, NULL);

	cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(test, "given"))
	{
		if (!r && field->string[0] != '@')
			r = define(given, field, reason, reason_size);
	}
	if (!r)
		*out = TAKE(given);
	return r;
}
