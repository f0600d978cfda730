#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "capture/live.h"
#include "daemon/counts.h"
#include "daemon/documents.h"
#include "daemon/explain.h"
#include "daemon/options.h"
#include "daemon/outputs.h"
#include "daemon/reload.h"
#include "daemon/what_if_hook.h"
#include "filter/event_sets.h"

#define WRITER_QUEUE_MAX 65536
#define REPLAY_REST_NS UINT64_C(50000000)
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static void fill_learning(const struct config *c, uint64_t seed, struct learning_config *out)
{
	*out = (struct learning_config){
		.epoch_s = c->learning.epoch_s,
		.ready_return_period_s = c->learning.ready_return_period_s,
		.hold_s = c->learning.hold_s,
		.startup_s = c->learning.startup_s,
		.min_epochs = (uint32_t)c->learning.min_epochs,
		.forget_days = c->learning.forget_days,
		.profile_bytes_max = c->limits.profile_bytes,
		.pending_per_workload_max = (uint32_t)c->limits.pending_per_workload,
		.seed = seed,
		.dimension_files = (const char *const *)c->learning.dimensions.items,
		.n_dimension_files = c->learning.dimensions.n,
	};
}

static int create_profiles(struct daemon *d, uint64_t seed, struct profile_set **out)
{
	struct learning_config learning;
	struct diag diag = {0};
	int r;

	fill_learning(d->config, seed, &learning);
	r = profile_set_create(out, &learning, &d->fields, &diag);
	if (r && *diag.message)
		diag_print(&diag);
	return r;
}

/* What rules count by is chosen by strangers: nobody else may know where it goes. */
static void make_window_secret(struct daemon *d)
{
	if (!d->is_replay &&
	    getrandom(&d->window_secret, sizeof(d->window_secret), 0) != sizeof(d->window_secret))
		d->window_secret.words[0] = clock_boot_ns(); /* better than none */
}

static int create_counts(struct daemon *d, uint64_t seed, struct behavior_counts **out)
{
	struct diag diag = {0};
	int r = counts_create(out, d->config, &d->fields, seed, &diag);

	if (r && *diag.message)
		diag_print(&diag);
	return r;
}

/* Rule and dimension files are judged before anything is opened or made. */
static int check_files(struct daemon *d)
{
	SCOPED(profile_set_destroy) struct profile_set *probe = NULL;
	SCOPED(behavior_counts_destroy) struct behavior_counts *counts = NULL;
	struct diag diag = {0};
	int r;

	d->fields.tables[d->fields.n_tables++] = state_field_table();
	d->fields.tables[d->fields.n_tables++] = anomaly_field_table();
	d->fields.tables[d->fields.n_tables++] = rule_field_table();
	d->fields.tables[d->fields.n_tables++] = hit_field_table();
	make_window_secret(d);
	r = rule_names_load(&d->names, d->config, &d->fields, &diag);
	if (r && *diag.message)
		diag_print(&diag);
	if (!r && !d->rules)
		r = daemon_load_rules(d, d->config, &d->rules, NULL);
	if (!r)
		r = create_profiles(d, 0, &probe);
	if (!r)
		r = create_counts(d, 0, &counts);
	return r ? r : outputs_check(d->config);
}

static int make_store(struct daemon *d)
{
	struct store_config config = {
		.path = d->config->storage.path,
		.checkpoint_s = d->config->storage.checkpoint_s,
		.retention_days = d->config->storage.retention_days,
		.max_bytes = d->config->storage.max_bytes,
		.history_bytes = d->config->storage.history_bytes,
	};

	if (!config.path)
		return 0; /* replay: nothing is kept */
	return store_open(&d->store, &config);
}

