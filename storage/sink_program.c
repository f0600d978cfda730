/* Alerts to a program's standard input. It is started with the first alert, kept, and started again
 * when it ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "storage/sink.h"

#define PATIENCE_MS 1000 /* for a program to end once its input did, then after SIGTERM */

extern char **environ;

struct program {
	char **argv;
	int fd; /* its standard input, -1: not running */
	pid_t pid;
};

static int create(void **out, const struct sink_options *options)
{
	struct program *program = calloc(1, sizeof(*program));

	if (!program)
		return -ENOMEM;
	program->fd = -1;
	program->pid = -1;
	program->argv = calloc((size_t)options->n_command + 1, sizeof(*program->argv));
	if (!program->argv) {
		free(program);
		return -ENOMEM;
	}
	memcpy(program->argv, options->command, options->n_command * sizeof(*program->argv));
	*out = program;
	return 0;
}

static bool ended_within(pid_t pid, int ms)
{
	for (; ms > 0; ms -= 10) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return true;
		usleep(10000);
	}
	return false;
}

static void end(struct program *program)
{
	close_fd(&program->fd);
	if (program->pid > 0 && !ended_within(program->pid, PATIENCE_MS)) {
		kill(program->pid, SIGTERM);
		if (!ended_within(program->pid, PATIENCE_MS)) {
			kill(program->pid, SIGKILL);
			waitpid(program->pid, NULL, 0);
		}
	}
	program->pid = -1;
}

static void destroy(void *sink)
{
	struct program *program = sink;

	end(program);
	free(program->argv);
	free(program);
}

/* The child must not inherit this thread's blocked signals. */
static int spawn(struct program *program, int input)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int r;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = -posix_spawnp(&program->pid, program->argv[0], &actions, &attributes, program->argv,
			  environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		program->pid = -1;
	return r;
}

static int start(struct program *program)
{
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r = spawn(program, ends[0]);
	close(ends[0]);
	if (r) {
		close(ends[1]);
		return r;
	}
	program->fd = ends[1];
	return 0;
}

static int write_line(void *sink, const struct sink_line *line)
{
	struct program *program = sink;
	bool is_torn = false;
	int r;

	if (program->pid > 0 && waitpid(program->pid, NULL, WNOHANG) != 0) {
		program->pid = -1;
		close_fd(&program->fd);
	}
	r = program->pid > 0 ? 0 : start(program);
	if (r)
		return r;
	r = sink_write_line(program->fd, line, &is_torn);
	/* Half a line must not be continued by the next: a fresh program starts on a fresh line. */
	if (r)
		end(program);
	return r;
}

const struct sink_kind sink_program = {"program", "command|format", "command",
				       create,    destroy,          write_line};
