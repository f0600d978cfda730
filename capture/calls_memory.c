/* Memory and its mappings. */
#include "capture/call_row.h"

static const struct call_row rows[] = {
	{EVENT_MEMFD_CREATE,
	 WIRE_FD_RESULT | WIRE_TEXT(0),
	 RESULT,
	 {RES, STR(0), FLAGS(1, MEMFD)},
	 decode_no_path},
};

const struct call_family calls_memory = {rows, ARRAY_SIZE(rows)};
