/* What is stored of an event says of every field what the event itself said. */
#include "tests/unit/state/state_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "anomaly/incidents.h"
#include "base/util.h"
#include "daemon/stored_event.h"
#include "filter/stored.h"

static char buffer[STORED_BYTES_MAX], cut_buffer[512];

static struct field_set all_fields(void)
{
	return (struct field_set){.tables = {state_field_table(), anomaly_field_table()},
				  .n_tables = 2};
}

static struct field_context context_of(struct fixture *f)
{
	return (struct field_context){.event = f->last,
				      .subject = &f->subject,
				      .state = f->state,
				      .arena = &f->arena,
				      .first_event_ns = TEST_BOOT_EPOCH_NS};
}

/* The set that stores what these conditions ask for, besides the usual. */
static struct stored_set *make_set(const struct field_set *fields, const char *const *conditions)
{
	struct stored_set *set = NULL;

	assert_int_equal(stored_set_create(&set, fields), 0);
	for (; conditions && *conditions; conditions++) {
		struct operand_table table = {0};
		struct operand *operand = NULL;
		struct pool pool = {0};
		struct ast_node *node = pool_alloc(&pool, sizeof(*node));
		struct text name = text_from(*conditions);
		const char *bracket = strchr(*conditions, '[');

		node->kind = AST_FIELD;
		node->text = name;
		if (bracket) {
			node->has_arg = true;
			node->text.len = (uint32_t)(bracket - *conditions);
			node->arg = (struct text){bracket + 1, name.len - node->text.len - 2};
		}
		assert_int_equal(operand_compile(&operand, node, fields, &table, NULL), 0);
		assert_int_equal(stored_set_add(set, operand), 0);
		pool_done(&pool);
		operand_table_done(&table); /* the set copied what it needs */
	}
	return set;
}

struct stored {
	struct text fields, cut;
	cJSON *names;
	struct stored_event *event;
	struct explain_source source;
};

static void store(struct stored *s, const struct stored_set *set, const struct field_context *ctx,
		  const struct field_set *fields)
{
	struct print out = {.buffer = buffer, .size = sizeof(buffer)};
	struct print cut = {.buffer = cut_buffer, .size = sizeof(cut_buffer)};
	SCOPED(free_ptr) char *names = stored_set_names(set);
	struct diag diag = {0};

	stored_set_print(set, ctx, &out, &cut);
	assert_false(out.is_cut);
	*s = (struct stored){.fields = {buffer, out.len}, .cut = {cut_buffer, cut.len}};
	s->names = cJSON_Parse(names);
	assert_non_null(s->names);
	if (stored_event_create(&s->event, s->fields, s->names, s->cut, fields, &diag))
		fail_msg("%s", diag.message);
	stored_event_source(s->event, &s->source);
}

static void stored_done(struct stored *s)
{
	stored_event_destroy(&s->event);
	cJSON_Delete(s->names);
}

static bool values_equal(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_IPADDR || a->type == VALUE_IPNET)
		return a->ip.family == b->ip.family &&
		       memcmp(a->ip.bytes, b->ip.bytes, a->ip.family == 2 ? 4 : 16) == 0;
	if (a->type == VALUE_DOUBLE)
		return a->f64 == b->f64;
	if (value_type_is_text(a->type))
		return text_equal(a->text, b->text);
	return a->u64 == b->u64;
}

/* The named field, of the event and of what was stored. */
static void compare(struct fixture *f, const struct field_set *fields, const struct stored *s,
		    const char *name)
{
	struct field_context ctx = context_of(f);
	struct expr *real = NULL, *given = NULL;
	struct values want, got;
	bool is_there;
	struct diag diag = {0};

	if (expr_compile(&real, text_from(name), fields, &diag) ||
	    expr_compile(&given, text_from(name), stored_event_fields(s->event), &diag))
		fail_msg("%s: %s", name, diag.message);
	arena_reset(&f->arena);
	is_there = expr_eval(real, &ctx, &want);
	if (expr_eval(given, s->source.ctx, &got) != is_there)
		fail_msg("%s: %s", name, is_there ? "is lost" : "was absent");
	if (is_there && want.n != got.n)
		fail_msg("%s: %u values, want %u", name, got.n, want.n);
	for (uint32_t i = 0; is_there && i < want.n; i++) {
		if (!values_equal(&want.items[i], &got.items[i]))
			fail_msg("%s: value %u differs", name, i);
	}
	expr_destroy(&real);
	expr_destroy(&given);
}

