#include "rules/collect_gates.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "rules/duration.h"

#define NEWS_MAX 16
#define BURST_MAX 1000000

static int add_news(struct pool *pool, struct news_defs *to, const struct news_def *news)
{
	struct news_def *items;

	for (uint32_t i = 0; i < to->n; i++) {
		if (text_equal(to->items[i].dimension, news->dimension) &&
		    text_equal(to->items[i].level, news->level))
			return 0;
	}
	items = grown(pool, to->items, to->n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	to->items = items;
	to->items[to->n++] = *news;
	return 0;
}

int append_only_if_new(struct collection *c, struct rule_def *to, const struct rule_def *more)
{
	struct news_defs *news = &to->only_if_new;
	int r = 0;

	for (uint32_t i = 0; !r && i < more->only_if_new.n; i++)
		r = add_news(&c->pool, news, &more->only_if_new.items[i]);
	if (!r && news->n > NEWS_MAX)
		return report_error(c, "LOAD_ERR_YAML_VALIDATE", &more->only_if_new.items[0].place,
				    to->name, "'only_if_new': more than %d entries", NEWS_MAX);
	return r;
}

/* "dimension" or "dimension@level" */
static int read_entry(struct item *item, yaml_node_t *node, struct news_defs *out)
{
	struct news_def news = {.place = node_place(item, node)};
	struct text t = {0};
	const char *at;
	int r = node_text(item, node, "only_if_new", &t);

	if (r)
		return r;
	at = memchr(t.ptr, '@', t.len);
	news.dimension = (struct text){t.ptr, at ? (uint32_t)(at - t.ptr) : t.len};
	if (at)
		news.level = (struct text){at + 1, t.len - news.dimension.len - 1};
	if (!news.dimension.len || (at && !news.level.len))
		return refuse_shape(item, node,
				    "'only_if_new': expected DIMENSION or "
				    "DIMENSION@LEVEL");
	if (out->n == NEWS_MAX)
		return refuse_shape(item, node, "'only_if_new': more than %d entries", NEWS_MAX);
	return add_news(&item->c->pool, out, &news);
}

int read_only_if_new(struct item *item, struct news_defs *out)
{
	yaml_node_t *node = item_value(item, "only_if_new");
	int r = 0;

	*out = (struct news_defs){0};
	if (node->type != YAML_SEQUENCE_NODE)
		return read_entry(item, node, out);
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     !r && i < node->data.sequence.items.top; i++)
		r = read_entry(item, yaml_document_get_node(item->document, *i), out);
	return r;
}

static int read_burst(struct item *item, yaml_node_t *node, uint32_t *out)
{
	struct text t = {0};
	uint64_t value = 0;
	int r = node_text(item, node, "burst", &t);

	for (uint32_t i = 0; !r && i < t.len; i++) {
		bool is_digit = t.ptr[i] >= '0' && t.ptr[i] <= '9';

		value = is_digit && value <= BURST_MAX ? value * 10 + (uint64_t)(t.ptr[i] - '0')
						       : UINT64_MAX / 16;
	}
	if (!r && (value < 1 || value > BURST_MAX))
		r = refuse_shape(item, node, "'burst' must be a whole number from 1 to %d",
				 BURST_MAX);
	if (!r)
		*out = (uint32_t)value;
	return r;
}

static int read_member(struct item *item, yaml_node_t *key, yaml_node_t *value,
		       struct rule_rate *out)
{
	struct text name = {0}, per = {0};
	int r = node_text(item, key, "rate", &name);

	if (r)
		return r;
	if (text_equal(name, TEXT("burst")))
		return read_burst(item, value, &out->burst);
	if (!text_equal(name, TEXT("per")))
		return refuse_shape(item, key, "'rate': unknown member '%.*s'", TEXT_ARGS(name));
	r = node_text(item, value, "per", &per);
	if (!r && rule_duration(per, &out->per_ns))
		r = refuse_shape(item, value, "'per': '%.*s' is no duration: 60s, 5m, 1h",
				 TEXT_ARGS(per));
	return r;
}

int read_rate(struct item *item, struct rule_rate *out)
{
	yaml_node_t *node = item_value(item, "rate");
	struct rule_rate rate = {0};
	int r = 0;

	if (node->type == YAML_SCALAR_NODE &&
	    strcmp((const char *)node->data.scalar.value, "none") == 0) {
		*out = rate;
		return 0;
	}
	if (node->type != YAML_MAPPING_NODE)
		return refuse_shape(item, node, "'rate': expected {burst: N, per: 60s} or none");
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     !r && p < node->data.mapping.pairs.top; p++)
		r = read_member(item, yaml_document_get_node(item->document, p->key),
				yaml_document_get_node(item->document, p->value), &rate);
	if (!r && (!rate.burst || !rate.per_ns))
		r = refuse_shape(item, node, "'rate' needs burst and per");
	if (!r)
		*out = rate;
	return r;
}
