#include "profiles/dimension.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/call_class.h"
#include "base/util.h"
#include "filter/event_sets.h"
#include "profiles/arg_shape.h"
#include "profiles/dimension_private.h"
#include "profiles/path_template.h"

#define KEY_VERSION 1

/* The event table's file flags. */
#define FILE_FLAG_READ 1u
#define FILE_FLAG_WRITE 2u
#define FILE_FLAG_DIRECTORY 1024u

void dimension_destroy(struct dimension **dimension)
{
	struct dimension *d = *dimension;

	if (!d)
		return;
	filter_destroy(&d->filter);
	for (uint32_t i = 0; i < d->n_sources; i++) {
		if (d->sources[i].expr)
			expr_destroy(&d->sources[i].expr);
	}
	free(d);
	*dimension = NULL;
}

void dimension_set_destroy(struct dimension_set **set)
{
	if (!*set)
		return;
	for (uint32_t i = 0; i < (*set)->n; i++)
		dimension_destroy(&(*set)->dimensions[i]);
	for (uint32_t i = 0; i < (*set)->n_strings; i++)
		free((*set)->strings[i]);
	free((*set)->strings);
	free(*set);
	*set = NULL;
}

struct text dimension_set_text(struct dimension_set *set, struct text t)
{
	char **strings = realloc(set->strings, (set->n_strings + 1) * sizeof(*strings));
	char *copy;

	if (!strings)
		return TEXT_NONE;
	set->strings = strings;
	copy = text_dup(t);
	if (!copy)
		return TEXT_NONE;
	strings[set->n_strings++] = copy;
	return (struct text){copy, t.len};
}

/* Definition ------------------------------------------------------------------------------------
 */

static void hash_text(XXH3_state_t *state, struct text t)
{
	XXH3_64bits_update(state, &t.len, sizeof(t.len));
	if (t.len)
		XXH3_64bits_update(state, t.ptr, t.len);
}

static void hash_part(XXH3_state_t *state, const struct dimension *d, const struct part *part)
{
	uint32_t numbers[] = {part->n_cases, part->transform, part->argument, part->has_absent};

	XXH3_64bits_update(state, numbers, sizeof(numbers));
	hash_text(state, part->absent);
	for (uint32_t i = 0; i < part->n_cases; i++) {
		const struct part_case *c = &part->cases[i];
		const struct source *source = &d->sources[c->source];
		uint16_t event[] = {c->event, c->syscall, source->is_templated};

		XXH3_64bits_update(state, event, sizeof(event));
		hash_text(state, source->text);
	}
}

uint64_t dimension_hash(const struct dimension *d)
{
	uint32_t numbers[] = {KEY_VERSION, d->success,  d->failure,   d->access,
			      d->n_errors, d->n_fields, d->min_fields};
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	hash_text(&state, d->info.name);
	XXH3_64bits_update(&state, &d->events, sizeof(d->events));
	XXH3_64bits_update(&state, numbers, sizeof(numbers));
	XXH3_64bits_update(&state, d->errors, d->n_errors * sizeof(d->errors[0]));
	hash_text(&state, d->filter_text);
	for (uint32_t i = 0; i < d->n_fields; i++) {
		hash_text(&state, d->fields[i].name);
		for (uint32_t p = 0; p < d->fields[i].n_parts; p++)
			hash_part(&state, d, &d->fields[i].parts[p]);
	}
	return XXH3_64bits_digest(&state);
}

void dimension_set_index(struct dimension_set *set)
{
	memset(&set->events, 0, sizeof(set->events));
	memset(set->by_type, 0, sizeof(set->by_type));
	memset(set->by_syscall, 0, sizeof(set->by_syscall));
	for (uint32_t i = 0; i < set->n; i++) {
		const struct event_set *events = &set->dimensions[i]->events;

		for (uint32_t type = 0; type < EVENT_TYPE_END; type++)
			set->by_type[type] |= (events->types[type / 64] >> type % 64 & 1) << i;
		for (uint32_t nr = 0; nr < SYSCALL_SET_WORDS * 64; nr++)
			set->by_syscall[nr] |= (events->syscalls[nr / 64] >> nr % 64 & 1) << i;
		for (uint32_t w = 0; w < EVENT_SET_WORDS; w++)
			set->events.types[w] |= events->types[w];
		for (uint32_t w = 0; w < SYSCALL_SET_WORDS; w++)
			set->events.syscalls[w] |= events->syscalls[w];
	}
}

