#!/usr/bin/env python3
"""Usage: embed.py OUT.c FILE...: C definitions of struct asset, one for each file."""
import pathlib
import sys


def literal(data):
    rows = []
    for i in range(0, len(data), 24):
        rows.append("\t" + "".join(f"{b}," for b in data[i:i + 24]))
    return "\n".join(rows)


def main(out, *files):
    parts = ['#include "api/assets.h"\n']
    for name in files:
        path = pathlib.Path(name)
        symbol = "asset_" + path.name.replace(".", "_")
        data = path.read_bytes()
        parts.append(f"static const char {symbol}_bytes[] = {{\n{literal(data)}\n\t0}};\n")
        parts.append(f"const struct asset {symbol} = {{{symbol}_bytes, {len(data)}}};\n")
    pathlib.Path(out).write_text("\n".join(parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
