/* The state blocks of one section, kept until its first event comes: they may stand in any order,
 * and processes must be told before their descriptors. */
#pragma once

#include "base/diag.h"
#include "capture/scap_input.h"
#include "capture/scap_lists.h"
#include "capture/scap_tasks.h"

#define SCAP_STATE_BYTES_MAX (UINT64_C(1) << 30)

struct scap_section;

int scap_section_create(struct scap_section **out);
void scap_section_destroy(struct scap_section **section);
void scap_section_clear(struct scap_section *section);

/* Keep a block. 0; -EBADMSG or -ENOMEM with diag. */
int scap_section_add(struct scap_section *section, const struct scap_input_block *block,
		     struct diag *diag);

/* The next event of the section's state, into ev: host, processes, descriptors. 1, 0 when all were
 * told, -EBADMSG with diag. Texts are valid until scap_section_clear(). */
int scap_section_next(struct scap_section *section, struct scap_tasks *tasks, struct event *ev,
		      struct diag *diag);

/* Start of the block that the last error was about. */
uint64_t scap_section_offset(const struct scap_section *section);