static const char *const asked[] = {
	"proc.aname[2]", "evt.arg.data", "evt.buffer", "proc.env[A]",           "evt.args",
	"fd.nameraw",    "proc.args[1]", "evt.arg[1]", "thread.cgroup.unified", NULL};

/* Every name of the span, and every parameter. */
static void compare_all(struct fixture *f)
{
	struct field_set fields = all_fields();
	struct stored_set *set = make_set(&fields, asked);
	struct field_context ctx = context_of(f);
	const struct event_info *info = event_info(f->last->type);
	struct stored s;
	const cJSON *name;
	unsigned n = 0;

	store(&s, set, &ctx, &fields);
	assert_int_equal(s.cut.len, 0);
	cJSON_ArrayForEach(name, s.names)
	{
		if (strstr(name->valuestring, ".*"))
			continue;
		compare(f, &fields, &s, name->valuestring);
		n++;
	}
	assert_true(n > 70);
	for (unsigned i = 0; i < info->n_params; i++) {
		static const char *const of[] = {"evt.arg", "evt.rawarg"};

		for (unsigned j = 0; j < 2; j++) {
			char param[128];

			if (stored_leaves_out(text_from(of[j]), text_from(info->params[i].name)))
				continue;
			snprintf(param, sizeof(param), "%s.%s", of[j], info->params[i].name);
			compare(f, &fields, &s, param);
		}
	}
	stored_done(&s);
	stored_set_destroy(&set);
}

static const char hostile[] = "/tmp/\x1b[2J\"quoted\"\\back\n\xff\xfe\xe2\x80\xae\t/end";

static void events_come_back_field_by_field(void **state)
{
	struct fixture *f = *state;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/etc/shadow", TEST_O_RDONLY));
	compare_all(f);
	fixture_apply(f, event_open(&f->maker, &task_shell, 4, hostile, TEST_O_WRONLY));
	compare_all(f);
	fixture_apply(f, event_open(&f->maker, &task_shell, -2, hostile, TEST_O_RDONLY));
	compare_all(f);
	fixture_apply(f, event_exec(&f->maker, &task_child));
	compare_all(f);
	fixture_apply(f, event_socket(&f->maker, &task_shell, 5, 2, 1));
	fixture_apply(
		f, event_connect(&f->maker, &task_shell, 5, "10.0.0.1", 40000, "1.2.3.4", 443, 0));
	compare_all(f);
	fixture_apply(f, event_socket(&f->maker, &task_shell, 6, 10, 1));
	fixture_apply(f, event_connect(&f->maker, &task_shell, 6, "::1", 40000, "2001:db8::1", 443,
				       -111));
	compare_all(f);
	fixture_apply(f, event_path(&f->maker, &task_shell, EVENT_UNLINK, hostile, 0));
	compare_all(f);
	fixture_apply(f, event_fork(&f->maker, &task_shell, &task_child));
	compare_all(f);
	fixture_apply(f, event_exit(&f->maker, &task_child, 0, 1));
	compare_all(f);
}

static bool knows(const struct stored *s, const struct field_set *fields, const char *name)
{
	struct expr *expr = NULL;
	struct filter *filter = NULL;
	struct diag diag = {0};
	char text[128];
	cJSON *unknown;
	bool is_known;

	(void)fields, (void)expr;
	snprintf(text, sizeof(text), "%s exists", name);
	if (filter_compile(&filter, text_from(text), stored_event_fields(s->event), &diag))
		fail_msg("%s: %s", name, diag.message);
	unknown = filter_unknown_fields(filter, &s->source);
	is_known = cJSON_GetArraySize(unknown) == 0;
	cJSON_Delete(unknown);
	filter_destroy(&filter);
	return is_known;
}

