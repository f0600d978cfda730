#include "filter/compare.h"

#include <sys/socket.h>

#include "base/util.h"
#include "filter/glob.h"

static int compare_numbers(const struct value *left, const struct value *right)
{
	bool left_signed = value_type_is_signed(left->type),
	     right_signed = value_type_is_signed(right->type);

	if (left->type == VALUE_DOUBLE)
		return (left->f64 > right->f64) - (left->f64 < right->f64);
	if (left_signed && right_signed)
		return (left->i64 > right->i64) - (left->i64 < right->i64);
	if (left_signed && left->i64 < 0)
		return -1;
	if (right_signed && right->i64 < 0)
		return 1;
	return (left->u64 > right->u64) - (left->u64 < right->u64);
}

static bool prefix_equal(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t bytes = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(a, b, bytes) == 0 && (!rest || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool begins_ignoring_case(const char *at, struct text needle)
{
	for (uint32_t n = 0; n < needle.len; n++) {
		if (lower(at[n]) != lower(needle.ptr[n]))
			return false;
	}
	return true;
}

static const char *find_or_end(const char *from, const char *end, char c)
{
	const char *found = from < end ? memchr(from, c, (size_t)(end - from)) : NULL;

	return found ? found : end;
}

/* Goes from one place where the needle's first character stands, in either case, to the next. */
static bool contains_ignoring_case(struct text t, struct text needle)
{
	char first = needle.len ? lower(needle.ptr[0]) : 0;
	char other = (char)(first >= 'a' && first <= 'z' ? first - 32 : first);
	const char *end = t.ptr + t.len - needle.len + 1, *small, *large;

	if (!needle.len || t.len < needle.len)
		return needle.len == 0;
	small = find_or_end(t.ptr, end, first);
	large = other == first ? end : find_or_end(t.ptr, end, other);
	while (small < end || large < end) {
		if (begins_ignoring_case(MIN(small, large), needle))
			return true;
		if (small < large)
			small = find_or_end(small + 1, end, first);
		else
			large = find_or_end(large + 1, end, other);
	}
	return false;
}

static bool contains(struct text t, struct text needle)
{
	return needle.len == 0 ||
	       (t.len >= needle.len && memmem(t.ptr, t.len, needle.ptr, needle.len) != NULL);
}

bool value_equal(const struct value *left, const struct value *right)
{
	uint32_t classes = type_class(left->type) | type_class(right->type);

	if ((classes & (CLASS_STRING | CLASS_BYTES)) &&
	    !(classes & ~(uint32_t)(CLASS_STRING | CLASS_BYTES)))
		return text_equal(left->text, right->text);
	if (classes == CLASS_IP)
		return left->ip.family == right->ip.family &&
		       memcmp(left->ip.bytes, right->ip.bytes,
			      left->ip.family == AF_INET ? 4 : 16) == 0;
	if (classes == CLASS_NET)
		return left->ip.family == right->ip.family &&
		       prefix_equal(left->ip.bytes, right->ip.bytes, right->ip.prefix);
	if (classes & (CLASS_IP | CLASS_NET | CLASS_STRING | CLASS_BYTES))
		return false;
	return compare_numbers(left, right) == 0;
}

static bool compare_text(enum filter_op op, struct text left, struct text right)
{
	switch (op) {
	case OP_CONTAINS:
	case OP_BCONTAINS:
		return contains(left, right);
	case OP_ICONTAINS:
		return contains_ignoring_case(left, right);
	case OP_STARTSWITH:
	case OP_BSTARTSWITH:
		return text_starts_with(left, right);
	case OP_ENDSWITH:
		return text_ends_with(left, right);
	case OP_GLOB:
	case OP_IGLOB:
		return glob_match(right, left, op == OP_IGLOB);
	default:
		return false;
	}
}

static bool in_order(enum filter_op op, int order)
{
	switch (op) {
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

bool value_compare(enum filter_op op, const struct value *left, const struct value *right)
{
	bool is_text = type_class(left->type) & (CLASS_STRING | CLASS_BYTES);
	bool is_right_text = type_class(right->type) & (CLASS_STRING | CLASS_BYTES);

	switch (op) {
	case OP_EQ:
	case OP_EQ2:
	case OP_IN:
	case OP_INTERSECTS:
		return value_equal(left, right);
	case OP_NE:
		return !value_equal(left, right);
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
		if (is_text != is_right_text)
			return false;
		return in_order(op, is_text ? text_compare(left->text, right->text)
					    : compare_numbers(left, right));
	default:
		return is_text && is_right_text && compare_text(op, left->text, right->text);
	}
}
