/* Whatever happens to processes, rules answer with plans as without. */
#include "rules/plans.h"

#include "state/state.h"
#include "tests/lib/allocations.h"
#include "tests/lib/events.h"
#include "tests/unit/rules/rules_test.h"

#define ARENA_BYTES (1u << 20)
#define TASKS 12
#define STEPS 30000

static const char *const rules[] = {
	RULE("cat", "evt.type = openat and proc.name = cat", ""),
	RULE("not cat", "evt.type = openat and not proc.name in (cat)", ""),
	RULE("child of sh", "evt.type in (openat, execve) and proc.pname = sh", ""),
	RULE("below ssh", "evt.type = openat and proc.aname in (ssh) and fd.name startswith /etc",
	     ""),
	RULE("second ancestor", "evt.type = openat and proc.aname[2] = sh", ""),
	RULE("path",
	     "evt.type in (openat, close) and proc.exepath startswith /bin and "
	     "(fd.name = /etc/x or fd.name = /tmp/y)",
	     ""),
	RULE("parent's path", "evt.type = openat and proc.pexepath = /bin/ssh", ""),
	RULE("ppid", "evt.type = openat and proc.ppid = 1", ""),
	RULE("below init", "evt.type = openat and proc.apid[2] = 1", ""),
	RULE("fifth inside", "evt.type = openat and proc.vpid = 5", ""),
	RULE("same name", "evt.type = openat and proc.name = val(proc.pname)", ""),
	RULE("environment", "evt.type = openat and proc.env[A] = 1", ""),
	RULE("host", "evt.type = openat and container.id = host", ""),
	RULE("written",
	     "evt.type = openat and evt.is_open_write = true and "
	     "(fd.num >= 0 and proc.name = cat or fd.name = /etc/x)",
	     ""),
	RULE("in vain",
	     "evt.type = openat and fd.num = -1 and evt.res = EACCES and fd.directory = /etc", ""),
	RULE("number",
	     "evt.type = openat and fd.num = 7 and evt.is_open_create = true and fd.filename = x",
	     ""),
	RULE("many", "evt.type = openat and not proc.name = cat",
	     "  count: {by: [proc.pid], within: 40ms, at_least: 3, distinct: fd.name}\n"),
	RULE("often", "evt.type in (openat, close)",
	     "  count: {by: [proc.name], within: 20ms, at_least: 4}\n"),
	"- rule: chain\n  desc: d\n  output: o\n  priority: INFO\n"
	"  sequence: [evt.type = openat and proc.name = cat, 'evt.type in (openat, close)',\n"
	"             evt.type = openat and not proc.aname in (ssh)]\n"
	"  by: [proc.ppid]\n  within: 100ms\n",
};

struct fixture {
	struct rule_set *with, *without;
	struct state *state;
	struct event_maker maker;
	struct arena arena;
	struct field_set fields;
	uint64_t allocations; /* while matching with plans */
};

static struct rule_set *load_text(struct fixture *f, const char *text)
{
	const struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	struct rule_set *set = NULL;

	assert_int_equal(rule_loader_create(&loader, &f->fields, &options), 0);
	if (rule_loader_add(loader, "rules", text, strlen(text), &set, &messages))
		fail_msg("%s", messages.items[0].message);
	return set;
}

static struct rule_set *load(struct fixture *f)
{
	char text[8192] = "";

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		strcat(text, rules[i]);
	return load_text(f, text);
}

static int setup(void **state)
{
	const struct state_config config = {.processes_max = 8192,
					    .fds_per_process_max = 64,
					    .boot_epoch_ns = TEST_BOOT_EPOCH_NS};
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->fields = (struct field_set){.tables = {state_field_table()}, .n_tables = 1};
	event_maker_init(&f->maker, 1000);
	if (state_create(&f->state, &config) || arena_init(&f->arena, ARENA_BYTES))
		return -1;
	f->with = load(f);
	f->without = load(f);
	plans_destroy(&f->without->plans);
	allocations_begin();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rule_set_destroy(&f->with);
	rule_set_destroy(&f->without);
	state_destroy(&f->state);
	arena_done(&f->arena);
	test_free(f);
	return 0;
}

