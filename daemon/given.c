#include "daemon/given.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json_text.h"
#include "base/util.h"

#define ARENA_BYTES (1U << 21) /* room for the alerts of as many rules as match one event */
#define VALUES_MAX 1024        /* of one field */
#define NAME_MAX_BYTES 256
#define KNOWN_SLOTS 2048 /* of names that were looked up; three quarters of them are used */

/* One value as given: under a field's name, or under the name with an argument. */
struct given_value {
	char *name;
	struct value *items;
	uint32_t n;
};

/* A made-up field points here by its variant. */
struct stand_in {
	const struct given *given;
	const struct field *real;
};

/* A name that denotes a field: looking it up takes longer than reading its value. */
struct known_name {
	char *name; /* NULL: free */
	const struct field *field;
};

struct given {
	const struct field_set *real;
	struct known_name *known; /* by hash */
	uint32_t n_known;
	struct field_set fields;
	struct field *rows[FIELD_TABLES_MAX];
	struct stand_in *stand_ins[FIELD_TABLES_MAX];
	struct given_value *values;
	uint32_t n_values;
	struct arena arena;
	struct event event;
	struct field_context context;
};

static const struct stand_in *stand_in_of(const struct field *field)
{
	/* variant is the one member of a field that its extractor may use as it likes. */
	return (const struct stand_in *)field->variant; /* NOLINT(performance-no-int-to-ptr) */
}

static int compare_names(const void *a, const void *b)
{
	const struct given_value *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static const struct given_value *find_value(const struct given *given, const char *name)
{
	struct given_value key = {.name = (char *)name};

	if (!given->n_values)
		return NULL;
	return bsearch(&key, given->values, given->n_values, sizeof(key), compare_names);
}

static bool yield(const struct given_value *value, uint32_t first, uint32_t n, struct values *out)
{
	/* An empty list is a value, too: of fields that have one for each end or item. */
	if (!value || first > value->n || (first == value->n && n < VALUES_MAX))
		return false;
	out->items = value->items + first;
	out->n = MIN(n, value->n - first);
	return true;
}

/* proc.aname[0] is the process itself, [1] its parent: the given list begins with the parent. */
static bool yield_ancestor(const struct given *given, const struct field *real, int64_t index,
			   struct values *out)
{
	char own[NAME_MAX_BYTES];

	if (index > 0)
		return yield(find_value(given, real->name), (uint32_t)MIN(index - 1, VALUES_MAX), 1,
			     out);
	/* proc.aname is the ancestors' proc.name. */
	snprintf(own, sizeof(own), "proc.%s", real->name + strlen("proc.a"));
	return yield(find_value(given, own), 0, 1, out);
}

static bool extract(const struct field_context *ctx, const struct field *field,
		    const struct field_arg *arg, struct values *out)
{
	const struct stand_in *stand_in = stand_in_of(field);
	const struct given *given = stand_in->given;
	const struct given_value *value;
	char name[NAME_MAX_BYTES];

	(void)ctx;
	if (!arg || !arg->is_given)
		return yield(find_value(given, field->name), 0, VALUES_MAX, out);
	snprintf(name, sizeof(name), "%s[%.*s]", field->name, TEXT_ARGS(arg->text));
	value = find_value(given, name);
	if (!value) {
		snprintf(name, sizeof(name), "%s.%.*s", field->name, TEXT_ARGS(arg->text));
		value = find_value(given, name);
	}
	if (!value && arg->is_index && (field->flags & FIELD_ANY_ANCESTOR))
		return yield_ancestor(given, stand_in->real, arg->index, out);
	return yield(value, 0, VALUES_MAX, out);
}

static int check_arg(const struct field *field, struct field_arg *arg)
{
	const struct field *real = stand_in_of(field)->real;

	return real->check_arg ? real->check_arg(real, arg) : 0;
}

/* ---- values from JSON ----------------------------------------------------------------------- */

/* Texts are held encoded, as answers show them: \xNN and \\ stand for bytes. */
static int text_value(const cJSON *json, struct value *out)
{
	const char *encoded = cJSON_GetStringValue(json);
	char *bytes;

	if (!encoded)
		return -EINVAL;
	bytes = malloc(strlen(encoded) + 1);
	if (!bytes)
		return -ENOMEM;
	out->text.ptr = bytes;
	if (!json_text_decode(text_from(encoded), bytes, &out->text.len)) {
		out->text.len = (uint32_t)strlen(encoded); /* a lone backslash stands for itself */
		memcpy(bytes, encoded, out->text.len);
	}
	return 0;
}

static int ip_value(const cJSON *json, bool is_net, struct value *out)
{
	const char *text = cJSON_GetStringValue(json);
	char address[INET6_ADDRSTRLEN];
	const char *slash = text ? strchr(text, '/') : NULL;
	size_t len = !text ? 0 : slash ? (size_t)(slash - text) : strlen(text);
	unsigned long prefix;

	if (!len || len >= sizeof(address) || (slash && !is_net))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	out->ip.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(out->ip.family, address, out->ip.bytes) != 1)
		return -EINVAL;
	prefix = slash ? strtoul(slash + 1, NULL, 10) : out->ip.family == AF_INET ? 32 : 128;
	if (prefix > (out->ip.family == AF_INET ? 32 : 128))
		return -EINVAL;
	out->ip.prefix = (uint8_t)prefix;
	return 0;
}

