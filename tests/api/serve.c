/* A server for the API's tests: the real one before a store filled with made-up records and a
 * thread that plays the pipeline.
 *
 * Usage: api_serve DIR [--listen A] [--local] [--connections N] [--data usual|empty|hostile|large]
 *                      [--stalled] [--tls CERT KEY]
 * State goes to DIR. Prints "ADDRESS\n" when it answers; runs until its standard input closes. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/server.h"
#include "base/ids.h"
#include "base/util.h"
#include "daemon/explain.h"
#include "storage/queries.h"
#include "tests/api/made_up.h"

struct options {
	const char *dir, *listen, *cert, *key;
	bool is_local, is_stalled;
	uint32_t connections;
	enum made_up_data data;
};

struct pipeline {
	struct request_box *box;
	const struct options *options;
	atomic_bool is_stopping;
};

static void *play_pipeline(void *arg)
{
	struct pipeline *pipeline = arg;

	while (!atomic_load(&pipeline->is_stopping)) {
		struct pollfd wake = {.fd = request_box_fd(pipeline->box), .events = POLLIN};
		struct request *request;

		poll(&wake, 1, 20);
		if (pipeline->options->is_stalled)
			continue;
		while ((request = request_box_take(pipeline->box))) {
			made_up_answer(request, pipeline->options->data);
			request_box_finish(pipeline->box, request);
		}
	}
	return NULL;
}

static char *config_json(void *arg)
{
	(void)arg;
	return strdup("{\"api.listen\":{\"value\":\"127.0.0.1:0\",\"origin\":\"default\"}}");
}

static char *fields_json(void *arg)
{
	(void)arg;
	return strdup(
		"{\"items\":[{\"name\":\"proc.name\",\"type\":\"charbuf\",\"argument\":"
		"\"none\",\"list\":false,\"available\":true,\"description\":\"name\"}],\"next\":null}");
}

static char *rules_reload_json(void *arg)
{
	(void)arg;
	return strdup("{\"successful\":true,\"rules\":1,\"macros\":0,\"lists\":0,\"errors\":[],"
		      "\"warnings\":[],\"absent_fields\":[],\"generation\":2,"
		      "\"loaded_at\":\"2026-11-20T12:00:00.000000000Z\"}");
}

static void rules_facts(struct api_rules_facts *out, void *arg)
{
	(void)arg;
	*out = (struct api_rules_facts){.generation = 2,
					.loaded_ns = MADE_UP_NOW_NS,
					.reloads_total = 3,
					.reloads_refused_total = 2,
					.errors = 1,
					.last_error =
						"rules.yaml:1:1: not YAML (LOAD_ERR_YAML_PARSE)",
					.last_error_ns = MADE_UP_NOW_NS};
}

static char *rules_check_json(const char *text, size_t len, void *arg)
{
	char *json = NULL;

	(void)text;
	(void)arg;
	if (asprintf(&json,
		     "{\"successful\":true,\"rules\":%zu,\"macros\":0,\"lists\":0,"
		     "\"errors\":[],\"warnings\":[],\"absent_fields\":[]}",
		     len) < 0)
		return NULL;
	return json;
}

static int rules_what_if_json(const struct api_what_if *ask, struct queries *queries, char **out,
			      void *arg)
{
	cJSON *json = NULL;
	char time[TIME_TEXT_BYTES];

	(void)arg;
	if (queries_gaps(queries, 0, UINT64_MAX / 2, 1, &json))
		return -EIO;
	cJSON_Delete(json);
	if (ask->cursor)
		return strcmp(ask->cursor, "busy") == 0 ? -EBUSY : -EINVAL;
	if (asprintf(
		    out,
		    "{\"successful\":true,\"errors\":[],\"warnings\":[],\"complete\":false,"
		    "\"next\":\"e1.2\",\"exact\":false,\"span\":{\"from\":\"%s\",\"to\":null},"
		    "\"alert\":null,\"sources\":[{\"kind\":\"history\",\"events\":%zu,\"alerts\":0,"
		    "\"anomalies\":0,\"sightings\":0,\"unreadable\":0,\"from\":null,"
		    "\"to\":null}],\"rules\":[],\"gaps\":[]}",
		    time_print(ask->since_ns, time), ask->len) < 0)
		return -ENOMEM;
	return 0;
}

static char *explain(const struct api_explain *what, void *arg)
{
	struct field_set fields = {.tables = {state_field_table()}, .n_tables = 1};

	(void)arg;
	return explain_json(what, &fields);
}

static int alert_exceptions_json(uint64_t alert, struct queries *queries, char **out, void *arg)
{
	cJSON *json = NULL;

	(void)arg;
	if (alert == 4)
		return -EBUSY;
	if (alert == 3)
		return -EINVAL;
	if (queries_alert(queries, alert, &json))
		return -ENOENT;
	cJSON_Delete(json);
	*out = strdup(
		"{\"alert\":\"l5\",\"rule\":\"r\",\"time\":\"2026-11-20T12:00:00.000000000Z\",\"matches\":true,"
		"\"history\":{\"complete\":true,\"from\":null,\"to\":null,\"events\":0,\"alerts\":0,"
		"\"anomalies\":0,\"sightings\":0,\"unreadable\":0},\"hits\":2,\"undecided\":0,\"items\":["
		"{\"fields\":[\"proc.name\"],\"name\":\"l5_1\",\"condition\":\"proc.name = cat\","
		"\"yaml\":\"- rule: r\\n\",\"loads\":true,\"errors\":[],\"silences\":true,\"hidden\":2,"
		"\"others\":1,\"other_alerts\":1,\"processes\":2,\"processes_capped\":false,"
		"\"workloads\":[],\"workloads_left_out\":0,\"days\":[],\"days_left_out\":0,"
		"\"examples\":[]}]}");
	return *out ? 0 : -ENOMEM;
}

static int parse(struct options *options, int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--local") == 0)
			options->is_local = true;
		else if (strcmp(argv[i], "--stalled") == 0)
			options->is_stalled = true;
		else if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc)
			options->listen = argv[++i];
		else if (strcmp(argv[i], "--connections") == 0 && i + 1 < argc)
			options->connections = (uint32_t)atoi(argv[++i]);
		else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
			options->data = made_up_by_name(argv[++i]);
		else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
			options->cert = argv[++i];
			options->key = argv[++i];
		} else
			return -1;
	}
	return 0;
}

static int serve(const struct options *options, struct store *store, const char *store_path)
{
	SCOPED(request_box_destroy) struct request_box *box = NULL;
	SCOPED(writer_destroy) struct writer *writer = NULL;
	SCOPED(api_server_destroy) struct api_server *server = NULL;
	struct pipeline pipeline = {.options = options};
	struct api_hooks hooks = {.config_json = config_json,
				  .fields_json = fields_json,
				  .rules_check_json = rules_check_json,
				  .rules_reload_json = rules_reload_json,
				  .rules_facts = rules_facts,
				  .rules_what_if_json = rules_what_if_json,
				  .explain_json = explain,
				  .alert_exceptions_json = alert_exceptions_json};
	char socket_path[256], token_path[256], byte;
	struct api_config config = {
		.listen = options->listen,
		.unix_socket = socket_path,
		.read_access_local = options->is_local,
		.token_file = token_path,
		.tls_cert = options->cert,
		.tls_key = options->key,
		.connections_max = options->connections,
	};
	struct api_sources sources = {.store_path = store_path};
	pthread_t thread;

	snprintf(socket_path, sizeof(socket_path), "%s/ethogram.sock", options->dir);
	snprintf(token_path, sizeof(token_path), "%s/token", options->dir);
	if (request_box_create(&box) || writer_create(&writer, store, 65536))
		return 1;
	made_up_store(writer, options->data);
	pipeline.box = box;
	sources.box = box;
	sources.writer = writer;
	if (api_server_create(&server, &config, &sources, &hooks))
		return 1;
	pthread_create(&thread, NULL, play_pipeline, &pipeline);
	api_server_set_live(server, !options->is_stalled);
	api_server_set_ready(server, !options->is_stalled);
	printf("%s\n", api_server_address(server));
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	api_server_destroy(&server);
	atomic_store(&pipeline.is_stopping, true);
	pthread_join(thread, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	SCOPED(store_close) struct store *store = NULL;
	struct options options = {.listen = "127.0.0.1:0", .connections = 64};
	struct store_config config = {
		.checkpoint_s = 1, .retention_days = 36500, .history_bytes = 1 << 24};
	char store_path[256];

	if (argc < 2 || parse(&options, argc, argv)) {
		fprintf(stderr, "usage: see the head of serve.c\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	options.dir = argv[1];
	snprintf(store_path, sizeof(store_path), "%s/ethogram.db", options.dir);
	config.path = store_path;
	if (store_open(&store, &config))
		return 1;
	return serve(&options, store, store_path);
}
