/* Looking one value up in a bbolt database, the format in which containerd keeps what it knows of
 * its containers (io.containerd.metadata.v1.bolt/meta.db). Read only, without a lock: pages are
 * written anew, never in place, so a reader sees the old tree or the new one; every offset is
 * checked all the same, as the file may be anything.
 *
 * Format: go.etcd.io/bbolt, file version 2. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* The value under buckets path[0] / path[1] / ... / path[n-2], key path[n-1], copied to out (at
 * most size bytes). Returns its length; -ENOENT no such key, -EBADMSG not a whole bbolt file,
 * -EFBIG value larger than size, -errno unreadable. */
int bolt_get(const char *file, const struct text *path, unsigned n, char *out, size_t size);
