#include "state_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "state/container_meta.h"
#include "state/resolver.h"

#define ID "3f4a9b1c2d5e6f708192a3b4c5d6e7f83f4a9b1c2d5e6f708192a3b4c5d6e7f8"

static void expect(const struct process *p, const char *workload, const char *what)
{
	if (!text_equal(p->workload->name, text_from(workload)))
		fail_msg("%s: %.*s, want %s", what, TEXT_ARGS(p->workload->name), workload);
	assert_ptr_equal(p->instance->workload, p->workload);
}

static struct process *exec_in(struct fixture *f, const char *exepath, const char *cgroup)
{
	const char *cgroups[] = {cgroup, NULL};
	struct test_task image = task_child;

	image.exec_id = 2;
	image.exepath = exepath;
	image.cgroups = cgroups;
	return fixture_apply(f, event_exec(&f->maker, &image));
}

static void control_groups_name_the_workload(void **out)
{
	static const struct {
		const char *cgroup, *workload;
		enum workload_kind kind;
		const char *instance; /* NULL: any */
	} rows[] = {
		{"unified=/system.slice/redis-server.service", "unit:redis-server.service",
		 WORKLOAD_UNIT, NULL},
		{"unified=/system.slice/system-getty.slice/getty@tty1.service",
		 "unit:getty@.service", WORKLOAD_UNIT, NULL},
		{"unified=/user.slice/user-0.slice/session-3.scope", "user:root/sshd",
		 WORKLOAD_USER, "session-3"},
		{"unified=/user.slice/user-1234.slice/session-4.scope", "user:1234/sshd",
		 WORKLOAD_USER, "session-4"},
		{"unified=/system.slice/run-u42.service", "exe:/usr/bin/job", WORKLOAD_EXE, NULL},
		{"unified=/docker/" ID, "container:unresolved", WORKLOAD_UNRESOLVED, ID},
		{"unified=/lxc/web", "image:lxc/web", WORKLOAD_IMAGE, "web"},
		{"memory=/process_api/0011", "exe:/usr/bin/bash", WORKLOAD_EXE, NULL},
		{"unified=/", "exe:/usr/bin/bash", WORKLOAD_EXE, NULL},
	};
	struct fixture *f = *out;

	fixture_start(f);
	expect(f->subject.child, "exe:/usr/bin/bash", "below the shell");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct process *p = exec_in(f, "/usr/bin/job", rows[i].cgroup);

		expect(p, rows[i].workload, rows[i].cgroup);
		assert_int_equal(p->workload->kind, rows[i].kind);
		if (rows[i].instance && !text_equal(p->instance->id, text_from(rows[i].instance)))
			fail_msg("%s: instance %.*s", rows[i].cgroup, TEXT_ARGS(p->instance->id));
	}
}

static void a_moved_process_is_identified_anew(void **out)
{
	static const char *const unit[] = {"unified=/system.slice/a.service", NULL};
	struct test_task moved = task_child;
	struct fixture *f = *out;
	uint64_t generation;
	struct process *p;

	fixture_start(f);
	p = f->subject.child;
	generation = p->generation;
	moved.cgroups = unit;
	fixture_apply(f, event_scan(&f->maker, &moved));
	expect(p, "unit:a.service", "moved in");
	assert_int_not_equal(p->generation, generation);
	moved.cgroups = NULL;
	fixture_apply(f, event_scan(&f->maker, &moved));
	expect(p, "exe:/usr/bin/bash", "moved out");
}

/* The lineage rules of identity.h. */
static struct process *start(struct fixture *f, const struct test_task *creator,
			     struct test_task *child, int32_t pid)
{
	*child = *creator;
	child->pid = pid;
	child->start_ns = (uint64_t)pid * SECOND;
	child->ppid = creator->pid;
	child->parent_start_ns = creator->start_ns;
	child->sid = creator->sid ? creator->sid : creator->pid;
	fixture_apply(f, event_fork(&f->maker, creator, child));
	return f->subject.child;
}

