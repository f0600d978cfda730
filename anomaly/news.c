#include "anomaly/news.h"

#include "anomaly/scorer.h"
#include "base/util.h"

const char *news_doubt_name(enum news_doubt doubt)
{
	static const char *const names[] = {
		[NEWS_CERTAIN] = "",
		[NEWS_UNKNOWN] = "unknown",
		[NEWS_UNRESOLVED] = "unresolved",
		[NEWS_COARSENED] = "coarsened",
		[NEWS_PENDING_FULL] = "pending full",
	};

	return doubt < ARRAY_SIZE(names) ? names[doubt] : "";
}

struct news news_of(const struct field_context *ctx, uint32_t dimension, int32_t level)
{
	if (!ctx->score || !ctx->score->sightings)
		return (struct news){true, NEWS_UNKNOWN};
	return profile_news(ctx->score->sightings, ctx, dimension, level);
}
