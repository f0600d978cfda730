#include "storage/sinks.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/util.h"
#include "storage/records_json.h"
#include "storage/sink.h"

#define LINES_MAX 4096 /* waiting for one sink */
#define TRIES 3
#define PAUSE_MS 1000
#define FAREWELL_NS UINT64_C(2000000000)
#define BLOCKED_MS 2000

static const struct sink_kind *const kinds[] = {
	&sink_stdout, &sink_file, &sink_http, &sink_syslog, &sink_program,
};

struct line {
	struct queue_node node;
	enum alert_priority priority;
	uint32_t len;
	char text[]; /* newline, NUL */
};

struct sink {
	const struct sink_kind *kind;
	struct sink_options options;
	char **words; /* copies that options points to */
	uint32_t n_words;
	void *state;
	struct queue queue;
	pthread_t thread;
	bool has_queue, has_thread;
	_Atomic uint64_t give_up_ns; /* set when stopping */
	bool is_failing;
	_Atomic uint64_t written, failed, shed;
};

struct sinks {
	char *host;
	uint32_t n;
	struct sink items[];
};

static int write_bytes(int fd, const char *bytes, size_t len, size_t *n_written)
{
	*n_written = 0;
	while (*n_written < len) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		ssize_t n = poll(&ready, 1, BLOCKED_MS);

		if (n == 0)
			return -ETIMEDOUT;
		/* A pipe that polls writable takes this much without blocking. */
		if (n > 0)
			n = write(fd, bytes + *n_written, MIN(len - *n_written, PIPE_BUF));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		*n_written += (size_t)n;
	}
	return 0;
}

int sink_write_line(int fd, const struct sink_line *line, bool *is_torn)
{
	size_t n;
	int r = *is_torn ? write_bytes(fd, "\n", 1, &n) : 0;

	if (r)
		return r;
	*is_torn = false;
	r = write_bytes(fd, line->ptr, (size_t)line->len + 1, &n);
	*is_torn = r != 0 && n > 0;
	return r;
}

/* Whether name is among "a|b|c". */
static bool is_among(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = names; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
		if (strncmp(at, name, len) == 0 && (at[len] == '|' || at[len] == '\0'))
			return len > 0;
	}
	return false;
}

static const struct sink_kind *find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	}
	return NULL;
}

static const struct sink_option *find_option(const struct sink_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->n_options; i++) {
		if (strcmp(config->options[i].name, name) == 0)
			return &config->options[i];
	}
	return NULL;
}

static int check_option(const struct sink_kind *kind, const struct sink_option *option,
			struct diag *diag)
{
	if (!is_among(kind->options, option->name))
		return diag_set(diag, -EINVAL, "output '%s': unknown option '%s', expected %s",
				kind->name, option->name, kind->options);
	if (option->n_values == 0 || option->values[0][0] == '\0')
		return diag_set(diag, -EINVAL, "output '%s': '%s' is empty", kind->name,
				option->name);
	if (option->n_values > 1 && strcmp(option->name, "command") != 0)
		return diag_set(diag, -EINVAL, "output '%s': '%s' takes one value", kind->name,
				option->name);
	if (strcmp(option->name, "format") == 0 && !is_among("json|text", option->values[0]))
		return diag_set(diag, -EINVAL, "output '%s': format '%s': expected json or text",
				kind->name, option->values[0]);
	if (strcmp(option->name, "url") == 0 && strncmp(option->values[0], "http://", 7) != 0 &&
	    strncmp(option->values[0], "https://", 8) != 0)
		return diag_set(diag, -EINVAL,
				"output '%s': url '%s': expected http:// or https://", kind->name,
				option->values[0]);
	return 0;
}

