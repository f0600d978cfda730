/* Reading rule items. */
#pragma once

#include "rules/yaml_read.h"

enum change { CHANGE_NONE, CHANGE_APPEND, CHANGE_REPLACE };

#define OVERRIDES_MAX 16

struct overrides {
	uint32_t n;
	struct {
		struct text key;
		enum change change;
	} items[OVERRIDES_MAX];
};

/* The override mapping; none, or a scalar or empty one: n = 0. */
int read_overrides(struct item *item, struct overrides *out);

int read_rule(struct item *item);