/* The secret that keys all baselines; kept with them. */
static uint64_t stored_or_new_seed(struct daemon *d)
{
	uint64_t seed = 0;

	if (!d->store || store_get_u64(d->store, "seed", &seed) == 0)
		return seed;
	if (!d->is_replay && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = clock_boot_ns(); /* a kernel without random numbers: better than none */
	store_set_u64(d->store, "seed", seed);
	return seed;
}

static int make_profiles(struct daemon *d)
{
	int r = create_profiles(d, stored_or_new_seed(d), &d->profiles);

	return r ? r : create_counts(d, stored_or_new_seed(d), &d->counts);
}

static int make_state(struct daemon *d)
{
	struct state_config config = {
		.processes_max = (uint32_t)d->config->limits.processes,
		.fds_per_process_max = (uint32_t)d->config->limits.fds_per_process,
		.boot_epoch_ns = clock_real_ns() - clock_boot_ns(),
		.host_root = "/",
	};

	if (d->is_replay) { /* all times of a capture are since the epoch */
		config.boot_epoch_ns = 0;
		config.host_root = NULL;
	} else {
		config.seed = stored_or_new_seed(d);
	}
	return state_create(&d->state, &config);
}

static int make_scoring(struct daemon *d)
{
	struct anomaly_config config = {
		.budget_per_day = d->config->anomaly.budget_per_day,
		.min_return_period_s = d->config->anomaly.min_return_period_s,
		.incident_window_s = d->config->anomaly.incident_window_s,
		.epoch_s = d->config->learning.epoch_s,
	};
	uint64_t last_anomaly = d->store ? store_last_anomaly(d->store) : 0;
	uint64_t last_incident = d->store ? store_last_incident(d->store) : 0;
	int r = scorer_create(&d->scorer, &config, last_anomaly + 1);

	if (!r)
		r = incidents_create(&d->incidents, &config, last_incident + 1);
	return r ? r : rule_memory_create(&d->rule_memory, stored_or_new_seed(d));
}

static int load_profile_image(const struct record_blob *blob, void *arg)
{
	return profile_set_load_image(arg, blob);
}

static int load_journal(const struct record_blob *blob, void *arg)
{
	return profile_set_load_journal(arg, blob);
}

static int load_scorer(const struct record_blob *blob, void *arg)
{
	return scorer_load_image(arg, blob);
}

static int load_incidents(const struct record_blob *blob, void *arg)
{
	return incidents_load_image(arg, blob);
}

static int load_counts(const struct record_blob *blob, void *arg)
{
	struct daemon *d = arg;

	return d->counts ? behavior_counts_load_image(d->counts, blob) : 0;
}

static int load_rule_memory(const struct record_blob *blob, void *arg)
{
	return rule_memory_load_image(arg, blob);
}

/* What is damaged is left out and said; the rest is used. */
static int restore(struct daemon *d)
{
	if (!d->store)
		return 0;

	int refused[] = {
		store_each_image(d->store, "profile", load_profile_image, d->profiles),
		store_each_journal(d->store, load_journal, d->profiles),
		store_each_image(d->store, "scorer", load_scorer, d->scorer),
		store_each_image(d->store, "incidents", load_incidents, d->incidents),
		store_each_image(d->store, "rules", load_rule_memory, d->rule_memory),
		store_each_image(d->store, "counts", load_counts, d),
	};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (refused[i] < 0)
			return log_err_r(refused[i], "database '%s': cannot restore baselines",
					 d->config->storage.path);
		if (refused[i] > 0)
			log_warn("database '%s': %d damaged pieces of baselines left out",
				 d->config->storage.path, refused[i]);
	}
	return 0;
}

static char *hook_config(void *arg)
{
	return config_json(((struct daemon *)arg)->config);
}

static char *print_and_delete(cJSON *json)
{
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	cJSON_Delete(json);
	return text;
}

static char *hook_fields(void *arg)
{
	return print_and_delete(document_fields(&((struct daemon *)arg)->fields));
}

static char *hook_rules_check(const char *text, size_t len, void *arg)
{
	const struct daemon *d = arg;

	return print_and_delete(document_rules_check_text(text, len, &d->fields, &d->names));
}

static char *hook_explain(const struct api_explain *what, void *arg)
{
	return explain_json(what, &((struct daemon *)arg)->fields);
}

static char *hook_rules_reload(void *arg)
{
	return reload_ask(((struct daemon *)arg)->reload);
}

static void hook_rules_facts(struct api_rules_facts *out, void *arg)
{
	reload_facts(((struct daemon *)arg)->reload, out);
	what_if_hooks_facts(((struct daemon *)arg)->tries, out);
}

/* Early: a pattern that is wrong must refuse the start, not leave secrets uncovered. */
static int make_redact(struct daemon *d)
{
	const struct string_list *patterns = &d->config->storage.redact;
	struct diag diag = {0};
	int r = redact_create(&d->redact, (const char *const *)patterns->items, patterns->n, &diag);

	if (r && *diag.message)
		diag_print(&diag);
	return r;
}

