#include "capture/loading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

int loading_print(enum libbpf_print_level level, const char *format, va_list args)
{
	return level <= LIBBPF_INFO && getenv("ETHOGRAM_BPF_LOG") ? vfprintf(stderr, format, args)
								  : 0;
}

int loading_refused(int r)
{
	if (r == -EPERM) /* -EACCES is the verifier's word */
		return log_err_r(-EPERM,
				 "live capture: BPF programs may not be loaded: run as root, "
				 "or grant CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE");
	if (access(LOADING_BTF, R_OK))
		return log_err_r(-ENOENT, "live capture: the kernel has no BTF: use one built with "
					  "CONFIG_DEBUG_INFO_BTF=y");
	if (r == -ENOMEM)
		return log_err_r(r, "live capture: no memory for the buffers: lower "
				    "capture.buffer_bytes");
	return log_err_r(-EOPNOTSUPP,
			 "live capture: this kernel refuses the programs (error %d): "
			 "Linux 5.10 or newer is needed",
			 -r);
}

void loading_raise_memlock(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited))
		log_debug("live capture: RLIMIT_MEMLOCK stays as it is");
}
