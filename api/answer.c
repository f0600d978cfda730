#include "api/answer.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define JSON_TYPE "application/json"
#define PROBLEM_TYPE "application/problem+json"

void answer_done(struct answer *answer)
{
	if (!answer->is_static)
		free(answer->body);
	memset(answer, 0, sizeof(*answer));
}

static void set_body(struct answer *answer, unsigned status, const char *type, char *body)
{
	answer_done(answer);
	answer->status = status;
	answer->content_type = type;
	answer->body = body;
	answer->len = strlen(body);
}

/* Said without allocating: this is what is left when memory is short. */
static void answer_out_of_memory(struct answer *answer)
{
	static char text[] = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
			     "\"status\":503,\"detail\":\"out of memory; try again\"}\n";

	set_body(answer, 503, PROBLEM_TYPE, text);
	answer->is_static = true;
	answer->retry_after_s = 1;
}

void answer_json_text(struct answer *answer, char *text)
{
	if (text)
		set_body(answer, 200, JSON_TYPE, text);
	else
		answer_out_of_memory(answer);
}

void answer_json(struct answer *answer, cJSON *json)
{
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	cJSON_Delete(json);
	answer_json_text(answer, text);
}

const char *answer_title(unsigned status)
{
	static const struct {
		unsigned status;
		const char *title;
	} rows[] = {
		{400, "Bad Request"},         {401, "Unauthorized"},
		{403, "Forbidden"},           {404, "Not Found"},
		{405, "Method Not Allowed"},  {413, "Content Too Large"},
		{429, "Too Many Requests"},   {500, "Internal Server Error"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].status == status)
			return rows[i].title;
	}
	return "Error";
}

void answer_problem(struct answer *answer, unsigned status, const char *format, ...)
{
	char detail[512];
	va_list args;
	cJSON *json = cJSON_CreateObject();
	char *text;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	cJSON_AddStringToObject(json, "type", "about:blank");
	cJSON_AddStringToObject(json, "title", answer_title(status));
	cJSON_AddNumberToObject(json, "status", status);
	cJSON_AddStringToObject(json, "detail", detail);
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	if (!text) {
		answer_out_of_memory(answer);
		return;
	}
	set_body(answer, status, PROBLEM_TYPE, text);
	if (status == 503)
		answer->retry_after_s = 1;
}

void answer_errno(struct answer *answer, int r, const char *what)
{
	switch (r) {
	case -ENOENT:
		answer_problem(answer, 404, "there is no such %s", what);
		break;
	case -ENOMEM:
		answer_out_of_memory(answer);
		break;
	case -ETIMEDOUT:
		answer_problem(answer, 503, "%s: the pipeline did not answer in time; try again",
			       what);
		break;
	case -EBUSY:
		answer_problem(answer, 503, "%s: too many requests wait for an answer; try again",
			       what);
		break;
	default:
		answer_problem(answer, 500, "%s: %s", what, strerror(-r));
		break;
	}
}
