/* What the kernel resolved beats what the caller typed. After each call the child asks the kernel
 * itself, by /proc/self/fd and fstat, what it got; the event has to say the same. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

#define TRUTHS_MAX 64
#define KERNEL_DEV(dev) (major(dev) << 20 | minor(dev))

/* What the kernel said of the nth call. */
struct truth {
	char label[48];
	char path[PATH_MAX]; /* /proc/self/fd, without " (deleted)" */
	bool is_deleted, is_long;
	dev_t dev;
	ino_t ino;
	int res;
};

struct truths {
	struct truth rows[TRUTHS_MAX];
	uint32_t n;
	char folder[64];
	bool is_cut_off;
};

static struct truths *truths;

static int setup_folder(void **state)
{
	(void)state;
	truths = mmap(NULL, sizeof(*truths), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (truths == MAP_FAILED)
		return -1;
	strcpy(truths->folder, "/tmp/ethogram-truth-XXXXXX");
	return mkdtemp(truths->folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];
	int r;

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", truths->folder);
	r = system(command);
	munmap(truths, sizeof(*truths));
	return r;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "# the child could not %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* Write down what the kernel has behind fd, or why there is nothing. */
static int note(const char *label, int fd)
{
	struct truth *truth = &truths->rows[truths->n++];
	char link[64];
	struct stat st;
	ssize_t len;
	int error = errno;

	snprintf(truth->label, sizeof(truth->label), "%s", label);
	truth->res = fd < 0 ? -error : fd;
	if (fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, truth->path, sizeof(truth->path) - 1);
	truth->is_long = len < 0 && errno == ENAMETOOLONG;
	truth->path[MAX(len, 0)] = '\0';
	if (len > 10 && strcmp(truth->path + len - 10, " (deleted)") == 0) {
		truth->path[len - 10] = '\0';
		truth->is_deleted = true;
	}
	need(fstat(fd, &st) == 0, "fstat");
	truth->dev = st.st_dev;
	truth->ino = st.st_ino;
	return fd;
}

static int open_note(const char *label, int dirfd, const char *path, int flags)
{
	return note(label, (int)syscall(SYS_openat, dirfd, path, flags, 0600));
}

static int open2_note(const char *label, int dirfd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)flags, .resolve = resolve, .mode = flags & O_CREAT ? 0600 : 0};

	return note(label, (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
}

static void make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600); /* glibc's is openat too, before the mark */

	need(fd >= 0, path);
	close(fd);
}

static const enum event_type opens[] = {EVENT_OPENAT, EVENT_OPENAT2, EVENT_FCHMOD, EVENT_TYPE_END};

static bool is_counted(const struct event *ev)
{
	return ev->type == EVENT_OPENAT || ev->type == EVENT_OPENAT2 || ev->type == EVENT_FCHMOD;
}

/* The child marks where its cases begin by an open that fails in its own way. */
#define MARK "/ethogram/no/such/mark"

static void mark(void)
{
	syscall(SYS_openat, AT_FDCWD, MARK, O_RDONLY);
}

static const struct event *event_after_mark(const struct live_test *t, uint32_t nth)
{
	bool marked = false;

	for (uint32_t i = 0; i < t->n_events; i++) {
		const struct event *ev = &t->events[i].ev;

		if (!is_counted(ev))
			continue;
		if (!marked)
			marked = ev->res == -ENOENT && text_equal(ev->raw_path[0], TEXT(MARK));
		else if (nth-- == 0)
			return ev;
	}
	fail_msg("too few events");
	return NULL;
}

