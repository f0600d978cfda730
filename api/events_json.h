/* The events that filters and rules may name, for /v1/events and the command line. */
#pragma once

#include <cjson/cJSON.h>

/* {"items": [{"name", "parameters": [NAME, ...]}], "next": null}; NULL without memory. */
cJSON *events_json(void);