int sinks_check(const struct sink_config *config, struct diag *diag)
{
	const struct sink_kind *kind = find_kind(config->kind);

	if (!kind)
		return diag_set(diag, -EINVAL,
				"output '%s': unknown, expected stdout, file, http, syslog or "
				"program",
				config->kind);
	for (uint32_t i = 0; i < config->n_options; i++) {
		int r = check_option(kind, &config->options[i], diag);

		if (r)
			return r;
	}
	if (kind->required && !find_option(config, kind->required))
		return diag_set(diag, -EINVAL, "output '%s': needs the option '%s'", kind->name,
				kind->required);
	return 0;
}

static const char *own_word(struct sink *sink, const char *word)
{
	return sink->words[sink->n_words++] = strdup(word);
}

static int copy_options(struct sink *sink, const struct sink_config *config)
{
	const struct sink_option *format = find_option(config, "format");
	const struct sink_option *path = find_option(config, "path");
	const struct sink_option *url = find_option(config, "url");
	const struct sink_option *command = find_option(config, "command");
	uint32_t n = command ? command->n_values : 0;

	sink->words = calloc(n + 2, sizeof(*sink->words));
	if (!sink->words)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		own_word(sink, command->values[i]);
	sink->options = (struct sink_options){
		.command = (const char *const *)sink->words,
		.n_command = n,
		.path = path ? own_word(sink, path->values[0]) : NULL,
		.url = url ? own_word(sink, url->values[0]) : NULL,
		.is_text = format && strcmp(format->values[0], "text") == 0,
		.give_up_ns = &sink->give_up_ns,
	};
	for (uint32_t i = 0; i < sink->n_words; i++) {
		if (!sink->words[i])
			return -ENOMEM;
	}
	return 0;
}

/* Said once when a receiver fails and once when it is back; in between it is counted. */
static void note_result(struct sink *sink, int r)
{
	if (r && !sink->is_failing)
		log_err_r(r, "output '%s': cannot deliver, trying again", sink->kind->name);
	else if (!r && sink->is_failing)
		log_info("output '%s': delivering again", sink->kind->name);
	sink->is_failing = r != 0;
}

static void deliver(struct sink *sink, const struct line *line)
{
	struct sink_line view = {line->text, line->len, line->priority};

	for (int i = 0; i < TRIES; i++) {
		int r = sink->kind->write(sink->state, &view);

		note_result(sink, r);
		if (r == 0) {
			atomic_fetch_add(&sink->written, 1);
			return;
		}
		if (atomic_load(&sink->give_up_ns))
			break;
		if (i + 1 < TRIES)
			queue_nap(&sink->queue, PAUSE_MS);
	}
	atomic_fetch_add(&sink->failed, 1);
}

static void deliver_all(struct sink *sink)
{
	struct queue_node *node = queue_take_all(&sink->queue);

	while (node) {
		struct line *line = (struct line *)node;
		uint64_t give_up_ns = atomic_load(&sink->give_up_ns);

		node = node->next;
		if (give_up_ns && clock_monotonic_ns() > give_up_ns)
			atomic_fetch_add(&sink->shed, 1);
		else
			deliver(sink, line);
		free(line);
	}
}

static void *run(void *arg)
{
	struct sink *sink = arg;

	while (!atomic_load(&sink->give_up_ns)) {
		queue_wait(&sink->queue, -1);
		deliver_all(sink);
	}
	deliver_all(sink);
	return NULL;
}

static int start_thread(struct sink *sink)
{
	sigset_t all, before;
	int r;

	/* All signals, SIGPIPE among them: a receiver that went away is an error of write(2). */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&sink->thread, NULL, run, sink);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return log_err_r(r, "output '%s': cannot start its thread", sink->kind->name);
	sink->has_thread = true;
	pthread_setname_np(sink->thread, "output");
	return 0;
}

static int start(struct sink *sink, const struct sink_config *config)
{
	int r;

	sink->kind = find_kind(config->kind);
	r = copy_options(sink, config);
	if (r)
		return r;
	r = queue_init(&sink->queue, LINES_MAX);
	if (r)
		return log_err_r(r, "output '%s': cannot make its queue", sink->kind->name);
	sink->has_queue = true;
	r = sink->kind->create(&sink->state, &sink->options);
	return r ? r : start_thread(sink);
}

