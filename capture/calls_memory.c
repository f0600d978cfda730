/* Memory and its mappings. */
#include "capture/call_row.h"

static const struct call_row rows[] = {
	{EVENT_MEMFD_CREATE,
	 WIRE_FD_RESULT | WIRE_TEXT(0),
	 RESULT,
	 {RES, STR(0), FLAGS(1, MEMFD)},
	 decode_no_path},
	{EVENT_MMAP,
	 WIRE_MEMORY,
	 ARG(4),
	 {RES, SKIP, SKIP, SKIP, U64(0), U64(1), FLAGS(2, PROT), FLAGS(3, MMAP), FD(4), U64(5)},
	 decode_mmap,
	 WIRE_MEMORY | WIRE_DATA(0, 24)},
	{EVENT_MMAP2,
	 WIRE_MEMORY,
	 ARG(4),
	 {RES, SKIP, SKIP, SKIP, U64(0), U64(1), FLAGS(2, PROT), FLAGS(3, MMAP), FD(4), U64(5)},
	 decode_memory},
	{EVENT_MUNMAP, WIRE_MEMORY, NONE, {RES, SKIP, SKIP, SKIP, U64(0), U64(1)}, decode_memory},
	{EVENT_BRK, WIRE_MEMORY, NONE, {RES, SKIP, SKIP, SKIP, U64(0)}, decode_memory},
	{EVENT_MPROTECT, WIRE_WANTED, NONE, {RES, U64(0), U64(1), FLAGS(2, PROT)}},
	{EVENT_MLOCK, WIRE_WANTED, NONE, {RES, U64(0), U64(1)}},
	{EVENT_MLOCK2, WIRE_WANTED, NONE, {RES, U64(0), U64(1), FLAGS(2, MLOCK2)}},
	{EVENT_MUNLOCK, WIRE_WANTED, NONE, {RES, U64(0), U64(1)}},
	{EVENT_MLOCKALL, WIRE_WANTED, NONE, {RES, FLAGS(0, MLOCKALL)}},
	{EVENT_MUNLOCKALL, WIRE_WANTED, NONE, {RES}},
	{EVENT_USERFAULTFD, WIRE_FD_RESULT, RESULT, {RES, FLAGS(0, PIPE)}},
};

const struct call_family calls_memory = {rows, ARRAY_SIZE(rows)};
