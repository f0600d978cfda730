/* What is suspicious about a condition though it compiles. */
#pragma once

#include "filter/ast.h"
#include "state/field.h"

enum filter_warning {
	WARNING_UNSAFE_NA,      /* a field of a removed source compared with <NA> */
	WARNING_DEPRECATED,     /* a field that is on its way out */
	WARNING_VALUE_IS_FIELD, /* the value is the name of a field: val() was meant? */
	WARNING_VALUE_IS_CALL,  /* the value looks like a transformer call */
	WARNING_REGEX_IS_PLAIN, /* a string operator would do */
};

/* Falco's LOAD_* code of a warning. */
const char *filter_warning_code(enum filter_warning warning);

/* Called for each; subject is the field or value it is about. */
typedef void filter_warn_fn(enum filter_warning warning, const struct ast_node *node,
			    struct text subject, void *arg);

void filter_warnings(const struct ast_node *root, const struct field_set *fields,
		     filter_warn_fn *warn, void *arg);

/* Fields that upstream has deprecated: "evt.dir", ...; NULL behind the last. */
const char *const *filter_deprecated_fields(void);
