#include "state/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "state/places.h"
#include "state/resolver.h"
#include "state/workload_names.h"
#include "state/workloads.h"

#define NS_PER_S UINT64_C(1000000000)
/* How long a new session leader that executes nothing keeps its creator's workload. */
#define ROOT_DELAY_NS NS_PER_S
/* How long a container may take to get its runtime's files; and how long a plain name may be one.
 */
#define CONTAINER_PATIENCE_NS (10 * NS_PER_S)
#define NAMED_PATIENCE_NS (NS_PER_S / 2)
#define USERS_PATIENCE_NS (5 * NS_PER_S)
#define ANSWERS_A_TICK 8
#define ASKED_MAX 5u

struct identity {
	struct identity_config config;
	struct workloads *workloads;
	struct places *places;
	struct resolver *resolver; /* NULL: the host is not read */
	uint32_t n_to_ask;         /* places in PLACE_TO_ASK */
	uint64_t unresolved_total, refused_total;
};

int identity_create(struct identity **out, const struct identity_config *config)
{
	SCOPED(identity_destroy) struct identity *identity = calloc(1, sizeof(*identity));
	int r;

	if (!identity)
		return -ENOMEM;
	identity->config = *config;
	r = workloads_create(&identity->workloads);
	if (!r)
		r = places_create(&identity->places);
	if (!r && config->host_root)
		r = resolver_create(&identity->resolver, config->host_root);
	if (r)
		return r;
	*out = TAKE(identity);
	return 0;
}

void identity_destroy(struct identity **identity)
{
	struct identity *i = *identity;

	if (!i)
		return;
	resolver_destroy(&i->resolver);
	places_destroy(&i->places);
	workloads_destroy(&i->workloads);
	free(i);
	*identity = NULL;
}

static struct instance_node *instance_node(const struct instance *instance)
{
	return (struct instance_node *)instance;
}

/* One live process less. The last one ends the running instance of its place: who comes next is
 * another invocation. */
static void leave(struct identity *identity, struct instance_node *instance, uint64_t now_ns)
{
	workload_leave((struct workload *)instance->i.workload, now_ns);
	if (--instance->n_live || !instance->place)
		return;
	instance->place->instance = NULL;
	instance->place = NULL;
	workloads_unref_instance(identity->workloads, &instance);
}

/* Make node a member of instance; takes over one reference to it. */
static void assign(struct identity *identity, struct process_node *node,
		   struct instance_node *instance, uint64_t now_ns)
{
	struct instance_node *old = instance_node(node->p.instance);

	workload_join((struct workload *)instance->i.workload, now_ns);
	instance->n_live++;
	node->p.instance = &instance->i;
	node->p.workload = instance->i.workload;
	if (!old)
		return;
	node->p.generation++;
	leave(identity, old, now_ns);
	workloads_unref_instance(identity->workloads, &old);
}

static void join(struct identity *identity, struct process_node *node,
		 struct instance_node *instance, uint64_t now_ns)
{
	if (node->p.instance == &instance->i)
		return;
	instance->refs++;
	assign(identity, node, instance, now_ns);
}

static struct instance_node *add_instance(struct identity *identity, const struct name *name,
					  enum workload_kind kind, struct text id, int32_t pid,
					  uint64_t now_ns)
{
	struct workload *workload = workloads_get(identity->workloads, name->text, kind);

	return workload ? workloads_add_instance(identity->workloads, workload, id, pid, now_ns)
			: NULL;
}

/* Make node the root of its session: a workload named after its executable. */
static int become_root(struct identity *identity, struct process_node *node, uint64_t now_ns)
{
	const struct process *p = &node->p;
	struct instance_node *instance;
	enum workload_kind kind;
	struct name name, id;

	node->is_root = true;
	node->root_due_ns = 0;
	node->root_is_launcher = process_is_launcher(p);
	kind = exe_name(p, &name);
	if (p->workload && text_equal(p->workload->name, name.text))
		return 0;
	name_set(&id, "%d:%llu", p->pid, (unsigned long long)p->start_ns);
	instance = add_instance(identity, &name, kind, id.text, p->pid, now_ns);
	if (!instance)
		return -ENOMEM;
	assign(identity, node, instance, now_ns);
	return 0;
}

