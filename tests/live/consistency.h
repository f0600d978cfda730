/* Compares what the state knows with /proc, for processes that stand still. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "state/state.h"

/* The processes of session sid (host's number). Differences are printed to out, at most `max` of
 * them; returns how many there are. *n: processes compared. */
uint32_t consistency_check(struct state *state, int32_t sid, FILE *out, uint32_t max, uint32_t *n);
