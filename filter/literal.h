/* Values written in a filter, read as the type of the field they are compared with. */
#pragma once

#include "base/diag.h"
#include "filter/operators.h"
#include "filter/pool.h"

#define LITERAL_BYTES_MAX 255

/* 0 and *out (its text in pool or borrowed from source), -EINVAL with diag's message, -ENOMEM. */
int literal_parse(struct text source, enum value_type type, enum filter_op op, struct pool *pool,
		  struct value *out, struct diag *diag);
