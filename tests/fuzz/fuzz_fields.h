/* A few fields of every kind for fuzz targets. */
#pragma once

#include "filter/filter.h"

struct fuzz_context {
	struct field_set fields;
	struct arena arena;
	struct event event; /* an openat */
	struct field_context ctx;
};

void fuzz_context_init(struct fuzz_context *fuzz);
void fuzz_context_done(struct fuzz_context *fuzz);
