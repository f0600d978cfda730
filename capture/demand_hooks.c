#include "capture/demand_hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/event_table.h"
#include "base/log.h"
#include "capture_bpf.skel.h"

static const struct {
	const char *tracepoint;
	enum event_type type;
} hooks_table[DEMAND_HOOKS] = {
	{"signal_deliver", EVENT_SIGNALDELIVER},
	{"page_fault_user", EVENT_PAGE_FAULT},
	{"page_fault_kernel", EVENT_PAGE_FAULT},
};

static struct bpf_program *program_of(struct capture_bpf *bpf, int hook)
{
	struct bpf_program *programs[DEMAND_HOOKS] = {
		bpf->progs.on_signal, bpf->progs.on_user_fault, bpf->progs.on_kernel_fault};

	return programs[hook];
}

void demand_hooks_choose(struct capture_bpf *bpf)
{
	for (int i = 0; i < DEMAND_HOOKS; i++) {
		struct bpf_program *program = program_of(bpf, i);
		bool is_there =
			libbpf_find_vmlinux_btf_id(hooks_table[i].tracepoint, BPF_TRACE_RAW_TP) > 0;

		bpf_program__set_autoload(program, is_there);
		bpf_program__set_autoattach(program, false);
	}
}

static void attach(struct demand_hooks *hooks, struct capture_bpf *bpf, int hook)
{
	struct bpf_program *program = program_of(bpf, hook);

	if (bpf_program__autoload(program))
		hooks->links[hook] = bpf_program__attach(program);
	if (hooks->links[hook] || hooks->refused & 1u << hook)
		return;
	hooks->refused |= 1u << hook;
	log_warn("live capture: tracepoint '%s' cannot be attached: no events '%s' from it",
		 hooks_table[hook].tracepoint, event_info(hooks_table[hook].type)->name);
}

void demand_hooks_set(struct demand_hooks *hooks, struct capture_bpf *bpf,
		      const uint64_t *event_types)
{
	for (int i = 0; i < DEMAND_HOOKS; i++) {
		enum event_type type = hooks_table[i].type;
		bool is_wanted = event_types[type / 64] >> (type % 64) & 1;

		if (is_wanted && !hooks->links[i]) {
			attach(hooks, bpf, i);
		} else if (!is_wanted && hooks->links[i]) {
			bpf_link__destroy(hooks->links[i]);
			hooks->links[i] = NULL;
		}
	}
}

void demand_hooks_done(struct demand_hooks *hooks)
{
	for (int i = 0; i < DEMAND_HOOKS; i++) {
		bpf_link__destroy(hooks->links[i]);
		hooks->links[i] = NULL;
	}
}