static struct process *run(struct fixture *f, struct test_task *task, const char *exepath)
{
	task->exec_id++;
	task->exepath = exepath;
	task->exe = exepath;
	return fixture_apply(f, event_exec(&f->maker, task));
}

static struct process *new_session(struct fixture *f, struct test_task *task)
{
	struct event *ev = event_start(&f->maker, task, EVENT_SETSID);

	event_set_res(ev, task->pid);
	task->sid = task->pid;
	return fixture_apply(f, ev);
}

static void a_service_keeps_what_it_starts(void **out)
{
	struct fixture *f = *out;
	struct test_task service, shell, tool;
	struct process *p;

	fixture_start(f);
	start(f, &task_shell, &service, 300);
	new_session(f, &service);
	p = run(f, &service, "/usr/bin/redis-server");
	expect(p, "exe:/usr/bin/redis-server", "a service started from a shell with setsid");
	start(f, &service, &shell, 301);
	p = run(f, &shell, "/usr/bin/bash");
	expect(p, "exe:/usr/bin/redis-server", "its shell");
	new_session(f, &shell);
	p = run(f, &shell, "/usr/bin/bash");
	expect(p, "exe:/usr/bin/redis-server", "its shell in a new session");
	start(f, &shell, &tool, 302);
	new_session(f, &tool);
	p = run(f, &tool, "/tmp/x");
	expect(p, "exe:/usr/bin/redis-server", "whatever that starts");
	p = run(f, &service, "/usr/bin/bash");
	expect(p, "exe:/usr/bin/redis-server", "the service itself executing a shell");
}

/* What the kernel's own threads do is nobody's habit; a random name is no program of its own. */
static void programs_without_a_path_are_few_workloads(void **out)
{
	static const struct {
		int32_t pid, ppid;
		const char *exepath, *workload;
	} rows[] = {
		{2, 0, "", "exe:[kernel]"},
		{57, 2, "", "exe:[kernel]"},
		{58, 2, "/sbin/modprobe", "exe:/sbin/modprobe"},
		{59, 1, "", "exe:[worker]"},
		{60, 1, "memfd:sealed-91173221a7ea", "exe:memfd:sealed-<id>"},
		{61, 1, "memfd:x1-0123456789abcdef-2.5", "exe:memfd:x1-<id>-2.5"},
		{62, 1, "memfd:facade", "exe:memfd:facade"},
		{63, 1, "memfd:", "exe:memfd:"},
	};
	struct fixture *f = *out;

	fixture_apply(f, event_scan(&f->maker, &task_init));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct test_task task = task_init;

		task.pid = rows[i].pid;
		task.ppid = rows[i].ppid;
		task.start_ns = (uint64_t)task.pid * SECOND;
		task.parent_start_ns = 0;
		task.exepath = rows[i].exepath;
		task.exe = rows[i].exepath;
		task.comm = "worker";
		task.cgroups = NULL;
		expect(fixture_apply(f, event_scan(&f->maker, &task)), rows[i].workload,
		       rows[i].exepath);
	}
}

