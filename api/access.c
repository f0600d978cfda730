#include "api/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define TOKEN_BYTES 32
#define TOKEN_MIN 16 /* characters; a shorter one was not made to be secret */

/* Time depends on the length of given alone, so that no byte of the secret leaks. */
static bool equal_constant_time(const char *given, const char *secret)
{
	size_t given_len = strlen(given), secret_len = strlen(secret);
	unsigned char differ = given_len != secret_len;

	for (size_t i = 0; i < given_len; i++)
		differ |= (unsigned char)(given[i] ^ secret[secret_len ? i % secret_len : 0]);
	return differ == 0 && secret_len > 0;
}

static const char *bearer_token(const char *authorization)
{
	if (strncasecmp(authorization, "Bearer ", 7) != 0)
		return "";
	authorization += 7;
	return authorization + strspn(authorization, " ");
}

bool access_host_is_local(const char *host)
{
	char name[64];
	unsigned char address[16];
	size_t len;

	if (host[0] == '[') {
		len = strcspn(host + 1, "]");
		if (len >= sizeof(name) || host[1 + len] != ']')
			return false;
		memcpy(name, host + 1, len);
		name[len] = '\0';
		return inet_pton(AF_INET6, name, address) == 1;
	}
	len = strcspn(host, ":");
	if (len == 0 || len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, address) == 1;
}

/* "http://127.0.0.1:8971" is the origin of pages served as Host "127.0.0.1:8971". */
static bool origin_is_host(const char *origin, const char *host)
{
	const char *rest = strstr(origin, "://");

	return rest && host && strcasecmp(rest + 3, host) == 0;
}

static enum access_verdict check_local(const struct access_claim *claim)
{
	if (claim->host && !access_host_is_local(claim->host))
		return ACCESS_FOREIGN_HOST;
	if (!claim->is_get && claim->origin && !origin_is_host(claim->origin, claim->host))
		return ACCESS_FOREIGN_PAGE;
	return ACCESS_GRANTED;
}

enum access_verdict access_check(const struct access_policy *policy, enum access wanted,
				 const struct access_claim *claim)
{
	if (wanted == ACCESS_OPEN)
		return ACCESS_GRANTED;
	if (claim->authorization)
		return equal_constant_time(bearer_token(claim->authorization), policy->token)
			       ? ACCESS_GRANTED
			       : ACCESS_WRONG_TOKEN;
	if (wanted == ACCESS_READ && claim->is_unix)
		return ACCESS_GRANTED;
	if (wanted == ACCESS_READ && policy->local_reads && claim->is_loopback)
		return check_local(claim);
	return ACCESS_NEEDS_TOKEN;
}

static int make_token(char token[ACCESS_TOKEN_MAX + 1])
{
	unsigned char bytes[TOKEN_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* Written beside and renamed: a kill leaves either no token or a whole one. */
static int create_token(struct access_policy *policy, const char *path)
{
	char beside[4096 + 8];
	SCOPED(close_fd) int fd = -1;
	int r = make_token(policy->token);

	if (r)
		return log_err_r(r, "token file '%s': no random bytes", path);
	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return log_err_r(-ENAMETOOLONG, "token file '%s'", path);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return log_err_r(-errno, "token file '%s': cannot create", path);
	if (dprintf(fd, "%s\n", policy->token) < 0 || fsync(fd) < 0 || rename(beside, path) < 0) {
		r = log_err_r(-errno, "token file '%s': cannot write", path);
		unlink(beside);
		return r;
	}
	log_info("token file '%s': created", path);
	return 0;
}

static int read_token(struct access_policy *policy, int fd, const char *path)
{
	ssize_t len = read(fd, policy->token, sizeof(policy->token) - 1);
	struct stat st;

	if (len < 0)
		return log_err_r(-errno, "token file '%s': cannot read", path);
	policy->token[len] = '\0';
	policy->token[strcspn(policy->token, "\r\n")] = '\0';
	if (strlen(policy->token) < TOKEN_MIN || strspn(policy->token, " \t") ||
	    strlen(policy->token) == ACCESS_TOKEN_MAX)
		return log_err_r(-EINVAL,
				 "token file '%s': the first line must be a token of %d to %d "
				 "characters; remove the file to have one made",
				 path, TOKEN_MIN, ACCESS_TOKEN_MAX - 1);
	if (fstat(fd, &st) == 0 && (st.st_mode & 077))
		log_warn("token file '%s': others may read it (mode %04o); chmod 600 it", path,
			 st.st_mode & 07777);
	return 0;
}

int access_load_token(struct access_policy *policy, const char *path)
{
	SCOPED(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return read_token(policy, fd, path);
	if (errno == ENOENT)
		return create_token(policy, path);
	return log_err_r(-errno, "token file '%s': cannot open", path);
}
