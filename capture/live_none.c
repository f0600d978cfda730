/* Built without BPF. */
#include <errno.h>

#include "base/log.h"
#include "capture/live.h"

int live_source_create(struct source **out, const struct live_config *config)
{
	(void)out;
	(void)config;
	return log_err_r(-EOPNOTSUPP, "live capture: this program was built without BPF");
}

void live_source_set_raw_names(struct source *source, bool are_wanted)
{
	(void)source;
	(void)are_wanted;
}
