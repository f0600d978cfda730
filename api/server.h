/* The HTTP interface: one TCP and one Unix socket listener before a small pool of threads. Reads
 * the store with connections of its own and asks the pipeline by request_box; it never makes the
 * pipeline wait. Any thread.
 *
 * Names, routes and members are fixed by docs/api.md. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/request.h"
#include "storage/store.h"

struct api_server;

struct api_config {
	const char *listen;      /* "127.0.0.1:8971"; NULL or empty: no TCP listener */
	const char *unix_socket; /* path; NULL or empty: none */
	bool read_access_local;  /* loopback peers read without the token */
	const char *token_file;
	const char *tls_cert, *tls_key; /* PEM files; NULL or empty: plain HTTP */
	uint32_t connections_max;       /* of each listener; more get 503 */
};

/* Where answers come from; all borrowed, and must outlive the server. */
struct api_sources {
	struct request_box *box;     /* to the pipeline */
	const struct writer *writer; /* its counters; may be NULL */
	const char *store_path;      /* the open store's database */
};

/* What became of loading rules, beside what the pipeline tells of those in use. */
struct api_rules_facts {
	uint64_t generation; /* of the rules in use: 1 those of the start, one more each reload */
	uint64_t loaded_ns;  /* when they came into use */
	uint64_t load_ns;    /* what the last reload took */
	uint64_t reloads_total, reloads_refused_total;
	uint64_t tries_total, tries_refused_total; /* what-ifs and exceptions; one at a time */
	uint64_t tries_partial_total;              /* of tries_total: time or events ran out */
	uint64_t errors;                           /* of the last load; 0: it is in use */
	char last_error[512];                      /* the first of them; empty: none */
	uint64_t last_error_ns;
};

struct queries;

/* What POST /v1/rules/what-if asks. Texts are NULL where they were not given. */
struct api_what_if {
	const char *text; /* a rule file; len 0: none */
	size_t len;
	const char *file; /* its name: in messages, and where it stands among the others */
	const char *rule; /* name or wildcard */
	const char *cursor;
	uint64_t since_ns, until_ns; /* 0: no bound */
	uint64_t alert;              /* whose event is looked at, too; 0: none */
	bool wants_all;
};

/* A condition, without macros and lists, to be explained on a stored event. All borrowed. */
struct cJSON;
struct api_explain {
	struct text condition;
	struct text event_fields, event_cut; /* of the record */
	const struct cJSON *span_fields;     /* of its span, an array; NULL: not known any more */
};

/* What only the daemon can answer. Called on API threads; each gives text that the server frees,
 * NULL without memory. */
struct api_hooks {
	char *(*config_json)(void *arg);
	char *(*fields_json)(void *arg);
	/* The body of POST /v1/rules/check: a rule file. */
	char *(*rules_check_json)(const char *text, size_t len, void *arg);
	/* POST /v1/rules/reload: reload now, and say how it went; NULL: the daemon is ending. */
	char *(*rules_reload_json)(void *arg);
	void (*rules_facts)(struct api_rules_facts *out, void *arg);
	/* Try rules on stored events. 0 gives *out; -EBUSY: as many run as may; -EINVAL: the cursor
	 * is none of ours; -ENOENT: no such alert, or nothing is stored of its event; or queries'
	 * errors. */
	int (*rules_what_if_json)(const struct api_what_if *ask, struct queries *queries,
				  char **out, void *arg);
	/* {truth, clauses, not_stored, error} of docs/api.md. */
	char *(*explain_json)(const struct api_explain *what, void *arg);
	/* Exceptions that would silence an alert. As above; -EINVAL: the rules do not load. */
	int (*alert_exceptions_json)(uint64_t alert, struct queries *queries, char **out,
				     void *arg);
	void *arg;
};

/* Listen and answer from now on; /readyz says 503 until api_server_set_ready(). Logs one sentence
 * on failure: -EADDRINUSE, -EACCES, -EINVAL (a listener for others without TLS), queries_open()'s.
 */
int api_server_create(struct api_server **out, const struct api_config *config,
		      const struct api_sources *sources, const struct api_hooks *hooks);
void api_server_destroy(struct api_server **server);

/* "http://127.0.0.1:8971", or "unix:PATH" without a TCP listener. Borrowed from the server. */
const char *api_server_address(const struct api_server *server);

/* Live: the pipeline makes progress. Ready: it captures and the store is open. */
void api_server_set_live(struct api_server *server, bool is_live);
void api_server_set_ready(struct api_server *server, bool is_ready);
