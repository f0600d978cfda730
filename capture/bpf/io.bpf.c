/* Data that calls pass, as far as it is wanted: from a buffer, a vector of buffers, a message, and
 * of several messages each. */
#include "capture/bpf/ring.bpf.h"

#define AF_INET 2
#define AF_INET6 10
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define NAME_SERVER_PORT 53
#define DNS_HEADER_BYTES 12
#define GATHERED_MAX 128 /* vectors looked at for data; empty ones are vectors too */
#define CHUNK 4          /* vectors read at once for their sizes; they lie on the stack */

__u32 io_plans[2][WIRE_NR_END]; /* 64-bit, 32-bit callers */

struct message {
	__u64 name, vectors, n_vectors, control;
	__u32 name_len, control_len;
};

/* ring->io, while data is added. */
enum { IO_TO, IO_SIZE, IO_IS_ANSWER, IO_MESSAGE, IO_END };

static __always_inline __u32 plan_shape(__u32 plan)
{
	return plan & 7;
}

static __always_inline __u64 message_bytes(int is_32bit)
{
	return is_32bit ? 32 : 64; /* of a mmsghdr: its length and padding included */
}

static __always_inline int read_message(struct message *out, __u64 at, int is_32bit)
{
	if (is_32bit) {
		__u32 words[6] = {};

		if (bpf_probe_read_user(words, sizeof(words), (void *)at))
			return -1;
		out->name = words[0];
		out->name_len = words[1];
		out->vectors = words[2];
		out->n_vectors = words[3];
		out->control = words[4];
		out->control_len = words[5];
	} else {
		__u64 words[6] = {};

		if (bpf_probe_read_user(words, sizeof(words), (void *)at))
			return -1;
		out->name = words[0];
		out->name_len = words[1];
		out->vectors = words[2];
		out->n_vectors = words[3];
		out->control = words[4];
		out->control_len = words[5];
	}
	return 0;
}

/* Sum up the sizes of n vectors into io[IO_SIZE]. 1, or 0 when they cannot be read. Without
 * branches in the loop: each would double what the verifier has to look at. */
__noinline int add_up_sizes(__u32 index, __u64 vectors, __u64 n, __u32 is_32bit)
{
	struct wire_ring *ring = ring_at(index);
	__u64 if_32bit = is_32bit ? ~0ull : 0, bytes = is_32bit ? 8 : 16; /* of a vector */
	__u64 total = 0;

	if (!ring || n > WIRE_VECTORS_MAX)
		return 0;
#pragma clang loop unroll(disable)
	for (int chunk = 0; chunk < WIRE_VECTORS_MAX / CHUNK; chunk++) {
		__u64 buffer[CHUNK * 2] = {};
		/* The last one ends the loop: if it went on with what is left, which is nothing,
		 * the verifier would follow every turn's last one through all later turns. */
		int is_last = n <= CHUNK;
		__u64 some = is_last ? n : CHUNK;

		if (!some)
			break;
		/* From 1 to all of the buffer, in a form that older verifiers can bound. */
		if (bpf_probe_read_user(buffer, ((some * bytes - 1) & (sizeof(buffer) - 1)) + 1,
					(void *)vectors))
			return 0;
#pragma clang loop unroll(full)
		for (int i = 0; i < CHUNK; i++)
			total += (buffer[i] >> 32 & if_32bit) + (buffer[i * 2 + 1] & ~if_32bit);
		if (is_last)
			break;
		vectors += CHUNK * bytes;
		n -= CHUNK;
	}
	ring->io[IO_SIZE] = total;
	return 1;
}

/* Copy what one vector has room for, or as much of it as is wanted. 0 or -1. */
__noinline int gather_one(__u32 index, __u64 vector, __u32 is_32bit)
{
	struct wire_ring *ring = ring_at(index);
	__u64 base, len, left;

	if (!ring)
		return -1;
	if (is_32bit) {
		__u32 words[2] = {};

		if (bpf_probe_read_user(words, sizeof(words), (void *)vector))
			return -1;
		base = words[0];
		len = words[1];
	} else {
		__u64 words[2] = {};

		if (bpf_probe_read_user(words, sizeof(words), (void *)vector))
			return -1;
		base = words[0];
		len = words[1];
	}
	left = ring->io[IO_END] - ring->io[IO_TO];
	if (left > len)
		left = len;
	left &= WIRE_READ_MAX - 1;
	if (bpf_probe_read_user(text_at(ring, ring->io[IO_TO]), left, (void *)base))
		return -1;
	ring->io[IO_TO] += left;
	return 0;
}

