#include "base/path.h"

#include "base/util.h"

/* Append the components of path to the out->len bytes written so far. */
static void append(struct text path, char *buffer, uint32_t size, uint32_t *len)
{
	uint32_t i = 0;

	while (i < path.len) {
		const char *start = path.ptr + i;
		const char *slash = memchr(start, '/', path.len - i);
		uint32_t n = slash ? (uint32_t)(slash - start) : path.len - i;

		i += n + 1;
		if (n == 0 || (n == 1 && start[0] == '.'))
			continue;
		if (n == 2 && start[0] == '.' && start[1] == '.') {
			while (*len && buffer[*len - 1] != '/')
				(*len)--;
			if (*len)
				(*len)--;
			continue;
		}
		if (*len + 1 >= size)
			return;
		buffer[(*len)++] = '/';
		n = MIN(n, size - *len);
		memcpy(buffer + *len, start, n);
		*len += n;
	}
}

struct text path_join(struct text base, struct text path, char *buffer, uint32_t size)
{
	bool is_absolute = path.len && path.ptr[0] == '/';
	bool has_root = is_absolute || (base.len && base.ptr[0] == '/');
	uint32_t len = 0;

	if (!is_absolute)
		append(base, buffer, size, &len);
	append(path, buffer, size, &len);
	if (has_root) {
		if (len == 0 && size)
			buffer[len++] = '/';
		return (struct text){buffer, len};
	}
	/* A relative result carries no leading slash. */
	return len ? (struct text){buffer + 1, len - 1} : (struct text){buffer, 0};
}

struct text path_base_name(struct text path)
{
	const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;

	if (!slash)
		return path;
	return (struct text){slash + 1, path.len - (uint32_t)(slash + 1 - path.ptr)};
}
