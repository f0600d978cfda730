#include "rules/versions.h"

/* A decimal number at t[*at]; false when there is none or it is out of range. */
static bool read_number(struct text t, uint32_t *at, uint32_t *out)
{
	uint32_t start = *at;
	uint64_t value = 0;

	while (*at < t.len && t.ptr[*at] >= '0' && t.ptr[*at] <= '9' && value <= UINT32_MAX)
		value = value * 10 + (uint64_t)(t.ptr[(*at)++] - '0');
	*out = (uint32_t)value;
	return *at > start && value <= UINT32_MAX;
}

bool version_parse(struct text t, struct version *out)
{
	uint32_t at = 0;

	return read_number(t, &at, &out->major) && at < t.len && t.ptr[at++] == '.' &&
	       read_number(t, &at, &out->minor) && at < t.len && t.ptr[at++] == '.' &&
	       read_number(t, &at, &out->patch); /* what follows says nothing, as upstream */
}

bool yaml_count(struct text t, uint32_t *out)
{
	uint32_t base = 10, at = 0;
	uint64_t value = 0;

	if (t.len && t.ptr[0] == '+')
		at++;
	if (t.len - at > 1 && t.ptr[at] == '0') {
		bool is_hex = (t.ptr[at + 1] | 0x20) == 'x';

		base = is_hex ? 16 : 8;
		at += is_hex ? 2 : 1;
	}
	if (at >= t.len)
		return false;
	for (; at < t.len; at++) {
		int digit = text_hex_digit(t.ptr[at]);

		if (digit < 0 || (uint32_t)digit >= base)
			return false;
		value = value * base + (uint32_t)digit;
		if (value > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)value;
	return true;
}

bool version_of_engine(struct text t, struct version *out)
{
	*out = (struct version){0};
	return yaml_count(t, &out->minor) || version_parse(t, out);
}

bool version_is_met(struct version own, struct version wanted)
{
	if (own.major != wanted.major)
		return false;
	if (own.minor != wanted.minor)
		return own.minor > wanted.minor;
	return own.patch >= wanted.patch;
}
