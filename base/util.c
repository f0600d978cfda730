#include "base/util.h"

#include <stdlib.h>
#include <unistd.h>

void free_ptr(void *ptr_to_ptr)
{
	void **ptr = ptr_to_ptr;

	free(*ptr);
	*ptr = NULL;
}

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
