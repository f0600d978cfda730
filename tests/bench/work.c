/* The work that the benchmarks time. Prints the nanoseconds of one round: the fastest fifth of many
 * slices ends there, as neighbours on the machine only ever make slices slower.
 *   work getpid               the cheapest call
 *   work openclose FILE       open and close
 *   work exec PROGRAM         vfork, exec, exit, wait
 *   work connect              loopback socket, connect, accept and both closes
 *   work opens FILE RATE SECONDS   opens and closes at RATE a second (0: as fast as possible);
 *   work creats FILE RATE SECONDS  the same by creat, which hardly anyone else calls;
 *   work execs PROGRAM RATE SECONDS  the same with vfork, exec and exit
 *   work processes N          N processes that sleep until standard input ends
 * The paced ones print how many were made and the seconds it took. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLICES 801

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void round_getpid(const char *arg)
{
	(void)arg;
	syscall(SYS_getpid);
}

static void round_openclose(const char *arg)
{
	int fd = open(arg, O_RDONLY);

	if (fd >= 0)
		close(fd);
}

static void round_creat(const char *arg)
{
	int fd = (int)syscall(SYS_creat, arg, 0600);

	if (fd >= 0)
		close(fd);
}

static void round_exec(const char *arg)
{
	char *const argv[] = {(char *)arg, NULL};
	pid_t child = vfork();

	if (child == 0) {
		execv(arg, argv);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

static int listener = -1;
static struct sockaddr_in listener_address;

static int listen_on_loopback(void)
{
	socklen_t len = sizeof(listener_address);

	listener_address.sin_family = AF_INET;
	listener_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	return listener < 0 || bind(listener, (struct sockaddr *)&listener_address, len) ||
	       listen(listener, 64) ||
	       getsockname(listener, (struct sockaddr *)&listener_address, &len);
}

/* Reset instead of waiting: ports would run out. */
static void round_connect(const char *arg)
{
	static const struct linger at_once = {.l_onoff = 1};
	int client = socket(AF_INET, SOCK_STREAM, 0), server;

	(void)arg;
	setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (connect(client, (struct sockaddr *)&listener_address, sizeof(listener_address)))
		exit(1);
	server = accept(listener, NULL, NULL);
	close(client);
	close(server);
}

static int time_rounds(void (*one)(const char *arg), const char *arg, unsigned per_slice)
{
	static double slices[SLICES];

	for (unsigned i = 0; i < per_slice; i++)
		one(arg);
	for (unsigned s = 0; s < SLICES; s++) {
		uint64_t start = now_ns();

		for (unsigned i = 0; i < per_slice; i++)
			one(arg);
		slices[s] = (double)(now_ns() - start) / per_slice;
	}
	qsort(slices, SLICES, sizeof(slices[0]), compare);
	printf("%.1f\n", slices[SLICES / 5]);
	return 0;
}

static int paced(void (*one)(const char *arg), const char *arg, double rate, double seconds)
{
	uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9), made = 0, now;

	while ((now = now_ns()) < end) {
		uint64_t due =
			rate > 0 ? (uint64_t)((double)(now - start) / 1e9 * rate) : made + 64;

		if (due <= made)
			usleep(500);
		for (; made < due; made++)
			one(arg);
	}
	printf("%llu %.6f\n", (unsigned long long)made, (double)(now_ns() - start) / 1e9);
	return 0;
}

static int processes(int n)
{
	char byte;

	for (int i = 0; i < n; i++) {
		pid_t child = fork();

		if (child < 0) {
			perror("fork");
			return 1;
		}
		if (child == 0) {
			while (read(STDIN_FILENO, &byte, 1) > 0)
				;
			_exit(0);
		}
	}
	puts("made");
	fflush(stdout);
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "getpid") == 0)
		return time_rounds(round_getpid, NULL, 2000);
	if (argc == 3 && strcmp(argv[1], "openclose") == 0)
		return time_rounds(round_openclose, argv[2], 300);
	if (argc == 3 && strcmp(argv[1], "exec") == 0)
		return time_rounds(round_exec, argv[2], 1);
	if (argc == 2 && strcmp(argv[1], "connect") == 0)
		return listen_on_loopback() || time_rounds(round_connect, NULL, 20);
	if (argc == 5 && strcmp(argv[1], "opens") == 0)
		return paced(round_openclose, argv[2], atof(argv[3]), atof(argv[4]));
	if (argc == 5 && strcmp(argv[1], "creats") == 0)
		return paced(round_creat, argv[2], atof(argv[3]), atof(argv[4]));
	if (argc == 5 && strcmp(argv[1], "execs") == 0)
		return paced(round_exec, argv[2], atof(argv[3]), atof(argv[4]));
	if (argc == 3 && strcmp(argv[1], "processes") == 0)
		return processes(atoi(argv[2]));
	fprintf(stderr,
		"usage: work getpid | openclose FILE | exec PROGRAM | connect | opens FILE RATE SECONDS |\n"
		"       creats FILE RATE SECONDS | execs PROGRAM RATE SECONDS | processes N\n");
	return 2;
}
