#include "state_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct row {
	const char *field, *want;
};

static void check(struct fixture *f, const char *name, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = fixture_field(f, rows[i].field);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s is '%s', want '%s'", name, rows[i].field, got,
				 rows[i].want);
	}
}

#define CHECK(f, name, ...)                                                                        \
	do {                                                                                       \
		static const struct row rows_[] = {__VA_ARGS__};                                   \
		check(f, name, rows_, ARRAY_SIZE(rows_));                                          \
	} while (0)

static void opens(void **out)
{
	struct fixture *f = *out;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_child, 3, "/etc/passwd",
				    TEST_O_RDONLY | TEST_O_CLOEXEC));
	CHECK(f, "open", {"evt.type", "openat"}, {"syscall.type", "openat"},
	      {"evt.category", "file"}, {"evt.res", "SUCCESS"}, {"evt.rawres", "3"},
	      {"evt.failed", "false"}, {"evt.is_open_read", "true"}, {"evt.is_open_write", "false"},
	      {"evt.is_open_create", "false"}, {"evt.dir", "<"},
	      {"evt.arg.flags", "O_RDONLY|O_CLOEXEC"}, {"evt.arg.fd", "<f>/etc/passwd"},
	      {"evt.arg[0]", "<f>/etc/passwd"}, {"evt.arg.dirfd", "AT_FDCWD"},
	      {"evt.arg.name", "/etc/passwd"}, {"evt.arg.res", "<absent>"},
	      {"evt.arg[20]", "<absent>"}, {"evt.rawarg.flags", "4097"},
	      {"evt.args", "fd=3(<f>/etc/passwd) dirfd=-100(AT_FDCWD) name=/etc/passwd "
			   "flags=4097(O_RDONLY|O_CLOEXEC) mode=0 dev=800001 ino=4711"},
	      {"fd.num", "3"}, {"fd.name", "/etc/passwd"}, {"fd.directory", "/etc"},
	      {"fd.filename", "passwd"}, {"fd.type", "file"}, {"fd.typechar", "f"},
	      {"fd.nameraw", "/etc/passwd"}, {"fd.ino", "4711"}, {"fd.dev.major", "8"},
	      {"fd.dev.minor", "1"}, {"fd.sip", "<absent>"}, {"fd.ip", ""},
	      {"fd.containername", ":/etc/passwd"}, {"fd.containerdirectory", ":/etc"},
	      {"fd.uid", "2003"}, {"fd.types", "file"}, {"fd.types[3]", "file"},
	      {"fd.types[4]", "<absent>"}, {"fd.name_changed", "true"}, {"fd.connected", "false"},
	      {"fs.path.name", "/etc/passwd"}, {"fs.path.nameraw", "/etc/passwd"},
	      {"fs.path.source", "<absent>"}, {"evt.abspath", "/etc/passwd"},
	      {"evt.path_source", "kernel"}, {"proc.fdopencount", "1"}, {"evt.count", "1"},
	      {"evt.count.error", "0"}, {"evt.count.error.file", "0"},
	      {"evt.count.error.net", "<absent>"}, {"evt.buflen", "<absent>"},
	      {"evt.type.is.307", "1"}, {"evt.type.is.306", "0"});
	fixture_apply(f, event_open(&f->maker, &task_child, -ENOENT, "x/../nope", TEST_O_WRONLY));
	CHECK(f, "failed open", {"evt.res", "ENOENT"}, {"evt.failed", "true"},
	      {"evt.is_open_write", "true"}, {"fd.num", "-1"}, {"fd.name", "/home/user/nope"},
	      {"fd.directory", "/home/user"}, {"fd.filename", "<absent>"}, {"fd.type", "<absent>"},
	      {"fd.typechar", "f"}, {"evt.arg.fd", "ENOENT"}, {"evt.arg.name", "/home/user/nope"},
	      {"evt.path_source", "caller"}, {"fs.path.nameraw", "x/../nope"},
	      {"fd.nameraw", "x/../nope"}, {"fd.uid", "200-1"}, {"fd.name_changed", "<absent>"},
	      {"evt.count.error.file", "1"});
	fixture_apply(f, event_open(&f->maker, &task_child, 5, "/new",
				    TEST_O_RDWR | TEST_O_CREAT | TEST_O_F_CREATED));
	CHECK(f, "create", {"evt.is_open_create", "true"}, {"evt.is_open_read", "true"},
	      {"evt.is_open_write", "true"}, {"evt.is_open_exec", "false"},
	      {"evt.arg.flags", "O_CREAT|O_RDWR|O_F_CREATED"}, {"fd.directory", "/"});
	fixture_apply(f, event_open(&f->maker, &task_child, 6, "/srv", TEST_O_DIRECTORY));
	CHECK(f, "directory", {"fd.type", "directory"}, {"fd.directory", "/srv"},
	      {"fd.filename", "<absent>"}, {"fd.types", "file,directory"});
}