static void check_truth(const struct event *ev, const struct truth *truth)
{
	bool is_open = ev->type != EVENT_FCHMOD;

	print_message("# %s: %s (%d)\n", truth->label, truth->path, truth->res);
	if (is_open)
		assert_int_equal(ev->res, truth->res);
	if (truth->res < 0) {
		assert_null(ev->file);
		assert_true(ev->quality & EVENT_PATH_FROM_CALLER);
		return;
	}
	assert_non_null(ev->file);
	assert_false(ev->quality & EVENT_PATH_FROM_CALLER);
	if (!truth->is_long)
		assert_text(ev->file->path, truth->path);
	assert_int_equal(!!(ev->file->flags & FILE_PATH_TRUNCATED), truth->is_long);
	assert_int_equal(!!(ev->file->flags & FILE_DELETED), truth->is_deleted);
	assert_int_equal(ev->file->dev, KERNEL_DEV(truth->dev));
	assert_int_equal(ev->file->ino, truth->ino);
	if (is_open) {
		assert_int_equal(live_u64(ev, "dev"), truth->dev);
		assert_int_equal(live_u64(ev, "ino"), truth->ino);
	}
}

static void run_and_check(struct live_test *t, void (*child)(void *), uint32_t at_least)
{
	truths->n = 0;
	live_want(t, opens);
	live_run(t, child, NULL);
	assert_int_equal(t->child_status, 0);
	assert_in_range(truths->n, at_least, TRUTHS_MAX);
	for (uint32_t i = 0; i < truths->n; i++)
		check_truth(event_after_mark(t, i), &truths->rows[i]);
}

/* Links, dots and magic names. */
static void child_names(void *arg)
{
	char absolute[128], again[64];
	int fd, dir;

	(void)arg;
	need(!chdir(truths->folder) && !mkdir("sub", 0755) && !mkdir("sub/deep", 0755), "mkdir");
	make_file("file");
	make_file("sub/inner");
	snprintf(absolute, sizeof(absolute), "%s/sub/inner", truths->folder);
	need(!symlink("inner", "sub/relative") && !symlink(absolute, "absolute") &&
		     !symlink("sub/relative", "c1") && !symlink("c1", "c2") &&
		     !symlink("c2", "c3") && !symlink("sub/deep", "deeplink") &&
		     !symlink("nowhere", "dangling") && !symlink("loop2", "loop1") &&
		     !symlink("loop1", "loop2") && !link("file", "sub/hard"),
	     "make links");
	dir = open("sub", O_RDONLY | O_DIRECTORY);
	mark();
	open_note("proc/self/root", AT_FDCWD, "/proc/self/root/etc/passwd", O_RDONLY);
	open_note("dot-dot", AT_FDCWD, "sub/../file", O_RDONLY);
	open_note("dot-dot of a link", AT_FDCWD, "deeplink/../inner", O_RDONLY);
	open_note("dots and slashes", AT_FDCWD, ".//./sub///inner", O_RDONLY);
	open_note("relative link", AT_FDCWD, "sub/relative", O_RDONLY);
	open_note("absolute link", AT_FDCWD, "absolute", O_RDONLY);
	open_note("chain of links", AT_FDCWD, "c3", O_RDONLY);
	open_note("dangling link", AT_FDCWD, "dangling", O_RDONLY);
	open_note("made through a dangling link", AT_FDCWD, "dangling", O_RDWR | O_CREAT);
	open_note("loop of links", AT_FDCWD, "loop1", O_RDONLY);
	open_note("link itself", AT_FDCWD, "c3", O_PATH | O_NOFOLLOW);
	open_note("link that may not be followed", AT_FDCWD, "c3", O_RDONLY | O_NOFOLLOW);
	open_note("hard link", AT_FDCWD, "sub/hard", O_RDONLY);
	open_note("its other name", AT_FDCWD, "file", O_RDONLY);
	open_note("folder's descriptor", dir, "inner", O_RDONLY);
	open_note("dot-dot of a descriptor", dir, "../file", O_RDONLY);
	open_note("absolute beside a descriptor", dir, "/etc/passwd", O_RDONLY);
	open_note("proc/self/cwd", AT_FDCWD, "/proc/self/cwd/file", O_RDONLY);
	open_note("folder", AT_FDCWD, "sub", O_RDONLY);
	fd = open_note("O_PATH", AT_FDCWD, "sub/inner", O_PATH);
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	open_note("opened again", AT_FDCWD, again, O_RDONLY);
	need(!rename("sub/inner", "sub/moved"), "rename");
	open_note("opened again after a rename", AT_FDCWD, again, O_RDONLY);
	need(!unlink("sub/moved"), "unlink");
	open_note("opened again after its end", AT_FDCWD, again, O_RDONLY);
	open_note("no name", AT_FDCWD, ".", O_TMPFILE | O_RDWR);
	need(!rename("sub", "elsewhere"), "rename a folder");
	open_note("folder renamed meanwhile", dir, "deep", O_RDONLY | O_DIRECTORY);
	need(!fchdir(dir), "fchdir");
	open_note("after fchdir", AT_FDCWD, "deep", O_RDONLY);
	open_note("newline", AT_FDCWD, "a\nb", O_RDWR | O_CREAT);
	open_note("not UTF-8", AT_FDCWD, "\xff\xfe\x80", O_RDWR | O_CREAT);
	open_note("looks deleted", AT_FDCWD, "x (deleted) y", O_RDWR | O_CREAT);
	open_note("through a file", AT_FDCWD, "/dev/fd/../fd/0/../../self/fd", O_RDONLY);
}

