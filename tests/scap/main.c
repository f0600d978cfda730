/* scap_oracle [-v] [--exceptions FILE] DIR: read every capture NAME.scap of a folder that has
 * answers oracle_libs2026_NAME.json, evaluate every filter on every event, and compare which event
 * blocks match with what the other engine recorded.
 *
 * Prints each (capture, filter) that differs with counts and the first positions (-v: with the
 * events), then sums; the last line is "N passed, N failed". The exceptions file lists what differs
 * on purpose: "capture | filter | reason" a line. Capture '*' stands for any, and must be followed
 * by "| where FILTER": it excuses only events that the filter is true of. An exception that differs
 * no more fails; one for any capture where all captures that the file names are there.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "capture/scap.h"
#include "filter/filter.h"
#include "state/state.h"
#include "tests/scap/answers.h"

#define ARENA_BYTES (1u << 20)
#define SHOWN_MAX 6 /* positions of a difference */
#define WHERE " | where "
#define EVENT_FORMAT                                                                               \
	"%evt.type tid=%thread.tid proc=%proc.name pid=%proc.pid parent=%proc.pname fd=%fd.num "   \
	"%fd.typechar %fd.name res=%evt.rawres %evt.args"

struct exception {
	char *capture, *filter;
	char *where; /* NULL: every event is excused */
	bool is_used;
	struct filter *holds_where;
	struct positions holds; /* of this capture */
};

struct oracle {
	struct field_set fields;
	struct arena arena;
	bool is_verbose;
	const char *directory;
	const char *name; /* of the capture */
	struct exception *exceptions;
	uint32_t n_exceptions;
	uint32_t captures, passed, failed, excepted, skipped;
	uint64_t events_compared, events_differing;
};

/* What README of the reference says is no case, and what the other engine did not answer. */
static const char *reason_to_skip(const struct answer *answer)
{
	if (strstr(answer->filter, "evt.num"))
		return "event numbers are each engine's own";
	if (strstr(answer->filter, "container."))
		return "containers are a plugin's there";
	if (strstr(answer->filter, "evt.buflen"))
		return "recorded with errors";
	return answer->error ? "no answer recorded" : NULL;
}

static int read_exceptions(struct oracle *oracle, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return -errno;
	while (getline(&line, &room, file) >= 0) {
		char *bar = strstr(line, " | "), *second = bar ? strstr(bar + 3, " | ") : NULL;
		char *where = second ? strstr(second + 3, WHERE) : NULL;

		if (line[0] == '#' || !second)
			continue;
		line[strcspn(line, "\n")] = '\0';
		oracle->exceptions = reallocarray(oracle->exceptions, oracle->n_exceptions + 1,
						  sizeof(*oracle->exceptions));
		oracle->exceptions[oracle->n_exceptions++] = (struct exception){
			.capture = strndup(line, (size_t)(bar - line)),
			.filter = strndup(bar + 3, (size_t)(second - bar - 3)),
			.where = where ? strdup(where + strlen(WHERE)) : NULL,
		};
	}
	free(line);
	fclose(file);
	return 0;
}

/* One for this capture goes before one for any. */
static struct exception *find_exception(struct oracle *oracle, const char *filter)
{
	struct exception *any = NULL;

	for (uint32_t i = 0; i < oracle->n_exceptions; i++) {
		struct exception *e = &oracle->exceptions[i];

		if (strcmp(e->filter, filter) != 0)
			continue;
		if (strcmp(e->capture, oracle->name) == 0)
			return e;
		if (strcmp(e->capture, "*") == 0)
			any = e;
	}
	return any;
}

/* What an exception for any capture excuses must be said. */
static int compile_exceptions(struct oracle *oracle)
{
	struct diag diag = {0};

	for (uint32_t i = 0; i < oracle->n_exceptions; i++) {
		struct exception *e = &oracle->exceptions[i];

		if (!e->where && strcmp(e->capture, "*") != 0)
			continue;
		if (!e->where ||
		    filter_compile(&e->holds_where, text_from(e->where), &oracle->fields, &diag)) {
			printf("%s: %s: exception without a filter that says where: %s\n",
			       e->capture, e->filter, diag.message);
			return -EINVAL;
		}
	}
	return 0;
}

/* One filter over one capture. */
struct probe {
	struct filter *filter; /* NULL: not compared */
	struct positions found;
};

