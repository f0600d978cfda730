/* Command-line options shared by the verbs that need a configuration. */
#pragma once

#include "daemon/config.h"

#define EXIT_USAGE 1000

/* Take -c FILE and --set KEY=VALUE from argv (argv[0] is the verb) and build the configuration:
 * built-in defaults, then the file (/etc/ethogram/ethogram.yaml if -c is not given and it exists),
 * then the assignments. Errors are printed with file, line and column. 0, -1, or -EXIT_USAGE. */
int options_load_config(int argc, char **argv, struct config **out);

/* The same without printing: diag (may be empty: no memory) says what is wrong. */
int options_read_config(int argc, char **argv, struct config **out, struct diag *diag);

/* Print where and why: "FILE:LINE:COLUMN: message". */
void diag_print(const struct diag *diag);
