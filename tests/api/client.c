/* The client verbs alone, for tests of what they print. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		cli_usage(stdout);
		return 0;
	}
	return cli_main(argc, argv);
}
