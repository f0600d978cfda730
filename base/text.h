/* Byte strings with a length. They come from the kernel and from strangers: any byte may occur,
 * NUL included, and nothing is NUL-terminated unless a function says so. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct text {
	const char *ptr;
	uint32_t len; /* bytes */
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})
#define TEXT_NONE ((struct text){NULL, 0})
/* For printf's %.*s */
#define TEXT_ARGS(t) (int)(t).len, (t).ptr ? (t).ptr : ""

static inline struct text text_from(const char *s)
{
	return (struct text){s, s ? (uint32_t)strlen(s) : 0};
}

static inline bool text_equal(struct text a, struct text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool text_starts_with(struct text t, struct text prefix)
{
	return t.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(t.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool text_ends_with(struct text t, struct text suffix)
{
	return t.len >= suffix.len &&
	       (suffix.len == 0 || memcmp(t.ptr + t.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* 0 to 15, either case; -1: no hexadecimal digit. */
static inline int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Byte order, shorter first on a tie: -1, 0, 1. */
int text_compare(struct text a, struct text b);

/* "a*c" against t: * stands for any bytes. */
bool text_matches(struct text pattern, struct text t);

/* A NUL-terminated copy the caller frees; NULL without memory. */
char *text_dup(struct text t);
