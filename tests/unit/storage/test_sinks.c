#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/diag.h"
#include "base/util.h"
#include "sample.h"
#include "storage/sinks.h"

#define LINES 3
#define RECEIVED_MAX 65536

/* Somewhere for lines to arrive; each kind of sink has its own way to set one up. */
struct receiver {
	struct sample sample;
	char path[100], url[64], command[256];
	int fd; /* listening socket, or what standard output was */
	pthread_t thread;
	char received[RECEIVED_MAX]; /* lines, each with its newline */
	_Atomic size_t n;
};

static void read_file(struct receiver *receiver)
{
	SCOPED(close_fd) int fd = open(receiver->path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, receiver->received, RECEIVED_MAX - 1);

	receiver->n = n > 0 ? (size_t)n : 0;
	receiver->received[receiver->n] = '\0';
}

static void no_set_up(struct receiver *receiver)
{
	(void)receiver;
}

static void redirect_stdout(struct receiver *receiver)
{
	SCOPED(close_fd) int fd = open(receiver->path, O_RDWR | O_CREAT, 0600);

	fflush(stdout);
	receiver->fd = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
}

static void restore_stdout(struct receiver *receiver)
{
	dup2(receiver->fd, STDOUT_FILENO);
	close_fd(&receiver->fd);
	read_file(receiver);
}

static void add_received(struct receiver *receiver, const char *bytes, size_t n)
{
	assert_true(receiver->n + n + 2 < RECEIVED_MAX);
	memcpy(receiver->received + receiver->n, bytes, n);
	memcpy(receiver->received + receiver->n + n, "\n", 2);
	receiver->n += n + 1;
}

/* One request: head and body may come apart. True: answered, the connection goes on. */
static bool serve_one(struct receiver *receiver, int fd)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
	char request[16384];
	size_t n = 0, length = 0;
	char *body = NULL;

	while (!body || n < (size_t)(body - request) + length) {
		ssize_t got = read(fd, request + n, sizeof(request) - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		request[n] = '\0';
		body = strstr(request, "\r\n\r\n");
		if (body) {
			body += 4;
			length = strtoul(strstr(request, "Content-Length: ") + 16, NULL, 10);
		}
	}
	assert_non_null(strstr(request, "Content-Type: application/json"));
	add_received(receiver, body, length);
	return write(fd, answer, sizeof(answer) - 1) > 0;
}

static void *serve(void *arg)
{
	struct receiver *receiver = arg;
	SCOPED(close_fd) int fd = accept(receiver->fd, NULL, NULL);

	while (fd >= 0 && serve_one(receiver, fd))
		;
	return NULL;
}

static void listen_http(struct receiver *receiver)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	receiver->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(receiver->fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(receiver->fd, 4), 0);
	assert_int_equal(getsockname(receiver->fd, (struct sockaddr *)&address, &len), 0);
	snprintf(receiver->url, sizeof(receiver->url), "http://127.0.0.1:%d/hook",
		 ntohs(address.sin_port));
	assert_int_equal(pthread_create(&receiver->thread, NULL, serve, receiver), 0);
}

static void stop_http(struct receiver *receiver)
{
	shutdown(receiver->fd, SHUT_RDWR); /* if nobody came */
	pthread_join(receiver->thread, NULL);
	close_fd(&receiver->fd);
}

