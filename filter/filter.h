/* Filters: the condition language of Falco's rules, compiled once, evaluated per event.
 * The language is specified in docs/filter-language.md. A compiled filter is immutable and may be
 * shared; evaluation needs the pipeline thread's field_context. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/event_table.h"
#include "state/field.h"

#define EVENT_SET_WORDS ((EVENT_TYPE_END + 63) / 64)
#define SYSCALL_SET_WORDS 8 /* x86-64 numbers below 512 */

/* Which events can make a filter true: dedicated events by type, the others (EVENT_GENERIC) by
 * call number. */
struct event_set {
	uint64_t types[EVENT_SET_WORDS];
	uint64_t syscalls[SYSCALL_SET_WORDS];
};

struct filter;

/* Compile a condition. fields must outlive the filter. 0 gives *out; -EINVAL fills diag (offset,
 * line, column, message); -ENOMEM. */
int filter_compile(struct filter **out, struct text source, const struct field_set *fields,
		   struct diag *diag);
void filter_destroy(struct filter **filter);

bool filter_eval(const struct filter *filter, const struct field_context *ctx);

/* The events under which the filter can be true. Borrowed from the filter. */
const struct event_set *filter_event_set(const struct filter *filter);

/* One value expression: a field or a transformer over fields ("basename(proc.exepath)"), as used in
 * dimension keys. */
struct expr;
int expr_compile(struct expr **out, struct text source, const struct field_set *fields,
		 struct diag *diag);
void expr_destroy(struct expr **expr);
/* False: absent. */
bool expr_eval(const struct expr *expr, const struct field_context *ctx, struct values *out);
/* Whether it has values in outputs only, so that nothing can be decided by it. */
bool expr_is_output_only(const struct expr *expr);
/* The field's type as values will carry it. */
enum value_type expr_type(const struct expr *expr);

/* Text of a value as outputs show it, into buffer; returns the length (cut at size). */
uint32_t value_print(const struct value *value, uint32_t field_flags, char *buffer, uint32_t size);

/* Output formats: "file=%fd.name user=%user.name". */
struct format;
int format_compile(struct format **out, struct text source, const struct field_set *fields,
		   struct diag *diag);
void format_destroy(struct format **format);

/* Print with <NA> for absent values; returns the length (cut at size). */
uint32_t format_print(const struct format *format, const struct field_context *ctx, char *buffer,
		      uint32_t size);

/* The fields of a format as a JSON object ({"fd.name": "...", "proc.pid": 1, ...}), typed as Falco
 * types them; returns the length, 0 if it did not fit. */
uint32_t format_fields_json(const struct format *format, const struct field_context *ctx,
			    char *buffer, uint32_t size);

/* The same where it did not fit: every value gets an equal share of the buffer, what is longer ends
 * in "..."; the member "ethogram.fields_cut": true says so. 0 if the names alone do not fit. */
uint32_t format_fields_json_short(const struct format *format, const struct field_context *ctx,
				  char *buffer, uint32_t size);
