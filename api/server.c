#include "api/server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/access.h"
#include "api/call.h"
#include "api/listener.h"
#include "api/live.h"
#include "api/reader_pool.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/util.h"

#define TCP_THREADS 4
#define UNIX_THREADS 2
#define TIMEOUT_S 15                 /* a connection that moves no byte for so long is closed */
#define HEADERS_BYTES_MAX 32768      /* per connection: headers, parsing, sending */
#define DRAINED_BYTES_MAX (8U << 20) /* of a refused body; then the connection is cut */
#define PEM_BYTES_MAX (1U << 20)
#define STACK_BYTES (512U << 10)

/* One listening socket and its threads. */
struct listener {
	struct api_server *server;
	struct MHD_Daemon *mhd;
	bool is_unix;
	uint32_t connections_max;
	_Atomic uint32_t n_connections;
};

struct api_server {
	struct access_policy policy;
	struct api_facts facts;
	struct api_hooks hooks;
	struct live *live;
	struct reader_pool *readers;
	struct api_sources sources;
	char address[160];
	char *unix_path; /* removed at the end */
	struct listener tcp, local;
};

/* One request between its headers and its end. */
struct pending {
	struct route_match match;
	struct query query;
	struct answer refusal; /* status 0: none */
	char *body;
	size_t body_len, received;
};

/* ---- refusing or admitting ---------------------------------------------------------------- */