static void names_are_resolved(void **state)
{
	run_and_check(*state, child_names, 30);
}

static void child_resolves(void *arg)
{
	int dir;

	(void)arg;
	need(!chdir(truths->folder) && !mkdir("jail", 0755) && !mkdir("jail/etc", 0755), "mkdir");
	make_file("jail/etc/passwd");
	make_file("outside");
	need(!symlink("/etc/passwd", "jail/link") && !symlink("etc/passwd", "jail/inside") &&
		     !symlink("../outside", "jail/out"),
	     "make links");
	dir = open("jail", O_PATH | O_DIRECTORY);
	mark();
	open2_note("in root", dir, "/etc/passwd", O_RDONLY, RESOLVE_IN_ROOT);
	open2_note("in root, absolute link", dir, "link", O_RDONLY, RESOLVE_IN_ROOT);
	open2_note("in root, upwards", dir, "../../../etc/passwd", O_RDONLY, RESOLVE_IN_ROOT);
	open2_note("beneath", dir, "etc/../etc/passwd", O_RDONLY, RESOLVE_BENEATH);
	open2_note("not beneath", dir, "../outside", O_RDONLY, RESOLVE_BENEATH);
	open2_note("beneath, link out", dir, "out", O_RDONLY, RESOLVE_BENEATH);
	open2_note("link out", dir, "out", O_RDONLY, 0);
	open2_note("link to the host", dir, "link", O_RDONLY, 0);
	open2_note("no symlinks", dir, "inside", O_RDONLY, RESOLVE_NO_SYMLINKS);
	open2_note("no symlinks met", dir, "etc/passwd", O_RDONLY, RESOLVE_NO_SYMLINKS);
	open2_note("no magic links", AT_FDCWD, "/proc/self/root/etc/passwd", O_RDONLY,
		   RESOLVE_NO_MAGICLINKS);
	open2_note("no other mount", dir, "inside", O_RDONLY, RESOLVE_NO_XDEV);
	open2_note("other mount", AT_FDCWD, "/proc/self/status", O_RDONLY, RESOLVE_NO_XDEV);
	open2_note("cached", dir, "etc/passwd", O_RDONLY, RESOLVE_CACHED);
	open2_note("made", dir, "etc/new", O_RDWR | O_CREAT, RESOLVE_BENEATH);
}

static void openat2_is_resolved(void **state)
{
	run_and_check(*state, child_resolves, 15);
}

/* Calls on descriptors: where their file is now, not where it was opened. */
static void child_descriptors(void *arg)
{
	int fd, gone, other, mem;

	(void)arg;
	need(!chdir(truths->folder) && !mkdir("parent", 0755) && !mkdir("parent/p2", 0755),
	     "mkdir");
	make_file("parent/p2/f");
	make_file("gone");
	fd = open("parent/p2/f", O_RDWR);
	gone = open("gone", O_RDWR);
	mem = memfd_create("a \"memfd\"", 0);
	need(fd >= 0 && gone >= 0 && mem >= 0, "open");
	mark();
	note("unmoved", fd);
	fchmod(fd, 0640);
	need(!rename("parent", "moved"), "rename");
	note("parent renamed", fd);
	fchmod(fd, 0641);
	need(!rename("moved/p2/f", "g"), "rename");
	note("renamed", fd);
	fchmod(fd, 0642);
	need(!unlink("gone"), "unlink");
	note("unlinked", gone);
	fchmod(gone, 0643);
	other = dup2(fd, 500);
	note("by dup2", other);
	fchmod(other, 0644);
	close(fd);
	need(dup2(gone, 500) == 500, "dup2");
	note("another file behind the number", 500);
	fchmod(500, 0645);
}