/* Copy up to max bytes of n vectors to io[IO_TO], which moves on. Returns flags of the section. */
__noinline int gather(__u32 index, __u64 vectors, __u64 n, __u32 max, __u32 is_32bit)
{
	struct wire_ring *ring = ring_at(index);

	if (!ring)
		return 0;
	ring->io[IO_END] = ring->io[IO_TO] + max;
#pragma clang loop unroll(disable)
	for (int i = 0; i < GATHERED_MAX; i++) {
		if (n == 0 || ring->io[IO_TO] >= ring->io[IO_END])
			return 0;
		if (gather_one(index, vectors, is_32bit))
			return WIRE_SEC_UNREADABLE;
		vectors += is_32bit ? 8 : 16;
		n--;
	}
	return WIRE_SEC_TRUNCATED;
}

/* Of a message: the address it came from or goes to, control data. Where its vectors lie. */
__noinline int add_message_head(__u32 index, __u64 at, __u32 plan)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_header *header;
	struct message message;

	if (!ring)
		return -1;
	header = record_at(ring, 0);
	if (read_message(&message, at, header->flags & WIRE_IS_32BIT))
		return -1;
	if (message.name && message.name_len && !(plan & WIRE_IO_IN && header->res < 0))
		add_user_block(index, WIRE_SEC_ADDR, message.name, message.name_len & 0xff);
	if (plan & WIRE_IO_CONTROL && message.control && header->res >= 0)
		add_user_block(index, WIRE_SEC_CONTROL, message.control, message.control_len);
	ring->message_args[4] = message.vectors;
	ring->message_args[5] = message.n_vectors;
	return 0;
}

static __always_inline void add_sender(__u32 index, struct wire_header *header)
{
	__u32 len = 0;

	if (header->res >= 0 && header->args[4] &&
	    !bpf_probe_read_user(&len, sizeof(len), (void *)header->args[5]))
		add_user_block(index, WIRE_SEC_ADDR, header->args[4], len & 0xff);
}

/* How many bytes of the data are to be copied. */
static __always_inline __u64 data_bytes(__u32 plan, __s64 res, __u64 size, int is_answer)
{
	__u64 wanted = is_answer ? WIRE_ANSWER_MAX : plan >> WIRE_IO_WANTED_SHIFT;
	__u64 there = res > 0 ? res : plan & (WIRE_IO_IN | WIRE_IO_DONE) ? 0 : size;

	return wanted < there ? wanted : there;
}

/* Data of the record in work: io[IO_IS_ANSWER], and io[IO_MESSAGE], the message's number. */
__noinline int add_io(__u32 index, __u32 plan)
{
	struct wire_ring *ring = ring_at(index);
	__u32 data_arg = plan >> 3 & 7, n_arg = plan >> 6 & 7;
	struct wire_section *section;
	struct wire_header *header;
	__u64 data, n, size, max;
	struct wire_io *io;
	__u32 is_32bit;
	int flags = 0;

	if (!ring || data_arg > 5 || n_arg > 5)
		return 0;
	header = record_at(ring, 0);
	is_32bit = header->flags & WIRE_IS_32BIT;
	data = header->args[data_arg & 7];
	n = header->args[n_arg & 7];
	if (plan & WIRE_IO_SENDER)
		add_sender(index, header);
	if (plan_shape(plan) >= WIRE_IO_MESSAGE) {
		data += ring->io[IO_MESSAGE] * message_bytes(is_32bit);
		if (plan_shape(plan) == WIRE_IO_MESSAGES && header->res > 0) {
			__u32 len = 0;

			bpf_probe_read_user(&len, sizeof(len),
					    (void *)(data + (is_32bit ? 28 : 56)));
			header->res = len;
		}
		if (add_message_head(index, data, plan))
			return 0;
		data = ring->message_args[4];
		n = ring->message_args[5];
	}
	section = section_begin(ring, WIRE_SEC_IO);
	if (!section)
		return 0;
	io = (struct wire_io *)(section + 1);
	io->wanted = plan >> WIRE_IO_WANTED_SHIFT;
	io->flags = ring->io[IO_IS_ANSWER] ? WIRE_IO_IS_ANSWER : 0;
	io->pad = 0;
	io->size = n;
	ring->io[IO_SIZE] = n;
	if (plan_shape(plan) != WIRE_IO_BUFFER && plan & WIRE_IO_SIZE) {
		ring->io[IO_SIZE] = 0;
		if (add_up_sizes(index, data, n, is_32bit))
			io->flags |= WIRE_IO_HAS_SIZE;
		io->size = ring->io[IO_SIZE];
	}
	size = plan_shape(plan) == WIRE_IO_BUFFER || io->flags & WIRE_IO_HAS_SIZE ? io->size
										  : WIRE_READ_MAX;
	max = data_bytes(plan, header->res, size, ring->io[IO_IS_ANSWER]);
	ring->io[IO_TO] = ring->pos + sizeof(*section) + sizeof(*io);
	if (max && plan_shape(plan) == WIRE_IO_BUFFER) {
		max &= WIRE_READ_MAX - 1;
		if (bpf_probe_read_user(io + 1, max, (void *)data))
			io->flags |= WIRE_IO_UNREADABLE;
		else
			ring->io[IO_TO] += max;
	} else if (max) {
		flags = gather(index, data, n, max, is_32bit);
		if (flags & WIRE_SEC_UNREADABLE)
			io->flags |= WIRE_IO_UNREADABLE;
		section->flags = flags & WIRE_SEC_TRUNCATED;
	}
	section_end(ring, section, ring->io[IO_TO] - ring->pos - sizeof(*section));
	return 0;
}

