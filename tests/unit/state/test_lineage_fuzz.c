#include "state_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Random forks, execs, exits and reparenting, against a plain model that never forgets. */
enum { PIDS = 40, ROUNDS = 30000, NOBODY = -1 };

struct model_process {
	bool is_alive;
	int parent;  /* index; NOBODY unknown */
	int creator; /* index of the model's record of it */
	uint64_t start_ns;
	int32_t pid;
	char exe[32];
};

struct model {
	struct model_process all[ROUNDS + 1]; /* every process there ever was */
	int n;
	int by_pid[PIDS]; /* the live one; NOBODY */
	uint64_t seed;
};

static uint32_t draw(struct model *m, uint32_t below)
{
	m->seed = m->seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(m->seed >> 33) % below;
}

static int pick_alive(struct model *m)
{
	for (int tries = 0; tries < 1000; tries++) {
		int i = m->by_pid[draw(m, PIDS)];

		if (i != NOBODY)
			return i;
	}
	return NOBODY;
}

static struct test_task task_of(const struct model_process *p, const struct model *m)
{
	return (struct test_task){
		.pid = p->pid,
		.start_ns = p->start_ns,
		.exec_id = 1,
		.ppid = p->parent != NOBODY ? m->all[p->parent].pid : 0,
		.parent_start_ns = p->parent != NOBODY ? m->all[p->parent].start_ns : 0,
		.exepath = p->exe,
	};
}

static void do_fork(struct fixture *f, struct model *m)
{
	int creator = pick_alive(m), slot = (int)draw(m, PIDS);
	struct model_process *child = &m->all[m->n];
	struct test_task who, task;

	if (creator == NOBODY || m->by_pid[slot] != NOBODY)
		return;
	*child = m->all[creator];
	child->pid = slot + 2;
	child->start_ns = (uint64_t)(m->n + 100) * 1000;
	child->parent = creator;
	child->creator = creator;
	m->by_pid[slot] = m->n++;
	who = task_of(&m->all[creator], m);
	task = task_of(child, m);
	fixture_apply(f, event_fork(&f->maker, &who, &task));
}

static void do_exec(struct fixture *f, struct model *m)
{
	int i = pick_alive(m);
	struct test_task task;

	if (i == NOBODY)
		return;
	snprintf(m->all[i].exe, sizeof(m->all[i].exe), "/bin/x%u", draw(m, 1000));
	task = task_of(&m->all[i], m);
	fixture_apply(f, event_exec(&f->maker, &task));
}

static void do_exit(struct fixture *f, struct model *m)
{
	int i = pick_alive(m), reaper = pick_alive(m);
	struct test_task task;

	if (i == NOBODY || i == 0)
		return;
	if (reaper == i)
		reaper = 0;
	task = task_of(&m->all[i], m);
	fixture_apply(f, event_exit(&f->maker, &task, 0, m->all[reaper].pid));
	m->all[i].is_alive = false;
	m->by_pid[m->all[i].pid - 2] = NOBODY;
	for (int c = 0; c < m->n; c++) {
		if (m->all[c].is_alive && m->all[c].parent == i)
			m->all[c].parent = reaper;
	}
	/* Let the end take effect. */
	task = task_of(&m->all[0], m);
	fixture_apply(f, event_open(&f->maker, &task, 3, "/x", TEST_O_RDONLY));
}

static void check_one(const struct fixture *f, const struct model *m, int i)
{
	const struct model_process *want = &m->all[i];
	const struct process *got = state_find_process(f->state, want->pid, want->start_ns), *c;
	int creator = want->creator;

	assert_non_null(got);
	assert_true(got->is_alive);
	assert_true(text_equal(got->exepath, text_from(want->exe)));
	assert_int_equal(got->parent ? got->parent->pid : 0,
			 want->parent != NOBODY ? m->all[want->parent].pid : 0);
	/* All creators up to the first process, dead or alive. */
	for (c = got->creator; creator != NOBODY; c = c->creator) {
		assert_non_null(c);
		assert_int_equal(c->pid, m->all[creator].pid);
		assert_int_equal(c->start_ns, m->all[creator].start_ns);
		assert_int_equal(c->is_alive, m->all[creator].is_alive);
		creator = m->all[creator].creator;
	}
	assert_null(c);
	assert_non_null(got->workload);
	assert_true(got->workload->n_live > 0);
}

