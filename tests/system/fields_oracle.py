#!/usr/bin/env python3
"""Compare the values of all fields with what Falco reported for the same scripted actions.

Usage (root): fields_oracle.py [--build DIR] [--reference DIR] [--verbose]

The actions' driver, what Falco 0.44 said of it and how both are brought into one form are data in
the reference folder (fields_oracle.jsonl, fields_oracle_actions.py). Events are aligned within each
action; numbers that differ from run to run are compared by their kind. Prints each field that
differs with an example, and the share of equal values.
"""

import argparse
import collections
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = Path("/tmp/oracle")  # part of the recorded paths
FIELDS_PER_RUN = 60  # an alert has room for so many long values
# What the reference's script needs of every event to bring it into the common form.
BASE = ["evt.num", "evt.type", "evt.rawres", "fd.name", "fd.ino", "fd.dev", "proc.pid", "proc.ppid", "proc.vpid",
        "thread.tid", "thread.vtid", "container.id", "proc.exe_ino"]

# What depends on the recording machine: it sat in a container without a user table, and its driver
# read the times of inodes wrongly (fields_semantics.md, section 3).
MACHINE = re.compile(
    r"^(container\.|k8s\.|k8smeta|user\.(name|homedir|shell|loginname|loginuid)|group\.name"
    r"|proc\.exe_ino\.(c|m)time|proc\.exe_ino\.ctime_duration|proc\.(a(args|cmdline|exe|exepath|name|env|pid))"
    r"|proc\.(sname|sid|pgid|vpgid|loginshellid|tty|is_container|duration|ppid\.duration|pid\.ts|ppid\.ts)"
    r"|proc\.cgroup|thread\.cgroup|thread\.(exectime|totexectime|cpu)|evt\.(hostname|cpu|num)|util\.|proc\.fd(limit|usage)"
    r"|proc\.p(cmdline|exe|exepath)$|fd\.container|fd\.([lr](ip|port|proto|net)|is_server)|proc\.pidns|proc\.(v?pgid|sid)\.|proc\.std(in|out|err)|thread\.cap|evt\.info$|evt\.type\.is)")
SYMBOL = re.compile(r"\b(PID|INO|DEV|PORT|TS|KPTR)_\d+\b")
IDS = re.compile(r"\b((?:[res]?[ug]id|uid|gid)=-?\d+)\([^)]*\)")
VOLATILE = re.compile(r"\b(fdlimit|cgroups|env|cap_\w+|tty|vpgid|pgid|loginuid|exe_ino_\wtime)=\S*(\([^)]*\))?")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--reference", type=Path, default=ROOT.parent / "shared/reference")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def load_actions(reference):
    """The reference's own script as a namespace; it reads fields.json where it stands."""
    names = {"__name__": "actions"}
    before = os.getcwd()
    os.chdir(reference)
    try:
        exec(compile((reference / "fields_oracle_actions.py").read_text(), "actions", "exec"), names)
    finally:
        os.chdir(before)
    return names


def event_names():
    """Everything that can be captured: types and calls without one."""
    types = re.findall(r'^EVENT\(\w+, "(\w+)".*', (ROOT / "base/event_types.def").read_text(), re.M)
    calls = re.findall(r"^SYSCALL\((\w+), (\d+), .*GENERIC\)", (ROOT / "base/syscalls.def").read_text(), re.M)
    unwanted = {"page_fault", "switch", "syscall", "futex"}
    return sorted({name for name in types + [c[0] for c in calls] if name not in unwanted})


def write_files(fields):
    condition = "(proc.env[H11]=1 or proc.aenv[H11]=1) and not evt.type in (switch, page_fault)"
    rules = [{"rule": "ALL", "desc": "d", "condition": condition, "priority": "DEBUG",
              "output": " ".join("%" + f for f in fields)}]
    (WORK / "rules.yaml").write_text(json.dumps(rules))
    config = {"rules": {"files": [str(WORK / "rules.yaml")]},
              "storage": {"path": str(WORK / "e.db")},
              "api": {"listen": "127.0.0.1:18799", "unix_socket": str(WORK / "s"), "token_file": str(WORK / "t"),
                      "read_access": "local"},
              "capture": {"events": {"add": event_names()}},
              "outputs": [{"file": {"path": str(WORK / "raw.jsonl"), "format": "json"}}]}
    (WORK / "config.yaml").write_text(json.dumps(config))


def wait_until(is_so):
    """Give up silently after a minute: what is missing then shows in the figures."""
    end = time.monotonic() + 60
    while not is_so() and time.monotonic() < end:
        time.sleep(0.2)


