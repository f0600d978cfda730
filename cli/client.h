/* Talking to the daemon: over its Unix socket or over HTTP. */
#pragma once

#include <cjson/cJSON.h>

struct client;

struct client_options {
	const char *server;     /* URL, "unix:PATH" or a path; NULL: looked for */
	const char *token_file; /* NULL: $ETHOGRAM_TOKEN, or the file "token" beside the socket */
	const char *ca_file;    /* certificates to trust; NULL: the system's */
};

/* Find the server and the token; says on stderr what to do where there is none. 0 or negative. */
int client_create(struct client **out, const struct client_options *options);
void client_destroy(struct client **client);

/* GET path ("/v1/status?…"). 0 gives the answer as it came in *text (may be NULL: not wanted; the
 * caller frees it) and parsed in *json (may be NULL; cJSON_Delete). Otherwise -ENOENT where the
 * server said 404, or another negative errno, and the reason was printed to stderr. */
int client_get(struct client *client, const char *path, char **text, cJSON **json);

/* The same with POST and a body. */
int client_post(struct client *client, const char *path, const char *body, size_t len, char **text,
		cJSON **json);

/* text as part of a query: the caller frees it. */
char *client_escape(struct client *client, const char *text);
