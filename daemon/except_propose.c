#include "daemon/except_propose.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/util.h"
#include "profiles/path_template.h"

#define VALUE_BYTES_MAX 4096 /* longer ones would make rules that nobody reads */
#define EPHEMERAL_PORT 32768 /* from here on the kernel gives ports as it likes */

/* What of an event an exception may hold on to. */
enum part {
	PART_EXE,
	PART_COMMAND,
	PART_PARENT,
	PART_USER,
	PART_WORKLOAD,
	PART_OBJECT,    /* the file, and of calls on two the other */
	PART_PATTERN,   /* the file's path without its accidental parts */
	PART_DIRECTORY, /* that the file is in */
	PART_PEER,      /* the server's address and port */
	PART_END,
};

#define BIT(part) (1U << (part))
#define WHERE (BIT(PART_OBJECT) | BIT(PART_PEER))

/* From the narrowest to the widest. */
static const unsigned shapes[EXCEPT_PROPOSALS_MAX] = {
	BIT(PART_EXE) | BIT(PART_COMMAND) | BIT(PART_PARENT) | BIT(PART_USER) | WHERE |
		BIT(PART_WORKLOAD),
	BIT(PART_EXE) | BIT(PART_COMMAND) | WHERE | BIT(PART_WORKLOAD),
	BIT(PART_EXE) | BIT(PART_PARENT) | WHERE | BIT(PART_WORKLOAD),
	BIT(PART_EXE) | WHERE | BIT(PART_WORKLOAD),
	BIT(PART_EXE) | BIT(PART_PATTERN) | BIT(PART_WORKLOAD),
	BIT(PART_EXE) | BIT(PART_DIRECTORY) | BIT(PART_WORKLOAD),
	BIT(PART_EXE) | WHERE,
	BIT(PART_EXE) | BIT(PART_WORKLOAD),
	BIT(PART_EXE),
};

/* One comparison. */
struct clause {
	enum part part;
	const char *field, *comp;
	char *literal;
};

#define CLAUSES_MAX 16

struct clauses {
	struct clause items[CLAUSES_MAX];
	uint32_t n;
	const struct except_event *event;
	bool is_short; /* of memory */
};

