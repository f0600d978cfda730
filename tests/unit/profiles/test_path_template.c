#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profiles/path_template.h"
#include "random.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX64 HEX32 HEX32
#define UUID "123e4567-e89b-12d3-a456-426614174000"

static const struct {
	struct text path, want;
} rows[] = {
	/* processes and descriptors */
	{TEXT("/proc/4711/maps"), TEXT("/proc/<pid>/maps")},
	{TEXT("/proc/1"), TEXT("/proc/<pid>")},
	{TEXT("/proc/self/maps"), TEXT("/proc/self/maps")},
	{TEXT("/proc/self/task/12/stat"), TEXT("/proc/self/task/<tid>/stat")},
	{TEXT("/proc/12/task/13/fd/4"), TEXT("/proc/<pid>/task/<tid>/fd/<fd>")},
	{TEXT("/proc/12/fdinfo/4"), TEXT("/proc/<pid>/fdinfo/<fd>")},
	{TEXT("/proc/5/map_files/7f00-7f10"), TEXT("/proc/<pid>/map_files/<range>")},
	{TEXT("/proc/irq/24/smp_affinity"), TEXT("/proc/irq/<n>/smp_affinity")},
	{TEXT("/proc/sys/net/ipv4/ip_forward"), TEXT("/proc/sys/net/ipv4/ip_forward")},
	{TEXT("/proc/9/root/proc/7/maps"), TEXT("/proc/<pid>/root/proc/7/maps")},
	{TEXT("/dev/fd/9"), TEXT("/dev/fd/<fd>")},
	{TEXT("/dev/pts/3"), TEXT("/dev/pts/<n>")},
	{TEXT("/dev/pts/ptmx"), TEXT("/dev/pts/ptmx")},
	{TEXT("/dev/bus/usb/001/014"), TEXT("/dev/bus/usb/<n>/<n>")},
	{TEXT("pipe:[12]"), TEXT("pipe:[<n>]")},
	{TEXT("socket:[4026531840]"), TEXT("socket:[<n>]")},
	{TEXT("/dev/sda1"), TEXT("/dev/sda1")},
	{TEXT("/dev/tty7"), TEXT("/dev/tty7")},
	{TEXT("/dev/nvme0n1p2"), TEXT("/dev/nvme0n1p2")},
	{TEXT("/dev/dm-0"), TEXT("/dev/dm-0")},
	{TEXT("/dev/null"), TEXT("/dev/null")},
	/* users, sessions, units */
	{TEXT("/run/user/1000/bus"), TEXT("/run/user/<uid>/bus")},
	{TEXT("/var/run/user/0/x"), TEXT("/var/run/user/<uid>/x")},
	{TEXT("/run/systemd/users/1000"), TEXT("/run/systemd/users/<uid>")},
	{TEXT("/run/systemd/sessions/3"), TEXT("/run/systemd/sessions/<n>")},
	{TEXT("/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope"),
	 TEXT("/sys/fs/cgroup/user.slice/user-<uid>.slice/session-<n>.scope")},
	{TEXT("/sys/fs/cgroup/user.slice/user@1000.service/x"),
	 TEXT("/sys/fs/cgroup/user.slice/user@<uid>.service/x")},
	{TEXT("/run/systemd/transient/run-u123.service"),
	 TEXT("/run/systemd/transient/run-u<n>.service")},
	{TEXT("/run/systemd/transient/run-r" HEX32 ".scope"),
	 TEXT("/run/systemd/transient/run-r<id>.scope")},
	{TEXT("/tmp/krb5cc_1000"), TEXT("/tmp/krb5cc_<uid>")},
	{TEXT("/etc/systemd/user/default.target"), TEXT("/etc/systemd/user/default.target")},
	/* temporary files */
	{TEXT("/tmp/tmp.Xa8f0Q"), TEXT("/tmp/<tmp>")},
	{TEXT("/tmp/tmp.abcdefghij/x"), TEXT("/tmp/<tmp>/x")},
	{TEXT("/home/u/tmp.Xa8f0Q12Zz"), TEXT("/home/u/<tmp>")},
	{TEXT("/tmp/tmpab_c12xy"), TEXT("/tmp/<tmp>")},
	{TEXT("/opt/x/tmpab3c12xy.txt"), TEXT("/opt/x/<tmp>.txt")},
	{TEXT("/usr/lib/tmpfiles.d/x.conf"), TEXT("/usr/lib/tmpfiles.d/x.conf")},
	{TEXT("/tmp/ssh-XaB3defGhIjK/agent.512"), TEXT("/tmp/ssh-<tmp>/agent.<pid>")},
	{TEXT("/tmp/systemd-private-" HEX32 "-redis.service-AbC12x/tmp"),
	 TEXT("/tmp/systemd-private-<id>-redis.service-<tmp>/tmp")},
	{TEXT("/var/tmp/systemd-private-" HEX32 "-a.service-Zz9yXw"),
	 TEXT("/var/tmp/systemd-private-<id>-a.service-<tmp>")},
	{TEXT("/tmp/Xa8f0Q"), TEXT("/tmp/<tmp>")},
	{TEXT("/tmp/ccAb12Cd.s"), TEXT("/tmp/<tmp>.s")},
	{TEXT("/tmp/out-Ab12Cd.json"), TEXT("/tmp/out-<tmp>.json")},
	{TEXT("/tmp/my-test-hiblde77/x"), TEXT("/tmp/my-test-<tmp>/x")},
	{TEXT("/tmp/my-test-ab_c12xy.txt"), TEXT("/tmp/my-test-<tmp>.txt")},
	{TEXT("/srv/my-test-hiblde77/x"), TEXT("/srv/my-test-hiblde77/x")},
	{TEXT("/tmp/settings.json"), TEXT("/tmp/settings.json")},
	{TEXT("memfd:sealed-91173221a7ea"), TEXT("memfd:sealed-<id>")},
	{TEXT("/tmp/README"), TEXT("/tmp/README")},
	{TEXT("/tmp/report.txt"), TEXT("/tmp/report.txt")},
	{TEXT("/tmp/python3"), TEXT("/tmp/python3")},
	{TEXT("/tmp/foo.4711"), TEXT("/tmp/foo.<n>")},
	{TEXT("/tmp/hsperfdata_root/512"), TEXT("/tmp/hsperfdata_root/<n>")},
	{TEXT("/tmp/.X11-unix/X0"), TEXT("/tmp/.X11-unix/X0")},
	{TEXT("/dev/shm/sem.AbC12x"), TEXT("/dev/shm/sem.<tmp>")},
	{TEXT("/etc/sedAb3dEf"), TEXT("/etc/sed<tmp>")},
	{TEXT("/etc/security/limits.conf"), TEXT("/etc/security/limits.conf")},
	{TEXT("/srv/www/.index.html.Ab3dEf"), TEXT("/srv/www/.index.html.<tmp>")},
	{TEXT("/etc/passwd.A1b2C3"), TEXT("/etc/passwd.<tmp>")},
	{TEXT("/etc/passwd.backup"), TEXT("/etc/passwd.backup")},
	{TEXT("/var/lib/redis/temp-4711.rdb"), TEXT("/var/lib/redis/temp-<n>.rdb")},
	{TEXT("/data/temp-7.rdb"), TEXT("/data/temp-<n>.rdb")},
	{TEXT("/var/lib/redis/temp-rewriteaof-bg-4711.aof"),
	 TEXT("/var/lib/redis/temp-rewriteaof-bg-<n>.aof")},
	{TEXT("/tmp/pip-unpack-ab_c12xy/foo.whl"), TEXT("/tmp/pip-unpack-<tmp>/foo.whl")},
	{TEXT("/usr/lib/x/foo.cpython-311.pyc.140234234234"),
	 TEXT("/usr/lib/x/foo.cpython-311.pyc.<n>")},
	{TEXT("/home/u/.foo.txt.swp"), TEXT("/home/u/.foo.txt.swp")},
	{TEXT("/home/u/.foo.txt.swo"), TEXT("/home/u/.foo.txt.swp")},
	{TEXT("/home/u/.nfs000000000012345600000001"), TEXT("/home/u/.nfs<id>")},
	{TEXT("/mnt/.fuse_hidden0000123400000001"), TEXT("/mnt/.fuse_hidden<id>")},
	{TEXT("/var/crash/core.4711"), TEXT("/var/crash/core.<pid>")},
	{TEXT("/run/runc-process123456789"), TEXT("/run/runc-process<n>")},
	/* ids */
	{TEXT("/var/lib/docker/overlay2/" HEX64 "/merged/etc/passwd"),
	 TEXT("/var/lib/docker/overlay2/<id>/merged/etc/passwd")},
	{TEXT("/var/lib/docker/overlay2/" HEX64 "-init/diff"),
	 TEXT("/var/lib/docker/overlay2/<id>-init/diff")},
	{TEXT("/var/lib/docker/overlay2/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
	 TEXT("/var/lib/docker/overlay2/l/<id>")},
	{TEXT("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/12/fs"),
	 TEXT("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/<n>/fs")},
	{TEXT("/sys/fs/cgroup/system.slice/docker-" HEX64 ".scope"),
	 TEXT("/sys/fs/cgroup/system.slice/docker-<id>.scope")},
	{TEXT("/sys/fs/cgroup/kubepods-pod123e4567_e89b_12d3_a456_426614174000.slice"),
	 TEXT("/sys/fs/cgroup/kubepods-pod<id>.slice")},
	{TEXT("/var/lib/kubelet/pods/" UUID "/volumes"),
	 TEXT("/var/lib/kubelet/pods/<id>/volumes")},
	{TEXT("/x/" HEX32), TEXT("/x/<id>")},
	{TEXT("/x/0123456789ABCDEF0123456789ABCDEF01234567"), TEXT("/x/<id>")},
	{TEXT("/var/lib/php/sessions/sess_abcdefghijklmnopqrstuvwxyz"),
	 TEXT("/var/lib/php/sessions/sess_<id>")},
	{TEXT("/repo/.git/objects/ab/cdef0123456789abcdef0123456789abcdef01"),
	 TEXT("/repo/.git/objects/<h>/<id>")},
	{TEXT("/var/cache/nginx/c/29/b7f54b2df7773722d382f4809d65029c"),
	 TEXT("/var/cache/nginx/<h>/<h>/<id>")},
	{TEXT("/var/lib/nginx/proxy/1/00/0000000001"), TEXT("/var/lib/nginx/proxy/<h>/<h>/<n>")},
	{TEXT("/srv/app-3f2a9c1b.js"), TEXT("/srv/app-<id>.js")},
	{TEXT("/sys/class/net/veth1a2b3c4/address"), TEXT("/sys/class/net/veth<id>/address")},
	{TEXT("/var/lib/postgresql/15/main/base/16384/2619_fsm"),
	 TEXT("/var/lib/postgresql/15/main/base/<n>/2619_fsm")},
	{TEXT("/var/lib/postgresql/15/main/pg_wal/000000010000000000000001"),
	 TEXT("/var/lib/postgresql/15/main/pg_wal/<id>")},
	{TEXT("/var/lib/mysql/binlog.000123"), TEXT("/var/lib/mysql/binlog.<n>")},
	{TEXT("/var/log/journal/" HEX32 "/system@" HEX32 "-0000000000000001-0005f0000000abcd.x"),
	 TEXT("/var/log/journal/<id>/system@<id>-<id>-<id>.x")},
	/* dates and rotation */
	{TEXT("/srv/backup-2026-11-21.tar"), TEXT("/srv/backup-<date>.tar")},
	{TEXT("/srv/backup-20261121T120001.tar"), TEXT("/srv/backup-<date>.tar")},
	{TEXT("/srv/20261121"), TEXT("/srv/<date>")},
	{TEXT("/srv/20269921"), TEXT("/srv/<n>")},
	{TEXT("/srv/x-2026-11-21T12:00:01.json"), TEXT("/srv/x-<date>.json")},
	{TEXT("/srv/x-2026-11-21-old"), TEXT("/srv/x-<date>-old")},
	{TEXT("/run/secrets/..2026_11_21_12_00_00.123456789/token"),
	 TEXT("/run/secrets/..<date>.<n>/token")},
	{TEXT("/srv/2026/11/21/x"), TEXT("/srv/<n>/<n>/<n>/x")},
	{TEXT("/var/log/syslog.1"), TEXT("/var/log/syslog.<n>")},
	{TEXT("/var/log/dpkg.log.2.gz"), TEXT("/var/log/dpkg.log.<n>.gz")},
	{TEXT("/srv/app.log.12"), TEXT("/srv/app.log.<n>")},
	{TEXT("/usr/lib/liblog4c.so.3"), TEXT("/usr/lib/liblog4c.so.3")},
	/* hardware */
	{TEXT("/sys/devices/pci0000:00/0000:00:1f.2/ata1"),
	 TEXT("/sys/devices/pci<n>:<n>/<pci>/ata<n>")},
	{TEXT("/sys/devices/system/cpu/cpu3/cache/index1"),
	 TEXT("/sys/devices/system/cpu/cpu<n>/cache/index<n>")},
	{TEXT("/sys/kernel/mm/transparent_hugepage/enabled"),
	 TEXT("/sys/kernel/mm/transparent_hugepage/enabled")},
	/* what stays */
	{TEXT("/usr/lib/x86_64-linux-gnu/libc-2.36.so"),
	 TEXT("/usr/lib/x86_64-linux-gnu/libc-2.36.so")},
	{TEXT("/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30"),
	 TEXT("/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30")},
	{TEXT("/etc/cron.d"), TEXT("/etc/cron.d")},
	{TEXT("/etc/rc3.d/S01cron"), TEXT("/etc/rc3.d/S01cron")},
	{TEXT("/usr/bin/python3.11"), TEXT("/usr/bin/python3.11")},
	{TEXT("/usr/lib/python3/dist-packages/__pycache__/foo.cpython-311.pyc"),
	 TEXT("/usr/lib/python3/dist-packages/__pycache__/foo.cpython-311.pyc")},
	{TEXT("/boot/vmlinuz-6.1.0-18-amd64"), TEXT("/boot/vmlinuz-6.1.0-18-amd64")},
	{TEXT("/usr/share/icons/hicolor/48x48/apps"), TEXT("/usr/share/icons/hicolor/48x48/apps")},
	{TEXT("/usr/lib/x86_64-linux-gnu/gconv/ISO8859-1.so"),
	 TEXT("/usr/lib/x86_64-linux-gnu/gconv/ISO8859-1.so")},
	{TEXT("/usr/sbin/e2fsck"), TEXT("/usr/sbin/e2fsck")},
	{TEXT("/usr/share/cafe/deadbeef"), TEXT("/usr/share/cafe/deadbeef")},
	{TEXT("/etc/shadow"), TEXT("/etc/shadow")},
	{TEXT("/etc/ssl/certs/ca-certificates.crt"), TEXT("/etc/ssl/certs/ca-certificates.crt")},
	/* odd */
	{TEXT(""), TEXT("")},
	{TEXT("/"), TEXT("/")},
	{TEXT("//"), TEXT("//")},
	{TEXT("/tmp"), TEXT("/tmp")},
	{TEXT("/tmp/"), TEXT("/tmp/")},
	{TEXT("/proc//7"), TEXT("/proc//7")},
	{TEXT("relative/12345/x"), TEXT("relative/<n>/x")},
	{TEXT("/a\0b/12345"), TEXT("/a\0b/<n>")},
	{TEXT("/\xff\xfe\x80/99999\n"), TEXT("/\xff\xfe\x80/<n>\n")},
	{TEXT("/tmp/.sw"), TEXT("/tmp/.sw")},
	{TEXT("/x/.a.swz/"), TEXT("/x/.a.swp/")},
	{TEXT("/x/2026-"), TEXT("/x/2026-")},
	{TEXT("/x/<pid>/12345"), TEXT("/x/<pid>/<n>")},
};

static void templates_paths(void **state)
{
	char buffer[PATH_TEMPLATE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text got = path_template(rows[i].path, buffer);

		if (!text_equal(got, rows[i].want))
			fail_msg("%.*s: got %.*s, want %.*s", TEXT_ARGS(rows[i].path),
				 TEXT_ARGS(got), TEXT_ARGS(rows[i].want));
	}
}

static void template_of_a_template_is_itself(void **state)
{
	char first[PATH_TEMPLATE_MAX], second[PATH_TEMPLATE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text once = path_template(rows[i].path, first);
		struct text twice = path_template(once, second);

		if (!text_equal(once, twice))
			fail_msg("%.*s: again %.*s", TEXT_ARGS(once), TEXT_ARGS(twice));
	}
}

static void most_paths_are_not_copied(void **state)
{
	struct text path = TEXT("/usr/lib/systemd/systemd-journald");
	char buffer[PATH_TEMPLATE_MAX];

	(void)state;
	assert_ptr_equal(path_template(path, buffer).ptr, path.ptr);
}

static struct text long_path(char *bytes, uint32_t len, const char *end)
{
	memset(bytes, 'a', len);
	for (uint32_t i = 0; i < len; i += 50)
		bytes[i] = '/';
	memcpy(bytes + len - strlen(end), end, strlen(end));
	return (struct text){bytes, len};
}

/* Longer than the bound: cut, but two of them stay two, and what varies in them is the same. */
static void long_paths_are_cut_but_differ(void **state)
{
	static char a[4096], b[4096], c[4096];
	char ta[PATH_TEMPLATE_MAX], tb[PATH_TEMPLATE_MAX], tc[PATH_TEMPLATE_MAX];
	struct text x = path_template(long_path(a, sizeof(a), "/x"), ta);
	struct text y = path_template(long_path(b, sizeof(b), "/y"), tb);
	struct text z = path_template(long_path(c, sizeof(c), "/x"), tc);

	(void)state;
	assert_int_equal(x.len, PATH_TEMPLATE_MAX);
	assert_int_equal(y.len, PATH_TEMPLATE_MAX);
	assert_false(text_equal(x, y));
	assert_true(text_equal(x, z));
	x = path_template(long_path(a, sizeof(a), "/12345"), ta);
	y = path_template(long_path(b, sizeof(b), "/54321"), tb);
	assert_true(text_equal(x, y));
}

/* Random names of each kind, as their makers draw them: nearly all come to one template. What is
 * missed is what chance makes look like a word. */
static void made_up_names_come_together(void **state)
{
#define LOWERS "abcdefghijklmnopqrstuvwxyz"
#define UPPERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	static const struct {
		const char *before, *alphabet;
		uint32_t len;
		const char *after, *want;
		double missed_max;
	} kinds[] = {
		{"/proc/", "0123456789", 5, "/stat", "/proc/<pid>/stat", 0},
		{"/tmp/tmp.", LOWERS UPPERS "0123456789", 10, "", "/tmp/<tmp>", 0},
		{"/tmp/x-", LOWERS UPPERS "0123456789", 6, "", "/tmp/x-<tmp>", .03},
		{"/tmp/cc", LOWERS UPPERS "0123456789", 6, ".o", "/tmp/<tmp>.o", .03},
		{"/tmp/ssh-", LOWERS UPPERS "0123456789", 12, "/a", "/tmp/ssh-<tmp>/a", .001},
		{"/tmp/tmp", LOWERS "0123456789_", 8, "", "/tmp/<tmp>", 0},
		{"/tmp/my-", LOWERS "0123456789_", 8, "", "/tmp/my-<tmp>", .10},
		{"/srv/", "0123456789abcdef", 12, "/x", "/srv/<id>/x", .01},
		{"/srv/", "0123456789abcdef", 32, "", "/srv/<id>", 0},
		{"/srv/b-", "0123456789abcdef", 40, ".js", "/srv/b-<id>.js", 0},
		{"/srv/docker-", "0123456789abcdef", 64, ".scope", "/srv/docker-<id>.scope", 0},
		{"/var/lib/php/sess_", LOWERS "0123456789", 26, "", "/var/lib/php/sess_<id>", 0},
		{"/etc/sed", LOWERS UPPERS "0123456789", 6, "", "/etc/sed<tmp>", .03},
		{"/w/.f.txt.", LOWERS UPPERS "0123456789", 6, "", "/w/.f.txt.<tmp>", .03},
	};
	enum { N_NAMES = 2000 };
	uint64_t random = 12;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint32_t missed = 0;

		for (int n = 0; n < N_NAMES; n++) {
			char path[200], name[80] = "", buffer[PATH_TEMPLATE_MAX];
			struct text got;

			for (uint32_t k = 0; k < kinds[i].len; k++)
				name[k] = kinds[i].alphabet[random_next(&random) %
							    strlen(kinds[i].alphabet)];
			snprintf(path, sizeof(path), "%s%s%s", kinds[i].before, name,
				 kinds[i].after);
			got = path_template(text_from(path), buffer);
			missed += !text_equal(got, text_from(kinds[i].want));
		}
		if (missed > kinds[i].missed_max * N_NAMES)
			fail_msg("%s: %u of %d missed", kinds[i].want, missed, N_NAMES);
	}
}

