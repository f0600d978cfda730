#include "profiles/behavior_fields.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define NAME_MAX_BYTES 200
#define ANCESTORS_MAX 32
#define NUMBER_BYTES 64

static int add_part(struct behavior_fields *out, const char *name, enum behavior_cut cut,
		    const struct field_set *fields, struct diag *diag)
{
	struct diag own = {0};
	int r;

	if (out->n == BEHAVIOR_PARTS_MAX)
		return diag_set(diag, -EINVAL, "more than %d fields in a behavior profile",
				BEHAVIOR_PARTS_MAX);
	r = expr_compile(&out->parts[out->n].expr, text_from(name), fields, &own);
	if (r)
		return r == -ENOMEM ? r : diag_set(diag, -EINVAL, "'%%%s': %s", name, own.message);
	out->parts[out->n++].cut = cut;
	out->has_fd = out->has_fd || strncmp(name, "fd.", 3) == 0;
	return 0;
}

/* "custom.proc.aname.lineage.join[7]": the process and seven ancestors. */
static int add_lineage(struct behavior_fields *out, const char *of, const char *argument,
		       const struct field_set *fields, struct diag *diag)
{
	char *end = NULL;
	long n = *argument == '[' ? strtol(argument + 1, &end, 10) : -1;
	int r = 0;

	if (n < 0 || n > ANCESTORS_MAX || !end || strcmp(end, "]") != 0)
		return diag_set(diag, -EINVAL,
				"'%%custom.proc.%s.lineage.join%s': expected how many ancestors, "
				"0 to %d, in brackets",
				of, argument, ANCESTORS_MAX);
	for (long i = 0; !r && i <= n; i++) {
		char name[64];

		snprintf(name, sizeof(name), "proc.%s[%ld]", of, i);
		r = add_part(out, name, CUT_NONE, fields, diag);
	}
	return r;
}

static int add_named(struct behavior_fields *out, const char *name, const struct field_set *fields,
		     struct diag *diag)
{
	static const char *const lineages[] = {"aname", "aexe", "aexepath"};
	static const char *const ancestors[] = {"proc.aname", "proc.aexe", "proc.aexepath",
						"proc.apid", "proc.acmdline"};
	char changed[NAME_MAX_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(lineages); i++) {
		int len = snprintf(changed, sizeof(changed), "custom.proc.%s.lineage.join",
				   lineages[i]);

		if (strncmp(name, changed, (size_t)len) == 0)
			return add_lineage(out, lineages[i], name + len, fields, diag);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ancestors); i++) {
		if (strcmp(name, ancestors[i]) != 0)
			continue;
		snprintf(changed, sizeof(changed), "%s[0]", name);
		return add_part(out, changed, CUT_NONE, fields, diag);
	}
	if (strcmp(name, "custom.fd.name.part1") == 0)
		return add_part(out, "fd.name", CUT_BEFORE_ARROW, fields, diag);
	if (strcmp(name, "custom.fd.name.part2") == 0)
		return add_part(out, "fd.name", CUT_BEHIND_ARROW, fields, diag);
	return add_part(out, name, CUT_NONE, fields, diag);
}

int behavior_fields_compile(struct behavior_fields *out, struct text source,
			    const struct field_set *fields, struct diag *diag)
{
	const char *at = source.ptr, *end = source.ptr + source.len;
	int r = 0;

	while (!r && at < end && (at = memchr(at, '%', (size_t)(end - at)))) {
		char name[NAME_MAX_BYTES];
		size_t len = 0;

		for (at++; at < end && !strchr(" \t\r\n\v\f", *at); at++) {
			if (len + 1 < sizeof(name))
				name[len++] = *at;
		}
		name[len] = '\0';
		if (!len || len + 1 >= sizeof(name))
			return diag_set(diag, -EINVAL, "'%%': expected the name of a field");
		r = add_named(out, name, fields, diag);
	}
	if (!r && !out->n)
		r = diag_set(diag, -EINVAL, "a behavior profile needs fields: '%%proc.name ...'");
	return r;
}

void behavior_fields_done(struct behavior_fields *fields)
{
	for (uint32_t i = 0; i < fields->n; i++)
		expr_destroy(&fields->parts[i].expr);
	fields->n = 0;
}

static struct text cut_text(struct text t, enum behavior_cut cut)
{
	const char *arrow = cut == CUT_NONE || !t.len ? NULL : memmem(t.ptr, t.len, "->", 2);

	if (cut == CUT_NONE)
		return t;
	if (!arrow)
		return cut == CUT_BEFORE_ARROW ? t : TEXT_NONE;
	if (cut == CUT_BEFORE_ARROW)
		return (struct text){t.ptr, (uint32_t)(arrow - t.ptr)};
	return (struct text){arrow + 2, t.len - (uint32_t)(arrow + 2 - t.ptr)};
}

/* Numbers as the plugin writes them: in decimal, truth as 1 and 0. */
static struct text number_text(const struct value *value, char *buffer)
{
	int n;

	if (value_type_is_signed(value->type))
		n = snprintf(buffer, NUMBER_BYTES, "%" PRId64, value->i64);
	else if (value->type == VALUE_DOUBLE || value->type == VALUE_IPADDR ||
		 value->type == VALUE_IPNET)
		n = (int)value_print(value, 0, buffer, NUMBER_BYTES);
	else
		n = snprintf(buffer, NUMBER_BYTES, "%" PRIu64, value->u64);
	return (struct text){buffer, (uint32_t)n};
}

struct key_print {
	char *buffer;
	uint32_t size, len, n_bytes;
	bool is_cut;
};

static void put(struct key_print *p, struct text t)
{
	uint32_t n = MIN(t.len, p->size - p->len);

	p->is_cut = p->is_cut || n < t.len;
	if (n)
		memcpy(p->buffer + p->len, t.ptr, n);
	p->len += n;
}

uint32_t behavior_fields_print(const struct behavior_fields *fields,
			       const struct field_context *ctx, char *buffer, uint32_t size,
			       bool *is_empty, bool *is_cut)
{
	static const char end[] = {BEHAVIOR_END};
	struct key_print p = {.buffer = buffer, .size = size};

	for (uint32_t i = 0; i < fields->n; i++) {
		struct values values;
		char number[NUMBER_BYTES];

		if (!expr_eval(fields->parts[i].expr, ctx, &values))
			values.n = 0;
		for (uint32_t v = 0; v < values.n; v++) {
			const struct value *value = &values.items[v];
			struct text t = value_type_is_text(value->type)
						? value->text
						: number_text(value, number);

			t = cut_text(t, fields->parts[i].cut);
			p.n_bytes += t.len;
			put(&p, t);
		}
		put(&p, (struct text){end, 1});
	}
	*is_empty = p.n_bytes == 0;
	*is_cut = p.is_cut;
	return p.len;
}
