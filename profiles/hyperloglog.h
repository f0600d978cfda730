/* HyperLogLog: how many distinct keys there were, in 2^precision bytes, within 1.04/sqrt(2^p)
 * (3.3 % at 10, 1.6 % at 12). Registers as Flajolet et al. 2007, estimator of Ertl 2017
 * (arXiv:1702.01284, "improved raw"), which needs no tables of bias. Pipeline thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "profiles/blob.h"

#define HYPERLOGLOG_PRECISION_MIN 10
#define HYPERLOGLOG_PRECISION_MAX 12

struct hyperloglog;

/* seed keys the hash: whoever does not know it cannot craft keys that inflate the estimate.
 * 0, -EINVAL (precision), -ENOMEM. */
int hyperloglog_create(struct hyperloglog **out, unsigned precision, uint64_t seed);
void hyperloglog_destroy(struct hyperloglog **hll);

void hyperloglog_add(struct hyperloglog *hll, uint64_t key);
double hyperloglog_estimate(const struct hyperloglog *hll);
void hyperloglog_reset(struct hyperloglog *hll);

/* Union into hll. -EINVAL: other precision or seed. */
int hyperloglog_merge(struct hyperloglog *hll, const struct hyperloglog *other);

size_t hyperloglog_bytes(const struct hyperloglog *hll);

void hyperloglog_write(const struct hyperloglog *hll, struct blob_writer *writer);
int hyperloglog_read(struct hyperloglog **out, struct blob_reader *reader, uint64_t seed);
