/* Paths without their accidental parts, so that /proc/4711/maps and /proc/4712/maps are one
 * behaviour. Works component by component, by the tables in path_template.c:
 *
 *   <pid> <tid> <fd>   numbers below /proc, /dev/pts, /dev/fd
 *   <uid>              the number in /run/user/1000
 *   <id>               32, 40, 64 hex digits, UUIDs, container, session and invocation ids
 *   <tmp>              what mktemp(1), mkstemp(3) and their like make
 *   <date> <n>         dates, times and long decimals within names
 *
 * What tells versions and devices apart stays: libc-2.36.so, python3.11, sda1, x86_64-linux-gnu.
 * The text is hostile: any byte, any length. Any thread; nothing is allocated. */
#pragma once

#include <stdint.h>

#include "base/text.h"

#define PATH_TEMPLATE_MAX 1024 /* longer results are cut, and end in a hash of the whole path */

/* The path itself when nothing in it varies (most do not), else its template in buffer. */
struct text path_template(struct text path, char buffer[PATH_TEMPLATE_MAX]);