static void processes(void **out)
{
	static const char *const args[] = {"main", "a b", "", NULL};
	static const char *const env[] = {"PATH=/bin", "EMPTY=", "HOME= /root ", NULL};
	static const char *const cgroups[] = {"cpu=/a", "unified=/", NULL};
	struct test_task image = task_child;
	struct fixture *f = *out;

	image.exec_id = 2;
	image.exepath = "/tmp/drv";
	image.exe = "./drv";
	image.args = args;
	image.env = env;
	image.cgroups = cgroups;
	image.exe_ino = 77;
	image.exe_flags = EXE_WRITABLE | EXE_FROM_MEMFD;
	fixture_start(f);
	fixture_apply(f, event_exec(&f->maker, &image));
	CHECK(f, "self", {"evt.type", "execve"}, {"proc.name", "drv"}, {"proc.exe", "./drv"},
	      {"proc.exepath", "/tmp/drv"}, {"proc.args", "main a b "}, {"proc.args[1]", "a b"},
	      {"proc.args[2]", ""}, {"proc.args[9]", ""}, {"proc.cmdline", "drv main a b "},
	      {"proc.exeline", "./drv main a b "}, {"proc.cmdnargs", "3"}, {"proc.cmdlenargs", "7"},
	      {"proc.env", "PATH=/bin EMPTY= HOME= /root "}, {"proc.env[PATH]", "/bin"},
	      {"proc.env[HOME]", "/root"}, {"proc.env[PAT]", ""}, {"proc.env[EMPTY]", ""},
	      {"proc.cwd", "/home/user/"}, {"proc.pid", "200"}, {"proc.vpid", "200"},
	      {"thread.tid", "200"}, {"thread.ismain", "true"}, {"proc.is_exe_writable", "true"},
	      {"proc.is_exe_from_memfd", "true"}, {"proc.is_exe_upper_layer", "false"},
	      {"proc.exe_ino", "77"}, {"proc.exe_ino.ctime", "<absent>"}, {"proc.tty", "34816"},
	      {"thread.cgroups", "cpu=/a unified=/"}, {"thread.cgroup.cpu", "/a"},
	      {"thread.cgroup.cp", "<absent>"}, {"proc.nthreads", "1"}, {"proc.nchilds", "0"},
	      {"proc.stdin.type", "<absent>"}, {"thread.cap_effective", ""},
	      {"proc.fdlimit", "1024"}, {"proc.fdusage", "0.00"}, {"fd.name", "<absent>"},
	      {"fd.num", "<absent>"}, {"fs.path.name", "<absent>"});
	CHECK(f, "lineage", {"proc.pname", "bash"}, {"proc.ppid", "100"}, {"proc.pexe", "-bash"},
	      {"proc.pexepath", "/usr/bin/bash"}, {"proc.pcmdline", "bash"},
	      {"proc.aname", "bash,sshd,init"}, {"proc.aname[0]", "drv"}, {"proc.aname[2]", "sshd"},
	      {"proc.aname[4]", "<absent>"}, {"proc.aname[-1]", "<absent>"},
	      {"proc.apid", "100,50,1"}, {"proc.apid[0]", "200"},
	      {"proc.aexepath[1]", "/usr/bin/bash"}, {"proc.aargs", "  "}, {"proc.aargs[1]", ""},
	      {"proc.aenv[PATH]", ""}, {"proc.loginshellid", "100"}, {"proc.sid", "100"},
	      {"proc.sname", "bash"}, {"proc.sid.exepath", "/usr/bin/bash"},
	      {"proc.is_sid_leader", "false"}, {"proc.pgid", "200"}, {"proc.pgid.name", "drv"},
	      {"proc.is_pgid_leader", "true"}, {"proc.pid.ts", "1700000020000000000"},
	      {"proc.ppid.ts", "1700000010000000000"}, {"proc.pidns_init_start_ts", "<absent>"});
	CHECK(f, "users", {"user.uid", "0"}, {"user.name", "root"}, {"user.homedir", "/root"},
	      {"user.shell", "<NA>"}, {"user.loginuid", "-1"}, {"user.loginname", "<NA>"},
	      {"group.gid", "0"}, {"group.name", "root"});
	CHECK(f, "container", {"container.id", "host"}, {"container.name", "host"},
	      {"container.type", "host"}, {"container.image.repository", ""},
	      {"container.privileged", "false"}, {"container.start_ts", "<absent>"},
	      {"k8s.pod.name", "<absent>"}, {"container.label[a]", "<absent>"});
	fixture_apply(f, event_exit(&f->maker, &image, 3 << 8, 1));
	CHECK(f, "exit", {"evt.type", "procexit"}, {"syscall.type", "<absent>"},
	      {"proc.name", "drv"}, {"evt.failed", "<absent>"}, {"evt.rawres", "<absent>"},
	      {"proc.nthreads", "0"},
	      {"evt.args", "status=768 ret=3 sig=0 core=0 reaper_tid=1(init)"});
}

