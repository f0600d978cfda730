#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/human.h"

#define ANSWER_BYTES_MAX (256U << 20)
#define TIMEOUT_S 30L
#define TOKEN_MAX 256

static const char *const usual_sockets[] = {"./var/ethogram.sock", "/run/ethogram/ethogram.sock"};

struct client {
	CURL *curl;
	char *socket_path; /* NULL: TCP */
	char *base;        /* "http://localhost" */
	struct curl_slist *headers;
	const char *ca_file;
	char error[CURL_ERROR_SIZE];
};

/* What is sent with a request. */
struct sent {
	const char *bytes;
	size_t len;
};

struct body {
	char *text;
	size_t len;
};

void client_destroy(struct client **client_ptr)
{
	struct client *client = TAKE(*client_ptr);

	if (!client)
		return;
	curl_slist_free_all(client->headers);
	if (client->curl)
		curl_easy_cleanup(client->curl);
	free(client->socket_path);
	free(client->base);
	free(client);
}

static bool is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The server to ask, in the documented order; NULL after saying what to do. */
static const char *find_server(const struct client_options *options)
{
	const char *server = options->server ? options->server : getenv("ETHOGRAM_SERVER");

	if (server && *server)
		return server;
	for (size_t i = 0; i < ARRAY_SIZE(usual_sockets); i++) {
		if (is_socket(usual_sockets[i]))
			return usual_sockets[i];
	}
	fprintf(stderr,
		"ethogram: no running daemon found (neither %s nor %s is there)\n"
		"start one with: sudo ethogram run   (from a source tree: sudo make run)\n"
		"or name one with: --server URL, or ETHOGRAM_SERVER=URL\n",
		usual_sockets[0], usual_sockets[1]);
	return NULL;
}

static int set_server(struct client *client, const char *server)
{
	size_t len;

	if (strncmp(server, "http://", 7) == 0 || strncmp(server, "https://", 8) == 0) {
		client->base = strdup(server);
		if (!client->base)
			return -ENOMEM;
		len = strlen(client->base);
		while (len && client->base[len - 1] == '/')
			client->base[--len] = '\0';
		return 0;
	}
	if (strncmp(server, "unix:", 5) == 0)
		server += 5;
	if (!strchr(server, '/')) {
		fprintf(stderr,
			"ethogram: server '%s': must be http://HOST:PORT, https://HOST:PORT or the "
			"path of a Unix socket\n",
			server);
		return -EINVAL;
	}
	client->socket_path = strdup(server);
	client->base = strdup("http://localhost");
	return client->socket_path && client->base ? 0 : -ENOMEM;
}

static int read_token(const char *path, char token[TOKEN_MAX + 1])
{
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file)
		return -errno;
	len = fread(token, 1, TOKEN_MAX, file);
	fclose(file);
	token[len] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	return 0;
}

static bool is_loopback_url(const char *url)
{
	const char *host = strstr(url, "://");

	return host && (strncmp(host, "://127.", 7) == 0 || strncmp(host, "://[::1]", 8) == 0 ||
			strncmp(host, "://localhost", 12) == 0);
}

/* The file "token" beside the socket; for a server on this machine that of a source tree. A token
 * is not sent to strangers unless it was named. */
static void read_usual_token(const struct client *client, char token[TOKEN_MAX + 1])
{
	char path[4096];
	const char *slash = client->socket_path ? strrchr(client->socket_path, '/') : NULL;

	if (slash)
		snprintf(path, sizeof(path), "%.*s/token", (int)(slash - client->socket_path),
			 client->socket_path);
	else if (is_loopback_url(client->base))
		snprintf(path, sizeof(path), "./var/token");
	else
		return;
	if (read_token(path, token))
		token[0] = '\0'; /* reading over the socket needs none */
}

static int find_token(const struct client *client, const struct client_options *options,
		      char token[TOKEN_MAX + 1])
{
	const char *given = getenv("ETHOGRAM_TOKEN");
	int r;

	token[0] = '\0';
	if (options->token_file) {
		r = read_token(options->token_file, token);
		if (r)
			fprintf(stderr, "ethogram: token file '%s': %s\n", options->token_file,
				strerror(-r));
		return r;
	}
	if (given)
		snprintf(token, TOKEN_MAX + 1, "%s", given);
	else
		read_usual_token(client, token);
	return 0;
}