static enum MHD_Result collect_param(void *arg, enum MHD_ValueKind kind, const char *key,
				     size_t key_len, const char *value, size_t value_len)
{
	struct pending *pending = arg;
	struct query *query = &pending->query;

	(void)kind;
	if (!value)
		value = "";
	if (strlen(key) != key_len || strlen(value) != value_len) {
		answer_problem(&pending->refusal, 400, "parameter '%.64s' has a NUL byte in it",
			       key);
		return MHD_NO;
	}
	if (query->n == QUERY_PARAMS_MAX) {
		answer_problem(&pending->refusal, 400,
			       "parameter '%.64s' is one too many: at most %d are taken", key,
			       QUERY_PARAMS_MAX);
		return MHD_NO;
	}
	query->items[query->n].name = key;
	query->items[query->n++].value = value;
	return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool is_loopback(const struct sockaddr *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;

	if (!addr)
		return false;
	if (addr->sa_family == AF_INET)
		return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	return addr->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static struct access_claim claim_of(const struct listener *listener,
				    struct MHD_Connection *connection, const char *method)
{
	const union MHD_ConnectionInfo *peer =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return (struct access_claim){
		.is_unix = listener->is_unix,
		.is_loopback = !listener->is_unix && peer && is_loopback(peer->client_addr),
		.is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0,
		.authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
		.host = header(connection, MHD_HTTP_HEADER_HOST),
		.origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
	};
}

static void refuse_access(struct answer *answer, enum access_verdict verdict, enum access wanted)
{
	switch (verdict) {
	case ACCESS_GRANTED:
		break;
	case ACCESS_NEEDS_TOKEN:
		answer_problem(answer, 401, "%s needs the token: Authorization: Bearer TOKEN%s",
			       wanted == ACCESS_CHANGE ? "changing anything" : "reading",
			       wanted == ACCESS_CHANGE ? "" : ", or the Unix socket");
		answer->wants_token = true;
		break;
	case ACCESS_WRONG_TOKEN:
		answer_problem(answer, 401, "the token in the Authorization header is not ours");
		answer->wants_token = true;
		break;
	case ACCESS_FOREIGN_HOST:
		answer_problem(answer, 403,
			       "the Host header must be an address or localhost when no token is "
			       "given");
		break;
	case ACCESS_FOREIGN_PAGE:
		answer_problem(answer, 403, "sent by a page of another origin");
		break;
	}
}

static void check_path(struct pending *pending, const char *method, const char *url)
{
	struct route_match *match = &pending->match;

	route_find(method, url, match);
	if (match->route)
		return;
	if (!match->allow[0]) {
		answer_problem(&pending->refusal, 404,
			       "there is no such path; see /v1/openapi.json");
		return;
	}
	answer_problem(&pending->refusal, 405, "this path takes %s", match->allow);
	memcpy(pending->refusal.allow, match->allow, sizeof(match->allow));
}

static void check_length(struct pending *pending, struct MHD_Connection *connection)
{
	const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	size_t max = pending->match.route->body_bytes_max;

	if (length && strtoull(length, NULL, 10) > max)
		answer_problem(&pending->refusal, 413, "the body may have at most %zu bytes", max);
}

/* Everything that can be refused by the headers alone. */
static void examine(struct listener *listener, struct MHD_Connection *connection,
		    struct pending *pending, const char *method, const char *url)
{
	const union MHD_ConnectionInfo *surplus =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct access_claim claim = claim_of(listener, connection, method);
	enum access_verdict verdict;
	struct diag diag = {0};

	if (surplus && surplus->socket_context) {
		atomic_fetch_add(&listener->server->facts.overload_total, 1);
		answer_problem(&pending->refusal, 503,
			       "more than %u connections (limits.api_connections); try again",
			       listener->connections_max);
		return;
	}
	check_path(pending, method, url);
	if (pending->refusal.status)
		return;
	verdict = access_check(&listener->server->policy, pending->match.route->access, &claim);
	if (verdict != ACCESS_GRANTED) {
		refuse_access(&pending->refusal, verdict, pending->match.route->access);
		return;
	}
	check_length(pending, connection);
	MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, collect_param, pending);
	if (pending->refusal.status)
		return;
	if (query_check(&pending->query, pending->match.route->params, &diag))
		answer_problem(&pending->refusal, 400, "%s", diag.message);
}

/* ---- answering ---------------------------------------------------------------------------- */

static struct MHD_Response *response_of(struct answer *answer)
{
	struct MHD_Response *response;

	response = MHD_create_response_from_buffer(answer->len, answer->body,
						   answer->is_static ? MHD_RESPMEM_PERSISTENT
								     : MHD_RESPMEM_MUST_FREE);
	if (response) {
		answer->body = NULL;
		answer->len = 0;
	}
	return response;
}

/* The page runs its own script and style from its own origin, and nothing else. */
#define PAGE_POLICY                                                                                \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define DATA_POLICY "default-src 'none'; frame-ancestors 'none'"

static void add_headers(struct MHD_Response *response, const struct answer *answer)
{
	char seconds[12];

	MHD_add_response_header(response, "Content-Type", answer->content_type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Content-Security-Policy",
				answer->is_page ? PAGE_POLICY : DATA_POLICY);
	if (answer->allow[0])
		MHD_add_response_header(response, "Allow", answer->allow);
	if (answer->wants_token)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"ethogram\"");
	if (answer->retry_after_s) {
		snprintf(seconds, sizeof(seconds), "%u", answer->retry_after_s);
		MHD_add_response_header(response, "Retry-After", seconds);
	}
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct answer *answer)
{
	unsigned status = answer->status;
	struct MHD_Response *response = response_of(answer);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	add_headers(response, answer);
	if (status == 503 || status == 413)
		MHD_add_response_header(response, "Connection", "close");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	answer_done(answer);
	return result;
}

static enum MHD_Result run_route(struct api_server *server, struct MHD_Connection *connection,
				 struct pending *pending)
{
	SCOPED(answer_done) struct answer answer = {0};
	struct call call = {
		.query = pending->query,
		.body = pending->body ? pending->body : "",
		.body_len = pending->body_len,
		.live = server->live,
		.readers = server->readers,
		.sources = &server->sources,
		.hooks = &server->hooks,
		.facts = &server->facts,
	};

	for (size_t i = 0; i < CALL_ARGS_MAX; i++)
		call.args[i] = pending->match.args[i];
	pending->match.route->handle(&call, &answer);
	return send_answer(connection, &answer);
}

static void take_upload(struct pending *pending, const char *data, size_t len)
{
	size_t max = pending->match.route ? pending->match.route->body_bytes_max : 0;
	char *grown;

	if (pending->refusal.status)
		return;
	if (pending->body_len + len > max) { /* chunked: no length was announced */
		answer_problem(&pending->refusal, 413, "the body may have at most %zu bytes", max);
		return;
	}
	grown = realloc(pending->body, pending->body_len + len + 1);
	if (!grown) {
		answer_errno(&pending->refusal, -ENOMEM, "body");
		return;
	}
	memcpy(grown + pending->body_len, data, len);
	pending->body = grown;
	pending->body_len += len;
	pending->body[pending->body_len] = '\0';
}