/* What the event does not tell of the task is what the task was and, as nothing came of it, is. */
static void a_failed_exec_tells_of_the_old_image(void **out)
{
	static const char *const args[] = {"one", "two", NULL};
	struct test_task image = task_child;
	struct fixture *f = *out;
	struct event *ev;

	image.exec_id = 2;
	image.exepath = "/tmp/drv";
	image.exe = "./drv";
	image.args = args;
	image.exe_flags = EXE_WRITABLE | EXE_UPPER_LAYER;
	fixture_start(f);
	fixture_apply(f, event_exec(&f->maker, &image));
	ev = event_start(&f->maker, &image, EVENT_EXECVE);
	event_set_res(ev, -ENOENT);
	event_set_text(ev, EXECVE_exe, "./other");
	fixture_apply(f, ev);
	CHECK(f, "asked for", {"evt.arg.exe", "./other"}, {"evt.arg.filename", "<NA>"});
	CHECK(f, "still there", {"evt.arg.flags", "EXE_WRITABLE|EXE_UPPER_LAYER"},
	      {"evt.arg.comm", "drv"}, {"evt.arg.trusted_exepath", "/tmp/drv"},
	      {"evt.arg.ptid", "bash"}, {"evt.rawarg.flags", "3"}, {"proc.name", "drv"});
	ev = event_start(&f->maker, &image, EVENT_CLONE);
	event_set_res(ev, 4000);
	fixture_apply(f, ev);
	CHECK(f, "creator", {"evt.arg.exe", "./drv"}, {"evt.arg.args", "one.two."},
	      {"evt.arg.comm", "drv"}, {"evt.arg.uid", "0"});
}

