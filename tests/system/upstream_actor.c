/* The actions of tests/system/upstream_cases*.py that no ordinary program does. Static, so that it
 * runs in any container; copied under other names where a rule looks at the name.
 *
 * Usage: upstream_actor VERB ARGUMENT...   Exits with 0 when it did what it was told, whether or
 * not the kernel allowed it; with 1 when it could not even try. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int flags_of(const char *letters)
{
	int flags = strchr(letters, 'b') ? O_RDWR : strchr(letters, 'w') ? O_WRONLY : O_RDONLY;

	flags |= strchr(letters, 'c') ? O_CREAT : 0;
	flags |= strchr(letters, 't') ? O_TRUNC : 0;
	flags |= strchr(letters, 'a') ? O_APPEND : 0;
	flags |= strchr(letters, 'd') ? O_DIRECTORY : 0;
	flags |= strchr(letters, 'p') ? O_PATH : 0;
	return flags;
}

static mode_t mode_of(const char *letters)
{
	return strchr(letters, 'x') ? 0755 : 0600;
}

/* open PATH LETTERS, by the call of that name. */
static int do_open(char **a)
{
	long fd = syscall(SYS_open, a[0], flags_of(a[1]), mode_of(a[1]));

	return fd < 0 && errno == EFAULT;
}

/* openat FOLDER NAME LETTERS */
static int do_openat(char **a)
{
	int folder = open(a[0], O_RDONLY | O_DIRECTORY);

	if (folder < 0)
		return 1;
	openat(folder, a[1], flags_of(a[2]), 0600);
	return 0;
}

/* openat2 PATH LETTERS */
static int do_openat2(char **a)
{
	struct {
		unsigned long long flags, mode, resolve;
	} how = {.flags = (unsigned)flags_of(a[1])};

	how.mode = how.flags & O_CREAT ? 0600 : 0;
	syscall(SYS_openat2, AT_FDCWD, a[0], &how, sizeof(how));
	return 0;
}

/* creat PATH */
static int do_creat(char **a)
{
	syscall(SYS_creat, a[0], 0600);
	return 0;
}

static double age_s(void)
{
	char text[1024], *end;
	unsigned long long start = 0;
	struct timespec now;
	int fd = open("/proc/self/stat", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		exit(1);
	close(fd);
	text[n] = '\0';
	end = strrchr(text, ')');
	if (!end || sscanf(end + 2,
			   "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			   "%*d %*d %*d %llu",
			   &start) != 1)
		exit(1);
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9 -
	       (double)start / (double)sysconf(_SC_CLK_TCK);
}

/* aged SECONDS PATH: opens once the process is as old. */
static int do_aged(char **a)
{
	while (age_s() <= atof(a[0]))
		usleep(20000);
	open(a[1], O_RDONLY);
	return 0;
}

/* run PROGRAM ARGV...: in a child; the child's exit code is not ours. */
static int do_run(char **a)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execv(a[0], a + 1);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid;
}

/* as UID PROGRAM ARGV...: the same as another user. */
static int do_as(char **a)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (setgid((gid_t)atoi(a[0])) || setuid((uid_t)atoi(a[0])))
			_exit(1);
		execv(a[1], a + 2);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid;
}

/* at FOLDER PROGRAM ARGV...: the same in another directory. */
static int do_at(char **a)
{
	return chdir(a[0]) ? 1 : do_run(a + 1);
}

/* setuid UID... in turn, without looking at the result. */
static int do_setuid(char **a)
{
	for (; *a; a++)
		syscall(SYS_setuid, atoi(*a));
	return 0;
}

/* symlink TARGET PATH; link OLD NEW; the calls without "at". */
static int do_symlink(char **a)
{
	syscall(SYS_symlink, a[0], a[1]);
	return 0;
}

static int do_link(char **a)
{
	syscall(SYS_link, a[0], a[1]);
	return 0;
}

static pid_t stopped_child(int traceme)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (traceme)
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, NULL, WUNTRACED);
	return pid;
}

static int end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return 0;
}

static int adopter;

