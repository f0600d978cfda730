/* Where an item or a value of a rule file stands. */
#pragma once

#include <stdint.h>

struct text_map;

struct place {
	const char *file;
	uint32_t line, column;      /* from 1; columns count characters */
	const struct text_map *map; /* of the text that stands there; NULL: all of it is here */
};
