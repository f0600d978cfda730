"""Rules that count and rules that follow a sequence: over captures, live, across a reload, under a flood of keys."""

import json
import os
import shutil
import subprocess
import sys

import scap_maker
from system_harness import BINARY, unique

COUNT = """
- rule: many
  desc: d
  condition: evt.type = open and fd.name startswith /srv/
  count: {{by: [proc.name], within: 10s, at_least: {at_least}{more}}}
  output: "n=%rule.count files=%rule.distinct name=%proc.name last=%fd.name"
  priority: WARNING
"""


def rule(name, more, output="n"):
    return f"- rule: {name}\n  desc: d\n  output: \"{output}\"\n  priority: WARNING\n{more}\n"


def replay(scratch, rules, capture, *more):
    (scratch / "rules.yaml").write_text(rules)
    (scratch / "made.scap").write_bytes(capture)
    done = subprocess.run(
        [str(BINARY), "replay", str(scratch / "made.scap"), "--rules", str(scratch / "rules.yaml"), "--json", *more],
        capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def alerts(out):
    lines = [json.loads(line) for line in out.splitlines()]
    return [line for line in lines if line.get("rule") in ("many", "chain")]


def two_services(times):
    out = scap_maker.section() + scap_maker.machine("made")
    out += scap_maker.process(100, "shopd", "/usr/sbin/shopd") + scap_maker.process(200, "maild", "/usr/sbin/maild")
    for tid, at_s, path in times:
        out += scap_maker.opened(tid, at_s, path)
    return out


def test_a_capture_is_counted_by_its_own_time(scratch):
    capture = two_services([
        (100, 0, "/srv/a"), (200, 1, "/srv/a"), (100, 5, "/srv/a"), (100, 10, "/srv/b"),  # full, to the nanosecond
        (100, 11, "/srv/c"), (100, 12, "/srv/d"),                                         # silence
        (200, 11.5, "/srv/a"), (200, 12, "/srv/a"),                                       # too slow by half a second
        (100, 19, "/srv/e"), (100, 21, "/srv/f"),                                         # full again: three told late
        (200, 21, "/etc/a"),
    ])
    out = replay(scratch, COUNT.format(at_least=3, more=""), capture)
    told = [(a["output_fields"]["proc.name"], a["output_fields"]["rule.count"], a["time"][17:19]) for a in alerts(out)]
    assert [t[:2] for t in told] == [("shopd", 3), ("shopd", 4)]
    first = alerts(out)[0]
    assert "n=3 files=<NA> name=shopd last=/srv/b" in first["output"]
    assert first["output_fields"]["rule.since"] == scap_maker.START_NS
    assert first["output_fields"]["rule.complete"] is True
    assert replay(scratch, COUNT.format(at_least=3, more=""), capture) == out


def test_different_values_are_counted_once(scratch):
    capture = two_services([
        (100, 0, "/srv/a"), (100, 1, "/srv/a"), (100, 2, "/srv/b"), (200, 3, "/srv/c"), (100, 4, "/srv/c"),
    ])
    found = alerts(replay(scratch, COUNT.format(at_least=3, more=", distinct: fd.name"), capture))
    assert [a["output_fields"]["rule.distinct"] for a in found] == [["/srv/a", "/srv/b", "/srv/c"]]
    assert found[0]["output_fields"]["rule.count"] == 3


def test_a_sequence_names_its_steps(scratch):
    text = rule(
        "chain",
        "  sequence:\n    - name: read\n      condition: evt.type = open and fd.name = /srv/secret\n"
        "    - evt.type = open and fd.name = /srv/out\n  within: 60s\n",
        "%rule.step.proc[read] at %rule.step.time[1] then %proc.name",
    )
    capture = two_services([
        (100, 0, "/srv/out"), (200, 1, "/srv/secret"), (100, 2, "/srv/secret"), (200, 62, "/srv/out"),
        (200, 63, "/srv/out"),
    ])
    found = alerts(replay(scratch, text, capture))
    assert len(found) == 1
    fields = found[0]["output_fields"]
    assert f"shopd at {scap_maker.START_NS + 2_000_000_000} then maild" in found[0]["output"]
    assert (fields["rule.step.proc[1]"], fields["rule.step.proc[2]"]) == ("shopd", "maild")
    assert (fields["rule.step.pid[1]"], fields["rule.step.pid[2]"]) == (100, 200)
    assert (fields["rule.step.type[1]"], fields["rule.step.type[2]"]) == ("open", "open")
    assert fields["rule.since"] == scap_maker.START_NS + 2_000_000_000


ACTOR = """
import os, sys
for path in sys.argv[1:]:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        pass
"""


class Actor:
    """A copy of the interpreter, so that rules can tell what it does from what else happens."""

    def __init__(self, scratch):
        self.program = scratch / unique("actor")
        shutil.copy(os.path.realpath(sys.executable), self.program)
        self.condition = f"evt.type in (open, openat, openat2) and evt.failed = true and proc.exepath = {self.program}"

    def run(self, *paths):
        subprocess.run([self.program, "-I", "-S", "-c", ACTOR, *map(str, paths)], check=True, timeout=60)


def told(daemon, name, n):
    def look():
        found = [a for a in daemon.items("/v1/alerts") if a["rule"] == name]
        return found if len(found) >= n else None

    return daemon.wait_for(f"{n} alerts of {name}", look, 20)


def hits(daemon):
    return {r["name"]: r["hits_total"] for r in daemon.items("/v1/rules")}


def test_doors_that_are_tried(make_daemon, scratch):
    actor = Actor(scratch)
    missing = f"{actor.condition} and fs.path.name startswith {scratch}/door-"
    (scratch / "rules.yaml").write_text(
        rule("five", f"  condition: {missing}\n  count: {{by: [proc.pid], within: 60s, at_least: 5, distinct: fs.path.name}}",
             "%rule.count %rule.distinct") +
        rule("six", f"  condition: {missing}\n  count: {{by: [proc.pid], within: 60s, at_least: 6, distinct: fs.path.name}}") +
        rule("seen", f"  condition: {missing}")
    )
    daemon = make_daemon(f"rules.files=[{scratch}/rules.yaml]", "learning.dimensions=[]")
    daemon.start()
    doors = [scratch / f"door-{i}" for i in range(5)]
    actor.run(*doors[:4])  # a benign one, twice: four doors by each of two processes
    actor.run(*doors[:4], *doors[:4])
    actor.run(*doors)
    found = told(daemon, "five", 1)
    assert hits(daemon) == {"five": 1, "six": 0, "seen": 17}
    fields = found[0]["output_fields"]
    assert fields["rule.count"] == 5 and fields["rule.distinct"] == [str(d) for d in doors]
    windows = daemon.get("/v1/status")["rules"]["windows"]
    assert windows["rules"] == 2 and windows["keys"] == 6 and windows["evicted_total"] == 0
    rules = {r["name"]: r["window"] for r in daemon.items("/v1/rules")}
    assert rules["seen"] is None
    assert rules["five"] == "count by proc.pid within 60s at_least 5 distinct fs.path.name"


def test_written_then_run(make_daemon, scratch):
    (scratch / "rules.yaml").write_text(rule(
        "dropped",
        "  sequence:\n"
        "    - name: written\n"
        "      condition: evt.type in (open, openat, openat2, creat) and evt.is_open_write = true\n"
        "      by: [fd.name]\n"
        "    - name: run\n"
        "      condition: evt.type in (execve, execveat)\n"
        "      by: [proc.exepath]\n"
        f"  condition: fd.name startswith {scratch}/ or proc.exepath startswith {scratch}/\n"
        "  within: 5m\n",
        "%proc.exepath by %rule.step.proc[written]",
    ))
    there = scratch / "there-before"
    shutil.copy("/bin/true", there)
    daemon = make_daemon(f"rules.files=[{scratch}/rules.yaml]", "learning.dimensions=[]")
    daemon.start()
    subprocess.run([there], check=True)                      # run, not written
    shutil.copy("/bin/true", scratch / "written-only")       # written, not run
    dropped = scratch / "dropped"
    subprocess.run(["cp", "/bin/true", dropped], check=True)
    subprocess.run([dropped], check=True)
    subprocess.run([dropped], check=True)                    # done is done
    found = told(daemon, "dropped", 1)
    assert hits(daemon) == {"dropped": 1}
    fields = found[0]["output_fields"]
    assert fields["proc.exepath"] == str(dropped)
    assert fields["rule.step.proc[1]"] == "cp" and fields["rule.step.type[2]"] == "execve"
    assert fields["rule.step.pid[1]"] != fields["rule.step.pid[2]"]
    assert fields["rule.step.time[1]"] == fields["rule.since"] < fields["rule.step.time[2]"]


def reload(daemon):
    token = (daemon.folder / "token").read_text().strip()
    status, data = daemon.request("POST", "/v1/rules/reload", token=token)
    assert status == 200, data


def test_a_reload_goes_on_counting_what_means_the_same(make_daemon, scratch):
    actor = Actor(scratch)
    file = scratch / "rules.yaml"

    def write(output, at_least):
        file.write_text(
            rule("kept", f"  condition: {actor.condition} and fs.path.name startswith {scratch}/door-\n"
                 "  count: {within: 1h, at_least: 5}", output) +
            rule("changed", f"  condition: {actor.condition} and fs.path.name startswith {scratch}/door-\n"
                 f"  count: {{within: 1h, at_least: {at_least}}}")
        )

    write("before", 5)
    daemon = make_daemon(f"rules.files=[{file}]", "learning.dimensions=[]")
    daemon.start()
    actor.run(*[scratch / f"door-{i}" for i in range(3)])
    write("after", 4)
    reload(daemon)
    actor.run(*[scratch / f"door-{i}" for i in range(2)])
    found = told(daemon, "kept", 1)
    assert "after" in found[0]["output"]
    assert hits(daemon) == {"kept": 1, "changed": 0}


def test_a_flood_of_keys_is_bounded_and_told(make_daemon, scratch):
    actor = Actor(scratch)
    (scratch / "rules.yaml").write_text(
        rule("flooded", f"  condition: {actor.condition} and fs.path.name startswith {scratch}/door-\n"
             "  count: {by: [fs.path.name], within: 1h, at_least: 2}") +
        rule("beside", f"  condition: {actor.condition} and fs.path.name startswith {scratch}/door-\n"
             "  count: {by: [proc.exepath], within: 1h, at_least: 1000}")
    )
    daemon = make_daemon(
        f"rules.files=[{scratch}/rules.yaml]", "learning.dimensions=[]", "limits.rule_windows_bytes=65536"
    )
    daemon.start()
    actor.run(*[scratch / f"door-{i}" for i in range(1000)])
    daemon.wait_for("the other rule", lambda: hits(daemon)["beside"] == 1 or None, 20)
    windows = daemon.get("/v1/status")["rules"]["windows"]
    assert windows["keys"] <= windows["keys_max"] < 400
    assert windows["evicted_total"] >= 1000 - windows["keys_max"]
    assert hits(daemon)["flooded"] == 0
    status, data = daemon.request("GET", "/metrics")
    assert status == 200 and f"ethogram_rule_window_keys_evicted_total {windows['evicted_total']}" in data.decode()
