#include "capture/scap_record.h"

#include <errno.h>

#include "base/util.h"
#include "capture/scap_cursor.h"

#define HEADER_BYTES 22u /* without the count of parameters */

/* Forms of event blocks. */
struct form {
	uint32_t type, old_type;
	bool has_count; /* of parameters */
	bool has_flags;
};

static const struct form forms[] = {
	{0x204, 0x8010abcd, false, false}, {0x208, 0, false, true},
	{0x216, 0, true, false},           {0x217, 0, true, true},
	{0x221, 0, true, false},           {0x222, 0, true, true},
};

static const struct form *form_of(uint32_t block_type)
{
	for (size_t i = 0; block_type && i < ARRAY_SIZE(forms); i++) {
		if (forms[i].type == block_type || forms[i].old_type == block_type)
			return &forms[i];
	}
	return NULL;
}

bool scap_is_event_block(uint32_t block_type)
{
	return form_of(block_type) != NULL;
}

static uint32_t length_at(const uint8_t *lengths, uint32_t i, uint32_t width)
{
	uint32_t length = 0;

	memcpy(&length, lengths + (size_t)i * width, width);
	return length;
}

/* Whether n lengths and their values fill the bytes exactly. */
static bool fits(const struct scap_cursor *c, uint32_t n, uint32_t width)
{
	uint64_t total = (uint64_t)n * width;

	if (total > cursor_left(c))
		return false;
	for (uint32_t i = 0; i < n; i++)
		total += length_at(c->at, i, width);
	return total == cursor_left(c);
}

/* The first events had no count of parameters: it is the largest that fits. -1: none does. */
static int guess_count(const struct scap_cursor *c, const struct scap_type *info, uint32_t width)
{
	for (int n = info->n_params; n >= 0; n--) {
		if (fits(c, (uint32_t)n, width))
			return n;
	}
	return -1;
}

/* Two types of the first events say that they are 3 bytes longer than they are. */
static void correct_length(struct scap_cursor *c, uint16_t type)
{
	enum { NOTIFICATION = 280, INFRASTRUCTURE = 286, SURPLUS = 3 };

	if ((type == NOTIFICATION || type == INFRASTRUCTURE) && cursor_left(c) >= SURPLUS)
		c->end -= SURPLUS;
}

static int read_values(struct scap_cursor *c, uint32_t count, uint32_t width,
		       struct scap_record *out, const char **why)
{
	const uint8_t *lengths;

	if (count > cursor_left(c) / width) {
		*why = "it has more parameters than bytes";
		return -EBADMSG;
	}
	lengths = cursor_take(c, count * width);
	for (uint32_t i = 0; i < count; i++) {
		struct text value = cursor_text(c, length_at(lengths, i, width));

		if (c->is_short) {
			*why = "its parameters are longer than it is";
			return -EBADMSG;
		}
		if (i < out->info->n_params)
			out->values[out->n++] = value;
	}
	return 0;
}

int scap_record_parse(const struct scap_input_block *block, struct scap_record *out,
		      const char **why)
{
	const struct form *form = form_of(block->type);
	struct scap_cursor c = cursor_over(block->body, block->len);
	uint32_t len, width, count = 0;
	int64_t tid;
	int guess;

	out->n = 0;
	out->cpu = cursor_u16(&c);
	out->flags = form->has_flags ? cursor_u32(&c) : 0;
	out->ts_ns = cursor_u64(&c);
	tid = (int64_t)cursor_u64(&c);
	out->tid = tid >= 0 && tid <= INT32_MAX ? (int32_t)tid : -1;
	len = cursor_u32(&c);
	out->type = cursor_u16(&c);
	out->info = scap_type(out->type);
	if (c.is_short || len < HEADER_BYTES || len - HEADER_BYTES > cursor_left(&c)) {
		*why = "its length is wrong";
		return -EBADMSG;
	}
	c.end = c.at + (len - HEADER_BYTES);
	if (form->has_count)
		count = cursor_u32(&c);
	if (c.is_short) {
		*why = "its length is wrong";
		return -EBADMSG;
	}
	if (!out->info)
		return 0;
	width = out->info->flags & SCAP_LARGE ? 4 : 2;
	if (!form->has_count) {
		correct_length(&c, out->type);
		guess = guess_count(&c, out->info, width);
		if (guess < 0) {
			*why = "no number of parameters fits its length";
			return -EBADMSG;
		}
		count = (uint32_t)guess;
	}
	return read_values(&c, count, width, out, why);
}
