#include "filter/warnings.h"

#include "base/util.h"

#define NAME_MAX_BYTES 256

struct walker {
	const struct field_set *fields;
	filter_warn_fn *warn;
	void *arg;
	uint32_t deprecated_seen; /* bit i: of deprecated[i] */
	bool unsafe_na_seen;
};

static const char *const deprecated[] = {
	"evt.dir",          "evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human",
	"evt.wait_latency", NULL,
};

const char *const *filter_deprecated_fields(void)
{
	return deprecated;
}

const char *filter_warning_code(enum filter_warning warning)
{
	switch (warning) {
	case WARNING_UNSAFE_NA:
		return "LOAD_UNSAFE_NA_CHECK";
	case WARNING_DEPRECATED:
		return "LOAD_DEPRECATED_ITEM";
	default:
		return "LOAD_COMPILE_CONDITION";
	}
}

static void see_field(struct walker *w, const struct ast_node *node)
{
	for (uint32_t i = 0; deprecated[i]; i++) {
		if (text_equal(node->text, text_from(deprecated[i])) &&
		    !(w->deprecated_seen >> i & 1)) {
			w->deprecated_seen |= UINT32_C(1) << i;
			w->warn(WARNING_DEPRECATED, node, node->text, w->arg);
		}
	}
}

static bool is_unsafe_field(const struct ast_node *node)
{
	if (node->kind == AST_FIELD)
		return text_starts_with(node->text, TEXT("ka.")) ||
		       text_starts_with(node->text, TEXT("jevt."));
	for (uint32_t i = 0; i < node->n_children; i++) {
		if (is_unsafe_field(node->children[i]))
			return true;
	}
	return false;
}

static bool has_na(const struct ast_node *right)
{
	if (right->kind == AST_STRING)
		return text_equal(right->text, TEXT("<NA>"));
	for (uint32_t i = 0; right->kind == AST_LIST && i < right->n_children; i++) {
		if (has_na(right->children[i]))
			return true;
	}
	return false;
}

static bool is_membership(enum filter_op op)
{
	return op == OP_EQ || op == OP_EQ2 || op == OP_NE || op == OP_IN || op == OP_INTERSECTS ||
	       op == OP_PMATCH;
}

/* The value without blanks, in buffer; empty if it is too long to be a name. */
static struct text without_blanks(struct text t, char *buffer)
{
	uint32_t n = 0;

	if (t.len > NAME_MAX_BYTES)
		return TEXT_NONE;
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] != ' ' && t.ptr[i] != '\t')
			buffer[n++] = t.ptr[i];
	}
	return (struct text){buffer, n};
}

static bool is_field(const struct walker *w, struct text t)
{
	const char *bracket = t.len ? memchr(t.ptr, '[', t.len) : NULL;
	struct text name = {t.ptr, bracket ? (uint32_t)(bracket - t.ptr) : t.len}, dot, arg;
	const struct field *field = name.len ? field_set_find(w->fields, name, &dot) : NULL;
	struct field_arg prepared;

	if (!field || (bracket && (dot.len || t.ptr[t.len - 1] != ']')))
		return false;
	arg = bracket ? (struct text){bracket + 1, t.len - name.len - 2} : dot;
	return field_arg_prepare(field, arg, arg.len > 0, &prepared) == 0;
}

static bool is_call(struct text t)
{
	for (int i = 0; i < TRANSFORMER_END; i++) {
		struct text name = text_from(transformer_name((enum transformer)i));

		if (text_starts_with(t, name) && t.len > name.len + 1 && t.ptr[name.len] == '(' &&
		    t.ptr[t.len - 1] == ')')
			return true;
	}
	return false;
}

/* Neither special characters nor more than an anchor or .* .+ .? at either end. */
static bool is_plain_regex(struct text t)
{
	static const char *const heads[] = {"^", ".*", ".+", ".?"};
	static const char *const tails[] = {"$", ".*", ".+", ".?"};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct text head = text_from(heads[i]);

		if (text_starts_with(t, head)) {
			t = (struct text){t.ptr + head.len, t.len - head.len};
			break;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		struct text tail = text_from(tails[i]);

		if (text_ends_with(t, tail)) {
			t.len -= tail.len;
			break;
		}
	}
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] && strchr("\\.+*?()|[]{}^$", t.ptr[i]))
			return false;
	}
	return true;
}

static void see_value(struct walker *w, const struct ast_node *check, const struct ast_node *value)
{
	char buffer[NAME_MAX_BYTES];
	struct text name = without_blanks(value->text, buffer);

	if (is_field(w, name))
		w->warn(WARNING_VALUE_IS_FIELD, value, value->text, w->arg);
	else if (is_call(name))
		w->warn(WARNING_VALUE_IS_CALL, value, value->text, w->arg);
	if (check->op == OP_REGEX && is_plain_regex(value->text))
		w->warn(WARNING_REGEX_IS_PLAIN, value, value->text, w->arg);
}

static void see_check(struct walker *w, const struct ast_node *check)
{
	const struct ast_node *right = check->n_children > 1 ? check->children[1] : NULL;

	if (!right)
		return;
	if (!w->unsafe_na_seen && is_membership(check->op) && is_unsafe_field(check->children[0]) &&
	    has_na(right)) {
		w->unsafe_na_seen = true;
		w->warn(WARNING_UNSAFE_NA, check, TEXT("<NA>"), w->arg);
	}
	if (right->kind == AST_STRING)
		see_value(w, check, right);
	for (uint32_t i = 0; right->kind == AST_LIST && i < right->n_children; i++)
		see_value(w, check, right->children[i]);
}

static void walk(struct walker *w, const struct ast_node *node)
{
	if (node->kind == AST_FIELD)
		see_field(w, node);
	if (node->kind == AST_CHECK)
		see_check(w, node);
	for (uint32_t i = 0; i < node->n_children; i++)
		walk(w, node->children[i]);
}

void filter_warnings(const struct ast_node *root, const struct field_set *fields,
		     filter_warn_fn *warn, void *arg)
{
	struct walker w = {.fields = fields, .warn = warn, .arg = arg};

	walk(&w, root);
}
