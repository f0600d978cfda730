/* What only the live source can do, besides struct source. Pipeline thread only. */
#pragma once

#include "capture/source.h"

/* Report the names as the caller typed them also of calls that succeeded (else the resolved path
 * stands in for them; reading one costs the caller about 140 ns). Off at first. */
void live_source_set_raw_names(struct source *source, bool are_wanted);