static void descriptors_are_told_where_they_are(void **state)
{
	run_and_check(*state, child_descriptors, 6);
}

/* Deeper than any path can be typed. */
static void child_goes_deep(void *arg)
{
	char name[201];
	int dir = open(truths->folder, O_RDONLY | O_DIRECTORY);

	(void)arg;
	memset(name, 'n', 200);
	name[200] = '\0';
	for (int i = 0; i < 30; i++) {
		int next;

		name[0] = (char)('a' + i % 26);
		need(!mkdirat(dir, name, 0700), "mkdirat");
		next = openat(dir, name, O_RDONLY | O_DIRECTORY);
		need(next >= 0, "openat");
		close(dir);
		dir = next;
	}
	mark();
	open_note("below the longest path", dir, "the end", O_RDWR | O_CREAT);
	need(!fchdir(dir), "fchdir");
	open_note("from there", AT_FDCWD, "the end", O_RDONLY);
}

static void deep_paths_keep_their_end(void **state)
{
	struct live_test *t = *state;

	run_and_check(t, child_goes_deep, 2);
	for (uint32_t i = 0; i < 2; i++) {
		struct text path = event_after_mark(t, i)->file->path;

		assert_true(truths->rows[i].is_long);
		assert_true(event_after_mark(t, i)->quality & EVENT_TRUNCATED);
		assert_in_range(path.len, 3000, PATH_MAX);
		assert_memory_equal(path.ptr + path.len - 11, "nnn/the end", 11);
	}
}

/* In a plain chroot "/" is a folder like others, and mounts cannot be made private. */
static bool can_mount(void)
{
	struct statx info;

	return statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &info) == 0 &&
	       info.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static void own_mounts(void)
{
	need(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL),
	     "have mounts of its own");
	need(!chdir(truths->folder), "chdir");
}

static void child_binds(void *arg)
{
	int covered, inside;

	(void)arg;
	own_mounts();
	need(!mkdir("from", 0755) && !mkdir("to", 0755) && !mkdir("from/sub", 0755), "mkdir");
	make_file("from/f");
	make_file("from/sub/g");
	make_file("to/covered");
	make_file("bound");
	covered = open("to", O_RDONLY | O_DIRECTORY);
	need(!mount("from", "to", NULL, MS_BIND, NULL) &&
		     !mount("from/f", "bound", NULL, MS_BIND, NULL),
	     "bind");
	inside = open("to/sub", O_RDONLY | O_DIRECTORY);
	mark();
	open_note("bound folder", AT_FDCWD, "to/f", O_RDONLY);
	open_note("bound file", AT_FDCWD, "bound", O_RDONLY);
	open_note("original", AT_FDCWD, "from/f", O_RDONLY);
	open_note("dot-dot out of a mount", AT_FDCWD, "to/../bound", O_RDONLY);
	open_note("what a mount covers", covered, "covered", O_RDONLY);
	need(!umount2("to", MNT_DETACH), "umount");
	open_note("in a mount that is gone", inside, "g", O_RDONLY);
}

static void mounts_are_followed(void **state)
{
	if (!can_mount())
		skip();
	run_and_check(*state, child_binds, 6);
}

static void child_chroots(void *arg)
{
	int outside = open("/etc", O_RDONLY | O_DIRECTORY);

	(void)arg;
	own_mounts();
	need(!mkdir("root", 0755) && !mkdir("root/etc", 0755) && !mkdir("root/proc", 0755) &&
		     !mount("none", "root/proc", "proc", 0, NULL),
	     "make a root");
	make_file("root/etc/passwd");
	need(!chroot("root"), "chroot");
	mark();
	open_note("after chroot, still outside", AT_FDCWD, "root/etc/passwd", O_RDONLY);
	need(!chdir("/"), "chdir");
	open_note("in the new root", AT_FDCWD, "/etc/passwd", O_RDONLY);
	open_note("upwards stays inside", AT_FDCWD, "../../etc/passwd", O_RDONLY);
	open_note("by an older descriptor", outside, "passwd", O_RDONLY);
}