static void containers(void **out)
{
	static const char *const cgroups[] = {
		"unified=/docker/"
		"3f4a9b1c2d5e6f708192a3b4c5d6e7f83f4a9b1c2d5e6f708192a3b4c5d6e7f8",
		NULL};
	struct test_task image = task_child;
	struct fixture *f = *out;

	image.exec_id = 2;
	image.cgroups = cgroups;
	image.pidns_start_ns = 60 * SECOND;
	fixture_start(f);
	fixture_apply(f, event_exec(&f->maker, &image));
	CHECK(f, "unknown container", {"container.id", "3f4a9b1c2d5e"},
	      {"container.full_id", "<absent>"}, {"container.name", "<absent>"},
	      {"container.image", "<absent>"}, {"container.privileged", "<absent>"},
	      {"container.start_ts", "1700000060000000000"}, {"k8s.ns.name", "<absent>"});
	assert_int_equal(f->subject.process->workload->kind, WORKLOAD_UNRESOLVED);
}

static void calls_on_two_paths(void **out)
{
	static const struct {
		const char *name;
		enum event_type type;
		const char *source, *target, *sourceraw, *targetraw;
	} rows[] = {
		{"rename", EVENT_RENAME, "/home/user/a", "/home/user/b", "a", "b"},
		{"link", EVENT_LINK, "/home/user/b", "/home/user/a", "b", "a"},
		{"symlink", EVENT_SYMLINK, "/home/user/b", "/home/user/a", "b", "a"},
		{"mount", EVENT_MOUNT, "/home/user/a", "/home/user/b", "a", "b"},
	};
	struct fixture *f = *out;

	fixture_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &task_child, rows[i].type);
		struct row want[] = {{"fs.path.source", rows[i].source},
				     {"fs.path.target", rows[i].target},
				     {"fs.path.sourceraw", rows[i].sourceraw},
				     {"fs.path.targetraw", rows[i].targetraw},
				     {"fs.path.name", "<absent>"}};

		event_set_res(ev, 0);
		event_set_text(ev, 1, "a");
		event_set_text(ev, 2, "b");
		fixture_apply(f, ev);
		check(f, rows[i].name, want, ARRAY_SIZE(want));
		event_set_res(ev, -EPERM);
		fixture_apply(f, ev);
		CHECK(f, "failed", {"fs.path.source", "<absent>"});
	}
}

