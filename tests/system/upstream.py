"""The stage for tests of upstream rules: one daemon with all of them, containers, actions, and what the rules said.

An action is a program that is started on the host or in a container with ETHO_CASE in its environment. Every rule's
output is appended (by an override, as a user would) with that variable, of the process or of its nearest ancestor: so
each alert belongs to an action. After an action the test itself opens a file that only it can name; events keep their
order, so when the alert of that open is there, all of the action's are."""

import json
import os
import pty
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from containers import make_rootfs, need
from system_harness import ROOT, Daemon, unique

REFERENCE = ROOT.parent / "shared" / "reference" / "rules"
FILES = ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")
ACTOR_SOURCE = Path(__file__).with_name("upstream_actor.c")
MARK = "ETHO_CASE"
ENDED = "/ethogram-case-ended/"
IMAGE = "registry.example/team/box"
OWN_FIELDS = (f"proc.env[{MARK}]", f"proc.aenv[{MARK}]", "evt.time")
CAPABILITY_NAMES = [
    "CAP_" + name for name in (
        "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
        "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT "
        "SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
        "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()
]


def all_capabilities():
    """Those that we may give: a test may itself run without some."""
    ours = int(re.search(r"^CapBnd:\s*(\w+)", Path("/proc/self/status").read_text(), re.M).group(1), 16)
    return [name for bit, name in enumerate(CAPABILITY_NAMES) if ours >> bit & 1]


def rule_names(path):
    return re.findall(r"^- rule: *(.*?) *$", path.read_text(), re.M)


def local_rules():
    """What a user adds: the mark to every output, and the end of an action."""
    mark = f" case=%proc.env[{MARK}] acase=%proc.aenv[{MARK}] container=%container.id"
    own = [{"rule": "Case ended", "desc": "of the test", "priority": "INFO", "output": "%fd.name",
            "condition": f"evt.type=openat and fd.name startswith {ENDED}"},
           {"rule": "Known", "desc": "of the test", "priority": "INFO",
            "output": f"%user.name %container.id %container.image.repository %proc.env[{MARK}]",
            "condition": "evt.type in (open, openat) and fd.name=/ethogram-known"}]
    names = dict.fromkeys(name for file in FILES for name in rule_names(REFERENCE / file))
    return own + [{"rule": name, "output": mark, "override": {"output": "append"}} for name in names]


class Proc:
    """A process as rules see it. argv[0] is what it was called; name and exepath follow where they are as usual."""

    def __init__(self, argv, name=None, exepath=None):
        self.argv = shlex.split(argv) if isinstance(argv, str) else list(argv)
        self.given_name, self.exepath = name, exepath

    @property
    def name(self):
        return (self.given_name or os.path.basename(self.argv[0]))[:15]

    def cmdline(self):
        return " ".join([self.name, *self.argv[1:]])


def comm(pid):
    return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def lineage_above_us():
    """Names of this process and its ancestors."""
    names, pid = [], os.getpid()
    while pid:
        names.append(comm(pid))
        pid = parent_of(pid)
    return names


def our_cmdline():
    arguments = Path("/proc/self/cmdline").read_bytes().split(b"\0")[1:-1]
    return " ".join([comm("self"), *(a.decode() for a in arguments)])


def our_loginuid():
    value = int(Path("/proc/self/loginuid").read_text()) if Path("/proc/self/loginuid").exists() else 2**32 - 1
    return -1 if value == 2**32 - 1 else value


def our_tty():
    return int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[4])


