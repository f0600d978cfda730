#include "filter/stored.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/event_table.h"
#include "base/util.h"
#include "filter/utf8.h"

#define NAME_BYTES_MAX 256
#define EXACT_MAX (INT64_C(1) << 53) /* of numbers that JSON readers keep */

struct entry {
	const struct field *field;
	struct field_arg arg;
	struct text name; /* as rules write it, argument included */
};

struct stored_set {
	const struct field_set *fields;
	struct pool pool;
	struct entry *entries;
	uint32_t n, max;
	const struct field *arg; /* evt.arg: of all parameters */
};

/* What nearly every rule asks for, or people of an alert. */
static bool is_base(const struct field *field)
{
	static const char *const names[] = {
		"evt.num",
		"evt.rawtime",
		"evt.type",
		"evt.category",
		"evt.res",
		"evt.rawres",
		"evt.failed",
		"evt.is_open_read",
		"evt.is_open_write",
		"evt.is_open_exec",
		"evt.is_open_create",
		"evt.is_io_uring",
		"syscall.type",
		"proc.name",
		"proc.exe",
		"proc.exepath",
		"proc.cmdline",
		"proc.cwd",
		"proc.pid",
		"proc.ppid",
		"proc.sid",
		"proc.tty",
		"proc.pname",
		"proc.pexepath",
		"proc.pcmdline",
		"proc.aname",
		"proc.is_exe_upper_layer",
		"proc.is_exe_from_memfd",
		"thread.tid",
		"user.uid",
		"user.name",
		"user.loginuid",
		"user.loginname",
		"group.gid",
		"fd.num",
		"fd.type",
		"fd.typechar",
		"fd.name",
		"fd.directory",
		"fd.filename",
		"fd.l4proto",
		"fd.is_server",
		"fd.ip",
		"fd.sip",
		"fd.cip",
		"fd.port",
		"fd.sport",
		"fd.cport",
		"fd.snet",
		"fs.path.name",
		"fs.path.source",
		"fs.path.target",
		"container.id",
		"container.name",
		"container.type",
		"container.privileged",
		"container.image.repository",
		"container.image.tag",
		"k8s.ns.name",
		"k8s.pod.name",
		"anomaly.return_period_s",
		"anomaly.dimension",
		"anomaly.novel",
		"anomaly.above_threshold",
		"anomaly.repeat",
		"anomaly.incident",
	};

	if (field->flags & (FIELD_UNAVAILABLE | FIELD_OUTPUT_ONLY))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(field->name, names[i]) == 0)
			return true;
	}
	return text_starts_with(text_from(field->name), TEXT("workload.")) ||
	       text_starts_with(text_from(field->name), TEXT("incident."));
}

bool stored_leaves_out(struct text field, struct text param)
{
	/* Also fields, or large, or only captured where a rule asks for them. */
	static const char *const names[] = {
		"env",           "data",           "name",          "fds",
		"size",          "msgcontrol",     "timeout",       "sigmask",
		"args",          "cgroups",        "exe",           "tid",
		"pid",           "ptid",           "cwd",           "fdlimit",
		"pgft_maj",      "pgft_min",       "vm_size",       "vm_rss",
		"vm_swap",       "comm",           "tty",           "vpgid",
		"pgid",          "loginuid",       "cap_permitted", "cap_inheritable",
		"cap_effective", "exe_ino",        "exe_ino_ctime", "exe_ino_mtime",
		"filename",      "trusted_exepath"};

	if (!text_equal(field, TEXT("evt.arg")))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (text_equal(param, text_from(names[i])))
			return true;
	}
	return false;
}

static bool is_known(const struct stored_set *set, const struct field *field,
		     const struct field_arg *arg)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct entry *e = &set->entries[i];

		if (e->field == field && e->arg.is_given == arg->is_given &&
		    (!arg->is_given || text_equal(e->arg.text, arg->text)))
			return true;
	}
	return false;
}

