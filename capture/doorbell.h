/* The kernel's way to end a long sleep of the consumer: a small BPF ring buffer whose only use is
 * that it wakes. Waking costs the kernel 5 to 10 us, so it is rung at most once a sleep, and for
 * what cannot wait only (capture/bpf/ring.bpf.h). Pipeline thread only. */
#pragma once

#include <stdint.h>

struct doorbell;

/* map_fd is borrowed. 0 or -errno. */
int doorbell_create(struct doorbell **out, int map_fd);
void doorbell_destroy(struct doorbell **doorbell);

/* Readable when it was rung. */
int doorbell_fd(const struct doorbell *doorbell);

/* Take note of it: the descriptor is quiet again. */
void doorbell_silence(struct doorbell *doorbell);

uint64_t doorbell_rung_total(const struct doorbell *doorbell);
