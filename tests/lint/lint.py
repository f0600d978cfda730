#!/usr/bin/env python3
"""Checks of form: include directions between folders, format, clang-tidy, complete tables.

Usage: lint.py [--fast] [CHECK...], all of them by default. --fast leaves out clang's analyzer, which takes most of the time.
Prints one line a finding and exits 1 if there is any.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MAX_LINES = 800

# Folder -> folders whose headers it may include (besides its own).
MAY_USE = {
    "base": set(),
    "capture": {"base"},
    "state": {"base"},
    "filter": {"base", "state"},
    "profiles": {"base", "state", "filter"},
    "anomaly": {"base", "state", "filter", "profiles"},
    "rules": {"base", "state", "filter", "anomaly"},
    "storage": {"base"},
    "api": {"base", "storage"},
    "cli": {"base"},
    "daemon": {
        "base", "capture", "state", "filter", "profiles", "anomaly", "rules", "storage", "api", "cli",
    },
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def sources(*suffixes):
    for folder in MAY_USE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes:
                yield folder, path


def check_includes():
    for folder, path in sources(".c", ".h", ".def"):
        for name in INCLUDE.findall(path.read_text()):
            target = name.split("/")[0]
            if name.endswith(".skel.h"):
                continue
            if target not in MAY_USE:
                yield f"{path.relative_to(ROOT)}: include \"{name}\" names no folder of ours"
            elif target != folder and target not in MAY_USE[folder]:
                yield f"{path.relative_to(ROOT)}: {folder}/ may not include {target}/"


def check_sizes():
    for _, path in sources(".c", ".h"):
        lines = path.read_text().count("\n")
        if lines > MAX_LINES:
            yield f"{path.relative_to(ROOT)}: {lines} lines, at most {MAX_LINES}"


def all_c_files():
    files = [p for _, p in sources(".c", ".h")]
    files += [p for p in sorted((ROOT / "tests").rglob("*")) if p.suffix in (".c", ".h")]
    return files


def check_format():
    if not shutil.which("clang-format"):
        yield "clang-format is not installed"
        return
    done = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", *map(str, all_c_files())],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    for line in done.stderr.splitlines():
        if "error:" in line:
            yield line.replace(f"{ROOT}/", "")


PARAM_NAME = re.compile(r'PARAM\(\w+, \w+, "(\w+)"')


def check_tables():
    """Every field, configuration key and route must be described; every event row must be whole."""
    text = (ROOT / "base/event_types.def").read_text()
    opened = re.findall(r"^EVENT\((\w+)", text, re.M)
    closed = re.findall(r"^END\((\w+)", text, re.M)
    if opened != closed:
        yield "base/event_types.def: EVENT and END rows do not pair"
    described = (ROOT / "docs/events.md").read_text()
    for name, body in re.findall(r'^EVENT\(\w+, "(\w+)"[^\n]*\n(.*?)^END', text, re.M | re.S):
        event = f"{name}({', '.join(PARAM_NAME.findall(body))})"
        if f"\n{event}\n" not in described:
            yield f"docs/events.md: {event} is not there: its table is what `ethogram events` prints"
    keys = (ROOT / "daemon/config_keys.c").read_text()
    documented = (ROOT / "docs/configuration.md").read_text() if (ROOT / "docs/configuration.md").exists() else ""
    for key in re.findall(r'\{"([a-z_.]+)", CONFIG_', keys):
        if f"`{key}`" not in documented:
            yield f"docs/configuration.md: key {key} is not described"


def tidy_files():
    return [p for f, p in sources(".c") if "bpf" not in p.parts]


def shown(build, line):
    """A finding with its path as from the root: clang-tidy names files by way of the build folder."""
    path, _, rest = line.partition(":")
    return f"{os.path.relpath(os.path.join(build, path), ROOT)}:{rest}"


def check_tidy(checks=""):
    build = next((ROOT / b for b in ("build-test", "build") if (ROOT / b / "compile_commands.json").exists()), None)
    if not shutil.which("clang-tidy") or build is None:
        yield "clang-tidy: not installed, or nothing was built"
        return

    def run(path):
        done = subprocess.run(
            ["clang-tidy", "--quiet", f"--checks={checks}", "-p", str(build), str(path)],
            cwd=build, capture_output=True, text=True, check=False,
        )
        return [l for l in done.stdout.splitlines() if " warning: " in l or " error: " in l]

    with ThreadPoolExecutor(2) as pool:
        seen = set()
        for lines in pool.map(run, tidy_files()):
            for line in (shown(build, l) for l in lines):
                if line not in seen:
                    seen.add(line)
                    yield line


def check_tidy_fast():
    return check_tidy("-clang-analyzer-*")


CHECKS = {
    "includes": check_includes,
    "sizes": check_sizes,
    "format": check_format,
    "tables": check_tables,
    "tidy": check_tidy,
}


def main():
    checks = dict(CHECKS)
    wanted = sys.argv[1:]
    if "--fast" in wanted:
        wanted.remove("--fast")
        checks["tidy"] = check_tidy_fast
    findings = 0
    for name in wanted or checks:
        for finding in checks[name]():
            print(f"lint {name}: {finding}")
            findings += 1
    print(f"lint: {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
