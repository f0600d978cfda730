#include "filter/check.h"

#include <errno.h>
#include <stdlib.h>

#include "base/event_table.h"
#include "base/util.h"
#include "filter/compare.h"
#include "filter/filter.h"
#include "filter/literal.h"
#include "filter/regex.h"
#include "filter/value_set.h"

#define LITERALS_MAX 65536

/* Comparisons of one value with one literal or a set of texts, which most are, have short ways. */
enum shortcut {
	SHORTCUT_NONE,
	SHORTCUT_TEXT_EQUAL,
	SHORTCUT_TEXT_DIFFERS,
	SHORTCUT_TEXT_STARTS,
	SHORTCUT_TEXT_ENDS,
	SHORTCUT_TEXT_CONTAINS,
	SHORTCUT_TEXT_IN,
	SHORTCUT_BITS_EQUAL, /* of booleans and of numbers of one sign and width */
	SHORTCUT_BITS_DIFFER,
};

/* What a comparison of evt.type says, by type. */
struct type_answers {
	uint64_t is_known[EVENT_SET_WORDS], is_true[EVENT_SET_WORDS];
};

struct check {
	enum shortcut shortcut;
	enum filter_op op;
	enum filter_modifier modifier;
	bool any_ancestor, either_end;      /* compared in their own way, see enum field_flag */
	const struct operand *left, *right; /* right NULL: literals */
	struct value *literals;
	uint32_t n;
	struct text_set *texts; /* `in` over text */
	struct path_set *paths; /* pmatch */
	struct regex **regexes; /* one for each literal */
	struct type_answers *types;
};

void regex_list_done(struct regex_list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		regex_destroy(&list->items[i]);
	free(list->items);
	*list = (struct regex_list){0};
}

static int regex_list_add(struct regex_list *list, struct regex *regex)
{
	struct regex **grown = reallocarray(list->items, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	list->items[list->n++] = regex;
	return 0;
}

static int check_operator(const struct check *check, const struct ast_node *node, struct diag *diag)
{
	const struct operand *left = check->left;
	enum type_class class = type_class(left->type);
	bool is_list_op = check->op == OP_IN || check->op == OP_INTERSECTS;

	/* Raw parameters may turn out to be user ids or anything else only when the event comes. */
	if (left->kind == OPERAND_FIELD && left->field->type == VALUE_DYNAMIC &&
	    class == CLASS_OTHER)
		class = CLASS_NUMBER;
	if (left->is_list && check->op != OP_EXISTS && (!is_list_op || !type_can_list(left->type)))
		return refuse_at(
			diag, node, -EINVAL,
			"'%.*s' is a list: it can be compared with in, intersects and exists",
			TEXT_ARGS(left->name));
	if (!(op_info(check->op)->classes & class))
		return refuse_at(diag, node, -EINVAL,
				 "'%.*s' is of type %s, which cannot be compared with %s",
				 TEXT_ARGS(left->name), value_type_name(left->type),
				 op_info(check->op)->token);
	if (operand_is_field(left, "evt.around") && check->op != OP_EQ && check->op != OP_EXISTS)
		return refuse_at(diag, node, -EINVAL, "evt.around can be compared with = only");
	return 0;
}

/* Names of event types are checked, so that a misspelt one does not load as a rule that can never
 * be true. */
static int check_event_name(const struct check *check, const struct ast_node *literal,
			    struct diag *diag)
{
	if (!operand_is_field(check->left, "evt.type") || event_name_is_known(literal->text))
		return 0;
	return refuse_at(diag, literal, ERR_UNKNOWN_NAME, "there is no event type '%.*s'",
			 TEXT_ARGS(literal->text));
}

static int compile_literal(struct check *check, const struct ast_node *literal, struct pool *pool,
			   struct diag *diag)
{
	enum value_type type =
		check->left->type == VALUE_DYNAMIC ? VALUE_UINT64 : check->left->type;
	int r = check_event_name(check, literal, diag);

	if (r)
		return r;
	if (diag) {
		diag->offset = literal->offset;
		diag->source = literal->source;
	}
	r = literal_parse(literal->text, type, check->op, pool, &check->literals[check->n], diag);
	check->n += r == 0;
	return r;
}

static int compile_regexes(struct check *check, struct pool *pool, struct regex_list *regexes,
			   struct diag *diag)
{
	check->regexes = pool_alloc(pool, check->n * sizeof(*check->regexes));
	if (!check->regexes)
		return -ENOMEM;
	for (uint32_t i = 0; i < check->n; i++) {
		SCOPED(regex_destroy) struct regex *regex = NULL;
		int r = regex_create(&regex, check->literals[i].text, diag);

		if (r)
			return r;
		r = regex_list_add(regexes, regex);
		if (r)
			return r;
		check->regexes[i] = TAKE(regex);
	}
	return 0;
}

static int compile_literals(struct check *check, const struct ast_node *right, struct pool *pool,
			    struct regex_list *regexes, struct diag *diag)
{
	const struct ast_node *const *items = (const struct ast_node *const *)right->children;
	uint32_t n = right->kind == AST_LIST ? right->n_children : 1;
	bool is_text = type_class(check->left->type) & (CLASS_STRING | CLASS_BYTES);

	if (n > LITERALS_MAX)
		return refuse_at(diag, right, -EINVAL, "more than %d values", LITERALS_MAX);
	check->literals = pool_alloc(pool, (n + 1) * sizeof(*check->literals));
	if (!check->literals)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		int r = compile_literal(check, right->kind == AST_LIST ? items[i] : right, pool,
					diag);

		if (r)
			return r;
	}
	if (check->op == OP_REGEX)
		return compile_regexes(check, pool, regexes, diag);
	if (check->op == OP_PMATCH)
		return path_set_build(&check->paths, check->literals, check->n, pool);
	if ((check->op == OP_IN || check->op == OP_INTERSECTS) && is_text)
		return text_set_build(&check->texts, check->literals, check->n, pool);
	return 0;
}

