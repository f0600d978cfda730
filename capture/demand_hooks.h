/* Tracepoints that are attached only while somebody wants their events: each costs something
 * whenever it is hit, wanted or not. Pipeline thread only. */
#pragma once

#include <stdint.h>

struct capture_bpf;

#define DEMAND_HOOKS 3

struct demand_hooks {
	struct bpf_link *links[DEMAND_HOOKS]; /* NULL: not attached */
	uint32_t refused;                     /* bit per hook that could not be attached: logged */
};

/* Let the programs be loaded that this kernel has the tracepoints for. Before the object is loaded.
 */
void demand_hooks_choose(struct capture_bpf *bpf);

/* Attach what is wanted (bit per enum event_type), detach the rest. Logs once what cannot be. */
void demand_hooks_set(struct demand_hooks *hooks, struct capture_bpf *bpf,
		      const uint64_t *event_types);

/* Detach everything. */
void demand_hooks_done(struct demand_hooks *hooks);
