#include "daemon/needs.h"

#include "base/util.h"

enum need {
	NEED_TYPED_NAMES,
	NEED_DATA,
	NEED_LISTS,
	NEED_ANSWERS,
};

/* What a name in a condition or an output asks for. Names are found anywhere in the text: one that
 * stands in a literal only costs the reading. */
static const struct {
	enum need need;
	const char *name;
} names[] = {
	{NEED_TYPED_NAMES, "nameraw"},
	{NEED_TYPED_NAMES, "arg.name"},
	{NEED_TYPED_NAMES, "evt.args"},
	{NEED_TYPED_NAMES, "evt.info"},
	{NEED_TYPED_NAMES, "arg["},

	{NEED_DATA, "evt.buffer"},
	{NEED_DATA, "arg.data"},
	{NEED_DATA, "evt.args"},
	{NEED_DATA, "evt.info"},
	{NEED_DATA, "arg["},

	{NEED_LISTS, "fdlist."},
	{NEED_LISTS, "arg.fds"},
	{NEED_LISTS, "arg.size"},
	{NEED_LISTS, "arg.msgcontrol"},
	{NEED_LISTS, "arg.timeout"},
	{NEED_LISTS, "arg.sigmask"},
	{NEED_LISTS, "evt.args"},
	{NEED_LISTS, "evt.info"},
	{NEED_LISTS, "arg["},

	{NEED_ANSWERS, "ip.name"},
	{NEED_ANSWERS, "dns."},
};

static const enum event_type opens[] = {EVENT_OPEN, EVENT_OPENAT, EVENT_OPENAT2, EVENT_CREAT,
					EVENT_OPEN_BY_HANDLE_AT};

static bool has_any(const struct event_set *events, const enum event_type *types, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (event_bit(events->types, types[i]))
			return true;
	}
	return false;
}

static void add_events(uint64_t *words, const struct event_set *events)
{
	for (uint32_t i = 0; i < NEEDS_WORDS; i++)
		words[i] |= events->types[i];
}

static void add_need(struct capture_needs *needs, enum need need, const struct event_set *events)
{
	switch (need) {
	case NEED_TYPED_NAMES:
		needs->typed_names |= has_any(events, opens, ARRAY_SIZE(opens));
		break;
	case NEED_DATA:
		needs->data_bytes = NEEDS_DATA_BYTES;
		add_events(needs->data, events);
		break;
	case NEED_LISTS:
		add_events(needs->lists, events);
		break;
	case NEED_ANSWERS:
		needs->answers = true;
		break;
	}
}

static void add_use(const struct event_set *events, struct text text, void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (text.len && memmem(text.ptr, text.len, names[i].name, strlen(names[i].name)))
			add_need(arg, names[i].need, events);
	}
	/* A send that names nobody tells nothing new of its socket, but it is a send. */
	add_events(((struct capture_needs *)arg)->all_sends, events);
}

void needs_all(struct capture_needs *out, uint16_t data_bytes)
{
	*out = (struct capture_needs){.typed_names = true, .data_bytes = data_bytes};
	memset(out->data, 0xff, sizeof(out->data));
	memset(out->lists, 0xff, sizeof(out->lists));
	memset(out->all_sends, 0xff, sizeof(out->all_sends));
}

void needs_add_counts(struct capture_needs *out, const struct behavior_counts *counts)
{
	behavior_counts_each_use(counts, add_use, out);
}

void needs_of(struct capture_needs *out, const struct rule_set *rules,
	      const struct profile_set *profiles)
{
	*out = (struct capture_needs){0};
	if (rules)
		rule_set_each_use(rules, add_use, out);
	if (profiles)
		profile_set_each_use(profiles, add_use, out);
}