static bool refuses_field_to_field(const struct operand *operand)
{
	return operand->kind == OPERAND_FIELD &&
	       (operand->field->flags & FIELD_NO_FIELD_TO_FIELD || operand->type == VALUE_IPNET);
}

static int compile_right(struct check *check, const struct ast_node *node,
			 const struct field_set *fields, struct operand_table *table,
			 struct diag *diag)
{
	const struct operand *left = check->left, *right;
	struct operand *compiled = NULL;
	int r = operand_compile(&compiled, node, fields, table, diag);

	if (r)
		return r;
	right = compiled;
	if (check->op == OP_PMATCH || check->op == OP_REGEX)
		return refuse_at(diag, node, -EINVAL, "%s compares with written values only",
				 op_info(check->op)->token);
	if (refuses_field_to_field(left) || refuses_field_to_field(right))
		return refuse_at(diag, node, -EINVAL,
				 "'%.*s' and '%.*s' cannot be compared with each other",
				 TEXT_ARGS(left->name), TEXT_ARGS(right->name));
	if (left->type != right->type || left->is_list != right->is_list)
		return refuse_at(diag, node, -EINVAL,
				 "'%.*s' (%s%s) and '%.*s' (%s%s) are of different types",
				 TEXT_ARGS(left->name), left->is_list ? "list of " : "",
				 value_type_name(left->type), TEXT_ARGS(right->name),
				 right->is_list ? "list of " : "", value_type_name(right->type));
	check->right = right;
	return 0;
}

static enum shortcut text_shortcut(enum filter_op op)
{
	switch (op) {
	case OP_EQ:
	case OP_EQ2:
		return SHORTCUT_TEXT_EQUAL;
	case OP_NE:
		return SHORTCUT_TEXT_DIFFERS;
	case OP_STARTSWITH:
		return SHORTCUT_TEXT_STARTS;
	case OP_ENDSWITH:
		return SHORTCUT_TEXT_ENDS;
	case OP_CONTAINS:
		return SHORTCUT_TEXT_CONTAINS;
	default:
		return SHORTCUT_NONE;
	}
}

static enum shortcut find_shortcut(const struct check *check)
{
	const struct operand *left = check->left;
	enum type_class class = type_class(left->type);

	if (left->is_list || check->any_ancestor || check->either_end || check->right ||
	    check->modifier != MODIFIER_NONE ||
	    (left->kind == OPERAND_FIELD && left->field->type == VALUE_DYNAMIC))
		return SHORTCUT_NONE;
	if (class == CLASS_STRING && check->texts)
		return SHORTCUT_TEXT_IN;
	if (check->n != 1)
		return SHORTCUT_NONE;
	if (class == CLASS_STRING)
		return text_shortcut(check->op);
	if ((class != CLASS_BOOL && class != CLASS_NUMBER) || left->type == VALUE_DOUBLE)
		return SHORTCUT_NONE;
	return check->op == OP_EQ || check->op == OP_EQ2 ? SHORTCUT_BITS_EQUAL
	       : check->op == OP_NE                      ? SHORTCUT_BITS_DIFFER
							 : SHORTCUT_NONE;
}

