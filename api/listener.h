/* Listening sockets of the API, opened here so that each failure has its own clear sentence. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

struct listener_address {
	struct sockaddr_storage addr;
	socklen_t len;
	bool is_loopback;
};

/* "127.0.0.1:8971", "[::1]:8971", "localhost:8971". 0 or -EINVAL. */
int listener_parse(const char *listen, struct listener_address *out);

/* Bind and listen; gives the descriptor in *fd_out and the bound address (port 0: the one given by
 * the kernel) as "127.0.0.1:8971" in name. Logs on failure: -EADDRINUSE, -EACCES, ... */
int listener_open_tcp(const struct listener_address *address, int *fd_out, char name[64]);

/* Bind a Unix socket of mode 0660; a socket file that nobody answers is replaced. Logs on failure.
 */
int listener_open_unix(const char *path, int *fd_out);
