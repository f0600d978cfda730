#include "filter/explain.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/util.h"
#include "filter/filter_private.h"
#include "filter/print.h"

#define VALUES_MAX 64       /* shown of one field */
#define TEXT_BYTES_MAX 4096 /* of a value */
#define EXACT_MAX (INT64_C(1) << 53)
#define CLAUSE_BYTES_MAX 2048 /* of a check in words */

struct explainer {
	const struct explain_source *source;
	uint32_t n_clauses;
};

const char *truth_name(enum truth truth)
{
	static const char *const names[] = {"false", "true", "unknown"};

	return names[truth];
}

/* ---- truths -------------------------------------------------------------------------------- */

static bool is_known(const struct operand *operand, const struct explain_source *source)
{
	if (operand->kind == OPERAND_FIELD)
		return !source->is_known ||
		       source->is_known(operand->field, &operand->arg, source->known_arg);
	for (uint32_t i = 0; i < operand->n; i++) {
		if (!is_known(operand->children[i], source))
			return false;
	}
	return true;
}

static bool is_known_absent(const struct operand *operand, const struct explain_source *source)
{
	struct values values;

	return is_known(operand, source) && !operand_eval(operand, source->ctx, &values);
}

/* An absent side makes every comparison false, whatever the other holds. */
static enum truth check_truth(const struct check *check, const struct explain_source *source)
{
	struct check_parts parts;

	arena_reset(source->ctx->arena);
	check_get_parts(check, &parts);
	if (is_known(parts.left, source) && (!parts.right || is_known(parts.right, source)))
		return check_eval(check, source->ctx) ? TRUTH_TRUE : TRUTH_FALSE;
	if (is_known_absent(parts.left, source) ||
	    (parts.right && is_known_absent(parts.right, source)))
		return TRUTH_FALSE;
	return TRUTH_UNKNOWN;
}

static enum truth not(enum truth truth) {
	return truth == TRUTH_UNKNOWN ? TRUTH_UNKNOWN
	       : truth == TRUTH_TRUE  ? TRUTH_FALSE
				      : TRUTH_TRUE;
}

/* kind: AND or OR. sofar begins as the truth of no clauses. */
static enum truth combine(enum ast_kind kind, enum truth sofar, enum truth next)
{
	enum truth strong = kind == AST_AND ? TRUTH_FALSE : TRUTH_TRUE;

	if (sofar == strong || next == strong)
		return strong;
	return sofar == TRUTH_UNKNOWN ? sofar : next;
}