/* Made of everything the rules look for, in heap blocks of exact size, so that a sanitizer sees a
 * step too far. */
static void any_bytes_are_taken(void **state)
{
	static const char *const pieces[] = {
		"/",          "/tmp/",  "/proc/", "12",     "tmp.", "sess_",
		"2026-11-21", "<n>",    ".swp",   ".log.1", ".gz",  "-",
		"_",          "abc",    HEX32,    "/task/", "\xff", "0000:00:1f.2",
		"sed",        "Ab3dEf", "/l/",    ".",      "20",   "1",
		"T",          ":",      UUID,
	};
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char bytes[400], buffer[PATH_TEMPLATE_MAX];
		uint32_t len = 0;
		struct text got;
		char *exact;

		for (int n = (int)(random_next(&random) % 9); n >= 0; n--) {
			const char *piece = pieces[random_next(&random) % ARRAY_SIZE(pieces)];

			memcpy(bytes + len, piece, strlen(piece));
			len += (uint32_t)strlen(piece);
		}
		exact = malloc(len);
		assert_non_null(exact);
		memcpy(exact, bytes, len);
		got = path_template((struct text){exact, len}, buffer);
		assert_true(got.len <= PATH_TEMPLATE_MAX);
		free(exact);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_paths),
		cmocka_unit_test(template_of_a_template_is_itself),
		cmocka_unit_test(most_paths_are_not_copied),
		cmocka_unit_test(long_paths_are_cut_but_differ),
		cmocka_unit_test(made_up_names_come_together),
		cmocka_unit_test(any_bytes_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
