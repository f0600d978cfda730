/* Version numbers in rule files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct version {
	uint32_t major, minor, patch;
};

/* The rule language that is implemented. */
#define ENGINE_VERSION                                                                             \
	{                                                                                          \
		0, 63, 0                                                                           \
	}

/* "1.2.3"; what follows is ignored. */
bool version_parse(struct text t, struct version *out);

/* A whole number below 2^32 as rule files may write it: 26, 0x1a, 032. */
bool yaml_count(struct text t, uint32_t *out);

/* A version, or such a number N for 0.N.0. */
bool version_of_engine(struct text t, struct version *out);

/* Same major, and not older. */
bool version_is_met(struct version own, struct version wanted);
