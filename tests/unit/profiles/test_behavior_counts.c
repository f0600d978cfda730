/* Behaviours counted as Falco's plugin counts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profiles/behavior_counts.h"
#include "profiles/behavior_fields.h"
#include "state/state.h"

#define ARENA_BYTES (1u << 20)
#define S UINT64_C(1000000000)

/* What the fields give; .ptr NULL: absent. */
static struct {
	struct text container, name, fd_name;
	const char *ancestors[40];
	uint64_t n_args;
} shows;

static struct value made;

static bool give(struct text t, struct values *out)
{
	made = (struct value){.text = t, .type = VALUE_CHARBUF};
	*out = (struct values){&made, 1};
	return t.ptr != NULL;
}

static bool extract(const struct field_context *ctx, const struct field *field,
		    const struct field_arg *arg, struct values *out)
{
	(void)ctx;
	switch (field->variant) {
	case 0:
		return give(shows.container, out);
	case 1:
		return give(shows.name, out);
	case 2:
		return give(shows.fd_name, out);
	case 3:
		if (!arg->is_given || arg->index < 0 || arg->index >= 40)
			return false;
		return give(text_from(shows.ancestors[arg->index]), out);
	default:
		made = (struct value){.u64 = shows.n_args, .type = (enum value_type)field->type};
		*out = (struct values){&made, 1};
		return true;
	}
}

static const struct field all_fields[] = {
	{"container.id", VALUE_CHARBUF, 0, extract, NULL, "", 0},
	{"proc.name", VALUE_CHARBUF, 0, extract, NULL, "", 1},
	{"fd.name", VALUE_CHARBUF, 0, extract, NULL, "", 2},
	{"proc.aname", VALUE_CHARBUF, FIELD_ARG_ALLOWED | FIELD_ARG_INDEX, extract, NULL, "", 3},
	{"proc.cmdnargs", VALUE_UINT64, 0, extract, NULL, "", 4},
	{"proc.is_exe_writable", VALUE_BOOL, 0, extract, NULL, "", 4},
};

static const struct field_set fields = {.tables = {{all_fields, ARRAY_SIZE(all_fields)}},
					.n_tables = 1};

struct bench {
	struct behavior_counts *counts;
	struct diag diag;
	struct arena arena;
	struct event event;
	struct subject subject;
	struct fd_entry *entry;
	struct field_context ctx;
};

static struct event_set events_of(const enum event_type *types, size_t n)
{
	struct event_set set = {0};

	for (size_t i = 0; i < n; i++)
		set.types[types[i] / 64] |= UINT64_C(1) << (types[i] % 64);
	return set;
}

static struct behavior_profile profile_of(const char *text, enum event_type type)
{
	return (struct behavior_profile){
		.fields = text, .events = events_of(&type, 1), .rows = 4, .columns = 4096};
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b || arena_init(&b->arena, ARENA_BYTES))
		return -1;
	memset(&shows, 0, sizeof(shows));
	shows.container = TEXT("host");
	shows.name = TEXT("cat");
	b->event = (struct event){.type = EVENT_EXECVE, .ts_ns = 1000 * S};
	b->subject = (struct subject){.fd = -1};
	b->ctx = (struct field_context){
		.event = &b->event, .subject = &b->subject, .arena = &b->arena};
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	behavior_counts_destroy(&b->counts);
	arena_done(&b->arena);
	free(b);
	return 0;
}

static void make(struct bench *b, const struct behavior_profile *profiles, uint32_t n)
{
	behavior_counts_destroy(&b->counts);
	if (behavior_counts_create(&b->counts, profiles, n, &fields, 11, &b->diag))
		fail_msg("%s", b->diag.message);
}

/* The event goes by; what profile then says of it: UINT64_MAX when nothing. */
static uint64_t see(struct bench *b, uint32_t profile)
{
	uint64_t count = UINT64_MAX;

	arena_reset(&b->arena);
	behavior_counts_note(b->counts, &b->ctx);
	if (!behavior_counts_ask(b->counts, &b->ctx, profile, &count, NULL))
		return UINT64_MAX;
	return count;
}