/* Numbers beyond 2^53 are given as strings. */
static int number_value(const cJSON *json, bool is_signed, struct value *out)
{
	const char *text = cJSON_GetStringValue(json);
	char *end;

	errno = 0;
	if (text) {
		if (is_signed)
			out->i64 = strtoll(text, &end, 0);
		else
			out->u64 = strtoull(text, &end, 0);
		return errno || end == text || *end ? -EINVAL : 0;
	}
	if (!cJSON_IsNumber(json) || json->valuedouble != floor(json->valuedouble) ||
	    fabs(json->valuedouble) > 9e15 || (!is_signed && json->valuedouble < 0))
		return -EINVAL;
	if (is_signed)
		out->i64 = (int64_t)json->valuedouble;
	else
		out->u64 = (uint64_t)json->valuedouble;
	return 0;
}

static int bool_value(const cJSON *json, struct value *out)
{
	const char *text = cJSON_GetStringValue(json);

	if (cJSON_IsBool(json))
		out->u64 = cJSON_IsTrue(json);
	else if (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		out->u64 = text[0] == 't';
	else
		return -EINVAL;
	return 0;
}

static int value_from_json(const cJSON *json, enum value_type type, struct value *out);

/* {"type": "uint32", "value": 5} */
static int dynamic_value(const cJSON *json, struct value *out)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "type"));
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "value");
	int type = name ? value_type_by_name(text_from(name)) : -1;

	if (type < 0 || type == VALUE_DYNAMIC || !value)
		return -EINVAL;
	return value_from_json(value, (enum value_type)type, out);
}

static int value_from_json(const cJSON *json, enum value_type type, struct value *out)
{
	*out = (struct value){.type = type};
	if (value_type_is_text(type))
		return text_value(json, out);
	switch (type) {
	case VALUE_IPADDR:
	case VALUE_IPNET:
		return ip_value(json, type == VALUE_IPNET, out);
	case VALUE_BOOL:
		return bool_value(json, out);
	case VALUE_DOUBLE:
		out->f64 = cJSON_IsNumber(json) ? json->valuedouble : NAN;
		return cJSON_IsNumber(json) ? 0 : -EINVAL;
	case VALUE_DYNAMIC:
		if (cJSON_IsObject(json))
			return dynamic_value(json, out);
		return value_from_json(json,
				       cJSON_IsString(json) ? VALUE_CHARBUF
				       : cJSON_IsBool(json) ? VALUE_BOOL
							    : VALUE_INT64,
				       out);
	default:
		return number_value(json, value_type_is_signed(type), out);
	}
}