static void a_chroot_is_seen_from_inside(void **state)
{
	if (!can_mount())
		skip();
	run_and_check(*state, child_chroots, 4);
}

static void child_pivots(void *arg)
{
	(void)arg;
	own_mounts();
	need(!mkdir("new", 0755) && !mount("none", "new", "tmpfs", 0, NULL) &&
		     !mkdir("new/old", 0755) && !mkdir("new/proc", 0755) &&
		     !mount("none", "new/proc", "proc", 0, NULL),
	     "make a root");
	make_file("new/f");
	need(!syscall(SYS_pivot_root, "new", "new/old") && !chdir("/"), "pivot_root");
	mark();
	open_note("new root", AT_FDCWD, "/f", O_RDONLY);
	open_note("old root", AT_FDCWD, "/old/etc/passwd", O_RDONLY);
	need(!umount2("/old", MNT_DETACH), "umount");
	open_note("alone", AT_FDCWD, "old/../f", O_RDONLY);
}

static void a_pivoted_root_is_seen_from_inside(void **state)
{
	if (!can_mount())
		skip();
	run_and_check(*state, child_pivots, 3);
}

static void child_overlays(void *arg)
{
	(void)arg;
	own_mounts();
	need(!mkdir("layers", 0755) && !mount("none", "layers", "tmpfs", 0, NULL) &&
		     !chdir("layers") && !mkdir("lower", 0755) && !mkdir("upper", 0755) &&
		     !mkdir("work", 0755) && !mkdir("merged", 0755),
	     "make layers");
	make_file("lower/below");
	make_file("lower/copied");
	make_file("upper/above");
	if (mount("overlay", "merged", "overlay", 0,
		  "lowerdir=lower,upperdir=upper,workdir=work")) {
		truths->is_cut_off = true;
		_exit(0);
	}
	mark();
	open_note("lower", AT_FDCWD, "merged/below", O_RDONLY);
	open_note("upper", AT_FDCWD, "merged/above", O_RDONLY);
	open_note("copied up by this open", AT_FDCWD, "merged/copied", O_RDWR);
	open_note("made", AT_FDCWD, "merged/new", O_RDWR | O_CREAT);
}

static void layers_are_told_apart(void **state)
{
	static const uint16_t want[] = {FILE_LOWER_LAYER, FILE_UPPER_LAYER, FILE_UPPER_LAYER,
					FILE_UPPER_LAYER | FILE_CREATED};
	struct live_test *t = *state;

	if (!can_mount())
		skip();
	truths->is_cut_off = false;
	live_want(t, opens);
	truths->n = 0;
	live_run(t, child_overlays, NULL);
	assert_int_equal(t->child_status, 0);
	if (truths->is_cut_off) {
		print_message("# skipped: overlayfs cannot be mounted here\n");
		skip();
	}
	assert_int_equal(truths->n, 4);
	for (uint32_t i = 0; i < 4; i++) {
		const struct event *ev = event_after_mark(t, i);

		check_truth(ev, &truths->rows[i]);
		assert_int_equal(ev->file->flags, want[i]);
	}
}

static void text_is_in_folder(struct text got, const char *name)
{
	char want[256];

	snprintf(want, sizeof(want), "%s%s%s", truths->folder, *name ? "/" : "", name);
	assert_text(got, want);
}