static void a_shell_gives_away_its_name(void **out)
{
	struct fixture *f = *out;
	struct test_task tool, daemon, worker;
	struct process *p;

	fixture_start(f);
	start(f, &task_shell, &tool, 300);
	p = run(f, &tool, "/usr/bin/vim");
	expect(p, "exe:/usr/bin/bash", "a tool in the shell's session");
	/* A daemon that executes nothing after setsid: due after a second. */
	start(f, &task_shell, &daemon, 310);
	run(f, &daemon, "/usr/sbin/nginx");
	p = new_session(f, &daemon);
	expect(p, "exe:/usr/bin/bash", "at once");
	event_maker_advance(&f->maker, 1.5);
	p = fixture_apply(f, event_open(&f->maker, &daemon, 3, "/x", TEST_O_RDONLY));
	expect(p, "exe:/usr/sbin/nginx", "a second later");
	/* Or at its first fork. */
	start(f, &task_shell, &daemon, 320);
	run(f, &daemon, "/usr/sbin/other");
	new_session(f, &daemon);
	p = start(f, &daemon, &worker, 321);
	expect(p, "exe:/usr/sbin/other", "the worker");
	/* sh -c 'exec ...' as the root of its session. */
	start(f, &task_shell, &daemon, 330);
	new_session(f, &daemon);
	p = run(f, &daemon, "/usr/bin/sh");
	expect(p, "exe:/usr/bin/sh", "the script");
	p = run(f, &daemon, "/usr/bin/app");
	expect(p, "exe:/usr/bin/app", "what it executes");
}

static bool count(const struct instance *instance, void *arg)
{
	uint32_t *n = arg;

	assert_true(instance->since_ns > 0);
	(*n)++;
	return true;
}

static uint32_t instances_of(struct fixture *f, const struct workload *workload)
{
	uint32_t n = 0;

	state_each_instance(f->state, workload, count, &n);
	return n;
}

static void a_restart_is_another_instance(void **out)
{
	static const char *const unit[] = {"unified=/system.slice/a.service", NULL};
	struct test_task task = task_child, again = task_child;
	const struct workload *workload;
	struct fixture *f = *out;
	uint64_t live_ns;
	char first[64];

	task.pid = 300;
	task.start_ns = 30 * SECOND;
	task.cgroups = unit;
	again.pid = 301;
	again.start_ns = 31 * SECOND;
	again.cgroups = unit;
	fixture_start(f);
	fixture_apply(f, event_fork(&f->maker, &task_child, &task));
	workload = f->subject.child->workload;
	assert_int_equal(workload->n_live, 1);
	assert_int_equal(workload->live_since_ns, f->last->ts_ns);
	assert_int_equal(instances_of(f, workload), 1);
	snprintf(first, sizeof(first), "%.*s", TEXT_ARGS(f->subject.child->instance->id));
	event_maker_advance(&f->maker, 10);
	fixture_apply(f, event_exit(&f->maker, &task, 0, 1));
	fixture_apply(f, event_open(&f->maker, &task_child, 3, "/x", TEST_O_RDONLY));
	assert_int_equal(workload->n_live, 0);
	assert_int_equal(instances_of(f, workload), 0);
	live_ns = workload->live_ns_total;
	assert_true(live_ns > 10 * SECOND && live_ns < 11 * SECOND);
	fixture_apply(f, event_fork(&f->maker, &task_child, &again));
	assert_ptr_equal(f->subject.child->workload, workload);
	assert_int_equal(instances_of(f, workload), 1);
	assert_false(text_equal(f->subject.child->instance->id, text_from(first)));
	assert_int_equal(workload->live_ns_total, live_ns);
}

static void ids_are_the_same_everywhere(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_start(f);
	p = exec_in(f, "/x", "unified=/system.slice/redis-server.service");
	/* XXH3_64bits("unit:redis-server.service") */
	assert_true(p->workload->id == UINT64_C(0x18fd2827d559f009));
	assert_ptr_equal(exec_in(f, "/y", "unified=/system.slice/redis-server.service")->workload,
			 p->workload);
}

/* With a host ------------------------------------------------------------------------------- */