static enum truth of_nothing(enum ast_kind kind)
{
	return kind == AST_AND ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth node_truth(const struct node *node, const struct explain_source *source)
{
	enum truth truth = of_nothing(node->kind), strong = not(truth);

	if (node->kind == AST_CHECK)
		return check_truth(node->check, source);
	if (node->kind == AST_NOT)
		return not(node_truth(node->children[0], source));
	for (uint32_t i = 0; i < node->n && truth != strong; i++)
		truth = combine(node->kind, truth, node_truth(node->children[i], source));
	return truth;
}

enum truth filter_truth(const struct filter *filter, const struct explain_source *source)
{
	return node_truth(filter->root, source);
}

/* ---- values -------------------------------------------------------------------------------- */

static uint32_t print_literal(const struct value *value, uint32_t flags, char *buffer,
			      uint32_t size)
{
	char address[INET6_ADDRSTRLEN];
	int n;

	if (value->type != VALUE_IPNET ||
	    !inet_ntop(value->ip.family, value->ip.bytes, address, sizeof(address)))
		return value_print(value, flags, buffer, size);
	n = snprintf(buffer, size, "%s/%u", address, value->ip.prefix);
	return MIN((uint32_t)n, size - 1);
}

/* Whether readers of JSON keep it as it is. */
static bool is_exact(const struct value *value)
{
	if (value_type_is_signed(value->type))
		return value->i64 <= EXACT_MAX && value->i64 >= -EXACT_MAX;
	return value->u64 <= EXACT_MAX;
}

/* Numbers and truths as themselves where JSON can hold them, everything else as text. */
static cJSON *value_json(const struct value *value, uint32_t flags)
{
	enum type_class class = type_class(value->type);
	char text[TEXT_BYTES_MAX];
	cJSON *array, *item;

	if (class == CLASS_BOOL)
		return cJSON_CreateBool(value->u64 != 0);
	if (value->type == VALUE_DOUBLE)
		return cJSON_CreateNumber(value->f64);
	if (class == CLASS_NUMBER && !(flags & (FIELD_HEX | FIELD_OCTAL)) && !value->is_hex &&
	    is_exact(value))
		return cJSON_CreateNumber(value_type_is_signed(value->type) ? (double)value->i64
									    : (double)value->u64);
	array = cJSON_CreateArray();
	if (class & (CLASS_STRING | CLASS_BYTES))
		json_append_text(array, (struct text){value->text.ptr,
						      MIN(value->text.len, TEXT_BYTES_MAX)});
	else
		json_append_text(array, (struct text){text, print_literal(value, flags, text,
									  sizeof(text))});
	item = cJSON_DetachItemFromArray(array, 0);
	cJSON_Delete(array);
	return item;
}

static void append(cJSON *array, cJSON *item)
{
	if (!cJSON_AddItemToArray(array, item))
		cJSON_Delete(item);
}

static uint32_t flags_of(const struct operand *operand)
{
	return operand->kind == OPERAND_FIELD ? operand->field->flags : 0;
}

static cJSON *operand_json(const struct operand *operand, const struct explain_source *source)
{
	cJSON *json = cJSON_CreateObject(), *array;
	bool known = is_known(operand, source);
	struct values values = {0};
	bool is_there;

	arena_reset(source->ctx->arena);
	is_there = known && operand_eval(operand, source->ctx, &values);
	json_add_text(json, "text", operand->name);
	json_add_text(json, "state",
		      !known      ? TEXT("not stored")
		      : !is_there ? TEXT("absent")
				  : TEXT("present"));
	array = json_add_array(json, "values");
	for (uint32_t i = 0; is_there && i < MIN(values.n, VALUES_MAX); i++)
		append(array, value_json(&values.items[i], flags_of(operand)));
	json_add_u64(json, "n", is_there ? values.n : 0);
	return json;
}

/* ---- checks -------------------------------------------------------------------------------- */

static bool names_a_match(enum filter_op op)
{
	return op != OP_EXISTS && op != OP_NE;
}

/* The first of the left side's values that a literal is satisfied by; false: none. */
static bool find_match(const struct check *check, const struct check_parts *parts,
		       const struct explain_source *source, struct value *left, int *literal)
{
	struct values values;

	if (parts->right || !names_a_match(parts->op) || !is_known(parts->left, source))
		return false;
	arena_reset(source->ctx->arena);
	if (!operand_eval(parts->left, source->ctx, &values))
		return false;
	for (uint32_t i = 0; i < values.n; i++) {
		*literal = check_find_literal(check, source->ctx, &values.items[i]);
		*left = values.items[i];
		if (*literal >= 0)
			return true;
	}
	return false;
}

static cJSON *literals_json(const struct check_parts *parts)
{
	cJSON *json = cJSON_CreateObject(), *array = json_add_array(json, "values");

	for (uint32_t i = 0; i < MIN(parts->n, EXPLAIN_LITERALS_MAX); i++)
		append(array, value_json(&parts->literals[i], flags_of(parts->left)));
	json_add_u64(json, "n", parts->n);
	return json;
}

static void add_match(cJSON *json, const struct check *check, const struct check_parts *parts,
		      const struct explain_source *source)
{
	struct value left;
	int literal;
	cJSON *match;

	if (!find_match(check, parts, source, &left, &literal)) {
		json_add_null(json, "matched");
		return;
	}
	match = json_add_object(json, "matched");
	json_add_item(match, "left", value_json(&left, flags_of(parts->left)));
	json_add_item(match, "right", value_json(&parts->literals[literal], flags_of(parts->left)));
}

/* The check as it is written, long lists cut. */
static void add_text(cJSON *json, const struct node *node, const struct check_parts *parts)
{
	char buffer[CLAUSE_BYTES_MAX], more[48];
	struct print p = {.buffer = buffer, .size = sizeof(buffer) - sizeof(more)};

	if (parts->n <= EXPLAIN_LITERALS_MAX && node->text.len < p.size) {
		json_add_text(json, "text", node->text);
		return;
	}
	print_text(&p, parts->left->name);
	print_string(&p, " ");
	print_string(&p, op_info(parts->op)->token);
	if (parts->modifier != MODIFIER_NONE) {
		print_string(&p, " ");
		print_string(&p, modifier_name(parts->modifier));
	}
	for (uint32_t i = 0; i < MIN(parts->n, EXPLAIN_LITERALS_MAX) && !p.is_cut; i++) {
		char text[256];

		print_string(&p, i ? ", " : " (");
		print_bytes(&p, text,
			    print_literal(&parts->literals[i], flags_of(parts->left), text,
					  sizeof(text)));
	}
	p.size = sizeof(buffer);
	p.is_cut = false;
	if (parts->n > EXPLAIN_LITERALS_MAX) {
		snprintf(more, sizeof(more), ", ... %u more)", parts->n - EXPLAIN_LITERALS_MAX);
		print_string(&p, more);
	} else {
		print_string(&p, " ...");
	}
	json_add_text(json, "text", (struct text){buffer, p.len});
}

static void explain_check(const struct explainer *e, const struct node *node, cJSON *json)
{
	struct check_parts parts;

	check_get_parts(node->check, &parts);
	add_text(json, node, &parts);
	json_add_item(json, "left", operand_json(parts.left, e->source));
	json_add_text(json, "operator", text_from(op_info(parts.op)->token));
	json_add_text_or_null(json, "modifier",
			      parts.modifier == MODIFIER_NONE
				      ? TEXT_NONE
				      : text_from(modifier_name(parts.modifier)));
	if (parts.op == OP_EXISTS)
		json_add_null(json, "right");
	else
		json_add_item(json, "right",
			      parts.right ? operand_json(parts.right, e->source)
					  : literals_json(&parts));
	add_match(json, node->check, &parts, e->source);
}

/* ---- the tree ------------------------------------------------------------------------------ */

static const char *kind_name(enum ast_kind kind)
{
	return kind == AST_AND ? "and" : kind == AST_OR ? "or" : kind == AST_NOT ? "not" : "check";
}

static cJSON *explain_node(struct explainer *e, const struct node *node, enum truth *out);

/* Beyond the bound only truths are worked out. */
static enum truth explain_children(struct explainer *e, const struct node *node, cJSON *json)
{
	cJSON *array = json_add_array(json, "clauses");
	enum truth truth = of_nothing(node->kind);
	uint32_t omitted = 0;