/* The field that a given name denotes, its argument checked; NULL with the reason. */
static const struct field *field_of_name(const struct field_set *set, const char *name,
					 struct diag *diag)
{
	size_t own_len = strcspn(name, "[");
	struct text own = {name, (uint32_t)own_len}, arg_text;
	const struct field *field = field_set_find(set, own, &arg_text);
	size_t len = strlen(name);
	bool has_arg = arg_text.len > 0;
	struct field_arg arg;

	if (field && name[own_len] == '[') {
		if (has_arg || len < own_len + 3 || name[len - 1] != ']')
			field = NULL;
		arg_text = (struct text){name + own_len + 1, (uint32_t)(len - own_len - 2)};
		has_arg = true;
	}
	if (!field || len >= NAME_MAX_BYTES ||
	    (has_arg && field_arg_prepare(field, arg_text, true, &arg))) {
		diag_set(diag, -EINVAL, "--fields: there is no field '%.100s'", name);
		return NULL;
	}
	return field;
}

static uint32_t hash_name(const char *name)
{
	uint32_t hash = 2166136261; /* Fowler, Noll and Vo's */

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 16777619;
	return hash;
}

/* As field_of_name(), of a name that came before at once. */
static const struct field *known_field(struct given *given, const char *name, struct diag *diag)
{
	uint32_t at = hash_name(name) % KNOWN_SLOTS;
	const struct field *field;
	char *copy;

	for (; given->known[at].name; at = (at + 1) % KNOWN_SLOTS) {
		if (strcmp(given->known[at].name, name) == 0)
			return given->known[at].field;
	}
	field = field_of_name(given->real, name, diag);
	copy = field && given->n_known < KNOWN_SLOTS / 4 * 3 ? strdup(name) : NULL;
	if (copy) {
		given->known[at] = (struct known_name){copy, field};
		given->n_known++;
	}
	return field;
}

static int add_items(const cJSON *json, const struct field *field, struct given_value *value,
		     struct diag *diag)
{
	uint32_t n = cJSON_IsArray(json) ? (uint32_t)cJSON_GetArraySize(json) : 1;
	const cJSON *item = cJSON_IsArray(json) ? json->child : json;

	if (n > VALUES_MAX)
		return diag_set(diag, -EINVAL, "--fields: '%s': more than %d values", field->name,
				VALUES_MAX);
	value->items = calloc(MAX(n, 1), sizeof(*value->items));
	if (!value->items)
		return -ENOMEM;
	for (; value->n < n; item = item->next) {
		int r = value_from_json(item, field->type, &value->items[value->n]);

		if (r == -EINVAL)
			return diag_set(diag, r, "--fields: '%s': the value is no %s", value->name,
					value_type_name(field->type));
		if (r)
			return r;
		value->n++;
	}
	return 0;
}

static int add_value(struct given *given, const cJSON *json, struct diag *diag)
{
	const struct field *field = known_field(given, json->string, diag);
	struct given_value *value = &given->values[given->n_values];

	if (!field)
		return -EINVAL;
	if (cJSON_IsNull(json))
		return 0; /* absent */
	value->name = strdup(json->string);
	if (!value->name)
		return -ENOMEM;
	given->n_values++;
	return add_items(json, field, value, diag);
}

static int parse_values(struct given *given, const char *text, struct diag *diag)
{
	cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
	const cJSON *item;
	int r = 0;

	if (!cJSON_IsObject(json)) {
		cJSON_Delete(json);
		return diag_set(diag, -EINVAL,
				"--fields: must be a JSON object like {\"proc.name\": \"cat\"}");
	}
	given->values = calloc((size_t)cJSON_GetArraySize(json) + 1, sizeof(*given->values));
	if (!given->values)
		r = -ENOMEM;
	cJSON_ArrayForEach(item, json)
	{
		if (r == 0)
			r = add_value(given, item, diag);
	}
	cJSON_Delete(json);
	if (given->n_values)
		qsort(given->values, given->n_values, sizeof(*given->values), compare_names);
	return r;
}