static void listen_syslog(struct receiver *receiver)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", receiver->path);
	receiver->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(receiver->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

/* "<28>Nov 20 12:00:00 ethogram[1]: " goes in front: LOG_DAEMON, warning. */
static void read_syslog(struct receiver *receiver)
{
	char datagram[8192];
	ssize_t n;

	while ((n = recv(receiver->fd, datagram, sizeof(datagram) - 1, MSG_DONTWAIT)) > 0) {
		const char *line;

		datagram[n] = '\0';
		assert_memory_equal(datagram, "<28>", 4);
		line = strstr(datagram, "]: ");
		assert_non_null(line);
		add_received(receiver, line + 3, strlen(line + 3));
	}
	close_fd(&receiver->fd);
}

struct option {
	const char *name;
	size_t value; /* offset of the text in struct receiver */
};

static const struct {
	const char *kind;
	void (*set_up)(struct receiver *receiver);
	void (*collect)(struct receiver *receiver);
	struct option option;
	const char *away; /* the option's value when nobody is there; NULL: always there */
} kinds[] = {
	{"stdout", redirect_stdout, restore_stdout, {NULL}, NULL},
	{"file", no_set_up, read_file, {"path", offsetof(struct receiver, path)}, NULL},
	{"http",
	 listen_http,
	 stop_http,
	 {"url", offsetof(struct receiver, url)},
	 "http://127.0.0.1:1/nobody"},
	{"syslog",
	 listen_syslog,
	 read_syslog,
	 {"path", offsetof(struct receiver, path)},
	 "/nonexistent/log"},
	{"program",
	 no_set_up,
	 read_file,
	 {"command", offsetof(struct receiver, command)},
	 "/nonexistent/program"},
};

static struct receiver *receiver_create(void)
{
	struct receiver *receiver = calloc(1, sizeof(*receiver));

	sample_create(&receiver->sample);
	receiver->fd = -1;
	snprintf(receiver->path, sizeof(receiver->path), "%s/out", receiver->sample.dir);
	/* Two words are enough for the shell: the path needs no quoting. */
	snprintf(receiver->command, sizeof(receiver->command), "cat >> %s", receiver->path);
	return receiver;
}

static void receiver_destroy(struct receiver *receiver)
{
	sample_destroy(&receiver->sample);
	free(receiver);
}

/* What every kind must do: each alert arrives, once, in order, whole, as one line of valid JSON,
 * before sinks_destroy() returns. */
static void every_kind_delivers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct receiver *receiver = receiver_create();
		const char *value = (char *)receiver + kinds[i].option.value;
		const char *words[] = {"sh", "-c", receiver->command};
		struct sink_option option = {kinds[i].option.name, &value, 1};
		struct sink_config config = {kinds[i].kind, &option, option.name != NULL};
		struct record_alert alert = sample_alert(1);
		struct sinks *sinks = NULL;
		char *line = receiver->received;

		if (strcmp(kinds[i].kind, "program") == 0) {
			option.values = words;
			option.n_values = 3;
		}
		alert.message = TEXT("two\nlines \"quoted\" \xff");
		kinds[i].set_up(receiver);
		assert_int_equal(sinks_create(&sinks, &config, 1, "host1", NULL), 0);
		for (alert.id = 1; alert.id <= LINES; alert.id++) {
			alert.ts_ns = SAMPLE_TIME + alert.id;
			sinks_tap(WRITE_ALERT, &alert, sinks);
		}
		sinks_tap(WRITE_ANOMALY, NULL, sinks); /* not for outputs */
		sinks_destroy(&sinks);
		kinds[i].collect(receiver);
		for (unsigned n = 1; n <= LINES; n++) {
			char *end = strchr(line, '\n'), want[64];
			cJSON *object;

			if (!end)
				fail_msg("%s: %u of %d lines: %s", kinds[i].kind, n - 1, LINES,
					 receiver->received);
			*end = '\0';
			object = cJSON_Parse(line);
			snprintf(want, sizeof(want), "2026-11-20T12:00:00.00000000%uZ", n);
			assert_string_equal(
				cJSON_GetStringValue(cJSON_GetObjectItem(object, "time")), want);
			assert_string_equal(
				cJSON_GetStringValue(cJSON_GetObjectItem(object, "hostname")),
				"host1");
			cJSON_Delete(object);
			line = end + 1;
		}
		assert_string_equal(line, "");
		receiver_destroy(receiver);
	}
}

static void await_failures(const struct sinks *sinks, uint32_t n)
{
	struct sink_counters counters[8];

	for (int i = 0; i < 2000; i++) {
		uint32_t failed = 0;

		assert_int_equal(sinks_counters(sinks, counters, 8), n);
		for (uint32_t k = 0; k < n; k++)
			failed += counters[k].failed_total == 1;
		if (failed == n)
			return;
		usleep(10000);
	}
	fail_msg("failures are not counted");
}

/* Nobody there: counted after a few tries, nothing blocks, nothing crashes. */
static void every_kind_counts_failures(void **state)
{
	struct sink_config configs[ARRAY_SIZE(kinds)];
	struct sink_option options[ARRAY_SIZE(kinds)];
	struct record_alert alert = sample_alert(1);
	struct sinks *sinks = NULL;
	uint32_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!kinds[i].away)
			continue;
		options[n] = (struct sink_option){kinds[i].option.name, &kinds[i].away, 1};
		configs[n] = (struct sink_config){kinds[i].kind, &options[n], 1};
		n++;
	}
	assert_int_equal(sinks_create(&sinks, configs, n, NULL, NULL), 0);
	sinks_tap(WRITE_ALERT, &alert, sinks);
	await_failures(sinks, n);
	sinks_destroy(&sinks);
}

