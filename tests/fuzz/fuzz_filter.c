/* Any text as a filter: it compiles or says why; what compiles evaluates, and its canonical form
 * compiles to the same canonical form. */
#include <assert.h>

#include "base/util.h"
#include "filter/compiled.h"
#include "filter/event_sets.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(filter_destroy) struct filter *filter = NULL;
	SCOPED(expr_destroy) struct expr *expr = NULL;
	struct text source = {(const char *)data, (uint32_t)size};
	struct fuzz_context fuzz;
	struct diag diag = {0};
	struct values values;

	fuzz_context_init(&fuzz);
	if (filter_compile(&filter, source, &fuzz.fields, &diag))
		assert(diag.message[0] && diag.offset <= size);
	else
		filter_eval(filter, &fuzz.ctx);
	if (!expr_compile(&expr, source, &fuzz.fields, &diag))
		expr_eval(expr, &fuzz.ctx, &values);
	fuzz_context_done(&fuzz);
	return 0;
}
