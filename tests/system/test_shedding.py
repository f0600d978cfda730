"""Overload by choice: above capture.max_cpu_ratio kinds of events are left out in their order, counted to the last one; programs that run
are not; all comes back when the load is over."""

import json
import signal
import subprocess
import time

import pytest

from system_harness import BUILD, ROOT

LOOP = BUILD / "tests" / "live" / "call_loop"
ORDER = ["io", "waits", "other", "descriptors", "opens", "files", "net"]
RULE = """
- rule: any
  desc: calls that hardly anyone else makes
  condition: evt.type in (creat, lchown) and fd.name = never
  output: x
  priority: INFO
- rule: programs
  desc: d
  condition: evt.type = execve and evt.failed = false and proc.cmdline contains shed-test-mark
  output: "%proc.cmdline"
  priority: INFO
"""


def capture(daemon):
    return daemon.get("/v1/status")["capture"]


def total(daemon, name):
    counts = capture(daemon)["by_type"].get(name, {"seen": 0, "dropped": 0, "shed": 0})
    return counts["seen"] + counts["dropped"] + counts["shed"]


def test_load_is_shed_in_order_and_counted(make_daemon, scratch):
    if not LOOP.exists():
        pytest.skip("call_loop is not built")
    rules = scratch / "r.yaml"
    rules.write_text(RULE)
    daemon = make_daemon(
        f"rules.files=[{rules}]", f"learning.dimensions=[{ROOT}/etc/dimensions/default.yaml]", "learning.epoch_s=1",
    )
    daemon.config = scratch / "config.yaml"
    daemon.config.write_text("capture: {max_cpu_ratio: 0.001}\n")  # any load is above it
    daemon.start()
    assert capture(daemon)["shedding"]["max_cpu_ratio"] == 0.001
    before = {name: total(daemon, name) for name in ("creat", "lchown")}
    loops = [subprocess.Popen([LOOP, "9", scratch / "none" / "f"], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    levels, ratios, n_programs = [], [], 0
    while any(loop.poll() is None for loop in loops):
        shedding = capture(daemon)["shedding"]
        steps = shedding["steps"]
        ratios.append(shedding["cpu_ratio"])
        assert steps == ORDER[:len(steps)], "in the declared order"
        levels.append(len(steps))
        subprocess.run(["/bin/true", "shed-test-mark"], check=True)
        n_programs += 1
        time.sleep(0.3)
    assert max(levels) == len(ORDER) and levels == sorted(levels), f"{levels} {ratios}"
    made = sum(int(loop.communicate()[0]) for loop in loops)
    daemon.wait_for("the last records", lambda: all(total(daemon, n) - before[n] >= made for n in before), 10)
    by_type = capture(daemon)["by_type"]
    assert by_type["creat"]["shed"] > 0
    # Every call is somewhere.
    assert {name: total(daemon, name) - before[name] for name in before} == {name: made for name in before}
    assert all(counts["shed"] == 0 for name, counts in by_type.items() if name in ("execve", "clone", "procexit", "setuid"))
    programs = lambda: [r["hits_total"] for r in daemon.items("/v1/rules") if r["name"] == "programs"][0]
    # Never shed; while a ring was full, a few may have been lost, which is counted, too.
    lost = by_type.get("execve", {"dropped": 0})["dropped"]
    daemon.wait_for("all programs", lambda: programs() + lost >= n_programs, 10)
    assert n_programs - lost <= programs() <= n_programs and programs() > 0

    status = daemon.get("/v1/status")
    assert any(gap["reason"] == "shed" and "creat" in json.dumps(gap) for gap in status["gaps"]), status["gaps"]
    metrics = daemon.request("GET", "/metrics")[1].decode()
    assert 'ethogram_shed_events_by_type_total{type="creat"}' in metrics

    # As if the load had fallen: the share is the same, what is allowed is more.
    daemon.config.write_text("capture: {max_cpu_ratio: 1}\n")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("everything to come back", lambda: capture(daemon)["shedding"]["steps"] == [], 120, every_s=1)
    shed = by_type["creat"]["shed"]
    assert capture(daemon)["by_type"]["creat"]["shed"] == shed
    made = int(subprocess.run([LOOP, "0.05", scratch / "none" / "f"], capture_output=True, text=True, check=True).stdout)
    seen = by_type["creat"]["seen"]
    daemon.wait_for("events again", lambda: capture(daemon)["by_type"]["creat"]["seen"] == seen + made, 10)
