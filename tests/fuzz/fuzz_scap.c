/* Any bytes as a capture file: it is refused or read to some end, every event's texts can be read,
 * and state takes all of them. The same bytes behind a section's header, so that what is found does
 * not need one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "capture/scap.h"
#include "state/state.h"
#include "tests/fuzz/fuzz.h"

static volatile uint64_t sum;

static void read_text(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		sum += (unsigned char)t.ptr[i];
}

static void read_params(const struct event *ev)
{
	const struct event_info *info = event_info(ev->type);

	if (ev->n_params != info->n_params)
		abort();
	for (unsigned i = 0; i < info->n_params; i++) {
		const struct param *param = event_param(ev, i);

		if (param && info->params[i].type >= PARAM_CHARBUF)
			read_text(param->bytes);
	}
}

static void read_task(const struct task_facts *task)
{
	read_text(task->comm);
	read_text(task->exe);
	read_text(task->exepath);
	read_text(task->args);
	read_text(task->env);
	read_text(task->cwd);
	read_text(task->root);
	read_text(task->cgroups);
}

static void read_host(const struct host_facts *host)
{
	read_text(host->hostname);
	for (uint32_t i = 0; i < host->n_users; i++) {
		read_text(host->users[i].name);
		read_text(host->users[i].home);
		read_text(host->users[i].shell);
	}
	for (uint32_t i = 0; i < host->n_groups; i++)
		read_text(host->groups[i].name);
	for (uint32_t i = 0; i < host->n_addresses; i++)
		read_text(host->addresses[i].interface);
}

static void read_event(const struct event *ev)
{
	read_params(ev);
	if (ev->file)
		read_text(ev->file->path);
	if (ev->sock)
		read_text(ev->sock->path);
	if (ev->task)
		read_task(ev->task);
	if (ev->host)
		read_host(ev->host);
}

static void read_capture(struct state *state, int fd)
{
	struct source *source = NULL;
	const struct event *ev;
	struct diag diag = {0};
	const char *names[1];
	char name[64];
	int r;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	names[0] = name;
	if (scap_source_create(&source, names, 1, &diag)) {
		if (!diag.message[0])
			abort(); /* refused without a word */
		return;
	}
	while ((r = source_next(source, &ev)) > 0) {
		struct subject subject;

		read_event(ev);
		state_apply(state, ev, &subject);
		read_text(subject.path);
		read_text(subject.path2);
	}
	if (r < 0 && (source_next(source, &ev) != r || !scap_source_diag(source)->message[0]))
		abort();
	source_destroy(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t header[] = {0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0,    0,    0x4d, 0x3c,
					 0x2b, 0x1a, 1,    0,    2,  0, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 28, 0, 0,    0};
	static const struct state_config config = {.processes_max = 64, .fds_per_process_max = 16};
	static struct state *state; /* a section begins with a clean one */
	static unsigned runs;
	SCOPED(close_fd) int fd = memfd_create("capture", 0);
	bool is_whole = size >= 4 && (memcmp(data, header, 4) == 0 || data[0] == 0x1f);

	if (runs++ % 256 == 0)
		state_destroy(&state); /* names of workloads stay */
	if (fd < 0 || (!state && state_create(&state, &config)))
		abort();
	if (!is_whole && write(fd, header, sizeof(header)) != (ssize_t)sizeof(header))
		abort();
	if (size && write(fd, data, size) != (ssize_t)size)
		abort();
	read_capture(state, fd);
	return 0;
}