/* When and by which thread an event was; several of one thread at one time cannot be told apart in
 * the recorded answers, which were brought to positions by just that. */
struct moment {
	uint64_t ts_ns;
	int32_t tid;
};

struct replay {
	struct source *source;
	struct state *state;
	struct format *format;
	struct probe *probes;
	struct answers answers;
	struct positions shown;
	struct moment *moments; /* of events, by position; ts_ns 0: none */
	char **texts;           /* the same; only when verbose */
	uint64_t n_places;
};

static void replay_done(struct replay *replay)
{
	for (uint32_t i = 0; replay->probes && i < replay->answers.n; i++) {
		filter_destroy(&replay->probes[i].filter);
		positions_done(&replay->probes[i].found);
	}
	for (uint64_t i = 0; i < replay->n_places; i++)
		free(replay->texts[i]);
	free(replay->texts);
	free(replay->moments);
	free(replay->probes);
	format_destroy(&replay->format);
	state_destroy(&replay->state);
	source_destroy(&replay->source);
	answers_done(&replay->answers);
	positions_done(&replay->shown);
}

/* Zeroed room for one more place. */
static void *grow(void *items, uint64_t from, uint64_t to, size_t size)
{
	char *grown = reallocarray(items, to, size);

	if (!grown)
		abort();
	memset(grown + from * size, 0, (to - from) * size);
	return grown;
}

static void note_event(struct oracle *oracle, struct replay *replay,
		       const struct field_context *ctx)
{
	uint64_t at = ctx->event->num;
	char text[512];

	if (at >= replay->n_places) {
		uint64_t n = MAX(at + 1, 2 * replay->n_places);

		replay->texts = grow(replay->texts, replay->n_places, n, sizeof(char *));
		replay->moments = grow(replay->moments, replay->n_places, n, sizeof(struct moment));
		replay->n_places = n;
	}
	replay->moments[at] = (struct moment){ctx->event->ts_ns, ctx->event->tid};
	if (!oracle->is_verbose)
		return;
	free(replay->texts[at]);
	replay->texts[at] = strndup(text, format_print(replay->format, ctx, text, sizeof(text)));
}

static void show_event(struct oracle *oracle, struct replay *replay,
		       const struct field_context *ctx)
{
	positions_add(&replay->shown, ctx->event->num);
	for (uint32_t i = 0; i < oracle->n_exceptions; i++) {
		struct exception *e = &oracle->exceptions[i];

		arena_reset(&oracle->arena);
		if (e->holds_where && filter_eval(e->holds_where, ctx))
			positions_add(&e->holds, ctx->event->num);
	}
	for (uint32_t i = 0; i < replay->answers.n; i++) {
		struct probe *probe = &replay->probes[i];

		arena_reset(&oracle->arena);
		if (probe->filter && filter_eval(probe->filter, ctx))
			positions_add(&probe->found, ctx->event->num);
	}
	arena_reset(&oracle->arena);
	note_event(oracle, replay, ctx);
}

static int replay_all(struct oracle *oracle, struct replay *replay)
{
	struct subject subject;
	const struct event *ev;
	uint64_t first_ns = 0;
	int r;

	while ((r = source_next(replay->source, &ev)) > 0) {
		struct field_context ctx = {.event = ev,
					    .subject = &subject,
					    .state = replay->state,
					    .arena = &oracle->arena};

		state_apply(replay->state, ev, &subject);
		if (ev->quality & EVENT_STATE_ONLY)
			continue;
		if (!first_ns)
			first_ns = ev->ts_ns;
		ctx.first_event_ns = first_ns;
		show_event(oracle, replay, &ctx);
	}
	return r;
}

static void print_event(const struct replay *replay, uint64_t position)
{
	const char *text = position < replay->n_places ? replay->texts[position] : NULL;

	printf("      %llu %s\n", (unsigned long long)position, text ? text : "(not shown)");
}

/* Whether as many of the events of this thread at this time are in one set as in the other. */
static bool is_interchangeable(const struct replay *replay, uint64_t position,
			       const struct positions *a, const struct positions *b)
{
	enum { NEAR = 64 }; /* enter events lie between */
	uint64_t from = position > NEAR ? position - NEAR : 1;
	const struct moment *own;
	int balance = 0;

	if (position >= replay->n_places)
		return false;
	own = &replay->moments[position];
	for (uint64_t i = from; i < position + NEAR && i < replay->n_places; i++) {
		const struct moment *other = &replay->moments[i];

		if (other->ts_ns && other->ts_ns == own->ts_ns && other->tid == own->tid)
			balance += positions_has(a, i) - positions_has(b, i);
	}
	return own->ts_ns && balance == 0;
}