/* Parameters as they were printed for the same calls by Falco 0.44. */
static void parameters_are_printed(void **out)
{
	static const struct {
		enum event_type type;
		int64_t numbers[5]; /* for the parameters that are numbers, in order */
		const char *text;   /* for those that are not */
		const char *want;
	} rows[] = {
		{EVENT_CHMOD,
		 {0, 04755},
		 "/f",
		 "res=0 filename=/f "
		 "mode=04755(S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID)"},
		{EVENT_MKDIR, {-17, 0755}, "m", "res=-17(EEXIST) path=m(/home/user/m) mode=1ED"},
		{EVENT_UNLINKAT,
		 {0, -100, 512},
		 "m2",
		 "res=0 dirfd=-100(AT_FDCWD) name=m2(/home/user/m2) flags=512(AT_REMOVEDIR)"},
		{EVENT_KILL, {0, 100, 9}, "", "res=0 pid=100(bash) sig=9(SIGKILL)"},
		{EVENT_KILL, {-3, 999999, 15}, "", "res=-3(ESRCH) pid=999999 sig=15(SIGTERM)"},
		{EVENT_SETUID, {0, 65534}, "", "res=0 uid=65534(<NA>)"},
		{EVENT_SETNS, {0, 4, 128}, "", "res=0 fd=4 nstype=128(CLONE_NEWUTS)"},
		{EVENT_PTRACE,
		 {0, 11, 100},
		 "",
		 "res=0 addr=NULL data=NULL request=11(PTRACE_ATTACH) pid=100(bash)"},
		{EVENT_UNSHARE, {0, 32}, "", "res=0 flags=32(CLONE_NEWNS)"},
		{EVENT_SOCKET,
		 {4, 1, 1, 0, 0},
		 "",
		 "fd=4(<u>) domain=1(AF_LOCAL|AF_UNIX) type=1 proto=0 flags=0(O_NONE)"},
		{EVENT_BPF, {-7, 5}, "", "fd=-7(E2BIG) cmd=5(BPF_PROG_LOAD)"},
		{EVENT_SETPGID, {0, 0, 0}, "", "res=0 pid=0 pgid=0"},
		{EVENT_DUP3,
		 {61, 4, 61, 4096},
		 "",
		 "res=61(<u>) oldfd=4(<u>) newfd=61(<u>) flags=4096(O_CLOEXEC)"},
		{EVENT_LSEEK, {0, 4, 0, 0}, "", "res=0 fd=4(<u>) offset=0 whence=0(SEEK_SET)"},
		{EVENT_MEMFD_CREATE, {4, 1}, "mfd", "fd=4(<m>mfd) name=mfd flags=1(MFD_CLOEXEC)"},
		{EVENT_DELETE_MODULE, {-38, 0}, "nope", "res=-38(ENOSYS) name=nope flags=0"},
		{EVENT_MKNOD,
		 {0, 010600, 0},
		 "/nod",
		 "res=0 path=/nod mode=010600(S_IWUSR|S_IRUSR|S_IFIFO) dev=0"},
	};
	struct fixture *f = *out;

	fixture_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &task_child, rows[i].type);
		const struct event_info *info = event_info(rows[i].type);
		const char *got;
		int number = 0;

		for (unsigned p = 0; p < info->n_params; p++) {
			if (info->params[p].type < PARAM_CHARBUF)
				event_set_i64(ev, p, rows[i].numbers[number++]);
			else if (rows[i].text[0])
				event_set_text(ev, p, rows[i].text);
		}
		ev->res = rows[i].numbers[0];
		fixture_apply(f, ev);
		got = fixture_field(f, "evt.args");
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: '%s', want '%s'", info->name, got, rows[i].want);
	}
}

/* Values of several types: the first byte says which. */
static void values_with_alternatives_are_printed(void **out)
{
	static const struct {
		enum event_type type;
		unsigned param;
		const char *name, *bytes;
		uint32_t len;
		const char *want_resolved, *want_in_args;
	} rows[] = {
		{EVENT_SETSOCKOPT, SETSOCKOPT_val, "val", "\2\1\0\0\0", 5, "1", "val=1 "},
		{EVENT_SETSOCKOPT, SETSOCKOPT_val, "val", "\4\x00\xf9\x02\x95\0\0\0\0", 9, "2s",
		 "val=2500000000(2s) "},
		{EVENT_GETSOCKOPT, GETSOCKOPT_val, "val", "\1\x91\xff\xff\xff\xff\xff\xff\xff", 9,
		 "ECONNREFUSED", "val=-111(ECONNREFUSED) "},
		{EVENT_GETSOCKOPT, GETSOCKOPT_val, "val", "\0ab\1", 4, "ab.", "val=ab. "},
		{EVENT_GETSOCKOPT, GETSOCKOPT_val, "val", "\0", 1, "NULL", "val=NULL "},
		{EVENT_GETSOCKOPT, GETSOCKOPT_val, "val", "\11x", 2, "x", "val=x "},
		{EVENT_PTRACE, PTRACE_addr, "addr", "\0\x34\x12\0\0\0\0\0\0", 9, "1234",
		 "addr=1234 "},
		{EVENT_PTRACE, PTRACE_data, "data", "\1\x11", 2, "SIGCHLD", "data=17(SIGCHLD) "},
		{EVENT_KEYCTL, KEYCTL_arg2, "arg2", "\1a ring", 7, "a ring", "arg2=a ring "},
		{EVENT_KEYCTL, KEYCTL_arg3, "arg3", "\0\xfd\xff\xff\xff\xff\xff\xff\xff", 9, "-3",
		 "arg3=-3 "},
	};
	struct fixture *f = *out;

	fixture_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &task_child, rows[i].type);
		char field[32];

		ev->params[rows[i].param].bytes = (struct text){rows[i].bytes, rows[i].len};
		ev->params[rows[i].param].is_present = true;
		fixture_apply(f, ev);
		snprintf(field, sizeof(field), "evt.arg.%s", rows[i].name);
		if (strcmp(fixture_field(f, field), rows[i].want_resolved) != 0)
			fail_msg("row %zu: %s", i, fixture_field(f, field));
		if (!strstr(fixture_field(f, "evt.args"), rows[i].want_in_args))
			fail_msg("row %zu: %s", i, fixture_field(f, "evt.args"));
	}
}