static const char *shown(struct bench *b, uint32_t profile)
{
	static char text[1024];
	struct text t;

	if (!behavior_counts_ask(b->counts, &b->ctx, profile, NULL, &t))
		return "(none)";
	snprintf(text, sizeof(text), "%.*s", TEXT_ARGS(t));
	return text;
}

static void the_event_counts_itself(void **state)
{
	struct bench *b = *state;
	const struct behavior_profile profiles[] = {
		profile_of("%container.id %proc.name", EVENT_EXECVE)};

	make(b, profiles, 1);
	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(see(b, 0), i);
	assert_string_equal(shown(b, 0), "hostcat");
	shows.name = TEXT("dog");
	assert_int_equal(see(b, 0), 1);
	/* Another event is told how often its process was seen, and is not counted. */
	shows.name = TEXT("cat");
	b->event.type = EVENT_UNLINK;
	assert_int_equal(see(b, 0), 20);
	assert_int_equal(see(b, 0), 20);
	/* Nothing at all is no behaviour. */
	b->event.type = EVENT_EXECVE;
	shows.container = shows.name = TEXT_NONE;
	assert_int_equal(see(b, 0), 0);
	assert_int_equal(see(b, 0), 0);
	assert_string_equal(shown(b, 0), "");
	assert_int_equal(see(b, 1), UINT64_MAX); /* no such profile */
	assert_int_equal(see(b, UINT32_MAX), UINT64_MAX);
}

static void profiles_count_apart(void **state)
{
	struct bench *b = *state;
	const struct behavior_profile profiles[] = {
		profile_of("%container.id", EVENT_EXECVE),
		profile_of("%proc.name", EVENT_EXECVE),
		profile_of("%container.id", EVENT_CONNECT),
	};
	struct behavior_counters c;

	make(b, profiles, 3);
	see(b, 0);
	shows.name = TEXT("dog");
	assert_int_equal(see(b, 0), 2);
	assert_int_equal(see(b, 1), 2);
	assert_int_equal(see(b, 2), 0);
	b->event.type = EVENT_CONNECT;
	assert_int_equal(see(b, 2), 1);
	assert_int_equal(see(b, 0), 4);
	behavior_counts_counters(b->counts, &c);
	assert_int_equal(c.profiles, 3);
	assert_int_equal(c.updates_total, 10);
	assert_int_equal(c.cut_total, 0);
	assert_true(behavior_counts_events(b->counts)->types[EVENT_CONNECT / 64] >>
			    (EVENT_CONNECT % 64) &
		    1);
}

static void fields_do_not_run_together(void **state)
{
	struct bench *b = *state;
	const struct behavior_profile profiles[] = {
		profile_of("%container.id%proc.name", EVENT_EXECVE)};
	const struct behavior_profile apart[] = {
		profile_of("%container.id %proc.name", EVENT_EXECVE)};

	/* Names end at blanks, as there. */
	assert_int_equal(behavior_counts_create(&b->counts, profiles, 1, &fields, 1, &b->diag),
			 -EINVAL);
	make(b, apart, 1);
	shows.container = TEXT("ab");
	shows.name = TEXT("c");
	see(b, 0);
	shows.container = TEXT("a");
	shows.name = TEXT("bc");
	assert_int_equal(see(b, 0), 1);
	assert_string_equal(shown(b, 0), "abc");
}

