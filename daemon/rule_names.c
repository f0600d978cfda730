#include "daemon/rule_names.h"

#include "base/util.h"

static void fill(struct rule_names *names)
{
	for (names->n = 0; names->n < dimension_set_size(names->set); names->n++) {
		const struct dimension *dimension = dimension_set_get(names->set, names->n);
		const struct dimension_info *info = dimension_info(dimension);
		struct rule_dimension *out = &names->dimensions[names->n];

		*out = (struct rule_dimension){.name = info->name,
					       .events = dimension_events(dimension),
					       .n_levels = info->n_levels};
		for (uint8_t i = 0; i < info->n_levels; i++)
			out->levels[i] = info->levels[i];
	}
}

int rule_names_load(struct rule_names *names, const struct config *config,
		    const struct field_set *fields, struct diag *diag)
{
	const struct string_list *files = &config->learning.dimensions;
	int r = dimension_set_load(&names->set, (const char *const *)files->items, files->n, fields,
				   diag);

	if (!r)
		fill(names);
	return r;
}

void rule_names_load_shipped(struct rule_names *names, const struct field_set *fields)
{
	SCOPED(config_destroy) struct config *config = NULL;
	struct diag diag = {0};

	if (config_create(&config) == 0 && config_finish(config, &diag) == 0)
		rule_names_load(names, config, fields, &diag);
}

void rule_names_done(struct rule_names *names)
{
	dimension_set_destroy(&names->set);
	names->n = 0;
}

void rule_names_tell(const struct rule_names *names, struct rule_options *options)
{
	options->dimensions = names->dimensions;
	options->n_dimensions = names->n;
}
