/* Attach the empty programs of floor.bpf.c until standard input ends. Usage: floor FILE [all]
 * Without "all" only the one on system-call exit is attached. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	bool all = argc > 2 && strcmp(argv[2], "all") == 0;
	char byte;

	if (argc < 2)
		return 2;
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object)) {
		fprintf(stderr, "floor: cannot load '%s'\n", argv[1]);
		return 1;
	}
	bpf_object__for_each_program(program, object)
	{
		if (!all && strcmp(bpf_program__name(program), "floor_sys_exit") != 0)
			continue;
		if (!bpf_program__attach(program)) {
			fprintf(stderr, "floor: cannot attach '%s'\n", bpf_program__name(program));
			return 1;
		}
	}
	puts("attached");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
