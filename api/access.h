/* Who may do what. Reading needs the Unix socket, the token, or (where the configuration opens it)
 * a connection from this machine; changing anything needs the token. Pure but for the token file.
 */
#pragma once

#include <stdbool.h>

enum access {
	ACCESS_OPEN, /* anybody */
	ACCESS_READ,
	ACCESS_CHANGE,
};

#define ACCESS_TOKEN_MAX 256

struct access_policy {
	char token[ACCESS_TOKEN_MAX + 1];
	bool local_reads; /* loopback peers may read without the token */
};

/* What is known of a request's sender. Header values are borrowed, NULL where not sent. */
struct access_claim {
	bool is_unix, is_loopback;
	bool is_get; /* GET or HEAD */
	const char *authorization, *host, *origin;
};

enum access_verdict {
	ACCESS_GRANTED,
	ACCESS_NEEDS_TOKEN,  /* 401 */
	ACCESS_WRONG_TOKEN,  /* 401 */
	ACCESS_FOREIGN_HOST, /* 403: a name that points here, but is not ours (DNS rebinding) */
	ACCESS_FOREIGN_PAGE, /* 403: sent by a page of another origin */
};

enum access_verdict access_check(const struct access_policy *policy, enum access wanted,
				 const struct access_claim *claim);

/* Read the token, or make one of 256 random bits (file mode 0600) where the file is missing.
 * Logs on failure. */
int access_load_token(struct access_policy *policy, const char *path);

/* Is this Host header an address or "localhost"? No DNS name can be rebound to such. */
bool access_host_is_local(const char *host);
