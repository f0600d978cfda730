#include "filter/utf8.h"

/* Unicode 15, table 3-7: how many bytes follow a lead byte, and what the first of them may be. */
static uint32_t trailing_bytes(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 3;
	return 0;
}

uint32_t utf8_next(struct text text, uint32_t at, bool *is_valid)
{
	unsigned char lead = (unsigned char)text.ptr[at], low, high;
	uint32_t n;

	*is_valid = true;
	if (lead < 0x80)
		return 1;
	n = trailing_bytes(lead, &low, &high);
	for (uint32_t i = 1; i <= n; i++) {
		unsigned char c = at + i < text.len ? (unsigned char)text.ptr[at + i] : 0;

		if (c < low || c > high) {
			*is_valid = false;
			return i;
		}
		low = 0x80;
		high = 0xbf;
	}
	*is_valid = n > 0;
	return n + 1;
}

bool utf8_is_valid(struct text text)
{
	bool is_valid = true;

	for (uint32_t at = 0; at < text.len && is_valid;)
		at += utf8_next(text, at, &is_valid);
	return is_valid;
}

uint32_t utf8_sanitise(struct text text, char *out)
{
	uint32_t n = 0;

	for (uint32_t at = 0; at < text.len;) {
		bool is_valid;
		uint32_t len = utf8_next(text, at, &is_valid);

		memcpy(out + n, is_valid ? text.ptr + at : "\xef\xbf\xbd", is_valid ? len : 3);
		n += is_valid ? len : 3;
		at += len;
	}
	return n;
}