/* Bit by rule. */
static uint64_t match(struct fixture *f, struct rule_set *set, const struct field_context *ctx)
{
	struct rule_match matches[RULE_MATCHES_MAX];
	uint64_t bits = 0;
	uint32_t n;

	arena_reset(&f->arena);
	n = rule_set_match(set, TEXT("syscall"), ctx, matches);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(i == 0 || matches[i].rule > matches[i - 1].rule);
		bits |= UINT64_C(1) << matches[i].rule;
	}
	return bits;
}

/* What matched, with plans as without. */
static uint64_t apply(struct fixture *f, const struct event *ev)
{
	struct subject subject;
	struct field_context ctx = {
		.event = ev, .subject = &subject, .state = f->state, .arena = &f->arena};
	uint64_t with, without;

	assert_int_equal(state_apply(f->state, ev, &subject), 0);
	f->allocations -= allocations_total();
	with = match(f, f->with, &ctx);
	f->allocations += allocations_total();
	without = match(f, f->without, &ctx);
	if (with != without)
		fail_msg("event %lu: %lx with plans, %lx without", (unsigned long)ev->num,
			 (unsigned long)with, (unsigned long)without);
	return with;
}

static bool has_rule(const struct fixture *f, uint64_t bits, const char *name)
{
	for (uint32_t i = 0; i < rule_set_size(f->with); i++) {
		struct rule_info info;

		rule_set_info(f->with, i, &info);
		if (text_equal(info.name, text_from(name)))
			return bits >> i & 1;
	}
	fail_msg("no rule '%s'", name);
	return false;
}

static uint64_t open_often(struct fixture *f, const struct test_task *task, const char *path)
{
	uint64_t bits = 0;

	for (int i = 0; i < 8; i++)
		bits = apply(f, event_open(&f->maker, task, 5, path, TEST_O_RDONLY));
	return bits;
}

static void verdicts_follow_the_process(void **state)
{
	struct fixture *f = *state;
	struct test_task init = {.pid = 1, .start_ns = 1, .exec_id = 1, .exepath = "/sbin/init"};
	struct test_task sh = {.pid = 2,
			       .start_ns = 2,
			       .exec_id = 1,
			       .ppid = 1,
			       .parent_start_ns = 1,
			       .exepath = "/bin/sh"};
	struct test_task cat = {.pid = 3,
				.start_ns = 3,
				.exec_id = 1,
				.ppid = 2,
				.parent_start_ns = 2,
				.exepath = "/bin/cat"};
	struct task_facts after = {.comm = TEXT("renamed")};
	struct event *ev;
	uint64_t bits;

	apply(f, event_scan(&f->maker, &init));
	apply(f, event_scan(&f->maker, &sh));
	apply(f, event_scan(&f->maker, &cat));
	bits = open_often(f, &cat, "/etc/x");
	assert_true(has_rule(f, bits, "cat") && has_rule(f, bits, "child of sh") &&
		    has_rule(f, bits, "path"));
	assert_false(has_rule(f, bits, "not cat") || has_rule(f, bits, "below ssh"));

	ev = event_path(&f->maker, &sh, EVENT_CHROOT, "/", 0); /* the parent's name was changed */
	ev->after = &after;
	apply(f, ev);
	bits = open_often(f, &cat, "/etc/x");
	assert_false(has_rule(f, bits, "child of sh"));

	sh.exepath = "/bin/ssh"; /* the parent becomes another program */
	sh.exec_id++;
	apply(f, event_exec(&f->maker, &sh));
	bits = open_often(f, &cat, "/etc/x");
	assert_true(has_rule(f, bits, "below ssh") && has_rule(f, bits, "parent's path"));
	assert_false(has_rule(f, bits, "child of sh"));

	cat.exepath = "/bin/dog"; /* then it itself */
	cat.exec_id++;
	apply(f, event_exec(&f->maker, &cat));
	bits = open_often(f, &cat, "/etc/x");
	assert_true(has_rule(f, bits, "not cat"));
	assert_false(has_rule(f, bits, "cat") || has_rule(f, bits, "ppid"));

	apply(f, event_exit(&f->maker, &sh, 0, 1)); /* then it has another parent */
	bits = open_often(f, &cat, "/etc/x");
	assert_true(has_rule(f, bits, "ppid"));
	assert_false(has_rule(f, bits, "below ssh") || has_rule(f, bits, "parent's path"));
}