static void clauses_done(struct clauses *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		free(c->items[i].literal);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* The bytes of a stored text; .ptr NULL: there is none, or none to hold on to. The caller frees. */
static struct text stored_text(struct clauses *c, const char *field)
{
	const cJSON *json = cJSON_GetObjectItemCaseSensitive(c->event->fields, field);
	const char *encoded = cJSON_GetStringValue(json);
	struct text out = TEXT_NONE;
	char *bytes;

	if (!encoded || !*encoded || strcmp(encoded, "<NA>") == 0 ||
	    strlen(encoded) > VALUE_BYTES_MAX || (c->event->is_redacted && strchr(encoded, '*')))
		return out;
	bytes = malloc(strlen(encoded) + 1);
	if (!bytes) {
		c->is_short = true;
		return out;
	}
	out.ptr = bytes;
	if (json_text_decode(text_from(encoded), bytes, &out.len) &&
	    !memchr(bytes, 0, out.len)) /* literals cannot hold NUL */
		return out;
	free(bytes);
	return TEXT_NONE;
}

/* Whether a character can stand for itself in a literal in double quotes. */
static bool is_plain(unsigned char c, bool hides_words)
{
	if (c < 0x20 || c >= 0x7f || c == '"' || c == '\'' || c == '\\')
		return false;
	return !hides_words || !strchr(" (),=", c);
}

/* In double quotes, as filters read it. NULL without memory. */
static char *quoted(struct text value, bool hides_words)
{
	char *out = malloc((size_t)value.len * 4 + 3), *to = out;

	if (!out)
		return NULL;
	*to++ = '"';
	for (uint32_t i = 0; i < value.len; i++) {
		if (is_plain((unsigned char)value.ptr[i], hides_words))
			*to++ = value.ptr[i];
		else
			to += sprintf(to, "\\x%02x", (unsigned char)value.ptr[i]);
	}
	*to++ = '"';
	*to = '\0';
	return out;
}

static void add_clause(struct clauses *c, enum part part, const char *field, const char *comp,
		       char *literal)
{
	if (!literal || c->n == CLAUSES_MAX) {
		c->is_short |= !literal;
		free(literal);
		return;
	}
	c->items[c->n++] = (struct clause){part, field, comp, literal};
}

/* field = "value", if there is one. */
static bool add_text(struct clauses *c, enum part part, const char *field)
{
	struct text value = stored_text(c, field);

	if (!value.ptr)
		return false;
	add_clause(c, part, field, "=", quoted(value, c->event->hides_words));
	free((char *)value.ptr);
	return true;
}

/* ---- clauses --------------------------------------------------------------------------------- */

/* "/tmp/<tmp>/x" as a pattern: what varies is any text, what means something in patterns is quoted.
 * False: the path holds what looks like a template's own marks. */
static bool pattern_of(struct text path, struct text template, char *out, uint32_t *len)
{
	uint32_t n = 0;

	if (memchr(path.ptr, '<', path.len))
		return false;
	for (uint32_t i = 0; i < template.len; i++) {
		const char *end = template.ptr[i] == '<'
					  ? memchr(template.ptr + i, '>', template.len - i)
					  : NULL;

		if (end) {
			i = (uint32_t)(end - template.ptr);
			out[n++] = '*';
			continue;
		}
		if (strchr("*?[\\", template.ptr[i]))
			out[n++] = '\\';
		out[n++] = template.ptr[i];
	}
	*len = n;
	return true;
}

static void add_pattern(struct clauses *c, const char *field)
{
	char buffer[PATH_TEMPLATE_MAX], pattern[2 * PATH_TEMPLATE_MAX];
	struct text path = stored_text(c, field), template, out = {pattern, 0};

	if (!path.ptr)
		return;
	template = path_template(path, buffer);
	if (path.len < PATH_TEMPLATE_MAX / 2 && !text_equal(path, template) &&
	    pattern_of(path, template, pattern, &out.len))
		add_clause(c, PART_PATTERN, field, "glob", quoted(out, c->event->hides_words));
	free((char *)path.ptr);
}

static bool has_value(const struct clauses *c, const char *field, const char *values)
{
	const cJSON *json = cJSON_GetObjectItemCaseSensitive(c->event->fields, field);
	const char *text = cJSON_GetStringValue(json);

	return text && strlen(text) == 1 && strchr(values, *text);
}

static void add_port(struct clauses *c, const char *field)
{
	const cJSON *json = cJSON_GetObjectItemCaseSensitive(c->event->fields, field);
	double port = cJSON_GetNumberValue(json);
	char text[16];

	if (!(port > 0 && port < EPHEMERAL_PORT))
		return;
	snprintf(text, sizeof(text), "%.0f", port);
	add_clause(c, PART_PEER, field, "=", strdup(text));
}

/* What it was about: a connection, a file, or the path that the call names. */
static void add_object(struct clauses *c)
{
	if (has_value(c, "fd.typechar", "46")) {
		add_text(c, PART_PEER, "fd.sip");
		add_port(c, "fd.sport");
		return;
	}
	if (has_value(c, "fd.typechar", "fd") && add_text(c, PART_OBJECT, "fd.name")) {
		add_pattern(c, "fd.name");
		add_text(c, PART_DIRECTORY, "fd.directory");
		return;
	}
	if (add_text(c, PART_OBJECT, "fs.path.name"))
		add_pattern(c, "fs.path.name");
	add_text(c, PART_OBJECT, "fs.path.source");
	add_text(c, PART_OBJECT, "fs.path.target");
}

static void find_clauses(struct clauses *c)
{
	if (!add_text(c, PART_EXE, "proc.exepath"))
		add_text(c, PART_EXE, "proc.name");
	add_text(c, PART_COMMAND, "proc.cmdline");
	if (!add_text(c, PART_PARENT, "proc.pexepath"))
		add_text(c, PART_PARENT, "proc.pname");
	add_text(c, PART_USER, "user.name");
	add_object(c);
	add_text(c, PART_WORKLOAD, "workload.name");
}

/* ---- proposals ------------------------------------------------------------------------------- */

/* A scalar of YAML in double quotes. Rules' names are UTF-8; what is not ASCII is escaped. */
static void print_yaml_text(FILE *to, struct text t)
{
	fputc('"', to);
	for (uint32_t i = 0; i < t.len;) {
		unsigned char c = (unsigned char)t.ptr[i];
		uint32_t code = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0xf : c & 7;
		uint32_t more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

		for (i++; more > 0 && i < t.len; more--, i++)
			code = code << 6 | ((unsigned char)t.ptr[i] & 0x3f);
		if (code < 0x20 || code > 0x7e)
			fprintf(to, "\\U%08" PRIx32, code);
		else
			fprintf(to, "%s%c", code == '"' || code == '\\' ? "\\" : "", (int)code);
	}
	fputc('"', to);
}

/* In single quotes: printable ASCII without them stays as it is. */
static void print_yaml_literal(FILE *to, const char *literal)
{
	if (*literal != '"') {
		fputs(literal, to);
		return;
	}
	fprintf(to, "'%s'", literal); /* quoted() leaves no ' */
}

static char *yaml_of(const struct except_proposal *p, const struct except_event *event)
{
	SCOPED(free_ptr) char *buffer = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&buffer, &size);

	if (!to)
		return NULL;
	fprintf(to, "- rule: ");
	print_yaml_text(to, event->rule);
	fprintf(to, "\n  exceptions:\n    - name: %s\n      fields: [", p->name);
	for (uint32_t i = 0; i < p->n; i++)
		fprintf(to, "%s%s", i ? ", " : "", p->fields[i]);
	fprintf(to, "]\n      comps: [");
	for (uint32_t i = 0; i < p->n; i++)
		fprintf(to, "%s%s", i ? ", " : "", p->comps[i]);
	fprintf(to, "]\n      values:\n        - [");
	for (uint32_t i = 0; i < p->n; i++) {
		fprintf(to, "%s", i ? ", " : "");
		print_yaml_literal(to, p->literals[i]);
	}
	fprintf(to, "]\n  override:\n    exceptions: append\n");
	return fclose(to) ? NULL : TAKE(buffer);
}

