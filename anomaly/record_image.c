#include "anomaly/record_image.h"

static void put_key(struct blob_writer *w, const struct record_key *key)
{
	blob_put_varint(w, key->n);
	for (uint8_t i = 0; i < key->n; i++)
		blob_put_text(w, key->fields[i]);
}

static void get_key(struct blob_reader *r, struct record_key *key)
{
	key->n = (uint8_t)blob_get_count(r, RECORD_KEY_MAX);
	for (uint8_t i = 0; i < key->n; i++)
		key->fields[i] = blob_get_text(r);
}

static void put_process(struct blob_writer *w, const struct record_process *p)
{
	blob_put_u32(w, (uint32_t)p->pid);
	blob_put_u64(w, p->start_time_ns);
	blob_put_u32(w, p->uid);
	blob_put_text(w, p->exe);
	blob_put_text(w, p->cmdline);
	blob_put_text(w, p->user);
	blob_put_varint(w, p->n_lineage);
	for (uint8_t i = 0; i < p->n_lineage; i++) {
		blob_put_u32(w, (uint32_t)p->lineage[i].pid);
		blob_put_text(w, p->lineage[i].exe);
	}
}

static void get_process(struct blob_reader *r, struct record_process *p)
{
	p->pid = (int32_t)blob_get_u32(r);
	p->start_time_ns = blob_get_u64(r);
	p->uid = blob_get_u32(r);
	p->exe = blob_get_text(r);
	p->cmdline = blob_get_text(r);
	p->user = blob_get_text(r);
	p->n_lineage = (uint8_t)blob_get_count(r, RECORD_LINEAGE_MAX);
	for (uint8_t i = 0; i < p->n_lineage; i++) {
		p->lineage[i].pid = (int32_t)blob_get_u32(r);
		p->lineage[i].exe = blob_get_text(r);
	}
}

static void put_explanation(struct blob_writer *w, const struct record_anomaly *a)
{
	blob_put_varint(w, a->n_usual);
	for (uint8_t i = 0; i < a->n_usual; i++) {
		put_key(w, &a->usual[i].key);
		blob_put_f64(w, a->usual[i].frequency);
	}
	blob_put_varint(w, a->n_levels);
	for (uint8_t i = 0; i < a->n_levels; i++) {
		blob_put_u8(w, a->levels[i].known);
		blob_put_f64(w, a->levels[i].discovery_rate_per_s);
		blob_put_f64(w, a->levels[i].bits);
		blob_put_f64(w, a->levels[i].return_period_s);
	}
	blob_put_u8(w, a->population_known);
	blob_put_f64(w, a->population_factor);
	blob_put_text(w, a->formula);
}

static void get_explanation(struct blob_reader *r, struct record_anomaly *a)
{
	a->n_usual = (uint8_t)blob_get_count(r, RECORD_USUAL_MAX);
	for (uint8_t i = 0; i < a->n_usual; i++) {
		get_key(r, &a->usual[i].key);
		a->usual[i].frequency = blob_get_f64(r);
	}
	a->n_levels = (uint8_t)blob_get_count(r, RECORD_LEVELS_MAX);
	for (uint8_t i = 0; i < a->n_levels; i++) {
		a->levels[i].known = blob_get_u8(r) != 0;
		a->levels[i].discovery_rate_per_s = blob_get_f64(r);
		a->levels[i].bits = blob_get_f64(r);
		a->levels[i].return_period_s = blob_get_f64(r);
	}
	a->population_known = blob_get_u8(r) != 0;
	a->population_factor = blob_get_f64(r);
	a->formula = blob_get_text(r);
}

static void put_score(struct blob_writer *w, const struct record_anomaly *a)
{
	blob_put_varint(w, (uint64_t)((int64_t)a->level + 1));
	blob_put_u8(w, (uint8_t)(a->novel | a->is_startup << 1 | a->return_period_capped << 2 |
				 a->above_threshold << 3 | a->quality.complete << 4 |
				 a->quality.sketch_estimated << 5));
	blob_put_u64(w, a->seen_before_ns);
	blob_put_f64(w, a->return_period_s);
	blob_put_f64(w, a->return_period_basis_s);
	blob_put_f64(w, a->bits);
	blob_put_f64(w, a->coverage);
	blob_put_varint(w, a->quality.lost_events);
	blob_put_text(w, a->quality.missing_fields);
}

