/* Formats, beyond what filter.h tells everybody. */
#pragma once

#include "filter/filter.h"
#include "filter/print.h"

/* As format_compile(), telling a name that does not exist (ERR_UNKNOWN_NAME) apart. */
int format_compile_strict(struct format **out, struct text source, const struct field_set *fields,
			  struct diag *diag);

/* Print up to the first absent value. False: one was absent. */
bool format_print_strict(const struct format *format, const struct field_context *ctx,
			 struct print *out);

/* The fields of a format, in the order of its tokens, a transformer behind its arguments. */
uint32_t format_n_fields(const struct format *format);
const struct operand *format_field(const struct format *format, uint32_t i);

/* Memory that it takes. */
size_t format_bytes(const struct format *format);

/* The members of format_fields_json() without the braces; is_first: no comma before the first.
 * Transformers are left out unless with_transformers. Strict as format_print_strict(): stops at an
 * absent value; otherwise that is null. */
bool format_print_members(const struct format *format, const struct field_context *ctx,
			  bool with_transformers, bool is_strict, struct print *out);
