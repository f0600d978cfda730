/* What a capture says of the host before its events: machine, interfaces, users, processes and
 * their descriptors, in every version of the lists. Texts point into the blocks. */
#pragma once

#include "base/event.h"
#include "capture/scap_cursor.h"

enum scap_list {
	SCAP_LIST_NONE, /* not one of these */
	SCAP_LIST_MACHINE,
	SCAP_LIST_PROCESSES,
	SCAP_LIST_FDS,
	SCAP_LIST_INTERFACES,
	SCAP_LIST_USERS,
	SCAP_LIST_END,
};

struct scap_list_kind {
	uint8_t list;    /* enum scap_list */
	uint8_t version; /* from 1 */
};

/* What blocks of that type hold. */
struct scap_list_kind scap_list_kind(uint32_t block_type);

struct scap_list_machine {
	struct text hostname;
	uint32_t n_cpus;
	uint64_t memory_bytes;
	uint64_t boot_ns; /* when the host was booted, ns since the epoch; 0 unknown */
};

/* The readers of entries return 1 with *out set, 0 at the end of the list, -EBADMSG when the rest
 * is no list. *out has no texts of its own. */

int scap_machine_read(struct scap_cursor c, struct scap_list_machine *out);

struct scap_list_process {
	struct task_facts task; /* parent_tgid is the parent's tid here */
	uint32_t clone_flags;   /* portable bits */
};

int scap_process_next(struct scap_cursor *c, uint8_t version, struct scap_list_process *out);

struct scap_list_fd {
	int32_t fd;
	bool is_socket;      /* sock is set, else file */
	uint32_t open_flags; /* portable bits; 0 unknown */
	struct file_facts file;
	struct sock_facts sock;
};

/* The thread that a descriptor list is of comes first. */
int scap_fd_next(struct scap_cursor *c, uint8_t version, struct scap_list_fd *out);

int scap_address_next(struct scap_cursor *c, uint8_t version, struct host_address *out);

struct scap_list_user {
	bool is_group; /* group is set, else user */
	struct host_user user;
	struct host_group group;
};

int scap_user_next(struct scap_cursor *c, uint8_t version, struct scap_list_user *out);