/* Empty when the kernel does not tell. */
static void read_boot_id(char out[64])
{
	SCOPED(close_fd) int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, 63);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* What the run before left, and on which boot this one is. */
static void read_last_run(struct daemon *d)
{
	struct last_run *last = &d->last_run;
	char was[64] = "", is[64];

	read_boot_id(is);
	store_get_u64(d->store, "last_checkpoint_ns", &last->real_ns);
	store_get_u64(d->store, "last_checkpoint_boot_ns", &last->boot_ns);
	store_get_text(d->store, "boot_id", was, sizeof(was));
	last->is_same_boot = *is && strcmp(was, is) == 0;
	store_set_text(d->store, "boot_id", is);
	if (last->real_ns)
		return;
	/* Killed before its first checkpoint it must not look as if it had never run. */
	store_set_u64(d->store, "last_checkpoint_ns", clock_real_ns());
	store_set_u64(d->store, "last_checkpoint_boot_ns", clock_boot_ns());
}

/* From here on the store is the writer's: everything read from it was read before. */
static int make_writer(struct daemon *d)
{
	int r;

	d->next_alert_id = store_last_alert(d->store) + 1;
	d->next_gap_id = store_last_gap(d->store) + 1;
	d->next_event_id = store_last_event(d->store) + 1;
	d->next_span_id = store_last_span(d->store) + 1;
	d->seed = stored_or_new_seed(d);
	read_last_run(d);
	r = writer_create(&d->writer, d->store, WRITER_QUEUE_MAX);
	if (r == 0 && d->config->storage.redact.n > 0)
		writer_set_redact(d->writer, d->redact);
	return r;
}

static int make_replay_writer(struct daemon *d)
{
	d->next_alert_id = d->next_gap_id = 1;
	if (!d->store)
		return 0;
	d->next_alert_id = store_last_alert(d->store) + 1;
	d->next_gap_id = store_last_gap(d->store) + 1;
	d->next_event_id = store_last_event(d->store) + 1;
	d->next_span_id = store_last_span(d->store) + 1;
	d->seed = stored_or_new_seed(d);
	return writer_create_inline(&d->writer, d->store);
}

static int make_api(struct daemon *d)
{
	const struct config *c = d->config;
	struct api_config config = {
		.listen = c->api.listen,
		.unix_socket = c->api.unix_socket,
		.read_access_local = strcmp(c->api.read_access, "local") == 0,
		.token_file = c->api.token_file,
		.tls_cert = c->api.tls_cert,
		.tls_key = c->api.tls_key,
		.connections_max = (uint32_t)c->limits.api_connections,
	};
	struct api_sources sources = {.writer = d->writer, .store_path = c->storage.path};
	struct api_hooks hooks = {.config_json = hook_config,
				  .fields_json = hook_fields,
				  .rules_check_json = hook_rules_check,
				  .rules_reload_json = hook_rules_reload,
				  .rules_facts = hook_rules_facts,
				  .rules_what_if_json = what_if_hook,
				  .explain_json = hook_explain,
				  .alert_exceptions_json = except_hook,
				  .arg = d};
	int r = request_box_create(&d->requests);

	if (!r)
		r = what_if_hooks_create(&d->tries, d);
	if (!r)
		r = reload_create(&d->reload, d);
	sources.box = d->requests;
	return r ? r : api_server_create(&d->api, &config, &sources, &hooks);
}

static int make_outputs(struct daemon *d)
{
	int r = outputs_open(d->config, &d->sinks);

	if (r)
		return r;
	writer_add_tap(d->writer, sinks_tap, d->sinks);
	return 0;
}

/* Nothing is stored of events without a database, or when it may hold none. */
static int make_history(struct daemon *d)
{
	struct history_config config = {
		.epoch_ns = (uint64_t)(d->config->learning.epoch_s * 1e9),
		.bytes = d->config->storage.history_bytes,
		.seed = d->is_replay ? 0 : d->seed,
		.next_event_id = d->next_event_id,
		.next_span_id = d->next_span_id,
	};

	if (!d->store || d->config->storage.history_bytes == 0)
		return 0;
	return history_create(&d->history, &config);
}