static void memory_is_what_the_last_call_says(void **out)
{
	struct fixture *f = *out;
	struct event *ev;

	fixture_start(f);
	ev = event_start(&f->maker, &task_child, EVENT_BRK);
	event_set_i64(ev, BRK_res, 0x1000);
	event_set_i64(ev, BRK_vm_size, 5000);
	event_set_i64(ev, BRK_vm_rss, 600);
	event_set_i64(ev, BRK_vm_swap, 7);
	fixture_apply(f, ev);
	CHECK(f, "brk", {"proc.vmsize", "5000"}, {"proc.vmrss", "600"}, {"proc.vmswap", "7"},
	      {"evt.count.exit", "1"});
	ev = event_start(&f->maker, &task_child, EVENT_MMAP); /* of a source that knows nothing */
	fixture_apply(f, ev);
	CHECK(f, "mmap", {"proc.vmsize", "5000"}, {"proc.vmrss", "600"});
	ev = event_start(&f->maker, &task_child, EVENT_SIGNALDELIVER);
	fixture_apply(f, ev);
	CHECK(f, "signal", {"evt.count.exit", "<absent>"}, {"evt.count", "1"});
}

static void generic_calls_have_their_own_name(void **out)
{
	static const uint64_t args[6] = {7, 0, 0, 0, 0, UINT64_MAX};
	struct fixture *f = *out;
	struct event *ev;

	fixture_start(f);
	ev = event_start(&f->maker, &task_child, EVENT_GENERIC);
	ev->nr = 39;
	ev->has_res = false;
	ev->res = -EPERM;
	ev->args = args;
	fixture_apply(f, ev);
	CHECK(f, "arguments", {"syscall.nr", "39"}, {"syscall.arg[0]", "7"},
	      {"syscall.arg[5]", "18446744073709551615"}, {"evt.failed", "<absent>"},
	      {"evt.rawres", "<absent>"});
	CHECK(f, "getpid", {"evt.type", "getpid"}, {"syscall.type", "getpid"}, {"evt.args", ""},
	      {"evt.category", "other"}, {"evt.res", "<absent>"}, {"evt.arg[0]", "<absent>"});
}

static void times_are_shown(void **out)
{
	struct fixture *f = *out;

	setenv("TZ", "UTC", 1);
	fixture_start(f);
	fixture_apply(f, event_close(&f->maker, &task_child, 3));
	CHECK(f, "times", {"evt.time", "22:15:00.004000000"}, {"evt.time.s", "22:15:00"},
	      {"evt.time.iso8601", "2023-11-14T22:15:00.004000000+0000"},
	      {"evt.datetime", "2023-11-14 22:15:00.004000000"},
	      {"evt.rawtime", "1700000100004000000"}, {"evt.rawtime.s", "1700000100"},
	      {"evt.rawtime.ns", "4000000"}, {"evt.reltime", "4000000"}, {"evt.reltime.s", "0"},
	      {"evt.latency", "0"}, {"evt.latency.human", "0ns"}, {"evt.num", "5"},
	      {"evt.source", "syscall"}, {"evt.is_async", "false"},
	      {"proc.duration", "80004000000"}, {"evt.deltatime", "<absent>"},
	      {"evt.deltatime.s", "<absent>"}, {"evt.deltatime.ns", "<absent>"},
	      {"util.cnt", "<absent>"});
}

