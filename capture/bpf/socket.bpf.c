/* Sockets: the ends as the kernel has them. */
#include "capture/bpf/ring.bpf.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define UNIX_PATH_MAX 108

static __always_inline void fill_inet(struct wire_sock *out, struct sock *sk)
{
	if (out->family == AF_INET) {
		*(__u32 *)out->local = FIELD(sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)out->remote = FIELD(sk, __sk_common.skc_daddr);
	} else {
		bpf_core_read(out->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(out->remote, 16, &sk->__sk_common.skc_v6_daddr);
	}
	out->local_port = FIELD(sk, __sk_common.skc_num);
	out->remote_port = __builtin_bswap16(FIELD(sk, __sk_common.skc_dport));
}

/* Append the path a unix socket is bound to. Returns its length. */
static __always_inline __u32 append_unix_path(char *out, struct sock *sk)
{
	struct unix_address *addr = FIELD(CAST(unix_sock, sk), addr);
	__u32 len;

	if (!addr)
		return 0;
	len = FIELD(addr, len);
	if (len <= 2 || len > UNIX_PATH_MAX + 2)
		return 0;
	len -= 2;
	/* The address begins with the family. */
	bpf_probe_read_kernel(out, len & 127, (char *)addr + bpf_core_field_offset(addr->name) + 2);
	return len & 127;
}

__noinline int add_sock(__u32 index, __u32 type)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	struct wire_sock *out;
	struct socket *socket;
	__u32 path_len = 0;
	struct sock *sk;

	if (!ring || !ring->arg[0])
		return 0;
	section = section_begin(ring, type);
	if (!section)
		return 0;
	out = (struct wire_sock *)(section + 1);
	__builtin_memset(out, 0, sizeof(*out));
	out->ino = FIELD(FIELD(CAST(file, ring->arg[0]), f_inode), i_ino);
	socket = CAST(socket, FIELD(CAST(file, ring->arg[0]), private_data));
	sk = FIELD(socket, sk);
	if (!sk)
		return 0;
	out->netns = FIELD(FIELD(sk, __sk_common.skc_net.net), ns.inum);
	out->family = FIELD(sk, __sk_common.skc_family);
	out->state = FIELD(sk, __sk_common.skc_state);
	out->type = FIELD(socket, type);
	out->protocol = FIELD(sk, sk_protocol);
	out->queue_len = FIELD(sk, sk_ack_backlog);
	out->queue_max = FIELD(sk, sk_max_ack_backlog);
	if (out->family == AF_INET || out->family == AF_INET6) {
		fill_inet(out, sk);
	} else if (out->family == AF_UNIX) {
		struct sock *peer = FIELD(CAST(unix_sock, sk), peer);

		out->self_ptr = (__u64)sk;
		out->peer_ptr = (__u64)peer;
		/* The other end's name is what a connection is known by. */
		if (peer)
			path_len = append_unix_path((char *)(out + 1), peer);
		if (!path_len)
			path_len = append_unix_path((char *)(out + 1), sk);
	}
	section_end(ring, section, sizeof(*out) + path_len);
	return 0;
}
