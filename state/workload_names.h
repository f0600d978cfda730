/* Canonical names of workloads, and which programs start others on somebody's behalf. Pure. */
#pragma once

#include <stdbool.h>

#include "state/places.h"
#include "state/process_table.h"
#include "state/users.h"

#define NAME_BYTES_MAX 1024u

struct name {
	char bytes[NAME_BYTES_MAX];
	struct text text;
};

/* Print into name; what does not fit is cut. */
void name_set(struct name *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Shells, login daemons, cron, supervisors. */
bool process_is_launcher(const struct process *p);

/* "exe:PATH", of a memory file without the random part of its name; "exe:[kernel]" for kernel
 * threads, which have no executable; "exe:[COMM]" where it is unknown. */
enum workload_kind exe_name(const struct process *p, struct name *name);

/* Of a container, from what its runtime wrote down so far. */
enum workload_kind container_name(const struct place *place, struct name *name);

/* Of whatever place it is; node is the first process in it. */
enum workload_kind place_name(const struct users *users, const struct place *place,
			      const struct process_node *node, struct name *name);

/* Id of the instance that node begins in place; may point into id. */
struct text place_instance_id(const struct place *place, const struct process_node *node,
			      struct name *id);