	for (uint32_t i = 0; i < node->n; i++) {
		enum truth child;

		if (e->n_clauses >= EXPLAIN_CLAUSES_MAX) {
			child = node_truth(node->children[i], e->source);
			omitted++;
		} else {
			append(array, explain_node(e, node->children[i], &child));
		}
		truth = node->kind == AST_NOT ? not(child) : combine(node->kind, truth, child);
	}
	if (omitted)
		json_add_u64(json, "omitted", omitted);
	return truth;
}

static cJSON *explain_node(struct explainer *e, const struct node *node, enum truth *out)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *truth;

	e->n_clauses++;
	json_add_text(json, "kind", text_from(kind_name(node->kind)));
	truth = cJSON_AddStringToObject(json, "truth", "unknown");
	json_add_bool(json, "decides", false);
	if (node->kind == AST_CHECK) {
		*out = check_truth(node->check, e->source);
		explain_check(e, node, json);
	} else {
		*out = explain_children(e, node, json);
	}
	if (truth)
		cJSON_SetValuestring(truth, truth_name(*out));
	return json;
}

static bool truth_is(const cJSON *clause, const char *truth)
{
	const char *is = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(clause, "truth"));

	return is && strcmp(is, truth) == 0;
}

/* A clause decides if the whole would not be so without it: below one that does, those that are as
 * it is (all of a true "and", the false ones of a false one). */
static void mark_deciding(cJSON *clause)
{
	const char *truth = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(clause, "truth"));
	const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(clause, "kind"));
	cJSON *child;

	cJSON_ReplaceItemInObjectCaseSensitive(clause, "decides", cJSON_CreateTrue());
	cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(clause, "clauses"))
	{
		if (truth && kind && (strcmp(kind, "not") == 0 || truth_is(child, truth)))
			mark_deciding(child);
	}
}

cJSON *filter_explain(const struct filter *filter, const struct explain_source *source)
{
	struct explainer e = {.source = source};
	enum truth truth;
	cJSON *json = explain_node(&e, filter->root, &truth);

	mark_deciding(json);
	return json;
}

/* ---- what is not known --------------------------------------------------------------------- */

static void add_unknown(const struct operand *operand, const struct explain_source *source,
			cJSON *array)
{
	SCOPED(free_ptr) char *name = NULL;
	const cJSON *item;

	for (uint32_t i = 0; i < operand->n; i++)
		add_unknown(operand->children[i], source, array);
	if (operand->kind != OPERAND_FIELD || is_known(operand, source))
		return;
	name = json_text_encode(operand->name);
	cJSON_ArrayForEach(item, array)
	{
		if (name && strcmp(item->valuestring, name) == 0)
			return;
	}
	if (name)
		append(array, cJSON_CreateString(name));
}

static void add_unknown_of(const struct node *node, const struct explain_source *source,
			   cJSON *array)
{
	struct check_parts parts;

	for (uint32_t i = 0; i < node->n; i++)
		add_unknown_of(node->children[i], source, array);
	if (node->kind != AST_CHECK)
		return;
	check_get_parts(node->check, &parts);
	add_unknown(parts.left, source, array);
	if (parts.right)
		add_unknown(parts.right, source, array);
}

cJSON *filter_unknown_fields(const struct filter *filter, const struct explain_source *source)
{
	cJSON *array = cJSON_CreateArray();

	add_unknown_of(filter->root, source, array);
	return array;
}