/* Events of both and of a child come before the creator's call returns, which tells who the
 * ancestors are. Its descendants have not changed, but what is above them. */
static void verdicts_follow_what_is_told_late(void **state)
{
	struct fixture *f = *state;
	struct test_task init = {.pid = 1, .start_ns = 1, .exec_id = 1};
	struct test_task early = {.pid = 9, .start_ns = 9, .exec_id = 1};
	struct test_task below = {.pid = 10,
				  .start_ns = 10,
				  .exec_id = 1,
				  .ppid = 9,
				  .parent_start_ns = 9,
				  .exepath = "/bin/cat"};
	uint64_t bits;

	open_often(f, &init, "/etc/x");
	bits = open_often(f, &early, "/etc/x");
	assert_false(has_rule(f, bits, "ppid"));
	apply(f, event_scan(&f->maker, &below));
	bits = open_often(f, &below, "/etc/x");
	assert_false(has_rule(f, bits, "below init"));

	apply(f, event_fork(&f->maker, &init, &early));
	bits = open_often(f, &below, "/etc/x");
	assert_true(has_rule(f, bits, "below init"));
	bits = open_often(f, &early, "/etc/x");
	assert_true(has_rule(f, bits, "ppid"));
}

/* An invented process tells its numbers, but no other name. */
static void verdicts_follow_the_number_inside(void **state)
{
	struct fixture *f = *state;
	struct test_task task = {.pid = 9, .start_ns = 9, .exec_id = 1, .exepath = "", .vpid = 5};
	struct event *ev;
	uint64_t bits = open_often(f, &task, "/etc/x");

	assert_false(has_rule(f, bits, "fifth inside"));
	ev = event_fork(&f->maker, &task, &task);
	event_set_res(ev, 0);
	f->maker.task.unknown = TASK_UNKNOWN_COMM;
	apply(f, ev);
	bits = open_often(f, &task, "/etc/x");
	assert_true(has_rule(f, bits, "fifth inside"));
}

/* Late events of a process that has ended, and is kept for who descends from it: it has no parent
 * and no environment any more. */
static void verdicts_follow_the_end(void **state)
{
	static const char *const env[] = {"A=1", NULL};
	struct fixture *f = *state;
	struct test_task cat = {
		.pid = 3, .start_ns = 3, .exec_id = 1, .exepath = "/bin/cat", .env = env};
	struct test_task child = cat;
	uint64_t bits;

	child.pid = 4;
	child.start_ns = 4;
	child.ppid = 3;
	child.parent_start_ns = 3;
	apply(f, event_scan(&f->maker, &cat));
	apply(f, event_fork(&f->maker, &cat, &child));
	bits = open_often(f, &cat, "/etc/x");
	assert_true(has_rule(f, bits, "cat") && has_rule(f, bits, "environment"));
	apply(f, event_exit(&f->maker, &cat, 0, 1));
	bits = open_often(f, &cat, "/etc/x");
	assert_true(has_rule(f, bits, "cat"));
	assert_false(has_rule(f, bits, "environment"));
}

/* What plans say with so much room for values. */
static uint64_t match_in(struct fixture *f, const struct event *ev, size_t room)
{
	struct subject subject;
	struct field_context ctx = {
		.event = ev, .subject = &subject, .state = f->state, .arena = &f->arena};
	uint64_t bits;

	assert_int_equal(state_apply(f->state, ev, &subject), 0);
	f->arena.size = room;
	bits = match(f, f->with, &ctx);
	f->arena.size = ARENA_BYTES;
	return bits;
}