static int set_token(struct client *client, const struct client_options *options)
{
	char token[TOKEN_MAX + 1], header[TOKEN_MAX + 32];
	int r = find_token(client, options, token);

	if (r || !token[0])
		return r;
	snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
	client->headers = curl_slist_append(NULL, header);
	return client->headers ? 0 : -ENOMEM;
}

int client_create(struct client **out, const struct client_options *options)
{
	SCOPED(client_destroy) struct client *client = calloc(1, sizeof(*client));
	const char *server = find_server(options);
	int r;

	if (!client)
		return -ENOMEM;
	if (!server)
		return -ENOENT;
	client->ca_file = options->ca_file;
	r = set_server(client, server);
	if (r == 0)
		r = set_token(client, options);
	if (r)
		return r;
	client->curl = curl_easy_init();
	if (!client->curl)
		return -ENOMEM;
	*out = TAKE(client);
	return 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct body *body = arg;
	size_t len = size * n;
	char *grown;

	if (body->len + len > ANSWER_BYTES_MAX)
		return 0;
	grown = realloc(body->text, body->len + len + 1);
	if (!grown)
		return 0;
	body->text = grown;
	memcpy(body->text + body->len, data, len);
	body->len += len;
	body->text[body->len] = '\0';
	return len;
}

static int explain_failure(const struct client *client, CURLcode code)
{
	const char *where = client->socket_path ? client->socket_path : client->base;

	if (client->socket_path && access(client->socket_path, W_OK) < 0 && errno == EACCES) {
		fprintf(stderr,
			"ethogram: %s: permission denied; use sudo, or be in the socket's group\n",
			where);
		return -EACCES;
	}
	if (code == CURLE_COULDNT_CONNECT) {
		fprintf(stderr,
			"ethogram: nothing answers at %s; is the daemon running?\n"
			"start it with: sudo ethogram run   (from a source tree: sudo make run)\n",
			where);
		return -ECONNREFUSED;
	}
	fprintf(stderr, "ethogram: %s: %s\n", where,
		client->error[0] ? client->error : curl_easy_strerror(code));
	return -EIO;
}

static int explain_refusal(long status, const cJSON *json)
{
	const char *detail = cJSON_GetStringValue(cJSON_GetObjectItem(json, "detail"));
	SCOPED(free_ptr) char *safe = human_text(detail ? detail : "");

	fprintf(stderr, "ethogram: the server refused (%ld)%s%s\n", status, detail ? ": " : "",
		safe ? safe : "");
	if (status == 401)
		fprintf(stderr, "give it with: --token-file FILE, or ETHOGRAM_TOKEN=TOKEN\n");
	return status == 404 ? -ENOENT : status == 401 || status == 403 ? -EACCES : -EIO;
}

/* sent: NULL for GET. */
static CURLcode perform(struct client *client, const char *url, const struct sent *sent,
			struct body *body)
{
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	client->error[0] = '\0';
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (sent) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent->bytes);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sent->len);
	}
	if (client->headers)
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
	if (client->socket_path)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
	if (client->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
	return curl_easy_perform(curl);
}

static int ask(struct client *client, const char *path, const struct sent *sent, char **text_out,
	       cJSON **json_out)
{
	SCOPED(free_ptr) char *url = NULL;
	SCOPED(free_ptr) char *text = NULL;
	struct body body = {0};
	cJSON *json;
	CURLcode code;
	long status = 0;
	int r = 0;

	if (asprintf(&url, "%s%s", client->base, path) < 0)
		return -ENOMEM;
	code = perform(client, url, sent, &body);
	text = body.text;
	if (code != CURLE_OK)
		return explain_failure(client, code);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	json = text ? cJSON_Parse(text) : NULL;
	if (status != 200) {
		r = explain_refusal(status, json);
	} else if (!json) {
		fprintf(stderr, "ethogram: the answer is not JSON; is this an Ethogram server?\n");
		r = -EPROTO;
	}
	if (r == 0 && text_out)
		*text_out = TAKE(text);
	if (r == 0 && json_out)
		*json_out = TAKE(json);
	cJSON_Delete(json);
	return r;
}

int client_get(struct client *client, const char *path, char **text, cJSON **json)
{
	return ask(client, path, NULL, text, json);
}

int client_post(struct client *client, const char *path, const char *body, size_t len, char **text,
		cJSON **json)
{
	struct sent sent = {body, len};

	return ask(client, path, &sent, text, json);
}

char *client_escape(struct client *client, const char *text)
{
	char *escaped = curl_easy_escape(client->curl, text, 0);
	char *copy = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return copy;
}
