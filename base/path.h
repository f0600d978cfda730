/* Lexical paths: joined and normalised as text, without looking at any file system. */
#pragma once

#include "base/text.h"

#define PATH_TEXT_MAX 8192u

/* base joined with path (path alone when it is absolute), without "//", "." and "..", into buffer;
 * what does not fit is cut. Starts with '/' when base or path does. */
struct text path_join(struct text base, struct text path, char *buffer, uint32_t size);

/* The part behind the last '/'. */
struct text path_base_name(struct text path);