static void *idle(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static void *begin_orphan(void *path)
{
	pid_t pid = fork();

	if (pid)
		syscall(SYS_exit_group, pid < 0);
	while (getppid() != adopter)
		usleep(100);
	open(path, O_RDONLY);
	_exit(0);
}

/* orphans N PATH: as often, a process of many threads, begun by a thread of ours, begins another,
 * ends, and leaves it to us; it opens the file then. */
static void *make_orphans(void *arguments)
{
	char **a = arguments;

	for (int i = 0; i < atoi(a[0]); i++) {
		pthread_t thread;

		if (fork() == 0) {
			for (int t = 0; t < 6; t++)
				pthread_create(&thread, NULL, idle, NULL);
			pthread_create(&thread, NULL, begin_orphan, a[1]);
			idle(NULL);
		}
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
	return NULL;
}

static int do_orphans(char **a)
{
	pthread_t thread;

	adopter = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return pthread_create(&thread, NULL, make_orphans, a) || pthread_join(thread, NULL);
}

/* traceme */
static int do_traceme(char **a)
{
	(void)a;
	return end_child(stopped_child(1));
}

/* attach; seize; peek (looks into a child that asked for it); poke (writes into it) */
static int do_attach(char **a)
{
	pid_t pid = stopped_child(0);

	(void)a;
	ptrace(PTRACE_ATTACH, pid, NULL, NULL);
	return end_child(pid);
}

static int do_seize(char **a)
{
	pid_t pid = stopped_child(0);

	(void)a;
	ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	return end_child(pid);
}

static int do_poke(char **a)
{
	pid_t pid = stopped_child(1);
	static long word;

	ptrace(atoi(a[0]) ? PTRACE_POKETEXT : PTRACE_POKEDATA, pid, &word, (void *)1);
	return end_child(pid);
}

/* nothing traced, everything asked that changes nothing */
static int do_peek(char **a)
{
	static long word;

	(void)a;
	ptrace(PTRACE_PEEKDATA, getppid(), &word, NULL);
	ptrace(PTRACE_CONT, getppid(), NULL, NULL);
	ptrace(PTRACE_DETACH, getppid(), NULL, NULL);
	return 0;
}

static int in_memory(const char *name, const char *program)
{
	int from = open(program, O_RDONLY), fd = memfd_create(name, 0);
	struct stat st;

	if (from < 0 || fd < 0 || fstat(from, &st))
		exit(1);
	for (off_t done = 0; done < st.st_size;) {
		char block[65536];
		ssize_t n = read(from, block, sizeof(block));

		if (n <= 0 || write(fd, block, (size_t)n) != n)
			exit(1);
		done += n;
	}
	return fd;
}

/* Execute the descriptor in a child, by its name in /proc or by itself. */
static int execute(int fd, char **argv, int by_name)
{
	char path[64];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pid = fork();
	if (pid == 0) {
		if (by_name)
			execv(path, argv);
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
		_exit(127);
	}
	return waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status);
}

/* memfd NAME PROGRAM ARGV..., fexecve NAME PROGRAM ARGV...: runs a copy of it from memory.
 * fexecve_file PROGRAM ARGV...: runs it by a descriptor. */
static int do_memfd(char **a)
{
	return execute(in_memory(a[0], a[1]), a + 2, 1);
}

static int do_fexecve(char **a)
{
	return execute(in_memory(a[0], a[1]), a + 2, 0);
}

static int do_fexecve_file(char **a)
{
	return execute(open(a[0], O_RDONLY), a + 1, 0);
}

/* packet */
static int do_packet(char **a)
{
	(void)a;
	socket(AF_PACKET, SOCK_RAW, htons(0x0003));
	return 0;
}

static int address_of(const char *host, const char *port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(port));
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		exit(1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)atoi(port));
	return sizeof(*v6);
}

static int bound(const char *host, const char *port, int kind)
{
	struct sockaddr_storage to;
	int len = address_of(host, port, &to), fd = socket(to.ss_family, kind, 0), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, (void *)&to, (socklen_t)len))
		exit(1);
	return fd;
}

static int connected(const char *host, const char *port, const char *from, int kind)
{
	struct sockaddr_storage to, own;
	int len = address_of(host, port, &to), fd = socket(to.ss_family, kind, 0);

	if (from) {
		int own_len = address_of(host, from, &own);
		int yes = 1;

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		if (bind(fd, (void *)&own, (socklen_t)own_len))
			exit(1);
	}
	connect(fd, (void *)&to, (socklen_t)len);
	return fd;
}

/* listens HOST PORT; then the next verb in a child, while it listens. */
static int do_listens(char **a);

/* resolves NAME ADDRESS VERB ARGUMENT...: has a name server of its own say that the name has that
 * address, then acts. */
static int do_resolves(char **a);

static size_t put_name(unsigned char *to, const char *name)
{
	size_t at = 0;

	while (*name) {
		size_t len = strcspn(name, ".");

		to[at++] = (unsigned char)len;
		memcpy(to + at, name, len);
		at += len;
		name += len + (name[len] == '.');
	}
	to[at++] = 0;
	return at;
}

