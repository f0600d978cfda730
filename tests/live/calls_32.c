/* A program of 32 bits without a library: makes the calls that test_32bit.c looks for, each by its
 * i386 number. Ends with 0, or with the line of the first call that did not go as it should. */
typedef unsigned int u32;
typedef unsigned short u16;

enum {
	EXIT = 1,
	FORK = 2,
	READ = 3,
	OPEN = 5,
	CLOSE = 6,
	WAITPID = 7,
	UNLINK = 10,
	EXECVE = 11,
	CHMOD = 15,
	LCHOWN16 = 16,
	SETUID16 = 23,
	MKDIR = 39,
	MMAP_OLD = 90,
	SOCKETCALL = 102,
	NANOSLEEP = 162,
	SETRESUID16 = 164,
	OPENAT = 295,
	SETRESUID32 = 208
};
enum {
	SOCKET = 1,
	BIND,
	CONNECT,
	LISTEN,
	ACCEPT,
	GETSOCKNAME,
	GETPEERNAME,
	SOCKETPAIR,
	SEND,
	RECV,
	SENDTO,
	RECVFROM,
	SHUTDOWN,
	SETSOCKOPT,
	GETSOCKOPT,
	SENDMSG,
	RECVMSG,
	ACCEPT4
};

static int call6(int nr, u32 a, u32 b, u32 c, u32 d, u32 e)
{
	int r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return r;
}

#define CALL(nr, a, b, c) call6(nr, (u32)(a), (u32)(b), (u32)(c), 0, 0)
#define NEED(ok)                                                                                   \
	do {                                                                                       \
		if (!(ok))                                                                         \
			CALL(EXIT, __LINE__, 0, 0);                                                \
	} while (0)

static int net(int which, u32 a, u32 b, u32 c, u32 d, u32 e, u32 f)
{
	u32 block[6] = {a, b, c, d, e, f};

	return CALL(SOCKETCALL, which, block, 0);
}

struct address {
	u16 family, port;
	u32 ip;
	char zero[8];
};

static void sockets(void)
{
	struct address me = {2, 0, 0x0100007f, {0}}, datagram = {2, 0x0900, 0x0100007f, {0}};
	u32 len = sizeof(me), iov[2] = {(u32) "xy", 2};
	u32 message[7] = {(u32)&datagram, sizeof(datagram), (u32)iov, 1, 0, 0, 0};
	int listening = net(SOCKET, 2, 1, 0, 0, 0, 0), fd = net(SOCKET, 2, 1, 0, 0, 0, 0), pair[2];
	int udp = net(SOCKET, 2, 2 | 02000000, 0, 0, 0, 0);

	NEED(listening >= 0 && fd >= 0 && udp >= 0);
	NEED(net(BIND, listening, (u32)&me, sizeof(me), 0, 0, 0) == 0);
	NEED(net(LISTEN, listening, 3, 0, 0, 0, 0) == 0);
	NEED(net(GETSOCKNAME, listening, (u32)&me, (u32)&len, 0, 0, 0) == 0);
	NEED(net(CONNECT, fd, (u32)&me, sizeof(me), 0, 0, 0) == 0);
	NEED(net(ACCEPT, listening, 0, 0, 0, 0, 0) >= 0);
	NEED(net(SEND, fd, (u32) "z", 1, 0, 0, 0) == 1);
	NEED(net(SENDTO, udp, (u32) "q", 1, 0, (u32)&datagram, sizeof(datagram)) == 1);
	net(SENDMSG, udp, (u32)message, 0, 0, 0, 0);
	NEED(net(SOCKETPAIR, 1, 1, 0, (u32)pair, 0, 0) == 0);
	NEED(net(SHUTDOWN, fd, 1, 0, 0, 0, 0) == 0);
	NEED(net(CONNECT, 999, (u32)&me, sizeof(me), 0, 0, 0) == -9);
}

static void executes(const char *self)
{
	const char *argv[] = {"again", "-m32", 0}, *none[] = {0};
	const char *bad[] = {"bad", "one", "two", 0};
	int status, pid;

	NEED(CALL(EXECVE, "/none/such", bad, none) == -2);
	pid = CALL(FORK, 0, 0, 0);
	if (pid == 0) {
		CALL(EXECVE, self, argv, none);
		CALL(EXIT, 99, 0, 0);
	}
	NEED(pid > 0 && CALL(WAITPID, pid, &status, 0) == pid && status == 0);
}

static void files(void)
{
	u32 sleep[2] = {0, 1234567}, map[6] = {0, 8192, 3, 0x22, (u32)-1, 0};
	int fd = CALL(OPEN, "/etc/passwd", 0, 0);

	NEED(fd >= 0 && CALL(CLOSE, fd, 0, 0) == 0);
	NEED(call6(OPENAT, -100, (u32) "/none/32", 1, 0, 0) == -2);
	NEED(CALL(UNLINK, "/none/such", 0, 0) == -2);
	NEED(CALL(LCHOWN16, "/none/such", 0xffff, 7) == -2);
	NEED(CALL(NANOSLEEP, sleep, 0, 0) == 0);
	NEED((u32)CALL(MMAP_OLD, map, 0, 0) < 0xfffff000u);
	NEED(CALL(SETRESUID16, 0xffff, 0xffff, 0xffff) == 0);
}

void start(int argc, const char **argv) __attribute__((used));

void start(int argc, const char **argv)
{
	if (argc == 2 && argv[1][0] == '-')
		CALL(EXIT, 0, 0, 0);
	files();
	sockets();
	executes(argv[0]);
	CALL(EXIT, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n mov (%esp), %eax\n lea 4(%esp), %edx\n and $-16, %esp\n"
	" sub $8, %esp\n push %edx\n push %eax\n call start\n");
