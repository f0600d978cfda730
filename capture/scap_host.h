/* What this machine is, for the head of a capture: name, processors, memory, addresses, users and
 * groups (of /etc/passwd and /etc/group; name services are not asked). */
#pragma once

#include "base/event.h"
#include "capture/scap_write.h"

struct scap_host;

/* What cannot be read is left empty. 0 or -ENOMEM. */
int scap_host_create(struct scap_host **out);
void scap_host_destroy(struct scap_host **host);

/* Borrowed until it is destroyed. */
const struct host_facts *scap_host_facts(const struct scap_host *host);
const struct scap_machine *scap_host_machine(const struct scap_host *host);