static bool count_live(struct process *process, void *arg)
{
	uint32_t *n = arg;

	assert_true(process->is_alive);
	(*n)++;
	return true;
}

static void lineage_agrees_with_a_model(void **out)
{
	struct fixture *f = *out;
	struct model *m = calloc(1, sizeof(*m));
	struct state_counters counters;
	struct test_task root;
	uint32_t n_alive, n_live;

	assert_non_null(m);
	m->seed = 7;
	memset(m->by_pid, NOBODY, sizeof(m->by_pid));
	m->all[0] = (struct model_process){.is_alive = true,
					   .parent = NOBODY,
					   .creator = NOBODY,
					   .start_ns = 5,
					   .pid = 2,
					   .exe = "/bin/root"};
	m->by_pid[0] = 0;
	m->n = 1;
	root = task_of(&m->all[0], m);
	fixture_apply(f, event_scan(&f->maker, &root));
	for (int round = 0; round < ROUNDS && m->n < ROUNDS; round++) {
		switch (draw(m, 8)) {
		case 0:
		case 1:
		case 2:
			do_fork(f, m);
			break;
		case 3:
			do_exec(f, m);
			break;
		default:
			do_exit(f, m);
			break;
		}
		if (round % 50)
			continue;
		n_alive = n_live = 0;
		for (int i = 0; i < PIDS; i++) {
			if (m->by_pid[i] == NOBODY)
				continue;
			check_one(f, m, m->by_pid[i]);
			n_alive++;
		}
		state_each_process(f->state, count_live, &n_live);
		assert_int_equal(n_live, n_alive);
	}
	state_counters(f->state, &counters);
	assert_int_equal(counters.unknown_task_total, 0);
	assert_int_equal(counters.evicted_total, 0);
	free(m);
}

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return *seed >> 16;
}

/* Events whose every number and text is arbitrary. */
static void any_event_is_survived(void **out)
{
	static char text[9000];
	struct fixture *f = *out;
	struct state_counters counters;
	uint64_t seed = 99;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "/../=:\0@\n\xffkubepods.slice docker"[next(&seed) % 32];
	for (int round = 0; round < 60000; round++) {
		struct test_task who = {.pid = (int32_t)(next(&seed) % 100),
					.tid = (int32_t)(next(&seed) % 120),
					.start_ns = next(&seed) % 3,
					.exec_id = next(&seed) % 3,
					.ppid = (int32_t)(next(&seed) % 100),
					.exepath = "/x"};
		struct event *ev = next(&seed) % 2 ? event_fork(&f->maker, &who, &task_child)
						   : event_exec(&f->maker, &who);
		static const char *const fields[] = {
			"evt.args",     "fd.name",  "proc.cmdline",   "proc.aname",
			"container.id", "fd.types", "fs.path.source", "evt.abspath"};

		ev->type = (enum event_type)(next(&seed) % EVENT_TYPE_END);
		ev->n_params = event_info(ev->type)->n_params;
		ev->fd = (int32_t)(next(&seed) % 40) - 2;
		ev->res = (int64_t)(next(&seed) % 40) - 5;
		ev->quality = (uint32_t)next(&seed) & 0xff;
		if (next(&seed) % 2)
			ev->task = NULL;
		else
			f->maker.task.clone_flags = (uint32_t)next(&seed);
		f->maker.task.is_thread = next(&seed) % 4 == 0;
		f->maker.task.cgroups = (struct text){text, (uint32_t)(next(&seed) % 300)};
		for (unsigned i = 0; i < ev->n_params; i++) {
			if (event_info(ev->type)->params[i].type >= PARAM_CHARBUF)
				event_set_bytes(ev, i, text + next(&seed) % 500,
						(uint32_t)(next(&seed) % 6000));
			else
				event_set_i64(ev, i, (int64_t)(next(&seed) % 300) - 101);
			ev->params[i].is_present = next(&seed) % 4 != 0;
		}
		fixture_apply(f, ev);
		if (round % 4 == 0)
			fixture_field(f, fields[next(&seed) % ARRAY_SIZE(fields)]);
	}
	state_counters(f->state, &counters);
	assert_true(counters.processes <= 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(lineage_agrees_with_a_model),
		TEST(any_event_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
