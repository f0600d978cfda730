/* The table of the capture format against the event table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/scap_types.h"

static bool is_number(enum param_type type)
{
	return type < PARAM_CHARBUF;
}

/* What each event is stored as today has its parameters in order. */
static void todays_types_are_the_event_table(void **state)
{
	(void)state;
	for (int i = 0; i < EVENT_TYPE_END; i++) {
		const struct event_info *info = event_info((enum event_type)i);
		const struct scap_type *type = scap_type(info->scap_type);

		if (!type || type->event != i || type->role <= SCAP_ENTER)
			fail_msg("%s is not %u", info->name, info->scap_type);
		if (type->n_params != info->n_params)
			fail_msg("%s: %u parameters, %u stored", info->name, info->n_params,
				 type->n_params);
		for (int k = 0; k < type->n_params; k++)
			assert_int_equal(type->params[k].to, k);
	}
}

static void check_param(uint32_t id, const struct scap_type *type, const struct scap_param *param)
{
	const struct event_info *info;
	/* bpf's result was told as "an error or a descriptor": a number once taken apart */
	bool stored_as_number =
		scap_param_size((enum scap_param_type)param->type) != 0 || id == 297;

	if (param->to == SCAP_NOWHERE)
		return;
	assert_int_not_equal(type->event, SCAP_NO_EVENT);
	info = event_info((enum event_type)type->event);
	if (param->to < 0 || param->to >= info->n_params)
		fail_msg("type %u: parameter %d of %s", id, param->to, info->name);
	if (is_number(info->params[param->to].type) != stored_as_number)
		fail_msg("type %u: %s of %s is no number on one side only", id,
			 info->params[param->to].name, info->name);
}

static void rows_fit_the_event_table(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < SCAP_TYPES; id++) {
		const struct scap_type *type = scap_type(id);

		assert_non_null(type);
		assert_true(type->n_write <= type->n_params);
		if (type->role == SCAP_UNUSED)
			assert_int_equal(type->event, SCAP_NO_EVENT);
		for (int k = 0; k < type->n_params; k++)
			check_param(id, type, &type->params[k]);
	}
	assert_null(scap_type(SCAP_TYPES));
	assert_null(scap_type(UINT32_MAX));
}

/* Enter and exit stand side by side and name the same event. */
static void pairs_agree(void **state)
{
	(void)state;
	for (uint32_t id = 0; id + 1 < SCAP_TYPES; id += 2) {
		const struct scap_type *enter = scap_type(id), *leave = scap_type(id + 1);

		if (enter->role == SCAP_ENTER && enter->event != leave->event)
			fail_msg("types %u and %u are of different events", id, id + 1);
		assert_int_not_equal(leave->role, SCAP_ENTER);
		assert_int_not_equal(enter->role, SCAP_EXIT);
	}
	assert_int_equal(scap_enter_of(EVENT_OPENAT), 306);
	assert_int_equal(scap_enter_of(EVENT_PROCEXIT), -1);
}

/* Spot checks of what old captures hold, from the format's history. */
static void old_forms(void **state)
{
	static const struct {
		uint32_t id;
		int event, index, to;
	} rows[] = {
		{102, EVENT_OPENAT, 1, OPENAT_name}, /* the name was told on entry only */
		{11, EVENT_BRK, 0, BRK_res},
		{13, EVENT_EXECVE, 7, EXECVE_fdlimit}, /* 2014: eight parameters */
		{15, EVENT_CLONE, 8, CLONE_flags},     /* five more came before it since */
		{217, EVENT_CLONE, 14, CLONE_flags},
		{173, EVENT_EXECVE, 13, EXECVE_env},
		{249, EVENT_ACCEPT4, 1, ACCEPT4_tuple},
		{248, EVENT_ACCEPT4, 0, ACCEPT4_flags},
		{124, EVENT_DUP, 0, DUP_oldfd},
		{366, EVENT_DUP, 0, DUP_oldfd},
		{296, EVENT_BPF, 0, BPF_cmd},
		{146, EVENT_SWITCH, 0, SWITCH_next},
		{22, EVENT_CONNECT, 1, CONNECT_addr},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct scap_type *type = scap_type(rows[i].id);

		if (type->event != rows[i].event || rows[i].index >= type->n_params ||
		    type->params[rows[i].index].to != rows[i].to)
			fail_msg("row %zu: type %u", i, rows[i].id);
	}
}

static void sizes_are_those_of_the_format(void **state)
{
	(void)state;
	assert_int_equal(scap_param_size(SCAP_SYSCALLID), 2);
	assert_int_equal(scap_param_size(SCAP_ERRNO), 8);
	assert_int_equal(scap_param_size(SCAP_MODE), 4);
	assert_int_equal(scap_param_size(SCAP_SIGTYPE), 1);
	assert_int_equal(scap_param_size(SCAP_FSPATH), 0);
	assert_int_equal(scap_param_size(SCAP_CHARBUF_PAIR_ARRAY), 0);
	assert_true(scap_param_is_signed(SCAP_PID32));
	assert_false(scap_param_is_signed(SCAP_UINT8));
	assert_true(scap_param_is_text(SCAP_FSRELPATH));
	assert_false(scap_param_is_text(SCAP_BYTEBUF));
	assert_int_equal(scap_type(324)->flags, SCAP_LARGE);
	assert_int_equal(scap_type(307)->flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(todays_types_are_the_event_table),
		cmocka_unit_test(rows_fit_the_event_table),
		cmocka_unit_test(pairs_agree),
		cmocka_unit_test(old_forms),
		cmocka_unit_test(sizes_are_those_of_the_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
