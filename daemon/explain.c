#include "daemon/explain.h"

#include <errno.h>

#include "base/json_text.h"
#include "base/util.h"
#include "daemon/stored_event.h"
#include "filter/compiled.h"
#include "filter/parser.h"

static void pool_release(struct pool *pool)
{
	pool_done(pool);
}

/* Conditions of rules nest deeper than those that people type. */
static int compile(struct filter **out, struct text condition, const struct field_set *fields,
		   struct diag *diag)
{
	SCOPED(pool_release) struct pool pool = {0};
	struct ast_node *tree;
	int r = filter_parse(&tree, condition, AST_DEPTH_MAX, &pool, diag);

	return r ? r : filter_compile_tree(out, tree, fields, NULL, diag);
}

static void add_explanation(cJSON *json, const struct filter *filter, struct stored_event *event)
{
	struct explain_source source;

	stored_event_source(event, &source);
	json_add_text(json, "truth", text_from(truth_name(filter_truth(filter, &source))));
	json_add_item(json, "clauses", filter_explain(filter, &source));
	json_add_item(json, "not_stored", filter_unknown_fields(filter, &source));
	json_add_null(json, "error");
}

static void add_error(cJSON *json, const struct diag *diag)
{
	json_add_null(json, "truth");
	json_add_null(json, "clauses");
	json_add_array(json, "not_stored");
	json_add_text(json, "error",
		      *diag->message ? text_from(diag->message) : TEXT("out of memory"));
}

char *explain_json(const struct api_explain *what, const struct field_set *fields)
{
	SCOPED(stored_event_destroy) struct stored_event *event = NULL;
	SCOPED(filter_destroy) struct filter *filter = NULL;
	cJSON *json = cJSON_CreateObject();
	struct diag diag = {0};
	char *text;
	int r = stored_event_create(&event, what->event_fields, what->span_fields, what->event_cut,
				    fields, &diag);

	if (r == 0)
		r = compile(&filter, what->condition, stored_event_fields(event), &diag);
	if (r == 0)
		add_explanation(json, filter, event);
	else
		add_error(json, &diag);
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}
