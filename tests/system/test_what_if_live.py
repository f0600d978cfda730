"""Rules and exceptions tried on what a real daemon stored."""

import json
import os
import subprocess
import threading

import pytest

from system_harness import BINARY, Daemon, ROOT, cannot_capture, unique

why_not = cannot_capture()
pytestmark = pytest.mark.skipif(bool(why_not), reason=why_not)

RULE = "Secret read"
RULES = """
- macro: reads
  condition: evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.num >= 0
- list: tools
  items: [nothing]
- rule: Secret read
  desc: d
  condition: reads and fd.name startswith "{folder}/secret"
  output: secret %fd.name read by %proc.cmdline
  priority: WARNING
"""


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory):
    return tmp_path_factory.mktemp(unique("whatif"))


@pytest.fixture(name="daemon", scope="module")
def fixture_daemon(folder):
    rules = folder / "rules.yaml"
    rules.write_text(RULES.format(folder=folder))
    (folder / "local.yaml").write_text("[]\n")
    # One dimension, of little: first sightings of a busy host would take most of the time.
    (folder / "dimensions.yaml").write_text(
        "dimensions:\n  - name: exec\n    events: [execve]\n    key:\n      - {name: exe, field: process.exe}\n")
    daemon = Daemon(folder, [f"rules.files=[{rules}, {folder}/local.yaml]", "storage.checkpoint_s=1",
                             f"learning.dimensions=[{folder}/dimensions.yaml]"])
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


def cli(daemon, *args):
    env = {**os.environ, "ETHOGRAM_SERVER": str(daemon.folder / "ethogram.sock")}
    return subprocess.run([str(BINARY), "rules", *map(str, args)], capture_output=True, check=False, timeout=120, env=env)


def alerts(daemon, path):
    return [a for a in daemon.items("/v1/alerts?limit=1000") if a["output_fields"].get("fd.name") == str(path)]


def provoke(daemon, path, command=("cat",), times=1):
    """Read the file so often; the alerts that came of it, oldest first."""
    path.write_text("x")
    before = len(alerts(daemon, path))
    for _ in range(times):
        subprocess.run([*command, str(path)], check=True, capture_output=True)
    daemon.wait_for("alerts", lambda: len(alerts(daemon, path)) >= before + times, 20)
    return alerts(daemon, path)[::-1]


def stored(daemon, alert):
    """Wait until the alert's event is."""
    daemon.wait_for("the event", lambda: daemon.request("GET", f"/v1/alerts/{alert['id']}/explain")[0] == 200, 20)
    return alert


def exceptions(daemon, alert):
    """Once its event is stored."""
    stored(daemon, alert)
    return daemon.get(f"/v1/alerts/{alert['id']}/exceptions")


def what_if(daemon, text, query=""):
    status, data = daemon.request("POST", f"/v1/rules/what-if?{query}", body=text)
    assert status == 200, data
    return json.loads(data)


def whole(daemon, text, query=""):
    """All pages of an answer as one: on a busy machine one is not enough."""
    pages, cursor = [], None
    while True:
        pages.append(what_if(daemon, text, "&".join(q for q in (query, cursor and f"cursor={cursor}") if q)))
        assert pages[-1]["successful"] and pages[-1]["complete"] == (pages[-1]["next"] is None)
        cursor = pages[-1]["next"]
        if not cursor:
            break
    first = pages[0]
    for page in pages[1:]:
        for name, n in page["sources"][0].items():
            if isinstance(n, int):
                first["sources"][0][name] += n
        for rule, more in zip(first["rules"], page["rules"]):
            for name in ("hits", "hits_now"):
                rule[name] += more[name]
            for name in ("days", "workloads", "examples"):
                rule[name] += more[name]
            rule["not_captured"]["undecided"] += more["not_captured"]["undecided"]
    return first


def test_history_answers_what_a_rule_would_have_said(daemon, folder):
    path = folder / "secret-history"
    mine = provoke(daemon, path, times=3)
    stored(daemon, mine[-1])
    answer = whole(daemon, f"""
- rule: Secret history
  desc: d
  condition: reads and fd.name = "{path}"
  output: "%fd.name by %proc.name"
  priority: NOTICE
""")
    assert not answer["exact"]
    (rule,) = answer["rules"]
    assert (rule["name"], rule["change"], rule["hits"], rule["hits_now"]) == ("Secret history", "new", 3, 0)
    assert rule["not_captured"] == {"events": [], "fields": [], "undecided": 0}
    assert rule["examples"][0]["output"] == f"{path} by cat"
    assert rule["examples"][0]["event"]["proc.cmdline"] == f"cat {path}"
    assert sum(d["hits"] for d in rule["days"]) == 3
    assert answer["sources"][0]["alerts"] >= 3 and answer["sources"][0]["unreadable"] == 0


