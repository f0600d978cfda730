#include "daemon/replay_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/id_set.h"
#include "storage/records_json.h"

struct replay_output {
	FILE *to;
	bool is_json;
	const struct state *state;
	struct id_set alerts, anomalies;
	/* Incidents as last told, by id; said when they close. */
	struct record_incident **open;
	size_t n_open, room_open;
	struct replay_said said;
	int error;
};

int replay_output_create(struct replay_output **out, FILE *to, bool is_json)
{
	struct replay_output *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->to = to;
	o->is_json = is_json;
	*out = o;
	return 0;
}

void replay_output_destroy(struct replay_output **output)
{
	struct replay_output *o = TAKE(*output);

	if (!o)
		return;
	for (size_t i = 0; i < o->n_open; i++)
		record_free(o->open[i]);
	free(o->open);
	id_set_done(&o->alerts);
	id_set_done(&o->anomalies);
	free(o);
}

void replay_output_set_state(struct replay_output *output, const struct state *state)
{
	output->state = state;
}

/* Whether id was not said before; it is from now on. */
static bool note_id(struct replay_output *o, struct id_set *set, uint64_t id)
{
	int r = id_set_add(set, id);

	if (r < 0)
		o->error = r;
	return r > 0;
}

/* Takes line. */
static void say(struct replay_output *o, char *line)
{
	errno = 0;
	if (!line)
		o->error = -ENOMEM;
	else if (!o->error && (fputs(line, o->to) < 0 || fputc('\n', o->to) == EOF))
		o->error = errno ? -errno : -EIO;
	free(line);
}

/* Takes json, puts its kind first (NULL: none). */
static void say_json(struct replay_output *o, cJSON *json, const char *kind)
{
	cJSON *discriminator = kind ? cJSON_CreateString(kind) : NULL;

	if (discriminator && json) {
		discriminator->string = strdup("kind");
		if (!cJSON_InsertItemInArray(json, 0, discriminator))
			cJSON_Delete(discriminator);
	}
	say(o, json ? cJSON_PrintUnformatted(json) : NULL);
	cJSON_Delete(json);
}

static void say_alert(struct replay_output *o, const struct record_alert *alert)
{
	SCOPED(free_ptr) char *host = NULL;

	if (!note_id(o, &o->alerts, alert->id))
		return; /* told again because it joined an incident late */
	o->said.alerts++;
	if (!o->is_json) {
		say(o, alert_line(alert));
		return;
	}
	host = o->state ? text_dup(state_hostname(o->state)) : NULL;
	say_json(o, alert_falco_json(alert, host), NULL);
}

static void say_anomaly(struct replay_output *o, const struct record_anomaly *anomaly)
{
	if (!anomaly->above_threshold || !note_id(o, &o->anomalies, anomaly->id))
		return;
	o->said.anomalies++;
	if (o->is_json)
		say_json(o, anomaly_json(anomaly, ANOMALY_WITH_EXPLANATION), "anomaly");
	else
		say(o, anomaly_line(anomaly));
}

static void say_incident(struct replay_output *o, const struct record_incident *incident)
{
	o->said.incidents++;
	if (o->is_json)
		say_json(o, incident_json(incident), "incident");
	else
		say(o, incident_line(incident));
}

/* Where the incident with that id is, or would be: ids come nearly in order. */
static size_t place_of(const struct replay_output *o, uint64_t id)
{
	size_t at = o->n_open;

	while (at > 0 && o->open[at - 1]->id >= id)
		at--;
	return at;
}

/* Room for one more. */
static int grow(struct replay_output *o)
{
	size_t room = o->room_open ? 2 * o->room_open : 16;
	void *grown;

	if (o->n_open < o->room_open)
		return 0;
	grown = reallocarray(o->open, room, sizeof(struct record_incident *));
	if (!grown)
		return -ENOMEM;
	o->open = (struct record_incident **)grown;
	o->room_open = room;
	return 0;
}

/* Keep the newest word on an incident. */
static void keep_incident(struct replay_output *o, const struct record_incident *incident)
{
	struct record_incident *copy = record_incident_copy(incident);
	size_t at = place_of(o, incident->id);

	if (!copy || grow(o)) {
		record_free(copy);
		o->error = -ENOMEM;
		return;
	}
	if (at < o->n_open && o->open[at]->id == incident->id) {
		record_free(o->open[at]);
	} else {
		memmove(o->open + at + 1, o->open + at,
			(o->n_open - at) * sizeof(struct record_incident *));
		o->n_open++;
	}
	o->open[at] = copy;
}

static void forget_incident(struct replay_output *o, uint64_t id)
{
	size_t at = place_of(o, id);

	if (at == o->n_open || o->open[at]->id != id)
		return;
	record_free(o->open[at]);
	memmove(o->open + at, o->open + at + 1,
		(--o->n_open - at) * sizeof(struct record_incident *));
}

static void note_incident(struct replay_output *o, const struct record_incident *incident)
{
	if (incident->is_open) {
		keep_incident(o, incident);
		return;
	}
	forget_incident(o, incident->id);
	say_incident(o, incident);
}

void replay_output_record(struct replay_output *output, enum write_kind kind, const void *record)
{
	if (!record)
		return;
	if (kind == WRITE_ALERT)
		say_alert(output, record);
	else if (kind == WRITE_ANOMALY)
		say_anomaly(output, record);
	else if (kind == WRITE_INCIDENT)
		note_incident(output, record);
}

struct replay_said replay_output_said(const struct replay_output *output)
{
	return output->said;
}

int replay_output_finish(struct replay_output *output)
{
	for (size_t i = 0; i < output->n_open; i++)
		say_incident(output, output->open[i]);
	if (!output->error && fflush(output->to))
		output->error = -errno;
	return output->error;
}
