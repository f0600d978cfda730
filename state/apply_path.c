#include <fcntl.h>

#include "state/state_private.h"

struct text resolve_typed(struct state *state, const struct process *process, int64_t dirfd,
			  struct text base, struct text typed, unsigned buffer)
{
	if (base.len)
		return path_join(base, typed, state->path_buffers[buffer], PATH_TEXT_MAX);
	base = process->cwd;
	if (dirfd != AT_FDCWD) {
		const struct fd_entry *entry = dirfd >= 0 && dirfd <= INT32_MAX
						       ? fd_table_find(process->fds, (int32_t)dirfd)
						       : NULL;

		base = entry ? entry->name : TEXT_NONE;
	}
	return path_join(base, typed, state->path_buffers[buffer], PATH_TEXT_MAX);
}

int path_param(const struct event *ev, unsigned from)
{
	const struct event_info *info = event_info(ev->type);

	for (unsigned i = from; i < info->n_params && i < ev->n_params; i++) {
		if (info->params[i].type == PARAM_FSPATH || info->params[i].type == PARAM_FSRELPATH)
			return (int)i;
	}
	return -1;
}

static struct text resolve_param(struct state *state, const struct event *ev,
				 const struct process *process, unsigned index, unsigned buffer,
				 struct text typed)
{
	int at = event_info(ev->type)->params[index].dirfd_param;
	const struct param *dirfd = at >= 0 ? event_param(ev, (unsigned)at) : NULL;

	return resolve_typed(state, process, dirfd ? dirfd->i64 : AT_FDCWD, ev->base_path[buffer],
			     typed, buffer);
}

/* What was typed for the nth path: the parameter, or the raw argument where it was read. */
static struct text typed_path(const struct event *ev, unsigned index, unsigned nth)
{
	const struct param *param = event_param(ev, index);

	return param && param->bytes.len ? param->bytes : ev->raw_path[nth];
}

void resolve_paths(struct state *state, const struct event *ev, struct subject *out)
{
	int first = path_param(ev, 0), second;
	struct text typed;

	if (ev->file && ev->file->path.len)
		out->path = ev->file->path;
	if (first < 0) {
		/* chdir's path is plain text in the event table. */
		typed = ev->raw_path[0];
		if (!typed.len && ev->type == EVENT_CHDIR && event_param(ev, CHDIR_path))
			typed = ev->params[CHDIR_path].bytes;
		out->typed = typed;
		if (!out->path.len && typed.len && out->process) {
			out->path = resolve_typed(state, out->process, AT_FDCWD, ev->base_path[0],
						  typed, 0);
			out->path_from_caller = true;
		}
		return;
	}
	if (!out->process)
		return;
	typed = typed_path(ev, (unsigned)first, 0);
	out->typed = typed;
	if (!out->path.len && typed.len) {
		out->path = resolve_param(state, ev, out->process, (unsigned)first, 0, typed);
		out->path_from_caller = true;
	}
	second = path_param(ev, (unsigned)first + 1);
	if (second < 0)
		return;
	typed = typed_path(ev, (unsigned)second, 1);
	if (typed.len)
		out->path2 = resolve_param(state, ev, out->process, (unsigned)second, 1, typed);
}

int apply_path(struct state *state, const struct event *ev, struct subject *out)
{
	resolve_paths(state, ev, out);
	if (out->process)
		note_directory_fd(ev, out);
	return 0;
}
