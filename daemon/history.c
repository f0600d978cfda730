#include "daemon/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/arena.h"
#include "base/util.h"
#include "filter/stored.h"
#include "state/fd_table.h"
#include "state/state.h"

#define ARENA_BYTES (256 * 1024) /* values of one field */
#define CUT_BYTES 2048
#define NS_PER_S UINT64_C(1000000000)
#define RATE_PER_S 500 /* events of alerts and anomalies: docs/storage.md */
#define BURST 1000
#define RULE_RATE 20 /* of the alerts of one rule, a second */
#define RULE_SLOTS 256
#define SIGHTING_RATE 50 /* a second: a compilation has hundreds */
#define SQUEEZED 3       /* at least so much smaller than its text an event is stored */
#define S_PER_DAY 86400
#define SLOTS (1U << 14)
#define BEHAVIOURS_MAX (SLOTS / 4 * 3) /* of all workloads, in an epoch */
#define PROBES_MAX 64

struct history {
	struct history_config config;
	struct arena arena;
	char *buffer, *cut;
	uint64_t span; /* id of the one that lasts, 0 none */
	uint64_t span_from_ns;
	uint64_t span_hash;
	/* tokens, a bucket of BURST */
	uint64_t tokens, refilled_ns;
	uint64_t byte_tokens; /* of sightings: at most what fits into an hour */
	uint64_t second;      /* which these count: */
	uint32_t n_sightings;
	uint8_t of_rule[RULE_SLOTS]; /* alerts, by hash of the rule's name */
	/* what was seen in the epoch, by hash; 0 empty */
	uint64_t epoch;
	uint32_t n_seen;
	struct history_counters counters;
	uint64_t seen[SLOTS];
};

int history_create(struct history **out, const struct history_config *config)
{
	SCOPED(history_destroy) struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->config = *config;
	h->tokens = BURST;
	h->byte_tokens = config->bytes / 24;
	h->buffer = malloc(STORED_BYTES_MAX);
	h->cut = malloc(CUT_BYTES);
	if (!h->buffer || !h->cut || arena_init(&h->arena, ARENA_BYTES))
		return -ENOMEM;
	*out = TAKE(h);
	return 0;
}

void history_destroy(struct history **history)
{
	struct history *h = *history;

	if (!h)
		return;
	arena_done(&h->arena);
	free(h->buffer);
	free(h->cut);
	free(h);
	*history = NULL;
}

static struct record_span *make_span(const struct history *h, uint64_t to_ns, struct text document)
{
	struct record_span span = {.id = h->span,
				   .from_ns = h->span_from_ns,
				   .to_ns = to_ns,
				   .hash = h->span_hash,
				   .document = document};

	return record_span_copy(&span);
}

struct record_span *history_end(struct history *h, uint64_t now_ns)
{
	struct record_span *span;

	if (!h->span)
		return NULL;
	/* The document is stored since it began; an empty one is not put in its place. */
	span = make_span(h, MAX(now_ns, h->span_from_ns), TEXT_NONE);
	h->span = 0;
	return span;
}

void history_begin(struct history *h, const struct rule_set *rules, uint64_t now_ns,
		   struct record_span **ended, struct record_span **begun)
{
	struct text document = rule_set_span(rules);

	*ended = history_end(h, now_ns);
	*begun = NULL;
	if (!document.len)
		return;
	h->span = h->config.next_span_id++;
	h->span_from_ns = MAX(now_ns, 1);
	h->span_hash = XXH3_64bits(document.ptr, document.len);
	*begun = make_span(h, 0, document);
}

/* ---- what is new --------------------------------------------------------------------------- */

static void move_to_epoch(struct history *h, uint64_t ts_ns)
{
	uint64_t epoch = ts_ns / h->config.epoch_ns;

	if (epoch == h->epoch)
		return;
	h->epoch = epoch;
	h->n_seen = 0;
	memset(h->seen, 0, sizeof(h->seen));
}

/* What the second, and for sightings the day, has left. */
static void begin_second(struct history *h, uint64_t ts_ns)
{
	uint64_t second = ts_ns / NS_PER_S, passed = second - h->second;

	if (second == h->second)
		return;
	passed = h->second && second > h->second ? MIN(passed, S_PER_DAY) : 1;
	h->byte_tokens =
		MIN(h->byte_tokens + passed * (h->config.bytes / S_PER_DAY), h->config.bytes / 24);
	h->second = second;
	h->n_sightings = 0;
	memset(h->of_rule, 0, sizeof(h->of_rule));
}

