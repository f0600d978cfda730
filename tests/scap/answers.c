#include "tests/scap/answers.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define POSITION_MAX (UINT64_C(1) << 30)

void positions_add(struct positions *set, uint64_t position)
{
	uint32_t word = (uint32_t)(position / 64);

	if (position == 0 || position >= POSITION_MAX)
		return;
	if (word >= set->n_words) {
		uint32_t n = MAX(word + 1, 2 * set->n_words);

		set->words = reallocarray(set->words, n, sizeof(*set->words));
		if (!set->words)
			abort();
		memset(set->words + set->n_words, 0, (n - set->n_words) * sizeof(*set->words));
		set->n_words = n;
	}
	set->words[word] |= UINT64_C(1) << (position % 64);
}

static uint64_t word_at(const struct positions *set, uint32_t word)
{
	return word < set->n_words ? set->words[word] : 0;
}

bool positions_has(const struct positions *set, uint64_t position)
{
	return word_at(set, (uint32_t)(position / 64)) >> (position % 64) & 1;
}

uint64_t positions_count(const struct positions *set)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < set->n_words; i++)
		n += (uint64_t)__builtin_popcountll(set->words[i]);
	return n;
}

void positions_done(struct positions *set)
{
	free(set->words);
	*set = (struct positions){0};
}

uint64_t positions_next_difference(const struct positions *a, const struct positions *b,
				   uint64_t after)
{
	uint32_t n = MAX(a->n_words, b->n_words);

	for (uint32_t word = (uint32_t)((after + 1) / 64); word < n; word++) {
		uint64_t differing = word_at(a, word) ^ word_at(b, word);

		if (word == (after + 1) / 64)
			differing &= ~UINT64_C(0) << ((after + 1) % 64);
		if (differing)
			return (uint64_t)word * 64 + (uint64_t)__builtin_ctzll(differing);
	}
	return 0;
}

static bool parse_number(const char **at, uint64_t *out)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*out = strtoull(*at, &end, 10);
	*at = end;
	return *out < POSITION_MAX;
}

bool positions_parse(struct positions *set, const char *text)
{
	while (*text) {
		uint64_t from, to, step = 1;

		if (!parse_number(&text, &from))
			return false;
		to = from;
		if (*text == '-' && (text++, !parse_number(&text, &to)))
			return false;
		if (*text == '/' && (text++, !parse_number(&text, &step) || !step))
			return false;
		for (uint64_t position = from; position <= to; position += step)
			positions_add(set, position);
		if (*text == ',')
			text++;
		else if (*text)
			return false;
	}
	return true;
}

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t len = 0, room = 0;
	ssize_t n;

	if (!file)
		return NULL;
	n = getdelim(&text, &room, '\0', file);
	len = n > 0 ? (size_t)n : 0;
	fclose(file);
	if (!len) {
		free(text);
		errno = EINVAL;
		return NULL;
	}
	return text;
}

/* A filter's answer is {count, events} or {error}. */
static bool take_answer(struct answer *answer, const cJSON *item)
{
	const cJSON *error = cJSON_GetObjectItem(item, "error");
	const cJSON *events = cJSON_GetObjectItem(item, "events");
	const cJSON *count = cJSON_GetObjectItem(item, "count");

	answer->filter = strdup(item->string);
	if (cJSON_IsString(error)) {
		answer->error = strdup(error->valuestring);
		return true;
	}
	return cJSON_IsString(events) && positions_parse(&answer->events, events->valuestring) &&
	       (!cJSON_IsNumber(count) ||
		(uint64_t)count->valuedouble == positions_count(&answer->events));
}

static int take_all(struct answers *out, const cJSON *json)
{
	const cJSON *all = cJSON_GetObjectItem(json, "all");
	const cJSON *filters = cJSON_GetObjectItem(json, "filters"), *item;

	if (cJSON_IsObject(all))
		all = cJSON_GetObjectItem(all, "events");
	if (!cJSON_IsString(all) || !positions_parse(&out->all, all->valuestring))
		return -EINVAL;
	if (!cJSON_IsObject(filters)) /* no answers are none that agree */
		return -EINVAL;
	out->items = calloc((size_t)cJSON_GetArraySize(filters) + 1, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	cJSON_ArrayForEach(item, filters)
	{
		if (!take_answer(&out->items[out->n++], item))
			return -EINVAL;
	}
	return 0;
}

int answers_read(struct answers *out, const char *path)
{
	SCOPED(free_ptr) char *text = read_text(path);
	cJSON *json;
	int r;

	if (!text)
		return -errno;
	json = cJSON_Parse(text);
	r = json ? take_all(out, json) : -EINVAL;
	cJSON_Delete(json);
	if (r)
		answers_done(out);
	return r;
}

void answers_done(struct answers *answers)
{
	for (uint32_t i = 0; i < answers->n; i++) {
		free(answers->items[i].filter);
		free(answers->items[i].error);
		positions_done(&answers->items[i].events);
	}
	free(answers->items);
	positions_done(&answers->all);
	*answers = (struct answers){0};
}