static void what_was_not_stored_is_not_known(void **state)
{
	static const char *const conditions[] = {"proc.env[A]", "proc.aname[2]", "evt.arg.data",
						 NULL};
	static const struct {
		const char *name;
		bool is_known;
	} rows[] = {
		{"proc.name", true},
		{"fd.name", true},
		{"fd.sip", true}, /* absent, and that is known */
		{"proc.env", false},
		{"proc.env[A]", true},
		{"proc.env[B]", false},
		{"proc.aname", true},
		{"proc.aname[0]", true},
		{"proc.aname[1]", true},
		{"proc.aname[7]", true}, /* past the oldest: known to be none */
		{"proc.aenv[X]", false},
		{"evt.arg.flags", true},
		{"evt.rawarg.flags", false},
		{"evt.arg.uid", true}, /* of other events: absent */
		{"evt.arg.data", true},
		{"evt.rawarg.data", false},
		{"evt.arg.env", false},
		{"evt.arg[3]", false},
		{"evt.buffer", false},
		{"evt.time", false},
		{"evt.pluginname", true}, /* never has a value */
		{"anomaly.dimension", true},
		{"anomaly.dimension[exec]", false},
		{"incident.id", true},
		{"proc.args[1]", false},
	};
	struct fixture *f = *state;
	struct field_set fields = all_fields();
	struct stored_set *set = make_set(&fields, conditions);
	struct field_context ctx;
	struct stored s;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/etc/shadow", TEST_O_RDONLY));
	ctx = context_of(f);
	store(&s, set, &ctx, &fields);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (knows(&s, &fields, rows[i].name) != rows[i].is_known)
			fail_msg("%s: known %d", rows[i].name, !rows[i].is_known);
	}
	stored_done(&s);
	stored_set_destroy(&set);
}

/* Without its span only what has a value is known. */
static void without_a_span_absence_is_not_known(void **state)
{
	struct fixture *f = *state;
	struct field_set fields = all_fields();
	struct stored s = {0};
	struct diag diag = {0};

	(void)f;
	assert_int_equal(stored_event_create(&s.event, TEXT("{\"proc.name\":\"sh\",\"no.such\":1}"),
					     NULL, TEXT(""), &fields, &diag),
			 0);
	stored_event_source(s.event, &s.source);
	assert_true(knows(&s, &fields, "proc.name"));
	assert_false(knows(&s, &fields, "proc.pname"));
	stored_event_destroy(&s.event);
	assert_int_equal(stored_event_create(&s.event, TEXT("[1]"), NULL, TEXT(""), &fields, &diag),
			 -EINVAL);
	assert_int_equal(stored_event_create(&s.event, TEXT("{\"proc.name\":\"s"), NULL, TEXT(""),
					     &fields, &diag),
			 -EINVAL);
}

/* A field that does not fit is named, and all others are there. */
static void what_does_not_fit_is_named(void **state)
{
	struct fixture *f = *state;
	struct field_set fields = all_fields();
	struct stored_set *set = make_set(&fields, NULL);
	struct test_task task = task_child;
	static char argument[7000];
	const char *args[] = {argument, NULL};
	struct field_context ctx;
	struct stored s;

	memset(argument, '\xff', sizeof(argument) - 1); /* five bytes each */
	task.args = args;
	fixture_start(f);
	fixture_apply(f, event_exec(&f->maker, &task));
	ctx = context_of(f);
	store(&s, set, &ctx, &fields);
	assert_non_null(strstr(s.cut.ptr, "proc.cmdline"));
	assert_false(knows(&s, &fields, "proc.cmdline"));
	assert_true(knows(&s, &fields, "proc.name"));
	assert_true(knows(&s, &fields, "workload.name"));
	assert_true(s.fields.len < STORED_BYTES_MAX);
	stored_done(&s);
	stored_set_destroy(&set);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(events_come_back_field_by_field),
		TEST(what_was_not_stored_is_not_known),
		TEST(without_a_span_absence_is_not_known),
		TEST(what_does_not_fit_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
