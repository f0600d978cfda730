/* The verbs that are clients of the HTTP interface. */
#pragma once

#include <stdio.h>

/* Run argv[1] with the arguments behind it; gives the exit code: 0, 1 (it failed), 2 (misused). */
int cli_main(int argc, char **argv);

/* One line for each verb. */
void cli_usage(FILE *to);