/* Processes that everything descends from. */
static bool is_top(const struct process_node *node)
{
	return node->p.pid <= 2;
}

/* Identity by lineage, where the control groups say nothing. */
static int follow_creator(struct identity *identity, struct process_node *node,
			  struct process_node *creator, uint64_t now_ns)
{
	if (creator && creator->root_due_ns && become_root(identity, creator, now_ns))
		return -ENOMEM;
	if (!creator || is_top(creator) || !creator->p.instance)
		return become_root(identity, node, now_ns);
	/* Found by the scan as the leader of a session below a launcher. */
	if (node->p.sid == node->p.pid && creator->root_is_launcher)
		return become_root(identity, node, now_ns);
	node->is_root = false;
	node->root_is_launcher = creator->root_is_launcher;
	join(identity, node, instance_node(creator->p.instance), now_ns);
	return 0;
}

/* Whether a process has a process namespace of its own. */
static bool is_apart(const struct process_node *node)
{
	return node->p.vpid > 0 && node->p.vpid != node->p.pid;
}

/* A plain name, not yet confirmed, with a process namespace of its own inside is taken at its word:
 * the first events of a container come before its runtime's files are read. */
bool identity_is_container(const struct process_node *node)
{
	const struct place *place = node->cgroup ? node->cgroup->place : NULL;

	if (!place || place->facts.kind == CGROUP_CONTAINER)
		return place;
	return place->facts.kind == CGROUP_NAMED && is_apart(node) &&
	       (place->state == PLACE_TO_ASK || place->state == PLACE_ASKED);
}

const struct cgroup_class *identity_cgroup(const struct process_node *node)
{
	return node->cgroup && node->cgroup->place ? &node->cgroup->place->facts : NULL;
}

const struct container_meta *identity_container(const struct process_node *node)
{
	return node->cgroup && node->cgroup->place ? node->cgroup->place->meta : NULL;
}

const struct users *identity_users(const struct process_node *node, bool *is_host)
{
	*is_host = !identity_is_container(node);
	return *is_host ? NULL : node->cgroup->place->users;
}

/* The place that decides about node; NULL: its lineage does. */
static struct place *place_of(const struct process_node *node)
{
	struct place *place = node->cgroup ? node->cgroup->place : NULL;

	return place && place->state != PLACE_PLAIN ? place : NULL;
}

static struct text runtime_text(const struct place *place)
{
	return text_from(container_runtime_name(place->facts.runtime));
}

static bool is_container(const struct place *place)
{
	return place->facts.kind == CGROUP_CONTAINER || place->facts.kind == CGROUP_NAMED;
}

/* The running instance of a place, begun by node if there is none. */
static int open_instance(struct identity *identity, struct place *place,
			 const struct process_node *node, uint64_t now_ns)
{
	struct name name, id;
	enum workload_kind kind = place_name(identity->config.users, place, node, &name);
	struct instance_node *instance;

	instance = add_instance(identity, &name, kind, place_instance_id(place, node, &id),
				node->p.pid, now_ns);
	if (!instance)
		return -ENOMEM;
	if (is_container(place) &&
	    workloads_set_container(instance, (struct workload *)instance->i.workload, place->meta,
				    runtime_text(place))) {
		workloads_unref_instance(identity->workloads, &instance);
		return -ENOMEM;
	}
	place->instance = instance;
	instance->place = place;
	return 0;
}

static void ask(struct identity *identity, struct place *place)
{
	struct resolver_request request = {
		.token = place->token,
		.pid = place->pid,
		.patience_ns = place->patience_ns,
		.users_only = place->meta,
	};
	struct text id = place->facts.id, ns = place->facts.ns;

	if (id.len >= sizeof(request.id) || ns.len >= sizeof(request.ns)) {
		place->state = PLACE_PLAIN;
		identity->n_to_ask--;
		return;
	}
	memcpy(request.id, id.ptr, id.len);
	if (ns.len)
		memcpy(request.ns, ns.ptr, ns.len);
	if (resolver_ask(identity->resolver, &request)) {
		place->state = PLACE_ASKED;
		place->asked_pid = place->pid;
		place->n_asked++;
		identity->n_to_ask--;
	} else {
		identity->refused_total++;
	}
}

