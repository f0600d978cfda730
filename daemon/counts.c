#include "daemon/counts.h"

#include <errno.h>

#include "base/util.h"
#include "capture/scap_types.h"

/* The event of a number; events at whose beginning something was known end in one event here. */
static int add_code(struct event_set *events, uint32_t code, struct diag *diag)
{
	const struct scap_type *type = scap_type(code);

	if (!type || type->event < 0 || type->event == EVENT_GENERIC || type->role == SCAP_ENTER)
		return diag_set(
			diag, -EINVAL,
			"'anomaly.count_min_sketch': event code %u is no event that returned",
			code);
	events->types[type->event / 64] |= UINT64_C(1) << (type->event % 64);
	return 0;
}

int counts_create(struct behavior_counts **out, const struct config *config,
		  const struct field_set *fields, uint64_t seed, struct diag *diag)
{
	const struct sketch_config *sketches = config->anomaly.count_min_sketch;
	struct behavior_profile profiles[SKETCHES_MAX] = {0};
	int r = 0;

	if (!sketches || !sketches->is_enabled || !sketches->n)
		return 0;
	for (uint32_t i = 0; !r && i < sketches->n; i++) {
		profiles[i].fields = sketches->items[i].fields;
		profiles[i].rows = sketches->items[i].rows;
		profiles[i].columns = sketches->items[i].columns;
		profiles[i].reset_ns = (uint64_t)(sketches->items[i].reset_ms * 1e6);
		for (uint32_t j = 0; !r && j < sketches->items[i].n_codes; j++)
			r = add_code(&profiles[i].events, sketches->items[i].codes[j], diag);
	}
	return r ? r : behavior_counts_create(out, profiles, sketches->n, fields, seed, diag);
}
