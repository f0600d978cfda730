#include "base/json_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

/* Bytes of the well-formed UTF-8 character at s, 0 when there is none (Unicode 15, table 3-7). */
static unsigned utf8_length(const unsigned char *s, uint32_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	unsigned n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (unsigned i = 2; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

/* Write the first character or byte of s to out (room for 4) as it is shown; gives the number of
 * bytes read and returns that written. */
static unsigned encode_one(const unsigned char *s, uint32_t left, char out[4], unsigned *taken)
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = s[0] ? utf8_length(s, left) : 0;

	*taken = n ? n : 1;
	if (n == 1 && s[0] == '\\') {
		memcpy(out, "\\\\", 2);
		return 2;
	}
	if (n) {
		memcpy(out, s, n);
		return n;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[s[0] >> 4];
	out[3] = digits[s[0] & 15];
	return 4;
}

uint32_t json_text_encode_into(struct text t, char *out, uint32_t out_bytes)
{
	uint32_t used = 0, i = 0;

	while (i < t.len) {
		char one[4];
		unsigned taken;
		unsigned n = encode_one((const unsigned char *)t.ptr + i, t.len - i, one, &taken);

		if (out_bytes - used <= n)
			break;
		memcpy(out + used, one, n);
		used += n;
		i += taken;
	}
	if (out_bytes)
		out[used] = '\0';
	return used;
}

char *json_text_encode(struct text t)
{
	size_t need = 1;
	char *out;

	for (uint32_t i = 0; i < t.len;) {
		char one[4];
		unsigned taken;

		need += encode_one((const unsigned char *)t.ptr + i, t.len - i, one, &taken);
		i += taken;
	}
	if (need > UINT32_MAX)
		return NULL;
	out = malloc(need);
	if (out)
		json_text_encode_into(t, out, (uint32_t)need);
	return out;
}

bool json_text_decode(struct text t, char *out, uint32_t *len)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] != '\\') {
			out[used++] = t.ptr[i];
		} else if (t.len - i >= 2 && t.ptr[i + 1] == '\\') {
			out[used++] = '\\';
			i++;
		} else if (t.len - i >= 4 && t.ptr[i + 1] == 'x' &&
			   text_hex_digit(t.ptr[i + 2]) >= 0 && text_hex_digit(t.ptr[i + 3]) >= 0) {
			out[used++] = (char)(text_hex_digit(t.ptr[i + 2]) << 4 |
					     text_hex_digit(t.ptr[i + 3]));
			i += 3;
		} else {
			return false;
		}
	}
	*len = used;
	return true;
}

static cJSON *text_item(struct text t)
{
	SCOPED(free_ptr) char *value = json_text_encode(t);

	return value ? cJSON_CreateString(value) : NULL;
}

void json_add_item(cJSON *object, const char *name, cJSON *item)
{
	if (!item)
		item = cJSON_CreateNull();
	if (!cJSON_AddItemToObjectCS(object, name, item))
		cJSON_Delete(item);
}

void json_add_text(cJSON *object, const char *name, struct text t)
{
	json_add_item(object, name, text_item(t));
}

void json_add_text_or_null(cJSON *object, const char *name, struct text t)
{
	json_add_item(object, name, t.len ? text_item(t) : NULL);
}

void json_add_words(cJSON *object, const char *name, struct text t)
{
	cJSON *words = json_add_array(object, name);
	uint32_t start = 0;

	for (uint32_t i = 0; i <= t.len; i++) {
		if (i < t.len && t.ptr[i] != ' ')
			continue;
		if (i > start)
			json_append_text(words, (struct text){t.ptr + start, i - start});
		start = i + 1;
	}
}

void json_add_time(cJSON *object, const char *name, uint64_t ns)
{
	char text[TIME_TEXT_BYTES];

	json_add_item(object, name, ns ? cJSON_CreateString(time_print(ns, text)) : NULL);
}

void json_add_hex16(cJSON *object, const char *name, uint64_t value)
{
	char text[HEX16_BYTES];

	json_add_item(object, name, cJSON_CreateString(hex16_print(value, text)));
}

void json_add_id(cJSON *object, const char *name, char letter, uint64_t id)
{
	char text[ID_BYTES];

	json_add_item(object, name, id ? cJSON_CreateString(id_print(letter, id, text)) : NULL);
}

/* cJSON prints numbers with 15 digits, then with an exponent; beyond that the digits go in raw. */
#define PLAIN_MAX 999999999999999

void json_add_u64(cJSON *object, const char *name, uint64_t value)
{
	char digits[24];

	if (value <= PLAIN_MAX) {
		json_add_item(object, name, cJSON_CreateNumber((double)value));
		return;
	}
	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	json_add_item(object, name, cJSON_CreateRaw(digits));
}

void json_add_i64(cJSON *object, const char *name, int64_t value)
{
	char digits[24];

	if (value <= PLAIN_MAX && value >= -PLAIN_MAX) {
		json_add_item(object, name, cJSON_CreateNumber((double)value));
		return;
	}
	snprintf(digits, sizeof(digits), "%" PRId64, value);
	json_add_item(object, name, cJSON_CreateRaw(digits));
}

void json_add_double(cJSON *object, const char *name, double value)
{
	json_add_item(object, name, isfinite(value) ? cJSON_CreateNumber(value) : NULL);
}

void json_add_bool(cJSON *object, const char *name, bool value)
{
	json_add_item(object, name, cJSON_CreateBool(value));
}

void json_add_null(cJSON *object, const char *name)
{
	json_add_item(object, name, NULL);
}

cJSON *json_add_array(cJSON *object, const char *name)
{
	cJSON *array = cJSON_CreateArray();

	json_add_item(object, name, array);
	return array;
}

cJSON *json_add_object(cJSON *object, const char *name)
{
	cJSON *item = cJSON_CreateObject();

	json_add_item(object, name, item);
	return item;
}

void json_append_text(cJSON *array, struct text t)
{
	cJSON *item = text_item(t);

	if (!cJSON_AddItemToArray(array, item))
		cJSON_Delete(item);
}
