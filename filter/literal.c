#include "filter/literal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/util.h"

#define NUMBER_TEXT_MAX 64

static int refuse(struct text source, enum value_type type, struct diag *diag)
{
	return diag_set(diag, -EINVAL, "'%.*s' is not a value of type %s", TEXT_ARGS(source),
			value_type_name(type));
}

/* A NUL-terminated copy for the C library; false if it cannot be one of its short forms. */
static bool copy_short(struct text source, char *buffer, size_t size)
{
	const char *bytes = source.ptr ? source.ptr : "";

	if (source.len >= size || memchr(bytes, '\0', source.len))
		return false;
	memcpy(buffer, bytes, source.len);
	buffer[source.len] = '\0';
	return true;
}

static int64_t narrow_signed(int64_t value, enum value_type type)
{
	switch (type) {
	case VALUE_INT8:
		return (int8_t)value;
	case VALUE_INT16:
		return (int16_t)value;
	case VALUE_INT32:
		return (int32_t)value;
	default:
		return value;
	}
}

static uint64_t narrow_unsigned(uint64_t value, enum value_type type)
{
	switch (type) {
	case VALUE_UINT8:
		return (uint8_t)value;
	case VALUE_UINT16:
		return (uint16_t)value;
	case VALUE_UINT32:
	case VALUE_FLAGS32:
	case VALUE_MODE:
	case VALUE_UID:
	case VALUE_GID:
		return (uint32_t)value;
	default:
		return value;
	}
}

/* Decimal only, all of it. Too large numbers are no error, as upstream: they clamp at 64 bits and
 * wrap below. */
static int parse_number(struct text source, enum value_type type, struct value *out,
			struct diag *diag)
{
	char text[NUMBER_TEXT_MAX], *end;

	if (!copy_short(source, text, sizeof(text)) || !text[0])
		return refuse(source, type, diag);
	if (value_type_is_signed(type) || type == VALUE_DOUBLE) {
		int64_t value = strtoll(text, &end, 10);

		if (type == VALUE_DOUBLE)
			out->f64 = (double)value;
		else
			out->i64 = narrow_signed(value, type);
	} else {
		out->u64 = narrow_unsigned(strtoull(text, &end, 10), type);
	}
	return *end || end == text ? refuse(source, type, diag) : 0;
}

/* The names that rules use, so that a host without a services file reads them too. */
static const struct {
	const char *name;
	uint16_t port;
} services[] = {
	{"domain", 53},
	{"ftp", 21},
	{"git", 9418},
	{"http", 80},
	{"http-alt", 8080},
	{"https", 443},
	{"imap2", 143},
	{"imaps", 993},
	{"irc", 194},
	{"kerberos", 88},
	{"ldap", 389},
	{"ldaps", 636},
	{"microsoft-ds", 445},
	{"mysql", 3306},
	{"nfs", 2049},
	{"ntp", 123},
	{"pop3", 110},
	{"postgresql", 5432},
	{"redis", 6379},
	{"rsync", 873},
	{"smtp", 25},
	{"snmp", 161},
	{"ssh", 22},
	{"submission", 587},
	{"sunrpc", 111},
	{"syslog", 514},
	{"telnet", 23},
	{"tftp", 69},
	{"x11", 6000},
	{"xmpp-client", 5222},
	{"zabbix-agent", 10050},
};

static int parse_port(struct text source, struct value *out, struct diag *diag)
{
	char text[NUMBER_TEXT_MAX], buffer[1024];
	struct servent entry, *found = NULL;

	if (!copy_short(source, text, sizeof(text)) || !text[0])
		return refuse(source, VALUE_PORT, diag);
	if (strspn(text, "0123456789") == source.len) {
		out->u64 = (uint16_t)strtoull(text, NULL, 10);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (strcmp(services[i].name, text) == 0) {
			out->u64 = services[i].port;
			return 0;
		}
	}
	if (getservbyname_r(text, NULL, &entry, buffer, sizeof(buffer), &found) || !found)
		return diag_set(diag, -EINVAL, "'%s' is no port number and no known service", text);
	out->u64 = ntohs((uint16_t)found->s_port);
	return 0;
}

