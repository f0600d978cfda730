#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/util.h"
#include "state/cgroup.h"

#define ID "3f4a9b1c2d5e6f708192a3b4c5d6e7f83f4a9b1c2d5e6f708192a3b4c5d6e7f8"
#define UID "6c4d7a4e-9f3b-4c8e-8d2a-1b5f0e7c9a3d"
#define UID_ "6c4d7a4e_9f3b_4c8e_8d2a_1b5f0e7c9a3d"

struct row {
	const char *path;
	enum cgroup_kind kind;
	const char *id;
	enum container_runtime runtime;
	const char *pod_uid;
};

/* Paths as they occur on real hosts; ids are made up. */
static const struct row rows[] = {
	/* nothing */
	{"/", CGROUP_NONE, "", 0, ""},
	{"/system.slice", CGROUP_NONE, "", 0, ""},
	{"/user.slice/user-1000.slice", CGROUP_NONE, "", 0, ""},
	{"/kubepods.slice/kubepods-burstable.slice", CGROUP_NONE, "", 0, ""},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice", CGROUP_NONE, "", 0, ""},
	/* this environment's own, and the like */
	{"/process_api/6b02957d205c98bf8b9cddab7e6a072b", CGROUP_NAMED,
	 "6b02957d205c98bf8b9cddab7e6a072b", 0, ""},
	{"/sandbox/5a93000a7aa1c823", CGROUP_NAMED, "5a93000a7aa1c823", 0, ""},
	/* Docker */
	{"/docker/" ID, CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/system.slice/docker-" ID ".scope", CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/docker/" ID "/init.scope", CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/docker/" ID "/system.slice/ssh.service", CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/docker-" ID ".scope",
	 CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/my.slice/docker-" ID ".scope", CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/actions_job/" ID, CGROUP_CONTAINER, ID, RUNTIME_UNKNOWN, ""},
	{"/moby/" ID, CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/system.slice:docker:" ID, CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/system.slice/docker.service", CGROUP_UNIT, "docker.service", 0, ""},
	{"/system.slice/docker.socket", CGROUP_UNIT, "docker.socket", 0, ""},
	/* Amazon ECS */
	{"/ecs/0123456789abcdef0123456789abcdef/" ID, CGROUP_CONTAINER, ID, RUNTIME_UNKNOWN, ""},
	{"/ecs/cluster/9d1c-4be0/" ID, CGROUP_CONTAINER, ID, RUNTIME_UNKNOWN, ""},
	/* Kubernetes: cgroupfs driver */
	{"/kubepods/burstable/pod" UID "/" ID, CGROUP_CONTAINER, ID, RUNTIME_UNKNOWN, UID},
	{"/kubepods/besteffort/pod" UID "/" ID, CGROUP_CONTAINER, ID, RUNTIME_UNKNOWN, UID},
	{"/kubepods/pod" UID "/" ID, CGROUP_CONTAINER, ID, RUNTIME_UNKNOWN, UID},
	{"/kubepods/burstable/pod00112233445566778899aabbccddeeff/" ID, CGROUP_CONTAINER, ID,
	 RUNTIME_UNKNOWN, "00112233445566778899aabbccddeeff"},
	{"/kubepods/burstable/pod" UID "/crio-" ID, CGROUP_CONTAINER, ID, RUNTIME_CRIO, UID},
	/* Kubernetes: systemd driver */
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	 ".slice/cri-containerd-" ID ".scope",
	 CGROUP_CONTAINER, ID, RUNTIME_CONTAINERD, UID_},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice/crio-" ID
	 ".scope",
	 CGROUP_CONTAINER, ID, RUNTIME_CRIO, UID_},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID ".scope", CGROUP_CONTAINER, ID,
	 RUNTIME_DOCKER, UID_},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope", CGROUP_CONTAINER,
	 ID, RUNTIME_CONTAINERD, UID_},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-"
	 "pod00112233445566778899aabbccddeeff.slice/cri-containerd-" ID ".scope",
	 CGROUP_CONTAINER, ID, RUNTIME_CONTAINERD, "00112233445566778899aabbccddeeff"},
	{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	 "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope",
	 CGROUP_CONTAINER, ID, RUNTIME_CONTAINERD, UID_},
	{"/docker/" ID "/kubelet/kubepods/burstable/pod" UID
	 "/aaaa9b1c2d5e6f708192a3b4c5d6e7f83f4a9b1c2d5e6f708192a3b4c5d6e7f8",
	 CGROUP_CONTAINER, "aaaa9b1c2d5e6f708192a3b4c5d6e7f83f4a9b1c2d5e6f708192a3b4c5d6e7f8",
	 RUNTIME_UNKNOWN, UID},
	{"/system.slice/containerd.service/kubepods-burstable-pod" UID_ ".slice:cri-containerd:" ID,
	 CGROUP_CONTAINER, ID, RUNTIME_CONTAINERD, UID_},
	{"/kubepods-besteffort-pod" UID_ ".slice:cri-containerd:" ID, CGROUP_CONTAINER, ID,
	 RUNTIME_CONTAINERD, UID_},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice/crio-" ID
	 ".scope/container",
	 CGROUP_CONTAINER, ID, RUNTIME_CRIO, UID_},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	 ".slice/crio-conmon-" ID ".scope",
	 CGROUP_TRANSIENT, "crio-conmon-" ID ".scope", 0, ""},
	{"/k8s.io/" ID, CGROUP_CONTAINER, ID, RUNTIME_UNKNOWN, ""},
	/* containerd: ctr, nerdctl */
	{"/default/" ID, CGROUP_CONTAINER, ID, RUNTIME_UNKNOWN, ""},
	{"/default/redis1", CGROUP_NAMED, "redis1", 0, ""},
	{"/system.slice/nerdctl-" ID ".scope", CGROUP_CONTAINER, ID, RUNTIME_CONTAINERD, ""},
	{"/buildkit/3qk7vyn2q1xk6u3r0h7c5e9zt", CGROUP_NAMED, "3qk7vyn2q1xk6u3r0h7c5e9zt", 0, ""},
	/* podman */
	{"/machine.slice/libpod-" ID ".scope", CGROUP_CONTAINER, ID, RUNTIME_PODMAN, ""},
	{"/machine.slice/libpod-" ID ".scope/container", CGROUP_CONTAINER, ID, RUNTIME_PODMAN, ""},
	{"/machine.slice/libpod-" ID ".scope/supervisor", CGROUP_TRANSIENT, "libpod-" ID ".scope",
	 0, ""},
	{"/machine.slice/libpod-conmon-" ID ".scope", CGROUP_TRANSIENT,
	 "libpod-conmon-" ID ".scope", 0, ""},
	{"/libpod_parent/libpod-" ID, CGROUP_CONTAINER, ID, RUNTIME_PODMAN, ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
	 CGROUP_CONTAINER, ID, RUNTIME_PODMAN, ""},
	{"/system.slice/web.service/libpod-payload-" ID, CGROUP_CONTAINER, ID, RUNTIME_PODMAN, ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/podman-4711.scope",
	 CGROUP_TRANSIENT, "podman-4711.scope", 0, ""},
	/* runc, crun alone */
	{"/mycontainer", CGROUP_NAMED, "mycontainer", 0, ""},
	{"/user.slice/mycontainer", CGROUP_NAMED, "mycontainer", 0, ""},
	{"/system.slice:runc:mycontainer", CGROUP_NAMED, "mycontainer", 0, ""},
	/* LXC, Mesos */
	{"/lxc/web1", CGROUP_CONTAINER, "web1", RUNTIME_LXC, ""},
	{"/lxc.payload.web1", CGROUP_CONTAINER, "web1", RUNTIME_LXC, ""},
	{"/lxc.payload.web1/system.slice/cron.service", CGROUP_CONTAINER, "web1", RUNTIME_LXC, ""},
	{"/lxc.payload/web1", CGROUP_CONTAINER, "web1", RUNTIME_LXC, ""},
	{"/lxc.monitor.web1", CGROUP_NONE, "", 0, ""},
	{"/mesos/" UID, CGROUP_CONTAINER, UID, RUNTIME_MESOS, ""},
	/* systemd services */
	{"/system.slice/redis-server.service", CGROUP_UNIT, "redis-server.service", 0, ""},
	{"/system.slice/nginx.service/worker", CGROUP_UNIT, "nginx.service", 0, ""},
	{"/init.scope", CGROUP_UNIT, "init.scope", 0, ""},
	{"/system.slice/system-getty.slice/getty@tty1.service", CGROUP_UNIT, "getty@.service", 0,
	 ""},
	{"/system.slice/system-postgresql.slice/postgresql@15-main.service", CGROUP_UNIT,
	 "postgresql@.service", 0, ""},
	{"/system.slice/boot-efi.mount", CGROUP_UNIT, "boot-efi.mount", 0, ""},
	{"/system.slice/systemd-udevd.service/udev", CGROUP_UNIT, "systemd-udevd.service", 0, ""},
	{"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", CGROUP_UNIT,
	 "machine-qemu\\x2d1\\x2dvm.scope", 0, ""},
	{"/user.slice/user-1000.slice/user@1000.service/init.scope", CGROUP_UNIT, "user@.service",
	 0, ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service", CGROUP_UNIT,
	 "user@.service/syncthing.service", 0, ""},
	/* transient */
	{"/system.slice/run-u42.service", CGROUP_TRANSIENT, "run-u42.service", 0, ""},
	{"/system.slice/run-r00112233445566778899aabbccddeeff.scope", CGROUP_TRANSIENT,
	 "run-r00112233445566778899aabbccddeeff.scope", 0, ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-3121.scope",
	 CGROUP_TRANSIENT, "app-gnome-firefox-3121.scope", 0, ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.kde.konsole-1.service",
	 CGROUP_TRANSIENT, "app-org.kde.konsole-1.service", 0, ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-" UID ".scope",
	 CGROUP_TRANSIENT, "vte-spawn-" UID ".scope", 0, ""},
	/* sessions */
	{"/user.slice/user-1000.slice/session-3.scope", CGROUP_SESSION, "session-3", 0, ""},
	{"/user.slice/user-0.slice/session-c1.scope", CGROUP_SESSION, "session-c1", 0, ""},
	/* OpenRC */
	{"/openrc.sshd", CGROUP_UNIT, "sshd", 0, ""},
	{"/openrc/sshd", CGROUP_UNIT, "sshd", 0, ""},
	/* hostile */
	{"//..//.", CGROUP_NONE, "", 0, ""},
	{"/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/1/2/3/4/5/6/7/8/9/docker/" ID,
	 CGROUP_CONTAINER, ID, RUNTIME_DOCKER, ""},
	{"/docker/3F4A9B1C2D5E6F708192A3B4C5D6E7F83F4A9B1C2D5E6F708192A3B4C5D6E7F8", CGROUP_NAMED,
	 "3F4A9B1C2D5E6F708192A3B4C5D6E7F83F4A9B1C2D5E6F708192A3B4C5D6E7F8", 0, ""},
	{"/docker-" ID "x.scope", CGROUP_TRANSIENT, "docker-" ID "x.scope", 0, ""},
	{"/evil name\n", CGROUP_NONE, "", 0, ""},
	{"/foo@.service", CGROUP_UNIT, "foo@.service", 0, ""},
	{"/@", CGROUP_NONE, "", 0, ""},
};

