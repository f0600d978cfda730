/* Stored events, deflated against a text that they have much in common with: a fifth of their size.
 * Any thread. */
#pragma once

#include "base/text.h"

/* The caller frees out->ptr. 0; -ENOMEM. */
int squeeze(struct text plain, struct text *out);

/* Back; at most max bytes. The caller frees out->ptr. 0; -EBADMSG: none of ours, or longer;
 * -ENOMEM.
 */
int unsqueeze(struct text squeezed, uint32_t max, struct text *out);