static int parse_ip(struct text source, enum value_type type, struct value *out, struct diag *diag)
{
	char text[NUMBER_TEXT_MAX];

	if (!copy_short(source, text, sizeof(text)))
		return refuse(source, type, diag);
	out->ip.family = strchr(text, '.') ? AF_INET : AF_INET6;
	if (inet_pton(out->ip.family, text, out->ip.bytes) != 1)
		return refuse(source, type, diag);
	out->ip.prefix = out->ip.family == AF_INET ? 32 : 128;
	return 0;
}

static int parse_net(struct text source, struct value *out, struct diag *diag)
{
	const char *slash = source.len ? memchr(source.ptr, '/', source.len) : NULL;
	struct text address, prefix;
	unsigned long bits;
	char text[8], *end;

	if (!slash)
		return diag_set(diag, -EINVAL, "'%.*s' is no network: expected ADDRESS/BITS",
				TEXT_ARGS(source));
	address = (struct text){source.ptr, (uint32_t)(slash - source.ptr)};
	prefix = (struct text){slash + 1, source.len - address.len - 1};
	if (parse_ip(address, VALUE_IPNET, out, diag) || !copy_short(prefix, text, sizeof(text)) ||
	    !isdigit((unsigned char)text[0]))
		return refuse(source, VALUE_IPNET, diag);
	bits = strtoul(text, &end, 10);
	if (*end || bits > (out->ip.family == AF_INET ? 32 : 128) ||
	    (bits == 0 && out->ip.family == AF_INET6))
		return refuse(source, VALUE_IPNET, diag);
	out->ip.prefix = (uint8_t)bits;
	return 0;
}

static int parse_hex(struct text source, struct pool *pool, struct value *out, struct diag *diag)
{
	char *bytes = pool_alloc(pool, source.len / 2 + 1);

	if (!bytes)
		return -ENOMEM;
	for (uint32_t i = 0; i < source.len; i += 2) {
		int high = text_hex_digit(source.ptr[i]);
		int low = i + 1 < source.len ? text_hex_digit(source.ptr[i + 1]) : -1;

		if (high < 0 || low < 0)
			return diag_set(diag, -EINVAL,
					"'%.*s' is not an even number of hexadecimal digits",
					TEXT_ARGS(source));
		bytes[i / 2] = (char)(high * 16 + low);
	}
	out->text = (struct text){bytes, source.len / 2};
	return 0;
}

static int parse_bytes(struct text source, enum value_type type, enum filter_op op,
		       struct pool *pool, struct value *out, struct diag *diag)
{
	if (source.len > LITERAL_BYTES_MAX)
		return diag_set(diag, -EINVAL, "a value of %u bytes is longer than %d", source.len,
				LITERAL_BYTES_MAX);
	if (op == OP_BCONTAINS || op == OP_BSTARTSWITH)
		return parse_hex(source, pool, out, diag);
	if (type != VALUE_BYTEBUF && source.len && memchr(source.ptr, '\0', source.len))
		return diag_set(diag, -EINVAL, "text cannot hold a NUL byte");
	out->text = pool_text(pool, source);
	return out->text.ptr ? 0 : -ENOMEM;
}

int literal_parse(struct text source, enum value_type type, enum filter_op op, struct pool *pool,
		  struct value *out, struct diag *diag)
{
	memset(out, 0, sizeof(*out));
	out->type = type;
	switch (type) {
	case VALUE_BOOL:
		out->u64 = text_equal(source, TEXT("true"));
		return out->u64 || text_equal(source, TEXT("false")) ? 0
								     : refuse(source, type, diag);
	case VALUE_PORT:
		return parse_port(source, out, diag);
	case VALUE_IPADDR:
		return parse_ip(source, type, out, diag);
	case VALUE_IPNET:
		return parse_net(source, out, diag);
	case VALUE_CHARBUF:
	case VALUE_FSPATH:
	case VALUE_FSRELPATH:
	case VALUE_BYTEBUF:
		return parse_bytes(source, type, op, pool, out, diag);
	case VALUE_SOCKADDR:
	case VALUE_SOCKTUPLE:
	case VALUE_DYNAMIC:
	case VALUE_TYPE_END:
		return refuse(source, type, diag);
	default:
		return parse_number(source, type, out, diag);
	}
}