uint32_t dimension_set_size(const struct dimension_set *set)
{
	return set->n;
}

const struct dimension *dimension_set_get(const struct dimension_set *set, uint32_t index)
{
	return set->dimensions[index];
}

int dimension_set_find(const struct dimension_set *set, struct text name)
{
	for (uint32_t i = 0; i < set->n; i++) {
		if (text_equal(set->dimensions[i]->info.name, name))
			return (int)i;
	}
	return -1;
}

const struct event_set *dimension_events(const struct dimension *dimension)
{
	return &dimension->events;
}

const struct event_set *dimension_set_events(const struct dimension_set *set)
{
	return &set->events;
}

/* The number of a call in the event set's order: 64-bit calls only. */
static uint32_t syscall_of(const struct event *ev)
{
	const struct syscall_info *info;

	if (!(ev->quality & EVENT_IS_32BIT))
		return ev->nr;
	info = syscall_by_nr(ev->nr, true);
	return info && info->nr64 >= 0 ? (uint32_t)info->nr64 : UINT32_MAX;
}

uint64_t dimension_set_observers(const struct dimension_set *set, const struct event *ev)
{
	uint32_t nr;

	if (ev->type != EVENT_GENERIC)
		return set->by_type[ev->type];
	nr = syscall_of(ev);
	return nr < SYSCALL_SET_WORDS * 64 ? set->by_syscall[nr] : 0;
}

const struct dimension_info *dimension_info(const struct dimension *dimension)
{
	return &dimension->info;
}

bool dimension_is_path_keyed(const struct dimension *d)
{
	if (d->filter)
		return false;
	for (uint32_t i = 0; i < d->n_sources; i++) {
		if (!d->sources[i].own || (!text_equal(d->sources[i].text, TEXT("process.exe")) &&
					   !text_equal(d->sources[i].text, TEXT("file.path"))))
			return false;
	}
	return true;
}

/* What counts -----------------------------------------------------------------------------------
 */

static bool result_counts(const struct dimension *d, const struct event *ev)
{
	if (!event_failed(ev))
		return d->success;
	if (d->failure)
		return true;
	for (uint32_t i = 0; i < d->n_errors; i++) {
		if (ev->res == -d->errors[i])
			return true;
	}
	return false;
}

static bool counts_error(const struct dimension *d, int32_t error)
{
	for (uint32_t i = 0; i < d->n_errors; i++) {
		if (d->errors[i] == error)
			return true;
	}
	return d->failure;
}

/* The classes of results that count. */
static uint32_t result_classes(const struct dimension *d)
{
	uint32_t classes = d->success ? CALL_CLASSES(CALL_SUCCEEDED) : 0;

	if (d->failure)
		classes |= CALL_CLASSES(CALL_FAILED);
	if (counts_error(d, EACCES) || counts_error(d, EPERM))
		classes |= CALL_CLASSES(CALL_DENIED);
	if (counts_error(d, EINPROGRESS))
		classes |= CALL_CLASSES(CALL_IN_PROGRESS);
	for (uint32_t i = 0; i < d->n_errors; i++)
		classes |= CALL_CLASSES(call_outcome(-d->errors[i]));
	return classes;
}

/* The classes of opens with the access that counts; what is no open has none. */
static uint32_t access_classes(const struct dimension *d, enum event_type type)
{
	uint32_t wanted = d->access == ACCESS_READ ? CALL_READS : CALL_WRITES, classes = 0;

	if (d->access == ACCESS_ANY)
		return CALL_CLASSES_ALL;
	if (!event_type_opens(type))
		return 0;
	for (uint32_t class = 0; class < CALL_CLASS_END; class ++)
		classes |= (class & wanted ? UINT32_C(1) : 0) << class;
	return classes;
}

