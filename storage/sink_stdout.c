/* Alerts on standard output, one line each. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/sink.h"

struct standard_output {
	bool is_torn;
};

static int create(void **out, const struct sink_options *options)
{
	(void)options;
	*out = calloc(1, sizeof(struct standard_output));
	return *out ? 0 : -ENOMEM;
}

static int write_line(void *sink, const struct sink_line *line)
{
	struct standard_output *output = sink;

	return sink_write_line(STDOUT_FILENO, line, &output->is_torn);
}

const struct sink_kind sink_stdout = {"stdout", "format", NULL, create, free, write_line};