static void write_file(const char *root, const char *path, const char *text)
{
	char whole[512];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	file = fopen(whole, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void remove_host(const char *root)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	assert_int_equal(system(command), 0);
}

/* Let the resolver work until p is of that workload. */
static void wait_for(struct fixture *f, const struct process *p, const char *workload)
{
	for (int i = 0; i < 500 && !text_equal(p->workload->name, text_from(workload)); i++) {
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		state_tick(f->state, f->maker.now_ns);
	}
	expect(p, workload, "resolved");
}

static const char bundle[] =
	"{\"ociVersion\":\"1.0.2\",\"annotations\":{"
	"\"io.kubernetes.cri.sandbox-namespace\":\"shop\","
	"\"io.kubernetes.cri.sandbox-name\":\"web-7d4b9c6f5b-x2x7q\","
	"\"io.kubernetes.cri.container-name\":\"app\","
	"\"io.kubernetes.cri.image-name\":\"registry:5000/team/web:2.1@sha256:ab\"}}";

static const char docker[] = "{\"Name\":\"/db\",\"Image\":\"sha256:cafe\",\"Config\":{"
			     "\"Image\":\"redis:7\",\"Labels\":{\"tier\":\"back\"}}}";

static void runtimes_files_name_containers(void **out)
{
	static const struct {
		const char *file, *text, *cgroup, *workload, *repository, *tag;
	} rows[] = {
		{"run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json", bundle,
		 "unified=/kubepods.slice/kubepods-pod6c4d7a4e_9f3b_4c8e_8d2a_1b5f0e7c9a3d.slice/"
		 "cri-containerd-" ID ".scope",
		 "pod:shop/web/app", "registry:5000/team/web", "2.1"},
		{"var/lib/docker/containers/" ID "/config.v2.json", docker,
		 "unified=/system.slice/docker-" ID ".scope", "image:redis", "redis", "7"},
		{"run/containerd/io.containerd.runtime.v2.task/default/cache/config.json",
		 "{\"ociVersion\":\"1\",\"annotations\":{\"nerdctl/image\":\"memcached\"}}",
		 "unified=/default/cache", "image:memcached", "memcached", ""},
	};
	struct fixture *f = calloc(1, sizeof(*f));

	(void)out;
	assert_non_null(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char root[] = "/tmp/state-test-XXXXXX";
		const struct process *p;

		assert_non_null(mkdtemp(root));
		write_file(root, rows[i].file, rows[i].text);
		write_file(root, "etc/passwd", "host:x:0:0::/root:/bin/sh\n");
		write_file(root, "proc/200/root/etc/passwd", "inside:x:0:0::/in:/bin/sh\n");
		assert_int_equal(fixture_setup_with(f, 64, 16, root), 0);
		fixture_start(f);
		p = exec_in(f, "/usr/bin/job", rows[i].cgroup);
		expect(p, "container:unresolved", "before");
		wait_for(f, p, rows[i].workload);
		assert_true(text_equal(p->instance->image, text_from(rows[i].repository)));
		assert_true(text_equal(p->instance->tag, text_from(rows[i].tag)));
		assert_string_equal(fixture_field(f, "container.image.repository"),
				    rows[i].repository);
		assert_string_equal(fixture_field(f, "user.name"), "inside");
		assert_string_equal(fixture_field(f, "user.homedir"), "/in");
		assert_int_equal(p->workload->n_live, 1);
		state_destroy(&f->state);
		arena_done(&f->arena);
		remove_host(root);
	}
	free(f);
}

static void a_plain_name_is_no_container(void **out)
{
	char root[] = "/tmp/state-test-XXXXXX";
	struct fixture *f = calloc(1, sizeof(*f));
	const struct process *p;
	struct test_task grandchild;

	(void)out;
	assert_non_null(f);
	assert_non_null(mkdtemp(root));
	assert_int_equal(fixture_setup_with(f, 64, 16, root), 0);
	fixture_start(f);
	p = exec_in(f, "/usr/bin/job", "memory=/process_api/6b02957d205c98bf8b9cddab7e6a072b");
	start(f, &task_child, &grandchild, 400);
	wait_for(f, p, "exe:/usr/bin/bash");
	expect(state_find_process(f->state, 400, 0), "exe:/usr/bin/bash", "its child");
	assert_string_equal(fixture_field(f, "container.id"), "host");
	state_destroy(&f->state);
	arena_done(&f->arena);
	free(f);
	remove_host(root);
}

/* ... unless it has a process namespace of its own: until its runtime's files are found, or prove
 * to be missing, it is taken for one. */
static void a_plain_name_apart_is_a_container_at_once(void **out)
{
	static const char *const cgroups[] = {"unified=/shop-db", NULL};
	char root[] = "/tmp/state-test-XXXXXX";
	struct fixture *f = calloc(1, sizeof(*f));
	struct test_task image = task_child;
	const struct process *p;

	(void)out;
	assert_non_null(f);
	assert_non_null(mkdtemp(root));
	assert_int_equal(fixture_setup_with(f, 64, 16, root), 0);
	fixture_start(f);
	image.exec_id = 2;
	image.vpid = 1;
	image.cgroups = cgroups;
	p = fixture_apply(f, event_exec(&f->maker, &image));
	assert_string_equal(fixture_field(f, "container.id"), "shop-db");
	assert_string_equal(fixture_field(f, "container.image.repository"), "<absent>");
	/* The files come late, and later still does it get its root. */
	nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
	state_tick(f->state, f->maker.now_ns);
	assert_string_equal(fixture_field(f, "container.id"), "shop-db");
	write_file(root, "run/runc/shop-db/state.json",
		   "{\"config\":{\"labels\":[\"bundle=/b\"]}}");
	write_file(root, "b/config.json",
		   "{\"ociVersion\":\"1\",\"annotations\":{\"nerdctl/image\":\"db\"},\"mounts\":["
		   "{\"destination\":\"/proc\",\"source\":\"proc\"},"
		   "{\"destination\":\"/data\",\"source\":\"/srv/db\",\"options\":[\"rbind\","
		   "\"ro\",\"mode=755\"]}],\"linux\":{\"rootfsPropagation\":\"rslave\"}}");
	assert_string_equal(fixture_field(f, "container.mounts"), "<absent>");
	wait_for(f, p, "image:db");
	assert_string_equal(fixture_field(f, "container.mounts"),
			    "proc:/proc::true:rslave,/srv/db:/data:755:false:rslave");
	assert_string_equal(fixture_field(f, "container.mount[1]"),
			    "/srv/db:/data:755:false:rslave");
	assert_string_equal(fixture_field(f, "container.mount[2]"), "<absent>");
	assert_string_equal(fixture_field(f, "container.mount.dest[/srv/*]"), "/data");
	assert_string_equal(fixture_field(f, "container.mount.source[/da*]"), "/srv/db");
	assert_string_equal(fixture_field(f, "container.mount.rdwr[0]"), "true");
	assert_string_equal(fixture_field(f, "container.mount.mode[/srv/db]"), "755");
	assert_string_equal(fixture_field(f, "container.mount.propagation[/srv/db]"), "rslave");
	assert_string_equal(fixture_field(f, "container.mount.dest[/etc]"), "<absent>");
	assert_string_equal(fixture_field(f, "container.id"), "shop-db");
	assert_string_equal(fixture_field(f, "container.image.repository"), "db");
	state_destroy(&f->state);
	arena_done(&f->arena);
	free(f);
	remove_host(root);
}

static void users_are_those_of_the_host(void **out)
{
	char root[] = "/tmp/state-test-XXXXXX";
	struct fixture *f = calloc(1, sizeof(*f));
	struct test_task other;

	(void)out;
	assert_non_null(f);
	assert_non_null(mkdtemp(root));
	write_file(root, "etc/passwd",
		   "root:x:0:0:root:/root:/bin/bash\nbroken\n:x:5\nalice:x:1000:1000::/home/alice:/"
		   "bin/zsh\nbad:x:99999999999:1::/:\n");
	write_file(root, "etc/group", "root:x:0:\nstaff:x:50:alice\n");
	assert_int_equal(fixture_setup_with(f, 64, 16, root), 0);
	fixture_start(f);
	start(f, &task_child, &other, 400);
	other.uid = 1000;
	other.gid = 50;
	other.exec_id = 2;
	fixture_apply(f, event_exec(&f->maker, &other));
	assert_string_equal(fixture_field(f, "user.name"), "alice");
	assert_string_equal(fixture_field(f, "user.homedir"), "/home/alice");
	assert_string_equal(fixture_field(f, "user.shell"), "/bin/zsh");
	assert_string_equal(fixture_field(f, "group.name"), "staff");
	/* A change shows within a second of event time. */
	write_file(root, "etc/passwd", "bob:x:1000:1000::/home/bob:/bin/sh\n");
	state_tick(f->state, f->maker.now_ns + 2 * SECOND);
	assert_string_equal(fixture_field(f, "user.name"), "bob");
	state_destroy(&f->state);
	arena_done(&f->arena);
	free(f);
	remove_host(root);
}

static void a_container_cannot_show_the_hosts_users(void **out)
{
	char root[] = "/tmp/state-test-XXXXXX", path[128];
	struct users *users = NULL;

	(void)out;
	assert_non_null(mkdtemp(root));
	write_file(root, "secret", "host:x:0:0::/:/bin/sh\n");
	write_file(root, "proc/7/root/etc/group", "in:x:0:\n");
	snprintf(path, sizeof(path), "%s/proc/7/root/etc/passwd", root);
	assert_int_equal(symlink("../../../../secret", path), 0);
	assert_int_equal(users_create_inside(&users, root, 7), 0);
	assert_null(users_find(users, 0));
	assert_true(text_equal(users_group_name(users, 0), TEXT("in")));
	users_destroy(&users);
	assert_int_equal(users_create_inside(&users, root, 8), -ENOENT);
	/* A process that still has the host's root. */
	assert_int_equal(users_create_inside(&users, "", getpid()), -EAGAIN);
	assert_null(users);
	remove_host(root);
}

static void a_missed_exec_is_repaired(void **out)
{
	char root[] = "/tmp/state-test-XXXXXX", path[128];
	struct test_task later = task_child;
	struct fixture *f = calloc(1, sizeof(*f));
	const struct process *p;

	(void)out;
	assert_non_null(f);
	assert_non_null(mkdtemp(root));
	write_file(root, "proc/200/comm", "tool\n");
	snprintf(path, sizeof(path), "%s/proc/200/exe", root);
	assert_int_equal(symlink("/usr/bin/tool", path), 0);
	assert_int_equal(fixture_setup_with(f, 64, 16, root), 0);
	fixture_start(f);
	later.exec_id = 2;
	p = fixture_apply(f, event_open(&f->maker, &later, 3, "/x", TEST_O_RDONLY));
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/tool")));
	assert_true(text_equal(p->comm, TEXT("tool")));
	assert_int_equal(p->args.len, 0);
	/* A description of the process tells the rest. */
	later.exepath = "/usr/bin/whole";
	fixture_apply(f, event_scan(&f->maker, &later));
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/whole")));
	state_destroy(&f->state);
	arena_done(&f->arena);
	free(f);
	remove_host(root);
}

/* Parsing ----------------------------------------------------------------------------------- */

static void pods_are_named_after_their_owners(void **out)
{
	static const struct {
		const char *pod, *owner;
	} rows[] = {
		{"web-7d4b9c6f5b-x2x7q", "web"},
		{"my-app-7d4b9c6f5b-x2x7q", "my-app"},
		{"node-exporter-x2x7q", "node-exporter"},
		{"postgres-0", "postgres"},
		{"postgres-12", "postgres"},
		{"backup-28394820-k2x7q", "backup"},
		{"migrate-k2x7q", "migrate"},
		{"kube-apiserver-control-plane", "kube-apiserver-control-plane"},
		{"single", "single"},
		{"a-hello", "a-hello"}, /* letters that Kubernetes does not make up */
		{"-x2x7q", "-x2x7q"},
		{"", ""},
	};

	(void)out;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text got = pod_owner(text_from(rows[i].pod));

		if (!text_equal(got, text_from(rows[i].owner)))
			fail_msg("%s: %.*s", rows[i].pod, TEXT_ARGS(got));
	}
}