static int make_source(struct daemon *d)
{
	struct live_config config = {.buffer_bytes = d->config->capture.buffer_bytes,
				     .own_tgid = getpid()};

	return live_source_create(&d->source, &config);
}

static int make_pipeline(struct daemon *d)
{
	struct pipeline_parts parts = {
		.source = d->source,
		.state = d->state,
		.profiles = d->profiles,
		.scorer = d->scorer,
		.incidents = d->incidents,
		.rule_memory = d->rule_memory,
		.counts = d->counts,
		.writer = d->writer,
		.sinks = d->sinks,
		.requests = d->requests,
		.checkpoint_s = d->config->storage.checkpoint_s,
		.next_alert_id = d->next_alert_id,
		.next_gap_id = d->next_gap_id,
		.last_run = d->last_run,
	};
	struct diag diag = {0};
	int r = daemon_demand(d, d->config, d->rules, &d->demand, &diag);

	if (r) {
		diag_print(&diag);
		return r;
	}
	r = shedding_create(&d->shedding, d->config->capture.max_cpu_ratio);
	if (!r)
		r = daemon_apply_demand(d);
	if (r)
		return r;
	parts.shedding = d->shedding;
	parts.history = d->history;
	r = rule_set_describe(d->rules, &d->fields, &d->demand.wanted);
	if (r)
		return r;
	d->loaded = d->rules;
	parts.rules = TAKE(d->rules);
	return pipeline_create(&d->pipeline, &parts);
}

/* Replay rests by event time as often as a live daemon that waits rests by the clock. */
static int make_replay_pipeline(struct daemon *d)
{
	struct pipeline_parts parts = {
		.source = d->source,
		.state = d->state,
		.profiles = d->profiles,
		.scorer = d->scorer,
		.incidents = d->incidents,
		.rule_memory = d->rule_memory,
		.counts = d->counts,
		.emit = d->emit,
		.emit_arg = d->emit_arg,
		.look = d->look,
		.look_arg = d->look_arg,
		.history = d->history,
		.checkpoint_s = d->config->storage.checkpoint_s,
		.rest_every_ns = REPLAY_REST_NS,
		.next_alert_id = d->next_alert_id,
		.next_gap_id = d->next_gap_id,
	};
	int r;

	/* What the capture holds is all there was. */
	event_set_all(&d->demand.wanted);
	r = rule_set_describe(d->rules, &d->fields, &d->demand.wanted);
	if (r)
		return r;
	parts.rules = TAKE(d->rules);
	return pipeline_create(&d->pipeline, &parts);
}

typedef int make_fn(struct daemon *d);

static int take_steps(struct daemon *d, make_fn *const *steps, size_t n)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = steps[i](d);
	return r;
}

int daemon_make(struct daemon *d)
{
	static make_fn *const steps[] = {
		check_files,  make_redact, make_store,    make_profiles, make_state,
		make_scoring, restore,     make_writer,   make_api,      make_outputs,
		make_history, make_source, make_pipeline,
	};

	return take_steps(d, steps, ARRAY_SIZE(steps));
}

int daemon_make_replay(struct daemon *d)
{
	static make_fn *const steps[] = {
		check_files,  make_redact, make_store,         make_profiles, make_state,
		make_scoring, restore,     make_replay_writer, make_history,  make_replay_pipeline,
	};

	return take_steps(d, steps, ARRAY_SIZE(steps));
}

void daemon_unmake(struct daemon *d)
{
	what_if_hooks_stop(d->tries);
	api_server_destroy(&d->api);
	what_if_hooks_destroy(&d->tries);
	reload_destroy(&d->reload);
	source_destroy(&d->source);
	pipeline_destroy(&d->pipeline);
	history_destroy(&d->history);
	shedding_destroy(&d->shedding);
	writer_destroy(&d->writer);
	redact_destroy(&d->redact);
	sinks_destroy(&d->sinks);
	request_box_destroy(&d->requests);
	behavior_counts_destroy(&d->counts);
	rule_memory_destroy(&d->rule_memory);
	incidents_destroy(&d->incidents);
	scorer_destroy(&d->scorer);
	profile_set_destroy(&d->profiles);
	state_destroy(&d->state);
	store_close(&d->store);
	rule_set_destroy(&d->rules);
	rule_names_done(&d->names);
	config_destroy(&d->config);
}