/* A process whose root shows the container's users; others than its first may end at once. */
static void note_process(struct place *place, const struct process_node *node)
{
	bool is_first = is_apart(node) && node->p.vpid == 1;

	if (place->has_first && !is_first)
		return;
	place->pid = node->p.pid;
	place->has_first = is_first;
}

/* A place seen for the first time: find out what it is. */
static void begin_place(struct identity *identity, struct place *place,
			const struct process_node *node, const struct identity_moment *moment)
{
	if (place->state != PLACE_TO_ASK || place->patience_ns)
		return;
	if (!identity->resolver) {
		place->state = place->facts.kind == CGROUP_NAMED ? PLACE_PLAIN : PLACE_KNOWN;
		identity->unresolved_total += place->state == PLACE_KNOWN;
		return;
	}
	note_process(place, node);
	place->patience_ns = moment->is_old ? 1
			     : place->facts.kind == CGROUP_CONTAINER || is_apart(node)
				     ? CONTAINER_PATIENCE_NS
				     : NAMED_PATIENCE_NS;
	identity->n_to_ask++;
	ask(identity, place);
}

static int enter_place(struct identity *identity, struct place *place, struct process_node *node,
		       uint64_t now_ns)
{
	if (!place->instance && open_instance(identity, place, node, now_ns))
		return -ENOMEM;
	node->is_root = false;
	node->root_is_launcher = false;
	node->root_due_ns = 0;
	join(identity, node, place->instance, now_ns);
	return 0;
}

/* Take in the moment's cgroups. 1: they changed, 0: not, -ENOMEM. */
static int read_cgroups(struct identity *identity, struct process_node *node,
			const struct identity_moment *moment)
{
	struct cgroup *cgroup;

	if (!moment->cgroups.len ||
	    (node->cgroup && text_equal(node->cgroup->paths, moment->cgroups)))
		return 0;
	cgroup = places_enter(identity->places, moment->cgroups);
	if (!cgroup)
		return -ENOMEM;
	places_leave(identity->places, &node->cgroup, identity->workloads);
	node->cgroup = cgroup;
	node->p.generation++;
	node->p.cgroups = cgroup->paths;
	if (cgroup->place)
		begin_place(identity, cgroup->place, node, moment);
	return 1;
}

int identity_start(struct identity *identity, struct process_node *node,
		   struct process_node *creator, const struct identity_moment *moment)
{
	int r = read_cgroups(identity, node, moment);

	if (r < 0)
		return r;
	if (!node->cgroup && creator && creator->cgroup) {
		node->cgroup = creator->cgroup;
		node->cgroup->refs++;
		node->p.cgroups = creator->p.cgroups;
	}
	if (place_of(node))
		return enter_place(identity, place_of(node), node, moment->now_ns);
	return follow_creator(identity, node, creator, moment->now_ns);
}

int identity_adopt(struct identity *identity, struct process_node *node,
		   struct process_node *creator, uint64_t now_ns)
{
	return place_of(node) ? 0 : follow_creator(identity, node, creator, now_ns);
}

/* The first process of a transient scope executes what it was made for. */
static int rename_transient(struct identity *identity, struct place *place,
			    struct process_node *node, uint64_t now_ns)
{
	struct instance_node *old = place->instance;
	struct name name;

	exe_name(&node->p, &name);
	if (!old || old->i.pid != node->p.pid || text_equal(old->i.workload->name, name.text))
		return 0;
	old->place = NULL;
	place->instance = NULL;
	workloads_unref_instance(identity->workloads, &old);
	return enter_place(identity, place, node, now_ns);
}

/* A container's users can be read once it has its own root, which its first process may not have
 * had when it was looked at. */