static void get_score(struct blob_reader *r, struct record_anomaly *a)
{
	uint8_t flags;

	a->level = (int32_t)blob_get_count(r, RECORD_LEVELS_MAX) - 1;
	flags = blob_get_u8(r);
	a->novel = flags & 1;
	a->is_startup = flags >> 1 & 1;
	a->return_period_capped = flags >> 2 & 1;
	a->above_threshold = flags >> 3 & 1;
	a->quality.complete = flags >> 4 & 1;
	a->quality.sketch_estimated = flags >> 5 & 1;
	a->seen_before_ns = blob_get_u64(r);
	a->return_period_s = blob_get_f64(r);
	a->return_period_basis_s = blob_get_f64(r);
	a->bits = blob_get_f64(r);
	a->coverage = blob_get_f64(r);
	a->quality.lost_events = blob_get_varint(r);
	a->quality.missing_fields = blob_get_text(r);
}

void record_image_put_anomaly(struct blob_writer *image, const struct record_anomaly *a)
{
	blob_put_u64(image, a->id);
	blob_put_u64(image, a->first_ns);
	blob_put_u64(image, a->last_ns);
	blob_put_varint(image, a->occurrences);
	blob_put_varint(image, a->state);
	blob_put_u64(image, a->workload_id);
	blob_put_text(image, a->workload_name);
	blob_put_text(image, a->instance);
	blob_put_text(image, a->dimension);
	put_key(image, &a->key);
	put_score(image, a);
	blob_put_text(image, a->reason);
	put_process(image, &a->process);
	blob_put_varint(image, a->event_type);
	blob_put_u64(image, a->event_num);
	blob_put_text(image, a->event_args);
	blob_put_u64(image, a->incident);
	put_explanation(image, a);
}

struct record_anomaly *record_image_get_anomaly(struct blob_reader *image)
{
	struct record_anomaly a = {0};

	a.id = blob_get_u64(image);
	a.first_ns = blob_get_u64(image);
	a.last_ns = blob_get_u64(image);
	a.occurrences = blob_get_varint(image);
	a.state = (enum anomaly_state)blob_get_count(image, ANOMALY_EXPIRED);
	a.workload_id = blob_get_u64(image);
	a.workload_name = blob_get_text(image);
	a.instance = blob_get_text(image);
	a.dimension = blob_get_text(image);
	get_key(image, &a.key);
	get_score(image, &a);
	a.reason = blob_get_text(image);
	get_process(image, &a.process);
	a.event_type = (enum event_type)blob_get_count(image, EVENT_TYPE_END - 1);
	a.event_num = blob_get_u64(image);
	a.event_args = blob_get_text(image);
	a.incident = blob_get_u64(image);
	get_explanation(image, &a);
	return image->failed ? NULL : record_anomaly_copy(&a);
}

void record_image_put_incident(struct blob_writer *image, const struct record_incident *incident)
{
	blob_put_u64(image, incident->id);
	blob_put_u64(image, incident->from_ns);
	blob_put_u64(image, incident->to_ns);
	blob_put_u8(image, incident->is_open);
	blob_put_u8(image, incident->above_threshold);
	blob_put_u64(image, incident->workload_id);
	blob_put_text(image, incident->workload_name);
	blob_put_f64(image, incident->bits);
	blob_put_f64(image, incident->return_period_s);
	blob_put_u32(image, incident->n_anomalies);
	blob_put_u32(image, incident->n_alerts);
	blob_put_text(image, incident->summary);
	put_process(image, &incident->root);
}

struct record_incident *record_image_get_incident(struct blob_reader *image)
{
	struct record_incident incident = {0};

	incident.id = blob_get_u64(image);
	incident.from_ns = blob_get_u64(image);
	incident.to_ns = blob_get_u64(image);
	incident.is_open = blob_get_u8(image) != 0;
	incident.above_threshold = blob_get_u8(image) != 0;
	incident.workload_id = blob_get_u64(image);
	incident.workload_name = blob_get_text(image);
	incident.bits = blob_get_f64(image);
	incident.return_period_s = blob_get_f64(image);
	incident.n_anomalies = blob_get_u32(image);
	incident.n_alerts = blob_get_u32(image);
	incident.summary = blob_get_text(image);
	get_process(image, &incident.root);
	return image->failed ? NULL : record_incident_copy(&incident);
}
