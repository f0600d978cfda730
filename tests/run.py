#!/usr/bin/env python3
"""Run the whole suite on a build and close with the sum: unit and live tests, pytest, lint.

Usage: run.py BUILD_DIR [--only unit|live|pytest|lint]...
The last line is "N passed, N failed, N skipped"; skips are listed with their reasons before it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("lint", "unit", "pytest")
# The machine is shared and some tests are live: what fails is run once more, unless much fails.
RETRIES_MAX = 5
# Without these, python tests run by hand skip; here that must not look like success.
PROGRAMS = ("ethogram", "tests/api/api_serve")


def read_junit(path, prefix):
    """Every test case of a JUnit file as (name, outcome, text)."""
    results = []
    for case in ET.parse(path).getroot().iter("testcase"):
        name = f"{prefix}: {case.get('classname', '')} {case.get('name')}".replace("  ", " ")
        outcome, text = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                outcome, text = "failed", child.get("message") or child.text or ""
            elif child.tag == "skipped" and outcome == "passed":
                outcome, text = "skipped", child.get("message") or child.text or "no reason given"
        results.append((name, outcome, text.strip().splitlines()[0] if text.strip() else ""))
    return results


def meson(build, logbase, *names):
    """Run meson's tests (all, or those named) and read what became of them."""
    junit = build / "meson-logs" / f"{logbase}.junit.xml"
    junit.unlink(missing_ok=True)
    subprocess.run(
        ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs", "--num-processes", "2",
         "--logbase", logbase, *names],
        cwd=ROOT,
        check=False,
    )
    return read_junit(junit, "unit") if junit.exists() else [("meson test", "failed", "no result file")]


def run_meson(build):
    results = meson(build, "testlog")
    again = sorted({result[0] for result in results if result[1] == "failed"})
    if not again or len(again) > RETRIES_MAX:
        return results
    log = json.loads("[" + ",".join((build / "meson-logs" / "testlog.json").read_text().splitlines()) + "]")
    names = [t["name"].split(" / ", 1)[-1] for t in log if t["result"] in ("FAIL", "TIMEOUT", "ERROR")]
    second = meson(build, "again", *names)
    kept = [r for r in results if not any(f" / {n} " in r[0] + " " for n in names)]
    return kept + mark_unsteady(results, second)


def run_pytest(build):
    missing = [p for p in PROGRAMS if not (build / p).exists()]
    if missing:
        return [(f"pytest: {p}", "failed", "not built: its tests would all be skipped") for p in missing]
    results = pytest(build, "tests")
    again = [node_of(r) for r in results if r[1] == "failed"]
    if not again or len(again) > RETRIES_MAX:
        return results
    second = pytest(build, *again)
    done = {r[0] for r in second}
    return [r for r in results if r[0] not in done] + mark_unsteady(results, second)


def pytest(build, *what):
    report = build / "pytest.xml"
    report.unlink(missing_ok=True)
    env = dict(os.environ, ETHOGRAM_BUILD=str(build), PYTHONDONTWRITEBYTECODE="1")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", f"--junitxml={report}", "-p", "no:cacheprovider", *what],
        cwd=ROOT,
        env=env,
        check=False,
    )
    return read_junit(report, "pytest") if report.exists() else [("pytest", "failed", "no result file")]


def node_of(result):
    """pytest's own name of a case: "pytest: tests.system.test_x test_y" is tests/system/test_x.py::test_y."""
    module, name = result[0].split(": ", 1)[1].split(" ", 1)
    return module.replace(".", "/") + ".py::" + name


def mark_unsteady(first, second):
    """Cases that failed and then passed: they count as passed, and are listed."""
    failed = {r[0] for r in first if r[1] == "failed"}
    return [(n, "unsteady" if o == "passed" and n in failed else o, t) for n, o, t in second]


def run_lint(_build):
    done = subprocess.run([sys.executable, "tests/lint/lint.py", "--fast"], cwd=ROOT, check=False)
    return [("lint", "passed" if done.returncode == 0 else "failed", f"exit {done.returncode}")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--only", action="append", choices=PARTS)
    args = parser.parse_args()
    build = args.build.resolve()
    runners = {"lint": run_lint, "unit": run_meson, "pytest": run_pytest}
    results = []
    for part in args.only or PARTS:
        start = time.monotonic()
        results += runners[part](build)
        print(f"-- {part}: {time.monotonic() - start:.0f} s", flush=True)
    for wanted, title in (("skipped", "Skipped"), ("unsteady", "Passed only when run again"), ("failed", "Failed")):
        rows = [r for r in results if r[1] == wanted]
        if rows:
            print(f"\n{title}:")
        for name, _, text in rows:
            print(f"  {name}: {text}")
    count = {o: sum(r[1] == o for r in results) for o in ("passed", "failed", "skipped", "unsteady")}
    count["passed"] += count["unsteady"]
    if count["passed"] == 0:
        count["failed"] += 1
    print(f"\n{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
