#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/compiled.h"
#include "filter/event_sets.h"
#include "filter/format.h"
#include "filter/parser.h"
#include "filter/warnings.h"
#include "tests/conformance/cases.h"

#define OUTPUT_MAX 65536

static void free_text(struct text *t)
{
	free((void *)t->ptr);
}

static void done_pool(struct pool *pool)
{
	pool_done(pool);
}

static struct text input_of(const cJSON *test, const char *member)
{
	const cJSON *text = cJSON_GetObjectItem(test, member);
	const cJSON *repeat = cJSON_GetObjectItem(test, "input_repeat");
	struct text piece, out;
	uint32_t count;

	if (!repeat)
		return cJSON_IsString(text) ? text_of(text) : (struct text){strdup(""), 0};
	piece = text_of(cJSON_GetObjectItem(repeat, "text"));
	count = (uint32_t)cJSON_GetNumberValue(cJSON_GetObjectItem(repeat, "count"));
	out = (struct text){malloc((size_t)piece.len * count + 1), piece.len * count};
	for (uint32_t i = 0; i < count; i++)
		memcpy((char *)out.ptr + (size_t)i * piece.len, piece.ptr, piece.len);
	free_text(&piece);
	return out;
}

/* The only string among the values, for value_hex. */
static const struct ast_node *value_node(const struct ast_node *node)
{
	while (node->kind != AST_STRING && node->n_children)
		node = node->children[node->n_children - 1];
	return node;
}

static bool has_hex(struct text t, const char *hex)
{
	for (uint32_t i = 0; i < t.len; i++, hex += 2) {
		unsigned byte;

		if (sscanf(hex, "%2x", &byte) != 1 || byte != (unsigned char)t.ptr[i])
			return false;
	}
	return !*hex;
}

/* Whether the canonical form is its own canonical form. */
static bool parses_again(const struct ast_node *root, struct pool *pool)
{
	struct text text = ast_text(root, pool);
	struct ast_node *again = NULL;
	struct diag diag = {0};

	return !filter_parse(&again, text, FILTER_DEPTH_DEFAULT, pool, &diag) &&
	       text_equal(ast_text(again, pool), text);
}

bool is_said_exactly(struct suite *suite, const struct ast_node *root)
{
	SCOPED(done_pool) struct pool pool = {0};
	struct text source = ast_key(root, &pool);
	struct ast_node *again = NULL;
	struct diag diag = {0};

	if (filter_parse(&again, source, FILTER_DEPTH_RULE, &pool, &diag))
		return failed(suite, "'%.*s': %s", TEXT_ARGS(source), diag.message);
	return (text_equal(source, ast_key(again, &pool)) &&
		text_equal(ast_text(root, &pool), ast_text(again, &pool))) ||
	       failed(suite, "'%.*s' is another condition", TEXT_ARGS(source));
}

static bool parses_as(struct suite *suite, const cJSON *test, struct text input)
{
	SCOPED(done_pool) struct pool pool = {0};
	const cJSON *expect = cJSON_GetObjectItem(test, "expect");
	const cJSON *canonical = cJSON_GetObjectItem(expect, "canonical");
	const char *hex = string_member(expect, "value_hex");
	struct ast_node *root = NULL;
	struct diag diag = {0};
	int r = filter_parse(&root, input, FILTER_DEPTH_DEFAULT, &pool, &diag);

	if ((r == 0) != expects_success(test))
		return failed(suite, "'%.*s': got %d %s at %u", TEXT_ARGS(input), r, diag.message,
			      diag.offset);
	if (!r && canonical) {
		SCOPED(free_text) struct text want = text_of(canonical);
		struct text got = ast_text(root, &pool);

		if (!text_equal(got, want))
			return failed(suite, "'%.*s': got '%.*s', want '%.*s'", TEXT_ARGS(input),
				      TEXT_ARGS(got), TEXT_ARGS(want));
	}
	if (!r && cJSON_IsTrue(cJSON_GetObjectItem(expect, "roundtrip")) &&
	    !parses_again(root, &pool))
		return failed(suite, "'%.*s': what it prints does not parse alike",
			      TEXT_ARGS(input));
	if (!r && hex && !has_hex(value_node(root)->text, hex))
		return failed(suite, "'%.*s': value is not %s", TEXT_ARGS(input), hex);
	return r || is_said_exactly(suite, root);
}

