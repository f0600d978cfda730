"""Bad input and trouble: one clear sentence, the right exit code, nothing damaged."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from system_harness import BINARY, free_port


def run(*arguments, timeout=30, **kwargs):
    return subprocess.run(
        [str(BINARY), *map(str, arguments)], capture_output=True, text=True, errors="replace", timeout=timeout,
        check=False, **kwargs,
    )


@pytest.fixture(autouse=True)
def binary():
    if not BINARY.exists():
        pytest.skip("ethogram is not built")


def settings(folder, *more):
    rows = [
        f"storage.path={folder}/ethogram.db", f"api.listen=127.0.0.1:{free_port()}",
        f"api.unix_socket={folder}/s.sock", f"api.token_file={folder}/token", *more,
    ]
    return [word for row in rows for word in ("--set", row)]


BAD_CONFIGS = [
    ("unknown key", "learning:\n  epochs_s: 3\n", "2:3", "unknown key"),
    ("wrong type", "learning:\n  epoch_s: soon\n", "2:12", "expected a number"),
    ("unknown section", "lerning: {}\n", "1:1", "unknown key"),
    ("not YAML", "a: [\n", "2:1", "not YAML"),
]


@pytest.mark.parametrize("name,text,place,part", BAD_CONFIGS, ids=[b[0] for b in BAD_CONFIGS])
def test_bad_configuration(scratch, name, text, place, part):
    path = scratch / "c.yaml"
    path.write_text(text)
    for verb in (["run"], ["config", "check"]):
        done = run(*verb, "-c", path)
        assert done.returncode == 1
        assert f"{path}:{place}" in done.stderr and part in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not list(scratch.glob("*.db"))


def test_bad_rule(scratch):
    path = scratch / "r.yaml"
    path.write_text("- rule: r\n  desc: d\n  condition: evt.type = nonsense\n  output: o\n  priority: INFO\n")
    done = run("run", *settings(scratch, f"rules.files=[{path}]"))
    assert done.returncode == 1
    assert str(path) in done.stderr and "nonsense" in done.stderr, done.stderr
    assert not list(scratch.glob("*.db")), "nothing may be started"
    done = run("rules", "check", path)
    assert done.returncode == 1
    done = run("rules", "check", path, "--json")
    answer = json.loads(done.stdout)
    assert answer["successful"] is False and answer["errors"][0]["code"] == "LOAD_ERR_COMPILE_CONDITION"
    assert answer["errors"][0]["file"] == str(path) and answer["errors"][0]["line"] >= 1


def test_bad_dimension(scratch):
    path = scratch / "d.yaml"
    path.write_text("dimensions:\n  - name: x\n    evnts: [open]\n")
    done = run("run", *settings(scratch, f"learning.dimensions=[{path}]"))
    assert done.returncode == 1
    assert f"{path}:3:" in done.stderr, done.stderr


def test_port_taken(scratch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("run", *settings(scratch), "--set", f"api.listen=127.0.0.1:{port}")
    assert done.returncode == 1
    assert str(port) in done.stderr and "in use" in done.stderr.lower(), done.stderr


def test_database_in_use(make_daemon, scratch):
    daemon = make_daemon()
    daemon.start()
    before = daemon.get("/v1/status")["storage"]
    done = run("run", *settings(scratch), "--set", f"storage.path={daemon.folder}/ethogram.db")
    assert done.returncode == 1
    assert "in use" in done.stderr, done.stderr
    assert daemon.get("/v1/status")["storage"]["bytes"] >= before["bytes"]
    assert daemon.stop() == 0
    database = sqlite3.connect(daemon.folder / "ethogram.db")
    assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_newer_database(scratch):
    database = sqlite3.connect(scratch / "ethogram.db")
    database.execute("PRAGMA user_version = 9999")
    database.execute("CREATE TABLE t(x)")
    database.commit()
    database.close()
    content = (scratch / "ethogram.db").read_bytes()
    done = run("run", *settings(scratch))
    assert done.returncode == 1
    assert "newer" in done.stderr, done.stderr
    assert (scratch / "ethogram.db").read_bytes() == content


def test_damaged_database(scratch):
    (scratch / "ethogram.db").write_bytes(b"this is no database" * 1000)
    done = run("run", *settings(scratch))
    assert done.returncode == 1
    assert "ethogram.db" in done.stderr, done.stderr


def test_no_permission(scratch):
    if os.geteuid() != 0:
        pytest.skip("not root")
    os.chmod(scratch, 0o777)
    binary = scratch / "ethogram"
    shutil.copy(BINARY, binary)
    os.chmod(binary, 0o755)
    folder = scratch / "state"
    folder.mkdir()
    os.chmod(folder, 0o777)
    etc = BINARY.parent.parent / "etc"
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", str(binary), "run", *settings(folder),
         "--set", f"rules.files=[{etc}/rules/ethogram_rules.yaml]",
         "--set", f"learning.dimensions=[{etc}/dimensions/default.yaml]"],
        capture_output=True, text=True, timeout=30, check=False,
    )
    assert done.returncode == 1
    assert "root" in done.stderr or "CAP_BPF" in done.stderr, done.stderr


def test_disk_full(make_daemon, scratch):
    mount = scratch / "d"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(mount)], check=False).returncode:
        pytest.skip("cannot mount tmpfs")
    try:
        daemon = make_daemon("storage.checkpoint_s=1", "learning.epoch_s=1", name="d")
        daemon.start()
        filler = mount / "filler"
        with open(filler, "wb", buffering=0) as out:
            try:
                while True:
                    out.write(b"\0" * 4096)
            except OSError:
                pass
        for n in range(200):
            subprocess.run(["/bin/true", f"argument{n}"], check=True)
        time.sleep(3)
        assert daemon.process.poll() is None, daemon.log_tail()
        assert daemon.request("GET", "/healthz")[0] == 200
        filler.unlink()
        last = daemon.get("/v1/status")["storage"]["last_checkpoint"]
        daemon.wait_for(
            "checkpoints go on", lambda: daemon.get("/v1/status")["storage"]["last_checkpoint"] != last, 20, 0.5
        )
        assert daemon.stop() == 0
        database = sqlite3.connect(mount / "ethogram.db")
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        database.close()
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)


def test_clean_end(make_daemon):
    for how in (signal.SIGTERM, signal.SIGINT):
        daemon = make_daemon(name=how.name)
        daemon.start()
        assert daemon.stop(how) == 0


def test_reload(make_daemon, scratch):
    rules = scratch / "r.yaml"
    rule = "- rule: {}\n  desc: d\n  condition: evt.type = execve and proc.name = nosuchname\n  output: o\n  priority: INFO\n"
    rules.write_text(rule.format("first"))
    daemon = make_daemon(f"rules.files=[{rules}]")
    daemon.start()
    names = lambda: [r["name"] for r in daemon.items("/v1/rules")]
    assert names() == ["first"]
    rules.write_text(rule.format("second"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("the new rule", lambda: names() == ["second"], 5)
    rules.write_text("- rule: broken\n")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("a word about it", lambda: "broken" in daemon.log_tail(), 5)
    assert names() == ["second"]


@pytest.mark.parametrize("verb", ["run", "record", "replay", "rules", "filter", "format", "fields", "events", "config", "doctor"])
def test_help_of_a_verb(verb):
    done = subprocess.run([BINARY, verb, "--help"], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: ethogram {verb} ")
