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

/* "1.2.3", a suffix behind - or + is ignored. */
bool version_parse(struct text t, struct version *out);

/* The same, or a plain number N for 0.N.0. */
bool version_of_engine(struct text t, struct version *out);

/* Same major, and not older. */
bool version_is_met(struct version own, struct version wanted);
