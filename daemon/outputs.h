/* The configured outputs as the sinks want them. */
#pragma once

#include "daemon/config.h"
#include "storage/sinks.h"

/* Open them all. Errors are printed or logged. 0 or -errno. */
int outputs_open(const struct config *config, struct sinks **out);

/* Check without opening anything; -EINVAL is printed. */
int outputs_check(const struct config *config);
