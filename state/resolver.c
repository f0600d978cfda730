#include "state/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "state/bolt.h"

#define QUEUE_MAX 128u
#define FILE_BYTES_MAX (4u << 20)
#define RETRY_NS 100000000L
#define NS_PER_S UINT64_C(1000000000)

struct waiting {
	struct resolver_request request;
	uint64_t asked_ns; /* monotonic */
};

struct resolver {
	char *host_root;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t changed;
	bool stop;
	struct waiting queue[QUEUE_MAX];
	uint32_t n_queue;
	struct resolver_answer *answers[QUEUE_MAX];
	uint32_t n_answers;
	atomic_uint n_ready; /* n_answers, readable without the lock */
};

/* A file's whole contents, bounded; NULL: not there or not readable. */
static char *read_text(const char *path, struct text *out)
{
	SCOPED(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	SCOPED(free_ptr) char *bytes = NULL;
	struct stat st;
	size_t used = 0;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > FILE_BYTES_MAX)
		return NULL;
	bytes = malloc((size_t)st.st_size);
	if (!bytes)
		return NULL;
	while (used < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + used, (size_t)st.st_size - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	*out = (struct text){bytes, (uint32_t)used};
	return TAKE(bytes);
}

typedef int parse_fn(struct container_meta *meta, struct text json);

static bool parse_file(struct container_meta *meta, parse_fn *parse, const char *path)
{
	struct text json;
	SCOPED(free_ptr) char *bytes = read_text(path, &json);

	return bytes && parse(meta, json) == 0;
}

static void look_docker(const char *root, const char *id, struct container_meta *meta)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/var/lib/docker/containers/%s/config.v2.json", root, id);
	if (!parse_file(meta, container_meta_parse_docker, path))
		return;
	snprintf(path, sizeof(path), "%s/var/lib/docker/containers/%s/hostconfig.json", root, id);
	parse_file(meta, container_meta_parse_docker_host, path);
}

/* The image that containerd's own database names; bundles made by ctr do not tell. */
static void look_containerd_image(const char *root, const char *id, const char *ns,
				  struct container_meta *meta)
{
	const struct text key[] = {TEXT("v1"), text_from(ns), TEXT("containers"), text_from(id),
				   TEXT("image")};
	char path[PATH_MAX], image[META_TEXT_MAX];
	int len;

	snprintf(path, sizeof(path), "%s/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db",
		 root);
	len = bolt_get(path, key, ARRAY_SIZE(key), image, sizeof(image));
	if (len > 0)
		container_meta_set_image(meta, (struct text){image, (uint32_t)len});
}

static bool look_containerd(const char *root, const char *id, const char *ns,
			    struct container_meta *meta)
{
	char path[PATH_MAX];

	if (!ns[0])
		return false;
	snprintf(path, sizeof(path),
		 "%s/run/containerd/io.containerd.runtime.v2.task/%s/%s/config.json", root, ns, id);
	if (!parse_file(meta, container_meta_parse_bundle, path))
		return false;
	if (!meta->image[0])
		look_containerd_image(root, id, ns, meta);
	return true;
}

/* podman and CRI-O share the storage library and its folders. */
static void look_storage(const char *root, const char *id, struct container_meta *meta)
{
	static const char *const folders[] = {"run/containers/storage",
					      "var/lib/containers/storage"};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		struct text json;
		SCOPED(free_ptr) char *bytes = NULL;

		snprintf(path, sizeof(path), "%s/%s/overlay-containers/%s/userdata/config.json",
			 root, folders[i], id);
		parse_file(meta, container_meta_parse_bundle, path);
		snprintf(path, sizeof(path), "%s/%s/overlay-containers/containers.json", root,
			 folders[i]);
		bytes = read_text(path, &json);
		if (bytes && !meta->image[0])
			container_meta_parse_podman(meta, json, text_from(id));
	}
}

static void look_runc(const char *root, const char *id, struct container_meta *meta)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/run/runc/%s/state.json", root, id);
	if (!parse_file(meta, container_meta_parse_runc_state, path)) {
		snprintf(path, sizeof(path), "%s/run/crun/%s/status", root, id);
		if (!parse_file(meta, container_meta_parse_runc_state, path))
			return;
	}
	snprintf(path, sizeof(path), "%s%s/config.json", root, meta->bundle);
	parse_file(meta, container_meta_parse_bundle, path);
}