def test_what_runs_hits_as_often_as_it_did(daemon, folder):
    provoke(daemon, folder / "secret-again", times=2)
    stored(daemon, provoke(daemon, folder / "secret-again")[-1])
    answer = whole(daemon, "", "all=true")
    (rule,) = answer["rules"]
    seen = [a for a in daemon.items("/v1/alerts?limit=1000") if a["rule"] == RULE]
    assert rule["hits"] == rule["hits_now"] == len(seen)
    assert sum(w["hits"] for w in rule["workloads"]) == len(seen)


def test_what_was_not_captured_is_said(daemon):
    answer = whole(daemon, "- rule: P\n  desc: d\n  condition: evt.type = ptrace and evt.arg.request = 1\n  output: x\n"
                           "  priority: INFO\n- rule: Q\n  desc: d\n  condition: reads and proc.env contains x\n"
                           "  output: x\n  priority: INFO\n")
    rules = {r["name"]: r for r in answer["rules"]}
    assert rules["P"]["hits"] == 0
    assert rules["Q"]["not_captured"]["fields"] == ["proc.env"]
    assert rules["Q"]["hits"] == 0 and rules["Q"]["not_captured"]["undecided"] > 0


# More of them go through loader and filter in tests/unit/daemon/test_except_propose.c.
HOSTILE = ["secret 'a' \"b\" \\x41 # [a, b]: {c}\nnew \udcff ü a=b,(c) tools end *?[x] %fd.name"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_exceptions_of_any_name_silence_their_alert(daemon, folder, name):
    path = folder / name
    path.write_text("x")
    before = {a["id"] for a in daemon.items("/v1/alerts?limit=1000")}
    subprocess.run(["cat", os.fsencode(path)], check=True, capture_output=True)

    def news():
        return [a for a in daemon.items("/v1/alerts?limit=1000") if a["id"] not in before]
    (alert,) = daemon.wait_for("an alert", news, 20)
    answer = exceptions(daemon, alert)
    assert answer["matches"] and len(answer["items"]) >= 5
    for item in answer["items"]:
        assert item["loads"], (item["yaml"], item["errors"])
        assert item["silences"], item["yaml"]
        assert item["yaml"].isascii() and item["yaml"].replace("\n", "").isprintable()
        assert item["hidden"] >= 1, answer
    hidden = [item["hidden"] for item in answer["items"]]
    assert hidden == sorted(hidden)
    assert answer["items"][0]["others"] == 0, "the narrowest hides nothing else"
    assert answer["items"][-1]["others"] > 0 or hidden[-1] == answer["hits"]
    assert "fd.name" in answer["items"][0]["fields"] and "proc.cmdline" in answer["items"][0]["fields"]
    assert answer["items"][-1]["fields"] == ["proc.exepath"]
    assert not any("pid" in f or "time" in f for item in answer["items"] for f in item["fields"])
    done = cli(daemon, "except", alert["id"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii() and b"\x1b" not in done.stdout


def test_paths_with_accidental_parts_give_a_pattern(daemon, folder):
    (folder / "secret.d").mkdir()
    path = folder / "secret.d" / "0123456789abcdef0123456789abcdef"
    alert = provoke(daemon, path)[-1]
    answer = exceptions(daemon, alert)
    pattern = [i for i in answer["items"] if " glob " in i["condition"]]
    assert len(pattern) == 1 and pattern[0]["silences"]
    assert f'fd.name glob "{folder}/secret.d/*"' in pattern[0]["condition"].replace("\\x5c", "\\")


def test_saving_asks_first_and_writes_all_or_nothing(daemon, folder):
    path = folder / "secret-saved"
    alert = provoke(daemon, path)[-1]
    stored(daemon, alert)
    local = folder / "local.yaml"
    done = cli(daemon, "except", alert["id"], "--pick", "2", "--save", local)
    assert done.returncode == 1, "an empty list in front of it is no rule file any more"
    assert local.read_text() == "[]\n"
    local.write_text("- list: mine\n  items: [a]")
    local.chmod(0o640)
    done = cli(daemon, "except", alert["id"], "--pick", "2", "--save", local)
    assert done.returncode == 0, done.stderr
    text = local.read_text()
    assert text.startswith("- list: mine\n  items: [a]\n\n# silences ") and text.endswith("exceptions: append\n")
    assert local.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in folder.glob("local.yaml*")] == ["local.yaml"]
    # It counts: with that file the rule is quiet about it, and still speaks of others.
    answer = what_if(daemon, text, f"file={local}&alert={alert['id']}")
    assert answer["alert"] == {"id": alert["id"], "hit": False}
    assert subprocess.run([BINARY, "rules", "check", folder / "rules.yaml", local], check=False).returncode == 0
    local.write_text("- list: mine\n  items: [a]\n")
    new = folder / "new.yaml"
    done = cli(daemon, "except", alert["id"], "--save", new)
    assert done.returncode == 0, done.stderr
    assert new.read_text().startswith("# silences ")


@pytest.mark.parametrize("what", ["broken file", "folder", "no such folder", "no such proposal", "no number"])
def test_saving_refuses(daemon, folder, what):
    alert = provoke(daemon, folder / "secret-refused")[-1]
    stored(daemon, alert)
    target, pick = folder / "broken.yaml", "1"
    target.write_text("- rule: [\n")
    if what == "folder":
        target = folder
    elif what == "no such folder":
        target = folder / "missing" / "x.yaml"
    elif what.startswith("no "):
        pick = "99" if what == "no such proposal" else "x"
    done = cli(daemon, "except", alert["id"], "--pick", pick, "--save", target)
    assert done.returncode in (1, 2) and done.stderr
    assert (folder / "broken.yaml").read_text() == "- rule: [\n"


def test_a_saved_exception_silences_after_a_reload(daemon, folder):
    path = folder / "secret-reload"
    alert = provoke(daemon, path, command=("head", "-c1"))[-1]
    stored(daemon, alert)
    local = folder / "local.yaml"
    local.write_text("- list: mine\n  items: [a]\n")
    assert cli(daemon, "except", alert["id"], "--save", local).returncode == 0
    token = (folder / "token").read_text().strip()
    status, data = daemon.request("POST", "/v1/rules/reload", token=token)
    assert status == 200 and json.loads(data)["successful"], data
    before = len(alerts(daemon, path))
    subprocess.run(["head", "-c1", str(path)], check=True, capture_output=True)
    provoke(daemon, path, command=("tail", "-c1"))
    assert len(alerts(daemon, path)) == before + 1, "the twin speaks, the excepted one does not"
    local.write_text("- list: mine\n  items: [a]\n")
    assert daemon.request("POST", "/v1/rules/reload", token=token)[0] == 200


def test_unknown_alerts(daemon):
    assert daemon.request("GET", "/v1/alerts/l999999999/exceptions")[0] == 404
    assert daemon.request("GET", "/v1/alerts/a1/exceptions")[0] == 404
    assert daemon.request("POST", "/v1/rules/what-if?all=true&alert=l999999999")[0] == 404
    assert daemon.request("POST", "/v1/rules/what-if?all=true&alert=x")[0] == 400
    assert cli(daemon, "except", "l999999999").returncode == 1
    assert cli(daemon, "except", "x").returncode == 2


def test_one_at_a_time(daemon):
    """Whoever comes while another is tried is sent away, and nobody waits."""
    text = "- rule: r\n  desc: d\n  condition: reads and fd.name = /x\n  output: x\n  priority: INFO\n"
    statuses = []

    def ask():
        statuses.append(daemon.request("POST", "/v1/rules/what-if", body=text)[0])
    for _ in range(50):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if 429 in statuses:
            break
    assert set(statuses) == {200, 429}
    rules = daemon.get("/v1/status")["rules"]
    assert rules["tries_refused_total"] >= statuses.count(429) and rules["tries_total"] >= statuses.count(200)
    assert b"ethogram_rule_tries_refused_total" in daemon.request("GET", "/metrics")[1]


@pytest.mark.parametrize("body", [
    b"\xff\xfe\x00\x01", b"- rule: " + b"[" * 5000, b"&a [*a, *a]", b"- macro: m\n  condition: " + b"(" * 3000,
    b"- list: l\n  items: [l]\n- rule: x\n  desc: d\n  condition: proc.name in (l)\n  output: x\n  priority: INFO\n",
    b"- rule: x\n  desc: d\n  condition: evt.type = open and fd.name regex '(a+)+$'\n  output: x\n  priority: INFO\n",
    b"a: " * 10000, b"%YAML 9.9\n---\n", b"- rule: x\n  condition: and a\n  override: {condition: append}\n",
], ids=range(9))
def test_hostile_bodies_are_survived(daemon, body):
    status, data = daemon.request("POST", "/v1/rules/what-if", body=body)
    assert status in (200, 400), data
    assert daemon.request("GET", "/readyz")[0] == 200
