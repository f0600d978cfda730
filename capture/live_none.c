/* Built without BPF. */
#include <errno.h>

#include "base/log.h"
#include "capture/live.h"

int live_source_create_reading(struct source **out, const struct live_config *config,
			       uint32_t read_mode)
{
	(void)out;
	(void)config;
	(void)read_mode;
	return log_err_r(-EOPNOTSUPP, "live capture: this program was built without BPF");
}

int live_source_create(struct source **out, const struct live_config *config)
{
	return live_source_create_reading(out, config, 0);
}
