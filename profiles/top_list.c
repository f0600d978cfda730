#include "profiles/top_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define IMAGE_VERSION 1

struct entry {
	uint64_t fingerprint;
	uint32_t weight, error, epochs, first_epoch, last_epoch;
	char *text; /* of all fields, one behind the other; NULL none */
	uint16_t lens[RECORD_KEY_MAX];
	uint8_t n_fields;
};

struct top_list {
	uint32_t size, count;
	bool is_sorted;
	size_t text_bytes;
	struct entry entries[];
};

int top_list_create(struct top_list **out, uint32_t size)
{
	struct top_list *list;

	if (size == 0 || size > TOP_LIST_SIZE_MAX)
		return -EINVAL;
	list = calloc(1, sizeof(*list) + size * sizeof(struct entry));
	if (!list)
		return -ENOMEM;
	list->size = size;
	*out = list;
	return 0;
}

static uint32_t text_len(const struct entry *entry)
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < entry->n_fields; i++)
		len += entry->lens[i];
	return len;
}

static void drop_text(struct top_list *list, struct entry *entry)
{
	list->text_bytes -= text_len(entry);
	free(entry->text);
	entry->text = NULL;
	entry->n_fields = 0;
}

void top_list_destroy(struct top_list **list)
{
	if (!*list)
		return;
	for (uint32_t i = 0; i < (*list)->count; i++)
		free((*list)->entries[i].text);
	free(*list);
	*list = NULL;
}

static struct entry *find(const struct top_list *list, uint64_t fingerprint)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (list->entries[i].fingerprint == fingerprint)
			return (struct entry *)&list->entries[i];
	}
	return NULL;
}

static struct entry *least(struct top_list *list)
{
	struct entry *entry = &list->entries[0];

	for (uint32_t i = 1; i < list->count; i++) {
		if (list->entries[i].weight < entry->weight)
			entry = &list->entries[i];
	}
	return entry;
}

/* Copy the example's fields, cut where the room for all of them ends. */
static void set_text(struct top_list *list, struct entry *entry, const struct record_key *key)
{
	uint32_t room = TOP_LIST_TEXT_MAX;
	char *at;

	for (uint32_t i = 0; i < MIN(key->n, RECORD_KEY_MAX); i++) {
		entry->lens[i] = (uint16_t)MIN(key->fields[i].len, room);
		room -= entry->lens[i];
		entry->n_fields++;
	}
	entry->text = malloc(MAX(text_len(entry), 1));
	if (!entry->text) {
		entry->n_fields = 0;
		return;
	}
	at = entry->text;
	for (uint8_t i = 0; i < entry->n_fields; i++) {
		if (entry->lens[i])
			memcpy(at, key->fields[i].ptr, entry->lens[i]);
		at += entry->lens[i];
	}
	list->text_bytes += text_len(entry);
}

/* A place for a newcomer: a free one, or the least entry's, with its weight. */
static struct entry *take_place(struct top_list *list)
{
	struct entry *entry;
	uint32_t weight;

	if (list->count < list->size) {
		entry = &list->entries[list->count++];
		*entry = (struct entry){0};
		return entry;
	}
	entry = least(list);
	weight = entry->weight;
	drop_text(list, entry);
	*entry = (struct entry){.weight = weight, .error = weight};
	return entry;
}

void top_list_add(struct top_list *list, uint64_t fingerprint, uint32_t weight, uint32_t epoch,
		  const struct record_key *key)
{
	struct entry *entry = find(list, fingerprint);

	if (!entry) {
		entry = take_place(list);
		entry->fingerprint = fingerprint;
		entry->first_epoch = epoch;
		set_text(list, entry, key);
	}
	entry->weight = entry->weight > UINT32_MAX - weight ? UINT32_MAX : entry->weight + weight;
	if (entry->epochs == 0 || entry->last_epoch < epoch) {
		entry->epochs++;
		entry->last_epoch = epoch;
	}
	list->is_sorted = false;
}

static void show(const struct entry *entry, struct top_entry *out)
{
	const char *at = entry->text;

	*out = (struct top_entry){
		.fingerprint = entry->fingerprint,
		.weight = entry->weight,
		.error = entry->error,
		.epochs = entry->epochs,
		.first_epoch = entry->first_epoch,
		.last_epoch = entry->last_epoch,
		.key.n = entry->n_fields,
	};
	for (uint8_t i = 0; i < entry->n_fields; i++) {
		out->key.fields[i] = (struct text){at, entry->lens[i]};
		at += entry->lens[i];
	}
}

