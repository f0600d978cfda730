/* The kernel's way to end a long sleep of the consumer: a small BPF ring buffer whose only use is
 * that it wakes. Waking costs the kernel 5 to 10 us, so it is rung at most once a sleep, and for
 * what cannot wait only (capture/bpf/ring.bpf.h). Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct doorbell;

/* map_fd is borrowed. 0 or -errno. */
int doorbell_create(struct doorbell **out, int map_fd);
void doorbell_destroy(struct doorbell **doorbell);

/* Sleep until it rings, or for ns. wake_fd (an eventfd, which is emptied) and question_fd (-1:
 * none) end the sleep, too, when they are readable. False: nothing of that, time is up. */
bool doorbell_wait(struct doorbell *doorbell, int wake_fd, int question_fd, uint64_t ns);

uint64_t doorbell_rung_total(const struct doorbell *doorbell);
