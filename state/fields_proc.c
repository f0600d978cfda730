#include <linux/capability.h>

#include "base/util.h"
#include "state/fields.h"

#define KIND(variant) ((enum proc_variant)((variant)&0xff))
#define RELATION(variant) ((variant) & ~(intptr_t)0xff)
#define MAX_NUMBER_TEXT 24

/* The leader of a session or process group: the process of that id; seen from inside a pid
 * namespace, the oldest ancestor with the same id. */
static const struct process *find_leader(const struct field_context *ctx, const struct process *p,
					 intptr_t relation)
{
	int32_t id = relation == OF_SID ? p->sid : relation == OF_PGID ? p->pgid : p->vpgid;
	const struct process *oldest = NULL, *a = p;

	if (p->vpid == p->pid || relation == OF_PGID)
		return state_find_process(ctx->state, id, 0);
	for (int i = 0; a && i < ANCESTORS_MAX; i++, a = a->parent) {
		if ((relation == OF_SID ? a->sid : a->vpgid) == id)
			oldest = a;
	}
	return oldest;
}

static const struct process *find_related(const struct field_context *ctx, intptr_t relation)
{
	const struct process *p = field_process(ctx);

	if (!p)
		return NULL;
	switch (relation) {
	case OF_PARENT:
		return p->parent;
	case OF_SID:
	case OF_PGID:
	case OF_VPGID:
		return find_leader(ctx, p, relation);
	default:
		return p;
	}
}

static struct text name_of(const struct field_context *ctx, const struct process *p)
{
	const struct thread *t = p->leader;

	if (p == ctx->subject->process && ctx->subject->thread)
		t = ctx->subject->thread;
	return (struct text){t->comm, t->comm_len};
}

/* A list of strings without its last NUL. */
static struct text without_end(struct text list)
{
	if (list.len && list.ptr[list.len - 1] == '\0')
		list.len--;
	return list;
}

static bool yield_joined(const struct field_context *ctx, struct values *out, struct text list)
{
	struct text_builder b;

	list = without_end(list);
	if (!builder_init(&b, ctx, list.len + 1))
		return false;
	builder_put_list(&b, list, ' ');
	return yield_text(ctx, out, builder_text(&b));
}

/* first + " " + args; keep_blank: also when there are none. */
static bool yield_line(const struct field_context *ctx, struct values *out, struct text first,
		       struct text args, bool keep_blank)
{
	struct text_builder b;

	if (!builder_init(&b, ctx, first.len + args.len + 2))
		return false;
	builder_put(&b, first);
	if (args.len || keep_blank)
		builder_put(&b, TEXT(" "));
	builder_put_list(&b, without_end(args), ' ');
	return yield_text(ctx, out, builder_text(&b));
}

static bool yield_cwd(const struct field_context *ctx, struct values *out, struct text cwd)
{
	struct text_builder b;

	if (!cwd.len)
		return yield_text(ctx, out, TEXT("./"));
	if (cwd.ptr[cwd.len - 1] == '/')
		return yield_text(ctx, out, cwd);
	if (!builder_init(&b, ctx, cwd.len + 1))
		return false;
	builder_put(&b, cwd);
	builder_put(&b, TEXT("/"));
	return yield_text(ctx, out, builder_text(&b));
}

static bool yield_std(const struct field_context *ctx, struct values *out, const struct process *p,
		      intptr_t variant)
{
	int32_t fd = (int32_t)((RELATION(variant) - OF_FD0) >> 8);
	const struct fd_entry *entry = fd_table_find(p->fds, fd);
	struct text_builder b;

	if (!entry)
		return false;
	if (KIND(variant) == PROC_STD_TYPE)
		return yield_text(ctx, out, fd_type_name(entry));
	if (!builder_init(&b, ctx, entry->name.len + 128))
		return false;
	builder_put_fd_name(&b, entry);
	return yield_text(ctx, out, builder_text(&b));
}

/* One text of one process. */
static bool yield_of(const struct field_context *ctx, struct values *out, const struct process *p,
		     intptr_t variant)
{
	switch (KIND(variant)) {
	case PROC_NAME:
		return yield_text(ctx, out, name_of(ctx, p));
	case PROC_EXE:
		return yield_text(ctx, out, p->exe);
	case PROC_EXEPATH:
		return yield_text(ctx, out, p->exepath);
	case PROC_CMDLINE:
		return yield_line(ctx, out, name_of(ctx, p), p->args, false);
	case PROC_EXELINE:
		return yield_line(ctx, out, p->exe, p->args, true);
	case PROC_ARGS:
		return yield_joined(ctx, out, p->args);
	case PROC_ENV:
		return yield_joined(ctx, out, p->env);
	case PROC_CWD:
		return yield_cwd(ctx, out, p->cwd);
	case PROC_PID:
		return yield_i64(ctx, out, VALUE_INT64, p->pid);
	case PROC_STD_TYPE:
	case PROC_STD_NAME:
		return yield_std(ctx, out, p, variant);
	default:
		return false;
	}
}

