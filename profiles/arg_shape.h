/* The shape of a command line: what kind of thing was asked, without the accidental values.
 *
 *   -la -O2                -la -O<n>        option words stay; digits in them become <n>
 *   --config=/etc/x.yaml   --config=<path>  values are typed
 *   -I/usr/include -pS3cr  -I<path> -p<word>  so are values glued to one letter, if they show a
 *                                           capital or a sign; small letters may be a name
 *   status                 status           the first word that is no option, if it could be a
 *                                           subcommand: 2 to 24 of [a-z0-9-], letters at its ends
 *   /var/log/x  10.0.0.1   <path> <ip>      other words become their type: <path> <url> <ip> <n>
 *                                           <id> <email> <kv> <script> <word> <empty>
 *   a b c                  <word>+          the same part again and again is said once
 *
 * What follows "--" is no option. The word behind -c, -e, --eval and the like is a <script> (or a
 * <path>), as is whatever has blanks in it: its text never enters the shape. Any thread; nothing is
 * allocated. */
#pragma once

#include <stdint.h>

#include "base/text.h"

#define ARG_SHAPE_MAX 256 /* longer shapes are cut and end in "..." */

/* args: the arguments without argv[0], each closed by NUL; without any NUL, separated by blanks.
 * Empty for no arguments. */
struct text arg_shape(struct text args, char buffer[ARG_SHAPE_MAX]);