bool top_list_find(const struct top_list *list, uint64_t fingerprint, struct top_entry *out)
{
	const struct entry *entry = find(list, fingerprint);

	if (entry)
		show(entry, out);
	return entry != NULL;
}

static void remove_entry(struct top_list *list, struct entry *entry)
{
	drop_text(list, entry);
	*entry = list->entries[--list->count];
	list->is_sorted = false;
}

bool top_list_remove(struct top_list *list, uint64_t fingerprint)
{
	struct entry *entry = find(list, fingerprint);

	if (entry)
		remove_entry(list, entry);
	return entry != NULL;
}

uint32_t top_list_forget(struct top_list *list, uint32_t before_epoch)
{
	uint32_t n_forgotten = 0;

	for (uint32_t i = list->count; i-- > 0;) {
		if (list->entries[i].last_epoch >= before_epoch)
			continue;
		remove_entry(list, &list->entries[i]);
		n_forgotten++;
	}
	return n_forgotten;
}

uint32_t top_list_count(const struct top_list *list)
{
	return list->count;
}

/* Heaviest first; equal ones by fingerprint, so that the order is always the same. */
static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->fingerprint < y->fingerprint ? -1 : x->fingerprint > y->fingerprint;
}

void top_list_get(struct top_list *list, uint32_t rank, struct top_entry *out)
{
	if (!list->is_sorted)
		qsort(list->entries, list->count, sizeof(list->entries[0]), compare);
	list->is_sorted = true;
	show(&list->entries[rank], out);
}

size_t top_list_bytes(const struct top_list *list)
{
	return sizeof(*list) + list->size * sizeof(struct entry) + list->text_bytes;
}

void top_list_write(const struct top_list *list, struct blob_writer *writer)
{
	blob_put_u8(writer, IMAGE_VERSION);
	blob_put_varint(writer, list->size);
	blob_put_varint(writer, list->count);
	for (uint32_t i = 0; i < list->count; i++) {
		struct top_entry entry;

		show(&list->entries[i], &entry);
		blob_put_u64(writer, entry.fingerprint);
		blob_put_varint(writer, entry.weight);
		blob_put_varint(writer, entry.error);
		blob_put_varint(writer, entry.epochs);
		blob_put_varint(writer, entry.first_epoch);
		blob_put_varint(writer, entry.last_epoch);
		blob_put_u8(writer, entry.key.n);
		for (uint8_t f = 0; f < entry.key.n; f++)
			blob_put_text(writer, entry.key.fields[f]);
	}
}

static int read_entry(struct top_list *list, struct blob_reader *reader)
{
	struct entry entry = {0};
	struct record_key key = {0};

	entry.fingerprint = blob_get_u64(reader);
	entry.weight = (uint32_t)blob_get_count(reader, UINT32_MAX);
	entry.error = (uint32_t)blob_get_count(reader, entry.weight);
	entry.epochs = (uint32_t)blob_get_count(reader, UINT32_MAX);
	entry.first_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	entry.last_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	key.n = blob_get_u8(reader);
	if (reader->failed || key.n > RECORD_KEY_MAX || find(list, entry.fingerprint))
		return -EBADMSG;
	for (uint8_t f = 0; f < key.n; f++)
		key.fields[f] = blob_get_text(reader);
	if (reader->failed)
		return -EBADMSG;
	set_text(list, &entry, &key);
	list->entries[list->count++] = entry;
	return 0;
}

int top_list_read(struct top_list **out, struct blob_reader *reader)
{
	SCOPED(top_list_destroy) struct top_list *list = NULL;
	uint8_t version = blob_get_u8(reader);
	uint32_t size = (uint32_t)blob_get_count(reader, TOP_LIST_SIZE_MAX);
	uint32_t count = (uint32_t)blob_get_count(reader, size);
	int r;

	if (reader->failed || version != IMAGE_VERSION || size == 0)
		return -EBADMSG;
	r = top_list_create(&list, size);
	if (r)
		return r;
	for (uint32_t i = 0; i < count; i++) {
		r = read_entry(list, reader);
		if (r)
			return r;
	}
	*out = TAKE(list);
	return 0;
}