static void own_fields_are_known(void **state)
{
	struct bench *b = *state;
	const enum event_type connect = EVENT_CONNECT;
	struct behavior_profile profiles[] = {
		profile_of("%custom.proc.aname.lineage.join[2]", EVENT_EXECVE),
		profile_of("%proc.aname %proc.aname[1]", EVENT_EXECVE),
		profile_of("text %proc.cmdnargs  and\t%proc.is_exe_writable", EVENT_EXECVE),
		profile_of("%custom.fd.name.part1", EVENT_CONNECT),
		profile_of("%custom.fd.name.part2", EVENT_CONNECT),
	};

	profiles[3].events = profiles[4].events = events_of(&connect, 1);
	make(b, profiles, 5);
	shows.ancestors[0] = "cat";
	shows.ancestors[1] = "bash";
	shows.ancestors[2] = "sshd";
	shows.ancestors[3] = "init";
	shows.n_args = 1;
	see(b, 0);
	assert_string_equal(shown(b, 0), "catbashsshd");
	assert_string_equal(shown(b, 1), "catbash");
	assert_string_equal(shown(b, 2), "11");
	shows.ancestors[2] = shows.ancestors[3] = NULL; /* a short lineage */
	see(b, 0);
	assert_string_equal(shown(b, 0), "catbash");
	b->event.type = EVENT_CONNECT;
	b->subject.fd_entry = (const struct fd_entry *)(const void *)b; /* only asked whether */
	shows.fd_name = TEXT("10.0.0.1:5000->10.0.0.2:443");
	assert_int_equal(see(b, 3), 1);
	assert_string_equal(shown(b, 3), "10.0.0.1:5000");
	assert_string_equal(shown(b, 4), "10.0.0.2:443");
	shows.fd_name = TEXT("/run/socket");
	see(b, 3);
	assert_string_equal(shown(b, 3), "/run/socket");
	assert_string_equal(shown(b, 4), "");
	assert_int_equal(see(b, 4), 0);
}

/* As there: events without a descriptor count nothing and are told 0; one that was to make a
 * descriptor and did not has no value. */
static void descriptors_are_needed(void **state)
{
	struct bench *b = *state;
	const struct behavior_profile profiles[] = {
		profile_of("%proc.name %fd.name", EVENT_OPENAT)};

	make(b, profiles, 1);
	shows.fd_name = TEXT("/etc/shadow");
	assert_int_equal(see(b, 0), 0);
	assert_string_equal(shown(b, 0), "");
	b->event.type = EVENT_OPENAT;
	assert_int_equal(see(b, 0), UINT64_MAX);
	assert_string_equal(shown(b, 0), "(none)");
	b->subject.fd_entry = (const struct fd_entry *)(const void *)b;
	assert_int_equal(see(b, 0), 1);
	assert_string_equal(shown(b, 0), "cat/etc/shadow");
	assert_int_equal(see(b, 0), 2);
}