/* The port in a sockaddr that the call filled in; 0 when it is none of the internet's. */
static __always_inline __u32 sender_port(__u64 at)
{
	__u16 words[2] = {};

	if (!at || bpf_probe_read_user(words, sizeof(words), (void *)at) ||
	    (words[0] != AF_INET && words[0] != AF_INET6))
		return 0;
	return __builtin_bswap16(words[1]);
}

/* Whether a call on descriptor fd of task arg[3] has got something from a name server: the socket
 * is connected to one, or the datagram came from one. */
__noinline int is_answer(__u32 index, __u32 fd, __u64 arg1, __u64 arg4, __u32 plan_and_abi)
{
	struct wire_ring *ring = ring_at(index);
	__u32 plan = plan_and_abi & 0x7fffffff;
	int is_32bit = plan_and_abi >> 31;
	struct message message;
	struct sock *sk;
	__u32 family;

	if (!ring || (find_file(ring, fd) & S_IFMT) != S_IFSOCK)
		return 0;
	sk = FIELD(CAST(socket, FIELD(CAST(file, ring->arg[0]), private_data)), sk);
	if (!sk)
		return 0;
	family = FIELD(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (FIELD(sk, __sk_common.skc_dport))
		return FIELD(sk, __sk_common.skc_dport) == __builtin_bswap16(NAME_SERVER_PORT);
	if (plan & WIRE_IO_SENDER)
		return sender_port(arg4) == NAME_SERVER_PORT;
	if (plan_shape(plan) < WIRE_IO_MESSAGE || read_message(&message, arg1, is_32bit))
		return 0;
	return sender_port(message.name) == NAME_SERVER_PORT;
}

/* One more message of the call whose arguments are in message_args: a record of its own. */
__noinline int report_message(__u32 index, __u32 nr, __u32 flags, __u32 number)
{
	struct wire_ring *ring = ring_at(index);
	struct task_struct *task = current_task();
	struct wire_header *header;

	if (!ring || nr >= WIRE_NR_END)
		return 0;
	header = record_begin(ring, WIRE_CALL, task, index);
	if (!header) {
		ring->lost_calls[flags & WIRE_IS_32BIT][nr]++;
		return 0;
	}
	header->nr = nr;
	header->res = 1;
	header->flags = flags;
	for (int i = 0; i < 4; i++)
		header->args[i] = ring->message_args[i];
	header->args[4] = 0;
	header->args[5] = 0;
	ring->pos = sizeof(*header);
	ring->arg[3] = (__u64)task;
	ring->io[IO_MESSAGE] = number;
	add_descriptor(index, header->args[0]);
	add_io(index, io_plans[flags & WIRE_IS_32BIT][nr]);
	record_end(ring, header);
	return 0;
}

/* The messages behind the first one. */
__noinline int report_messages(__u32 index, __u32 nr, __u32 flags, __u32 n)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 1; i < WIRE_MESSAGES_MAX; i++) {
		if (i >= n)
			break;
		report_message(index, nr, flags, i);
	}
	return 0;
}
