/* What loading BPF programs needs around it. */
#pragma once

#include <bpf/libbpf.h>
#include <stdarg.h>

#define LOADING_BTF "/sys/kernel/btf/vmlinux"

/* For libbpf_set_print(): the library's own messages, the verifier's log among them, are for
 * whoever asks by ETHOGRAM_BPF_LOG why a kernel refuses the programs; everybody else gets the one
 * sentence of loading_refused(). */
int loading_print(enum libbpf_print_level level, const char *format, va_list args);

/* Log why loading ended with r, -errno. Gives -EPERM, -ENOENT (no BTF), -ENOMEM or -EOPNOTSUPP. */
int loading_refused(int r);

/* Before 5.11 maps count against RLIMIT_MEMLOCK. Where it cannot be raised and is needed, loading
 * says so. */
void loading_raise_memlock(void);
