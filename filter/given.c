#include "filter/given.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/literal.h"
#include "filter/pool.h"

#define GIVEN_FIELDS_MAX 4096
#define GIVEN_NAME_MAX 512

struct given_value {
	struct given_value *next;
	bool has_arg, is_present;
	struct text arg;
	struct values values;
};

/* What a field's variant points at. */
struct given_field {
	struct given_value *values;
	field_check_arg_fn *check_arg; /* of the known field */
	intptr_t variant;
	bool is_known; /* any argument that is not given is absent, not an error */
};

struct given {
	struct pool pool;
	struct field *fields;
	uint32_t n;
	struct field_set set;
};

static struct given_field *own_of(const struct field *field)
{
	return (struct given_field *)field->variant; /* NOLINT(performance-no-int-to-ptr) */
}

static const struct given_value *find_value(const struct given_field *own,
					    const struct field_arg *arg)
{
	for (const struct given_value *v = own->values; v; v = v->next) {
		if (v->has_arg == arg->is_given && (!v->has_arg || text_equal(v->arg, arg->text)))
			return v;
	}
	return NULL;
}

static bool extract_given(const struct field_context *ctx, const struct field *field,
			  const struct field_arg *arg, struct values *out)
{
	const struct given_field *own = own_of(field);
	const struct given_value *value = find_value(own, arg);

	(void)ctx;
	if (!value || !value->is_present)
		return false;
	*out = value->values;
	return true;
}

static int check_given_arg(const struct field *field, struct field_arg *arg)
{
	const struct given_field *own = own_of(field);
	struct field known = *field;

	if (!own->is_known)
		return find_value(own, arg) ? 0 : -EINVAL;
	known.variant = own->variant;
	return own->check_arg ? own->check_arg(&known, arg) : 0;
}

static struct field *add_field(struct given *given, struct field field, bool is_known)
{
	struct given_field *own = pool_alloc(&given->pool, sizeof(*own));

	if (!own || given->n == GIVEN_FIELDS_MAX)
		return NULL;
	own->check_arg = is_known ? field.check_arg : NULL;
	own->variant = field.variant;
	own->is_known = is_known;
	field.extract = extract_given;
	field.check_arg = check_given_arg;
	field.variant = (intptr_t)own;
	given->fields[given->n] = field;
	return &given->fields[given->n++];
}

int given_create(struct given **out, const struct field_set *known)
{
	SCOPED(given_destroy) struct given *given = calloc(1, sizeof(*given));

	if (!given)
		return -ENOMEM;
	given->fields = calloc(GIVEN_FIELDS_MAX, sizeof(*given->fields));
	if (!given->fields)
		return -ENOMEM;
	for (uint32_t t = 0; known && t < known->n_tables; t++) {
		for (uint32_t i = 0; i < known->tables[t].n; i++) {
			if (!add_field(given, known->tables[t].fields[i], true))
				return -ENOMEM;
		}
	}
	*out = TAKE(given);
	return 0;
}

void given_destroy(struct given **given)
{
	if (!*given)
		return;
	free((*given)->fields);
	pool_done(&(*given)->pool);
	free(*given);
	*given = NULL;
}

const struct field_set *given_fields(struct given *given)
{
	given->set = (struct field_set){.tables = {{given->fields, given->n}}, .n_tables = 1};
	return &given->set;
}

/* Split "name[arg]". */
static struct text split_name(const char *full, struct text *arg, bool *has_arg)
{
	struct text name = text_from(full);
	const char *bracket = strchr(full, '[');

	*has_arg = bracket && full[name.len - 1] == ']';
	if (!*has_arg)
		return name;
	*arg = (struct text){bracket + 1, name.len - (uint32_t)(bracket - full) - 2};
	return (struct text){full, (uint32_t)(bracket - full)};
}

static struct field *find_field(struct given *given, struct text name)
{
	for (uint32_t i = given->n; i-- > 0;) {
		if (text_equal(text_from(given->fields[i].name), name))
			return &given->fields[i];
	}
	return NULL;
}

static struct given_value *value_for(struct given *given, struct field *field, struct text arg,
				     bool has_arg)
{
	struct given_field *own = own_of(field);
	struct given_value *value;

	for (value = own->values; value; value = value->next) {
		if (value->has_arg == has_arg && (!has_arg || text_equal(value->arg, arg)))
			return value;
	}
	value = pool_alloc(&given->pool, sizeof(*value));
	if (!value)
		return NULL;
	value->has_arg = has_arg;
	value->arg = pool_text(&given->pool, arg);
	value->next = own->values;
	own->values = value;
	return value;
}

int given_define(struct given *given, const char *name, enum value_type type, uint32_t flags)
{
	struct text arg = TEXT_NONE;
	bool has_arg;
	struct text plain = pool_text(&given->pool, split_name(name, &arg, &has_arg));
	struct field *field = find_field(given, plain);

	if (!plain.ptr)
		return -ENOMEM;
	if (has_arg)
		flags |= FIELD_ARG_ALLOWED | FIELD_ARG_KEY | FIELD_ARG_INDEX;
	if (!field)
		field = add_field(given, (struct field){.name = plain.ptr, .description = ""},
				  false);
	if (!field)
		return -ENOMEM;
	field->type = type;
	field->flags |= flags;
	return value_for(given, field, arg, has_arg) ? 0 : -ENOMEM;
}

