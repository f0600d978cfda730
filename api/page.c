/* The page: static files, open to anybody; what it shows it asks of the API with the reader's
 * token.
 */
#include "api/assets.h"
#include "api/routes.h"

static void serve(struct answer *answer, const struct asset *asset, const char *type)
{
	*answer = (struct answer){
		.status = 200,
		.content_type = type,
		.body = (char *)asset->bytes, /* never written or freed: is_static */
		.len = asset->len,
		.is_static = true,
		.is_page = true,
	};
}

void route_page(const struct call *call, struct answer *answer)
{
	(void)call;
	serve(answer, &asset_page_html, "text/html; charset=utf-8");
}

void route_page_script(const struct call *call, struct answer *answer)
{
	(void)call;
	serve(answer, &asset_page_js, "text/javascript; charset=utf-8");
}

void route_page_style(const struct call *call, struct answer *answer)
{
	(void)call;
	serve(answer, &asset_page_css, "text/css; charset=utf-8");
}