static void a_file_moved_away_is_made_anew(void **state)
{
	struct receiver *receiver = receiver_create();
	const char *path = receiver->path;
	struct sink_option option = {"path", &path, 1};
	struct sink_config config = {"file", &option, 1};
	struct record_alert alert = sample_alert(1);
	struct sinks *sinks = NULL;
	char moved[256];
	struct stat info;

	(void)state;
	assert_int_equal(sinks_create(&sinks, &config, 1, NULL, NULL), 0);
	sinks_tap(WRITE_ALERT, &alert, sinks);
	for (int i = 0; i < 1000 && (stat(path, &info) < 0 || info.st_size == 0); i++)
		usleep(1000);
	/* Rotated away: the next line makes a new file. */
	snprintf(moved, sizeof(moved), "%s.1", path);
	assert_int_equal(rename(path, moved), 0);
	sinks_tap(WRITE_ALERT, &alert, sinks);
	sinks_destroy(&sinks);
	assert_int_equal(stat(moved, &info), 0);
	assert_true(info.st_size > 0);
	assert_int_equal(stat(path, &info), 0);
	assert_true(info.st_size > 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	receiver_destroy(receiver);
}

static void text_is_falcos_line(void **state)
{
	struct receiver *receiver = receiver_create();
	const char *path = receiver->path, *format = "text";
	struct sink_option options[] = {{"path", &path, 1}, {"format", &format, 1}};
	struct sink_config config = {"file", options, 2};
	struct record_alert alert = sample_alert(1);
	struct sinks *sinks = NULL;

	(void)state;
	setenv("TZ", "UTC", 1);
	alert.message = TEXT("a\tb \"c\" \\ \xff \xc3\xa4 \x01");
	assert_int_equal(sinks_create(&sinks, &config, 1, NULL, NULL), 0);
	sinks_tap(WRITE_ALERT, &alert, sinks);
	sinks_destroy(&sinks);
	read_file(receiver);
	assert_string_equal(
		receiver->received,
		"12:00:01.000000000: Warning a\\tb \\\"c\\\" \\\\ \\xff \xc3\xa4 \\u0001\n");
	receiver_destroy(receiver);
}

static void mistakes_are_explained(void **state)
{
	static const char *const some[] = {"x"}, *const two[] = {"x", "y"}, *const empty[] = {""};
	static const struct sink_option format = {"format", some, 1}, path = {"path", some, 1},
					paths = {"path", two, 2}, url = {"url", some, 1},
					nothing = {"path", empty, 1}, command = {"command", two, 2};
	static const struct {
		struct sink_config config;
		const char *want; /* in the message; NULL: accepted */
	} rows[] = {
		{{"stdout", NULL, 0}, NULL},
		{{"file", &path, 1}, NULL},
		{{"program", &command, 1}, NULL},
		{{"syslog", NULL, 0}, NULL},
		{{"pigeon", NULL, 0}, "unknown"},
		{{"stdout", &path, 1}, "unknown option 'path'"},
		{{"stdout", &format, 1}, "expected json or text"},
		{{"file", NULL, 0}, "needs the option 'path'"},
		{{"file", &paths, 1}, "takes one value"},
		{{"file", &nothing, 1}, "is empty"},
		{{"http", &url, 1}, "expected http://"},
		{{"program", NULL, 0}, "needs the option 'command'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag diag = {0};
		int r = sinks_check(&rows[i].config, &diag);

		if (r != (rows[i].want ? -EINVAL : 0))
			fail_msg("row %zu: %d", i, r);
		if (rows[i].want && !strstr(diag.message, rows[i].want))
			fail_msg("row %zu: '%s'", i, diag.message);
	}
}

/* A program that reads nothing: the queue fills, the tap never waits. */
static void a_stuck_receiver_sheds(void **state)
{
	static const char *const words[] = {"sleep", "1000"};
	struct sink_option option = {"command", words, 2};
	struct sink_config config = {"program", &option, 1};
	struct record_alert alert = sample_alert(1);
	struct sink_counters counters;
	struct sinks *sinks = NULL;

	(void)state;
	assert_int_equal(sinks_create(&sinks, &config, 1, NULL, NULL), 0);
	for (int i = 0; i < 6000; i++)
		sinks_tap(WRITE_ALERT, &alert, sinks);
	sinks_counters(sinks, &counters, 1);
	assert_true(counters.shed_total > 0);
	assert_true(counters.shed_total + counters.queued + counters.written_total <= 6000);
	sinks_destroy(&sinks);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_delivers),
		cmocka_unit_test(every_kind_counts_failures),
		cmocka_unit_test(a_file_moved_away_is_made_anew),
		cmocka_unit_test(text_is_falcos_line),
		cmocka_unit_test(mistakes_are_explained),
		cmocka_unit_test(a_stuck_receiver_sheds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
