#!/usr/bin/env python3
"""What a daemon says of actions, and what a replay of their recording says: the same.

Usage (root, with upstream's rules beside the project): upstream_golden.py
makes tests/data/upstream_actions.scap.gz and tests/data/upstream_actions.json anew: the recording without all other
processes, without environments but for the actions' marks, and the alerts that the daemon made while it was recorded."""

import collections
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import upstream_cases
import upstream_more_cases
from recording import Recording
from system_harness import BINARY, ROOT
from upstream import FILES, MARK, OWN_FIELDS, REFERENCE, Host, Stage, local_rules

DATA = ROOT / "tests" / "data"
CAPTURE = DATA / "upstream_actions.scap.gz"
ALERTS = DATA / "upstream_actions.json"

# What recordings do not hold: names as typed, name servers' answers, the runtime's word on containers.
LEFT_OUT = {"traversal", "traversal-failed", "kubernetes", "miner-pool", "trusted-program"}
CASES = [
    case for case in upstream_cases.CASES + upstream_more_cases.FILES + upstream_more_cases.PROCESSES + upstream_more_cases.NETWORK
    if case.name not in LEFT_OUT and getattr(case.action, "box", "plain") in ("plain", "capable") and case.alerts
]
# Values that differ between two observers of the same call, or that come from the container's runtime or from above the
# test; the rest of every alert is compared. "evt.args" of a socket: its flags are none of the file format's.
DIFFERING = re.compile(r"^(evt\.time|proc\.env\b.*|proc\.aname\[[2-7]\]|proc\.a?exepath\[.*|proc\.sname|proc\.cwd|proc\.tty"
                       r"|container\.start_ts|proc\.exe_ino\.ctime_duration_proc_start)$")
TYPES = ("open openat openat2 creat execve execveat symlink symlinkat link linkat ptrace setuid unlink rename renameat2 mkdir "
         "chmod fchmod fchmodat socket bind connect listen accept4 dup dup2 dup3 setns unshare userfaultfd bpf init_module "
         "finit_module recvfrom clone fork vfork clone3 procexit")
FILTER = f"evt.type in ({', '.join(TYPES.split())}) and (proc.env[{MARK}] != \"\" or proc.aenv[{MARK}] != \"\")"


def mark_of(alert):
    return alert["output_fields"].get(OWN_FIELDS[0]) or alert["output_fields"].get(OWN_FIELDS[1])


def essence(alert):
    """What has to be the same."""
    fields = {k: v for k, v in alert["output_fields"].items() if not DIFFERING.match(k)}
    if fields.get("container.id") != "host":
        fields.pop("user.name", None)
    if fields.get("evt.type") == "socket":
        fields.pop("evt.args", None)
    return {"rule": alert["rule"], "fields": fields}


def replayed(capture, folder):
    """Alerts of a replay with upstream's rules, by action."""
    local = folder / "replay.yaml"
    local.write_text(json.dumps(local_rules()))
    files = [w for path in (*(REFERENCE / f for f in FILES), local) for w in ("--rules", str(path))]
    done = subprocess.run(
        [str(BINARY), "replay", str(capture), "--json", "--set", 'rules.enable=["*"]',
         "--set", f"learning.dimensions=[{ROOT}/etc/dimensions/default.yaml]", *files],
        capture_output=True, text=True, check=True, timeout=120)
    out = collections.defaultdict(list)
    for alert in map(json.loads, done.stdout.splitlines()):
        if "rule" in alert and mark_of(alert):
            out[mark_of(alert)].append(essence(alert))
    return dict(out)


def recorded(stage, path, cases):
    """Perform the actions under a recorder; the daemon's alerts, by action."""
    for name in ("plain", "capable"):
        stage.box(name)
    recording = Recording(path, "--filter", FILTER).start()
    alerts = {}
    try:
        for case in cases:
            case.action.perform(stage, case.name)
            alerts[case.name] = [essence(a) for a in stage.alerts_of(case.name)]
        assert recording.stop() == 0, recording.text()
    finally:
        recording.close()
    return alerts


# The rest makes the capture that is kept.