static char *condition_of(const struct except_proposal *p)
{
	SCOPED(free_ptr) char *buffer = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&buffer, &size);

	if (!to)
		return NULL;
	for (uint32_t i = 0; i < p->n; i++)
		fprintf(to, "%s%s %s %s", i ? " and " : "", p->fields[i], p->comps[i],
			p->literals[i]);
	return fclose(to) ? NULL : TAKE(buffer);
}

static bool is_said(const struct except_proposals *proposals, const struct except_proposal *p)
{
	for (uint32_t i = 0; i < proposals->n; i++) {
		if (strcmp(proposals->items[i].condition, p->condition) == 0)
			return true;
	}
	return false;
}

static void proposal_done(struct except_proposal *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		free(p->literals[i]);
	free(p->condition);
	free(p->yaml);
	*p = (struct except_proposal){0};
}

/* A shape without its parts is the same as another, or none. */
static int add_proposal(struct except_proposals *out, const struct clauses *c, unsigned shape)
{
	SCOPED(proposal_done) struct except_proposal p = {0};
	unsigned has = 0;

	for (uint32_t i = 0; i < c->n && p.n < EXCEPT_FIELDS_MAX; i++) {
		const struct clause *clause = &c->items[i];

		if (!(shape & BIT(clause->part)))
			continue;
		has |= BIT(clause->part);
		p.fields[p.n] = clause->field;
		p.comps[p.n] = clause->comp;
		p.literals[p.n] = strdup(clause->literal);
		if (!p.literals[p.n++])
			return -ENOMEM;
	}
	if (!(has & BIT(PART_EXE)) || (shape & (BIT(PART_PATTERN) | BIT(PART_DIRECTORY)) & ~has))
		return 0;
	snprintf(p.name, sizeof(p.name), "l%" PRIu64 "_%u", c->event->alert, out->n + 1);
	p.condition = condition_of(&p);
	p.yaml = yaml_of(&p, c->event);
	if (!p.condition || !p.yaml)
		return -ENOMEM;
	if (is_said(out, &p))
		return 0;
	out->items[out->n++] = p;
	p = (struct except_proposal){0};
	return 0;
}

int except_propose(struct except_proposals *out, const struct except_event *event)
{
	SCOPED(clauses_done) struct clauses clauses = {.event = event};
	int r = 0;

	*out = (struct except_proposals){0};
	find_clauses(&clauses);
	if (clauses.is_short)
		return -ENOMEM;
	for (size_t i = 0; !r && i < ARRAY_SIZE(shapes); i++)
		r = add_proposal(out, &clauses, shapes[i]);
	if (r)
		except_proposals_done(out);
	return r;
}

void except_proposals_done(struct except_proposals *proposals)
{
	for (uint32_t i = 0; i < proposals->n; i++)
		proposal_done(&proposals->items[i]);
	proposals->n = 0;
}