static uint32_t dimension_classes(const struct dimension *d, enum event_type type, uint32_t nr)
{
	uint32_t classes = result_classes(d) & access_classes(d, type);

	if (type == EVENT_GENERIC && d->success)
		classes = CALL_CLASSES_ALL; /* their result may not be told, which counts as success
					     */
	return d->filter && classes ? classes & filter_classes(d->filter, type, nr) : classes;
}

void dimension_set_add_classes(const struct dimension_set *set, const struct event_set *wanted,
			       struct call_classes *classes)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct dimension *d = set->dimensions[i];

		for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
			if (type != EVENT_GENERIC && event_set_has(wanted, type, 0) &&
			    event_set_has(&d->events, type, 0))
				classes->types[type] |= dimension_classes(d, type, 0);
		}
		for (uint32_t nr = 0; nr < SYSCALL_SET_WORDS * 64; nr++) {
			if (d->events.syscalls[nr / 64] >> nr % 64 & 1)
				classes->syscalls[nr] |= dimension_classes(d, EVENT_GENERIC, nr);
		}
	}
}

/* Flags of an open in the event table's encoding; false: it is no open, or they are not known. */
static bool open_flags(const struct event *ev, uint64_t *out)
{
	const struct param *param;

	switch (ev->type) {
	case EVENT_OPEN:
		param = event_param(ev, OPEN_flags);
		break;
	case EVENT_OPENAT:
		param = event_param(ev, OPENAT_flags);
		break;
	case EVENT_OPENAT2:
		param = event_param(ev, OPENAT2_flags);
		break;
	case EVENT_OPEN_BY_HANDLE_AT:
		param = event_param(ev, OPEN_BY_HANDLE_AT_flags);
		break;
	case EVENT_CREAT:
		*out = FILE_FLAG_WRITE;
		return true;
	default:
		return false;
	}
	if (!param)
		return false;
	*out = param->u64;
	return true;
}

/* Opened with that access, and no directory: listing is not reading. */
static bool access_counts(const struct dimension *d, const struct event *ev)
{
	uint64_t flags;

	if (d->access == ACCESS_ANY)
		return true;
	if (!open_flags(ev, &flags) || flags & FILE_FLAG_DIRECTORY ||
	    (ev->file && ev->file->kind == FILE_KIND_DIRECTORY))
		return false;
	return flags & (d->access == ACCESS_READ ? FILE_FLAG_READ : FILE_FLAG_WRITE);
}

static bool has_event(const struct event_set *set, const struct event *ev)
{
	uint32_t nr;

	if (ev->type != EVENT_GENERIC)
		return set->types[ev->type / 64] >> ev->type % 64 & 1;
	nr = syscall_of(ev);
	return nr < SYSCALL_SET_WORDS * 64 && (set->syscalls[nr / 64] >> nr % 64 & 1);
}

/* Values ----------------------------------------------------------------------------------------
 */

void dimension_each_use(const struct dimension *dimension,
			void (*visit)(const struct event_set *events, struct text text, void *arg),
			void *arg)
{
	if (dimension->filter)
		visit(&dimension->events, dimension->filter_text, arg);
	for (uint32_t i = 0; i < dimension->n_sources; i++)
		visit(&dimension->events, dimension->sources[i].text, arg);
}

/* The sources of one event, each fetched when first asked for. */
struct fetched {
	const struct dimension *dimension;
	const struct field_context *ctx;
	uint64_t is_fetched, is_there; /* bit: source */
	struct value values[SOURCES_MAX];
};

static struct text copy_to(struct arena *arena, struct text t)
{
	char *copy = arena_alloc(arena, MAX(t.len, 1));

	if (!copy)
		return TEXT_NONE;
	memcpy(copy, t.ptr, t.len);
	return (struct text){copy, t.len};
}

static struct text ip_text(const struct ip_value *ip, char *buffer)
{
	if (!inet_ntop(ip->family, ip->bytes, buffer, INET6_ADDRSTRLEN))
		buffer[0] = '\0';
	return text_from(buffer);
}