PROCESSES, EVENT, EVENT_FLAGS, FDS = 0x215, 0x216, 0x217, 0x218
FORKS = (223, 225, 227, 335)


def blocks(data):
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        yield kind, data[at + 8 : at + size - 4]
        at += size


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def header(kind, body):
    """Offset of an event's header, its task, type and number of parameters."""
    at = 2 if kind == EVENT else 6
    _, tid, _, number, n = struct.unpack_from("<QQIHI", body, at)
    return at, tid, number, n


def entries(body):
    at = 0
    while at + 4 <= len(body):
        size = struct.unpack_from("<I", body, at)[0]
        if size < 4:
            break
        yield body[at : at + size]
        at += size


def without_environment(entry):
    """A process of the list: fixed numbers, texts, and among these the environment."""
    at = 4 + 5 * 8
    for _ in range(5):  # comm, exe, exepath, args, cwd
        at += 2 + struct.unpack_from("<H", entry, at)[0]
    at += 8 + 4 * 6 + 16
    size = struct.unpack_from("<H", entry, at)[0]
    rest = entry[4:at] + b"\0\0" + entry[at + 2 + size :]
    return struct.pack("<I", len(rest) + 4) + rest


def family(data, root, strangers):
    """The root and everything it or its descendants forked before or during the recording; without some of them."""
    parents, edges = {}, collections.defaultdict(set)
    for kind, body in blocks(data):
        if kind == PROCESSES:
            for entry in entries(body):
                tid, pid, parent = struct.unpack_from("<QQQ", entry, 4)
                parents[tid] = parent if pid not in strangers else None
        elif kind in (EVENT, EVENT_FLAGS):
            at, tid, number, n = header(kind, body)
            if number in FORKS and n > 6:  # exe and args stand between result and numbers
                lengths = struct.unpack_from(f"<{n}H", body, at + 26)
                values = at + 26 + 2 * n
                if struct.unpack_from("<q", body, values)[0] == 0:
                    edges[struct.unpack_from("<q", body, values + sum(lengths[:5]))[0]].add(tid)
    for tid, parent in parents.items():
        edges[parent].add(tid)
    found, todo = set(), [root]
    while todo:
        one = todo.pop()
        if one not in found and one not in strangers:
            found.add(one)
            todo += edges[one]
    return found


def trimmed(data, root, strangers):
    keep = family(data, root, strangers)
    out = []
    for kind, body in blocks(data):
        if kind == PROCESSES:
            kept = [without_environment(e) for e in entries(body) if struct.unpack_from("<Q", e, 4)[0] in keep]
            if kept:
                out.append(block(kind, b"".join(kept)))
        elif kind == FDS:
            if struct.unpack_from("<Q", body)[0] in keep:
                out.append(block(kind, body))
        elif kind not in (EVENT, EVENT_FLAGS) or header(kind, body)[1] in keep:
            out.append(block(kind, body))
    whole = b"".join(out)
    # The machine's own names, by others of the same length: nothing else has to change.
    names = [rb"/process_api/[0-9a-f]{32}", re.escape(bytes(ROOT))]
    for name in names:
        whole = re.sub(name, lambda m: m.group()[:1] + b"x" * (len(m.group()) - 2) + m.group()[-1:], whole)
    return whole


def main():
    os.chdir("/")
    folder = Path(tempfile.mkdtemp(prefix="ethogram-test-"))
    os.chmod(folder, 0o755)
    stage = Stage(folder).start()
    try:
        alerts = recorded(stage, folder / "whole.scap", CASES)
        strangers = {stage.daemon.process.pid}
    finally:
        stage.stop()
    data = trimmed((folder / "whole.scap").read_bytes(), os.getpid(), strangers)
    with open(CAPTURE, "wb") as out, gzip.GzipFile("", "wb", 9, out, 0) as packed:
        packed.write(data)
    ALERTS.write_text(json.dumps(alerts, indent=1, sort_keys=True) + "\n")
    print(f"{CAPTURE}: {CAPTURE.stat().st_size} bytes; {sum(map(len, alerts.values()))} alerts of {len(alerts)} actions")
    same = replayed(CAPTURE, folder) == alerts
    shutil.rmtree(folder)
    print("replay: the same" if same else "replay: differs")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