/* ---- the made-up fields ---------------------------------------------------------------------- */

static int copy_table(struct given *given, const struct field_table *real, uint32_t index)
{
	struct field *rows = calloc(MAX(real->n, 1), sizeof(*rows));
	struct stand_in *stand_ins = calloc(MAX(real->n, 1), sizeof(*stand_ins));

	given->rows[index] = rows;
	given->stand_ins[index] = stand_ins;
	if (!rows || !stand_ins)
		return -ENOMEM;
	for (uint32_t i = 0; i < real->n; i++) {
		stand_ins[i] = (struct stand_in){given, &real->fields[i]};
		rows[i] = real->fields[i];
		rows[i].extract = extract;
		rows[i].check_arg = check_arg;
		rows[i].variant = (intptr_t)&stand_ins[i];
		/* Given values exist, and belong to no process whose verdicts could be kept. */
		rows[i].flags &= ~(uint32_t)(FIELD_UNAVAILABLE | FIELD_PER_PROCESS |
					     FIELD_PER_LINEAGE | FIELD_OF_OPEN);
	}
	given->fields.tables[index] = (struct field_table){rows, real->n};
	return 0;
}

int given_create(struct given **out, const char *json, const struct field_set *real,
		 struct diag *diag)
{
	SCOPED(given_destroy) struct given *given = calloc(1, sizeof(*given));
	int r;

	if (!given)
		return -ENOMEM;
	given->real = real;
	given->known = calloc(KNOWN_SLOTS, sizeof(*given->known));
	if (!given->known)
		return -ENOMEM;
	r = arena_init(&given->arena, ARENA_BYTES);
	given->fields.n_tables = real->n_tables;
	for (uint32_t i = 0; r == 0 && i < real->n_tables; i++)
		r = copy_table(given, &real->tables[i], i);
	if (r == 0)
		r = parse_values(given, json, diag);
	if (r)
		return r;
	given->event.tid = -1;
	given->event.tgid = -1;
	given->event.fd = -1;
	given->context = (struct field_context){.event = &given->event, .arena = &given->arena};
	*out = TAKE(given);
	return 0;
}

static void value_done(struct given_value *value)
{
	for (uint32_t i = 0; i < value->n; i++) {
		if (value_type_is_text(value->items[i].type))
			free((char *)value->items[i].text.ptr);
	}
	free(value->items);
	free(value->name);
}

static void values_done(struct given *given)
{
	for (uint32_t i = 0; i < given->n_values; i++)
		value_done(&given->values[i]);
	free(given->values);
	given->values = NULL;
	given->n_values = 0;
}

int given_replace(struct given *given, const char *json, struct diag *diag)
{
	int r;

	values_done(given);
	arena_reset(&given->arena);
	r = parse_values(given, json, diag);
	if (r)
		values_done(given);
	return r;
}

void given_set_event(struct given *given, enum event_type type, int32_t nr, uint64_t ts_ns)
{
	given->event.type = type;
	given->event.nr = nr < 0 ? UINT16_MAX : (uint16_t)nr;
	given->event.ts_ns = ts_ns;
}

void given_destroy(struct given **given_ptr)
{
	struct given *given = TAKE(*given_ptr);

	if (!given)
		return;
	values_done(given);
	for (uint32_t i = 0; i < FIELD_TABLES_MAX; i++) {
		free(given->rows[i]);
		free(given->stand_ins[i]);
	}
	for (uint32_t i = 0; given->known && i < KNOWN_SLOTS; i++)
		free(given->known[i].name);
	free(given->known);
	arena_done(&given->arena);
	free(given);
}

const struct field_set *given_fields(const struct given *given)
{
	return &given->fields;
}

const struct field_context *given_context(struct given *given)
{
	return &given->context;
}
