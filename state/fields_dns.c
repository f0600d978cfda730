/* What a name server answered in this event. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/util.h"
#include "state/dns.h"
#include "state/fields.h"

static struct text copied(const struct field_context *ctx, const char *text, uint32_t len)
{
	struct text_builder b;

	if (!builder_init(&b, ctx, len + 1))
		return TEXT_NONE;
	builder_put(&b, (struct text){text, len});
	return builder_text(&b);
}

static bool yield_names(const struct field_context *ctx, const struct dns_answer *answer,
			struct values *out)
{
	struct value *items = yield_list(ctx, out, answer->n_chain);

	for (uint32_t i = 0; items && i < answer->n_chain; i++)
		items[i] = (struct value){
			.text = copied(ctx, answer->chain[i].text, answer->chain[i].len),
			.type = VALUE_CHARBUF};
	return items;
}

static bool yield_addresses(const struct field_context *ctx, const struct dns_answer *answer,
			    struct values *out)
{
	struct value *items = yield_list(ctx, out, answer->n_addresses);
	char text[INET6_ADDRSTRLEN];

	for (uint32_t i = 0; items && i < answer->n_addresses; i++) {
		const struct dns_address *address = &answer->addresses[i];

		inet_ntop(address->family, address->bytes, text, sizeof(text));
		items[i] = (struct value){.text = copied(ctx, text, (uint32_t)strlen(text)),
					  .type = VALUE_CHARBUF};
	}
	return items;
}

static bool yield_type(const struct field_context *ctx, uint16_t type, struct values *out)
{
	struct text_builder b;

	if (type == DNS_TYPE_A)
		return yield_text(ctx, out, TEXT("A"));
	if (type == DNS_TYPE_AAAA)
		return yield_text(ctx, out, TEXT("AAAA"));
	if (!builder_init(&b, ctx, 8))
		return false;
	builder_format(&b, "%u", type);
	return yield_text(ctx, out, builder_text(&b));
}

bool extract_dns(const struct field_context *ctx, const struct field *field,
		 const struct field_arg *arg, struct values *out)
{
	const struct event *ev = ctx->event;
	struct dns_answer answer;

	(void)arg;
	if (!ev->answer.len ||
	    dns_parse(&answer, ev->answer, ev->sock && ev->sock->type == SOCK_STREAM))
		return false;
	switch ((enum dns_variant)field->variant) {
	case DNS_QUESTION:
		return yield_text(ctx, out, copied(ctx, answer.chain[0].text, answer.chain[0].len));
	case DNS_TYPE:
		return yield_type(ctx, answer.type, out);
	case DNS_RCODE:
		return yield_i64(ctx, out, field->type, answer.rcode);
	case DNS_NAMES:
		return yield_names(ctx, &answer, out);
	case DNS_ADDRESSES:
		return yield_addresses(ctx, &answer, out);
	}
	return false;
}
