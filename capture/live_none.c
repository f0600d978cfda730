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

void live_source_set_classes(struct source *source, const uint32_t types[EVENT_TYPE_END],
			     const uint32_t syscalls[WIRE_NR_END])
{
	(void)source;
	(void)types;
	(void)syscalls;
}

void live_source_set_shed(struct source *source, const uint64_t *event_types,
			  const uint64_t *syscalls)
{
	(void)source;
	(void)event_types;
	(void)syscalls;
}

void live_source_watch(struct source *source, int fd)
{
	(void)source;
	(void)fd;
}