static void ask_users(struct identity *identity, struct place *place)
{
	if (place->facts.kind != CGROUP_CONTAINER || place->users || !place->meta ||
	    place->state != PLACE_KNOWN || place->n_asked >= ASKED_MAX || !identity->resolver)
		return;
	place->state = PLACE_TO_ASK;
	place->patience_ns = USERS_PATIENCE_NS;
	identity->n_to_ask++;
	ask(identity, place);
}

int identity_exec(struct identity *identity, struct process_node *node,
		  const struct identity_moment *moment)
{
	bool was_placed = place_of(node);
	struct place *place;
	int r = read_cgroups(identity, node, moment);

	if (r < 0)
		return r;
	place = place_of(node);
	if (place && r == 0 && place->facts.kind == CGROUP_TRANSIENT && node->root_is_launcher)
		r = rename_transient(identity, place, node, moment->now_ns);
	else if (place)
		r = enter_place(identity, place, node, moment->now_ns);
	else if (was_placed)
		r = follow_creator(identity, node, process_node(node->p.creator), moment->now_ns);
	else if (node->root_due_ns || (node->is_root && node->root_is_launcher) ||
		 node->p.workload->kind == WORKLOAD_UNRESOLVED)
		r = become_root(identity, node, moment->now_ns);
	else
		r = 0;
	if (place) {
		note_process(place, node);
		ask_users(identity, place);
	}
	if (place && place->facts.kind == CGROUP_TRANSIENT)
		node->root_is_launcher = process_is_launcher(&node->p);
	return r;
}

int identity_move(struct identity *identity, struct process_node *node,
		  const struct identity_moment *moment)
{
	bool was_placed = place_of(node);
	int r = read_cgroups(identity, node, moment);

	if (r <= 0)
		return r;
	if (place_of(node))
		return enter_place(identity, place_of(node), node, moment->now_ns);
	if (!was_placed)
		return 0;
	return follow_creator(identity, node, process_node(node->p.creator), moment->now_ns);
}

void identity_setsid(struct process_node *node, uint64_t now_ns)
{
	if (!node->is_root && node->root_is_launcher && !place_of(node))
		node->root_due_ns = now_ns + ROOT_DELAY_NS;
}

int identity_root_due(struct identity *identity, struct process_node *node, uint64_t now_ns)
{
	return become_root(identity, node, now_ns);
}

void identity_exit(struct process_node *node, struct identity *identity, uint64_t now_ns)
{
	if (!node->p.instance || node->has_left)
		return;
	leave(identity, instance_node(node->p.instance), now_ns);
	node->has_left = true;
}

void identity_revive(struct process_node *node, uint64_t now_ns)
{
	if (!node->has_left)
		return;
	node->has_left = false;
	workload_join((struct workload *)node->p.workload, now_ns);
	instance_node(node->p.instance)->n_live++;
}

void identity_release(struct identity *identity, struct process_node *node)
{
	struct instance_node *instance = instance_node(node->p.instance);

	identity_exit(node, identity, instance ? instance->i.since_ns : 0);
	workloads_unref_instance(identity->workloads, &instance);
	node->p.instance = NULL;
	places_leave(identity->places, &node->cgroup, identity->workloads);
}

/* What a visit of all processes carries. */
struct visit {
	struct identity *identity;
	const struct instance *instance;
	struct workload *from, *to;
	uint64_t now_ns;
};

static bool rename_member(struct process *process, void *arg)
{
	struct visit *v = arg;

	if (process->instance != v->instance)
		return true;
	if (!process_node(process)->has_left) {
		workload_leave(v->from, v->now_ns);
		workload_join(v->to, v->now_ns);
	}
	process->workload = v->to;
	process->generation++;
	return true;
}

/* The container has a name now: its instance and everybody in it get it. */
static void rename_instance(struct identity *identity, struct process_table *table,
			    struct place *place, uint64_t now_ns)
{
	struct instance_node *instance = place->instance;
	struct visit v = {.identity = identity, .now_ns = now_ns};
	struct name name;
	enum workload_kind kind;

