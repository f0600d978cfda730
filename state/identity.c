#include "state/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "state/path.h"
#include "state/workloads.h"

/* How long a new session leader that executes nothing keeps its creator's workload. */
#define ROOT_DELAY_NS UINT64_C(1000000000)
#define NAME_MAX_BYTES 512u

struct identity {
	struct identity_config config;
	struct workloads *workloads;
	uint64_t unresolved_total;
};

/* Programs that start others on somebody's behalf: a session below one of them is a workload of
 * its own. */
static const char *const launchers[] = {
	"agetty",
	"anacron",
	"ash",
	"at",
	"atd",
	"bash",
	"busybox",
	"cron",
	"crond",
	"csh",
	"dash",
	"dropbear",
	"env",
	"fish",
	"getty",
	"gdm-session-worker",
	"init",
	"ksh",
	"lightdm",
	"login",
	"mksh",
	"nohup",
	"sddm",
	"screen",
	"setsid",
	"sh",
	"sshd",
	"sshd-session",
	"start-stop-daemon",
	"su",
	"sudo",
	"sulogin",
	"supervisord",
	"systemd",
	"tcsh",
	"timeout",
	"tini",
	"tmux",
	"tmux: server",
	"xinetd",
	"zsh",
};

static bool is_launcher(const struct process *p)
{
	struct text name = path_base_name(p->exepath.len ? p->exepath : p->comm);

	for (size_t i = 0; i < ARRAY_SIZE(launchers); i++) {
		if (text_equal(name, text_from(launchers[i])))
			return true;
	}
	return false;
}

int identity_create(struct identity **out, const struct identity_config *config)
{
	SCOPED(identity_destroy) struct identity *identity = calloc(1, sizeof(*identity));
	int r;

	if (!identity)
		return -ENOMEM;
	identity->config = *config;
	r = workloads_create(&identity->workloads);
	if (r)
		return r;
	*out = TAKE(identity);
	return 0;
}

void identity_destroy(struct identity **identity)
{
	if (!*identity)
		return;
	workloads_destroy(&(*identity)->workloads);
	free(*identity);
	*identity = NULL;
}

static struct instance_node *instance_node(const struct instance *instance)
{
	return (struct instance_node *)instance;
}

/* Make node a member of instance's workload; takes over one reference. */
static void assign(struct identity *identity, struct process_node *node,
		   struct instance_node *instance, uint64_t now_ns)
{
	struct instance_node *old = instance_node(node->p.instance);

	if (old) {
		workload_leave((struct workload *)node->p.workload, now_ns);
		old->n_live--;
	}
	workload_join((struct workload *)instance->i.workload, now_ns);
	instance->n_live++;
	node->p.instance = &instance->i;
	node->p.workload = instance->i.workload;
	node->p.generation += old != NULL;
	workloads_unref_instance(identity->workloads, &old);
}

/* Make node the root of its session: a workload named after its executable. */
static int become_root(struct identity *identity, struct process_node *node, uint64_t now_ns)
{
	const struct process *p = &node->p;
	char name[NAME_MAX_BYTES], id[48];
	struct instance_node *instance;
	struct workload *workload;
	int len, id_len;

	if (p->exepath.len)
		len = snprintf(name, sizeof(name), "exe:%.*s", TEXT_ARGS(p->exepath));
	else if (p->comm.len)
		len = snprintf(name, sizeof(name), "exe:[%.*s]", TEXT_ARGS(p->comm));
	else
		len = snprintf(name, sizeof(name), "exe:unresolved");
	id_len = snprintf(id, sizeof(id), "%d:%llu", p->pid, (unsigned long long)p->start_ns);
	node->is_root = true;
	node->root_due_ns = 0;
	node->root_is_launcher = is_launcher(p);
	workload = workloads_get(
		identity->workloads, (struct text){name, MIN((uint32_t)len, NAME_MAX_BYTES - 1)},
		p->exepath.len || p->comm.len ? WORKLOAD_EXE : WORKLOAD_UNRESOLVED);
	if (!workload)
		return -ENOMEM;
	if (p->workload == workload)
		return 0;
	instance = workloads_add_instance(identity->workloads, workload,
					  (struct text){id, (uint32_t)id_len}, p->pid, now_ns);
	if (!instance)
		return -ENOMEM;
	assign(identity, node, instance, now_ns);
	return 0;
}

/* Processes that everything descends from. */
static bool is_top(const struct process_node *node)
{
	return node->p.pid <= 2 && node->p.pid == node->p.vpid;
}

int identity_start(struct identity *identity, struct process_node *node,
		   struct process_node *creator, uint64_t now_ns)
{
	if (creator && creator->root_due_ns)
		become_root(identity, creator, now_ns);
	if (!creator || is_top(creator) || !creator->p.instance)
		return become_root(identity, node, now_ns);
	/* Found by the scan as the leader of a session below a launcher. */
	if (node->p.sid == node->p.pid && creator->root_is_launcher)
		return become_root(identity, node, now_ns);
	node->is_root = false;
	node->root_is_launcher = creator->root_is_launcher;
	instance_node(creator->p.instance)->refs++;
	assign(identity, node, instance_node(creator->p.instance), now_ns);
	return 0;
}

int identity_exec(struct identity *identity, struct process_node *node, struct text cgroups,
		  uint64_t now_ns)
{
	bool was_launcher = node->is_root && node->root_is_launcher;

	(void)cgroups;
	if (node->root_due_ns || was_launcher || node->p.workload->kind == WORKLOAD_UNRESOLVED)
		return become_root(identity, node, now_ns);
	return 0;
}

void identity_setsid(struct identity *identity, struct process_node *node, uint64_t now_ns)
{
	(void)identity;
	if (!node->is_root && node->root_is_launcher)
		node->root_due_ns = now_ns + ROOT_DELAY_NS;
}

int identity_set_cgroups(struct identity *identity, struct process_node *node, struct text cgroups,
			 uint64_t now_ns)
{
	(void)identity;
	(void)node;
	(void)cgroups;
	(void)now_ns;
	return 0;
}

void identity_exit(struct identity *identity, struct process_node *node, uint64_t now_ns)
{
	(void)identity;
	if (!node->p.instance)
		return;
	workload_leave((struct workload *)node->p.workload, now_ns);
	instance_node(node->p.instance)->n_live--;
	node->has_left = true;
}

void identity_release(struct identity *identity, struct process_node *node)
{
	struct instance_node *instance = instance_node(node->p.instance);

	if (instance && !node->has_left) {
		workload_leave((struct workload *)node->p.workload, 0);
		instance->n_live--;
	}
	workloads_unref_instance(identity->workloads, &instance);
	node->p.instance = NULL;
}

void identity_tick(struct identity *identity, struct process_table *table, uint64_t now_ns)
{
	(void)identity;
	(void)table;
	(void)now_ns;
}

void identity_each_instance(struct identity *identity, const struct workload *workload,
			    instance_visit_fn *visit, void *arg)
{
	workloads_each_instance(identity->workloads, workload, visit, arg);
}

void identity_counters(const struct identity *identity, struct identity_counters *out)
{
	*out = (struct identity_counters){
		.workloads = workloads_count(identity->workloads),
		.instances = workloads_instance_count(identity->workloads),
		.unresolved_total = identity->unresolved_total,
		.bytes = sizeof(*identity) + workloads_bytes(identity->workloads),
	};
}
