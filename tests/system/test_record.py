"""`ethogram record`: real actions, recorded, and read by Debian's sysdig, whose libraries are of 2022."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recording import Recording, find, have_sysdig, sysdig
from system_harness import BINARY

ACTOR = Path(__file__).with_name("record_actor.py")
FIELDS = [
    "evt.dir", "evt.type", "evt.res", "evt.args", "proc.name", "proc.pid", "proc.ppid", "thread.tid", "proc.exepath",
    "proc.cmdline", "proc.aname[1]", "proc.aname[2]", "proc.aname[3]", "proc.cwd", "fd.name", "fd.type", "user.name",
]


@pytest.fixture
def record(capture, scratch):
    """Recordings that are ended whatever happens."""
    if not have_sysdig():
        pytest.skip("sysdig is not installed")
    made = []

    def make(*options, name="r.scap", **kwargs):
        recording = Recording(scratch / name, *options)
        made.append(recording)
        return recording.start(**kwargs)

    yield make
    for recording in made:
        recording.close()


class Actor:
    """The actions, in a process of their own."""

    def __init__(self, folder, *actions):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, ACTOR, folder, *actions], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.did = {}

    def until(self, what):
        while what not in self.did:
            line = self.process.stdout.readline()
            assert line, f"the actor ended before '{what}'"
            told = json.loads(line)
            self.did[told["what"]] = told

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        self.until("end")
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(60) == 0
        return self


def family(actor):
    """A condition for the actor and what it started; a host that works fills a recording with everybody else."""
    return " or ".join(f"{field}={actor.process.pid}" for field in [
        "proc.pid", "proc.ppid", "proc.apid[2]", "proc.apid[3]"])


def read(recording, actor, **kwargs):
    assert recording.number("events lost") == 0, f"this host did more than can be recorded:\n{recording.text()}"
    return sysdig(recording.path, FIELDS, family(actor), **kwargs)


def leave(kind, **wanted):
    """An exit event; double underscores stand for dots."""
    return {"evt.dir": "<", "evt.type": kind, **{k.replace("__", "."): v for k, v in wanted.items()}}


def has(*parts):
    return lambda text: all(p in text for p in parts)


def test_files_as_they_were(record, scratch):
    recording = record()
    actor = Actor(scratch / "a", "files").end()
    assert recording.stop() == 0
    events, folder = read(recording, actor), actor.folder
    name = "python3"
    rows = [
        leave("openat", fd__name=f"{folder}/plain", fd__type="file", proc__name=name, proc__cwd=f"{folder}/",
              evt__args=has(f"fd={actor.did['files']['fd']}(", "O_EXCL|O_CREAT|O_RDWR|O_CLOEXEC", "mode=0640")),
        leave("write", fd__name=f"{folder}/plain", evt__args=has("res=5", "data=hello")),
        leave("read", fd__name=f"{folder}/plain", evt__args=has("res=3", "data=hel")),
        leave("fcntl", fd__name=f"{folder}/plain", evt__args=has(f"res={actor.did['files']['copy']}(")),
        leave("close", fd__name=f"{folder}/plain", evt__args=has("res=0")),
        leave("mkdir", evt__args=has("path=sub(", f"{folder}/sub")),
        leave("rename", evt__args=has("oldpath=plain(", f"newpath=sub/renamed({folder}/sub/renamed)")),
        leave("symlink", evt__args=has("target=sub/renamed", f"linkpath=link({folder}/link)")),
        leave("chmod", evt__args=has(f"filename=link({folder}/link)", "mode=0600")),
        leave("openat", fd__name=f"{folder}/sub/renamed", evt__args=has("O_RDONLY")),  # through the link
        leave("chdir", evt__args=has(f"path={folder}/sub")),
        leave("openat", fd__name=f"{folder}/sub/renamed", proc__cwd=f"{folder}/sub/", evt__args=has("O_APPEND|O_WRONLY")),
        leave("openat", fd__name=f"{folder}/two  spaces"),
        leave("openat", fd__name=f"{folder}/bytes.."),  # as sysdig prints what is no text
        leave("openat", fd__name=f"{folder}/line.break"),
        leave("unlink", evt__args=has(f"sub/renamed({folder}/sub/renamed)")),
        leave("rmdir", evt__args=has("path=sub(")),
        leave("openat", evt__res="ENOENT", evt__args=has("fd=-2(ENOENT)", "name=missing(")),
    ]
    for row in rows:
        find(events, row)
    # dup2 has a type that these libraries skip: its descriptor is right nevertheless, and it is not shown as dup.
    find(events, {"evt.dir": ">", "evt.type": "close", "evt.args": has(f"fd=77(<f>{folder}/plain)")})
    assert not [e for e in events if e["evt.type"] == "dup"]


def test_sockets_as_they_were(record, scratch):
    recording = record()
    actor = Actor(scratch / "a", "tcp4", "tcp6", "udp", "unix", "pipes").end()
    assert recording.stop() == 0
    events, did = read(recording, actor), actor.did
    for ip, version in (("127.0.0.1", "4"), ("::1", "6")):
        ends = did[f"tcp{ip}"]
        pair = f"{ip}:{ends['client']}->{ip}:{ends['server']}"
        kind = f"ipv{version}"
        listener, client, server = ends["fds"]
        for row in [
            leave("socket", fd__type=kind, evt__args=has(f"fd={listener}(")),
            leave("bind", evt__args=has(f"addr={ip}:{ends['server']}"), fd__name=f"{ip}:{ends['server']}"),
            leave("connect", fd__name=pair, fd__type=kind, evt__args=has("res=0", f"tuple={pair}")),
            leave("accept", fd__name=pair, fd__type=kind, evt__args=has(f"fd={server}(", f"tuple={pair}", "queuemax=5")),
            {"evt.dir": ">", "evt.type": "close", "fd.name": pair, "evt.args": has(f"fd={client}(")},
        ]:
            find(events, row)
    find(events, leave("sendto", fd__name=has(f"->127.0.0.1:{did['udp']['server']}"), evt__args=has("res=8")))
    find(events, leave("connect", fd__type="unix", fd__name=has("->", "sock"), evt__args=has("tuple=")))
    find(events, leave("accept", fd__type="unix", fd__name=has("->", "sock")))
    find(events, {"evt.dir": ">", "evt.type": "close", "fd.type": "pipe",
                  "evt.args": has(f"fd={did['pipes']['writer']}(")})


def test_processes_as_they_were(record, scratch):
    recording = record()
    actor = Actor(scratch / "a", "chain", "memfd", "user", "mount", "thread").end()
    assert recording.stop() == 0
    events, did, me = read(recording, actor), actor.did, str(actor.process.pid)
    script, child = did["chain"]["script"], str(did["chain"]["child"])
    test = Path("/proc/self/comm").read_text(encoding="utf-8").strip()
    for row in [
        leave("execve", proc__pid=child, proc__ppid=me, proc__exepath=has("/bin/", "sh"), proc__name="run me.sh",
              evt__args=has("first arg", "second", "env=MARK=yes")),
        leave("openat", proc__pid=child, fd__name=script, proc__cmdline=f"run me.sh {script} first arg second",
              **{"proc.aname[1]": "python3", "proc.aname[2]": test}),
        leave("openat", proc__name="cat", fd__name="/etc/hostname", proc__exepath=has("/bin/cat"),
              proc__cmdline="cat /etc/hostname",
              **{"proc.aname[1]": "sh", "proc.aname[2]": "run me.sh", "proc.aname[3]": "python3"}),
        {"evt.dir": ">", "evt.type": "procexit", "proc.name": "sh", "evt.args": has("status=1024")},
        leave("execve", evt__res="ENOENT", evt__args=has("exe=program", "comm=python3"), proc__pid=me),
        leave("execve", proc__pid=str(did["memfd"]["child"]), proc__exepath="/memfd:secret",
              evt__args=has("exe=from-memory", "args=arg one")),
        leave("openat", proc__pid=str(did["user"]["child"]), user__name="daemon", fd__name="/etc/hostname"),
        leave("setuid", proc__pid=str(did["user"]["child"]), evt__args=has("res=0")),
        {"evt.dir": ">", "evt.type": "setuid", "evt.args": has("uid=1(daemon)")},
        leave("mount", proc__pid=str(did["mount"]["child"]),
              evt__args=has("res=0", "dev=scratch", f"dir={actor.folder}", "type=tmpfs")),
        leave("openat", thread__tid=str(did["thread"]["tid"]), proc__pid=me, fd__name="/etc/hostname"),
    ]:
        find(events, row)
    assert all(d["code"] == c for d, c in ((did["memfd"], 0), (did["user"], 3), (did["mount"], 0)))
    # Everybody in the family is somebody's child, from the first event on.
    assert all(e["proc.ppid"] and e["proc.name"] for e in events)


def test_what_was_there_before(record, scratch):
    actor = Actor(scratch / "a", "hold", "wait", "release")
    actor.until("wait")
    recording = record()
    actor.go_on()
    actor.end()
    assert recording.stop() == 0
    events, held = read(recording, actor), actor.did["hold"]
    pair = f"127.0.0.1:{held['client']}->127.0.0.1:{held['server']}"
    for wanted in [{"fd.name": f"{actor.folder}/held", "fd.type": "file"},
                   {"fd.name": str(actor.folder), "fd.type": "directory"},
                   {"fd.name": pair, "fd.type": "ipv4"},
                   {"fd.name": f"127.0.0.1:{held['server']}", "fd.type": "ipv4"}]:
        found = find(events, {"evt.dir": ">", "evt.type": "close", **wanted})
        assert found["proc.name"] == "python3"
        assert found["proc.cmdline"] == f"python3 {ACTOR} {actor.folder} hold wait release"
        assert found["proc.cwd"] == f"{actor.folder}/"
        assert found["user.name"] == "root"
    assert len([e for e in events if e["evt.dir"] == ">" and e["fd.name"] == pair]) == 2  # both ends


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_compressed_and_ended_by_a_signal(record, scratch, how):
    recording = record(name="r.scap.gz")
    actor = Actor(scratch / "a", "files").end()
    assert recording.stop(how) == 0
    assert recording.path.read_bytes()[:2] == b"\x1f\x8b"
    with gzip.open(recording.path) as plain:
        assert plain.read(4) == b"\x0a\x0d\x0d\x0a"
    find(read(recording, actor), leave("openat", fd__name=f"{actor.folder}/plain"))


def test_to_stdout_for_a_while(capture, scratch):
    path = scratch / "out.scap"
    with open(path, "wb") as out:
        done = subprocess.run([BINARY, "record", "-w", "-", "--for", "1"], stdout=out, stderr=subprocess.PIPE,
                              timeout=60, check=False)
    assert done.returncode == 0
    assert b"recorded" in done.stderr
    assert path.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    subprocess.run(["sysdig", "-r", path, "-p", "%evt.num"], check=True, stdout=subprocess.DEVNULL)


def test_a_reader_that_goes_away_ends_it(capture):
    with subprocess.Popen([BINARY, "record", "-w", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(1000)
        process.stdout.close()
        messages = process.stderr.read()
        assert process.wait(60) == 1
    assert b"cannot be written" in messages


@pytest.mark.parametrize("options, signals", [(["--for", "2"], 0), ([], 1)], ids=["time", "signal"])
def test_a_reader_that_stopped_reading_does_not_hold_it(capture, options, signals):
    with subprocess.Popen([BINARY, "record", "-w", "-", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert b"recording" in process.stderr.readline()
        for _ in range(signals):
            time.sleep(2)
            process.send_signal(signal.SIGTERM)
        messages = process.stderr.read()
        assert process.wait(60) == 1
    assert b"cannot be written" in messages


def test_only_for_its_owner(record):
    recording = record()
    assert recording.stop() == 0
    assert recording.path.stat().st_mode & 0o777 == 0o600


def test_with_the_capabilities_that_the_readme_names(capture, scratch):
    """Nothing of it may need CAP_SYS_ADMIN, such as looking for types in the BTF of modules."""
    caps = "+bpf,+perfmon,+sys_ptrace,+dac_read_search"
    os.chmod(scratch, 0o777)
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", f"--inh-caps={caps}", f"--ambient-caps={caps}",
         BINARY, "record", "-w", scratch / "r.scap", "--for", "0.2"], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (scratch / "r.scap").stat().st_size > 1000


def test_the_recorder_itself_is_left_out(record):
    recording = record()
    pid = recording.process.pid
    assert recording.stop() == 0
    assert recording.number("of the recorder itself left out") > 0
    assert not sysdig(recording.path, ["evt.num"], f"proc.pid={pid}")


def test_a_filter_keeps_the_state(record, scratch):
    recording = record("--filter", f"evt.type=unlink or (evt.type=openat and fd.name startswith {scratch}/a/two)")
    actor = Actor(scratch / "a", "files", "chain").end()
    assert recording.stop() == 0
    events = sysdig(recording.path, ["evt.type", "evt.dir"])
    assert {e["evt.type"] for e in events} == {"unlink", "openat"}
    mine = read(recording, actor)
    find(mine, leave("openat", fd__name=f"{actor.folder}/two  spaces"))
    found = find(mine, leave("unlink", evt__args=has("sub/renamed")))
    assert found["proc.exepath"].startswith("/usr/bin/python3")
    assert found["proc.cmdline"] == f"python3 {ACTOR} {actor.folder} files chain"
    assert found["proc.cwd"] == f"{actor.folder}/"
    assert recording.number("for state only") > 0
    assert recording.number("events") == len([e for e in events if e["evt.dir"] == "<"])


def test_a_filter_that_is_none(capture, scratch):
    done = subprocess.run([BINARY, "record", "-w", scratch / "x", "--filter", "evt.type = ("], capture_output=True,
                          check=False, timeout=60)
    assert done.returncode == 1
    assert b"filter:1:" in done.stderr
    assert not (scratch / "x").exists()


@pytest.mark.parametrize("arguments, code", [
    ([], 2), (["-w"], 2), (["-w", "x", "--for", "soon"], 2), (["-w", "x", "--for", "-1"], 2), (["-w", "x", "y"], 2),
    (["-w", "/nonexistent/x"], 1), (["-w", "/"], 1),
])
def test_wrong_use(capture, scratch, arguments, code):
    done = subprocess.run([BINARY, "record", *arguments], cwd=scratch, capture_output=True, check=False, timeout=60)
    assert done.returncode == code
    assert done.stderr


@pytest.mark.parametrize("name", ["r.scap", "r.scap.gz"])
def test_a_full_disk(record, scratch, name):
    disk = scratch / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=True)
    try:
        recording = record(name=f"disk/{name}")
        while recording.process.poll() is None:
            Actor(scratch / "a", "many").end()
        assert recording.wait() == 1
        assert "No space left on device" in recording.text()
        # What is there is whole: no error, and events of the actors.
        assert sysdig(recording.path, ["evt.num"], "evt.type=openat and proc.name=python3")
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("name", ["r.scap", "r.scap.gz"])
def test_killed(record, scratch, name):
    recording = record("--filter", f"fd.name startswith {scratch}", name=name)
    actor = Actor(scratch / "a", "files").end()
    row = leave("openat", fd__name=f"{actor.folder}/plain")
    deadline = time.monotonic() + 60
    while True:
        try:
            find(read(recording, actor, check=False), row)
            break
        except AssertionError:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    recording.stop(signal.SIGKILL)
    find(read(recording, actor, check=False), row)


def test_many_events_stay_whole(record, scratch):
    recording = record()
    actor = Actor(scratch / "a", "many").end()
    assert recording.stop() == 0
    opens = sysdig(recording.path, ["proc.exepath"],
                   f"proc.pid={actor.process.pid} and evt.type=openat and evt.dir=< and fd.name=/etc/hostname")
    assert recording.number("events lost") == 0
    assert len(opens) == 20000
    assert {e["proc.exepath"] for e in opens} == {os.path.realpath("/usr/bin/python3")}


def test_hostile_names(record, scratch):
    recording = record()
    actor = Actor(scratch / "a", "hostile").end()
    assert recording.stop() == 0
    events = read(recording, actor)
    find(events, leave("openat", fd__name=f"{actor.folder}/{'x' * 255}"))
    find(events, leave("openat", fd__name=f"{actor.folder}/after"))
    # sysdig gives up at 1,024 bytes; the file does not.
    find(events, leave("openat", fd__name="/PATH_TOO_LONG", evt__args=has("/" + "d" * 250 + "/" + "d" * 250)))
    assert len([e for e in events if e["evt.type"] == "execve" and e["proc.name"] == "true" and e["evt.dir"] == "<"]) >= 5


def test_beside_the_daemon(record, make_daemon, scratch):
    daemon = make_daemon()
    daemon.start()
    recording = record()
    actor = Actor(scratch / "a", "files").end()
    assert recording.stop() == 0
    find(read(recording, actor), leave("openat", fd__name=f"{actor.folder}/plain"))
    assert daemon.get("/v1/status")["capture"]["dropped_total"] == 0


RULES = """
- list: names
  items: [plain, sub/renamed, "two  spaces"]
