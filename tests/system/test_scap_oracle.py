"""The comparison with recorded answers finds what differs: a wrong answer, a stale or unbounded exception, nothing to compare."""

import json
import shutil
import subprocess

import pytest

from system_harness import BUILD, ROOT

ORACLE = BUILD / "tests" / "scap_oracle"
REFERENCE = ROOT.parent / "shared" / "reference" / "scap"
NAME = "sf_rename_rename"  # small, and nothing of it that `FILTER` is true of differs
FILTER = "evt.type=mprotect"

pytestmark = [
    pytest.mark.skipif(not ORACLE.exists(), reason="scap_oracle is not built"),
    pytest.mark.skipif(not REFERENCE.exists(), reason="no reference captures beside the project"),
]


@pytest.fixture(name="compare")
def one_capture(scratch):
    """Run over one capture with some answers of the recorded ones and the exceptions given."""
    shutil.copy(REFERENCE / f"{NAME}.scap", scratch)
    recorded = json.loads((REFERENCE / f"oracle_libs2026_{NAME}.json").read_text())

    def run(answer, exceptions=""):
        told = {**recorded, "filters": {FILTER: answer(recorded["filters"][FILTER])}}
        (scratch / f"oracle_libs2026_{NAME}.json").write_text(json.dumps(told))
        (scratch / "exceptions.txt").write_text(exceptions)
        done = subprocess.run([ORACLE, "--exceptions", scratch / "exceptions.txt", scratch],
                              capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout

    return run


def as_recorded(answer):
    return answer


def none_expected(_):
    return {"count": 0, "events": ""}


def test_what_agrees_passes(compare):
    code, text = compare(as_recorded)
    assert code == 0 and text.endswith("2 passed, 0 failed\n"), text


def test_what_differs_fails(compare):
    code, text = compare(none_expected)
    assert code == 1 and text.endswith("1 passed, 1 failed\n"), text
    assert f"{NAME}: {FILTER}: " in text


@pytest.mark.parametrize("exception, code", [
    (f"{NAME} | {FILTER} | why", 0),
    (f"* | {FILTER} | why | where evt.type=mprotect", 0),
    (f"* | {FILTER} | why | where evt.type=unlink", 1),  # not what it is for
    (f"* | {FILTER} | why", 2),  # anything at all
    (f"* | {FILTER} | why | where (", 2),
    (f"another | {FILTER} | why", 1),
    (f"{NAME} | {FILTER} or false | why", 1),
])
def test_exceptions_excuse_what_they_say(compare, exception, code):
    assert compare(none_expected, exception)[0] == code


@pytest.mark.parametrize("exception", [f"{NAME} | {FILTER} | why", f"* | {FILTER} | why | where evt.type=mprotect"])
def test_an_exception_without_a_difference_fails(compare, exception):
    code, text = compare(as_recorded, exception)
    assert code == 1 and "does not differ" in text, text


@pytest.mark.parametrize("answers", ["{}", '{"all": "1"}', '{"all": "1", "filters": []}', "no JSON"])
def test_answers_that_are_none_fail(scratch, answers):
    shutil.copy(REFERENCE / f"{NAME}.scap", scratch)
    (scratch / f"oracle_libs2026_{NAME}.json").write_text(answers)
    done = subprocess.run([ORACLE, scratch], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "cannot read its answers" in done.stdout


def test_nothing_to_compare_fails(scratch):
    assert subprocess.run([ORACLE, scratch], capture_output=True, check=False, timeout=60).returncode == 1
