/* Stored values become the parameters of our events: of an exit event with the enter event before
 * it, or of one that stands alone. */
#pragma once

#include "base/event.h"
#include "capture/scap_record.h"

#define SCAP_CODES 512 /* more than the format has calls */

/* Numbers of calls here: a capture may be of a machine whose numbers are others. */
struct scap_converter {
	uint16_t by_event[EVENT_TYPE_END], by_code[SCAP_CODES]; /* UINT16_MAX: none */
};

void scap_converter_init(struct scap_converter *converter);

/* Fill *ev with type, time, number of the call, result, parameters, and what of quality follows
 * from them. enter may be NULL. The record's type has an event. Texts point into the records. */
void scap_convert(const struct scap_converter *converter, struct event *ev,
		  const struct scap_record *record, const struct scap_record *enter);