/* Values that had no room are absent, which says nothing of the next event. */
static void want_of_room_is_not_remembered(void **state)
{
	struct fixture *f = *state;
	struct test_task cat = {.pid = 3, .start_ns = 3, .exec_id = 1, .exepath = "/bin/cat"};
	struct rule_counters counters;
	uint64_t bits, cramped = 0, refused;
	struct event *ev;

	apply(f, event_scan(&f->maker, &cat));
	for (uint32_t room = 0; room < 1024; room += 16) {
		cat.exec_id++;
		apply(f, event_exec(&f->maker, &cat));
		ev = event_open(&f->maker, &cat, (int32_t)room, "/etc/x", TEST_O_WRONLY);
		refused = f->arena.refused_total;
		match_in(f, ev, room);
		cramped += f->arena.refused_total != refused;
		bits = match_in(f, ev, ARENA_BYTES);
		assert_true(has_rule(f, bits, "path") && has_rule(f, bits, "written") &&
			    has_rule(f, bits, "cat"));
		assert_false(has_rule(f, bits, "not cat"));
	}
	rule_set_counters(f->with, &counters);
	assert_true(cramped > 8);
	assert_int_equal(counters.events_cramped_total, cramped);
}

static uint64_t chance = 1;

static uint32_t dice(uint32_t n)
{
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(chance >> 33) % n;
}

struct crowd {
	struct test_task tasks[TASKS];
	bool is_alive[TASKS];
	int32_t next_pid;
};

static void fork_one(struct fixture *f, struct crowd *crowd, uint32_t by, uint32_t as)
{
	struct test_task *parent = &crowd->tasks[by], *child = &crowd->tasks[as];

	*child = *parent;
	child->pid = ++crowd->next_pid;
	child->start_ns = f->maker.now_ns - TEST_BOOT_EPOCH_NS;
	child->ppid = parent->pid;
	child->parent_start_ns = parent->start_ns;
	apply(f, event_fork(&f->maker, parent, child));
	crowd->is_alive[as] = true;
}

static void exit_one(struct fixture *f, struct crowd *crowd, uint32_t who)
{
	apply(f, event_exit(&f->maker, &crowd->tasks[who], 0, 1));
	crowd->is_alive[who] = false;
	for (uint32_t i = 0; i < TASKS; i++) {
		if (crowd->is_alive[i] && crowd->tasks[i].ppid == crowd->tasks[who].pid) {
			crowd->tasks[i].ppid = 1;
			crowd->tasks[i].parent_start_ns = 1;
		}
	}
}

/* For any purpose, with any result. */
static void open_one(struct fixture *f, const struct test_task *task, const char *path)
{
	static const uint32_t flags[] = {TEST_O_RDONLY, TEST_O_WRONLY, TEST_O_RDWR,
					 TEST_O_WRONLY | TEST_O_CREAT | TEST_O_F_CREATED};
	static const int32_t results[] = {3, 3, 3, 7, -2, -13};

	apply(f, event_open(&f->maker, task, results[dice(ARRAY_SIZE(results))], path,
			    flags[dice(ARRAY_SIZE(flags))]));
}

static void step(struct fixture *f, struct crowd *crowd)
{
	static const char *const programs[] = {"/bin/sh", "/bin/cat", "/bin/ssh", "/usr/bin/dog"};
	static const char *const paths[] = {"/etc/x", "/tmp/y", "/etc/passwd", "/home/z"};
	uint32_t who = dice(TASKS), other = 1 + dice(TASKS - 1);
	struct test_task *task = &crowd->tasks[who];

	if (!crowd->is_alive[who])
		return;
	switch (dice(24)) {
	case 0:
		if (!crowd->is_alive[other])
			fork_one(f, crowd, who, other);
		break;
	case 1:
		task->exepath = programs[dice(ARRAY_SIZE(programs))];
		task->exec_id++;
		apply(f, event_exec(&f->maker, task));
		break;
	case 2:
		if (who && dice(2))
			exit_one(f, crowd, who);
		break;
	case 3:
		apply(f, event_close(&f->maker, task, 5));
		break;
	default:
		open_one(f, task, paths[dice(ARRAY_SIZE(paths))]);
	}
}

static void plans_change_no_answer(void **state)
{
	static const char *const env[] = {"A=1", NULL};
	struct fixture *f = *state;
	struct crowd crowd = {.next_pid = 1};
	struct rule_info info;

	crowd.tasks[0] = (struct test_task){
		.pid = 1, .start_ns = 1, .exec_id = 1, .exepath = "/sbin/init", .env = env};
	crowd.is_alive[0] = true;
	apply(f, event_scan(&f->maker, &crowd.tasks[0]));
	for (int i = 0; i < STEPS; i++)
		step(f, &crowd);
	for (uint32_t i = 0; i < rule_set_size(f->with); i++) {
		rule_set_info(f->with, i, &info);
		if (info.hits_total < 20) /* each must have had its say */
			fail_msg("'%.*s' matched %lu times", TEXT_ARGS(info.name),
				 (unsigned long)info.hits_total);
	}
	assert_int_equal(f->allocations, 0);
}