static void mistakes_are_told(void **state)
{
	static const struct {
		const char *fields;
		enum event_type type;
		uint32_t rows, columns;
		const char *words;
	} rows[] = {
		{"", EVENT_EXECVE, 4, 100, "needs fields"},
		{"proc.name", EVENT_EXECVE, 4, 100, "needs fields"},
		{"%", EVENT_EXECVE, 4, 100, "name of a field"},
		{"%proc.name %", EVENT_EXECVE, 4, 100, "name of a field"},
		{"%proc.nome", EVENT_EXECVE, 4, 100, "proc.nome"},
		{"%custom.proc.aname.lineage.join", EVENT_EXECVE, 4, 100, "how many"},
		{"%custom.proc.aname.lineage.join[]", EVENT_EXECVE, 4, 100, "proc.aname"},
		{"%custom.proc.aname.lineage.join[-1]", EVENT_EXECVE, 4, 100, "how many"},
		{"%custom.proc.aname.lineage.join[33]", EVENT_EXECVE, 4, 100, "how many"},
		{"%custom.proc.aname.lineage.join[7", EVENT_EXECVE, 4, 100, "how many"},
		{"%custom.proc.aname.lineage.join[7]x", EVENT_EXECVE, 4, 100, "how many"},
		{"%custom.proc.aname.lineage.join[99999999999999999999]", EVENT_EXECVE, 4, 100,
		 "how many"},
		{"%custom.proc.aname.lineage.join[30] %custom.proc.aname.lineage.join[30] "
		 "%proc.name %proc.name %proc.name",
		 EVENT_EXECVE, 4, 100, "more than 64"},
		{"%fd.name", EVENT_EXECVE, 4, 100, "execve"},
		{"%proc.name", EVENT_EXECVE, 8, 16777216, "sketches of more"},
	};
	struct bench *b = *state;
	char long_name[400];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct behavior_profile profile = profile_of(rows[i].fields, rows[i].type);
		int r;

		profile.rows = rows[i].rows;
		profile.columns = rows[i].columns;
		b->diag = (struct diag){0};
		r = behavior_counts_create(&b->counts, &profile, 1, &fields, 1, &b->diag);
		if (strstr(rows[i].words, "proc.aname") && r == 0) { /* "[]" is the process */
			behavior_counts_destroy(&b->counts);
			continue;
		}
		if (r != -EINVAL || !strstr(b->diag.message, rows[i].words))
			fail_msg("'%s': %d, '%s'", rows[i].fields, r, b->diag.message);
		assert_null(b->counts);
	}
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[0] = '%';
	long_name[sizeof(long_name) - 1] = '\0';
	{
		struct behavior_profile profile = profile_of(long_name, EVENT_EXECVE);

		assert_int_equal(
			behavior_counts_create(&b->counts, &profile, 1, &fields, 1, &b->diag),
			-EINVAL);
	}
}

static void timers_forget(void **state)
{
	struct bench *b = *state;
	struct behavior_profile profiles[] = {profile_of("%proc.name", EVENT_EXECVE),
					      profile_of("%proc.name", EVENT_EXECVE)};
	struct behavior_counters c;

	profiles[0].reset_ns = 10 * S;
	make(b, profiles, 2);
	for (int i = 0; i < 10; i++) {
		see(b, 0);
		b->event.ts_ns += S;
	}
	assert_int_equal(see(b, 0), 1); /* ten seconds since the first */
	assert_int_equal(see(b, 1), 12);
	b->event.ts_ns += 9 * S;
	assert_int_equal(see(b, 0), 3);
	b->event.ts_ns += 1000 * S;
	assert_int_equal(see(b, 0), 1);
	assert_int_equal(see(b, 1), 15);
	behavior_counts_counters(b->counts, &c);
	assert_int_equal(c.resets_total, 2);
	b->event.ts_ns -= 900 * S; /* a clock set back stops no timer for long */
	see(b, 0);
	b->event.ts_ns += 11 * S;
	see(b, 0);
	b->event.ts_ns += 1000 * S;
	assert_int_equal(see(b, 0), 1);
}

/* A generator good enough for keys (Vigna's splitmix64). */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Random streams against exact counts: never below, above by more than eps of all for next to none
 * (gamma), and exact while there is room. */
static void estimates_keep_what_the_sizes_promise(void **state)
{
	enum { KEYS = 5000, EVENTS = 60000 };
	static uint32_t exact[KEYS];
	const double eps = 0.001, gamma = 0.01;
	struct bench *b = *state;
	struct behavior_profile profile = profile_of("%proc.name", EVENT_EXECVE);
	uint32_t n_far = 0, n_inexact_early = 0;
	uint64_t seed = 42;
	char name[32];

	profile.rows = (uint32_t)ceil(log(1 / gamma));
	profile.columns = (uint32_t)ceil(exp(1) / eps);
	make(b, &profile, 1);
	memset(exact, 0, sizeof(exact));
	for (int i = 0; i < EVENTS; i++) {
		uint64_t random = next_random(&seed);
		uint32_t key = (uint32_t)(random % (random >> 60 ? 300 : KEYS)); /* few often */
		uint64_t count;

		snprintf(name, sizeof(name), "program%u", key);
		shows.name = text_from(name);
		exact[key]++;
		count = see(b, 0);
		assert_true(count >= exact[key]);
		n_far += count > exact[key] + eps * (i + 1);
		n_inexact_early += i < 1000 && count != exact[key];
	}
	assert_true(n_far <= gamma * EVENTS);
	assert_int_equal(n_inexact_early, 0);
}

