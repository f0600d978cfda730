/* User and group names of the host, re-read when the files change, or of a container. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct host_facts;
struct users;

struct user {
	uint32_t uid, gid;
	struct text name, home, shell; /* valid until the tables are re-read */
};

/* root: directory that holds etc/passwd and etc/group; NULL: nothing is known. */
int users_create(struct users **out, const char *root);
/* The tables of the process's own root, read once, if that is not the host's root: -EAGAIN if it is
 * (a container that has not changed its root yet), -errno unreadable. Any thread. */
int users_create_inside(struct users **out, const char *host_root, int32_t pid);
void users_destroy(struct users **users);

/* Those of a capture instead of what was known. -ENOMEM leaves them as they were. */
int users_take(struct users *users, const struct host_facts *host);
/* One more, or another word on one that is known; the other is NULL. -ENOMEM. */
struct host_user;
struct host_group;
int users_add(struct users *users, const struct host_user *user, const struct host_group *group);

/* Look at the files again if they changed; at most once a second of now_ns. */
void users_refresh(struct users *users, uint64_t now_ns);

/* NULL: unknown. */
const struct user *users_find(const struct users *users, uint32_t uid);
/* Empty: unknown. */
struct text users_group_name(const struct users *users, uint32_t gid);
size_t users_bytes(const struct users *users);