static enum MHD_Result refuse(struct listener *listener, struct MHD_Connection *connection,
			      struct pending *pending)
{
	atomic_fetch_add(&listener->server->facts.refused_total, 1);
	return send_answer(connection, &pending->refusal);
}

/* A refused body is read and dropped, so that the client reaches our answer; unless it is too large
 * for that, or the client asked before sending it. */
static bool will_not_listen(struct MHD_Connection *connection)
{
	const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return header(connection, MHD_HTTP_HEADER_EXPECT) ||
	       (length && strtoull(length, NULL, 10) > DRAINED_BYTES_MAX);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **state)
{
	struct listener *listener = arg;
	struct pending *pending = *state;

	(void)version;
	if (!pending) {
		pending = calloc(1, sizeof(*pending));
		if (!pending)
			return MHD_NO;
		*state = pending;
		atomic_fetch_add(&listener->server->facts.requests_total, 1);
		examine(listener, connection, pending, method, url);
		return pending->refusal.status && will_not_listen(connection)
			       ? refuse(listener, connection, pending)
			       : MHD_YES;
	}
	if (*data_len) {
		pending->received += *data_len;
		if (pending->received > DRAINED_BYTES_MAX)
			return MHD_NO;
		take_upload(pending, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (pending->refusal.status)
		return refuse(listener, connection, pending);
	return run_route(listener->server, connection, pending);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct pending *pending = *state;

	(void)arg;
	(void)connection;
	(void)code;
	if (!pending)
		return;
	answer_done(&pending->refusal);
	free(pending->body);
	free(pending);
	*state = NULL;
}

/* Connections above the limit are marked, so that their first request can be told 503. */
static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct listener *listener = arg;

	(void)connection;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		uint32_t n = atomic_fetch_add(&listener->n_connections, 1);

		*context = n >= listener->connections_max ? listener : NULL;
	} else {
		atomic_fetch_sub(&listener->n_connections, 1);
	}
}

/* ---- starting and stopping ---------------------------------------------------------------- */

