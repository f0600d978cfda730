"""Captures through the verb replay: what it finds in real ones, that it repeats itself byte for byte, what becomes
of damaged ones."""

import json
import os
import re
import sqlite3
import struct
import subprocess
from pathlib import Path

import pytest

import scap_maker
from system_harness import BINARY, ROOT

REFERENCE = ROOT.parent / "shared" / "reference"
CAPTURES = sorted((REFERENCE / "scap").glob("*.scap"))
GOLDEN = ROOT / "tests" / "scap" / "golden"
PLAIN_RULES = ROOT / "tests" / "scap" / "rules.yaml"
UPSTREAM = ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")
SHIPPED_RULES = ROOT / "etc" / "rules" / "ethogram_rules.yaml"
DIMENSIONS = f"learning.dimensions=[{ROOT}/etc/dimensions/default.yaml]"
# Of the reference, with something to find in it.
RICH = REFERENCE / "scap" / "sf_files_files.scap"

needs_reference = pytest.mark.skipif(not CAPTURES, reason="no reference captures beside the project")
pytestmark = pytest.mark.skipif(not BINARY.exists(), reason="ethogram is not built")


def replay(*args, cwd=None, **env):
    return subprocess.run(
        [str(BINARY), "replay", *map(str, args)],
        capture_output=True, check=False, timeout=120, cwd=cwd, env={**os.environ, **env},
    )


def replay_plain(*args, **kwargs):
    return replay(*args, "--rules", PLAIN_RULES, "--set", DIMENSIONS, **kwargs)


def incident_free(out):
    """Alerts alone: incidents are told when they end, which a cut capture brings forward."""
    return [line for line in out.splitlines() if b": Incident i" not in line]


@needs_reference
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda c: c.stem)
def test_finds_what_was_found_before(capture):
    done = replay(
        capture, "--set", DIMENSIONS, "--rules", REFERENCE / "rules" / "falco_rules.yaml",
        "--rules", SHIPPED_RULES, "--rules", PLAIN_RULES
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == (GOLDEN / f"{capture.stem}.txt").read_text()


@needs_reference
def test_what_upstreams_rules_find():
    """All of them, also those that are disabled as shipped; tests/scap/golden/README.md says why these."""
    files = [w for name in UPSTREAM for w in ("--rules", REFERENCE / "rules" / name)]
    found = ""
    for capture in CAPTURES:
        done = replay(capture, "--set", DIMENSIONS, "--set", 'rules.enable=["*"]', *files)
        assert done.returncode == 0, done.stderr
        found += "".join(f"{capture.stem}: {line}\n" for line in done.stdout.decode().splitlines())
    assert found == (GOLDEN / "upstream.txt").read_text()


@needs_reference
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_repeats_itself_byte_for_byte(form, scratch):
    captures = [RICH, REFERENCE / "scap" / "sf_namespaces_setns.scap"]
    settings = ("--set", "learning.epoch_s=1", "--set", "learning.min_epochs=1", *form)
    first = replay_plain(*captures, *settings)
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.splitlines()) > 40
    for env in ({"TZ": "Asia/Tokyo"}, {"TZ": "America/New_York", "LC_ALL": "de_DE.UTF-8", "LANG": "C"}):
        again = replay_plain(*captures, *settings, cwd=scratch, **env)
        assert again.stdout == first.stdout
        assert again.stderr == first.stderr


@needs_reference
def test_files_follow_each_other():
    other = REFERENCE / "scap" / "sf_rename_rename.scap"
    both = replay_plain(RICH, other)
    assert both.returncode == 0
    assert both.stdout == replay_plain(RICH).stdout + replay_plain(other).stdout


@needs_reference
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_what_comes_before_a_cut_is_told(share, scratch):
    data = RICH.read_bytes()
    cut = scratch / "cut.scap"
    cut.write_bytes(data[: int(len(data) * share)])
    whole, part = replay_plain(RICH), replay_plain(cut)
    assert part.returncode == 2
    assert re.search(rb"cut\.scap.*byte \d+", part.stderr), part.stderr
    told = incident_free(part.stdout)
    assert told == incident_free(whole.stdout)[: len(told)]
    if share > 0.99:
        assert told


def test_damage_ends_the_replay_where_it_is(scratch):
    good = scap_maker.service(3, ["/etc/passwd"])
    damaged = scratch / "damaged.scap"
    damaged.write_bytes(good + struct.pack("<II", 0x216, 7) + b"\0" * 40)
    done = replay_plain(damaged)
    assert done.returncode == 2
    assert done.stdout.count(b"Account file read") == 1
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith(f"ethogram: {damaged}: byte {len(good)}: "), lines
    assert lines[1:] == ["ethogram: replay: 5 events: 1 alerts, 0 anomalies, 0 incidents"], "said once"


@pytest.mark.parametrize(
    "content",
    [b"", b"no capture at all", scap_maker.section()[:9], b"\x1f\x8b" + b"\xff" * 64,
     scap_maker.section() + struct.pack("<II", 0x216, 0xFFFFFFFC)],
    ids=["empty", "text", "stump", "broken gzip", "huge block"],
)
def test_what_is_no_capture_is_refused(content, scratch):
    path = scratch / "x.scap"
    path.write_bytes(content)
    done = replay_plain(path)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"x.scap" in done.stderr


def test_what_cannot_be_opened_is_refused(scratch):
    for path in (scratch / "missing.scap", scratch):
        done = replay_plain(path)
        assert done.returncode == 2
        assert done.stderr.count(str(path).encode()) == 1, done.stderr


def test_nothing_found_is_said(scratch):
    path = scratch / "service.scap"
    path.write_bytes(scap_maker.service(4, []))
    done = replay_plain(path)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == b"ethogram: replay: 5 events: 0 alerts, 0 anomalies, 0 incidents\n"


