#!/usr/bin/env python3
"""Run the whole suite on a build and close with the sum: unit and live tests, pytest, lint.

Usage: run.py BUILD_DIR [--only unit|live|pytest|lint]...
The last line is "N passed, N failed"; skips are listed with their reasons before it.
"""

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("lint", "unit", "pytest")


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


def run_meson(build):
    subprocess.run(
        ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs", "--num-processes", "2"],
        cwd=ROOT,
        check=False,
    )
    junit = build / "meson-logs" / "testlog.junit.xml"
    if not junit.exists():
        return [("meson test", "failed", "no result file")]
    return read_junit(junit, "unit")


def run_pytest(build):
    report = build / "pytest.xml"
    report.unlink(missing_ok=True)
    env = dict(os.environ, ETHOGRAM_BUILD=str(build), PYTHONDONTWRITEBYTECODE="1")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", f"--junitxml={report}", "-p", "no:cacheprovider", "tests"],
        cwd=ROOT,
        env=env,
        check=False,
    )
    if not report.exists():
        return [("pytest", "failed", "no result file")]
    return read_junit(report, "pytest")


def run_lint(_build):
    done = subprocess.run([sys.executable, "tests/lint/lint.py"], cwd=ROOT, check=False)
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
    for wanted, title in (("skipped", "Skipped"), ("failed", "Failed")):
        rows = [r for r in results if r[1] == wanted]
        if rows:
            print(f"\n{title}:")
        for name, _, text in rows:
            print(f"  {name}: {text}")
    count = {o: sum(r[1] == o for r in results) for o in ("passed", "failed", "skipped")}
    if count["passed"] == 0:
        count["failed"] += 1
    print(f"\n{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
