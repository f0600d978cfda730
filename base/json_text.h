/* Strangers' bytes in JSON, reversibly. JSON strings hold characters, not bytes: a byte that is not
 * part of valid UTF-8, and NUL, are written as the four characters \xNN and a backslash as \\,
 * inside the string's value (JSON's own escapes come on top of that). Everything else stands for
 * itself. Decoding gives the exact bytes back. Any thread. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/text.h"

/* The value as a NUL-terminated string that the caller frees; NULL without memory. */
char *json_text_encode(struct text t);

/* The same without its own memory: at most out_bytes with the closing NUL; what does not fit is cut
 * at a character. Returns the length. */
uint32_t json_text_encode_into(struct text t, char *out, uint32_t out_bytes);

/* Bytes that t, a value written by json_text_encode(), stands for: at most t.len of them into out.
 * False on a backslash followed by anything but a backslash or xNN. */
bool json_text_decode(struct text t, char *out, uint32_t *len);

/* Members of a cJSON object. Without memory the member is missing; cJSON_Print* then still work.
 * name is borrowed for good (a literal). */
void json_add_text(cJSON *object, const char *name, struct text t); /* empty: "" */
void json_add_words(cJSON *object, const char *name, struct text t);
void json_add_text_or_null(cJSON *object, const char *name, struct text t); /* empty: null */
void json_add_time(cJSON *object, const char *name, uint64_t ns);           /* 0: null */
void json_add_hex16(cJSON *object, const char *name, uint64_t value);
void json_add_id(cJSON *object, const char *name, char letter, uint64_t id); /* 0: null */
void json_add_u64(cJSON *object, const char *name, uint64_t value); /* all digits, never 1e+15 */
void json_add_i64(cJSON *object, const char *name, int64_t value);
void json_add_double(cJSON *object, const char *name, double value); /* not finite: null */
void json_add_bool(cJSON *object, const char *name, bool value);
void json_add_null(cJSON *object, const char *name);
cJSON *json_add_array(cJSON *object, const char *name);
cJSON *json_add_object(cJSON *object, const char *name);
/* Takes item (may be NULL: then null). */
void json_add_item(cJSON *object, const char *name, cJSON *item);

/* The string as an array element. */
void json_append_text(cJSON *array, struct text t);
