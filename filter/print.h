/* Values as text and as JSON, into bounded buffers. */
#pragma once

#include <stdarg.h>

#include "filter/operand.h"

/* Text that grows in a buffer of fixed size. .is_cut says that something did not fit. */
struct print {
	char *buffer;
	uint32_t size, len;
	bool is_cut;
};

void print_bytes(struct print *p, const char *bytes, uint32_t len);
void print_text(struct print *p, struct text t);
void print_string(struct print *p, const char *s);

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void print_json_string(struct print *p, struct text t);

/* What an operand yielded, as outputs show it: lists as (a,b), ancestors joined by blanks. */
void print_values(struct print *p, const struct operand *operand, const struct values *values);

/* The same as a typed JSON value. */
void print_json_values(struct print *p, const struct operand *operand, const struct values *values);

/* The same in about max bytes (at least 32): longer text ends in "...", of longer lists the last
 * element is "...". Whether something was left out. */
bool print_json_values_short(struct print *p, const struct operand *operand,
			     const struct values *values, uint32_t max);