static struct test_task nth_task(uint32_t n)
{
	return (struct test_task){.pid = 1000 + (int32_t)n,
				  .start_ns = 1000 + n,
				  .exec_id = 1,
				  .ppid = 2,
				  .parent_start_ns = 2,
				  .exepath = n % 3 ? "/bin/cat" : "/usr/bin/dog"};
}

/* More than there are seats: each takes another's. */
static void many_processes_take_turns(void **state)
{
	struct fixture *f = *state;
	struct test_task sh = {.pid = 2, .start_ns = 2, .exec_id = 1, .exepath = "/bin/sh"};
	uint64_t cats = 0;

	apply(f, event_scan(&f->maker, &sh));
	for (uint32_t n = 0; n < 5000; n++) {
		struct test_task task = nth_task(n);

		apply(f, event_scan(&f->maker, &task));
	}
	for (uint32_t n = 0; n < 15000; n++) {
		struct test_task task = nth_task(dice(5000));

		cats += has_rule(f,
				 apply(f, event_open(&f->maker, &task, 5,
						     dice(2) ? "/etc/x" : "/tmp/y", TEST_O_RDONLY)),
				 "cat");
	}
	assert_true(cats > 5000 && cats < 15000);
	assert_int_equal(f->allocations, 0);
}

/* More files than are remembered, some again and again, for several purposes and in vain. */
static void many_files_take_turns(void **state)
{
	struct fixture *f = *state;
	struct plans_counters counters;
	struct test_task task = nth_task(1);
	size_t bytes = plans_bytes(f->with->plans);
	char path[64];

	apply(f, event_scan(&f->maker, &task));
	for (uint32_t n = 0; n < 60000; n++) {
		snprintf(path, sizeof(path), "/%s/%u", dice(2) ? "etc" : "tmp",
			 dice(3) ? dice(50) : dice(40000));
		open_one(f, &task, dice(20) ? path : "/etc/x");
	}
	plans_counters(f->with->plans, &counters);
	assert_int_equal(counters.opens_total, 60000);
	assert_true(counters.remembered_total > 20000 && counters.remembered_total < 50000);
	assert_int_equal(plans_bytes(f->with->plans), bytes);
	assert_int_equal(f->allocations, 0);
}

/* All but one, which are put in the order of definition without allocating. */
static void many_rules_may_be_true(void **state)
{
	enum { RULES = 700, EXCEPTED = 3 };
	static char text[RULES * 128];
	struct test_task cat = nth_task(3);
	struct fixture *f = *state;
	struct rule_counters counters;
	uint64_t bits;
	size_t len = 0;

	for (int i = 0; i < RULES; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"- rule: r%d\n  desc: d\n  output: o\n  priority: INFO\n"
					"  condition: evt.type = openat and fd.num != %d\n",
					i, i);
	rule_set_destroy(&f->with);
	rule_set_destroy(&f->without);
	f->with = load_text(f, text);
	f->without = load_text(f, text);
	plans_destroy(&f->without->plans);
	apply(f, event_scan(&f->maker, &cat));
	bits = apply(f, event_open(&f->maker, &cat, EXCEPTED, "/etc/x", TEST_O_RDONLY));
	assert_int_equal(bits, 0x1ffff & ~(1u << EXCEPTED));
	rule_set_counters(f->with, &counters);
	assert_int_equal(counters.matches_dropped_total, RULES - 1 - RULE_MATCHES_MAX);
	assert_int_equal(f->allocations, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(verdicts_follow_the_process, setup, teardown),
		cmocka_unit_test_setup_teardown(verdicts_follow_what_is_told_late, setup, teardown),
		cmocka_unit_test_setup_teardown(verdicts_follow_the_number_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(verdicts_follow_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(want_of_room_is_not_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(plans_change_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(many_processes_take_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(many_files_take_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(many_rules_may_be_true, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