static void on_log(void *arg, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void on_log(void *arg, const char *format, va_list args)
{
	char line[256];

	(void)arg;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\r\n")] = '\0';
	log_debug("api: %s", line);
}

static int read_pem(const char *path, char **out)
{
	SCOPED(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	SCOPED(free_ptr) char *text = NULL;
	ssize_t len;

	if (fd < 0)
		return log_err_r(-errno, "TLS file '%s': cannot open", path);
	text = malloc(PEM_BYTES_MAX + 1);
	if (!text)
		return -ENOMEM;
	len = read(fd, text, PEM_BYTES_MAX);
	if (len <= 0)
		return log_err_r(len ? -errno : -EINVAL, "TLS file '%s': cannot read", path);
	text[len] = '\0';
	*out = TAKE(text);
	return 0;
}

/* Start threads on fd (taken). tls: key and certificate texts, or NULL. */
static int listener_start(struct listener *listener, int fd, unsigned n_threads, char *const tls[2])
{
	/* poll, not edge-triggered epoll: a client that shuts its side down right behind its
	 * request is noticed at once. */
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
	/* The daemon's own limit stands above ours, so that ours can answer 503; beyond it
	 * connections wait in the backlog. It is divided among the threads. */
	unsigned hard_max = 2 * listener->connections_max + 8 * n_threads;
	struct MHD_OptionItem tls_options[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? tls[0] : NULL},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? tls[1] : NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem no_options[] = {{MHD_OPTION_END, 0, NULL}};

	listener->mhd = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_EXTERNAL_LOGGER, on_log,
		NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, n_threads,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_LIMIT,
		hard_max, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_BYTES_MAX,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, listener, MHD_OPTION_ARRAY, tls ? tls_options : no_options,
		MHD_OPTION_END);
	if (!listener->mhd) {
		close(fd);
		return log_err_r(-EINVAL, "api: cannot start the %s listener%s",
				 listener->is_unix ? "Unix socket" : "TCP",
				 tls ? "; check api.tls_cert and api.tls_key" : "");
	}
	return 0;
}

static bool is_set(const char *text)
{
	return text && *text;
}

static int start_tcp(struct api_server *server, const struct api_config *config)
{
	SCOPED(free_ptr) char *key = NULL;
	SCOPED(free_ptr) char *cert = NULL;
	bool has_tls = is_set(config->tls_cert) && is_set(config->tls_key);
	struct listener_address address;
	char name[64];
	int fd, r;

	if (listener_parse(config->listen, &address))
		return log_err_r(-EINVAL,
				 "api.listen '%s': must be ADDRESS:PORT, such as 127.0.0.1:8971",
				 config->listen);
	if (!address.is_loopback && !has_tls)
		return log_err_r(-EINVAL,
				 "api.listen '%s': others can reach this address, so it needs TLS; "
				 "set api.tls_cert and api.tls_key, or listen on 127.0.0.1",
				 config->listen);
	if (has_tls) {
		r = read_pem(config->tls_key, &key);
		if (r == 0)
			r = read_pem(config->tls_cert, &cert);
		if (r)
			return r;
	}
	r = listener_open_tcp(&address, &fd, name);
	if (r)
		return r;
	snprintf(server->address, sizeof(server->address), "%s://%s", has_tls ? "https" : "http",
		 name);
	return listener_start(&server->tcp, fd, TCP_THREADS,
			      has_tls ? (char *const[2]){key, cert} : NULL);
}

static int start_unix(struct api_server *server, const struct api_config *config)
{
	int fd, r;

	r = listener_open_unix(config->unix_socket, &fd);
	if (r)
		return r;
	server->unix_path = strdup(config->unix_socket);
	if (!server->address[0])
		snprintf(server->address, sizeof(server->address), "unix:%s", config->unix_socket);
	return listener_start(&server->local, fd, UNIX_THREADS, NULL);
}

static void read_line(const char *path, char *out, size_t size)
{
	SCOPED(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, out, size - 1);

	out[len > 0 ? len : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void find_facts(struct api_facts *facts)
{
	if (gethostname(facts->host, sizeof(facts->host) - 1) < 0)
		facts->host[0] = '\0';
	read_line("/proc/sys/kernel/random/boot_id", facts->boot_id, sizeof(facts->boot_id));
}

static int start_listeners(struct api_server *server, const struct api_config *config)
{
	int r = 0;

	server->tcp = (struct listener){server, NULL, false, config->connections_max, 0};
	server->local = (struct listener){server, NULL, true, config->connections_max, 0};
	if (is_set(config->listen))
		r = start_tcp(server, config);
	if (r == 0 && is_set(config->unix_socket))
		r = start_unix(server, config);
	return r;
}

int api_server_create(struct api_server **out, const struct api_config *config,
		      const struct api_sources *sources, const struct api_hooks *hooks)
{
	SCOPED(api_server_destroy) struct api_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->hooks = *hooks;
	server->sources = *sources;
	server->policy.local_reads = config->read_access_local;
	find_facts(&server->facts);
	r = live_create(&server->live, sources->box);
	if (r == 0)
		r = reader_pool_create(&server->readers, sources->store_path, server->facts.host,
				       TCP_THREADS + UNIX_THREADS);
	if (r == 0)
		r = access_load_token(&server->policy, config->token_file);
	if (r == 0)
		r = start_listeners(server, config);
	if (r)
		return r;
	*out = TAKE(server);
	return 0;
}

void api_server_destroy(struct api_server **server_ptr)
{
	struct api_server *server = TAKE(*server_ptr);

	if (!server)
		return;
	if (server->unix_path)
		unlink(server->unix_path); /* new clients look elsewhere at once */
	if (server->tcp.mhd)
		MHD_stop_daemon(server->tcp.mhd);
	if (server->local.mhd)
		MHD_stop_daemon(server->local.mhd);
	live_destroy(&server->live);
	reader_pool_destroy(&server->readers);
	free(server->unix_path);
	explicit_bzero(&server->policy, sizeof(server->policy));
	free(server);
}

const char *api_server_address(const struct api_server *server)
{
	return server->address;
}

void api_server_set_live(struct api_server *server, bool is_live)
{
	atomic_store(&server->facts.is_live, is_live);
}

void api_server_set_ready(struct api_server *server, bool is_ready)
{
	atomic_store(&server->facts.is_ready, is_ready);
}
