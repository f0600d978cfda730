#include "rules/duration.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define DIGITS_MAX 31
#define LONGEST_S 3155760000.0

static double unit_s(const char *unit)
{
	static const struct {
		const char *name;
		double s;
	} units[] = {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(unit, units[i].name) == 0)
			return units[i].s;
	}
	return 0;
}

int rule_duration(struct text t, uint64_t *ns)
{
	char buffer[DIGITS_MAX + 1], *end;
	size_t digits; /* no exponents, no hexadecimal */
	double s;

	if (!t.len || t.len > DIGITS_MAX || !isdigit((unsigned char)t.ptr[0]))
		return -EINVAL;
	memcpy(buffer, t.ptr, t.len);
	buffer[t.len] = '\0';
	digits = strspn(buffer, "0123456789.");
	s = strtod(buffer, &end) * unit_s(buffer + digits);
	if (end != buffer + digits || !(s > 0) || s > LONGEST_S || !(s * 1e9 >= 1))
		return -EINVAL;
	*ns = (uint64_t)llround(s * 1e9);
	return 0;
}