static int grow(struct stored_set *set)
{
	uint32_t max = set->max ? 2 * set->max : 256;
	struct entry *entries;

	if (set->n < set->max)
		return 0;
	if (max > STORED_FIELDS_MAX)
		return -E2BIG;
	entries = reallocarray(set->entries, max, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	set->entries = entries;
	set->max = max;
	return 0;
}

static int add(struct stored_set *set, const struct field *field, struct text name, struct text arg,
	       bool has_arg)
{
	struct entry entry = {.field = field};
	int r = grow(set);

	if (r)
		return r;
	entry.name = pool_text(&set->pool, name);
	arg = has_arg ? pool_text(&set->pool, arg) : TEXT("");
	if (!entry.name.ptr || !arg.ptr)
		return -ENOMEM;
	if (field_arg_prepare(field, arg, has_arg, &entry.arg) == 0)
		set->entries[set->n++] = entry;
	return 0;
}

static int add_base(struct stored_set *set, const struct field *field)
{
	if (strcmp(field->name, "evt.arg") == 0)
		set->arg = field;
	else if (is_base(field))
		return add(set, field, text_from(field->name), TEXT_NONE, false);
	return 0;
}

int stored_set_create(struct stored_set **out, const struct field_set *fields)
{
	SCOPED(stored_set_destroy) struct stored_set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->fields = fields;
	for (uint32_t t = 0; t < fields->n_tables; t++) {
		for (uint32_t i = 0; i < fields->tables[t].n; i++) {
			int r = add_base(set, &fields->tables[t].fields[i]);

			if (r)
				return r;
		}
	}
	*out = TAKE(set);
	return 0;
}

void stored_set_destroy(struct stored_set **set)
{
	if (!*set)
		return;
	free((*set)->entries);
	pool_done(&(*set)->pool);
	free(*set);
	*set = NULL;
}

static bool is_param(const struct stored_set *set, const struct operand *operand)
{
	return operand->field == set->arg && !operand->arg.is_index &&
	       !stored_leaves_out(text_from(operand->field->name), operand->arg.text);
}

/* Without the quotes that rules need around some arguments. */
static int add_bracketed(struct stored_set *set, const struct operand *operand)
{
	char name[NAME_BYTES_MAX];
	int len = snprintf(name, sizeof(name), "%s[%.*s]", operand->field->name,
			   TEXT_ARGS(operand->arg.text));

	if (len >= (int)sizeof(name) || memchr(name, '\0', (size_t)len))
		return 0; /* as if nobody had asked for it */
	return add(set, operand->field, (struct text){name, (uint32_t)len}, operand->arg.text,
		   true);
}

int stored_set_add(struct stored_set *set, const struct operand *operand)
{
	for (uint32_t i = 0; i < operand->n; i++) {
		int r = stored_set_add(set, operand->children[i]);

		if (r)
			return r;
	}
	if (operand->kind != OPERAND_FIELD || is_param(set, operand) ||
	    operand->field->flags & FIELD_UNAVAILABLE ||
	    is_known(set, operand->field, &operand->arg))
		return 0;
	if (!operand->arg.is_given || !memchr(operand->name.ptr, '[', operand->name.len))
		return add(set, operand->field, operand->name, operand->arg.text,
			   operand->arg.is_given);
	return add_bracketed(set, operand);
}

static void print_names(const struct stored_set *set, struct print *p)
{
	bool is_first = !set->arg;

	print_string(p, "[");
	if (set->arg)
		print_string(p, "\"evt.arg.*\"");
	for (uint32_t i = 0; i < set->n; i++) {
		if (!is_first)
			print_string(p, ",");
		is_first = false;
		print_json_string(p, set->entries[i].name);
	}
	print_string(p, "]");
}

char *stored_set_names(const struct stored_set *set)
{
	uint32_t size = 64;
	char *names;

	for (uint32_t i = 0; i < set->n; i++)
		size += 6 * set->entries[i].name.len + 3; /* each byte may be escaped */
	names = malloc(size);
	if (names) {
		struct print p = {.buffer = names, .size = size - 1};

		print_names(set, &p);
		names[p.len] = '\0';
	}
	return names;
}

/* ---- values ------------------------------------------------------------------------------- */

/* A character as it stands in a JSON string. */
static void print_char(struct print *p, const char *bytes, uint32_t len)
{
	char escaped[8];

	if (len > 1) {
		print_bytes(p, bytes, len);
	} else if (*bytes == '"') {
		print_string(p, "\\\"");
	} else if (*bytes == '\\') {
		print_string(p, "\\\\\\\\"); /* twice: once for json_text.h */
	} else if ((unsigned char)*bytes < 0x20 || *bytes == 0x7f) {
		snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)*bytes);
		print_string(p, escaped);
	} else {
		print_bytes(p, bytes, 1);
	}
}

static void print_byte(struct print *p, char byte)
{
	char escaped[8];

	snprintf(escaped, sizeof(escaped), "\\\\x%02x", (unsigned char)byte);
	print_string(p, escaped);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void print_encoded(struct print *p, struct text t)
{
	print_string(p, "\"");
	for (uint32_t at = 0; at < t.len && !p->is_cut;) {
		uint32_t plain = at, len;
		bool is_valid;

		while (plain < t.len && is_plain((unsigned char)t.ptr[plain]))
			plain++;
		if (plain > at) {
			print_bytes(p, t.ptr + at, plain - at);
			at = plain;
			continue;
		}
		len = utf8_next(t, at, &is_valid);
		for (uint32_t i = 0; !is_valid && i < len; i++)
			print_byte(p, t.ptr[at + i]);
		if (is_valid && t.ptr[at] == '\0')
			print_byte(p, '\0');
		else if (is_valid)
			print_char(p, t.ptr + at, len);
		at += len;
	}
	print_string(p, "\"");
}

static void print_signed(struct print *p, int64_t n)
{
	char text[32];

	snprintf(text, sizeof(text),
		 n > EXACT_MAX || n < -EXACT_MAX ? "\"%" PRId64 "\"" : "%" PRId64, n);
	print_string(p, text);
}

static void print_unsigned(struct print *p, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), n > (uint64_t)EXACT_MAX ? "\"%" PRIu64 "\"" : "%" PRIu64, n);
	print_string(p, text);
}

