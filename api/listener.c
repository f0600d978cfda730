#include "api/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define BACKLOG 64

static int parse_port(const char *text, in_port_t *port)
{
	char *end;
	unsigned long value;

	if (strspn(text, "0123456789") != strlen(text) || !*text || strlen(text) > 5)
		return -EINVAL;
	value = strtoul(text, &end, 10);
	if (value > UINT16_MAX)
		return -EINVAL;
	*port = htons((uint16_t)value);
	return 0;
}

static int parse_v4(const char *host, in_port_t port, struct listener_address *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->addr;

	v4->sin_family = AF_INET;
	v4->sin_port = port;
	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
		      &v4->sin_addr) != 1)
		return -EINVAL;
	out->len = sizeof(*v4);
	out->is_loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	return 0;
}

static int parse_v6(const char *host, in_port_t port, struct listener_address *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->addr;

	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return -EINVAL;
	out->len = sizeof(*v6);
	out->is_loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	return 0;
}

int listener_parse(const char *listen, struct listener_address *out)
{
	char host[64];
	const char *colon = strrchr(listen, ':');
	bool is_v6 = listen[0] == '[';
	size_t len;
	in_port_t port;

	memset(out, 0, sizeof(*out));
	if (!colon || parse_port(colon + 1, &port))
		return -EINVAL;
	len = (size_t)(colon - listen);
	if (is_v6) {
		if (len < 3 || listen[len - 1] != ']')
			return -EINVAL;
		listen++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, listen, len);
	host[len] = '\0';
	return is_v6 ? parse_v6(host, port, out) : parse_v4(host, port, out);
}

static void print_address(const struct sockaddr_storage *addr, char name[64])
{
	char host[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (addr->ss_family == AF_INET6) {
		memcpy(&v6, addr, sizeof(v6));
		inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
		snprintf(name, 64, "[%s]:%u", host, ntohs(v6.sin6_port));
	} else {
		memcpy(&v4, addr, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
		snprintf(name, 64, "%s:%u", host, ntohs(v4.sin_port));
	}
}

int listener_open_tcp(const struct listener_address *address, int *fd_out, char name[64])
{
	SCOPED(close_fd) int fd = -1;
	struct sockaddr_storage bound = {0};
	socklen_t len = sizeof(bound);
	int on = 1;

	print_address(&address->addr, name);
	fd = socket(address->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return log_err_r(-errno, "api.listen '%s': cannot make a socket", name);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->addr.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address->addr, address->len) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		if (errno == EADDRINUSE)
			return log_err_r(-errno,
					 "api.listen '%s': another program listens there; stop it "
					 "or set api.listen to another port",
					 name);
		return log_err_r(-errno, "api.listen '%s': cannot listen", name);
	}
	if (getsockname(fd, (struct sockaddr *)&bound, &len) == 0)
		print_address(&bound, name);
	*fd_out = TAKE_FD(fd);
	return 0;
}

/* 0 when the path is free or held a dead socket, which is removed. */
static int clear_stale(const char *path, const struct sockaddr_un *addr)
{
	SCOPED(close_fd) int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : log_err_r(-errno, "api.unix_socket '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return log_err_r(-EEXIST, "api.unix_socket '%s': not a socket; move it away", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return log_err_r(-errno, "api.unix_socket '%s'", path);
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN)
		return log_err_r(-EADDRINUSE,
				 "api.unix_socket '%s': another instance answers there", path);
	return unlink(path) < 0 ? log_err_r(-errno, "api.unix_socket '%s'", path) : 0;
}

int listener_open_unix(const char *path, int *fd_out)
{
	SCOPED(close_fd) int fd = -1;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return log_err_r(-ENAMETOOLONG,
				 "api.unix_socket '%s': a socket's path has at most %zu bytes",
				 path, sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	r = clear_stale(path, &addr);
	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return log_err_r(-errno, "api.unix_socket '%s'", path);
	/* The socket's own mode bounds the file's from its first moment; the umask may have taken
	 * more away, which chmod() gives back to the group. */
	if (fchmod(fd, 0660) < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chmod(path, 0660) < 0 || listen(fd, BACKLOG) < 0)
		return log_err_r(-errno, "api.unix_socket '%s': cannot listen", path);
	*fd_out = TAKE_FD(fd);
	return 0;
}
