/* Files of the source tree that the program carries in itself; made by embed.py at build time. */
#pragma once

#include <stddef.h>

struct asset {
	const char *bytes; /* NUL-terminated after len */
	size_t len;
};

extern const struct asset asset_page_html, asset_page_js, asset_page_css, asset_schemas_json;