/* With blanks around it, and with every blank made a newline or a tab. */
static bool variants_parse(struct suite *suite, const cJSON *test, struct text input)
{
	SCOPED(free_ptr) char *padded = malloc(input.len + 8);
	int n = sprintf(padded, "  %.*s \t\n", TEXT_ARGS(input));
	bool ok = parses_as(suite, test, (struct text){padded, (uint32_t)n});

	for (const char *blank = "\n\t"; ok && *blank; blank++) {
		memcpy(padded, input.ptr, input.len);
		for (uint32_t i = 0; i < input.len; i++) {
			if (padded[i] == ' ')
				padded[i] = *blank;
		}
		ok = parses_as(suite, test, (struct text){padded, input.len});
	}
	return ok;
}

bool case_parse(struct suite *suite, const cJSON *test)
{
	SCOPED(free_text) struct text input = input_of(test, "input");

	if (!parses_as(suite, test, input))
		return false;
	return !cJSON_IsTrue(cJSON_GetObjectItem(test, "whitespace_variants")) ||
	       memchr(input.ptr, '"', input.len) || memchr(input.ptr, '\'', input.len) ||
	       variants_parse(suite, test, input);
}

static void names_set(struct event_set *out, const cJSON *names)
{
	const cJSON *name;

	event_set_none(out);
	cJSON_ArrayForEach(name, names)
	{
		if (cJSON_IsString(name))
			event_set_add_name(out, text_from(name->valuestring));
	}
}

static bool set_is(struct suite *suite, const struct event_set *got, const cJSON *want)
{
	const char *mode = string_member(want, "mode");
	struct event_set set, inverse = *got;

	event_set_all(&set);
	if (!want)
		return true;
	if (!mode)
		return failed(suite, "an event set without a mode");
	if (strcmp(mode, "none") == 0)
		event_set_none(&set);
	else if (strcmp(mode, "only") == 0)
		names_set(&set, cJSON_GetObjectItem(want, "names"));
	else if (strcmp(mode, "all") != 0 && strcmp(mode, "all_except") != 0)
		return failed(suite, "unknown mode %s", mode);
	if (strcmp(mode, "all_except") == 0) {
		names_set(&set, cJSON_GetObjectItem(want, "names"));
		event_set_complement(&inverse);
		return event_set_equal(&inverse, &set) || failed(suite, "wrong event set");
	}
	return event_set_equal(got, &set) || failed(suite, "wrong event set, want %s", mode);
}

static int event_set_of_text(struct event_set *out, struct text input)
{
	SCOPED(done_pool) struct pool pool = {0};
	struct ast_node *root;
	struct diag diag;
	int r = filter_parse(&root, input, FILTER_DEPTH_RULE, &pool, &diag);

	return r ? r : event_set_of(out, root, &diag);
}

static bool check_event_sets(struct suite *suite, const cJSON *test)
{
	SCOPED(free_text) struct text input = input_of(test, "input");
	struct event_set set, other;
	int r = event_set_of_text(&set, input);

	if ((r == 0) != expects_success(test))
		return failed(suite, "'%.*s': got %d", TEXT_ARGS(input), r);
	if (!r && strcmp(string_member(test, "check"), "evttypes_equal") == 0) {
		SCOPED(free_text) struct text input2 = input_of(test, "input2");

		return (event_set_of_text(&other, input2) == 0 && event_set_equal(&set, &other)) ||
		       failed(suite, "'%.*s' and '%.*s' differ", TEXT_ARGS(input),
			      TEXT_ARGS(input2));
	}
	return r || set_is(suite, &set,
			   cJSON_GetObjectItem(cJSON_GetObjectItem(test, "expect"), "evttypes"));
}

