#include "capture/ring_hooks.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/util.h"
#include "capture_bpf.skel.h"

#define COMPLETE_ARGS 4          /* data, ring, request, completion */
#define COMPLETE_ARGS_BY_VALUE 8 /* data, ring, request, what is in a completion */

/* The prototype of a tracepoint's handlers; NULL: the kernel has no such tracepoint. */
static const struct btf_type *prototype(const struct btf *btf, const char *name)
{
	const struct btf_type *type;
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);

	if (id < 0)
		return NULL;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	if (!type || !btf_is_ptr(type))
		return NULL;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? type : NULL;
}

/* Whether the first argument behind the data is a request. */
static bool takes_request(const struct btf *btf, const struct btf_type *proto)
{
	const struct btf_type *type;

	if (!proto || btf_vlen(proto) < 2)
		return false;
	type = btf__type_by_id(btf, btf_params(proto)[1].type);
	if (!type || !btf_is_ptr(type))
		return false;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_struct(type) &&
	       strcmp(btf__name_by_offset(btf, type->name_off), "io_kiocb") == 0;
}

bool ring_hooks_choose(struct capture_bpf *bpf, bool are_wanted)
{
	struct btf *btf = are_wanted ? btf__load_vmlinux_btf() : NULL;
	const struct btf_type *complete = NULL;
	bool asks = false, asks_before = false, done = false, done_before = false, fits;

	if (btf) {
		complete = prototype(btf, "btf_trace_io_uring_complete");
		asks = takes_request(btf, prototype(btf, "btf_trace_io_uring_submit_req"));
		asks_before =
			!asks && takes_request(btf, prototype(btf, "btf_trace_io_uring_submit_"
								   "sqe"));
		done = complete && btf_vlen(complete) == COMPLETE_ARGS;
		done_before = complete && btf_vlen(complete) == COMPLETE_ARGS_BY_VALUE;
	}
	fits = (asks || asks_before) && (done || done_before);
	bpf_program__set_autoload(bpf->progs.on_ring_ask, fits && asks);
	bpf_program__set_autoload(bpf->progs.on_ring_ask_before_6_4, fits && asks_before);
	bpf_program__set_autoload(bpf->progs.on_ring_done, fits && done);
	bpf_program__set_autoload(bpf->progs.on_ring_done_before_6_15, fits && done_before);
	btf__free(btf);
	return fits;
}
