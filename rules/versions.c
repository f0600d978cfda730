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
	       read_number(t, &at, &out->patch) &&
	       (at == t.len || ((t.ptr[at] == '-' || t.ptr[at] == '+') && at + 1 < t.len));
}

bool version_of_engine(struct text t, struct version *out)
{
	uint32_t at = 0;

	*out = (struct version){0};
	if (read_number(t, &at, &out->minor) && at == t.len)
		return true;
	return version_parse(t, out);
}

bool version_is_met(struct version own, struct version wanted)
{
	if (own.major != wanted.major)
		return false;
	if (own.minor != wanted.minor)
		return own.minor > wanted.minor;
	return own.patch >= wanted.patch;
}