struct warned {
	char codes[256];
	int n_compile;
};

static void note_warning(enum filter_warning warning, const struct ast_node *node,
			 struct text subject, void *arg)
{
	struct warned *warned = arg;
	const char *code = filter_warning_code(warning);

	(void)node, (void)subject;
	if (strcmp(code, "LOAD_COMPILE_CONDITION") == 0)
		warned->n_compile++;
	else if (strlen(warned->codes) + strlen(code) + 2 < sizeof(warned->codes))
		strcat(strcat(warned->codes, code), " ");
}

static void warnings_of(struct text input, const struct field_set *fields, struct warned *out)
{
	SCOPED(done_pool) struct pool pool = {0};
	struct ast_node *root;

	*out = (struct warned){0};
	if (!filter_parse(&root, input, FILTER_DEPTH_RULE, &pool, NULL))
		filter_warnings(root, fields, note_warning, out);
}

static bool check_condition_warnings(struct suite *suite, const cJSON *test)
{
	SCOPED(free_text) struct text input = input_of(test, "input");
	const cJSON *code;
	struct warned warned;
	char want[256] = "";

	cJSON_ArrayForEach(code, cJSON_GetObjectItem(cJSON_GetObjectItem(test, "expect"), "codes"))
	{
		if (!cJSON_IsString(code) ||
		    strlen(want) + strlen(code->valuestring) + 2 > sizeof(want))
			return failed(suite, "too many codes");
		strcat(strcat(want, code->valuestring), " ");
	}
	warnings_of(input, &suite->builtin, &warned);
	return strcmp(want, warned.codes) == 0 ||
	       failed(suite, "'%.*s': got %s, want %s", TEXT_ARGS(input), warned.codes, want);
}

bool case_compile(struct suite *suite, const cJSON *test)
{
	SCOPED(free_text) struct text input = input_of(test, "input");
	SCOPED(given_destroy) struct given *given = NULL;
	SCOPED(filter_destroy) struct filter *filter = NULL;
	const char *check = string_member(test, "check");
	const cJSON *given_json = cJSON_GetObjectItem(test, "given");
	const cJSON *warnings =
		cJSON_GetObjectItem(cJSON_GetObjectItem(test, "expect"), "warnings");
	const struct field_set *fields = &suite->builtin;
	struct warned warned;
	struct diag diag = {0};
	int r;

	if (check && strcmp(check, "condition_warnings") == 0)
		return check_condition_warnings(suite, test);
	if (check && (strcmp(check, "evttypes") == 0 || strcmp(check, "evttypes_equal") == 0))
		return check_event_sets(suite, test);
	if (check)
		return failed(suite, "unknown check '%s'", check);
	if (given_json && !scene_is_wanted(given_json)) {
		if (given_of(&given, test, suite->reason, sizeof(suite->reason)))
			return false;
		fields = given_fields(given);
	}
	r = filter_compile(&filter, input, fields, &diag);
	if ((r == 0) != expects_success(test))
		return failed(suite, "'%.*s': got %d %s", TEXT_ARGS(input), r, diag.message);
	warnings_of(input, fields, &warned);
	return r || !warnings || warned.n_compile == (int)cJSON_GetNumberValue(warnings) ||
	       failed(suite, "'%.*s': %d warnings", TEXT_ARGS(input), warned.n_compile);
}

static bool eval_with(struct suite *suite, const cJSON *test, const struct field_set *fields,
		      const struct field_context *ctx)
{
	SCOPED(free_text) struct text input = input_of(test, "input");
	SCOPED(filter_destroy) struct filter *filter = NULL;
	struct diag diag = {0};
	bool got;

	if (filter_compile(&filter, input, fields, &diag))
		return failed(suite, "'%.*s': %s", TEXT_ARGS(input), diag.message);
	arena_reset(&suite->arena);
	got = filter_eval(filter, ctx);
	return got == expects_success(test) ||
	       failed(suite, "'%.*s': got %s", TEXT_ARGS(input), got ? "true" : "false");
}