def record(build, names, fields):
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "w").mkdir(parents=True)
    write_files(fields)
    (WORK / "actions.c").write_text(names["C_SOURCE"])
    subprocess.run(["gcc", "-O1", "-static", "-w", "-o", WORK / "drv", WORK / "actions.c"], check=True)
    environment = {k: v for k, v in os.environ.items() if k != "H11"}
    with open(WORK / "daemon.log", "w") as log:
        daemon = subprocess.Popen([build / "ethogram", "run", "-c", WORK / "config.yaml"],
                                  stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: daemon.poll() is not None or ", http://" in (WORK / "daemon.log").read_text())
        if daemon.poll() is not None:
            sys.exit((WORK / "daemon.log").read_text())
        subprocess.run([WORK / "drv", "main arg"], cwd=WORK / "w", timeout=60, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={"H11": "1", "PATH": "/usr/bin:/bin", "HOME": "/root"})
        # The last action's mark is there, and what follows it.
        wait_until(lambda: "/H11/end" in (WORK / "raw.jsonl").read_text(errors="replace"))
        time.sleep(1)
    finally:
        daemon.terminate()
        daemon.wait(20)


def our_events(names):
    """What was recorded in the reference's form. Its script takes the most frequent container for
    the one it ran in and replaces its name: ours would be "host"."""
    with open(WORK / "own.jsonl", "w", encoding="utf-8") as out:
        for line in open(WORK / "raw.jsonl", encoding="utf-8", errors="replace"):
            event = json.loads(line)
            event["output_fields"]["container.id"] = None
            out.write(json.dumps(event) + "\n")
    return [e for e in names["norm"](str(WORK / "own.jsonl"))[1] if e["action"] != "ambient_host_process"]


def plain(value):
    """A value without what differs from run to run."""
    if not isinstance(value, str):
        return value
    value = SYMBOL.sub(r"\1", value)
    value = IDS.sub(r"\1", value)
    return VOLATILE.sub(r"\1=", value)


def kind(event):
    """What events are aligned by: both sides of a fork are events, in either order."""
    if event["evt.type"] in ("clone", "clone3", "fork", "vfork"):
        return event["evt.type"] + (" child" if event["fields"].get("evt.rawres") == 0 else "")
    return event["evt.type"]


def pairs(theirs, ours):
    """Events of one action that belong together: in order, the rest by their kind."""
    a, b = [kind(e) for e in theirs], [kind(e) for e in ours]
    out = []
    for i, j, n in difflib.SequenceMatcher(None, a, b, False).get_matching_blocks():
        out += [(i + k, j + k) for k in range(n)]
    rest = collections.defaultdict(list)
    for j in sorted(set(range(len(b))) - {j for _, j in out}):
        rest[b[j]].append(j)
    for i in sorted(set(range(len(a))) - {i for i, _ in out}):
        if rest[a[i]]:
            out.append((i, rest[a[i]].pop(0)))
    return out


def by_action(events):
    out = collections.OrderedDict()
    for event in events:
        out.setdefault(event["action"], []).append(event)
    return out


def compare(theirs, ours, recorded):
    """Counts of equal and compared values, and what differs: {field: [examples]}."""
    equal = total = 0
    differing = collections.defaultdict(list)
    missing = []
    mine = by_action(ours)
    for action, events in by_action(theirs).items():
        own = mine.get(action, [])
        paired = pairs(events, own)
        for i, j in paired:
            for field in recorded:
                if MACHINE.match(field):
                    continue
                want, got = plain(events[i]["fields"].get(field)), plain(own[j]["fields"].get(field))
                total += 1
                if want == got:
                    equal += 1
                else:
                    differing[field].append((action, events[i]["evt.type"], want, got))
        done = {i for i, _ in paired}
        missing += [(action, e["evt.type"]) for i, e in enumerate(events) if i not in done]
    return equal, total, differing, missing


def main():
    options = arguments()
    if not (options.reference / "fields_oracle.jsonl").exists():
        print("skipped: no reference data in", options.reference)
        return 77
    names = load_actions(options.reference)
    lines = [json.loads(l) for l in open(options.reference / "fields_oracle.jsonl", encoding="utf-8")]
    header, theirs = lines[0], [e for e in lines[1:] if e["action"] != "ambient_host_process"]
    for event in theirs:
        event["fields"] = {**header["constant_fields"], **event["fields"]}
    recorded = [f for f in header["fields_recorded"] if f in names["fields"]]
    equal, total, differing, missing = 0, 0, {}, []
    rest = [f for f in recorded if f not in BASE]
    for i in range(0, len(rest), FIELDS_PER_RUN):
        part = rest[i:i + FIELDS_PER_RUN] + (BASE if i == 0 else [])
        record(options.build.resolve(), names, list(dict.fromkeys(BASE + part)))
        result = compare(theirs, our_events(names), part)
        equal, total, missing = equal + result[0], total + result[1], missing + result[3]
        differing.update(result[2])
    for field, examples in sorted(differing.items(), key=lambda x: -len(x[1])):
        print(f"{len(examples):5} {field}")
        for example in examples[: None if options.verbose else 3]:
            print("        %s %s: want %r, got %r" % example)
    print(f"events without a partner: {len(missing)}: {collections.Counter(missing).most_common(20)}")
    print(f"values: {equal} of {total} equal, {100 * equal / max(total, 1):.2f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
