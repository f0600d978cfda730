#include "profiles/discovery.h"

#include <errno.h>
#include <math.h>

void discovery_init(struct discovery *d, unsigned level)
{
	*d = (struct discovery){0};
	stream_init(&d->stream, level);
}

uint32_t discovery_mark(struct discovery *d)
{
	uint32_t unit = d->stream.age;

	stream_mark_new(&d->stream);
	if (d->recent[d->at].n == 0 || d->recent[d->at].unit != unit) {
		d->at = (uint8_t)((d->at + 1) % DISCOVERY_RECENT);
		d->recent[d->at].unit = unit;
		d->recent[d->at].n = 0;
	}
	d->recent[d->at].n++;
	return unit;
}

/* What n marks of one unit amount to at age. */
static struct stream alone(uint32_t unit, uint32_t n, uint32_t age)
{
	struct stream s;

	stream_init(&s, 0);
	s.age = unit;
	s.open_new = n;
	stream_advance(&s, age);
	return s;
}

static void take_back(struct stream *s, uint32_t unit, uint32_t n)
{
	struct stream with, without;

	if (unit == s->age) {
		s->open_new -= s->open_new > 0;
		return;
	}
	with = alone(unit, n, s->age);
	without = alone(unit, n - 1, s->age);
	s->n = fmax(0, s->n - (with.n - without.n));
	s->n2 = fmax(0, s->n2 - (with.n2 - without.n2));
	s->extra = fmax(0, s->extra - (with.extra - without.extra));
}

bool discovery_withdraw(struct discovery *d, uint32_t unit)
{
	for (int i = 0; i < DISCOVERY_RECENT; i++) {
		if (d->recent[i].n == 0 || d->recent[i].unit != unit)
			continue;
		take_back(&d->stream, unit, d->recent[i].n);
		d->recent[i].n--;
		return true;
	}
	return false;
}

void discovery_write(const struct discovery *d, struct blob_writer *writer)
{
	stream_write(&d->stream, writer);
	blob_put_u8(writer, d->at);
	for (int i = 0; i < DISCOVERY_RECENT; i++) {
		blob_put_varint(writer, d->recent[i].n);
		if (d->recent[i].n)
			blob_put_varint(writer, d->recent[i].unit);
	}
}

int discovery_read(struct discovery *out, struct blob_reader *reader)
{
	struct discovery d = {0};
	int r = stream_read(&d.stream, reader);

	if (r)
		return r;
	d.at = blob_get_u8(reader);
	for (int i = 0; i < DISCOVERY_RECENT; i++) {
		d.recent[i].n = (uint32_t)blob_get_count(reader, UINT32_MAX);
		if (d.recent[i].n)
			d.recent[i].unit = (uint32_t)blob_get_count(reader, d.stream.age);
	}
	if (reader->failed || d.at >= DISCOVERY_RECENT)
		return -EBADMSG;
	*out = d;
	return 0;
}