/* Any value as text, which may be in buffer. */
static struct text value_text(const struct value *value, char *buffer, uint32_t size)
{
	if (value_type_is_text(value->type))
		return value->text;
	if (value->type == VALUE_IPADDR)
		return ip_text(&value->ip, buffer);
	if (value->type == VALUE_INT64)
		return (struct text){
			buffer, (uint32_t)snprintf(buffer, size, "%lld", (long long)value->i64)};
	if (value->type == VALUE_PORT || value->type == VALUE_UINT64)
		return (struct text){buffer, (uint32_t)snprintf(buffer, size, "%llu",
								(unsigned long long)value->u64)};
	return (struct text){buffer, value_print(value, 0, buffer, size)};
}

/* A list is one value: its items joined by commas. */
static bool join_values(const struct values *values, struct arena *arena, struct value *out)
{
	char joined[512], buffer[256];
	uint32_t len = 0;

	for (uint32_t i = 0; i < values->n; i++) {
		struct text t = value_text(&values->items[i], buffer, sizeof(buffer));
		uint32_t part = MIN(t.len, (uint32_t)sizeof(joined) - len - (i > 0));

		if (len + 1 >= sizeof(joined))
			break;
		if (i > 0)
			joined[len++] = ',';
		memcpy(joined + len, t.ptr, part);
		len += part;
	}
	*out = (struct value){.text = copy_to(arena, (struct text){joined, len}),
			      .type = VALUE_CHARBUF};
	return out->text.len > 0;
}

static bool get_value(const struct source *source, const struct field_context *ctx,
		      struct value *out)
{
	struct values values;

	if (source->own)
		return source->own(ctx, source->argument, out);
	if (!expr_eval(source->expr, ctx, &values) || values.n == 0)
		return false;
	if (values.n > 1)
		return join_values(&values, ctx->arena, out);
	*out = values.items[0];
	return !value_type_is_text(out->type) || out->text.len > 0;
}

static bool fetch_source(struct fetched *fetched, uint32_t index)
{
	const struct source *source = &fetched->dimension->sources[index];
	struct value *value = &fetched->values[index];
	char buffer[PATH_TEMPLATE_MAX];
	struct text path;

	if (!get_value(source, fetched->ctx, value))
		return false;
	if (!source->is_templated || !value_type_is_text(value->type))
		return true;
	path = path_template(value->text, buffer);
	if (path.ptr == buffer)
		path = copy_to(fetched->ctx->arena, path);
	value->text = path;
	return path.len > 0;
}

/* The source's value, or NULL when it is absent. */
static const struct value *fetch(struct fetched *fetched, uint32_t index)
{
	uint64_t bit = UINT64_C(1) << index;

	if (!(fetched->is_fetched & bit)) {
		fetched->is_fetched |= bit;
		if (fetch_source(fetched, index))
			fetched->is_there |= bit;
	}
	return fetched->is_there & bit ? &fetched->values[index] : NULL;
}

/* Transforms ------------------------------------------------------------------------------------
 */

static uint32_t name_at(struct text path)
{
	uint32_t at = path.len;

	while (at > 0 && path.ptr[at - 1] != '/')
		at--;
	return at;
}

/* The directory a path is in, or its first levels; "." for a bare name. */
static struct text directory_of(struct text path, uint32_t levels)
{
	uint32_t len = name_at(path);

	if (len == 0)
		return TEXT(".");
	path.len = len > 1 ? len - 1 : 1;
	for (uint32_t i = 1; levels && i < path.len; i++) {
		if (path.ptr[i] == '/' && --levels == 0)
			path.len = i;
	}
	return path;
}

static struct text name_of(struct text path)
{
	uint32_t at = name_at(path);

	return at == path.len ? path : (struct text){path.ptr + at, path.len - at};
}

static const char *ip4_class(const uint8_t *b)
{
	if (b[0] == 127)
		return "loopback";
	if (b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	    (b[0] == 100 && (b[1] & 0xc0) == 64))
		return "private";
	if (b[0] == 169 && b[1] == 254)
		return "link-local";
	if (b[0] >= 224)
		return b[0] < 240 ? "multicast" : "reserved";
	return b[0] == 0 ? "any" : "public";
}