bool extract_proc_text(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	intptr_t relation = RELATION(field->variant);
	const struct process *p = find_related(ctx, relation);

	(void)arg;
	if (!p && field_process(ctx) && (relation >= OF_SID && relation <= OF_VPGID))
		return yield_text(ctx, out, TEXT(""));
	return p && yield_of(ctx, out, p, field->variant);
}

/* The nth of a list of strings; empty past the end. */
static struct text nth_string(struct text list, int64_t n)
{
	struct text one;

	while (list_next(&list, &one)) {
		if (n-- == 0)
			return one;
	}
	return TEXT("");
}

bool extract_proc_args(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	const struct process *p = field_process(ctx);

	(void)field;
	if (!p)
		return false;
	if (arg->is_given)
		return yield_text(ctx, out, nth_string(p->args, arg->index));
	return yield_joined(ctx, out, p->args);
}

static struct text trimmed(struct text t)
{
	while (t.len && t.ptr[0] == ' ')
		t = (struct text){t.ptr + 1, t.len - 1};
	while (t.len && t.ptr[t.len - 1] == ' ')
		t.len--;
	return t;
}

/* Value of an environment variable; empty when unset. */
static struct text env_value(struct text env, struct text key)
{
	struct text one;

	while (list_next(&env, &one)) {
		if (one.len > key.len && one.ptr[key.len] == '=' && text_starts_with(one, key))
			return trimmed((struct text){one.ptr + key.len + 1, one.len - key.len - 1});
	}
	return TEXT("");
}

bool extract_proc_env(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	const struct process *p = field_process(ctx);

	(void)field;
	if (!p)
		return false;
	if (arg->is_given)
		return yield_text(ctx, out, env_value(p->env, arg->text));
	return yield_joined(ctx, out, p->env);
}

/* One value for each ancestor, nearest first; false when there is none. */
static bool yield_ancestors(const struct field_context *ctx, struct values *out, intptr_t variant)
{
	const struct process *p = field_process(ctx), *a;
	struct value *items;
	uint32_t n = 0;

	for (a = p ? p->parent : NULL; a && n < ANCESTORS_MAX; a = a->parent)
		n++;
	if (!n)
		return false;
	items = yield_list(ctx, out, n);
	a = p->parent;
	for (uint32_t i = 0; items && i < n; i++, a = a->parent) {
		struct values one;

		if (!yield_of(ctx, &one, a, variant))
			return false;
		items[i] = one.items[0];
	}
	*out = (struct values){items, n};
	return items;
}

/* Texts of all ancestors joined by blanks, for aargs, which is no list. */
static bool yield_joined_ancestors(const struct field_context *ctx, struct values *out,
				   intptr_t variant)
{
	struct values all;
	struct text_builder b;
	uint32_t size = 0;

	if (!yield_ancestors(ctx, &all, variant))
		return false;
	for (uint32_t i = 0; i < all.n; i++)
		size += all.items[i].text.len + 1;
	if (!builder_init(&b, ctx, size))
		return false;
	for (uint32_t i = 0; i < all.n; i++) {
		if (i)
			builder_put(&b, TEXT(" "));
		builder_put(&b, all.items[i].text);
	}
	return yield_text(ctx, out, builder_text(&b));
}

static const struct process *nth_ancestor(const struct field_context *ctx, int64_t n)
{
	const struct process *p = field_process(ctx);

	return p && n >= 0 && n <= ANCESTORS_MAX ? process_ancestor(p, (uint32_t)n) : NULL;
}

bool extract_proc_ancestor(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	const struct process *p;

	if (!arg->is_given) {
		if (field->flags & FIELD_ANY_ANCESTOR)
			return yield_ancestors(ctx, out, field->variant);
		return yield_joined_ancestors(ctx, out, field->variant);
	}
	p = nth_ancestor(ctx, arg->index);
	return p && yield_of(ctx, out, p, field->variant);
}

bool extract_proc_aenv(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	enum { LEVELS = 20 };
	const struct process *p;
	struct text value = TEXT("");

	if (!arg->is_given)
		return yield_ancestors(ctx, out, field->variant);
	if (arg->is_index) {
		p = nth_ancestor(ctx, arg->index);
		return p && yield_joined(ctx, out, p->env);
	}
	p = field_process(ctx);
	if (!p)
		return false;
	p = p->parent;
	for (int level = 0; p && level < LEVELS && !value.len; level++, p = p->parent)
		value = env_value(p->env, arg->text);
	return yield_text(ctx, out, value);
}

