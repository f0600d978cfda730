/* Showing the answer of a what-if, whoever gave it. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

/* As JSON on one line, or for people. */
void what_if_print(const cJSON *answer, bool is_json, FILE *to);
