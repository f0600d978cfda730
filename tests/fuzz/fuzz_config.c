/* Any text as a configuration file: it applies or says why; what applies can be shown, and what is
 * shown applies again. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/config.h"
#include "tests/fuzz/fuzz.h"

static int load(struct config *config, const void *data, size_t size, struct diag *diag)
{
	char path[64];
	int fd = memfd_create("config", MFD_CLOEXEC), r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = config_load_file(config, path, diag);
	close(fd);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(config_destroy) struct config *config = NULL, *again = NULL;
	SCOPED(free_ptr) char *shown = NULL, *json = NULL;
	struct diag diag = {0};

	if (config_create(&config) || config_create(&again))
		abort();
	if (load(config, data, size, &diag)) {
		assert(diag.message[0]);
		return 0;
	}
	config_finish(config, &diag);
	shown = config_show(config);
	json = config_json(config);
	assert(shown && json);
	assert(load(again, shown, strlen(shown), &diag) == 0);
	return 0;
}