	if (!instance)
		return;
	kind = container_name(place, &name);
	v.instance = &instance->i;
	v.from = (struct workload *)instance->i.workload;
	v.to = workloads_get(identity->workloads, name.text, kind);
	if (!v.to || workloads_set_container(instance, v.to, place->meta, runtime_text(place)))
		return;
	process_table_each(table, rename_member, &v);
}

/* Give a member of a place that proved to be nothing its lineage's identity, creators first. */
static void follow_lineage(struct visit *v, struct process_node *node)
{
	struct process_node *chain[ANCESTORS_MAX];
	int n = 0;

	for (; node && node->p.instance == v->instance && n < ANCESTORS_MAX; n++) {
		chain[n] = node;
		node = process_node(node->p.creator);
	}
	while (n-- > 0) {
		struct process *creator = chain[n]->p.creator;

		/* The dead are not moved: look past them. */
		while (creator && creator->instance == v->instance)
			creator = creator->creator;
		if (chain[n]->p.is_alive && !chain[n]->has_left)
			follow_creator(v->identity, chain[n], process_node(creator), v->now_ns);
	}
}

static bool release_member(struct process *process, void *arg)
{
	struct visit *v = arg;

	if (process->instance == v->instance)
		follow_lineage(v, process_node(process));
	return true;
}

static void dissolve_place(struct identity *identity, struct process_table *table,
			   struct place *place, uint64_t now_ns)
{
	struct visit v = {.identity = identity, .now_ns = now_ns};
	struct instance_node *held = place->instance;

	place->state = PLACE_PLAIN;
	if (!held)
		return;
	v.instance = &held->i;
	held->refs++; /* until nobody compares with it any more */
	process_table_each(table, release_member, &v);
	workloads_unref_instance(identity->workloads, &held);
}

static void take_answer(struct identity *identity, struct process_table *table,
			struct resolver_answer *answer, uint64_t now_ns)
{
	struct place *place = places_find_token(identity->places, answer->token);
	bool is_first = place && !place->meta;

	if (!place || place->state != PLACE_ASKED) {
		users_destroy(&answer->users);
		return;
	}
	users_destroy(&place->users);
	place->users = TAKE(answer->users);
	place->state = PLACE_KNOWN;
	if (!answer->meta.is_known && place->facts.kind == CGROUP_NAMED) {
		dissolve_place(identity, table, place, now_ns);
		return;
	}
	if (answer->meta.is_known && !place->meta)
		place->meta = malloc(sizeof(*place->meta));
	if (answer->meta.is_known && place->meta)
		*place->meta = answer->meta;
	if (place->facts.kind == CGROUP_NAMED) {
		place->facts.kind = CGROUP_CONTAINER;
		place->facts.runtime = answer->meta.bundle[0] ? RUNTIME_RUNC : RUNTIME_CONTAINERD;
	}
	if (is_first || place->asked_pid != place->pid) /* else the next exec asks again */
		ask_users(identity, place);
	if (!is_first)
		return;
	rename_instance(identity, table, place, now_ns);
	if (place->instance && place->instance->i.workload->kind == WORKLOAD_UNRESOLVED)
		identity->unresolved_total++;
}

void identity_tick(struct identity *identity, struct process_table *table, uint64_t now_ns)
{
	struct resolver_answer answer;

	if (!identity->resolver)
		return;
	for (int i = 0; i < ANSWERS_A_TICK && resolver_poll(identity->resolver, &answer); i++)
		take_answer(identity, table, &answer, now_ns);
	if (!identity->n_to_ask)
		return;
	identity->n_to_ask = 0; /* counted anew: places vanish, too */
	for (struct place *place = places_first(identity->places); place; place = place->next) {
		if (place->state == PLACE_TO_ASK && place->patience_ns) {
			identity->n_to_ask++;
			ask(identity, place);
		}
	}
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
		.refused_total = identity->refused_total,
		.bytes = sizeof(*identity) + workloads_bytes(identity->workloads) +
			 places_bytes(identity->places),
	};
}
