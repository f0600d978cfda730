#include "daemon/what_if_hook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "daemon/what_if_history.h"

#define BUDGET_NS UINT64_C(5000000000)
#define EVENTS_MAX 200000
#define UNNAMED "rules" /* in messages about a body without a name */

static int run(const struct api_what_if *ask, const struct config *config, struct queries *queries,
	       const struct field_set *fields, cJSON **document)
{
	struct rule_options options;
	struct what_if_question question = {
		.files = (const char *const *)config->rules.files.items,
		.n_files = config->rules.files.n,
		.options = &options,
		.path = !ask->len   ? NULL
			: ask->file ? ask->file
				    : UNNAMED,
		.text = ask->text,
		.len = ask->len,
		.only = ask->rule,
		.wants_all = ask->wants_all,
	};
	struct what_if_history history = {
		.since_ns = ask->since_ns,
		.until_ns = ask->until_ns,
		.cursor = ask->cursor,
		.budget_ns = BUDGET_NS,
		.events_max = EVENTS_MAX,
		.now_ns = clock_real_ns(),
	};

	daemon_rule_options(config, &options);
	return what_if_run_history(document, queries, &question, &history, fields);
}

/* The files as a reload would take them now. */
static int load_config(const struct daemon *d, struct config **out)
{
	return options_load_config(d->argc, d->argv, out) ? -EIO : 0;
}

int what_if_hook(const struct api_what_if *ask, struct queries *queries, char **out, void *arg)
{
	struct daemon *d = arg;
	SCOPED(config_destroy) struct config *config = NULL;
	cJSON *document = NULL;
	int r;

	if (atomic_exchange(&d->tries_rules, true))
		return -EBUSY;
	r = load_config(d, &config);
	if (!r)
		r = run(ask, config, queries, &d->fields, &document);
	atomic_store(&d->tries_rules, false);
	if (!r) {
		*out = cJSON_PrintUnformatted(document);
		r = *out ? 0 : -ENOMEM;
	}
	cJSON_Delete(document);
	return r;
}
