/* Any bytes as containerd's database: a value is found or it is not. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "state/bolt.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct text path[] = {TEXT("v1"), TEXT("default"), TEXT("containers"),
					   TEXT("cont4"), TEXT("image")};
	char file[64], out[256];
	int fd = memfd_create("bolt", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	for (unsigned n = 1; n <= ARRAY_SIZE(path); n++)
		bolt_get(file, path, n, out, sizeof(out));
	close(fd);
	return 0;
}