/* Ids and namespaces become parts of paths. */
static bool is_path_safe(const char *name)
{
	return !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

void resolver_look(const char *host_root, const char *id, const char *ns,
		   struct container_meta *meta)
{
	const char *const namespaces[] = {ns, "k8s.io", "default", "moby"};

	*meta = (struct container_meta){0};
	if (!id[0] || !is_path_safe(id) || !is_path_safe(ns))
		return;
	look_docker(host_root, id, meta);
	for (size_t i = 0; i < ARRAY_SIZE(namespaces) && !meta->is_known; i++)
		look_containerd(host_root, id, namespaces[i], meta);
	if (!meta->is_known)
		look_storage(host_root, id, meta);
	if (!meta->is_known)
		look_runc(host_root, id, meta);
}

/* Enough to name a workload. */
static bool is_enough(const struct container_meta *meta)
{
	char name[2];

	return meta->is_known && container_workload_name(meta, name, sizeof(name));
}

/* Look the request up without the lock; true when its answer is final. */
static bool work(struct resolver *resolver, const struct waiting *waiting,
		 struct resolver_answer *answer)
{
	const struct resolver_request *request = &waiting->request;
	bool is_late = clock_monotonic_ns() - waiting->asked_ns >= request->patience_ns;

	*answer = (struct resolver_answer){.token = request->token};
	if (request->users_only)
		return users_create_inside(&answer->users, resolver->host_root, request->pid) !=
			       -EAGAIN ||
		       is_late;
	resolver_look(resolver->host_root, request->id, request->ns, &answer->meta);
	if (!is_enough(&answer->meta) && !is_late)
		return false;
	if (answer->meta.is_known)
		users_create_inside(&answer->users, resolver->host_root, request->pid);
	return true;
}

/* Wait for a change, or until waiting requests are due for another look. */
static void wait_changed(struct resolver *resolver, bool retry)
{
	struct timespec until;

	if (!retry) {
		pthread_cond_wait(&resolver->changed, &resolver->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += RETRY_NS;
	until.tv_sec += until.tv_nsec / (long)NS_PER_S;
	until.tv_nsec %= (long)NS_PER_S;
	pthread_cond_timedwait(&resolver->changed, &resolver->lock, &until);
}

/* One look at everything that waited when it began. */
static void look_round(struct resolver *resolver)
{
	uint32_t n = resolver->n_queue;

	for (uint32_t i = 0; i < n && !resolver->stop && resolver->n_answers < QUEUE_MAX; i++) {
		struct waiting waiting = resolver->queue[0];
		struct resolver_answer *answer = malloc(sizeof(*answer));
		bool is_final;

		if (!answer)
			return;
		resolver->n_queue--;
		memmove(resolver->queue, resolver->queue + 1,
			resolver->n_queue * sizeof(resolver->queue[0]));
		pthread_mutex_unlock(&resolver->lock);
		is_final = work(resolver, &waiting, answer);
		pthread_mutex_lock(&resolver->lock);
		if (is_final || resolver->n_queue == QUEUE_MAX) {
			resolver->answers[resolver->n_answers++] = answer;
			atomic_store(&resolver->n_ready, resolver->n_answers);
			continue;
		}
		free(answer);
		resolver->queue[resolver->n_queue++] = waiting;
	}
}

static void *run(void *arg)
{
	struct resolver *resolver = arg;

	pthread_mutex_lock(&resolver->lock);
	while (!resolver->stop) {
		bool is_full = resolver->n_answers == QUEUE_MAX;

		wait_changed(resolver, resolver->n_queue > 0 || is_full);
		look_round(resolver);
	}
	pthread_mutex_unlock(&resolver->lock);
	return NULL;
}

static int init_sync(struct resolver *resolver)
{
	pthread_condattr_t attr;
	int r = -pthread_mutex_init(&resolver->lock, NULL);

	if (r)
		return r;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	r = -pthread_cond_init(&resolver->changed, &attr);
	pthread_condattr_destroy(&attr);
	return r;
}

int resolver_create(struct resolver **out, const char *host_root)
{
	SCOPED(resolver_destroy) struct resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver)
		return -ENOMEM;
	r = init_sync(resolver);
	if (r)
		return r;
	resolver->host_root = strdup(strcmp(host_root, "/") == 0 ? "" : host_root);
	if (!resolver->host_root)
		return -ENOMEM;
	r = -pthread_create(&resolver->thread, NULL, run, resolver);
	if (r)
		return log_err_r(r, "resolver: cannot start its thread");
	resolver->has_thread = true;
	pthread_setname_np(resolver->thread, "resolver");
	*out = TAKE(resolver);
	return 0;
}

void resolver_destroy(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	if (!r)
		return;
	if (r->has_thread) {
		pthread_mutex_lock(&r->lock);
		r->stop = true;
		pthread_cond_signal(&r->changed);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
	}
	for (uint32_t i = 0; i < r->n_answers; i++) {
		users_destroy(&r->answers[i]->users);
		free(r->answers[i]);
	}
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r->host_root);
	free(r);
	*resolver = NULL;
}

bool resolver_ask(struct resolver *resolver, const struct resolver_request *request)
{
	bool is_taken;

	if (pthread_mutex_trylock(&resolver->lock))
		return false;
	is_taken = resolver->n_queue < QUEUE_MAX;
	if (is_taken) {
		resolver->queue[resolver->n_queue++] =
			(struct waiting){*request, clock_monotonic_ns()};
		pthread_cond_signal(&resolver->changed);
	}
	pthread_mutex_unlock(&resolver->lock);
	return is_taken;
}

bool resolver_poll(struct resolver *resolver, struct resolver_answer *answer)
{
	struct resolver_answer *first;

	if (atomic_load_explicit(&resolver->n_ready, memory_order_relaxed) == 0 ||
	    pthread_mutex_trylock(&resolver->lock))
		return false;
	first = resolver->answers[0];
	resolver->n_answers--;
	memmove(resolver->answers, resolver->answers + 1,
		resolver->n_answers * sizeof(resolver->answers[0]));
	atomic_store(&resolver->n_ready, resolver->n_answers);
	pthread_mutex_unlock(&resolver->lock);
	*answer = *first;
	free(first);
	return true;
}
