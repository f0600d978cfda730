#include "capture/scap_host.h"

#include <errno.h>
#include <grp.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

#define ENTRIES_MAX 65536 /* of each list */

struct scap_host {
	struct scap_machine machine;
	struct host_facts facts;
	struct host_user *users;
	struct host_group *groups;
	struct host_address *addresses;
	char name[256];
};

/* Room for one more of n entries; the pointer in *entries may move. False: there is none. */
static bool reserve(void *entries, uint32_t n, size_t size)
{
	void **at = entries;
	void *moved;

	if (n >= ENTRIES_MAX)
		return false;
	if (n & (n - 1)) /* grows when n is 0 or a power of two */
		return true;
	moved = realloc(*at, (n ? 2 * (size_t)n : 1) * size);
	if (!moved)
		return false;
	*at = moved;
	return true;
}

static struct text copy(const char *s)
{
	char *own = s ? strdup(s) : NULL;

	return text_from(own);
}

static void free_text(struct text *text)
{
	free((char *)text->ptr);
}

static uint64_t read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long long value = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%20llu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

static void add_users(struct scap_host *host)
{
	FILE *file = fopen("/etc/passwd", "re");
	uint32_t *n = &host->facts.n_users;
	struct passwd *row;

	while (file && (row = fgetpwent(file)) && reserve(&host->users, *n, sizeof(*host->users)))
		host->users[(*n)++] = (struct host_user){.uid = row->pw_uid,
							 .gid = row->pw_gid,
							 .name = copy(row->pw_name),
							 .home = copy(row->pw_dir),
							 .shell = copy(row->pw_shell)};
	if (file)
		fclose(file);
}

static void add_groups(struct scap_host *host)
{
	FILE *file = fopen("/etc/group", "re");
	uint32_t *n = &host->facts.n_groups;
	struct group *row;

	while (file && (row = fgetgrent(file)) && reserve(&host->groups, *n, sizeof(*host->groups)))
		host->groups[(*n)++] =
			(struct host_group){.gid = row->gr_gid, .name = copy(row->gr_name)};
	if (file)
		fclose(file);
}

static void copy_address(uint8_t *out, const struct sockaddr *address)
{
	if (!address)
		return;
	if (address->sa_family == AF_INET)
		memcpy(out, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	else
		memcpy(out, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
}

static void add_addresses(struct scap_host *host)
{
	struct ifaddrs *all = NULL;
	uint32_t *n = &host->facts.n_addresses;

	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *row = all; row; row = row->ifa_next) {
		struct host_address *address;

		if (!row->ifa_addr ||
		    (row->ifa_addr->sa_family != AF_INET && row->ifa_addr->sa_family != AF_INET6))
			continue;
		if (!reserve(&host->addresses, *n, sizeof(*host->addresses)))
			break;
		address = &host->addresses[(*n)++];
		*address = (struct host_address){.family = row->ifa_addr->sa_family,
						 .interface = copy(row->ifa_name)};
		copy_address(address->address, row->ifa_addr);
		copy_address(address->netmask, row->ifa_netmask);
	}
	freeifaddrs(all);
}

static void fill_machine(struct scap_machine *machine)
{
	long pages = sysconf(_SC_PHYS_PAGES), cpus = sysconf(_SC_NPROCESSORS_CONF);

	machine->n_cpus = cpus > 0 ? (uint32_t)cpus : 1;
	machine->memory_bytes = pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
	machine->pid_max = read_number("/proc/sys/kernel/pid_max");
	machine->boot_epoch_ns = clock_real_ns() - clock_boot_ns();
}

int scap_host_create(struct scap_host **out)
{
	struct scap_host *host = calloc(1, sizeof(*host));

	if (!host)
		return -ENOMEM;
	fill_machine(&host->machine);
	if (gethostname(host->name, sizeof(host->name) - 1) == 0)
		host->facts.hostname = text_from(host->name);
	add_addresses(host);
	add_users(host);
	add_groups(host);
	host->facts.users = host->users;
	host->facts.groups = host->groups;
	host->facts.addresses = host->addresses;
	*out = host;
	return 0;
}

void scap_host_destroy(struct scap_host **host)
{
	struct scap_host *h = *host;

	if (!h)
		return;
	for (uint32_t i = 0; i < h->facts.n_users; i++) {
		free_text(&h->users[i].name);
		free_text(&h->users[i].home);
		free_text(&h->users[i].shell);
	}
	for (uint32_t i = 0; i < h->facts.n_groups; i++)
		free_text(&h->groups[i].name);
	for (uint32_t i = 0; i < h->facts.n_addresses; i++)
		free_text(&h->addresses[i].interface);
	free(h->users);
	free(h->groups);
	free(h->addresses);
	free(h);
	*host = NULL;
}

const struct host_facts *scap_host_facts(const struct scap_host *host)
{
	return &host->facts;
}

const struct scap_machine *scap_host_machine(const struct scap_host *host)
{
	return &host->machine;
}
