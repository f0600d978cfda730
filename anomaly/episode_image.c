#include <errno.h>
#include <stdlib.h>

#include "anomaly/episode.h"
#include "anomaly/record_image.h"
#include "base/util.h"

static void put_names(struct blob_writer *w, const struct episode_names *names)
{
	blob_put_varint(w, names->n);
	for (uint32_t i = 0; i < names->n; i++) {
		blob_put_text(w, (struct text){names->items[i].bytes, names->items[i].len});
		blob_put_varint(w, names->items[i].times);
	}
}

static void get_names(struct blob_reader *r, struct episode_names *names)
{
	names->n = (uint32_t)blob_get_count(r, EPISODE_NAMES_MAX);
	for (uint32_t i = 0; i < names->n; i++) {
		struct text name = blob_get_text(r);

		names->items[i].len = (uint8_t)MIN(name.len, EPISODE_NAME_BYTES);
		if (names->items[i].len)
			memcpy(names->items[i].bytes, name.ptr, names->items[i].len);
		names->items[i].times = (uint32_t)blob_get_count(r, UINT32_MAX);
	}
}

static void put_u64s(struct blob_writer *w, const uint64_t *values, uint32_t n)
{
	blob_put_varint(w, n);
	for (uint32_t i = 0; i < n; i++)
		blob_put_u64(w, values[i]);
}

static uint32_t get_u64s(struct blob_reader *r, uint64_t *values, uint32_t max)
{
	uint32_t n = (uint32_t)blob_get_count(r, max);

	for (uint32_t i = 0; i < n; i++)
		values[i] = blob_get_u64(r);
	return n;
}

static void put_streams(struct blob_writer *w, const struct episode *e)
{
	blob_put_varint(w, e->n_streams);
	for (uint32_t i = 0; i < e->n_streams; i++) {
		blob_put_u64(w, e->streams[i].key);
		blob_put_f64(w, e->streams[i].bits);
		blob_put_varint(w, e->streams[i].n_further);
		blob_put_f64(w, e->streams[i].further_bits);
	}
}

static void get_streams(struct blob_reader *r, struct episode *e)
{
	e->n_streams = (uint32_t)blob_get_count(r, EPISODE_STREAMS_MAX);
	for (uint32_t i = 0; i < e->n_streams; i++) {
		e->streams[i].key = blob_get_u64(r);
		e->streams[i].bits = blob_get_f64(r);
		e->streams[i].n_further = (uint32_t)blob_get_count(r, UINT32_MAX);
		e->streams[i].further_bits = blob_get_f64(r);
	}
}

void episode_save(const struct episode *e, struct blob_writer *image)
{
	blob_put_u32(image, (uint32_t)e->root_pid);
	blob_put_u64(image, e->root_start_ns);
	blob_put_u64(image, e->workload_id);
	blob_put_u64(image, e->first_ns);
	blob_put_u64(image, e->last_ns);
	blob_put_f64(image, e->bits);
	blob_put_f64(image, e->return_period_s);
	blob_put_f64(image, e->epoch_unit_s);
	blob_put_f64(image, e->age_epochs);
	blob_put_f64(image, e->told_s);
	blob_put_u8(image, (uint8_t)(e->has_above | e->is_suspicious << 1 | e->is_alarming << 2));
	blob_put_u32(image, e->n_anomalies);
	blob_put_u32(image, e->n_alerts);
	put_streams(image, e);
	put_u64s(image, e->values, e->n_values);
	put_u64s(image, e->anomaly_ids, e->n_ids);
	put_names(image, &e->dimensions);
	put_names(image, &e->rules);
	record_image_put_incident(image, e->incident);
}

int episode_load(struct episode **out, struct blob_reader *image)
{
	SCOPED(episode_destroy) struct episode *e = calloc(1, sizeof(*e));
	uint8_t flags;

	if (!e)
		return -ENOMEM;
	e->root_pid = (int32_t)blob_get_u32(image);
	e->root_start_ns = blob_get_u64(image);
	e->workload_id = blob_get_u64(image);
	e->first_ns = blob_get_u64(image);
	e->last_ns = blob_get_u64(image);
	e->bits = blob_get_f64(image);
	e->return_period_s = blob_get_f64(image);
	e->epoch_unit_s = blob_get_f64(image);
	e->age_epochs = blob_get_f64(image);
	e->told_s = blob_get_f64(image);
	flags = blob_get_u8(image);
	e->has_above = flags & 1;
	e->is_suspicious = flags >> 1 & 1;
	e->is_alarming = flags >> 2 & 1;
	e->n_anomalies = blob_get_u32(image);
	e->n_alerts = blob_get_u32(image);
	get_streams(image, e);
	e->n_values = get_u64s(image, e->values, EPISODE_VALUES_MAX);
	e->n_ids = get_u64s(image, e->anomaly_ids, EPISODE_ANOMALIES_MAX);
	get_names(image, &e->dimensions);
	get_names(image, &e->rules);
	e->incident = record_image_get_incident(image);
	if (!e->incident)
		return image->failed ? -EBADMSG : -ENOMEM;
	*out = TAKE(e);
	return 0;
}
