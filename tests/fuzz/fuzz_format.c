/* Any text as an output format: it compiles or says why; what compiles prints within its buffer,
 * and its fields are JSON or nothing. */
#include <assert.h>
#include <cjson/cJSON.h>

#include "base/util.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_fields.h"

#define OUT_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(format_destroy) struct format *format = NULL;
	static char out[OUT_BYTES + 1];
	struct fuzz_context fuzz;
	struct diag diag = {0};
	uint32_t len;

	fuzz_context_init(&fuzz);
	if (format_compile(&format, (struct text){(const char *)data, (uint32_t)size}, &fuzz.fields,
			   &diag)) {
		assert(diag.message[0]);
	} else {
		len = format_print(format, &fuzz.ctx, out, OUT_BYTES);
		assert(len <= OUT_BYTES);
		len = format_fields_json(format, &fuzz.ctx, out, OUT_BYTES);
		assert(len <= OUT_BYTES);
		out[len] = '\0';
		if (len) {
			cJSON *json = cJSON_Parse(out);

			assert(json);
			cJSON_Delete(json);
		}
	}
	fuzz_context_done(&fuzz);
	return 0;
}
