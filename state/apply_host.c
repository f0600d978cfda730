#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
	state->users_told = 0;
	if (take_addresses(state, host))
		return -ENOMEM;
	return users_take(state->users, host);
}

#define USERS_TOLD_MAX 4096 /* each is a copy of all */

static uint32_t param_id(const struct event *ev, unsigned index)
{
	const struct param *param = event_param(ev, index);

	return param ? (uint32_t)param->u64 : UINT32_MAX;
}

static struct text param_text(const struct event *ev, unsigned index)
{
	const struct param *param = event_param(ev, index);

	return param ? param->bytes : TEXT_NONE;
}

int apply_user_told(struct state *state, const struct event *ev)
{
	bool is_group = ev->type == EVENT_GROUPADDED;
	unsigned container =
		is_group ? (unsigned)GROUPADDED_container_id : (unsigned)USERADDED_container_id;
	struct host_user user = {.uid = param_id(ev, USERADDED_uid),
				 .gid = param_id(ev, USERADDED_gid),
				 .name = param_text(ev, USERADDED_name),
				 .home = param_text(ev, USERADDED_home),
				 .shell = param_text(ev, USERADDED_shell)};
	struct host_group group = {.gid = param_id(ev, GROUPADDED_gid),
				   .name = param_text(ev, GROUPADDED_name)};

	if (param_text(ev, container).len || state->users_told >= USERS_TOLD_MAX)
		return 0; /* a container's */
	state->users_told++;
	return is_group ? users_add(state->users, NULL, &group)
			: users_add(state->users, &user, NULL);
}

bool state_has_addresses(const struct state *state)
{
	return state->n_addresses > 0;
}

bool state_is_own_address(const struct state *state, uint16_t family, const uint8_t address[16])
{
	static const uint8_t loopback_v4[4] = {127, 0, 0, 1}, loopback_v6[8];
	uint32_t width = family == AF_INET ? 4 : 8;

	if (family == AF_INET ? !memcmp(address, loopback_v4, width)
			      : !memcmp(address, loopback_v6, width))
		return true;
	for (uint32_t i = 0; i < state->n_addresses; i++) {
		if (state->addresses[i].family == family &&
		    !memcmp(state->addresses[i].address, address, width))
			return true;
	}
	return false;
}

/* Whether to is in the network of own. */
static bool is_neighbour(const struct host_address *own, const uint8_t to[4])
{
	for (int i = 0; i < 4; i++) {
		if ((own->address[i] ^ to[i]) & own->netmask[i])
			return false;
	}
	return true;
}

const uint8_t *own_address_towards(const struct state *state, const uint8_t to[4])
{
	const struct host_address *outward = NULL;

	for (uint32_t i = 0; i < state->n_addresses; i++) {
		const struct host_address *own = &state->addresses[i];

		if (own->family != AF_INET)
			continue;
		if (is_neighbour(own, to))
			return own->address;
		if (!outward && own->address[0] != 127)
			outward = own;
	}
	return outward ? outward->address : NULL;
}
