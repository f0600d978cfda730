/* The shape of a command line: what kind of thing was asked, without the accidental values.
 *
 *   -la                    -la              option words stay (digits in them become <n>)
 *   --config=/etc/x.yaml   --config=<path>  values are typed
 *   status                 status           the first word that is no option, if it could be a
 *                                           subcommand: at most 24 of [a-z0-9-], letters only at
 *                                           its ends
 *   /var/log/x  10.0.0.1   <path> <ip>      other words become their type: <path> <url> <ip> <n>
 *                                           <id> <email> <kv> <script> <word>
 *   a b c                  <word>+          the same type again and again is said once
 *
 * The words behind "--" are operands. Shells' -c and interpreters' -e take a <script>: its text
 * never enters the shape. Any thread; nothing is allocated. */
#pragma once

#include <stdint.h>

#include "base/text.h"

#define ARG_SHAPE_MAX 256 /* longer shapes are cut and end in "..." */

/* args: the arguments without argv[0], each closed by NUL; without any NUL, separated by blanks.
 * Empty for no arguments. */
struct text arg_shape(struct text args, char buffer[ARG_SHAPE_MAX]);
