/* Any text as a file of dimensions: it loads or says why. */
#include <assert.h>

#include "base/util.h"
#include "profiles/dimension.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(dimension_set_destroy) struct dimension_set *set = NULL;
	struct fuzz_context fuzz;
	struct diag diag = {0};

	fuzz_context_init(&fuzz);
	if (dimension_set_parse(&set, (struct text){(const char *)data, (uint32_t)size}, "fuzz",
				&fuzz.fields, &diag))
		assert(diag.message[0]);
	fuzz_context_done(&fuzz);
	return 0;
}