/* The next position behind at that one has and the other has not; 0: none. */
static uint64_t next_difference(const struct replay *replay, const struct positions *expected,
				const struct positions *found, uint64_t at)
{
	do
		at = positions_next_difference(expected, found, at);
	while (at && is_interchangeable(replay, at, expected, found));
	return at;
}

/* First positions that one has and the other has not. */
static void print_difference(const struct oracle *oracle, const struct replay *replay,
			     const char *filter, const struct positions *expected,
			     const struct positions *found, uint64_t n)
{
	uint64_t at = 0;

	printf("%s: %s: %llu differ (expected %llu, found %llu):", oracle->name, filter,
	       (unsigned long long)n, (unsigned long long)positions_count(expected),
	       (unsigned long long)positions_count(found));
	for (int i = 0; i < SHOWN_MAX; i++) {
		at = next_difference(replay, expected, found, at);
		if (!at)
			break;
		printf(" %c%llu", positions_has(found, at) ? '+' : '-', (unsigned long long)at);
	}
	printf("%s\n", n > SHOWN_MAX ? " ..." : "");
	at = 0;
	for (int i = 0; oracle->is_verbose && i < SHOWN_MAX; i++) {
		at = next_difference(replay, expected, found, at);
		if (!at)
			break;
		print_event(replay, at);
	}
}

static void compare(struct oracle *oracle, const struct replay *replay, const char *filter,
		    const struct positions *expected, const struct positions *found)
{
	struct exception *exception = find_exception(oracle, filter);
	uint64_t n = 0, at = 0;
	bool is_excused = exception;

	while ((at = next_difference(replay, expected, found, at))) {
		if (exception && exception->where)
			is_excused = is_excused && positions_has(&exception->holds, at);
		n++;
	}
	oracle->events_compared += positions_count(&replay->answers.all);
	oracle->events_differing += n;
	if (!n) {
		oracle->passed++;
	} else if (is_excused) {
		exception->is_used = true;
		oracle->excepted++;
	} else {
		oracle->failed++;
		print_difference(oracle, replay, filter, expected, found, n);
	}
}

static int prepare(struct oracle *oracle, struct replay *replay, const char *path)
{
	const struct state_config config = {.processes_max = 65536, .fds_per_process_max = 4096};
	struct diag diag = {0};
	int r = scap_source_create(&replay->source, &path, 1, &diag);

	if (r) {
		printf("%s: %s\n", oracle->name, diag.message);
		return r;
	}
	r = state_create(&replay->state, &config);
	if (!r)
		r = format_compile(&replay->format, TEXT(EVENT_FORMAT), &oracle->fields, &diag);
	if (r)
		return r;
	replay->probes = calloc(replay->answers.n + 1, sizeof(*replay->probes));
	for (uint32_t i = 0; i < replay->answers.n; i++) {
		const struct answer *answer = &replay->answers.items[i];

		if (reason_to_skip(answer))
			continue;
		if (filter_compile(&replay->probes[i].filter, text_from(answer->filter),
				   &oracle->fields, &diag)) {
			printf("%s: %s: does not compile: %s\n", oracle->name, answer->filter,
			       diag.message);
			oracle->failed++;
		}
	}
	return 0;
}

static void run_capture(struct oracle *oracle, const char *capture, const char *answers)
{
	SCOPED(replay_done) struct replay replay = {0};
	int r = answers_read(&replay.answers, answers);

	oracle->captures++;
	for (uint32_t i = 0; i < oracle->n_exceptions; i++)
		positions_done(&oracle->exceptions[i].holds);
	if (r)
		printf("%s: cannot read its answers: %s\n", oracle->name, strerror(-r));
	else
		r = prepare(oracle, &replay, capture);
	if (!r)
		r = replay_all(oracle, &replay);
	if (r) {
		const struct diag *diag = replay.source ? scap_source_diag(replay.source) : NULL;

		printf("%s: ended early: %s\n", oracle->name, diag ? diag->message : strerror(-r));
		oracle->failed++;
	}
	if (!replay.probes)
		return;
	compare(oracle, &replay, "(events shown)", &replay.answers.all, &replay.shown);
	for (uint32_t i = 0; i < replay.answers.n; i++) {
		if (reason_to_skip(&replay.answers.items[i]))
			oracle->skipped++;
		else if (replay.probes[i].filter)
			compare(oracle, &replay, replay.answers.items[i].filter,
				&replay.answers.items[i].events, &replay.probes[i].found);
	}
}