static void print_double(struct print *p, double number)
{
	char text[40];

	if (number != number || number - number != 0) {
		print_string(p, "null");
		return;
	}
	snprintf(text, sizeof(text), "%.17g", number);
	print_string(p, text);
}

static void print_address(struct print *p, const struct ip_value *ip)
{
	char text[INET6_ADDRSTRLEN];

	print_string(p, "\"");
	if (inet_ntop(ip->family, ip->bytes, text, sizeof(text)))
		print_string(p, text);
	print_string(p, "\"");
}

static void print_one(struct print *p, const struct value *value)
{
	if (value_type_is_text(value->type)) {
		print_encoded(p, value->text);
		return;
	}
	switch (value->type) {
	case VALUE_IPADDR:
	case VALUE_IPNET:
		print_address(p, &value->ip);
		break;
	case VALUE_DOUBLE:
		print_double(p, value->f64);
		break;
	case VALUE_BOOL:
		print_string(p, value->u64 ? "true" : "false");
		break;
	default:
		if (value_type_is_signed(value->type))
			print_signed(p, value->i64);
		else
			print_unsigned(p, value->u64);
	}
}

static void print_any(struct print *p, const struct field *field, const struct value *value)
{
	if (field->type != VALUE_DYNAMIC) {
		print_one(p, value);
		return;
	}
	print_string(p, "{\"type\":\"");
	print_string(p, value_type_name(value->type));
	print_string(p, "\",\"value\":");
	print_one(p, value);
	print_string(p, "}");
}

static bool is_array(const struct field *field, const struct field_arg *arg)
{
	return field->flags & (FIELD_LIST | FIELD_EITHER_END) ||
	       (field->flags & FIELD_ANY_ANCESTOR && !arg->is_given);
}

static void print_all(struct print *p, const struct field *field, const struct field_arg *arg,
		      const struct values *values)
{
	if (!is_array(field, arg)) {
		print_any(p, field, &values->items[0]);
		return;
	}
	print_string(p, "[");
	for (uint32_t i = 0; i < values->n; i++) {
		if (i)
			print_string(p, ",");
		print_any(p, field, &values->items[i]);
	}
	print_string(p, "]");
}

/* ---- events ------------------------------------------------------------------------------- */

static void note_cut(struct print *cut, struct text name)
{
	if (cut->is_cut)
		return; /* "*" was said */
	if (cut->size - cut->len < name.len + 4) {
		print_string(cut, cut->len ? " *" : "*");
		cut->is_cut = true;
		return;
	}
	if (cut->len)
		print_string(cut, " ");
	print_text(cut, name);
}

/* Extract and print one member, all of it or nothing. */
static void print_member(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct text name, struct print *out,
			 struct print *cut)
{
	uint64_t refused = ctx->arena->refused_total;
	struct print p = *out;
	struct values values;
	bool is_there;

	arena_reset(ctx->arena);
	is_there = field->extract(ctx, field, arg, &values);
	if (ctx->arena->refused_total != refused) {
		note_cut(cut, name);
		return;
	}
	if (!is_there || (values.n == 0 && !is_array(field, arg)))
		return;
	p.size = MIN(out->size - 1, out->len + STORED_VALUE_BYTES_MAX);
	if (out->len > 1)
		print_string(&p, ",");
	print_json_string(&p, name);
	print_string(&p, ":");
	print_all(&p, field, arg, &values);
	if (p.is_cut)
		note_cut(cut, name);
	else
		out->len = p.len;
}

static void print_params(const struct field_context *ctx, const struct field *field,
			 struct print *out, struct print *cut)
{
	const struct event *ev = ctx->event;
	const struct event_info *info = event_info(ev->type);

	for (unsigned i = 0; field && i < info->n_params; i++) {
		struct text param = text_from(info->params[i].name);
		struct field_arg arg;
		char name[128];

		if (stored_leaves_out(text_from(field->name), param) ||
		    field_arg_prepare(field, param, true, &arg))
			continue;
		snprintf(name, sizeof(name), "%s.%s", field->name, info->params[i].name);
		print_member(ctx, field, &arg, text_from(name), out, cut);
	}
}

void stored_set_print(const struct stored_set *set, const struct field_context *ctx,
		      struct print *out, struct print *cut)
{
	print_string(out, "{");
	print_params(ctx, set->arg, out, cut);
	for (uint32_t i = 0; i < set->n; i++)
		print_member(ctx, set->entries[i].field, &set->entries[i].arg, set->entries[i].name,
			     out, cut);
	print_string(out, "}");
}
