#include "daemon/outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/options.h"

/* Views of the configuration's outputs in the sinks' shape; the strings stay the configuration's.
 */
struct views {
	struct sink_config *sinks;
	struct sink_option *options;
};

static void views_done(struct views *views)
{
	free(views->sinks);
	free(views->options);
}

static int make_views(const struct config *config, struct views *views)
{
	uint32_t n_options = 0, used = 0;

	for (uint32_t i = 0; i < config->outputs.n; i++)
		n_options += config->outputs.items[i].n_options;
	views->sinks = calloc(config->outputs.n + 1, sizeof(*views->sinks));
	views->options = calloc(n_options + 1, sizeof(*views->options));
	if (!views->sinks || !views->options)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->outputs.n; i++) {
		const struct output_config *output = &config->outputs.items[i];

		views->sinks[i] = (struct sink_config){output->kind, &views->options[used],
						       output->n_options};
		for (uint32_t j = 0; j < output->n_options; j++)
			views->options[used++] = (struct sink_option){
				output->options[j].name,
				(const char *const *)output->options[j].values.items,
				output->options[j].values.n};
	}
	return 0;
}

int outputs_open(const struct config *config, struct sinks **out)
{
	SCOPED(views_done) struct views views = {0};
	struct diag diag = {0};
	char host[256] = "";
	int r = make_views(config, &views);

	if (r)
		return r;
	gethostname(host, sizeof(host) - 1);
	r = sinks_create(out, views.sinks, config->outputs.n, host, &diag);
	if (r && *diag.message)
		diag_print(&diag);
	return r;
}

int outputs_check(const struct config *config)
{
	SCOPED(views_done) struct views views = {0};
	int r = make_views(config, &views);

	for (uint32_t i = 0; !r && i < config->outputs.n; i++) {
		struct diag diag = {0};

		r = sinks_check(&views.sinks[i], &diag);
		if (r)
			diag_print(&diag);
	}
	return r;
}