/* Relative names: from where the folder is now, not from where it was entered. */
static void child_is_relative(void *arg)
{
	int dir;

	(void)arg;
	need(!chdir(truths->folder) && !mkdir("a", 0755) && !mkdir("b", 0755), "mkdir");
	dir = open("b", O_PATH | O_DIRECTORY);
	need(!chdir("a") && !rename("../a", "../a2") && !rename("../b", "../b2"), "move");
	need(!syscall(SYS_mkdir, "d", 0700) && !syscall(SYS_mkdirat, dir, "d", 0700) &&
		     !syscall(SYS_mkdirat, AT_FDCWD, "e", 0700) &&
		     !syscall(SYS_renameat2, dir, "d", AT_FDCWD, "f", 0) &&
		     !syscall(SYS_symlinkat, "t", dir, "s") && !syscall(SYS_symlink, "t", "u") &&
		     syscall(SYS_unlink, "/none/such") && syscall(SYS_mkdirat, 999, "x", 0700) &&
		     syscall(SYS_openat, dir, "none", O_RDONLY) && syscall(SYS_chdir, "none"),
	     "do it");
}

static void relative_names_start_where_the_kernel_is(void **state)
{
	static const enum event_type types[] = {EVENT_MKDIR,     EVENT_MKDIRAT, EVENT_RENAMEAT2,
						EVENT_SYMLINKAT, EVENT_SYMLINK, EVENT_UNLINK,
						EVENT_OPENAT,    EVENT_CHDIR,   EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;

	live_want(t, types);
	live_run(t, child_is_relative, NULL);
	assert_int_equal(t->child_status, 0);
	text_is_in_folder(live_event(t, EVENT_MKDIR, 2)->base_path[0], "a2");
	text_is_in_folder(live_event(t, EVENT_MKDIRAT, 0)->base_path[0], "b2");
	text_is_in_folder(live_event(t, EVENT_MKDIRAT, 1)->base_path[0], "a2");
	ev = live_event(t, EVENT_RENAMEAT2, 0);
	text_is_in_folder(ev->base_path[0], "b2");
	text_is_in_folder(ev->base_path[1], "a2");
	text_is_in_folder(live_event(t, EVENT_SYMLINKAT, 0)->base_path[0], "b2");
	text_is_in_folder(live_event(t, EVENT_SYMLINK, 0)->base_path[0], "a2");
	assert_int_equal(live_event(t, EVENT_UNLINK, 0)->base_path[0].len, 0);  /* absolute */
	assert_int_equal(live_event(t, EVENT_MKDIRAT, 2)->base_path[0].len, 0); /* no such */
	text_is_in_folder(
		live_event(t, EVENT_OPENAT, live_count(t, EVENT_OPENAT) - 1)->base_path[0], "b2");
	text_is_in_folder(live_event(t, EVENT_CHDIR, live_count(t, EVENT_CHDIR) - 1)->base_path[0],
			  "a2");
}

/* Where a task is after calls that move its root, and what it may do. */
static void child_changes_places(void *arg)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};
	int ns;

	(void)arg;
	ns = open("/proc/self/ns/mnt", O_RDONLY);
	own_mounts();
	mkdir("root", 0755);
	mkdir("root/d", 0755);
	mkdir("new", 0755);
	need(!chdir("root/d") && !chroot(".."), "chroot");
	need(!setns(ns, CLONE_NEWNS), "setns");
	own_mounts();
	need(!mount("none", "new", "tmpfs", 0, NULL) && !mkdir("new/old", 0755), "make a root");
	need(!syscall(SYS_pivot_root, "new", "new/old"), "pivot_root");
	need(!unshare(CLONE_NEWUSER), "unshare");
	data[0].permitted = data[0].effective = 1 << CAP_KILL;
	need(!syscall(SYS_capset, &header, data), "capset");
}