/* The oldest of the process and its ancestors whose name ends in "sh". */
static const struct process *login_shell(const struct field_context *ctx)
{
	const struct process *p = field_process(ctx), *found = NULL;

	for (int i = 0; p && i < ANCESTORS_MAX; i++, p = p->parent) {
		if (text_ends_with(name_of(ctx, p), TEXT("sh")))
			found = p;
	}
	return found;
}

static uint32_t count_args(struct text args, uint32_t *bytes)
{
	struct text one;
	uint32_t n = 0;

	*bytes = 0;
	while (list_next(&args, &one)) {
		n++;
		*bytes += one.len;
	}
	return n;
}

static bool yield_ids(const struct field_context *ctx, const struct field *field,
		      const struct process *p, struct values *out)
{
	const struct process *shell;

	switch (KIND(field->variant)) {
	case PROC_PID:
		return !p->is_guess && yield_i64(ctx, out, field->type, p->pid);
	case PROC_VPID:
		return p->vpid >= 0 && yield_i64(ctx, out, field->type, p->vpid);
	case PROC_SID:
		return yield_i64(ctx, out, field->type, p->sid);
	case PROC_PGID:
		return yield_i64(ctx, out, field->type, p->pgid);
	case PROC_VPGID:
		return yield_i64(ctx, out, field->type, p->vpgid);
	case PROC_TTY:
		return yield_u64(ctx, out, field->type, p->tty);
	case PROC_LOGINSHELL:
		shell = login_shell(ctx);
		return shell && yield_i64(ctx, out, field->type, shell->pid);
	case THREAD_VTID:
		return ctx->subject->thread->vtid >= 0 &&
		       yield_i64(ctx, out, field->type, ctx->subject->thread->vtid);
	default:
		return false;
	}
}

static bool yield_nonzero(const struct field_context *ctx, const struct field *field, uint64_t time,
			  struct values *out)
{
	return time && yield_u64(ctx, out, field->type, time);
}

/* later - earlier, absent when one is unknown or the order is odd. */
static bool yield_span(const struct field_context *ctx, const struct field *field, uint64_t later,
		       uint64_t earlier, struct values *out)
{
	return later && earlier && later >= earlier &&
	       yield_u64(ctx, out, field->type, later - earlier);
}

/* Threads began on their own. */
static uint64_t start_time(const struct field_context *ctx, const struct process *p,
			   intptr_t relation)
{
	const struct thread *t = ctx->subject->thread;

	if (relation == OF_SELF && t && t->start_ns)
		return state_boot_to_epoch_ns(ctx->state, t->start_ns);
	return process_start_time_ns(ctx->state, p);
}

static bool yield_times(const struct field_context *ctx, const struct field *field,
			const struct process *p, struct values *out)
{
	uint64_t start = start_time(ctx, p, RELATION(field->variant));
	uint64_t pidns = state_boot_to_epoch_ns(ctx->state, p->pidns_start_ns);

	switch (KIND(field->variant)) {
	case PROC_START:
		if (RELATION(field->variant) == OF_PARENT)
			return yield_u64(ctx, out, field->type, start);
		return yield_nonzero(ctx, field, start, out);
	case PROC_DURATION:
		return yield_span(ctx, field, ctx->event->ts_ns, start, out);
	case PROC_PIDNS_START:
		return yield_nonzero(ctx, field, pidns, out);
	case PROC_EXE_CTIME:
		return yield_nonzero(ctx, field, p->exe_ctime_ns, out);
	case PROC_EXE_MTIME:
		return yield_nonzero(ctx, field, p->exe_mtime_ns, out);
	case PROC_CTIME_TO_START:
		return yield_span(ctx, field, start, p->exe_ctime_ns, out);
	case PROC_CTIME_TO_PIDNS:
		return yield_span(ctx, field, pidns, p->exe_ctime_ns, out);
	default:
		return yield_ids(ctx, field, p, out);
	}
}