static void set_type_answer(struct check *check, uint32_t type)
{
	struct text name = text_from(event_info((enum event_type)type)->name);
	uint64_t bit = UINT64_C(1) << type % 64;
	bool is_true = false;

	for (uint32_t i = 0; i < check->n; i++)
		is_true = is_true || text_equal(check->literals[i].text, name);
	check->types->is_known[type / 64] |= bit;
	if (is_true)
		check->types->is_true[type / 64] |= bit;
}

/* The event's own type, not one that was given by hand. */
static bool is_event_type(const struct operand *operand)
{
	struct field_table own = state_field_table();

	return operand_is_field(operand, "evt.type") && operand->field >= own.fields &&
	       operand->field < own.fields + own.n;
}

/* The names of most events are known beforehand. The others': calls without an event of their own,
 * and execveat, which is reported as execve when it succeeds. */
static int compile_types(struct check *check, struct pool *pool)
{
	bool is_equality = check->op == OP_EQ || check->op == OP_EQ2 || check->op == OP_IN;

	if (!is_equality || check->modifier != MODIFIER_NONE || check->right ||
	    !is_event_type(check->left))
		return 0;
	check->types = pool_alloc(pool, sizeof(*check->types));
	if (!check->types)
		return -ENOMEM;
	for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
		if (type != EVENT_GENERIC && type != EVENT_EXECVEAT)
			set_type_answer(check, type);
	}
	return 0;
}

int check_compile(struct check **out, const struct ast_node *node, const struct field_set *fields,
		  struct operand_table *table, struct regex_list *regexes, struct diag *diag)
{
	struct pool *pool = &table->pool;
	struct check *check = pool_alloc(pool, sizeof(*check));
	const struct ast_node *right = node->n_children > 1 ? node->children[1] : NULL;
	struct operand *left = NULL;
	int r;

	if (!check)
		return -ENOMEM;
	check->op = node->op;
	check->modifier = node->modifier;
	r = operand_compile(&left, node->children[0], fields, table, diag);
	if (r)
		return r;
	check->left = left;
	if (left->kind == OPERAND_FIELD) {
		check->any_ancestor =
			left->field->flags & FIELD_ANY_ANCESTOR && !left->arg.is_given;
		check->either_end = left->field->flags & FIELD_EITHER_END;
	}
	r = check_operator(check, node, diag);
	if (operand_is_field(left, "evt.around") && check->op == OP_EQ)
		check->op = OP_LE; /* its value is a distance */
	if (!r && right)
		r = right->kind == AST_STRING || right->kind == AST_LIST
			    ? compile_literals(check, right, pool, regexes, diag)
			    : compile_right(check, right, fields, table, diag);
	if (!r)
		r = compile_types(check, pool);
	if (r)
		return r;
	check->shortcut = find_shortcut(check);
	*out = check;
	return 0;
}

void check_get_parts(const struct check *check, struct check_parts *out)
{
	*out = (struct check_parts){check->left,     check->right, check->op,
				    check->literals, check->n,     check->modifier};
}

/* The value against literal i. */
static bool test_literal(const struct check *check, const struct field_context *ctx,
			 const struct value *value, uint32_t i)
{
	if (check->op == OP_REGEX)
		return type_class(value->type) == CLASS_STRING &&
		       regex_match(check->regexes[i], value->text, ctx->arena);
	return value_compare(check->op, value, &check->literals[i]);
}

static bool test_any(const struct check *check, const struct value *value)
{
	if (check->texts)
		return type_class(value->type) & (CLASS_STRING | CLASS_BYTES) &&
		       text_set_has(check->texts, value->text);
	for (uint32_t i = 0; i < check->n; i++) {
		if (value_equal(value, &check->literals[i]))
			return true;
	}
	return false;
}

/* How many literals satisfy the operator, as the modifier wants. An empty list satisfies none. */
static bool judge(enum filter_modifier modifier, uint32_t satisfied, uint32_t n)
{
	switch (modifier) {
	case MODIFIER_ONEOF:
		return satisfied == 1;
	case MODIFIER_ALLOF:
		return n && satisfied == n;
	default:
		return satisfied > 0;
	}
}

static bool test_value(const struct check *check, const struct field_context *ctx,
		       const struct value *value)
{
	uint32_t satisfied = 0;

	if (check->op == OP_IN || check->op == OP_INTERSECTS)
		return test_any(check, value);
	if (check->op == OP_PMATCH)
		return type_class(value->type) == CLASS_STRING &&
		       path_set_covers(check->paths, value->text);
	for (uint32_t i = 0; i < check->n; i++)
		satisfied += test_literal(check, ctx, value, i);
	return judge(check->modifier, satisfied, check->n);
}