def test_a_good_file_before_an_unreadable_one_is_told(scratch):
    (scratch / "good.scap").write_bytes(scap_maker.service(3, ["/etc/passwd"]))
    (scratch / "bad.scap").write_bytes(b"bad" * 20)
    done = replay_plain(scratch / "good.scap", scratch / "bad.scap")
    assert done.returncode == 2
    assert done.stdout.count(b"Account file read") == 1
    assert b"bad.scap" in done.stderr


def test_usage(scratch):
    assert replay().returncode == 2
    assert replay(scratch / "x.scap", "--nonsense").returncode == 2
    assert replay(scratch / "x.scap", "--db").returncode == 2
    assert b"usage: ethogram replay FILE..." in replay().stderr


FAST = (
    "--set", "learning.epoch_s=1", "--set", "learning.min_epochs=20", "--set", "learning.hold_s=5",
    "--set", "learning.startup_s=1", "--set", "learning.ready_return_period_s=30",
    "--set", "anomaly.min_return_period_s=30", "--set", "anomaly.incident_window_s=10",
)


def test_a_service_that_breaks_character_is_told(scratch):
    """It learns on event time: three hundred seconds of a capture pass in no time."""
    path = scratch / "service.scap"
    path.write_bytes(scap_maker.service(300, ["/etc/shadow"]))
    done = replay_plain(path, *FAST, "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    alerts = [line for line in lines if "rule" in line]
    anomalies = [line for line in lines if line.get("kind") == "anomaly"]
    incidents = [line for line in lines if line.get("kind") == "incident"]
    assert len(lines) == len(alerts) + len(anomalies) + len(incidents)
    assert list(alerts[0]) == ["hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time"]
    assert alerts[0]["hostname"] == "made"
    assert alerts[0]["time"] == "2023-11-14T22:18:20Z" or alerts[0]["time"].startswith("2023-11-14T22:18:20.")
    assert [a["key"][-1] for a in anomalies] == ["shadow"]
    assert anomalies[0]["id"] == "a1" or anomalies[0]["id"].startswith("a")
    assert anomalies[0]["process"]["exe"] == "/usr/sbin/shopd"
    assert anomalies[0]["return_period_s"] >= 30
    assert len(incidents) == 1
    assert incidents[0]["anomalies"] >= 1
    text = replay_plain(path, *FAST).stdout.decode().splitlines()
    assert len(text) == len(lines)
    assert any(re.match(r"22:18:20\.0+: Anomaly a\d+ in exe:/usr/sbin/shopd: ", line) for line in text)
    assert any(re.search(r": Incident i\d+ in exe:/usr/sbin/shopd: ", line) for line in text)


def test_a_database_holds_what_was_told(scratch):
    path, db = scratch / "service.scap", scratch / "r.db"
    path.write_bytes(scap_maker.service(300, ["/etc/shadow", "/etc/passwd"]))
    done = replay_plain(path, *FAST, "--json", "--db", db)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    with sqlite3.connect(db) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        count = {t: base.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("alerts", "incidents")}
        assert base.execute("SELECT min(id) FROM alerts").fetchone() == (1,)
    assert count["alerts"] == sum("rule" in line for line in lines)
    assert count["incidents"] == sum(line.get("kind") == "incident" for line in lines)
    # Nothing of it depends on whether it is kept.
    assert replay_plain(path, *FAST, "--json").stdout == done.stdout


def test_a_database_is_gone_on_with(scratch):
    """Also when there was more than there was room for: gaps get ids of their own, and all can be read again."""
    path, db = scratch / "crowd.scap", scratch / "r.db"
    crowd = [scap_maker.process(100 + n, f"p{n}", f"/usr/bin/p{n}") for n in range(300)]
    started = [
        scap_maker.opened(1000 + (second if second % 100 < 50 else 0), second, "/srv/x") for second in range(400)
    ]
    path.write_bytes(scap_maker.section() + scap_maker.machine("made") + b"".join(crowd + started))
    gaps = []
    for _ in range(3):
        done = replay_plain(path, "--db", db, "--set", "limits.processes=64")
        assert done.returncode == 0 and b"warning" not in done.stderr, done.stderr
        with sqlite3.connect(db) as base:
            gaps.append(base.execute("SELECT id, from_ns, to_ns, reason, events FROM gaps ORDER BY id").fetchall())
    n = len(gaps[0])
    assert n > 2
    assert [row[1:] for row in gaps[2]] == [row[1:] for row in gaps[0]] * 3
    assert gaps[2][:n] == gaps[0]


@needs_reference
def test_workloads_that_never_existed_are_not_stored(scratch):
    """Known from the list of processes, evicted before the first look: nothing is known of them that could be read back."""
    capture, db = REFERENCE / "scap" / "sf_namespaces_setns.scap", scratch / "r.db"
    for _ in range(2):
        done = replay_plain(capture, "--db", db, "--set", "limits.processes=64")
        assert done.returncode == 0 and b"damaged" not in done.stderr, done.stderr


def test_nothing_is_left_behind(scratch):
    path = scratch / "service.scap"
    path.write_bytes(scap_maker.service(5, ["/etc/passwd"]))
    assert replay_plain(path, cwd=scratch).returncode == 0
    assert [p.name for p in scratch.iterdir()] == ["service.scap"]


def test_output_that_cannot_be_written_is_an_error(scratch):
    path = scratch / "service.scap"
    path.write_bytes(scap_maker.service(5, ["/etc/passwd"]))
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [str(BINARY), "replay", str(path), "--rules", str(PLAIN_RULES)],
            stdout=full, stderr=subprocess.PIPE, check=False, timeout=60,
        )
    assert done.returncode == 1
    assert b"standard output" in done.stderr
