/* The matrix as a program of its own, for tests that tell programs apart. */
#include "tests/live/call_matrix.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	call_matrix_run(argv[1]);
	return 0;
}