static void tasks_are_described_after_they_moved(void **state)
{
	static const enum event_type types[] = {EVENT_CHROOT, EVENT_SETNS, EVENT_UNSHARE,
						EVENT_CAPSET, EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;
	char moved[128];

	if (!can_mount())
		skip();
	live_want(t, types);
	live_run(t, child_changes_places, NULL);
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_CHROOT, 0);
	assert_non_null(ev->after);
	text_is_in_folder(ev->after->root, "root");
	assert_text(ev->after->cwd, "/d"); /* as it sees it */
	ev = live_event(t, EVENT_SETNS, 0);
	assert_text(ev->after->root, "/");
	assert_text(ev->after->cwd, "/");
	ev = live_event(t, EVENT_UNSHARE, live_count(t, EVENT_UNSHARE) - 1);
	assert_true(ev->after->cap_effective >> CAP_SYS_ADMIN & 1);
	ev = live_event(t, EVENT_CAPSET, 0);
	assert_int_equal(ev->after->cap_effective, 1 << CAP_KILL);
	live_want_call(t, "pivot_root");
	live_run(t, child_changes_places, NULL);
	ev = live_event(t, EVENT_GENERIC, 0);
	assert_non_null(ev->after);
	assert_text(ev->after->root, "/");
	snprintf(moved, sizeof(moved), "/old%s", truths->folder);
	assert_text(ev->after->cwd, moved);
}

/* Unix sockets: the file, however it was named. */
static void child_connects_by_name(void *arg)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "s"}, own = un;
	int listening = socket(AF_UNIX, SOCK_STREAM, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)arg;
	need(!chdir(truths->folder) && !mkdir("d", 0755), "mkdir");
	need(!bind(listening, (struct sockaddr *)&un, sizeof(un)) && !listen(listening, 4), "bind");
	need(!symlink("../s", "d/link") && !chdir("d"), "chdir");
	strcpy(un.sun_path, "link");
	strcpy(own.sun_path, "own");
	need(!bind(fd, (struct sockaddr *)&own, sizeof(own)) &&
		     !connect(fd, (struct sockaddr *)&un, sizeof(un)),
	     "connect");
	need(accept(listening, NULL, NULL) >= 0, "accept");
	strcpy(un.sun_path + 1, "abstract");
	un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	need(!bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t) + 9), "bind abstract");
}

static void unix_sockets_have_their_file(void **state)
{
	static const enum event_type types[] = {EVENT_BIND, EVENT_CONNECT, EVENT_ACCEPT,
						EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;

	live_want(t, types);
	live_run(t, child_connects_by_name, NULL);
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_BIND, 0);
	text_is_in_folder(ev->sock->path, "s");
	assert_text(ev->sock->bound, "s");
	assert_memory_equal(ev->params[BIND_addr].bytes.ptr, "\1s", 2);
	text_is_in_folder(live_event(t, EVENT_BIND, 1)->sock->path, "d/own");
	ev = live_event(t, EVENT_CONNECT, 0);
	text_is_in_folder(ev->sock->path, "s");
	assert_false(ev->quality & EVENT_ADDR_FROM_CALLER);
	text_is_in_folder(live_event(t, EVENT_ACCEPT, 0)->sock->path, "s");
	assert_text(live_event(t, EVENT_BIND, 2)->sock->path, "@abstract");
}