static bool has_sighting_room(const struct history *h)
{
	return h->n_sightings < SIGHTING_RATE && h->byte_tokens > 0;
}

enum novelty { KNOWN, NEW, NO_ROOM };

/* Note the hash of a behaviour. What could not be stored now is not noted: it may be when it is
 * seen again. */
static enum novelty note(struct history *h, uint64_t hash, uint64_t ts_ns)
{
	uint32_t first = (uint32_t)(hash >> 32);

	hash = hash ? hash : 1;
	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		uint64_t *slot = &h->seen[(first + i) % SLOTS];

		if (*slot == hash)
			return KNOWN;
		if (*slot)
			continue;
		begin_second(h, ts_ns);
		if (h->n_seen == BEHAVIOURS_MAX || !has_sighting_room(h))
			return NO_ROOM;
		*slot = hash;
		h->n_seen++;
		return NEW;
	}
	return NO_ROOM;
}

static enum novelty note_sighting(struct history *h, const struct sighting *s, uint64_t ts_ns)
{
	struct {
		const struct profile *profile;
		uint64_t fingerprint;
	} key = {s->profile, s->n_levels ? s->fingerprints[s->n_levels - 1] : 0};

	/* Known, and answered from the cache: it was seen in this epoch. */
	if (s->is_missing || (s->new_level < 0 && !s->fields[0].ptr))
		return KNOWN;
	return note(h, XXH3_64bits_withSeed(&key, sizeof(key), h->config.seed), ts_ns);
}

/* What no dimension observes: who did what to what, and how it ended. */
static enum novelty note_event(struct history *h, const struct field_context *ctx)
{
	const struct subject *subject = ctx->subject;
	const struct event *ev = ctx->event;
	struct text exe = subject->process->exepath, target = subject->path;
	struct {
		uint64_t workload, exe, target;
		uint32_t type, nr;
		int64_t error;
	} key = {.workload = subject->process->workload->id,
		 .type = ev->type,
		 .nr = ev->nr,
		 .error = event_failed(ev) ? ev->res : 0};

	if (!target.len && subject->fd_entry)
		target = subject->fd_entry->name;
	key.exe = XXH3_64bits_withSeed(exe.ptr, exe.len, h->config.seed);
	key.target = XXH3_64bits_withSeed(target.ptr, target.len, h->config.seed);
	return note(h, XXH3_64bits_withSeed(&key, sizeof(key), h->config.seed), ev->ts_ns);
}

static enum novelty note_all(struct history *h, const struct field_context *ctx)
{
	const struct sightings *sightings = ctx->score->sightings;
	enum novelty novelty = KNOWN;

	if (!sightings || !sightings->n)
		return note_event(h, ctx);
	for (uint32_t i = 0; i < sightings->n; i++) {
		enum novelty one = note_sighting(h, &sightings->items[i], ctx->event->ts_ns);

		novelty = MAX(novelty, one);
	}
	return novelty;
}

/* ---- records ------------------------------------------------------------------------------- */

static void refill(struct history *h, uint64_t ts_ns)
{
	uint64_t step_ns = NS_PER_S / RATE_PER_S, n;

	if (ts_ns < h->refilled_ns) /* a capture that steps back */
		h->refilled_ns = ts_ns;
	n = (ts_ns - h->refilled_ns) / step_ns;
	if (n == 0)
		return;
	h->refilled_ns = n > BURST ? ts_ns : h->refilled_ns + n * step_ns;
	h->tokens = MIN(h->tokens + n, BURST);
}

static void add_owner(struct record_event *event, char letter, uint64_t id)
{
	if (event->n_owners == RECORD_OWNERS_MAX)
		return;
	event->owners[event->n_owners].letter = letter;
	event->owners[event->n_owners].id = id;
	event->n_owners++;
}

