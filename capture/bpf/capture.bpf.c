/* All programs as one object. The families are separate files and see each other through
 * ring.bpf.h only; they are compiled together because libbpf 1.1's static linker refuses objects
 * that share an extern kernel function. */
#include "capture/bpf/maps.bpf.c"

#include "capture/bpf/sections.bpf.c"

#include "capture/bpf/socket.bpf.c"

#include "capture/bpf/io.bpf.c"

#include "capture/bpf/call.bpf.c"

#include "capture/bpf/task.bpf.c"

#include "capture/bpf/signal.bpf.c"

#include "capture/bpf/scan.bpf.c"

#include "capture/bpf/io_uring.bpf.c"