bool case_eval(struct suite *suite, const cJSON *test)
{
	SCOPED(given_destroy) struct given *given = NULL;
	const cJSON *given_json = cJSON_GetObjectItem(test, "given");
	struct field_context ctx = {.arena = &suite->arena};

	if (given_json && scene_is_wanted(given_json)) {
		SCOPED(scene_destroy) struct scene *scene = NULL;
		struct field_set fields = {.tables = {state_field_table()}, .n_tables = 1};

		if (scene_create(&scene, given_json, suite->reason, sizeof(suite->reason)))
			return false;
		return eval_with(suite, test, &fields, scene_context(scene, &suite->arena));
	}
	if (given_of(&given, test, suite->reason, sizeof(suite->reason)))
		return false;
	return eval_with(suite, test, given_fields(given), &ctx);
}

static bool fields_are(struct suite *suite, const struct format *format,
		       const struct field_context *ctx, const cJSON *expect, bool transformers)
{
	const cJSON *fields = cJSON_GetObjectItem(expect, "fields"), *field;

	cJSON_ArrayForEach(field, fields)
	{
		bool found = false;

		for (uint32_t i = 0; i < format_n_fields(format) && !found; i++) {
			const struct operand *operand = format_field(format, i);
			char text[4096];
			struct print out = {.buffer = text, .size = sizeof(text)};
			struct values values;

			if (!text_equal(operand->name, text_from(field->string)) ||
			    (operand->kind == OPERAND_TRANSFORMER && !transformers))
				continue;
			if (operand_eval(operand, ctx, &values))
				print_values(&out, operand, &values);
			else
				print_string(&out, "<NA>");
			found = cJSON_IsString(field) && text_equal((struct text){text, out.len},
								    text_from(field->valuestring));
		}
		if (!found)
			return failed(suite, "field %s", field->string);
	}
	return true;
}

/* Whether the map of fields has this one: a name once, transformers if they are wanted, and nothing
 * from the first absent value on where that ends the output. */
static bool is_in_map(const struct format *format, uint32_t i, uint32_t end, bool transformers)
{
	const struct operand *operand = format_field(format, i);
	bool is_new = i < end && (operand->kind != OPERAND_TRANSFORMER || transformers);

	for (uint32_t j = 0; j < i; j++)
		is_new = is_new && !text_equal(format_field(format, j)->name, operand->name);
	return is_new;
}

static bool has_n_fields(struct suite *suite, const struct format *format,
			 const struct field_context *ctx, const cJSON *test, bool is_strict)
{
	const cJSON *want = cJSON_GetObjectItem(cJSON_GetObjectItem(test, "expect"), "n_fields");
	bool transformers = cJSON_IsTrue(cJSON_GetObjectItem(test, "resolve_transformed"));
	uint32_t n = 0, end = 0;
	struct values values;

	while (end < format_n_fields(format) &&
	       (!is_strict || operand_eval(format_field(format, end), ctx, &values)))
		end++;
	for (uint32_t i = 0; i < format_n_fields(format); i++)
		n += is_in_map(format, i, end, transformers);
	return !cJSON_IsNumber(want) || want->valuedouble == (double)n ||
	       failed(suite, "%u fields", n);
}

static bool names_are(struct suite *suite, const struct format *format, const cJSON *expect)
{
	const cJSON *names = cJSON_GetObjectItem(expect, "field_names"), *name;
	uint32_t i = 0;

	if (!names)
		return true;
	cJSON_ArrayForEach(name, names)
	{
		if (i >= format_n_fields(format) ||
		    !text_equal(format_field(format, i)->name, text_from(name->valuestring)))
			return failed(suite, "field name %u is not %s", i, name->valuestring);
		i++;
	}
	return i == format_n_fields(format) || failed(suite, "more field names than %u", i);
}

