#include "tests/fuzz/fuzz_fields.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/util.h"

#define ARENA_BYTES (1u << 16)

static const struct value text_items[] = {
	{.text = TEXT("/etc/\xff\xc3\xa9\"\\\n"), .type = VALUE_CHARBUF},
	{.text = TEXT("-abc=x"), .type = VALUE_CHARBUF},
	{.text = TEXT(""), .type = VALUE_CHARBUF},
};
static const struct value number_items[] = {{.i64 = -5, .type = VALUE_INT64}};
static const struct value port_items[] = {{.u64 = 443, .type = VALUE_PORT},
					  {.u64 = 50000, .type = VALUE_PORT}};
static const struct value flag_items[] = {{.u64 = 1, .type = VALUE_BOOL}};
static const struct value double_items[] = {{.f64 = 1.5, .type = VALUE_DOUBLE}};
static const struct value bytes_items[] = {{.text = TEXT("\0\x01\xff"), .type = VALUE_BYTEBUF}};
static const struct value ip_items[] = {
	{.ip = {.bytes = {10, 0, 0, 1}, .family = AF_INET, .prefix = 32}, .type = VALUE_IPADDR},
	{.ip = {.bytes = {10, 0, 0, 2}, .family = AF_INET, .prefix = 32}, .type = VALUE_IPADDR},
};
static const struct value net_items[] = {
	{.ip = {.bytes = {10, 0, 0, 1}, .family = AF_INET, .prefix = 32}, .type = VALUE_IPNET}};

static bool extract_fuzz(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	bool is_many = field->flags & (FIELD_LIST | FIELD_ANY_ANCESTOR | FIELD_EITHER_END);

	(void)ctx, (void)arg;
	switch (field->type) {
	case VALUE_UINT64:
	case VALUE_PORT:
		*out = (struct values){port_items, is_many ? 2 : 1};
		return true;
	case VALUE_INT64:
		*out = (struct values){number_items, 1};
		return true;
	case VALUE_BOOL:
		*out = (struct values){flag_items, 1};
		return true;
	case VALUE_DOUBLE:
		*out = (struct values){double_items, 1};
		return true;
	case VALUE_BYTEBUF:
		*out = (struct values){bytes_items, 1};
		return true;
	case VALUE_IPADDR:
		*out = (struct values){ip_items, is_many ? 2 : 1};
		return true;
	case VALUE_IPNET:
		*out = (struct values){net_items, 1};
		return true;
	default:
		*out = (struct values){text_items, is_many ? 3 : 1};
		return true;
	}
}

static bool extract_absent(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	(void)ctx, (void)field, (void)arg, (void)out;
	return false;
}

static bool extract_none(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	(void)ctx, (void)field, (void)arg;
	*out = (struct values){text_items, 0};
	return true;
}

static const struct field fields[] = {
	{"s.v", VALUE_CHARBUF, FIELD_OF_OPEN, extract_fuzz, NULL, "", 0},
	{"s.p", VALUE_FSPATH, FIELD_PER_PROCESS, extract_fuzz, NULL, "", 0},
	{"s.n", VALUE_CHARBUF, 0, extract_absent, NULL, "", 0},
	{"l.n", VALUE_CHARBUF, FIELD_LIST | FIELD_PER_PROCESS, extract_absent, NULL, "", 0},
	{"l.e", VALUE_CHARBUF, FIELD_LIST, extract_none, NULL, "", 0},
	{"u.v", VALUE_UINT64, FIELD_PER_LINEAGE, extract_fuzz, NULL, "", 0},
	{"o.v", VALUE_PORT, FIELD_EITHER_END, extract_fuzz, NULL, "", 0},
	{"i.v", VALUE_INT64, 0, extract_fuzz, NULL, "", 0},
	{"b.v", VALUE_BOOL, 0, extract_fuzz, NULL, "", 0},
	{"d.v", VALUE_DOUBLE, 0, extract_fuzz, NULL, "", 0},
	{"y.v", VALUE_BYTEBUF, 0, extract_fuzz, NULL, "", 0},
	{"a.v", VALUE_IPADDR, 0, extract_fuzz, NULL, "", 0},
	{"n.v", VALUE_IPNET, 0, extract_fuzz, NULL, "", 0},
	{"l.v", VALUE_CHARBUF, FIELD_LIST, extract_fuzz, NULL, "", 0},
	{"x.v", VALUE_CHARBUF, FIELD_ANY_ANCESTOR | FIELD_ARG_ALLOWED | FIELD_PER_LINEAGE,
	 extract_fuzz, NULL, "", 0},
	{"e.v", VALUE_IPADDR, FIELD_EITHER_END, extract_fuzz, NULL, "", 0},
	{"k.v", VALUE_CHARBUF, FIELD_ARG_REQUIRED | FIELD_ARG_KEY | FIELD_ARG_DOT, extract_fuzz,
	 NULL, "", 0},
	{"evt.type", VALUE_CHARBUF, 0, extract_fuzz, NULL, "", 0},
	/* as rule files have them */
	{"proc.name", VALUE_CHARBUF, FIELD_PER_PROCESS, extract_fuzz, NULL, "", 0},
	{"proc.cmdline", VALUE_CHARBUF, FIELD_PER_PROCESS, extract_fuzz, NULL, "", 0},
	{"proc.pname", VALUE_CHARBUF, FIELD_PER_LINEAGE, extract_absent, NULL, "", 0},
	{"proc.aname", VALUE_CHARBUF, FIELD_ANY_ANCESTOR | FIELD_ARG_ALLOWED | FIELD_ARG_INDEX,
	 extract_fuzz, NULL, "", 0},
	{"fd.name", VALUE_CHARBUF, FIELD_OF_OPEN, extract_fuzz, NULL, "", 0},
	{"evt.arg", VALUE_CHARBUF, FIELD_ARG_REQUIRED | FIELD_ARG_INDEX | FIELD_ARG_DOT,
	 extract_fuzz, NULL, "", 0},
	{"evt.time", VALUE_CHARBUF, 0, extract_fuzz, NULL, "", 0},
	{"evt.num", VALUE_INT64, 0, extract_fuzz, NULL, "", 0},
	{"evt.rawarg", VALUE_DYNAMIC, FIELD_ARG_REQUIRED | FIELD_ARG_DOT, extract_fuzz, NULL, "",
	 0},
};

void fuzz_context_init(struct fuzz_context *fuzz)
{
	*fuzz = (struct fuzz_context){
		.fields = {.tables = {{fields, ARRAY_SIZE(fields)}}, .n_tables = 1}};
	if (arena_init(&fuzz->arena, ARENA_BYTES))
		abort();
	fuzz->event.type = EVENT_OPENAT;
	fuzz->ctx.event = &fuzz->event;
	fuzz->ctx.arena = &fuzz->arena;
}

void fuzz_context_done(struct fuzz_context *fuzz)
{
	arena_done(&fuzz->arena);
}
