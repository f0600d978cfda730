"""What is dropped in the kernel because nobody can use it is missed by nobody: two daemons watch the same program, one with push-down
and one without, and say the same; also after the rules changed under way."""

import os
import shutil
import signal
import tempfile
import time

import pytest

from system_harness import BUILD, ROOT, unique

PROGRAM = BUILD / "tests" / "live" / "call_matrix"

OPENS = "evt.type in (open, openat, openat2, creat)"
CONDITIONS = {
    "opened": f"{OPENS} and evt.rawres >= 0",
    "read": f"{OPENS} and evt.is_open_read = true and fd.num >= 0",
    "written": f"{OPENS} and evt.is_open_write = true and fd.typechar = 'f' and fd.num >= 0",
    "denied": f"{OPENS} and evt.res in (EACCES, EPERM)",
    "denied to write": f"{OPENS} and evt.is_open_write = true and evt.res = EACCES",
    "made to run": f"{OPENS} and evt.is_open_exec = true and evt.failed = false",
    "connecting": "evt.type = connect and (evt.rawres >= 0 or evt.res = EINPROGRESS)",
    "refused": "evt.type = connect and evt.res = ECONNREFUSED",
    "name changes": "evt.type in (rename, unlink, mkdir, rmdir, chmod) and not evt.failed = true",
    "plain call": "evt.type = truncate",
    "credentials": "evt.type = setuid and evt.rawres < 0",
    "no program": "evt.type = execve and evt.failed = true",
    "anything": "evt.rawres = -13",  # bounds no events: sees what others ask for
}
LATER = {
    "not found": "evt.type in (open, openat) and evt.res = ENOENT",
    "neither": f"{OPENS} and evt.is_open_read = false and evt.is_open_write = false",
    "every chmod": "evt.type = chmod",
}


def write_rules(path, conditions, program):
    path.write_text("".join(
        f"- rule: {name}\n  desc: d\n  condition: ({condition}) and proc.exepath = {program}\n"
        f"  output: '%evt.type %evt.res %fd.name'\n  priority: INFO\n"
        for name, condition in conditions.items()
    ))


def run_program(program, scratch, cgroups):
    folder = tempfile.mkdtemp(dir=scratch)
    assert cgroups.run(f"system.slice/{program.name}.service", [program, folder]).wait(timeout=60) == 0
    shutil.rmtree(folder)


def hits(daemon):
    return {rule["name"]: rule["hits_total"] for rule in daemon.items("/v1/rules")}


def wait_for_end(daemon, before, n):
    """Every rule that can match again has, and nothing more comes."""
    def settled():
        first = hits(daemon)
        return first if first != before and sum(first.values()) >= n and first == hits(daemon) else None

    daemon.wait_for("the program's events", settled, 20, every_s=0.5)
    last = None
    while last != hits(daemon):
        last = hits(daemon)
        time.sleep(0.5)
    return last


def behaviours(daemon, program):
    workload = daemon.workload(f"unit:{program.name}.service")
    if not workload:
        return set()
    rows = daemon.items(f"/v1/workloads/{workload['id']}/behaviours?limit=1000")
    return {(row["dimension"], tuple(row["key"]), row["events"]) for row in rows}


def openat_seen(daemon):
    return daemon.get("/v1/status")["capture"]["by_type"]["openat"]["seen"]


@pytest.fixture(name="program")
def program_of_its_own(scratch):
    if not PROGRAM.exists():
        pytest.skip("call_matrix is not built")
    os.chmod(scratch, 0o777)
    path = scratch / unique("matrix")
    shutil.copy(PROGRAM, path)
    return path


def test_nobody_misses_what_is_dropped(make_daemon, scratch, cgroups, program):
    rules = scratch / "rules.yaml"
    write_rules(rules, CONDITIONS, program)
    common = [
        f"rules.files=[{rules}]", f"learning.dimensions=[{ROOT}/etc/dimensions/default.yaml]", "learning.epoch_s=1",
        "learning.hold_s=1", "learning.startup_s=1",
    ]
    pushed = make_daemon(*common, "capture.push_down=on", name="on")
    whole = make_daemon(*common, "capture.push_down=off", name="off")
    pushed.start()
    whole.start()
    none = {name: 0 for name in CONDITIONS}
    seen = openat_seen(pushed), openat_seen(whole)
    run_program(program, scratch, cgroups)
    want = wait_for_end(whole, none, 100)
    assert wait_for_end(pushed, none, 100) == want
    assert all(want.values()), f"a rule that nothing matches shows nothing: {want}"
    # Something was dropped indeed: what was not found, most of all.
    whole.wait_for("counters", lambda: openat_seen(whole) - seen[1] > openat_seen(pushed) - seen[0] + 20, 10)

    # Both learn the same; what is learned late is waited for.
    run_program(program, scratch, cgroups)
    got = pushed.wait_for("behaviours", lambda: len(behaviours(pushed, program)) > 5 and behaviours(pushed, program), 30)
    whole.wait_for("the same behaviours", lambda: behaviours(whole, program) == behaviours(pushed, program), 30)
    assert {dimension for dimension, _, _ in got} >= {"file.read", "file.write"}

    # Other rules, other needs: in force from the reload on.
    write_rules(rules, {**CONDITIONS, **LATER}, program)
    for daemon in (pushed, whole):
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("the new rules", lambda d=daemon: len(hits(d)) == len(CONDITIONS) + len(LATER), 10)
    none = {name: 0 for name in {**CONDITIONS, **LATER}}
    time.sleep(0.5)
    run_program(program, scratch, cgroups)
    want = wait_for_end(whole, none, 100)
    assert all(want.values()), want
    assert wait_for_end(pushed, none, 100) == want
