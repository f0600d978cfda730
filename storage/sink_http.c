/* Alerts to a web hook: one POST each, over a connection that is kept. */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "storage/sink.h"

#define CONNECT_TIMEOUT_MS 2000L
#define TIMEOUT_MS 5000L

struct http {
	CURL *curl;
	struct curl_slist *headers;
	const _Atomic uint64_t *give_up_ns;
};

static void destroy(void *sink)
{
	struct http *http = sink;

	if (http->curl)
		curl_easy_cleanup(http->curl);
	curl_slist_free_all(http->headers);
	free(http);
	curl_global_cleanup();
}

/* NOLINTNEXTLINE(readability-non-const-parameter): curl's type. */
static size_t discard(char *bytes, size_t size, size_t n, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * n;
}

/* Called about once a second: a farewell does not wait for a receiver that says nothing. */
static int give_up_when_stopping(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http *http = arg;
	uint64_t give_up_ns = atomic_load(http->give_up_ns);

	(void)a, (void)b, (void)c, (void)d;
	return give_up_ns && clock_monotonic_ns() > give_up_ns;
}

static void set_up(struct http *http, const struct sink_options *options)
{
	CURL *curl = http->curl;

	curl_easy_setopt(curl, CURLOPT_URL, options->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "ethogram/" ETHOGRAM_VERSION);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, give_up_when_stopping);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static int create(void **out, const struct sink_options *options)
{
	struct http *http;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return log_err_r(-ENOMEM, "output http '%s'", options->url);
	http = calloc(1, sizeof(*http));
	if (!http) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	http->give_up_ns = options->give_up_ns;
	http->curl = curl_easy_init();
	http->headers =
		curl_slist_append(NULL, options->is_text ? "Content-Type: text/plain"
							 : "Content-Type: application/json");
	if (!http->curl || !http->headers) {
		destroy(http);
		return -ENOMEM;
	}
	set_up(http, options);
	*out = http;
	return 0;
}

static int errno_from_curl(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_HTTP_RETURNED_ERROR: /* status 400 or above */
		return -EREMOTEIO;
	case CURLE_ABORTED_BY_CALLBACK:
		return -ECANCELED;
	default:
		return -EIO;
	}
}

static int write_line(void *sink, const struct sink_line *line)
{
	struct http *http = sink;

	curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, line->ptr);
	curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE, (long)line->len);
	return errno_from_curl(curl_easy_perform(http->curl));
}

const struct sink_kind sink_http = {"http", "url|format", "url", create, destroy, write_line};