static void check(const struct row *row, struct text cgroups)
{
	struct cgroup_class got;

	cgroup_classify(cgroups, &got);
	if (got.kind != row->kind || !text_equal(got.id, text_from(row->id)) ||
	    (row->kind == CGROUP_CONTAINER && got.runtime != row->runtime) ||
	    !text_equal(got.pod_uid, text_from(row->pod_uid)))
		fail_msg("%s: kind %d, id '%.*s', runtime %d, pod '%.*s'", row->path, got.kind,
			 TEXT_ARGS(got.id), got.runtime, TEXT_ARGS(got.pod_uid));
}

static void reads_real_paths(void **state)
{
	char line[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int len = snprintf(line, sizeof(line), "unified=%s", rows[i].path);

		check(&rows[i], (struct text){line, (uint32_t)len + 1});
		check(&rows[i], (struct text){line, (uint32_t)len}); /* no closing NUL */
	}
}

static void the_most_telling_hierarchy_decides(void **state)
{
	static const struct {
		const char *name;
		const char *cgroups;
		uint32_t len;
		enum cgroup_kind kind;
		const char *id;
	} lists[] = {
#define LIST(literal) literal, sizeof(literal) - 1
		{"v1",
		 LIST("cpu=/docker/" ID "\0memory=/docker/" ID "\0name=systemd=/docker/" ID "\0"),
		 CGROUP_CONTAINER, ID},
		{"hybrid: controllers elsewhere",
		 LIST("memory=/process_api/0011\0name=systemd=/system.slice/ssh.service\0unified=/\0"),
		 CGROUP_UNIT, "ssh.service"},
		{"hybrid: unit in the unified hierarchy",
		 LIST("unified=/system.slice/ssh.service\0memory=/process_api/0011\0"), CGROUP_UNIT,
		 "ssh.service"},
		{"only a limit", LIST("cpu=/\0memory=/box\0unified=/\0"), CGROUP_NAMED, "box"},
		{"the naming hierarchy wins among plain names",
		 LIST("memory=/limit\0unified=/named\0cpu=/other\0"), CGROUP_NAMED, "named"},
		{"container beats unit",
		 LIST("unified=/system.slice/docker.service\0memory=/docker/" ID "\0"),
		 CGROUP_CONTAINER, ID},
		{"empty", LIST(""), CGROUP_NONE, ""},
		{"no path", LIST("cpu\0=\0cpu=\0cpu=relative\0"), CGROUP_NONE, ""},
#undef LIST
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct cgroup_class got;

		cgroup_classify((struct text){lists[i].cgroups, lists[i].len}, &got);
		if (got.kind != lists[i].kind || !text_equal(got.id, text_from(lists[i].id)))
			fail_msg("%s: kind %d, id '%.*s'", lists[i].name, got.kind,
				 TEXT_ARGS(got.id));
	}
}

