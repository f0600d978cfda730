#include "tests/lib/allocations.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static volatile uint64_t total; /* compilers take it that malloc changes nothing */

uint64_t allocations_total(void)
{
	return total;
}

#ifdef __SANITIZE_ADDRESS__

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *memory, size_t size)
{
	(void)memory;
	(void)size;
	total++;
}

static void on_free(const volatile void *memory)
{
	(void)memory;
}

static void install(void)
{
	static bool is_installed;

	if (!is_installed && !__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free))
		abort();
	is_installed = true;
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
	total++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	total++;
	return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
	total++;
	return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	total++;
	return __libc_memalign(alignment, size);
}

static void install(void)
{
}

#endif

void allocations_begin(void)
{
	void *volatile one;
	uint64_t before;

	install();
	before = total;
	one = malloc(1);
	free(one);
	if (total != before + 1) {
		fprintf(stderr, "allocations are not counted\n");
		abort();
	}
}
