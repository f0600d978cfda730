/* The tails of all workloads, by workload id. Bounded: the one longest unused gives way, and starts
 * anew when it is needed again (counted). */
#pragma once

#include <stdint.h>

#include "anomaly/tail.h"

struct tails;

int tails_create(struct tails **out);
void tails_destroy(struct tails **tails);

/* The workload's tail, made if need be, at least age epochs old. Valid until the next call. */
struct tail *tails_get(struct tails *tails, uint64_t workload_id, double age);

uint64_t tails_evicted_total(const struct tails *tails);

void tails_save(const struct tails *tails, struct blob_writer *image);
/* False, and *tails unchanged, on a bad image. */
bool tails_load(struct tails *tails, struct blob_reader *image);