static bool output_is(struct suite *suite, const cJSON *test, const struct format *format,
		      const struct field_context *ctx, bool is_strict)
{
	static char text[OUTPUT_MAX];
	struct print out = {.buffer = text, .size = sizeof(text)};
	const char *mode = string_member(test, "mode");
	const cJSON *expect = cJSON_GetObjectItem(test, "expect");
	const cJSON *output = cJSON_GetObjectItem(expect, "output");
	const cJSON *emitted = cJSON_GetObjectItem(expect, "emitted");
	bool transformers = cJSON_IsTrue(cJSON_GetObjectItem(test, "resolve_transformed"));
	SCOPED(free_text) struct text want = output ? text_of(output) : TEXT_NONE;
	bool ok = true;

	if (!mode || (strcmp(mode, "json") != 0 && strcmp(mode, "text") != 0))
		return failed(suite, "unknown mode '%s'", mode ? mode : "");
	if (strcmp(mode, "json") == 0) {
		print_string(&out, "{");
		ok = format_print_members(format, ctx, transformers, is_strict, &out);
		print_string(&out, "}");
		if (out.len == 2)
			out = (struct print){.buffer = strcpy(text, "null"), .len = 4};
	} else if (is_strict) {
		ok = format_print_strict(format, ctx, &out);
	} else {
		out.len = format_print(format, ctx, text, sizeof(text));
	}
	if (cJSON_IsTrue(cJSON_GetObjectItem(expect, "output_nonempty")) && !out.len)
		return failed(suite, "no output");
	if (emitted && ok != (bool)cJSON_IsTrue(emitted))
		return failed(suite, "emitted: %d", ok);
	return !output || text_equal((struct text){out.buffer, out.len}, want) ||
	       failed(suite, "got '%.*s', want '%.*s'", (int)out.len, out.buffer, TEXT_ARGS(want));
}

static bool format_with(struct suite *suite, const cJSON *test, const struct field_set *fields,
			const struct field_context *ctx)
{
	SCOPED(free_text) struct text input = input_of(test, "input");
	SCOPED(format_destroy) struct format *format = NULL;
	const cJSON *expect = cJSON_GetObjectItem(test, "expect");
	bool is_strict = !(input.len && input.ptr[0] == '*'); /* * prints absent values */
	struct text source = {input.ptr + !is_strict, input.len - !is_strict};
	bool transformers = cJSON_IsTrue(cJSON_GetObjectItem(test, "resolve_transformed"));
	struct diag diag = {0};
	int r = format_compile(&format, source, fields, &diag);

	if ((r == 0) != expects_success(test))
		return failed(suite, "'%.*s': got %d %s", TEXT_ARGS(input), r, diag.message);
	if (r)
		return true;
	arena_reset(&suite->arena);
	return output_is(suite, test, format, ctx, is_strict) &&
	       fields_are(suite, format, ctx, expect, transformers) &&
	       has_n_fields(suite, format, ctx, test, is_strict) &&
	       names_are(suite, format, expect);
}

bool case_format(struct suite *suite, const cJSON *test)
{
	SCOPED(given_destroy) struct given *given = NULL;
	SCOPED(scene_destroy) struct scene *scene = NULL;
	const cJSON *given_json = cJSON_GetObjectItem(test, "given");
	struct field_context ctx = {.arena = &suite->arena};
	struct field_set fields = {.tables = {state_field_table()}, .n_tables = 1};

	if (given_json && scene_is_wanted(given_json)) {
		if (scene_create(&scene, given_json, suite->reason, sizeof(suite->reason)))
			return false;
		return format_with(suite, test, &fields, scene_context(scene, &suite->arena));
	}
	if (given_of(&given, test, suite->reason, sizeof(suite->reason)))
		return false;
	return format_with(suite, test, given_fields(given), &ctx);
}