/* It was told to stop. */
static void finish(struct sink *sink)
{
	if (sink->has_thread)
		pthread_join(sink->thread, NULL);
	if (sink->state)
		sink->kind->destroy(sink->state);
	if (sink->has_queue)
		queue_done(&sink->queue);
	for (uint32_t i = 0; i < sink->n_words; i++)
		free(sink->words[i]);
	free(sink->words);
}

int sinks_create(struct sinks **out, const struct sink_config *configs, uint32_t n,
		 const char *host, struct diag *diag)
{
	SCOPED(sinks_destroy) struct sinks *sinks = NULL;

	for (uint32_t i = 0; i < n; i++) {
		int r = sinks_check(&configs[i], diag);

		if (r)
			return r;
	}
	sinks = calloc(1, sizeof(*sinks) + n * sizeof(sinks->items[0]));
	if (!sinks)
		return -ENOMEM;
	sinks->host = host ? strdup(host) : NULL;
	if (host && !sinks->host)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		int r;

		sinks->n = i + 1;
		r = start(&sinks->items[i], &configs[i]);
		if (r)
			return r;
	}
	*out = TAKE(sinks);
	return 0;
}

void sinks_destroy(struct sinks **sinks_ptr)
{
	struct sinks *sinks = TAKE(*sinks_ptr);

	if (!sinks)
		return;
	/* All first, so that they say farewell at the same time. */
	for (uint32_t i = 0; i < sinks->n; i++) {
		atomic_store(&sinks->items[i].give_up_ns, clock_monotonic_ns() + FAREWELL_NS);
		if (sinks->items[i].has_queue)
			queue_wake(&sinks->items[i].queue);
	}
	for (uint32_t i = 0; i < sinks->n; i++)
		finish(&sinks->items[i]);
	free(sinks->host);
	free(sinks);
}

static char *encode(const struct sinks *sinks, const struct record_alert *alert, bool is_text)
{
	cJSON *object;
	char *line;

	if (is_text)
		return alert_line(alert);
	object = alert_falco_json(alert, sinks->host);
	line = object ? cJSON_PrintUnformatted(object) : NULL;
	cJSON_Delete(object);
	return line;
}

static void queue_line(struct sink *sink, const char *text, enum alert_priority priority)
{
	size_t len = text ? strlen(text) : 0;
	struct line *line = text ? malloc(sizeof(*line) + len + 2) : NULL;

	if (line) {
		line->priority = priority;
		line->len = (uint32_t)len;
		memcpy(line->text, text, len);
		memcpy(line->text + len, "\n", 2);
		if (queue_push(&sink->queue, &line->node))
			return;
	}
	free(line);
	atomic_fetch_add(&sink->shed, 1);
}

void sinks_tap(enum write_kind kind, const void *record, void *arg)
{
	const struct record_alert *alert = record;
	struct sinks *sinks = arg;
	char *texts[2] = {NULL, NULL}; /* json, text: each encoded once */

	if (kind != WRITE_ALERT || !sinks)
		return;
	for (uint32_t i = 0; i < sinks->n; i++) {
		bool is_text = sinks->items[i].options.is_text;

		if (!texts[is_text])
			texts[is_text] = encode(sinks, alert, is_text);
		queue_line(&sinks->items[i], texts[is_text], alert->priority);
	}
	free(texts[0]);
	free(texts[1]);
}

uint32_t sinks_counters(const struct sinks *sinks, struct sink_counters *out, uint32_t max)
{
	if (!sinks)
		return 0;
	for (uint32_t i = 0; i < MIN(sinks->n, max); i++) {
		const struct sink *sink = &sinks->items[i];

		out[i] = (struct sink_counters){
			.kind = sink->kind->name,
			.queued = queue_length(&sink->queue),
			.written_total = atomic_load(&sink->written),
			.failed_total = atomic_load(&sink->failed),
			.shed_total = atomic_load(&sink->shed),
		};
	}
	return sinks->n;
}