- macro: mine
  condition: (proc.cwd startswith FOLDER)
- rule: a file was opened
  condition: mine and evt.type in (open, openat, openat2) and fd.name startswith FOLDER/ and evt.failed=false
  output: name=%fd.name type=%fd.type flags=%evt.arg.flags FIELDS
  desc: one of a test
  priority: WARNING
- rule: a file could not be opened
  condition: mine and evt.type=openat and evt.res=ENOENT and fd.name endswith missing
  output: name=%evt.arg.name res=%evt.res FIELDS
  desc: one of a test
  priority: WARNING
- rule: a name went away
  condition: mine and evt.type in (unlink, rename, rmdir)
  output: path=%evt.arg.path old=%evt.arg.oldpath new=%evt.arg.newpath FIELDS
  desc: one of a test
  priority: WARNING
- rule: a program ran
  condition: evt.type=execve and (proc.cwd startswith FOLDER) and evt.res=SUCCESS
  output: args=%proc.args memfd=%proc.is_exe_from_memfd FIELDS
  desc: one of a test
  priority: WARNING
- rule: a connection was made
  condition: mine and evt.type in (connect, accept, accept4) and fd.type in (ipv4, ipv6)
  output: name=%fd.name proto=%fd.l4proto server=%fd.sport FIELDS
  desc: one of a test
  priority: WARNING
