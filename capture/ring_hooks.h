/* Which of the io_uring programs fit the running kernel: its tracepoints changed with releases. */
#pragma once

#include <stdbool.h>

struct capture_bpf;

/* Let exactly the programs that fit be loaded, none when not wanted. Before the object is loaded.
 * Whether requests will be seen: from Linux 5.19 on, where its BTF says what its tracepoints give.
 */
bool ring_hooks_choose(struct capture_bpf *bpf, bool are_wanted);