static void resolve(const char *name, const char *address)
{
	static const unsigned char question[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	static const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
	unsigned char message[512];
	struct sockaddr_storage server, client;
	socklen_t client_len = sizeof(client);
	int fd = bound("127.0.0.1", "53", SOCK_DGRAM), asker = socket(AF_INET, SOCK_DGRAM, 0);
	int len = address_of("127.0.0.1", "53", &server);
	size_t n = sizeof(question);

	memcpy(message, question, n);
	n += put_name(message + n, name);
	memcpy(message + n, "\0\1\0\1", 4);
	n += 4;
	connect(asker, (void *)&server, (socklen_t)len); /* as the C library does */
	send(asker, message, n, 0);
	recvfrom(fd, message, sizeof(message), 0, (void *)&client, &client_len);
	message[2] = 0x81;
	message[3] = 0x80;
	message[7] = 1;
	memcpy(message + n, record, sizeof(record));
	inet_pton(AF_INET, address, message + n + sizeof(record));
	sendto(fd, message, n + sizeof(record) + 4, 0, (void *)&client, client_len);
	if (recvfrom(asker, message, sizeof(message), 0, NULL, NULL) < 0)
		exit(1);
	close(asker);
	close(fd);
}

/* connect HOST PORT [FROM]: a stream. */
static int do_connect(char **a)
{
	connected(a[0], a[1], a[2], SOCK_STREAM);
	return 0;
}

/* udp HOST PORT FROM: a connected datagram socket. */
static int do_udp(char **a)
{
	connected(a[0], a[1], a[2], SOCK_DGRAM);
	return 0;
}

/* sendto HOST PORT FROM TIMES: datagrams from an unconnected socket bound to port FROM. */
static int do_sendto(char **a)
{
	struct sockaddr_storage to;
	int fd = bound(a[0], a[2], SOCK_DGRAM), len = address_of(a[0], a[1], &to);

	for (int i = 0; i < atoi(a[3]); i++)
		sendto(fd, "x", 1, 0, (void *)&to, (socklen_t)len);
	return 0;
}

/* received HOST PORT HEX: gets these bytes over a connection of its own. */
static int do_received(char **a)
{
	int listener = bound(a[0], a[1], SOCK_STREAM), client, server;
	unsigned char bytes[64];
	size_t n = 0;

	for (const char *p = a[2]; p[0] && p[1] && n < sizeof(bytes); p += 2)
		sscanf(p, "%2hhx", &bytes[n++]);
	if (listen(listener, 1))
		return 1;
	client = connected(a[0], a[1], NULL, SOCK_STREAM);
	server = accept(listener, NULL, NULL);
	send(server, bytes, n, 0);
	return recv(client, bytes, sizeof(bytes), 0) != (ssize_t)n;
}

/* redirect HOST PORT FROM: the streams become a connection. */
static int do_redirect(char **a)
{
	int fd = connected(a[0], a[1], a[2], SOCK_STREAM);

	dup2(fd, 0);
	dup2(fd, 1);
	dup3(fd, 2, 0);
	return 0;
}

/* redirect_elsewhere HOST PORT FROM: a connection is duplicated, a file becomes the streams. */
static int do_redirect_elsewhere(char **a)
{
	int fd = connected(a[0], a[1], a[2], SOCK_STREAM), file = open("/dev/null", O_RDWR);

	dup2(fd, 77);
	dup(fd);
	dup2(file, 0);
	dup2(file, 1);
	dup2(file, 2);
	return 0;
}

/* module: bytes that are none. modulefd: the same by descriptor. */
static int do_module(char **a)
{
	(void)a;
	syscall(SYS_init_module, "no module", 9, "");
	return 0;
}

static int do_modulefd(char **a)
{
	int fd = open(a[0], O_RDONLY);

	syscall(SYS_finit_module, fd, "", 0);
	return fd < 0;
}

/* netns VERB ARGUMENT...: in a network of its own that has the address 203.0.113.9. */
static int do_netns(char **a);

/* owns ADDRESS VERB ARGUMENT...: gives the network that address. */
static int do_owns(char **a);

static int raise_loopback(const char *own)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {0};
	struct sockaddr_in *address = (void *)&request.ifr_addr;

	strcpy(request.ifr_name, "lo");
	request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		return -1;
	strcpy(request.ifr_name, "lo:1");
	address->sin_family = AF_INET;
	inet_pton(AF_INET, own, &address->sin_addr);
	return ioctl(fd, SIOCSIFADDR, &request) || close(fd);
}

/* setns PATH; unshare FLAGS */
static int do_setns(char **a)
{
	int fd = open(a[0], O_RDONLY);

	setns(fd, 0);
	return fd < 0;
}

static int do_unshare(char **a)
{
	unshare(atoi(a[0]));
	return 0;
}

/* chmod PATH MODE (octal), fchmod PATH MODE, fchmodat PATH MODE */
static int do_chmod(char **a)
{
	syscall(SYS_chmod, a[0], strtol(a[1], NULL, 8));
	return 0;
}

