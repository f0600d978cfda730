/* Counts what the program, its libraries included, allocates from the heap: for tests of what must
 * not allocate. Linking it replaces the allocator's entries, or hooks into the sanitizer's. */
#pragma once

#include <stdint.h>

/* Count from now on. Fails the program if counting does not work. */
void allocations_begin(void);

/* malloc, calloc, realloc and their like so far. */
uint64_t allocations_total(void);