static const char *ip6_class(const uint8_t *b)
{
	static const uint8_t zeros[15];

	if (memcmp(b, zeros, sizeof(zeros)) == 0 && b[15] <= 1)
		return b[15] ? "loopback" : "any";
	if ((b[0] & 0xfe) == 0xfc)
		return "private";
	if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		return "link-local";
	return b[0] == 0xff ? "multicast" : "public";
}

/* 93.184.216.0/24, 2606:2800:220::/48 */
static struct text ip_net(const struct ip_value *ip, char *buffer)
{
	struct ip_value net = *ip;
	struct text t;

	memset(net.bytes + (ip->family == AF_INET ? 3 : 6), 0, ip->family == AF_INET ? 1 : 10);
	t = ip_text(&net, buffer);
	memcpy(buffer + t.len, ip->family == AF_INET ? "/24" : "/48", 3);
	return (struct text){buffer, t.len + 3};
}

/* Ports that a kernel hands out by itself say nothing: from 32768 on. */
static bool is_ephemeral(const struct value *value)
{
	return value->u64 >= 32768 || value->u64 == 0;
}

static struct text transform(const struct part *part, const struct value *value, char *buffer,
			     uint32_t size)
{
	struct text t;

	switch (part->transform) {
	case TRANSFORM_IP_CLASS:
		if (value->type == VALUE_IPADDR)
			return text_from(value->ip.family == AF_INET ? ip4_class(value->ip.bytes)
								     : ip6_class(value->ip.bytes));
		break;
	case TRANSFORM_IP_NET:
		if (value->type == VALUE_IPADDR)
			return ip_net(&value->ip, buffer);
		break;
	case TRANSFORM_PORT:
		if (!value_type_is_text(value->type) && is_ephemeral(value))
			return TEXT("<ephemeral>");
		break;
	case TRANSFORM_PORT_CLASS:
		if (!value_type_is_text(value->type))
			return is_ephemeral(value) ? TEXT("ephemeral")
			       : value->u64 < 1024 ? TEXT("privileged")
						   : TEXT("registered");
		break;
	default:
		break;
	}
	t = value_text(value, buffer, size);
	if (part->transform == TRANSFORM_DIRECTORY)
		return directory_of(t, part->argument);
	if (part->transform == TRANSFORM_NAME)
		return name_of(t);
	if (part->transform == TRANSFORM_ARG_SHAPE)
		return arg_shape(t, buffer);
	return t;
}

/* Keys ------------------------------------------------------------------------------------------
 */

/* The source that the part has for this event, or -1. */
static int source_for(const struct part *part, const struct event *ev)
{
	for (uint32_t i = 0; i < part->n_cases; i++) {
		const struct part_case *c = &part->cases[i];

		if (c->event == ANY_EVENT ||
		    (c->event == ev->type &&
		     (ev->type != EVENT_GENERIC || c->syscall == syscall_of(ev))))
			return c->source;
	}
	return -1;
}

/* The part's text, which may be in buffer. False: absent. */
static bool part_text(struct fetched *fetched, const struct part *part, char *buffer, uint32_t size,
		      struct text *out)
{
	int source = source_for(part, fetched->ctx->event);
	const struct value *value = source >= 0 ? fetch(fetched, (uint32_t)source) : NULL;

	if (value)
		*out = transform(part, value, buffer, size);
	else
		*out = part->absent;
	return value || part->has_absent;
}

/* Long texts are cut; a hash of the whole keeps them apart. */
static struct text bounded(struct text t, struct arena *arena)
{
	char *copy;

	if (t.len <= FIELD_TEXT_MAX)
		return t;
	copy = arena_alloc(arena, FIELD_TEXT_MAX + 18);
	if (!copy)
		return TEXT_NONE;
	memcpy(copy, t.ptr, FIELD_TEXT_MAX);
	snprintf(copy + FIELD_TEXT_MAX, 18, "~%016llx",
		 (unsigned long long)XXH3_64bits(t.ptr, t.len));
	return (struct text){copy, FIELD_TEXT_MAX + 17};
}