/* Alerts and anomalies that begin with this event. */
static void find_owners(const struct field_context *ctx, struct record_alert *const *alerts,
			uint32_t n, struct record_event *event)
{
	const struct score *score = ctx->score;

	for (uint32_t i = 0; i < n; i++)
		add_owner(event, 'l', alerts[i]->id);
	for (uint32_t i = 0; score && i < score->n; i++) {
		const struct deviation *d = &score->items[i];

		if (d->is_deviation && d->anomaly_id && !d->is_repeat)
			add_owner(event, 'a', d->anomaly_id);
	}
	event->reason = n ? EVENT_OF_ALERT : event->n_owners ? EVENT_OF_ANOMALY : EVENT_OF_SIGHTING;
}

/* Whether any of the alerts is of a rule that has had few this second. */
static bool has_rule_room(struct history *h, struct record_alert *const *alerts, uint32_t n)
{
	bool has_room = false;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t hash = XXH3_64bits(alerts[i]->rule.ptr, alerts[i]->rule.len);
		uint8_t *count = &h->of_rule[hash % RULE_SLOTS];

		if (*count < RULE_RATE) {
			(*count)++;
			has_room = true;
		}
	}
	return has_room || n == 0;
}

/* Whether there is room for it now; counted if not. */
static bool may_take(struct history *h, const struct record_event *event, enum novelty novelty,
		     struct record_alert *const *alerts, uint32_t n)
{
	begin_second(h, event->ts_ns);
	if (!event->n_owners) {
		if (novelty == NEW && has_sighting_room(h)) {
			h->n_sightings++;
			return true;
		}
		h->counters.sightings_shed_total++;
		return false;
	}
	refill(h, event->ts_ns);
	if (h->tokens && has_rule_room(h, alerts, n)) {
		h->tokens--;
		return true;
	}
	h->counters.over_rate_total++;
	return false;
}

static struct record_event *make(struct history *h, const struct rule_set *rules,
				 const struct field_context *ctx, struct record_event *event)
{
	struct print out = {.buffer = h->buffer, .size = STORED_BYTES_MAX};
	struct print cut = {.buffer = h->cut, .size = CUT_BYTES};
	const struct process *process = ctx->subject->process;
	struct field_context own = *ctx;
	struct record_event *record;

	own.arena = &h->arena;
	own.cache = NULL;
	stored_set_print(rule_set_stored(rules), &own, &out, &cut);
	event->id = h->config.next_event_id++;
	event->workload_id = process->workload->id;
	event->workload_name = process->workload->name;
	event->span = h->span;
	event->fields = (struct text){out.buffer, out.len};
	event->cut = (struct text){cut.buffer, cut.len};
	h->counters.cut_total += cut.len > 0;
	if (!event->n_owners)
		h->byte_tokens -= MIN(h->byte_tokens, out.len / SQUEEZED);
	record = record_event_copy(event);
	if (record)
		h->counters.made_total++;
	else
		h->counters.memory_denied_total++;
	return record;
}

static struct text type_name(const struct event *ev)
{
	const struct syscall_info *call = NULL;

	if (ev->type == EVENT_GENERIC)
		call = syscall_by_nr(ev->nr, ev->quality & EVENT_IS_32BIT);
	return text_from(call ? call->name : event_info(ev->type)->name);
}

struct record_event *history_take(struct history *h, const struct rule_set *rules,
				  const struct field_context *ctx,
				  struct record_alert *const *alerts, uint32_t n)
{
	struct record_event event;
	enum novelty novelty;

	if (!h->span)
		return NULL;
	move_to_epoch(h, ctx->event->ts_ns);
	novelty = note_all(h, ctx);
	if (novelty == KNOWN && !n && ctx->score->max_return_period_s == 0)
		return NULL;
	event = (struct record_event){
		.ts_ns = ctx->event->ts_ns,
		.type = type_name(ctx->event),
		.nr = ctx->event->nr == UINT16_MAX ? -1 : ctx->event->nr,
	};
	find_owners(ctx, alerts, n, &event);
	if ((novelty == KNOWN && !event.n_owners) || !may_take(h, &event, novelty, alerts, n))
		return NULL;
	return make(h, rules, ctx, &event);
}

void history_counters(const struct history *h, struct history_counters *out)
{
	*out = h->counters;
	out->bytes = sizeof(*h) + ARENA_BYTES + STORED_BYTES_MAX + CUT_BYTES;
}