- rule: somebody became another
  condition: mine and evt.type=setuid
  output: uid=%evt.arg.uid FIELDS
  desc: one of a test
  priority: WARNING
"""
SHOWN = ("type=%evt.type proc=%proc.name pid=%proc.pid ppid=%proc.ppid exe=%proc.exepath cmd=%proc.cmdline "
         "a1=%proc.aname[1] a2=%proc.aname[2] cwd=%proc.cwd user=%user.name res=%evt.rawres")


def test_a_replay_raises_what_the_daemon_raised(record, make_daemon, scratch):
    folder = scratch / "a"
    rules = scratch / "rules.yaml"
    rules.write_text(RULES.replace("FOLDER", str(folder)).replace("FIELDS", SHOWN), encoding="utf-8")
    daemon = make_daemon(f"rules.files=[{rules}]")
    daemon.start()
    recording = record()
    actor = Actor(folder, "files", "chain", "tcp4", "tcp6", "memfd", "user").end()
    assert recording.stop() == 0
    last = f"pid={actor.did['user']['child']} "
    daemon.wait_for("the last alert", lambda: [
        a for a in daemon.items("/v1/alerts?limit=1000") if "became" in a["rule"] and last in a["output"]], 30)
    live = alerts(daemon.items("/v1/alerts?limit=1000"))
    done = subprocess.run([BINARY, "replay", recording.path, "--set", f"rules.files=[{rules}]", "--json"],
                          capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert alerts([a for a in told if "rule" in a]) == live
    assert {rule for rule, _ in live} == {line[8:] for line in RULES.splitlines() if line.startswith("- rule: ")}


def alerts(items):
    """Rule and text of each, without time and priority, in order."""
    return sorted((a["rule"], a["output"].partition(" ")[2]) for a in items)
