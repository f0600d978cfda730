/* Answers to other threads' questions about what lives only in the pipeline. Pipeline thread only.
 */
#pragma once

#include "base/request.h"
#include "daemon/pipeline.h"

/* Fill the request's answer: 0, -ENOENT, -ENOMEM. */
int answer_request(struct pipeline *pipeline, struct request *request, uint64_t now_ns);
