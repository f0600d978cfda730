#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "state/state_private.h"

/* Without a reaper: who is known of another host is nobody's parent on this one. */
static bool end_process(struct process *process, void *arg)
{
	struct state *state = arg;
	struct process_node *node = process_node(process);

	identity_exit(node, state->identity, state->now_ns);
	process_table_kill(state->table, node, NULL, 0);
	return true;
}

static int take_addresses(struct state *state, const struct host_facts *host)
{
	struct host_address *copy = NULL;

	if (host->n_addresses) {
		copy = calloc(host->n_addresses, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, host->addresses, host->n_addresses * sizeof(*copy));
	}
	for (uint32_t i = 0; i < host->n_addresses; i++)
		copy[i].interface = TEXT_NONE; /* the source's, gone with the event */
	free(state->addresses);
	state->addresses = copy;
	state->n_addresses = host->n_addresses;
	return 0;
}

int apply_host(struct state *state, const struct host_facts *host)
{
	uint32_t len = MIN(host->hostname.len, sizeof(state->hostname) - 1);

	process_table_each(state->table, end_process, state);
	if (len)
		memcpy(state->hostname, host->hostname.ptr, len);
	state->hostname[len] = '\0';
	if (take_addresses(state, host))
		return -ENOMEM;
	return users_take(state->users, host);
}