static void knows_a_sessions_user(void **state)
{
	static const struct {
		const char *cgroups;
		uint32_t uid;
	} sessions[] = {
		{"unified=/user.slice/user-1000.slice/session-3.scope", 1000},
		{"unified=/user.slice/user-0.slice/session-3.scope", 0},
		{"unified=/session-3.scope", UINT32_MAX},
		{"unified=/user.slice/user-x.slice/session-3.scope", UINT32_MAX},
		{"unified=/user-99999999999.slice/session-3.scope", UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		struct cgroup_class got;

		cgroup_classify(text_from(sessions[i].cgroups), &got);
		assert_int_equal(got.kind, CGROUP_SESSION);
		if (got.uid != sessions[i].uid)
			fail_msg("%s: %u", sessions[i].cgroups, got.uid);
	}
}

static void survives_any_bytes(void **state)
{
	static const char alphabet[] = "/=@.:-_pod0123456789abcdefslice.scope\0session-";
	uint64_t seed = 88172645463325252;
	char text[200];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct cgroup_class got;
		uint32_t len;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		len = (uint32_t)(seed % sizeof(text));
		for (uint32_t i = 0; i < len; i++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			text[i] = alphabet[seed % (sizeof(alphabet) - 1)];
		}
		cgroup_classify((struct text){text, len}, &got);
		assert_true(got.id.len <= sizeof(text) + 32);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_real_paths),
		cmocka_unit_test(the_most_telling_hierarchy_decides),
		cmocka_unit_test(knows_a_sessions_user),
		cmocka_unit_test(survives_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
