#include "state/state_private.h"

/* An id argument: UINT32_MAX (-1) leaves the id as it is. */
static void set_id(uint32_t *id, const struct param *param)
{
	if (param && (uint32_t)param->u64 != UINT32_MAX)
		*id = (uint32_t)param->u64;
}

/* Take the thread's new credentials over to the process, whose cached verdicts end. */
static int changed(struct subject *out)
{
	if (out->thread == out->process->leader)
		mirror_leader(out->process);
	out->process->generation++;
	return 0;
}

int apply_setuid(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *uid = event_param(ev, SETUID_uid);
	struct thread *t = out->thread;

	(void)state;
	if (event_failed(ev))
		return 0;
	/* With privilege all three change, without only the effective one (setuid(2)). */
	if (t->euid == 0) {
		set_id(&t->uid, uid);
		set_id(&t->suid, uid);
	}
	set_id(&t->euid, uid);
	return changed(out);
}

int apply_setgid(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *gid = event_param(ev, SETGID_gid);
	struct thread *t = out->thread;

	(void)state;
	if (event_failed(ev))
		return 0;
	if (t->euid == 0) {
		set_id(&t->gid, gid);
		set_id(&t->sgid, gid);
	}
	set_id(&t->egid, gid);
	return changed(out);
}

int apply_setresuid(struct state *state, const struct event *ev, struct subject *out)
{
	(void)state;
	if (event_failed(ev))
		return 0;
	set_id(&out->thread->uid, event_param(ev, SETRESUID_ruid));
	set_id(&out->thread->euid, event_param(ev, SETRESUID_euid));
	set_id(&out->thread->suid, event_param(ev, SETRESUID_suid));
	return changed(out);
}

int apply_setresgid(struct state *state, const struct event *ev, struct subject *out)
{
	(void)state;
	if (event_failed(ev))
		return 0;
	set_id(&out->thread->gid, event_param(ev, SETRESGID_rgid));
	set_id(&out->thread->egid, event_param(ev, SETRESGID_egid));
	set_id(&out->thread->sgid, event_param(ev, SETRESGID_sgid));
	return changed(out);
}

/* The saved id follows the effective one when the real one is set, or the effective one to
 * something else than the real one (setreuid(2)). */
static void set_re(uint32_t *real, uint32_t *effective, uint32_t *saved, const struct param *r,
		   const struct param *e)
{
	uint32_t old_real = *real;

	set_id(real, r);
	set_id(effective, e);
	if ((r && (uint32_t)r->u64 != UINT32_MAX) ||
	    (e && (uint32_t)e->u64 != UINT32_MAX && *effective != old_real))
		*saved = *effective;
}

int apply_setreuid(struct state *state, const struct event *ev, struct subject *out)
{
	struct thread *t = out->thread;

	(void)state;
	if (event_failed(ev))
		return 0;
	set_re(&t->uid, &t->euid, &t->suid, event_param(ev, SETREUID_ruid),
	       event_param(ev, SETREUID_euid));
	return changed(out);
}

int apply_setregid(struct state *state, const struct event *ev, struct subject *out)
{
	struct thread *t = out->thread;

	(void)state;
	if (event_failed(ev))
		return 0;
	set_re(&t->gid, &t->egid, &t->sgid, event_param(ev, SETREGID_rgid),
	       event_param(ev, SETREGID_egid));
	return changed(out);
}

static void set_caps(uint64_t *caps, const struct param *param)
{
	if (param)
		*caps = param->u64;
}

int apply_capset(struct state *state, const struct event *ev, struct subject *out)
{
	struct thread *t = out->thread;

	(void)state;
	if (event_failed(ev))
		return 0;
	set_caps(&t->cap_inheritable, event_param(ev, CAPSET_cap_inheritable));
	set_caps(&t->cap_permitted, event_param(ev, CAPSET_cap_permitted));
	set_caps(&t->cap_effective, event_param(ev, CAPSET_cap_effective));
	return changed(out);
}

/* The calls that map memory tell how much the process has after them. */
int apply_memory(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *size = event_param(ev, MMAP_vm_size);
	const struct param *rss = event_param(ev, MMAP_vm_rss);
	const struct param *swap = event_param(ev, MMAP_vm_swap);

	apply_fd_user(state, ev, out);
	if (!size || !rss || !swap)
		return 0;
	out->process->vm_size_kb = (uint32_t)size->u64;
	out->process->vm_rss_kb = (uint32_t)rss->u64;
	out->process->vm_swap_kb = (uint32_t)swap->u64;
	return 0;
}
