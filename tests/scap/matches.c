/* scap_matches CAPTURE FIELD... <FILTERS: read a capture, print every event that is shown with the
 * values of the fields, then which events each filter (a line of the input) is true of.
 *
 *   E <position> <time, ns> <thread> <value of the first field> ...     parted by U+001F
 *   F <number of the filter, from 0> <positions, parted by commas | !why it does not compile>
 *
 * Positions count the event blocks of the capture from 1. Absent values are "<NA>". */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture/scap.h"
#include "filter/filter.h"
#include "filter/format.h"
#include "state/state.h"
#include "tests/scap/answers.h"

#define ARENA_BYTES (1u << 20)
#define FIELDS_MAX 128
#define UNIT "\x1f"

struct probe {
	struct filter *filter; /* NULL: it does not compile */
	char why[DIAG_MESSAGE_MAX];
	struct positions found;
};

struct matches {
	struct field_set fields;
	struct arena arena;
	struct format *formats[FIELDS_MAX];
	int n_formats;
	struct probe *probes;
	size_t n_probes;
};

static int add_field(struct matches *m, const char *name)
{
	char text[256];
	struct diag diag = {0};
	int r = m->n_formats == FIELDS_MAX ? -E2BIG : 0;

	snprintf(text, sizeof(text), "%%%s", name);
	if (!r)
		r = format_compile(&m->formats[m->n_formats], text_from(text), &m->fields, &diag);
	if (r)
		fprintf(stderr, "scap_matches: %s: %s\n", name, diag.message);
	m->n_formats += r == 0;
	return r;
}

static int add_filter(struct matches *m, const char *line)
{
	struct probe *grown = reallocarray(m->probes, m->n_probes + 1, sizeof(*grown)), *probe;
	struct diag diag = {0};

	if (!grown)
		return -ENOMEM;
	m->probes = grown;
	probe = &m->probes[m->n_probes++];
	*probe = (struct probe){0};
	if (filter_compile(&probe->filter, text_from(line), &m->fields, &diag))
		snprintf(probe->why, sizeof(probe->why), "%s", diag.message);
	return 0;
}

static int read_filters(struct matches *m)
{
	SCOPED(free_ptr) char *line = NULL;
	size_t room = 0;
	int r = 0;

	while (!r && getline(&line, &room, stdin) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		r = add_filter(m, line);
	}
	return r;
}

/* Line ends and parts would be taken for ours. */
static void print_value(const char *text, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		putchar((unsigned char)text[i] < 0x20 ? '?' : text[i]);
}

static void show_event(struct matches *m, const struct field_context *ctx)
{
	static char text[65536];

	printf("E" UNIT "%" PRIu64 UNIT "%" PRIu64 UNIT "%d", ctx->event->num, ctx->event->ts_ns,
	       ctx->event->tid);
	for (int i = 0; i < m->n_formats; i++) {
		arena_reset(&m->arena);
		printf(UNIT);
		print_value(text, format_print(m->formats[i], ctx, text, sizeof(text)));
	}
	printf("\n");
	for (size_t i = 0; i < m->n_probes; i++) {
		arena_reset(&m->arena);
		if (m->probes[i].filter && filter_eval(m->probes[i].filter, ctx))
			positions_add(&m->probes[i].found, ctx->event->num);
	}
}

static int replay(struct matches *m, struct source *source, struct state *state)
{
	struct subject subject;
	const struct event *ev;
	uint64_t first_ns = 0;
	int r;

	while ((r = source_next(source, &ev)) > 0) {
		struct field_context ctx = {
			.event = ev, .subject = &subject, .state = state, .arena = &m->arena};

		state_apply(state, ev, &subject);
		if (ev->quality & EVENT_STATE_ONLY)
			continue;
		first_ns = first_ns ? first_ns : ev->ts_ns;
		ctx.first_event_ns = first_ns;
		show_event(m, &ctx);
	}
	return r;
}

static void print_probe(const struct probe *probe, size_t i)
{
	uint64_t at = 0;
	struct positions none = {0};
	const char *comma = "";

	printf("F" UNIT "%zu" UNIT "%s%s", i, probe->filter ? "" : "!", probe->why);
	while ((at = positions_next_difference(&probe->found, &none, at))) {
		printf("%s%" PRIu64, comma, at);
		comma = ",";
	}
	printf("\n");
}

static int run(struct matches *m, const char *path)
{
	const struct state_config config = {.processes_max = 65536, .fds_per_process_max = 4096};
	SCOPED(source_destroy) struct source *source = NULL;
	SCOPED(state_destroy) struct state *state = NULL;
	struct diag diag = {0};
	int r = scap_source_create(&source, &path, 1, &diag);

	if (!r)
		r = state_create(&state, &config);
	if (!r)
		r = read_filters(m);
	if (!r)
		r = replay(m, source, state);
	if (r)
		fprintf(stderr, "scap_matches: %s: %s %s\n", path, strerror(-r), diag.message);
	for (size_t i = 0; !r && i < m->n_probes; i++)
		print_probe(&m->probes[i], i);
	return r;
}

static void matches_done(struct matches *m)
{
	for (int i = 0; i < m->n_formats; i++)
		format_destroy(&m->formats[i]);
	for (size_t i = 0; i < m->n_probes; i++) {
		filter_destroy(&m->probes[i].filter);
		positions_done(&m->probes[i].found);
	}
	free(m->probes);
	arena_done(&m->arena);
}

int main(int argc, char **argv)
{
	struct matches m = {.fields = {.tables = {state_field_table()}, .n_tables = 1}};
	int r = 0;

	if (argc < 2 || arena_init(&m.arena, ARENA_BYTES)) {
		fprintf(stderr, "usage: scap_matches CAPTURE FIELD... <FILTERS\n");
		return 2;
	}
	for (int i = 2; !r && i < argc; i++)
		r = add_field(&m, argv[i]);
	if (!r)
		r = run(&m, argv[1]);
	matches_done(&m);
	return r ? 1 : 0;
}