/* Begun milliseconds from the moment, on either side. */
static void moments_are_near_or_far(void **out)
{
	struct fixture *f = *out;
	const struct field *field;
	struct text dot;
	struct field_set set = {.tables = {state_field_table()}, .n_tables = 1};
	struct field_arg arg;

	fixture_start(f);
	fixture_apply(f, event_close(&f->maker, &task_child, 3));
	CHECK(f, "moments", {"evt.rawtime", "1700000100004000000"},
	      {"evt.around[1700000100004000000]", "0"}, {"evt.around[1700000100003999999]", "1"},
	      {"evt.around[1700000100004000001]", "1"}, {"evt.around[1700000100003000000]", "1"},
	      {"evt.around[1700000100005000000]", "1"}, {"evt.around[1700000100005000001]", "2"},
	      {"evt.around[0]", "1700000100004"},
	      {"evt.around[9223372036854775807]", "7523371936851"});
	field = field_set_find(&set, TEXT("evt.around"), &dot);
	assert_int_equal(field_arg_prepare(field, TEXT("9223372036854775807"), true, &arg), 0);
	assert_int_equal(field_arg_prepare(field, TEXT("9223372036854775808"), true, &arg),
			 -EINVAL);
	assert_int_equal(field_arg_prepare(field, TEXT("-1"), true, &arg), -EINVAL);
	assert_int_equal(field_arg_prepare(field, TEXT("x"), true, &arg), -EINVAL);
	assert_int_equal(field_arg_prepare(field, TEXT_NONE, false, &arg), -EINVAL);
}

static void nothing_is_known_without_a_process(void **out)
{
	struct fixture *f = *out;
	struct field_table table = state_field_table();
	struct event *ev = event_start(&f->maker, NULL, EVENT_OPENAT);

	event_set_res(ev, 3);
	fixture_apply(f, ev);
	assert_null(f->subject.process);
	for (uint32_t i = 0; i < table.n; i++) {
		const char *name = table.fields[i].name;
		bool is_process = !strncmp(name, "proc.", 5) || !strncmp(name, "user.", 5) ||
				  !strncmp(name, "fd.", 3) || !strncmp(name, "container.", 10);

		if (!is_process || table.fields[i].flags & FIELD_ARG_REQUIRED)
			continue;
		if (strcmp(fixture_field(f, name), "<absent>") != 0)
			fail_msg("%s: %s", name, fixture_field(f, name));
	}
}

/* A full arena makes values absent, never anything worse. */
static void a_full_arena_gives_no_values(void **out)
{
	struct fixture *f = *out;
	struct field_table table = state_field_table();
	struct arena tiny;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_child, 3, "/etc/passwd", TEST_O_RDONLY));
	for (size_t size = 0; size < 600; size += 16) {
		struct field_context ctx = {.event = f->last,
					    .subject = &f->subject,
					    .state = f->state,
					    .arena = &tiny};

		assert_int_equal(arena_init(&tiny, size ? size : 1), 0);
		for (uint32_t i = 0; i < table.n; i++) {
			struct field_arg arg = {.text = TEXT("name")};
			struct values values = {0};

			arena_reset(&tiny);
			table.fields[i].extract(&ctx, &table.fields[i], &arg, &values);
		}
		arena_done(&tiny);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(opens),
		TEST(processes),
		TEST(a_failed_exec_tells_of_the_old_image),
		TEST(containers),
		TEST(calls_on_two_paths),
		TEST(parameters_are_printed),
		TEST(values_with_alternatives_are_printed),
		TEST(memory_is_what_the_last_call_says),
		TEST(generic_calls_have_their_own_name),
		TEST(times_are_shown),
		TEST(moments_are_near_or_far),
		TEST(nothing_is_known_without_a_process),
		TEST(a_full_arena_gives_no_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