#define BUFFER_SIZE 512 /* one transformed value: shapes, addresses, numbers */
_Static_assert(BUFFER_SIZE >= ARG_SHAPE_MAX && BUFFER_SIZE >= INET6_ADDRSTRLEN + 4, "they fit");

static bool one_part_text(struct fetched *fetched, const struct key_field *field, struct text *out)
{
	char buffer[BUFFER_SIZE];
	struct text t;

	if (!part_text(fetched, &field->parts[0], buffer, sizeof(buffer), &t))
		return false;
	if (t.ptr >= buffer && t.ptr < buffer + sizeof(buffer))
		t = copy_to(fetched->ctx->arena, t);
	*out = bounded(t, fetched->ctx->arena);
	return out->ptr != NULL;
}

static bool field_text(struct fetched *fetched, const struct key_field *field, struct text *out)
{
	char buffer[BUFFER_SIZE], joined[PARTS_MAX * (FIELD_TEXT_MAX + 1)];
	uint32_t len = 0;

	if (field->n_parts == 1)
		return one_part_text(fetched, field, out);
	for (uint32_t i = 0; i < field->n_parts; i++) {
		struct text t;

		if (!part_text(fetched, &field->parts[i], buffer, sizeof(buffer), &t))
			return false;
		if (i > 0)
			joined[len++] = '/';
		t.len = MIN(t.len, FIELD_TEXT_MAX);
		memcpy(joined + len, t.ptr, t.len);
		len += t.len;
	}
	*out = bounded(copy_to(fetched->ctx->arena, (struct text){joined, len}),
		       fetched->ctx->arena);
	return out->ptr != NULL;
}

bool dimension_observe(const struct dimension *d, const struct field_context *ctx,
		       struct dimension_key *out)
{
	struct fetched fetched; /* values are set when fetched */

	if (ctx->event->quality & EVENT_STATE_ONLY || !has_event(&d->events, ctx->event) ||
	    !result_counts(d, ctx->event) || !access_counts(d, ctx->event))
		return false;
	if (d->filter && !filter_eval(d->filter, ctx))
		return false;
	fetched.dimension = d;
	fetched.ctx = ctx;
	fetched.is_fetched = 0;
	fetched.is_there = 0;
	out->n_levels = 0;
	out->is_missing = false;
	while (out->n_levels < d->n_fields) {
		if (!field_text(&fetched, &d->fields[out->n_levels], &out->fields[out->n_levels])) {
			out->is_missing = true;
			break;
		}
		out->n_levels++;
	}
	return out->n_levels >= d->min_fields;
}

/* Chained: each level's state is the seed of the next. Level and length go into the seed, so that
 * fields cannot be shifted between levels. */
static uint64_t level_state(uint64_t state, uint32_t level, struct text field)
{
	uint64_t frame = (uint64_t)level << 32 | field.len;

	return XXH3_64bits_withSeed(field.len ? field.ptr : "", field.len,
				    state ^ frame * UINT64_C(0x9e3779b97f4a7c15));
}

void dimension_fingerprint(const struct dimension *d, const struct dimension_key *key,
			   uint64_t seed, uint64_t fingerprints[RECORD_LEVELS_MAX])
{
	uint64_t head[] = {KEY_VERSION, d->info.definition_hash};
	uint64_t state = XXH3_64bits_withSeed(head, sizeof(head), seed);

	for (uint32_t i = 0; i < key->n_levels; i++) {
		state = level_state(state, i, key->fields[i]);
		fingerprints[i] = state ? state : 1;
	}
}

bool dimension_key_of(const struct dimension *d, const struct record_key *key,
		      struct dimension_key *out)
{
	if (key->n == 0 || key->n > d->n_fields)
		return false;
	*out = (struct dimension_key){.n_levels = key->n};
	memcpy(out->fields, key->fields, key->n * sizeof(key->fields[0]));
	return true;
}