/* Both ends of a connection: = and its like hold if they hold at either end, != only at both. */
static bool test_ends(const struct check *check, const struct field_context *ctx,
		      const struct values *ends)
{
	bool is_list_op = check->op == OP_IN || check->op == OP_INTERSECTS;
	uint32_t satisfied = 0;

	if (!ends->n)
		return false;
	for (uint32_t i = 0; i < check->n; i++) {
		uint32_t n = 0;

		for (uint32_t end = 0; end < ends->n; end++)
			n += test_literal(check, ctx, &ends->items[end], i);
		satisfied += check->op == OP_NE ? n == ends->n : n > 0;
	}
	return judge(is_list_op ? MODIFIER_ANYOF : check->modifier, satisfied, check->n);
}

static bool test_list(const struct check *check, const struct values *values)
{
	for (uint32_t i = 0; i < values->n; i++) {
		if (test_any(check, &values->items[i]) != (check->op == OP_IN))
			return check->op == OP_INTERSECTS;
	}
	return check->op == OP_IN;
}

static bool list_has(const struct values *list, const struct value *value)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (value_equal(value, &list->items[i]))
			return true;
	}
	return false;
}

static bool test_right(const struct check *check, const struct field_context *ctx,
		       const struct values *left)
{
	struct values right;

	if (!operand_eval(check->right, ctx, &right))
		return false;
	if (!check->left->is_list)
		return left->n && right.n &&
		       value_compare(check->op, &left->items[0], &right.items[0]);
	for (uint32_t i = 0; i < left->n; i++) {
		if (list_has(&right, &left->items[i]) != (check->op == OP_IN))
			return check->op == OP_INTERSECTS;
	}
	return check->op == OP_IN;
}

/* Many sets are asked for the value of one operand: it is hashed once. */
static bool test_in(const struct check *check, const struct field_context *ctx, struct text t)
{
	return text_set_may_have(check->texts, t) &&
	       text_set_has_hashed(check->texts, t, operand_text_hash(check->left, ctx, t));
}

static bool test_shortcut(const struct check *check, const struct field_context *ctx,
			  const struct value *value)
{
	const struct value *literal = &check->literals[0];

	switch (check->shortcut) {
	case SHORTCUT_TEXT_EQUAL:
		return text_equal(value->text, literal->text);
	case SHORTCUT_TEXT_DIFFERS:
		return !text_equal(value->text, literal->text);
	case SHORTCUT_TEXT_STARTS:
		return text_starts_with(value->text, literal->text);
	case SHORTCUT_TEXT_ENDS:
		return text_ends_with(value->text, literal->text);
	case SHORTCUT_TEXT_CONTAINS:
		return !literal->text.len || (value->text.len >= literal->text.len &&
					      memmem(value->text.ptr, value->text.len,
						     literal->text.ptr, literal->text.len));
	case SHORTCUT_TEXT_IN:
		return test_in(check, ctx, value->text);
	case SHORTCUT_BITS_EQUAL:
		return value->u64 == literal->u64;
	default:
		return value->u64 != literal->u64;
	}
}

const struct text *check_prefix(const struct check *check)
{
	return check->shortcut == SHORTCUT_TEXT_STARTS ? &check->literals[0].text : NULL;
}

int check_of_type(const struct check *check, enum event_type type)
{
	if (!check->types || !(check->types->is_known[type / 64] >> type % 64 & 1))
		return -1;
	return check->types->is_true[type / 64] >> type % 64 & 1;
}

bool check_eval(const struct check *check, const struct field_context *ctx)
{
	int known = check->types ? check_of_type(check, ctx->event->type) : -1;
	struct values values;

	if (known >= 0)
		return known;
	if (!operand_eval(check->left, ctx, &values))
		return false;
	if (check->shortcut != SHORTCUT_NONE)
		return values.n && test_shortcut(check, ctx, &values.items[0]);
	if (check->op == OP_EXISTS)
		return !check->any_ancestor || values.n > 0;
	if (check->right)
		return test_right(check, ctx, &values);
	if (check->either_end)
		return test_ends(check, ctx, &values);
	if (check->left->is_list)
		return test_list(check, &values);
	if (check->any_ancestor) {
		for (uint32_t i = 0; i < values.n; i++) {
			if (test_value(check, ctx, &values.items[i]))
				return true;
		}
		return false;
	}
	return values.n && test_value(check, ctx, &values.items[0]);
}

int check_find_literal(const struct check *check, const struct field_context *ctx,
		       const struct value *value)
{
	if (check->op == OP_PMATCH)
		return type_class(value->type) == CLASS_STRING
			       ? path_set_find(check->paths, value->text)
			       : -1;
	for (uint32_t i = 0; i < check->n; i++) {
		if (test_literal(check, ctx, value, i))
			return (int)i;
	}
	return -1;
}
