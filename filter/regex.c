#define PCRE2_CODE_UNIT_WIDTH 8
#include "filter/regex.h"

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/regex_syntax.h"
#include "filter/utf8.h"

#define MATCH_LIMIT 200000
#define HEAP_LIMIT_KIB 1024

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	uint64_t gave_up_total;
};

static int regex_compile(struct regex *re, struct text translated, struct diag *diag)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_SIZE offset;
	int error;

	if (!context)
		return -ENOMEM;
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	re->code = pcre2_compile((PCRE2_SPTR)translated.ptr, translated.len,
				 PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NO_AUTO_CAPTURE |
					 PCRE2_NEVER_BACKSLASH_C,
				 &error, &offset, context);
	pcre2_compile_context_free(context);
	if (!re->code)
		return diag_set(diag, -EINVAL, "the regular expression is too large");
	/* Without JIT (a hardened kernel may forbid it) the interpreter matches, only slower. */
	pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	return 0;
}

int regex_create(struct regex **out, struct text pattern, struct diag *diag)
{
	SCOPED(regex_destroy) struct regex *re = calloc(1, sizeof(*re));
	SCOPED(free_ptr) char *translated = NULL;
	uint32_t len;
	int r;

	if (!re)
		return -ENOMEM;
	r = regex_translate(pattern, &translated, &len, diag);
	if (r)
		return r;
	r = regex_compile(re, (struct text){translated, len}, diag);
	if (r)
		return r;
	re->data = pcre2_match_data_create(1, NULL);
	re->limits = pcre2_match_context_create(NULL);
	if (!re->data || !re->limits)
		return -ENOMEM;
	pcre2_set_match_limit(re->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(re->limits, HEAP_LIMIT_KIB);
	*out = TAKE(re);
	return 0;
}

void regex_destroy(struct regex **regex)
{
	struct regex *re = *regex;

	if (!re)
		return;
	pcre2_code_free(re->code);
	pcre2_match_data_free(re->data);
	pcre2_match_context_free(re->limits);
	free(re);
	*regex = NULL;
}

bool regex_match(struct regex *re, struct text value, struct arena *scratch)
{
	int r;

	if (!utf8_is_valid(value)) {
		char *clean = scratch ? arena_alloc(scratch, (size_t)value.len * 3) : NULL;

		if (!clean)
			return false;
		value = (struct text){clean, utf8_sanitise(value, clean)};
	}
	if (!value.ptr)
		value.ptr = "";
	r = pcre2_match(re->code, (PCRE2_SPTR)value.ptr, value.len, 0, PCRE2_NO_UTF_CHECK, re->data,
			re->limits);
	if (r == PCRE2_ERROR_JIT_STACKLIMIT)
		r = pcre2_match(re->code, (PCRE2_SPTR)value.ptr, value.len, 0,
				PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, re->data, re->limits);
	if (r < 0 && r != PCRE2_ERROR_NOMATCH)
		re->gave_up_total++;
	return r >= 0;
}

size_t regex_bytes(const struct regex *re)
{
	size_t pattern = 0, code = 0;

	pcre2_pattern_info(re->code, PCRE2_INFO_SIZE, &pattern);
	pcre2_pattern_info(re->code, PCRE2_INFO_JITSIZE, &code);
	return sizeof(*re) + pattern + code + pcre2_get_match_data_size(re->data);
}

uint64_t regex_gave_up_total(const struct regex *regex)
{
	return regex->gave_up_total;
}