class Box:
    """A container under runc that sleeps; its root is an overlay of one common rootfs."""

    def __init__(self, stage, name, ident, capabilities=(), privileged=False):
        self.stage, self.name, self.id = stage, name, ident
        self.privileged = privileged
        self.capabilities = list(capabilities)
        self.bundle = stage.tmp / f"bundle-{name}"
        self.process = None
        self.overlay = None
        self.refused = ""  # why it cannot be started

    def mount(self):
        """The rootfs below, what the container writes above."""
        root = self.bundle / "rootfs"
        for folder in (root, self.bundle / "upper", self.bundle / "work"):
            folder.mkdir(parents=True)
        options = f"lowerdir={self.stage.rootfs},upperdir={self.bundle}/upper,workdir={self.bundle}/work"
        done = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(root)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no overlay can be mounted here: {done.stderr.strip()}")
        self.overlay = root

    def configure(self, args, env=(), terminal=False):
        if not self.overlay:
            self.mount()
        (self.bundle / "config.json").unlink(missing_ok=True)
        subprocess.run(["runc", "spec"], cwd=self.bundle, check=True)
        config = json.loads((self.bundle / "config.json").read_text())
        config["process"]["terminal"] = terminal
        config["process"]["args"] = list(args)
        config["process"]["env"] += [*env]
        config["root"]["readonly"] = False
        config["annotations"] = {"org.opencontainers.image.ref.name": f"{IMAGE}:1"}
        for kind in ("bounding", "effective", "permitted"):
            config["process"]["capabilities"][kind] = self.capabilities
        config["process"]["capabilities"].pop("inheritable", None)
        config["process"]["capabilities"].pop("ambient", None)
        if self.privileged:
            config["linux"].pop("maskedPaths"), config["linux"].pop("readonlyPaths")
            config["linux"]["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
        (self.bundle / "config.json").write_text(json.dumps(config))

    def start(self, args=("/bin/sleep", "100000")):
        if self.refused:
            pytest.skip(self.refused)
        self.configure(args)
        with open(self.bundle / "log", "w") as log:
            self.process = subprocess.Popen(["runc", "run", self.id], cwd=self.bundle,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(100):
            done = subprocess.run(["runc", "state", self.id], capture_output=True, text=True, check=False)
            if done.returncode == 0 and json.loads(done.stdout)["status"] == "running":
                return self
            if self.process.poll() is not None:
                self.refused = f"no container can be started here: {(self.bundle / 'log').read_text()[-300:]}"
                pytest.skip(self.refused)
            time.sleep(0.05)
        raise AssertionError("a container does not start")

    def stop(self):
        subprocess.run(["runc", "delete", "-f", self.id], check=False, capture_output=True)
        if self.process:
            self.process.wait(10)
        if self.overlay:
            subprocess.run(["umount", str(self.overlay)], check=False)


class Stage:
    def __init__(self, tmp):
        self.tmp = tmp
        self.boxes = {}
        self.alerts = tmp / "alerts.jsonl"
        self.read_to = 0
        self.pending = []
        self.daemon = None
        self.rootfs = tmp / "rootfs"
        self.actor = tmp / "actor"
        self.above = lineage_above_us()

    def start(self):
        need("runc", "cc", "/bin/busybox")
        subprocess.run(["cc", "-static", "-O1", "-pthread", "-o", self.actor, ACTOR_SOURCE], check=True)
        make_rootfs(self.rootfs)
        shutil.copy(self.actor, self.rootfs / "actor")
        (self.rootfs / "etc/shadow").write_text("inside:*:1::::::\n")
        for applet in ("nc", "ls", "mount", "wget", "base64", "tar", "cp"):
            (self.rootfs / "bin" / applet).symlink_to("busybox")
        for name in ("debugfs", "kubectl", "apt-get", "scp", "npm"):
            os.link(self.rootfs / "actor", self.rootfs / "bin" / name)
        (self.tmp / "d").mkdir()
        (self.tmp / "local.yaml").write_text(json.dumps(local_rules()))
        files = ", ".join([*(str(REFERENCE / f) for f in FILES), str(self.tmp / "local.yaml")])
        self.daemon = Daemon(self.tmp / "d", [
            f"rules.files=[{files}]", 'rules.enable=["*"]', "outputs=[{file: {path: %s, format: json}}]" % self.alerts,
        ])
        self.daemon.start()
        return self

    def box(self, name):
        """The container of that name, running and known."""
        if name not in self.boxes:
            self.boxes[name] = BOXES[name](self, name)
        if not self.boxes[name].process or self.boxes[name].refused:
            self.boxes[name].start()
            self.daemon.wait_for(f"container {name} to be known", lambda: self.is_known(self.boxes[name]), 20, 0.2)
        return self.boxes[name]

    def is_known(self, box):
        """Whether a process of it has the container's own users and metadata."""
        subprocess.run(["runc", "exec", "-e", f"{MARK}=known", box.id, "/bin/cat", "/ethogram-known"],
                       capture_output=True, check=False)
        return any(a["output_fields"]["user.name"] == "inside" and a["output_fields"]["container.id"] == box.id[:12]
                   for a in self.alerts_of("known"))

    def stop(self):
        for box in self.boxes.values():
            box.stop()
        if self.daemon and self.daemon.process:
            code = self.daemon.stop()
            assert code == 0, f"exit {code}:\n{self.daemon.log_tail()}"

    def new_alerts(self):
        """Those written since the last call."""
        if not self.alerts.exists():
            return []
        with open(self.alerts, "rb") as file:
            file.seek(self.read_to)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self.read_to += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def alerts_of(self, mark):
        """All alerts of an action that has ended."""
        try:
            os.open(ENDED + mark, os.O_RDONLY)
        except FileNotFoundError:
            pass
        found = []

        def ended():
            for alert in self.new_alerts():
                fields = alert["output_fields"]
                if alert["rule"] == "Case ended":
                    if fields["fd.name"] == ENDED + mark:
                        return True
                elif mark in (fields.get(OWN_FIELDS[0]), fields.get(OWN_FIELDS[1])):
                    found.append(alert)
            return False

        self.daemon.wait_for(f"the end of {mark}", ended, 20, 0.01)
        return found

    def text(self, value):
        """Placeholders of the cases; other values as they are."""
        if isinstance(value, str):
            return value.replace("{tmp}", str(self.tmp)).replace("{actor}", str(self.actor))
        return value

    def copy_actor(self, name):
        """The actor under another name."""
        path = self.tmp / "as" / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            shutil.copy(self.actor, path)
        return str(path)


    def enter(self, name, argv, mark):
        """A container of its own that once it is known executes argv as its first process."""
        box = BOXES[name](self, f"{name}-{mark}")
        self.boxes[box.name] = box
        box.start(["/actor", "awaits", "/go", "marked", f"{MARK}={mark}", "exec", argv[0], *argv])
        self.daemon.wait_for(f"container {name} to be known", lambda: self.is_known(box), 20, 0.1)
        (box.overlay / "go").touch()
        box.process.wait(20)
        return box


BOXES = {
    "network": lambda stage, name: Box(stage, name, secrets.token_hex(32), ["CAP_KILL", "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE"]),
    "plain": lambda stage, name: Box(stage, name, secrets.token_hex(32), ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID"]),
    "capable": lambda stage, name: Box(stage, name, secrets.token_hex(32), ["CAP_KILL", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_DAC_OVERRIDE"]),
    "privileged": lambda stage, name: Box(stage, name, secrets.token_hex(32), all_capabilities(), privileged=True),
}


def wait_ended(process, what):
    try:
        return process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"does not end: {what}") from None


class Host:
    """A program started on the host."""

    def __init__(self, *argv, of=None, cwd=None, env=None, terminal=False, before=(), after=()):
        self.argv, self.of, self.cwd, self.terminal = argv, of, cwd, terminal
        self.env, self.before, self.after = env or {}, before, after

    def perform(self, stage, mark):
        argv = [stage.text(a) for a in self.argv]
        if argv[0].startswith("as:"):
            argv[0] = stage.copy_actor(argv[0][3:])
        for command in self.before:
            subprocess.run(stage.text(command), shell=True, check=True, executable="/bin/bash")
        env = {"PATH": os.environ["PATH"], "HOME": "/root", MARK: mark, **{k: stage.text(v) for k, v in self.env.items()}}
        try:
            run_and_wait(argv, env, stage.text(self.cwd), self.terminal)
        finally:
            for command in self.after:
                subprocess.run(stage.text(command), shell=True, check=False, executable="/bin/bash")

    def chain(self, stage):
        """From the process that acts to the one that we started, then those above."""
        of = self.of or [Proc(self.argv)]
        return [resolve(stage, p if isinstance(p, Proc) else Proc(p), host=True) for p in of], stage.above

    def started(self):
        """When the process namespace was: ours with the machine."""
        with open("/proc/stat", encoding="ascii") as file:
            boot_s = next(int(line.split()[1]) for line in file if line.startswith("btime"))
        return Some(lambda ns: abs(ns / 1e9 - boot_s) < 5, "the machine's start")

    def facts(self, stage):
        return {
            "user.name": "root", "user.uid": 0, "user.loginuid": our_loginuid(),
            "proc.tty": Some(lambda tty: tty > 0, "a terminal") if self.terminal else our_tty(),
            "user.loginname": "<NA>" if our_loginuid() == -1 else "root",
            "container.id": "host", "group.gid": 0, "group.name": "root", "proc.cwd": folder(stage.text(self.cwd) or os.getcwd()),
            "container.start_ts": self.started(), "proc.sname": ANY, "evt.arg.flags": "EXE_WRITABLE",
        }


class In(Host):
    """A program started by runc exec in one of the stage's containers."""

    def __init__(self, box, *argv, **how):
        self.box = box
        self.box_id = None  # of the last performance
        super().__init__(*argv, **how)

    def perform(self, stage, mark):
        box = stage.box(self.box)
        self.box_id = box.id
        argv = [stage.text(a) for a in self.argv]
        options = ["-e", f"{MARK}={mark}", *(w for k, v in self.env.items() for w in ("-e", f"{k}={v}"))]
        if self.cwd:
            options += ["--cwd", self.cwd]
        if self.terminal:
            options.append("-t")
        for command in self.before:
            subprocess.run(["runc", "exec", box.id, "/bin/sh", "-c", command], check=True)
        run_and_wait(["runc", "exec", *options, box.id, *argv], dict(os.environ), None, self.terminal)

    def chain(self, stage):
        of = self.of or [Proc(self.argv)]
        return [resolve(stage, p if isinstance(p, Proc) else Proc(p), host=False) for p in of], ["runc", *stage.above]

    def facts(self, stage):
        return {
            **super().facts(stage), "container.id": self.box_id[:12], "user.name": "inside", "group.name": "root", "proc.cwd": folder(self.cwd or "/"),
            "evt.arg.flags": "EXE_WRITABLE|EXE_LOWER_LAYER", "proc.tty": 34816 if self.terminal else 0,
        }

    def started(self):
        since = Path(f"/proc/{os.getpid()}").stat().st_ctime_ns
        return Some(lambda ns: since - 10**9 < ns < time.time_ns(), "a moment of this test")


class Enter(In):
    """A program as the first process of a container; the container's runtime has been asked about it before."""

    def perform(self, stage, mark):
        self.box_id = stage.enter(self.box, self.argv, mark).id


class Run(In):
    """A program as the first process of a container under a name of its own, of which nothing was known before."""

    def perform(self, stage, mark):
        box = BOXES[self.box](stage, f"{self.box}-{mark}")
        stage.boxes[box.name] = box
        self.box_id = box.id = unique("shop-")
        box.configure(self.argv, [f"{MARK}={mark}"], self.terminal)
        run_and_wait(["runc", "run", box.id], dict(os.environ), box.bundle, self.terminal)

    def facts(self, stage):
        return {**super().facts(stage), "user.name": Some(lambda name: name in ("root", "inside"), "the name of user 0")}


def run_and_wait(argv, env, cwd, terminal):
    """With a terminal as its own where asked for."""
    if not terminal:
        with subprocess.Popen(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            wait_ended(process, argv)
        return
    master, slave = pty.openpty()
    process = subprocess.Popen(argv, env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=slave,
                               preexec_fn=take_terminal)
    os.close(slave)
    try:
        os.set_blocking(master, False)
        end = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < end:
            drain(master)
            time.sleep(0.01)
        wait_ended(process, argv)
    finally:
        os.close(master)


def take_terminal():
    import fcntl  # in the child
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def drain(fd):
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass


class Anything:
    """Equal to every value."""

    def __eq__(self, other):
        return True

    def __repr__(self):
        return "ANY"


ANY = Anything()


class Some:
    """Equal to the values for which a function is true."""

    def __init__(self, is_so, what):
        self.is_so, self.what = is_so, what

    def __eq__(self, other):
        return self.is_so(other)

    def __repr__(self):
        return self.what


def folder(path):
    return path if path.endswith("/") else path + "/"


def resolve(stage, proc, host):
    """Fill in where the image lies."""
    proc = Proc([stage.text(a) for a in proc.argv], proc.given_name, stage.text(proc.exepath))
    if proc.argv[0].startswith("as:"):
        proc.argv[0] = stage.copy_actor(proc.argv[0][3:])
    if proc.exepath is None:
        if host:
            proc.exepath = os.path.realpath(shutil.which(proc.argv[0]) or proc.argv[0])
        else:
            path = proc.argv[0] if proc.argv[0].startswith("/") else f"/bin/{proc.argv[0]}"
            inside = stage.rootfs / path[1:]
            proc.exepath = "/bin/busybox" if inside.is_symlink() else path
    return proc


class Alert:
    """An alert that is to come. Fields: where they are not what the action alone says; `of` as for actions."""

    def __init__(self, rule, fields=None, of=None):
        self.rule, self.fields, self.of = rule, fields or {}, of

    def expected(self, stage, action):
        """Values of all fields that a rule may show of this action."""
        saved, action.of = action.of, self.of or action.of
        chain, above = action.chain(stage)
        action.of = saved
        me = chain[0]
        values = {
            **action.facts(stage), "proc.name": me.name, "proc.exe": me.argv[0], "proc.exepath": me.exepath,
            "proc.cmdline": me.cmdline(), "proc.args": " ".join(me.argv[1:]),
        }
        names = [p.name for p in chain] + above
        for i in range(1, 8):
            values[f"proc.aname[{i}]"] = names[i] if i < len(names) else None
        values["proc.pname"] = names[1]
        if len(chain) > 1:
            up = chain[1]
            values.update({"proc.pcmdline": up.cmdline(), "proc.pexe": up.argv[0], "proc.pexepath": up.exepath})
        elif above is stage.above:
            values["proc.pcmdline"] = our_cmdline()
        else:
            values["proc.pexepath"] = os.path.realpath(shutil.which("runc"))
            values["proc.aexepath[2]"] = os.path.realpath(sys.executable)
        return {**values, **{k: stage.text(v) for k, v in self.fields.items()}}


def shown(rule, fields):
    return rule + "".join(f"\n      {k} = {v!r}" for k, v in sorted(fields.items()))


def problems(stage, action, wanted, got):
    """What is different between the alerts that were to come and those that came."""
    out, left = [], list(got)
    for want in wanted:
        same = [a for a in left if a["rule"] == want.rule]
        if not same:
            out.append(f"missing: {want.rule}")
            continue
        values = want.expected(stage, action)
        best = min((differences(values, alert) for alert in same), key=lambda d: len(d[1]))
        left.remove(best[0])
        out += [f"{want.rule}: {field}: want {w!r}, got {g!r}" for field, w, g in best[1]]
    out += ["too many: " + shown(a["rule"], a["output_fields"]) for a in left]
    return out


def differences(values, alert):
    out = []
    for field, got in alert["output_fields"].items():
        if field not in OWN_FIELDS:
            want = values.get(field, "(not told)")
            if not want == got:
                out.append((field, want, got))
    return alert, out


def assert_fires(stage, case):
    mark = f"{case.name}-does"
    case.action.perform(stage, mark)
    wrong = problems(stage, case.action, case.alerts, stage.alerts_of(mark))
    assert not wrong, "\n   ".join(["", *wrong])


def assert_twin_is_silent(stage, case):
    mark = f"{case.name}-twin"
    case.twin.perform(stage, mark)
    alerts = stage.alerts_of(mark)
    assert not alerts, "\n   ".join(["", *(shown(a["rule"], a["output_fields"]) for a in alerts)])


def assert_has_case(rule, cases):
    """A module of cases has one of the rule, or says why it cannot."""
    if rule in cases.CANNOT:
        pytest.skip(cases.CANNOT[rule])
    assert rule in {alert.rule for case in cases.CASES for alert in case.alerts}, rule
