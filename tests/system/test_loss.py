"""What was not seen is told: downtime, and nothing stays behind of a daemon however it ends."""

import os
import re
import signal
import subprocess
import threading
import time

import pytest


def held_ids(pid):
    """BPF programs, maps and links that a process holds: {kind: {id, ...}}."""
    ids = {"prog": set(), "map": set(), "link": set()}
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{name}") as file:
                text = file.read()
        except OSError:
            continue
        for kind, found in ids.items():
            found.update(int(n) for n in re.findall(rf"^{kind}_id:\s+(\d+)", text, re.M))
    return ids


def still_there(ids):
    """Those that the kernel still has."""
    left = []
    for kind, numbers in ids.items():
        listed = subprocess.run(["bpftool", kind, "list"], capture_output=True, text=True, check=True).stdout
        existing = {int(n) for n in re.findall(r"^(\d+):", listed, re.M)}
        left += [(kind, n) for n in numbers if n in existing]
    return left


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT], ids=lambda s: s.name)
def test_nothing_stays_behind(make_daemon, how):
    daemon = make_daemon("storage.checkpoint_s=1")
    daemon.start()
    pid = daemon.process.pid
    ids = held_ids(pid)
    assert len(ids["prog"]) >= 5 and ids["map"] and len(ids["link"]) >= 4, ids
    assert len(still_there(ids)) == sum(len(n) for n in ids.values()), "the list would not show them"
    daemon.stop(how)
    # The kernel frees them after a grace period of its own.
    deadline = time.monotonic() + 30
    while still_there(ids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert still_there(ids) == []
    assert not os.path.exists(f"/proc/{pid}")


def test_downtime_is_a_gap(make_daemon):
    daemon = make_daemon("storage.checkpoint_s=1")
    daemon.start()
    assert [g for g in daemon.get("/v1/status")["gaps"] if g["reason"].startswith("downtime")] == []
    for n, how in enumerate([signal.SIGKILL, signal.SIGTERM], 1):
        daemon.stop(how)
        daemon.start()
        gaps = daemon.wait_for(
            "the downtime",
            lambda: [g for g in daemon.get("/v1/status")["gaps"] if g["reason"] == "downtime"][n - 1:], 10,
        )
        assert gaps[0]["events"] is None and gaps[0]["from"] < gaps[0]["to"]
    metrics = daemon.request("GET", "/metrics")[1].decode()
    assert 'ethogram_gaps_total{reason="downtime"} 1' in metrics, "one since this start"


def proc_facts(pid):
    """What /proc says of a process, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            stat = file.read()
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            cmdline = file.read().rstrip(b"\0").split(b"\0")
        exe = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None
    fields = stat.rsplit(")", 1)[1].split()
    if fields[0] in "ZX":
        return None
    return {"ppid": int(fields[1]), "exe": exe, "args": b" ".join(cmdline[1:]).decode()}


def flatten(items, out):
    for item in items:
        out.append(item)
        flatten(item["children"], out)
    return out


def differences(daemon, pids):
    """Between /v1/processes and /proc, of processes that stand still."""
    shown = {}
    twice = []
    for p in flatten([daemon.get("/v1/processes")], []):
        if p["pid"] in shown:
            twice.append(p["pid"])
        shown[p["pid"]] = p
    wrong = [f"{pid} is there twice" for pid in twice]
    for pid in pids:
        facts, item = proc_facts(pid), shown.get(pid)
        if facts is None:
            if item is not None:
                wrong.append(f"{pid} has ended")
            continue
        if item is None:
            wrong.append(f"{pid} is missing: {facts}")
            continue
        for name in ("ppid", "exe"):
            if item[name] != facts[name]:
                wrong.append(f"{pid}: {name} is {item[name]}, not {facts[name]}")
        if not item["cmdline"].endswith(facts["args"]):
            wrong.append(f"{pid}: {item['cmdline']} does not end with {facts['args']}")
    return wrong


def test_start_amid_a_fork_storm(make_daemon, scratch):
    """Processes come and go while capture begins: those that remain are known, once, and right."""
    daemon = make_daemon()
    stop = threading.Event()
    sleepers, ended = [], []

    def storm():
        n = 0
        while not stop.is_set() and n < 400:
            n += 1
            # A shell that leaves a sleeper behind, as a child of its own that lives or as an orphan.
            text = f"sleep {20000 + n} & echo $!; " + ("wait" if n % 2 else "true")
            shell = subprocess.Popen(["/bin/sh", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            sleepers.append(int(shell.stdout.readline()))
            (sleepers if n % 2 else ended).append(shell.pid)
            if n % 2 == 0:
                shell.wait()
            shells.append(shell)

    shells = []
    thread = threading.Thread(target=storm)
    thread.start()
    try:
        while len(sleepers) < 20:
            time.sleep(0.01)
        daemon.start()
        time.sleep(0.3)
        stop.set()
        thread.join()
        assert len(sleepers) > 40
        start = time.monotonic()
        while differences(daemon, sleepers + ended) and time.monotonic() - start < 30:
            time.sleep(0.1)
        assert differences(daemon, sleepers + ended) == [], (daemon.get("/v1/status")["state"]["repaired"], daemon.log_tail(), daemon.get("/v1/status")["gaps"])
        print(f"# {len(sleepers)} processes right after {time.monotonic() - start:.2f} s")
    finally:
        stop.set()
        thread.join()
        for pid in sleepers:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        for shell in shells:
            shell.wait()
            shell.stdout.close()
