"""Upstream's stable rules, loaded as they are with the incubating and sandbox ones, all enabled: real actions, the
alerts that exactly they make with the values of all their fields, and a harmless twin of each that makes none."""

import os
import subprocess

import pytest

import upstream_cases
from containers import Containerd, make_image
from system_harness import unique
from upstream import FILES, MARK, REFERENCE, assert_fires, assert_has_case, assert_twin_is_silent, rule_names, run_and_wait

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="no upstream rule files beside the project")


@pytest.mark.parametrize("case", upstream_cases.CASES, ids=lambda c: c.name)
def test_fires(stage, case):
    assert_fires(stage, case)


@pytest.mark.parametrize("case", [c for c in upstream_cases.CASES if c.twin], ids=lambda c: c.name)
def test_the_twin_is_silent(stage, case):
    assert_twin_is_silent(stage, case)


def test_in_containerd(stage, scratch):
    """A shell in a terminal as the first process, which drops a program and executes it."""
    runtime = Containerd(scratch)
    name, image, mark = unique("ethoctr"), "registry.example/team/tiny:1.2", "containerd"
    script = "cp /bin/busybox /tmp/cat; /tmp/cat /etc/passwd"
    try:
        make_image(scratch / "image.tar", image)
        runtime.ctr("image", "import", str(scratch / "image.tar"))
        run_and_wait(["ctr", "-a", str(runtime.socket), "run", "--rm", "-t", "--env", f"{MARK}={mark}", image, name,
                      "/bin/sh", "-c", script], dict(os.environ), None, True)
        alerts = {a["rule"]: a["output_fields"] for a in stage.alerts_of(mark)}
    finally:
        subprocess.run(["ctr", "-a", str(runtime.socket), "image", "rm", image], check=False, capture_output=True)
        runtime.close()
    assert sorted(alerts) == ["Container Drift Detected (open+create)", "Container Run as Root User", "Drop and execute new binary in container",
                              "Launch Sensitive Mount Container", "Terminal shell in container"]
    assert all(fields["container.id"] == name[:12] for fields in alerts.values())
    shell = alerts["Terminal shell in container"]
    assert (shell["proc.cmdline"], shell["proc.pname"], shell["proc.tty"]) == (f"sh -c {script}", "containerd-shim", 34816)
    dropped = alerts["Drop and execute new binary in container"]
    assert (dropped["proc.cmdline"], dropped["proc.exepath"]) == ("cat /etc/passwd", "/tmp/cat")
    assert dropped["proc.pname"] == "containerd-shim"  # the shell became its last command
    assert dropped["evt.arg.flags"] == "EXE_WRITABLE|EXE_UPPER_LAYER"


@pytest.mark.parametrize("rule", rule_names(REFERENCE / FILES[0]) if REFERENCE.exists() else [])
def test_every_stable_rule_has_a_case(rule):
    assert_has_case(rule, upstream_cases)
