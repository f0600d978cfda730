/* Which ids were met: a bit each, as ids of a replay count from 1. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct id_set {
	uint64_t *words;
	size_t n;
};

/* 1: id is new to the set, which then has it; 0: it was there; -ENOMEM. */
int id_set_add(struct id_set *set, uint64_t id);
void id_set_done(struct id_set *set);