static void copy_true(const char *to)
{
	char command[128];

	snprintf(command, sizeof(command), "cp /bin/true %s", to);
	need(system(command) == 0, "copy a program");
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

/* One exec each, in a child of its own, in the order of exec_rows. */
static void child_execs(void *arg)
{
	char *argv[] = {"given", NULL}, *env[] = {NULL};
	int image, memory, script;
	struct stat st;

	(void)arg;
	need(!chdir(truths->folder), "chdir");
	copy_true("prog");
	copy_true("gone");
	copy_true("passed");
	put("script", "#!/bin/sh -e\nexit 0\n");
	put("nested", "#!script\n");
	need(!symlink("prog", "link"), "symlink");
	image = open("prog", O_RDONLY | O_CLOEXEC);
	script = open("script", O_RDONLY); /* its interpreter opens it again */
	memory = memfd_create("in memory", MFD_CLOEXEC);
	need(memory >= 0 && fstat(image, &st) == 0 &&
		     sendfile(memory, image, NULL, (size_t)st.st_size) == st.st_size,
	     "fill memory");
	for (int i = 0; i < 9; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			switch (i) {
			case 0:
				execve("./link", argv, env);
				break;
			case 1:
				execve("/proc/self/cwd/../../proc/self/cwd/prog", argv, env);
				break;
			case 2:
				syscall(SYS_execveat, image, "", argv, env, AT_EMPTY_PATH);
				break;
			case 3:
				syscall(SYS_execveat, memory, "", argv, env, AT_EMPTY_PATH);
				break;
			case 4:
				execve("./script", argv, env);
				break;
			case 5:
				syscall(SYS_execveat, script, "", argv, env, AT_EMPTY_PATH);
				break;
			case 6:
				execve("nested", argv, env);
				break;
			case 7:
				image = open("gone", O_RDONLY | O_CLOEXEC);
				unlink("gone");
				syscall(SYS_execveat, image, "", argv, env, AT_EMPTY_PATH);
				break;
			default:
				image = open(truths->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
				syscall(SYS_execveat, image, "passed", argv, env, 0);
			}
			_exit(127);
		}
		need(pid > 0 && waitpid(pid, &status, 0) == pid, "wait");
		truths->rows[i].res = status;
		snprintf(truths->rows[i].path, sizeof(truths->rows[i].path), "%d", pid);
	}
}

/* path: in the folder; absolute: elsewhere. */
static const struct {
	const char *label, *path, *filename;
	uint32_t flags; /* of EXE_FROM_MEMFD, EXE_DELETED, EXE_IS_SCRIPT */
} exec_rows[] = {
	{"link", "prog", "./link", 0},
	{"magic links", "prog", "/proc/self/cwd/../../proc/self/cwd/prog", 0},
	{"descriptor", "prog", "/dev/fd/*", 0},
	{"memory", "memfd:in memory", "/dev/fd/*", EXE_FROM_MEMFD},
	{"script", "/bin/sh", "./script", EXE_IS_SCRIPT},
	{"script by descriptor", "/bin/sh", "/dev/fd/*", EXE_IS_SCRIPT},
	{"script of a script", "/bin/sh", "nested", EXE_IS_SCRIPT},
	{"deleted", "gone", "/dev/fd/*", EXE_DELETED},
	{"relative to a descriptor", "passed", "/dev/fd/*", 0},
};

static void check_exec(const struct event *ev, size_t i)
{
	const uint32_t looked_at = EXE_FROM_MEMFD | EXE_DELETED | EXE_IS_SCRIPT;
	const char *path = exec_rows[i].path, *star = strchr(exec_rows[i].filename, '*');
	char shell[PATH_MAX];

	print_message("# %s\n", exec_rows[i].label);
	assert_int_equal(truths->rows[i].res, 0);
	if (path[0] == '/') {
		assert_non_null(realpath(path, shell));
		assert_text(ev->task->exepath, shell);
	} else if (exec_rows[i].flags & EXE_FROM_MEMFD) {
		assert_text(ev->task->exepath, path);
	} else {
		text_is_in_folder(ev->task->exepath, path);
	}
	assert_int_equal(ev->task->exe_flags & looked_at, exec_rows[i].flags);
	if (!star)
		live_text_is(ev, "filename", exec_rows[i].filename);
	else
		assert_memory_equal(ev->params[EXECVE_filename].bytes.ptr, "/dev/fd/", 8);
}

static void images_are_the_kernels(void **state)
{
	struct live_test *t = *state;

	live_want(t, NULL);
	t->with_descendants = true;
	live_run(t, child_execs, NULL);
	t->with_descendants = false;
	assert_int_equal(t->child_status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(exec_rows); i++) {
		const struct event *ev;
		uint32_t nth = 0;

		do {
			ev = live_event(t, EVENT_EXECVE, nth++);
		} while (ev->tgid != atoi(truths->rows[i].path));
		check_exec(ev, i);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_folder, remove_folder)
	static const struct CMUnitTest tests[] = {
		TEST(names_are_resolved),
		TEST(openat2_is_resolved),
		TEST(descriptors_are_told_where_they_are),
		TEST(deep_paths_keep_their_end),
		TEST(mounts_are_followed),
		TEST(a_chroot_is_seen_from_inside),
		TEST(a_pivoted_root_is_seen_from_inside),
		TEST(layers_are_told_apart),
		TEST(relative_names_start_where_the_kernel_is),
		TEST(tasks_are_described_after_they_moved),
		TEST(unix_sockets_have_their_file),
		TEST(images_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