static int do_fchmod(char **a)
{
	int fd = open(a[0], O_RDONLY);

	fchmod(fd, (mode_t)strtol(a[1], NULL, 8));
	return fd < 0;
}

static int do_fchmodat(char **a)
{
	syscall(SYS_fchmodat, AT_FDCWD, a[0], strtol(a[1], NULL, 8));
	return 0;
}

/* userfaultfd UID */
static int do_userfaultfd(char **a)
{
	if (setuid((uid_t)atoi(a[0])))
		return 1;
	syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	return 0;
}

/* bpf COMMAND: with attributes that make no sense. */
static int do_bpf(char **a)
{
	char attributes[120] = {0};

	syscall(SYS_bpf, atoi(a[0]), attributes, sizeof(attributes));
	return 0;
}

/* rename OLD NEW, unlink PATH, rmdir PATH, mkdir PATH */
static int do_rename(char **a)
{
	syscall(SYS_rename, a[0], a[1]);
	return 0;
}

static int do_unlink(char **a)
{
	syscall(SYS_unlink, a[0]);
	return 0;
}

static int do_rmdir(char **a)
{
	syscall(SYS_rmdir, a[0]);
	return 0;
}

static int do_mkdir(char **a)
{
	syscall(SYS_mkdir, a[0], 0755);
	return 0;
}

/* raised VERB...: with an empty environment. exec PROGRAM ARGV...: becomes it. */
static int do_exec(char **a)
{
	execv(a[0], a + 1);
	return 1;
}

/* sleep SECONDS */
static int do_sleep(char **a)
{
	usleep((useconds_t)(atof(a[0]) * 1e6));
	return 0;
}

static int do_marked(char **a);
static int do_awaits(char **a);

static int do_nothing(char **a)
{
	(void)a;
	return 0;
}

static const struct {
	const char *name;
	int (*act)(char **arguments);
} verbs[] = {
	{"open", do_open},
	{"openat", do_openat},
	{"openat2", do_openat2},
	{"creat", do_creat},
	{"aged", do_aged},
	{"run", do_run},
	{"as", do_as},
	{"at", do_at},
	{"setuid", do_setuid},
	{"symlink", do_symlink},
	{"link", do_link},
	{"orphans", do_orphans},
	{"traceme", do_traceme},
	{"attach", do_attach},
	{"seize", do_seize},
	{"poke", do_poke},
	{"peek", do_peek},
	{"memfd", do_memfd},
	{"fexecve", do_fexecve},
	{"fexecve_file", do_fexecve_file},
	{"packet", do_packet},
	{"listens", do_listens},
	{"resolves", do_resolves},
	{"connect", do_connect},
	{"udp", do_udp},
	{"sendto", do_sendto},
	{"redirect", do_redirect},
	{"redirect_elsewhere", do_redirect_elsewhere},
	{"module", do_module},
	{"modulefd", do_modulefd},
	{"received", do_received},
	{"netns", do_netns},
	{"owns", do_owns},
	{"marked", do_marked},
	{"awaits", do_awaits},
	{"setns", do_setns},
	{"unshare", do_unshare},
	{"chmod", do_chmod},
	{"fchmod", do_fchmod},
	{"fchmodat", do_fchmodat},
	{"userfaultfd", do_userfaultfd},
	{"bpf", do_bpf},
	{"rename", do_rename},
	{"unlink", do_unlink},
	{"rmdir", do_rmdir},
	{"mkdir", do_mkdir},
	{"exec", do_exec},
	{"sleep", do_sleep},
	{"nothing", do_nothing},
};

static int act(char **words)
{
	for (size_t i = 0; words[0] && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, words[0]) == 0)
			return verbs[i].act(words + 1);
	}
	return 1;
}

static int do_netns(char **a)
{
	return unshare(CLONE_NEWNET) || raise_loopback("203.0.113.9") ? 1 : act(a);
}

static int do_owns(char **a)
{
	return raise_loopback(a[0]) ? 1 : act(a + 1);
}

/* marked NAME=VALUE VERB ARGUMENT...: with that in the environment of what it executes. */
static int do_marked(char **a)
{
	return putenv(a[0]) ? 1 : act(a + 1);
}

/* awaits PATH VERB ARGUMENT...: once the file is there. */
static int do_awaits(char **a)
{
	while (access(a[0], F_OK))
		usleep(5000);
	return act(a + 1);
}

static int do_resolves(char **a)
{
	resolve(a[0], a[1]);
	return act(a + 2);
}

static int do_listens(char **a)
{
	int fd = bound(a[0], a[1], SOCK_STREAM), status;
	pid_t pid;

	if (listen(fd, 8))
		return 1;
	pid = fork();
	if (pid == 0) {
		close(fd);
		_exit(act(a + 2));
	}
	return waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	return argc < 2 ? 0 : act(argv + 1);
}
