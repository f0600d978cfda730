"""What tests/kernels/run makes of a guest's output: programs that a kernel refuses are no mere skip."""

import importlib.machinery
import importlib.util

import pytest

from system_harness import ROOT

RUN = ROOT / "tests" / "kernels" / "run"


@pytest.fixture(name="runner")
def runner_as_module(monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader = importlib.machinery.SourceFileLoader("kernels_run", str(RUN))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("kernels_run", loader))
    loader.exec_module(module)
    return module


LOG = """@@ kernel 6.1.0
[==========] tests
@@ files reads 0 0 12s\r
skipped: live capture is not possible here: Operation not permitted
@@ truth reads 0 77 1s
skipped: this kernel does not tell of io_uring requests
@@ io_uring reads 0 77 1s
[  FAILED  ] one_case
[  FAILED  ] one_case
[  FAILED  ] 1 test(s)
@@ race reads 0 1 3s
@@ slow reads 0 137 300s
@@ done
"""
WANT = {
    "files": "passed", "truth": "not loadable", "io_uring": "skipped: this kernel does not tell of io_uring requests",
    "race": "failed: one_case", "slow": "killed (time)",
}


def test_outcomes_are_told_apart(runner, scratch):
    log = scratch / "x.log"
    log.write_text(LOG, newline="")
    assert {name: outcome for name, _, outcome in runner.read_log(log)} == WANT


@pytest.mark.parametrize("outcomes, code, last", [
    (["passed", "skipped: why", "not obtained: why"], 0, "1 passed, 0 failed, 2 skipped"),
    (["passed", "not loadable"], 1, "1 passed, 1 failed, 0 skipped"),
    (["passed", "did not finish within 1800 s"], 1, "1 passed, 1 failed, 0 skipped"),
    (["skipped: why"], 1, "0 passed, 0 failed, 1 skipped"),
])
def test_a_refusal_fails(runner, scratch, monkeypatch, capsys, outcomes, code, last):
    rows = [("6.1", "6.1.0", f"t{n}", "0", outcome) for n, outcome in enumerate(outcomes)]
    monkeypatch.setattr(runner, "test_series", lambda *_: rows)
    monkeypatch.setattr("sys.argv", ["run", "--build", str(scratch), "6.1"])
    assert runner.main() == code
    assert capsys.readouterr().out.splitlines()[-1] == last