static int wrong_value(const char *name, enum value_type type, struct diag *diag)
{
	return diag_set(diag, -EINVAL, "the value of '%s' must be of type %s", name,
			value_type_name(type));
}

/* What a field has may be written in ways that a literal may not: ::ffff:10.0.0.1. */
static bool read_address(const char *text, struct ip_value *out)
{
	*out = (struct ip_value){.family = AF_INET, .prefix = 32};
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return true;
	*out = (struct ip_value){.family = AF_INET6, .prefix = 128};
	return inet_pton(AF_INET6, text, out->bytes) == 1;
}

static int read_value(struct given *given, const char *name, enum value_type type,
		      const cJSON *json, struct value *out, struct diag *diag)
{
	char number[64] = "";
	struct text text = TEXT_NONE;
	int r;

	if (type_class(type) & (CLASS_STRING | CLASS_BYTES)) {
		if (!cJSON_IsString(json))
			return wrong_value(name, type, diag);
		*out = (struct value){
			.type = type,
			.text = pool_text(&given->pool, text_from(json->valuestring))};
		return out->text.ptr ? 0 : -ENOMEM;
	}
	if (type == VALUE_IPADDR || type == VALUE_IPNET) {
		*out = (struct value){.type = type};
		return cJSON_IsString(json) && read_address(json->valuestring, &out->ip)
			       ? 0
			       : wrong_value(name, type, diag);
	}
	if (type == VALUE_DOUBLE && cJSON_IsNumber(json)) {
		*out = (struct value){.type = type, .f64 = json->valuedouble};
		return 0;
	}
	if (cJSON_IsString(json)) {
		text = text_from(json->valuestring);
	} else if (cJSON_IsNumber(json)) {
		snprintf(number, sizeof(number), "%.0f", json->valuedouble);
		text = text_from(number);
	} else if (cJSON_IsBool(json)) {
		text = cJSON_IsTrue(json) ? TEXT("true") : TEXT("false");
	}
	r = literal_parse(text, type, OP_EQ, &given->pool, out, NULL);
	return r == -EINVAL ? wrong_value(name, type, diag) : r;
}

static int read_values(struct given *given, const char *name, const struct field *field,
		       const cJSON *json, struct given_value *value, struct diag *diag)
{
	bool is_array = cJSON_IsArray(json);
	uint32_t n = is_array ? (uint32_t)cJSON_GetArraySize(json) : 1;
	struct value *items = pool_alloc(&given->pool, (n + 1) * sizeof(*items));
	const cJSON *item = is_array ? json->child : json;

	if (!items)
		return -ENOMEM;
	if (is_array && !(field->flags & (FIELD_LIST | FIELD_ANY_ANCESTOR | FIELD_EITHER_END)))
		return wrong_value(name, field->type, diag);
	for (uint32_t i = 0; i < n; i++, item = item->next) {
		int r = read_value(given, name, field->type, item, &items[i], diag);

		if (r)
			return r;
	}
	value->values = (struct values){items, n};
	value->is_present = true;
	return 0;
}

/* The field, and the place of the value that name asks for. */
static int locate(struct given *given, const char *name, struct field **field,
		  struct given_value **value)
{
	struct text arg = TEXT_NONE, plain, dot_arg;
	const struct field *found;
	bool has_arg;

	plain = split_name(name, &arg, &has_arg);
	*field = find_field(given, plain);
	if (!*field) {
		found = field_set_find(given_fields(given), plain, &dot_arg);
		if (!found || has_arg)
			return -EINVAL;
		*field = &given->fields[found - given->fields];
		arg = dot_arg;
		has_arg = true;
	}
	*value = value_for(given, *field, arg, has_arg);
	return *value ? 0 : -ENOMEM;
}

int given_set(struct given *given, const char *name, const cJSON *value, struct diag *diag)
{
	struct given_value *place;
	struct field *field;
	int r = strlen(name) < GIVEN_NAME_MAX ? locate(given, name, &field, &place) : -EINVAL;

	if (r == -EINVAL)
		return diag_set(diag, r, "there is no field '%.*s'", GIVEN_NAME_MAX, name);
	if (r || cJSON_IsNull(value))
		return r;
	return read_values(given, name, field, value, place, diag);
}

int given_set_bytes(struct given *given, const char *name, struct text bytes)
{
	struct value *item = pool_alloc(&given->pool, sizeof(*item));
	struct given_value *value;
	struct field *field;
	int r = locate(given, name, &field, &value);

	if (r)
		return r;
	if (!item)
		return -ENOMEM;
	*item = (struct value){.type = field->type, .text = pool_text(&given->pool, bytes)};
	value->values = (struct values){item, 1};
	value->is_present = true;
	return item->text.ptr ? 0 : -ENOMEM;
}

int given_set_all(struct given *given, const cJSON *object, struct diag *diag)
{
	const cJSON *member;

	if (!cJSON_IsObject(object))
		return diag_set(diag, -EINVAL, "expected an object of field values");
	cJSON_ArrayForEach(member, object)
	{
		int r = given_set(given, member->string, member, diag);

		if (r)
			return r;
	}
	return 0;
}