static void long_behaviours_are_cut_and_counted(void **state)
{
	struct bench *b = *state;
	const struct behavior_profile profiles[] = {
		profile_of("%proc.name %container.id", EVENT_EXECVE)};
	struct behavior_counters c;
	char *name = malloc(100000);

	assert_non_null(name);
	memset(name, 'x', 100000);
	shows.name = (struct text){name, 100000};
	make(b, profiles, 1);
	assert_int_equal(see(b, 0), 1);
	assert_int_equal(see(b, 0), 2);
	behavior_counts_counters(b->counts, &c);
	assert_int_equal(c.cut_total, 2);
	free(name);
}

static void counts_survive_a_restart(void **state)
{
	struct bench *b = *state;
	struct behavior_profile profiles[] = {profile_of("%proc.name", EVENT_EXECVE),
					      profile_of("%container.id", EVENT_EXECVE)};
	struct behavior_profile others[] = {profile_of("%container.id", EVENT_EXECVE),
					    profile_of("%proc.aname", EVENT_EXECVE),
					    profile_of("%proc.name", EVENT_EXECVE)};
	struct record_blob *blob;

	profiles[0].reset_ns = 100 * S;
	others[2].reset_ns = 100 * S;
	make(b, profiles, 2);
	assert_null(behavior_counts_image(b->counts));
	for (int i = 0; i < 7; i++)
		see(b, 0);
	blob = behavior_counts_image(b->counts);
	assert_non_null(blob);
	assert_null(behavior_counts_image(b->counts));
	make(b, others, 3);
	assert_int_equal(behavior_counts_load_image(b->counts, blob), 0);
	b->event.ts_ns += 40 * S;
	assert_int_equal(see(b, 0), 8);
	assert_int_equal(see(b, 1), 0);
	b->event.ts_ns += 50 * S; /* the timer went on, too */
	assert_int_equal(see(b, 2), 10);
	b->event.ts_ns += 15 * S;
	assert_int_equal(see(b, 2), 1);
	others[0].columns *= 2; /* another size: it begins anew */
	make(b, others, 3);
	assert_int_equal(behavior_counts_load_image(b->counts, blob), 0);
	assert_int_equal(see(b, 0), 1);
	record_free(blob);
}

/* Pieces make the same image as the whole at once. */
static void images_can_be_made_in_pieces(void **state)
{
	struct bench *b = *state;
	struct behavior_profile profiles[] = {profile_of("%proc.name", EVENT_EXECVE),
					      profile_of("%container.id", EVENT_EXECVE)};
	static const uint32_t sizes[] = {1, 7, 64, 1000, UINT32_MAX};

	profiles[0].columns = profiles[1].columns = 64;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct record_blob *whole, *blob = NULL;

		make(b, profiles, 2);
		behavior_counts_begin_image(b->counts);
		assert_null(behavior_counts_go_on(b->counts, 1)); /* nothing to tell */
		see(b, 0);
		whole = behavior_counts_image(b->counts);
		make(b, profiles, 2);
		see(b, 0);
		behavior_counts_begin_image(b->counts);
		for (int n = 0; !blob && n < 10000; n++)
			blob = behavior_counts_go_on(b->counts, sizes[i]);
		assert_non_null(blob);
		assert_true(text_equal(blob->bytes, whole->bytes));
		assert_null(behavior_counts_go_on(b->counts, sizes[i])); /* it was given */
		record_free(whole);
		record_free(blob);
	}
}

