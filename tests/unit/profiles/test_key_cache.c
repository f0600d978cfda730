#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/util.h"
#include "learning_lab.h"
#include "profiles/key_cache.h"

struct opened {
	enum event_type type;
	const char *path;
	uint64_t flags;
	int64_t res;
	bool is_directory, has_flags;
};

static bool sign(const struct key_cache *cache, const struct opened *o, uint64_t *out)
{
	struct file_facts file = {.kind = o->is_directory ? FILE_KIND_DIRECTORY
							  : FILE_KIND_REGULAR};
	struct event ev = {.type = o->type, .res = o->res, .has_res = true, .file = &file};
	struct subject subject = {.path = text_from(o->path)};
	struct field_context ctx = {.event = &ev, .subject = &subject};
	unsigned at = o->type == EVENT_OPEN ? OPEN_flags : OPENAT_flags;

	ev.n_params = EVENT_PARAMS_MAX;
	ev.params[at].u64 = o->flags;
	ev.params[at].is_present = o->has_flags;
	return key_cache_signature(cache, &ctx, out);
}

static void whatever_keys_depend_on_signs(void **state)
{
	static const struct {
		const char *name;
		struct opened opened;
		bool want_signed, want_same;
	} rows[] = {
		{"the same", {EVENT_OPENAT, "/etc/a", 1, 3, false, true}, true, true},
		{"another descriptor", {EVENT_OPENAT, "/etc/a", 1, 9, false, true}, true, true},
		{"another path", {EVENT_OPENAT, "/etc/b", 1, 3, false, true}, true, false},
		{"longer path", {EVENT_OPENAT, "/etc/ab", 1, 3, false, true}, true, false},
		{"other access", {EVENT_OPENAT, "/etc/a", 2, 3, false, true}, true, false},
		{"other call", {EVENT_OPEN, "/etc/a", 1, 3, false, true}, true, false},
		{"directory", {EVENT_OPENAT, "/etc/a", 1, 3, true, true}, true, false},
		{"failed", {EVENT_OPENAT, "/etc/a", 1, -13, false, true}, false, false},
		{"no path", {EVENT_OPENAT, "", 1, 3, false, true}, false, false},
		{"no flags", {EVENT_OPENAT, "/etc/a", 1, 3, false, false}, false, false},
		{"no open", {EVENT_UNLINK, "/etc/a", 1, 0, false, true}, false, false},
	};
	SCOPED(key_cache_destroy) struct key_cache *cache = NULL;
	uint64_t first, other;

	(void)state;
	assert_int_equal(key_cache_create(&cache, 1), 0);
	assert_true(sign(cache, &rows[0].opened, &first));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool is_signed = sign(cache, &rows[i].opened, &other);

		if (is_signed != rows[i].want_signed ||
		    (is_signed && (other == first) != rows[i].want_same))
			fail_msg("%s", rows[i].name);
	}
}

static void entries_belong_to_one_image_and_epoch(void **state)
{
	SCOPED(key_cache_destroy) struct key_cache *cache = NULL;
	struct process process = {.slot = 4, .generation = 2};

	(void)state;
	assert_int_equal(key_cache_create(&cache, 1), 0);
	key_cache_put(cache, &process, 77, 1000)->n = 1;
	assert_non_null(key_cache_find(cache, &process, 77, 1000));
	assert_null(key_cache_find(cache, &process, 78, 1000));
	assert_null(key_cache_find(cache, &process, 77, 1001));
	process.generation++;
	assert_null(key_cache_find(cache, &process, 77, 1000));
	process.generation--;
	process.slot++;
	assert_null(key_cache_find(cache, &process, 77, 1000));
}

/* Through the set: what was remembered is told from what was not by the missing text only. */
static void only_what_is_known_and_seen_is_remembered(void **state)
{
	struct lab *lab = malloc(sizeof(*lab));
	const struct sighting *s;
	struct record_key key;
	struct subject subject;
	struct field_context ctx;

	(void)state;
	assert_non_null(lab);
	lab_init(lab);
	lab_see(lab, 0, 0, "sshd bash -l");
	assert_non_null(lab_see(lab, 0, 0, "sshd bash -l")->fields[0].ptr); /* waits */
	lab_wait(lab, 901);
	assert_non_null(lab_see(lab, 0, 0, "sshd bash -l")->fields[0].ptr); /* first in epoch */
	s = lab_see(lab, 0, 0, "sshd bash -l");
	assert_null(s->fields[0].ptr);
	assert_int_equal(s->new_level, -1);
	assert_int_equal(s->n_levels, 3);
	/* The text can be had. */
	subject = (struct subject){.process = &lab->processes[0]};
	ctx = (struct field_context){.event = &lab->ev, .subject = &subject};
	assert_true(profile_sighting_key(s, &ctx, &key));
	assert_int_equal(key.n, 3);
	assert_true(text_equal(key.fields[1], TEXT("bash")));
	/* Another image, another process, another epoch: looked at again. */
	lab->processes[0].generation++;
	assert_non_null(lab_see(lab, 0, 0, "sshd bash -l")->fields[0].ptr);
	assert_int_equal(lab_see(lab, 1, 0, "sshd bash -l")->new_level, 0);
	assert_null(lab_see(lab, 0, 0, "sshd bash -l")->fields[0].ptr);
	lab_wait(lab, 600);
	assert_non_null(lab_see(lab, 0, 0, "sshd bash -l")->fields[0].ptr);
	lab_done(lab);
	free(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_keys_depend_on_signs),
		cmocka_unit_test(entries_belong_to_one_image_and_epoch),
		cmocka_unit_test(only_what_is_known_and_seen_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
