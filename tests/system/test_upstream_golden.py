"""A recording of actions gives the alerts that the daemon gave while it was made; so does one that was kept."""

import json

import pytest

import upstream_golden
from recording import have_sysdig, sysdig
from upstream import REFERENCE

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="no upstream rule files beside the project")


def compare(got, want):
    wrong = {name: (got.get(name), alerts) for name, alerts in want.items() if got.get(name) != alerts}
    assert not wrong, json.dumps(wrong, indent=1)[:4000]
    assert set(got) == set(want)


def test_a_recording_says_the_same_again(stage, scratch):
    alerts = upstream_golden.recorded(stage, scratch / "r.scap.gz", upstream_golden.CASES[::3])
    compare(upstream_golden.replayed(scratch / "r.scap.gz", scratch), alerts)


def test_the_kept_recording_says_what_it_said(scratch):
    compare(upstream_golden.replayed(upstream_golden.CAPTURE, scratch), json.loads(upstream_golden.ALERTS.read_text()))


def test_sysdig_reads_the_kept_recording():
    if not have_sysdig():
        pytest.skip("sysdig is not installed")
    fields = ["evt.type", "proc.name", "proc.pname", "fd.name", "evt.args"]
    events = sysdig(upstream_golden.CAPTURE, fields, "evt.dir=<")
    seen = {(e["evt.type"], e["proc.name"], e["proc.pname"], e["fd.name"]) for e in events}
    assert ("openat", "cat", "python3", "/etc/shadow") in seen
    assert ("execve", "sh", "nginx", None) in seen
    assert ("connect", "ssh", "actor", "203.0.113.9:4503->203.0.113.9:443") in seen
    assert any(e["evt.type"] == "symlinkat" and "target=/etc/shadow" in e["evt.args"] for e in events)
    assert ("ptrace", "actor", "python3", None) in seen