/* Counting, and forgetting, go on between them. */
static void images_have_what_was_there_when_they_began(void **state)
{
	struct bench *b = *state;
	struct behavior_profile profile = profile_of("%proc.name", EVENT_EXECVE);
	struct record_blob *blob = NULL;

	profile.columns = 64;
	profile.reset_ns = 100 * S;
	for (int forgets = 0; forgets < 2; forgets++) {
		make(b, &profile, 1);
		for (int i = 0; i < 5; i++)
			see(b, 0);
		behavior_counts_begin_image(b->counts);
		for (int i = 0; !blob && i < 10000; i++) {
			blob = behavior_counts_go_on(b->counts, 10);
			see(b, 0);
			behavior_counts_begin_image(b->counts); /* one is enough */
			b->event.ts_ns += forgets && i == 3 ? 101 * S : 0;
		}
		assert_non_null(blob);
		make(b, &profile, 1);
		assert_int_equal(behavior_counts_load_image(b->counts, blob), 0);
		if (forgets) /* once more, as the timer was to run out */
			assert_int_equal(see(b, 0), 1);
		else
			assert_in_range(see(b, 0), 6, 100);
		record_free(TAKE(blob));
	}
	see(b, 0);
	behavior_counts_begin_image(b->counts);
	behavior_counts_go_on(b->counts, 10); /* and is left */
}

/* As few rows, and as many columns, as one may ask for. */
static void wide_sketches_survive_a_restart(void **state)
{
	struct bench *b = *state;
	struct behavior_profile profile = profile_of("%proc.name", EVENT_EXECVE);
	struct record_blob *blob;

	profile.rows = 1;
	profile.columns = 1u << 22;
	make(b, &profile, 1);
	assert_int_equal(see(b, 0), 1);
	blob = behavior_counts_image(b->counts);
	assert_non_null(blob);
	make(b, &profile, 1);
	assert_int_equal(behavior_counts_load_image(b->counts, blob), 0);
	assert_int_equal(see(b, 0), 2);
	record_free(blob);
}

static void damaged_counts_are_refused(void **state)
{
	struct bench *b = *state;
	struct behavior_profile profile = profile_of("%proc.name", EVENT_EXECVE);
	struct behavior_counters c;
	struct record_blob *blob, damaged;
	char *bytes;
	uint32_t n_refused = 0;

	profile.columns = 64;
	make(b, &profile, 1);
	see(b, 0);
	blob = behavior_counts_image(b->counts);
	assert_non_null(blob);
	bytes = malloc(blob->bytes.len);
	assert_non_null(bytes);
	for (uint32_t i = 0; i < blob->bytes.len; i++) {
		make(b, &profile, 1);
		memcpy(bytes, blob->bytes.ptr, blob->bytes.len);
		damaged = (struct record_blob){.bytes = {bytes, i}};
		n_refused += behavior_counts_load_image(b->counts, &damaged) == -EBADMSG;
		bytes[i] = (char)~bytes[i];
		damaged.bytes.len = blob->bytes.len;
		behavior_counts_load_image(b->counts, &damaged); /* no crash */
		see(b, 0);
	}
	assert_int_equal(n_refused, blob->bytes.len); /* every one that was cut */
	behavior_counts_counters(b->counts, &c);
	assert_in_range(c.damaged_total, 1, 2);
	free(bytes);
	record_free(blob);
}

int main(void)
{
#define COUNTS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		COUNTS(the_event_counts_itself),
		COUNTS(profiles_count_apart),
		COUNTS(fields_do_not_run_together),
		COUNTS(own_fields_are_known),
		COUNTS(descriptors_are_needed),
		COUNTS(mistakes_are_told),
		COUNTS(timers_forget),
		COUNTS(estimates_keep_what_the_sizes_promise),
		COUNTS(long_behaviours_are_cut_and_counted),
		COUNTS(counts_survive_a_restart),
		COUNTS(images_can_be_made_in_pieces),
		COUNTS(images_have_what_was_there_when_they_began),
		COUNTS(wide_sketches_survive_a_restart),
		COUNTS(damaged_counts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
