#include "daemon/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/util.h"
#include "capture/source.h"

#define KERNEL_MAJOR_MIN 5
#define KERNEL_MINOR_MIN 10

/* What was found, and what it limits when it is not as it should be. */
struct finding {
	const char *subject;
	bool is_fine;
	char found[256];
	const char *limit; /* said when not fine */
};

static void check_kernel(struct finding *f)
{
	struct utsname name;
	int major = 0, minor = 0;

	f->limit = "live capture needs Linux 5.10 or later";
	if (uname(&name) != 0)
		return;
	snprintf(f->found, sizeof(f->found), "%.200s %.32s", name.release, name.machine);
	if (sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return;
	f->is_fine = major > KERNEL_MAJOR_MIN ||
		     (major == KERNEL_MAJOR_MIN && minor >= KERNEL_MINOR_MIN);
}

static void check_btf(struct finding *f)
{
	struct stat st;

	f->limit = "live capture needs a kernel built with CONFIG_DEBUG_INFO_BTF";
	f->is_fine = stat("/sys/kernel/btf/vmlinux", &st) == 0;
	snprintf(f->found, sizeof(f->found), "%s",
		 f->is_fine ? "/sys/kernel/btf/vmlinux" : "/sys/kernel/btf/vmlinux is missing");
}

static void check_capabilities(struct finding *f)
{
	static const struct {
		cap_value_t value;
		const char *name;
	} wanted[] = {
		{CAP_BPF, "CAP_BPF"},
		{CAP_PERFMON, "CAP_PERFMON"},
		{CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
		{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
	};
	cap_t caps = cap_get_proc();
	size_t used = 0;

	f->limit =
		"live capture needs these capabilities (CAP_SYS_ADMIN stands for the first two): "
		"run as root";
	f->is_fine = caps != NULL;
	for (size_t i = 0; caps && i < ARRAY_SIZE(wanted); i++) {
		cap_flag_value_t value = CAP_CLEAR, admin = CAP_CLEAR;

		cap_get_flag(caps, wanted[i].value, CAP_EFFECTIVE, &value);
		cap_get_flag(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE, &admin);
		if (value == CAP_SET || (i < 2 && admin == CAP_SET))
			continue;
		f->is_fine = false;
		used += (size_t)snprintf(f->found + used, sizeof(f->found) - used, "%s%s",
					 used ? " " : "missing: ", wanted[i].name);
	}
	if (f->is_fine)
		snprintf(f->found, sizeof(f->found), "all that are needed");
	cap_free(caps);
}

/* The one thing that settles it: ask the kernel to make a map. */
static void check_bpf(struct finding *f)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096};
	long fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	f->limit = "the kernel refuses BPF ring buffers: live capture is not possible";
	f->is_fine = fd >= 0;
	snprintf(f->found, sizeof(f->found), "%s",
		 fd >= 0 ? "ring buffers can be made" : strerror(errno));
	if (fd >= 0)
		close((int)fd);
}

static void check_memlock(struct finding *f)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	f->is_fine = true; /* kernels from 5.11 on charge BPF memory to the cgroup instead */
	f->limit = "";
	if (limit.rlim_cur == RLIM_INFINITY)
		snprintf(f->found, sizeof(f->found), "unlimited");
	else
		snprintf(f->found, sizeof(f->found), "%llu KiB; only kernels before 5.11 care",
			 (unsigned long long)limit.rlim_cur / 1024);
}

static void check_cgroups(struct finding *f)
{
	char line[1024];
	bool has_v1 = false, has_v2 = false;
	FILE *mounts = fopen("/proc/self/mounts", "re");

	f->limit = "containers and units cannot be told apart: workloads are executables";
	while (mounts && fgets(line, sizeof(line), mounts)) {
		has_v1 = has_v1 || strstr(line, " cgroup rw") || strstr(line, " cgroup ro");
		has_v2 = has_v2 || strstr(line, " cgroup2 ");
	}
	if (mounts)
		fclose(mounts);
	f->is_fine = has_v1 || has_v2;
	snprintf(f->found, sizeof(f->found), "%s",
		 has_v1 && has_v2 ? "hybrid (v1 and v2)"
		 : has_v2         ? "v2"
		 : has_v1         ? "v1"
				  : "none mounted");
}

static void check_runtimes(struct finding *f)
{
	static const struct {
		const char *path, *name;
	} known[] = {
		{"/run/containerd", "containerd"}, {"/run/docker", "docker"},
		{"/var/run/crio", "cri-o"},        {"/run/runc", "runc"},
		{"/run/libpod", "podman"},         {"/run/systemd/system", "systemd"},
	};
	size_t used = 0;

	f->is_fine = true;
	f->limit = "";
	snprintf(f->found, sizeof(f->found), "none");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (access(known[i].path, F_OK) == 0)
			used += (size_t)snprintf(f->found + used, sizeof(f->found) - used, "%s%s",
						 used ? ", " : "", known[i].name);
	}
}

static void check_attach(struct finding *f)
{
	struct live_config config = {.buffer_bytes = 1 << 20, .own_tgid = getpid()};
	struct source *source = NULL;
	int r = live_source_create(&source, &config);

	f->limit = "capture does not start: the line above says why";
	f->is_fine = r == 0;
	snprintf(f->found, sizeof(f->found), "%s", r ? strerror(-r) : "programs load and attach");
	source_destroy(&source);
}

int verb_doctor(int argc, char **argv)
{
	static const struct {
		const char *subject;
		void (*check)(struct finding *f);
	} checks[] = {
		{"kernel", check_kernel},
		{"type information", check_btf},
		{"capabilities", check_capabilities},
		{"bpf", check_bpf},
		{"locked memory", check_memlock},
		{"cgroups", check_cgroups},
		{"runtimes", check_runtimes},
		{"capture", check_attach},
	};
	int bad = 0;

	(void)argv;
	if (argc > 1) {
		fprintf(stderr, "usage: ethogram doctor\n");
		return 2;
	}
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct finding f = {.subject = checks[i].subject};

		checks[i].check(&f);
		printf("%-4s %-17s %s\n", f.is_fine ? "ok" : "NO", f.subject, f.found);
		if (!f.is_fine)
			printf("     %-17s %s\n", "", f.limit);
		bad += !f.is_fine;
	}
	return bad ? 1 : 0;
}
