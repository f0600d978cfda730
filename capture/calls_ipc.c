/* Signals and what processes pass each other. */
#include "capture/call_row.h"

static const struct call_row rows[] = {
	{EVENT_KILL, WIRE_WANTED, NONE, {RES, I32(0), U32(1)}},
	{EVENT_TKILL, WIRE_WANTED, NONE, {RES, I32(0), U32(1)}},
	{EVENT_TGKILL, WIRE_WANTED, NONE, {RES, I32(0), I32(1), U32(2)}},
};

const struct call_family calls_ipc = {rows, ARRAY_SIZE(rows)};
