#include <string.h>

#include "api/routes.h"

/* Does path fit the pattern? Fills args with what stood for {..}. */
static bool fits(const char *pattern, const char *path, char args[CALL_ARGS_MAX][CALL_ARG_MAX + 1])
{
	size_t n_args = 0;

	while (*pattern && *path) {
		size_t len;

		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		len = strcspn(path, "/");
		if (len == 0 || len > CALL_ARG_MAX || n_args == CALL_ARGS_MAX)
			return false;
		memcpy(args[n_args], path, len);
		args[n_args++][len] = '\0';
		path += len;
		pattern += strcspn(pattern, "}") + 1;
	}
	return !*pattern && !*path;
}

static bool is_listed(const char *list, const char *method)
{
	const char *at = strstr(list, method);

	return at && (at == list || at[-1] == ' ');
}

static void allow(struct route_match *match, const char *method)
{
	if (is_listed(match->allow, method))
		return;
	if (match->allow[0])
		strncat(match->allow, ", ", sizeof(match->allow) - strlen(match->allow) - 1);
	strncat(match->allow, method, sizeof(match->allow) - strlen(match->allow) - 1);
}

void route_find(const char *method, const char *path, struct route_match *out)
{
	size_t n;
	const struct route *routes = route_table(&n);

	memset(out, 0, sizeof(*out));
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < n; i++) {
		char args[CALL_ARGS_MAX][CALL_ARG_MAX + 1] = {0};

		if (!fits(routes[i].path, path, args))
			continue;
		allow(out, routes[i].method);
		if (strcmp(routes[i].method, "GET") == 0)
			allow(out, "HEAD");
		if (strcmp(routes[i].method, method) != 0)
			continue;
		out->route = &routes[i];
		memcpy(out->args, args, sizeof(args));
	}
}
