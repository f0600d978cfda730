/* What container runtimes write down about a container: parsing their files, and the names that
 * follow. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define META_TEXT_MAX 256
#define META_LABELS_MAX 4096
#define META_MOUNTS_MAX 8192

struct container_meta {
	bool is_known;   /* a runtime's file was found */
	bool is_sandbox; /* the pod's pause container */
	bool is_privileged;
	char image[META_TEXT_MAX]; /* repository, as the runtime names it */
	char tag[META_TEXT_MAX], digest[META_TEXT_MAX], image_id[META_TEXT_MAX];
	char name[META_TEXT_MAX]; /* container name */
	char pod_name[META_TEXT_MAX], pod_namespace[META_TEXT_MAX], pod_uid[META_TEXT_MAX];
	char sandbox_id[META_TEXT_MAX];
	char bundle[META_TEXT_MAX];   /* where the OCI bundle lies, from a runtime's state file */
	char labels[META_LABELS_MAX]; /* "key=value" NUL-terminated strings */
	uint32_t labels_len;
	char mounts[META_MOUNTS_MAX]; /* MOUNT_PARTS NUL-terminated strings a mount */
	uint32_t mounts_len;
};

enum mount_part {
	MOUNT_SOURCE,
	MOUNT_DEST,
	MOUNT_MODE,
	MOUNT_RDWR,
	MOUNT_PROPAGATION,
	MOUNT_PARTS
};

/* The next mount of a list; false at the end. */
bool container_meta_next_mount(struct text *mounts, struct text out[MOUNT_PARTS]);

/* Each adds what its file tells to *meta. 0; -EBADMSG not such a file. */
int container_meta_parse_docker(struct container_meta *meta, struct text json);
int container_meta_parse_docker_host(struct container_meta *meta, struct text json);
int container_meta_parse_bundle(struct container_meta *meta, struct text json);
int container_meta_parse_runc_state(struct container_meta *meta, struct text json);
/* id: which entry of podman's containers.json. */
int container_meta_parse_podman(struct container_meta *meta, struct text json, struct text id);

/* Split "registry:5000/team/web:2.1@sha256:..." into repository, tag and digest. */
void container_meta_set_image(struct container_meta *meta, struct text reference);

/* The name of what made the pod: without the hashes, ordinals and times that Deployments,
 * DaemonSets, StatefulSets, Jobs and CronJobs append. */
struct text pod_owner(struct text pod_name);

/* The workload's canonical name, "pod:NAMESPACE/OWNER/CONTAINER" or "image:REPOSITORY"; returns
 * its length, 0 when the facts are not enough. */
uint32_t container_workload_name(const struct container_meta *meta, char *buffer, uint32_t size);
