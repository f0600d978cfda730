/* The block count_min_sketch of Falco's plugin anomalydetection, as it is written there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#include <cjson/cJSON.h>

#include "base/diag.h"

#define SKETCHES_MAX 32
#define SKETCH_CODES_MAX 64

struct sketch_config {
	bool is_enabled;
	uint32_t n;
	struct {
		char *fields;
		uint32_t codes[SKETCH_CODES_MAX], n_codes; /* numbers of the capture format */
		double reset_ms;                           /* 0: never */
		uint32_t rows, columns;
	} items[SKETCHES_MAX];
};

/* Read a block (null: none) into *out, which is destroyed first. -EINVAL fills diag with message,
 * line and column; -ENOMEM; *out unchanged on failure. */
int sketch_config_read(struct sketch_config **out, yaml_document_t *document, yaml_node_t *node,
		       struct diag *diag);
/* Falco's list of plugins: what anomalydetection is configured with is read as above; of others
 * only those may be there whose fields are answered here anyway. */
int plugins_config_read(struct sketch_config **out, yaml_document_t *document, yaml_node_t *node,
			struct diag *diag);
void sketch_config_destroy(struct sketch_config **config);

/* The block again, in the same form; NULL config: null. */
cJSON *sketch_config_json(const struct sketch_config *config);