static int is_answers(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return strncmp(entry->d_name, "oracle_libs2026_", 16) == 0 && len > 21 &&
	       strcmp(entry->d_name + len - 5, ".json") == 0;
}

static void run_folder(struct oracle *oracle)
{
	struct dirent **entries;
	int n = scandir(oracle->directory, &entries, is_answers, alphasort);

	for (int i = 0; i < n; i++) {
		char capture[4096], answers[4096];
		SCOPED(free_ptr)
		char *name = strndup(entries[i]->d_name + 16, strlen(entries[i]->d_name) - 21);

		oracle->name = name;
		snprintf(answers, sizeof(answers), "%s/%s", oracle->directory, entries[i]->d_name);
		snprintf(capture, sizeof(capture), "%s/%s.scap", oracle->directory, name);
		run_capture(oracle, capture, answers);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static bool has_capture(const struct oracle *oracle, const struct exception *e)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.scap", oracle->directory, e->capture);
	return access(path, R_OK) == 0;
}

/* What is listed as differing must differ, where its capture is there; in any capture, where all
 * are there that are named. */
static void check_exceptions(struct oracle *oracle)
{
	bool has_all = true;

	for (uint32_t i = 0; i < oracle->n_exceptions; i++) {
		const struct exception *e = &oracle->exceptions[i];

		if (strcmp(e->capture, "*") != 0)
			has_all = has_all && has_capture(oracle, e);
	}
	for (uint32_t i = 0; i < oracle->n_exceptions; i++) {
		const struct exception *e = &oracle->exceptions[i];

		if (e->is_used ||
		    !(strcmp(e->capture, "*") == 0 ? has_all : has_capture(oracle, e)))
			continue;
		printf("%s: %s: listed as an exception, but does not differ\n", e->capture,
		       e->filter);
		oracle->failed++;
	}
}

static void print_sums(const struct oracle *oracle)
{
	uint32_t compared = oracle->passed + oracle->failed + oracle->excepted;

	printf("%u captures; %u differ as listed; %u not comparable (event numbers, containers, "
	       "answers with errors)\n",
	       oracle->captures, oracle->excepted, oracle->skipped);
	printf("%.2f %% of (capture, filter) differ, %.3f %% of (filter, event)\n",
	       compared ? 100.0 * (oracle->failed + oracle->excepted) / compared : 0,
	       oracle->events_compared
		       ? 100.0 * (double)oracle->events_differing / (double)oracle->events_compared
		       : 0);
	printf("%u passed, %u failed\n", oracle->passed, oracle->failed);
}

static int usage(void)
{
	fprintf(stderr, "usage: scap_oracle [-v] [--exceptions FILE] DIR\n");
	return 2;
}

static void oracle_done(struct oracle *oracle)
{
	for (uint32_t i = 0; i < oracle->n_exceptions; i++) {
		free(oracle->exceptions[i].capture);
		free(oracle->exceptions[i].filter);
		free(oracle->exceptions[i].where);
		filter_destroy(&oracle->exceptions[i].holds_where);
		positions_done(&oracle->exceptions[i].holds);
	}
	free(oracle->exceptions);
	arena_done(&oracle->arena);
}

int main(int argc, char **argv)
{
	struct oracle oracle = {.fields = {.tables = {state_field_table()}, .n_tables = 1}};
	const char *exceptions = EXCEPTIONS_FILE;
	int code = 2;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			oracle.is_verbose = true;
		else if (strcmp(argv[i], "--exceptions") == 0 && i + 1 < argc)
			exceptions = argv[++i];
		else if (argv[i][0] == '-' || oracle.directory)
			return usage();
		else
			oracle.directory = argv[i];
	}
	if (!oracle.directory || arena_init(&oracle.arena, ARENA_BYTES))
		return usage();
	read_exceptions(&oracle, exceptions);
	if (!compile_exceptions(&oracle)) {
		run_folder(&oracle);
		check_exceptions(&oracle);
		print_sums(&oracle);
		code = oracle.failed > 0 || !oracle.captures;
	}
	oracle_done(&oracle);
	return code;
}