bool extract_proc_number(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	const struct process *p = find_related(ctx, RELATION(field->variant));
	const struct thread *t = ctx->subject ? ctx->subject->thread : NULL;
	uint32_t n, bytes;

	(void)arg;
	if (KIND(field->variant) == THREAD_TID)
		return yield_i64(ctx, out, field->type, ctx->event->tid);
	if (!p || !t)
		return false;
	switch (KIND(field->variant)) {
	case PROC_NARGS:
	case PROC_LENARGS:
		n = count_args(p->args, &bytes);
		return yield_u64(ctx, out, field->type,
				 KIND(field->variant) == PROC_NARGS ? n : bytes);
	case PROC_EXE_INO:
		return yield_nonzero(ctx, field, p->exe_ino, out);
	case PROC_FD_COUNT:
		return yield_u64(ctx, out, field->type, fd_table_count(p->fds));
	case PROC_FD_LIMIT:
		return yield_i64(ctx, out, field->type, p->fd_limit);
	case THREAD_VM_SIZE:
	case PROC_VM_SIZE:
		n = KIND(field->variant) == PROC_VM_SIZE || t == p->leader ? p->vm_size_kb : 0;
		return yield_u64(ctx, out, field->type, n);
	case THREAD_VM_RSS:
	case PROC_VM_RSS:
		n = KIND(field->variant) == PROC_VM_RSS || t == p->leader ? p->vm_rss_kb : 0;
		return yield_u64(ctx, out, field->type, n);
	case PROC_VM_SWAP:
		return yield_u64(ctx, out, field->type, p->vm_swap_kb);
	case PROC_NTHREADS:
		n = p->n_threads; /* the last one is not counted when it ends */
		n -= n == 1 && ctx->event->type == EVENT_PROCEXIT;
		return yield_u64(ctx, out, field->type, n);
	case PROC_NCHILDS:
		return yield_u64(ctx, out, field->type, p->n_threads ? p->n_threads - 1 : 0);
	case THREAD_PFMAJOR:
		return yield_u64(ctx, out, field->type, t->pgft_maj);
	case THREAD_PFMINOR:
		return yield_u64(ctx, out, field->type, t->pgft_min);
	case THREAD_ZERO:
		return yield_u64(ctx, out, field->type, 0);
	default:
		return yield_times(ctx, field, p, out);
	}
}

bool extract_proc_usage(const struct field_context *ctx, const struct field *field,
			const struct field_arg *arg, struct values *out)
{
	const struct process *p = field_process(ctx);

	(void)field;
	(void)arg;
	if (!p)
		return false;
	return yield_double(ctx, out,
			    p->fd_limit > 0 ? 100.0 * fd_table_count(p->fds) / (double)p->fd_limit
					    : 0);
}

bool extract_proc_bool(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	const struct process *p = field_process(ctx);

	(void)arg;
	if (!p)
		return false;
	switch (KIND(field->variant)) {
	case PROC_EXE_WRITABLE:
		return yield_bool(ctx, out, p->exe_flags & EXE_WRITABLE);
	case PROC_EXE_UPPER:
		return yield_bool(ctx, out, p->exe_flags & EXE_UPPER_LAYER);
	case PROC_EXE_LOWER:
		return yield_bool(ctx, out, p->exe_flags & EXE_LOWER_LAYER);
	case PROC_EXE_MEMFD:
		return yield_bool(ctx, out, p->exe_flags & EXE_FROM_MEMFD);
	case PROC_IS_BLIND:
		return yield_bool(ctx, out, p->is_blind);
	case PROC_SID_LEADER:
		return yield_bool(ctx, out, p->sid == p->vpid);
	case PROC_VPGID_LEADER:
		return yield_bool(ctx, out, p->vpgid == p->vpid);
	case PROC_PGID_LEADER:
		return yield_bool(ctx, out, p->pgid == p->pid);
	case THREAD_IS_MAIN:
		return yield_bool(ctx, out, ctx->event->tid == p->pid && !p->is_guess);
	default:
		return false;
	}
}

static const char *const cap_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

static bool yield_caps(const struct field_context *ctx, struct values *out, uint64_t caps)
{
	struct text_builder b;

	if (!builder_init(&b, ctx, 1024))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(cap_names); i++) {
		if (caps >> i & 1)
			builder_format(&b, b.len ? " %s" : "%s", cap_names[i]);
	}
	return yield_text(ctx, out, builder_text(&b));
}

bool extract_thread_text(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	const struct thread *t = ctx->subject ? ctx->subject->thread : NULL;

	(void)arg;
	if (!t)
		return false;
	switch (KIND(field->variant)) {
	case THREAD_CAP_PERMITTED:
		return yield_caps(ctx, out, t->cap_permitted);
	case THREAD_CAP_INHERITABLE:
		return yield_caps(ctx, out, t->cap_inheritable);
	case THREAD_CAP_EFFECTIVE:
		return yield_caps(ctx, out, t->cap_effective);
	case THREAD_CGROUPS:
		return t->process->cgroups.len && yield_joined(ctx, out, t->process->cgroups);
	default:
		return false;
	}
}

bool extract_thread_cgroup(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	const struct process *p = field_process(ctx);
	struct text list = p ? p->cgroups : TEXT_NONE, one;

	(void)field;
	while (list_next(&list, &one)) {
		if (one.len > arg->text.len && one.ptr[arg->text.len] == '=' &&
		    text_starts_with(one, arg->text))
			return yield_text(ctx, out,
					  (struct text){one.ptr + arg->text.len + 1,
							one.len - arg->text.len - 1});
	}
	return false;
}