static void image_references_are_split(void **out)
{
	static const struct {
		const char *reference, *image, *tag, *digest;
	} rows[] = {
		{"redis", "redis", "", ""},
		{"redis:7", "redis", "7", ""},
		{"docker.io/library/redis:7.2", "docker.io/library/redis", "7.2", ""},
		{"registry:5000/team/web", "registry:5000/team/web", "", ""},
		{"registry:5000/team/web:2.1", "registry:5000/team/web", "2.1", ""},
		{"web@sha256:ab", "web", "", "sha256:ab"},
		{"web:1@sha256:ab", "web", "1", "sha256:ab"},
		{"sha256:" ID, "", "", ""},
		{ID, "", "", ""},
		{"", "", "", ""},
	};

	(void)out;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct container_meta meta = {0};

		container_meta_set_image(&meta, text_from(rows[i].reference));
		if (strcmp(meta.image, rows[i].image) || strcmp(meta.tag, rows[i].tag) ||
		    strcmp(meta.digest, rows[i].digest))
			fail_msg("%s: %s %s %s", rows[i].reference, meta.image, meta.tag,
				 meta.digest);
	}
}

static void broken_files_tell_nothing(void **out)
{
	static const char *const texts[] = {"",
					    "{",
					    "[]",
					    "null",
					    "{}",
					    "\"x\"",
					    "{\"Config\":7}",
					    "{\"config\":{\"labels\":[1,{}]}}"};

	(void)out;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct container_meta meta = {0};
		struct text json = text_from(texts[i]);

		assert_int_equal(container_meta_parse_docker(&meta, json), -EBADMSG);
		assert_int_equal(container_meta_parse_bundle(&meta, json), -EBADMSG);
		assert_int_equal(container_meta_parse_runc_state(&meta, json), -EBADMSG);
		assert_int_not_equal(container_meta_parse_podman(&meta, json, TEXT("x")), 0);
		assert_false(meta.is_known);
	}
}

