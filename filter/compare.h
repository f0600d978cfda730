/* Two values and an operator. */
#pragma once

#include "filter/operators.h"

/* op is neither exists, regex nor a list operator; both values have been checked for it. Values of
 * different kinds (evt.rawarg changes from event to event) compare false. */
bool value_compare(enum filter_op op, const struct value *left, const struct value *right);

bool value_equal(const struct value *left, const struct value *right);
