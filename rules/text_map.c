#include "rules/text_map.h"

#include <string.h>

#include "base/util.h"
#include "rules/definitions.h"

static void add_part(struct text_map *to, struct pool *pool, const struct map_part *part)
{
	struct map_part *parts = grown(pool, to->parts, to->n, sizeof(*parts));

	if (!parts)
		return;
	to->parts = parts;
	to->parts[to->n++] = *part;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static uint32_t count_characters(const char *bytes, size_t len)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += !is_continuation(bytes[i]);
	return n;
}

/* Length of the line break at at, as libyaml sees them; 0: none. */
static size_t break_len(const char *bytes, size_t len, size_t at)
{
	static const struct text breaks[] = {TEXT("\r\n"),         TEXT("\n"),
					     TEXT("\r"),           TEXT("\xc2\x85"),
					     TEXT("\xe2\x80\xa8"), TEXT("\xe2\x80\xa9")};

	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		if (len - at >= breaks[i].len && !memcmp(bytes + at, breaks[i].ptr, breaks[i].len))
			return breaks[i].len;
	}
	return 0;
}

static size_t skip_mark(const struct source_text *source)
{
	return source->len >= 3 && !memcmp(source->bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
}

/* Where line (from 0) begins; places mostly come in order. */
static size_t find_line(struct source_text *source, size_t line)
{
	size_t at;

	if (!source->line_at || line < source->line) {
		source->line_at = skip_mark(source);
		source->line = 0;
	}
	at = source->line_at;
	while (source->line < line && at < source->len) {
		size_t n = break_len(source->bytes, source->len, at);

		at += n ? n : 1;
		if (n) {
			source->line++;
			source->line_at = at;
		}
	}
	return source->line == line ? source->line_at : source->len;
}

static size_t byte_of(struct source_text *source, const yaml_mark_t *mark)
{
	size_t at = find_line(source, mark->line);

	for (size_t column = 0; at < source->len; at++) {
		if (is_continuation(source->bytes[at]))
			continue;
		if (column++ == mark->column)
			break;
	}
	return at;
}

struct place byte_place(struct source_text *source, size_t at)
{
	struct place place = {.file = source->file, .line = 1, .column = 1};
	size_t start = skip_mark(source);

	at = MIN(at, source->len);
	for (size_t i = start; i < at;) {
		size_t n = break_len(source->bytes, source->len, i);

		i += n ? n : 1;
		if (n && i <= at) {
			place.line++;
			start = i;
		}
	}
	if (at > start)
		place.column += count_characters(source->bytes + start, at - start);
	return place;
}

/* Walking through a scalar as it is written, side by side with its value. */
struct walk {
	const char *bytes;
	size_t at, end;
	uint32_t line, column;
	yaml_scalar_style_t style;
};

static void step(struct walk *w)
{
	size_t n = break_len(w->bytes, w->end, w->at);

	if (n) {
		w->at += n;
		w->line++;
		w->column = 1;
		return;
	}
	w->at++;
	if (w->at >= w->end || !is_continuation(w->bytes[w->at]))
		w->column++;
}

static bool is_blank(const struct walk *w)
{
	return w->at < w->end && (w->bytes[w->at] == ' ' || w->bytes[w->at] == '\t' ||
				  break_len(w->bytes, w->end, w->at));
}

static void skip_blanks(struct walk *w)
{
	while (is_blank(w))
		step(w);
}

/* To the first byte of the scalar's text; of a block, to its first line. */
static void begin(struct walk *w)
{
	while (w->at < w->end && (w->bytes[w->at] == '&' || w->bytes[w->at] == '!')) {
		while (w->at < w->end && !is_blank(w))
			step(w); /* an anchor, a tag */
		skip_blanks(w);
	}
	switch (w->style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		step(w);
		break;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		while (w->at < w->end && !break_len(w->bytes, w->end, w->at))
			step(w); /* the indicators and a comment */
		if (w->at < w->end)
			step(w);
		break;
	default:
		break;
	}
}

/* How many bytes the escape at w takes in the file; 0: none stands there. */
static size_t escape_len(const struct walk *w)
{
	size_t digits;

	if (w->style == YAML_SINGLE_QUOTED_SCALAR_STYLE)
		return w->at + 1 < w->end && !memcmp(w->bytes + w->at, "''", 2) ? 2 : 0;
	if (w->style != YAML_DOUBLE_QUOTED_SCALAR_STYLE || w->at + 1 >= w->end ||
	    w->bytes[w->at] != '\\')
		return 0;
	digits = w->bytes[w->at + 1] == 'x'   ? 2
		 : w->bytes[w->at + 1] == 'u' ? 4
		 : w->bytes[w->at + 1] == 'U' ? 8
					      : 0;
	return MIN(2 + digits, w->end - w->at);
}

/* A backslash at the end of a line joins it with the next. */
static void skip_joint(struct walk *w)
{
	while (w->style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && w->at + 1 < w->end &&
	       w->bytes[w->at] == '\\' && break_len(w->bytes, w->end, w->at + 1)) {
		step(w);
		skip_blanks(w);
	}
}

/* Move to what made the value's byte c (of which the escape may make several): false where nothing
 * can have. *len is what it takes there. */
static bool find_byte(struct walk *w, char c, size_t *len)
{
	bool is_value_blank = c == ' ' || c == '\t' || c == '\n';

	skip_joint(w);
	*len = escape_len(w);
	if (*len)
		return true;
	if (is_value_blank) {
		/* A fold stands where the line ends, however many blanks are there. */
		*len = w->at < w->end && w->bytes[w->at] == c;
		return true;
	}
	skip_blanks(w);
	skip_joint(w);
	*len = escape_len(w);
	if (!*len)
		*len = w->at < w->end && w->bytes[w->at] == c;
	return *len > 0;
}

/* Bytes of the value that the escape at w stands for. */
static uint32_t escaped_bytes(const struct walk *w, const char *value, uint32_t left)
{
	uint32_t n = 1;

	if (w->style == YAML_DOUBLE_QUOTED_SCALAR_STYLE) {
		while (n < left && is_continuation(value[n]))
			n++;
	}
	return n;
}

static bool map_scalar(struct text_map *map, struct pool *pool, const char *file, struct walk *w,
		       struct text value)
{
	uint32_t end_line = w->line, end_column = w->column;
	size_t next = SIZE_MAX;

	begin(w);
	for (uint32_t i = 0; i < value.len;) {
		bool is_escape, is_text = value.ptr[i] != ' ' && value.ptr[i] != '\n';
		size_t len;

		if (!find_byte(w, value.ptr[i], &len))
			return false;
		is_escape = len > 1;
		if (w->at != next || is_escape)
			add_part(map, pool,
				 &(struct map_part){.at = i,
						    .line = w->line,
						    .column = w->column,
						    .file = file,
						    .is_fixed = is_escape || !len});
		i += is_escape ? escaped_bytes(w, value.ptr + i, value.len - i) : 1;
		next = is_escape || !len ? SIZE_MAX : w->at + 1;
		for (size_t k = 0; k < len; k++)
			step(w);
		if (w->at != next)
			next = SIZE_MAX; /* a line break of several bytes */
		if (is_text) {
			end_line = w->line;
			end_column = w->column;
		}
	}
	/* Where more could stand. */
	add_part(map, pool,
		 &(struct map_part){.at = value.len,
				    .line = end_line,
				    .column = end_column,
				    .file = file,
				    .is_fixed = true});
	return true;
}

struct place scalar_place(struct source_text *source, const yaml_node_t *node, struct pool *pool)
{
	struct place place = {.file = source->file,
			      .line = (uint32_t)node->start_mark.line + 1,
			      .column = (uint32_t)node->start_mark.column + 1};
	struct text value = {(const char *)node->data.scalar.value,
			     (uint32_t)node->data.scalar.length};
	struct walk w = {.bytes = source->bytes,
			 .line = place.line,
			 .column = place.column,
			 .style = node->data.scalar.style};
	struct text_map map = {0};

	w.at = byte_of(source, &node->start_mark);
	w.end = byte_of(source, &node->end_mark);
	if (w.end < w.at || !map_scalar(&map, pool, source->file, &w, value))
		return place; /* not UTF-8, for one */
	return place_with(&place, &map, pool);
}

void map_fixed(struct text_map *to, struct pool *pool, uint32_t at, const struct place *place,
	       struct text list)
{
	add_part(to, pool,
		 &(struct map_part){.at = at,
				    .line = place->line,
				    .column = place->column,
				    .file = place->file,
				    .is_fixed = true,
				    .list = list});
}

/* The last part that begins at or before offset; n parts at least one. */
static uint32_t find_part(const struct text_map *map, uint32_t offset)
{
	uint32_t low = 0, high = map->n;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (map->parts[middle].at <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The part as it goes on at offset. */
static struct map_part part_from(const struct map_part *part, struct text text, uint32_t offset)
{
	struct map_part rest = *part;

	offset = MIN(offset, text.len);
	if (!part->is_fixed && offset > part->at)
		rest.column += count_characters(text.ptr + part->at, offset - part->at);
	return rest;
}

void map_copy(struct text_map *to, struct pool *pool, uint32_t at, const struct place *place,
	      struct text text, uint32_t from, uint32_t end)
{
	if (!place->map || !place->map->n) {
		map_fixed(to, pool, at, place, TEXT_NONE);
		return;
	}
	for (uint32_t i = find_part(place->map, from); i < place->map->n; i++) {
		const struct map_part *part = &place->map->parts[i];
		uint32_t start = MAX(part->at, from);
		struct map_part copy = part_from(part, text, start);

		if (start >= end && start > from)
			break;
		copy.at = at + (start - from);
		add_part(to, pool, &copy);
	}
}

struct place place_with(const struct place *place, const struct text_map *map, struct pool *pool)
{
	struct text_map *copy = pool_alloc(pool, sizeof(*copy));
	struct place mapped = *place;

	mapped.map = NULL;
	if (copy && map->n) {
		*copy = *map;
		mapped.map = copy;
	}
	return mapped;
}

struct place place_inside(const struct place *place, struct text text, uint32_t offset,
			  struct text *list)
{
	struct place inside = *place;
	struct map_part part;

	inside.map = NULL;
	if (list)
		*list = TEXT_NONE;
	if (!place->map || !place->map->n)
		return inside;
	part = part_from(&place->map->parts[find_part(place->map, offset)], text, offset);
	inside = (struct place){.file = part.file, .line = part.line, .column = part.column};
	if (list)
		*list = part.list;
	return inside;
}