static void ids_cannot_leave_the_runtimes_folders(void **out)
{
	char root[] = "/tmp/state-test-XXXXXX";
	struct container_meta meta;

	(void)out;
	assert_non_null(mkdtemp(root));
	write_file(root, "run/runc/state.json", "{\"bundle\":\"/b\"}");
	resolver_look(root, "..", "", &meta);
	assert_false(meta.is_known);
	resolver_look(root, "x/../..", "", &meta);
	assert_false(meta.is_known);
	resolver_look(root, "", "", &meta);
	assert_false(meta.is_known);
	remove_host(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(control_groups_name_the_workload),
		TEST(a_moved_process_is_identified_anew),
		TEST(a_service_keeps_what_it_starts),
		TEST(programs_without_a_path_are_few_workloads),
		TEST(a_shell_gives_away_its_name),
		TEST(a_restart_is_another_instance),
		TEST(ids_are_the_same_everywhere),
		cmocka_unit_test(runtimes_files_name_containers),
		cmocka_unit_test(a_plain_name_is_no_container),
		cmocka_unit_test(a_plain_name_apart_is_a_container_at_once),
		cmocka_unit_test(users_are_those_of_the_host),
		cmocka_unit_test(a_container_cannot_show_the_hosts_users),
		cmocka_unit_test(a_missed_exec_is_repaired),
		cmocka_unit_test(pods_are_named_after_their_owners),
		cmocka_unit_test(image_references_are_split),
		cmocka_unit_test(broken_files_tell_nothing),
		cmocka_unit_test(ids_cannot_leave_the_runtimes_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
