"""What rules would say before they are switched on: over captures, with the very machinery of the verb replay."""

import collections
import json
import subprocess

import pytest

import scap_maker
from system_harness import BINARY, ROOT

REFERENCE = ROOT.parent / "shared" / "reference"
CAPTURES = sorted((REFERENCE / "scap").glob("*.scap"))
PLAIN_RULES = ROOT / "tests" / "scap" / "rules.yaml"
SHIPPED_RULES = ROOT / "etc" / "rules" / "ethogram_rules.yaml"
UPSTREAM_RULES = REFERENCE / "rules" / "falco_rules.yaml"
DIMENSIONS = f"learning.dimensions=[{ROOT}/etc/dimensions/default.yaml]"
RICH = REFERENCE / "scap" / "sf_files_files.scap"

needs_reference = pytest.mark.skipif(not CAPTURES, reason="no reference captures beside the project")
pytestmark = pytest.mark.skipif(not BINARY.exists(), reason="ethogram is not built")

MACROS = """
- macro: opened
  condition: evt.type = open and fd.num >= 0
- list: accounts
  items: [/etc/passwd, /etc/shadow]
- rule: Account opened
  desc: d
  condition: opened and fd.name in (accounts)
  output: opened %fd.name by %proc.name
  priority: NOTICE
- rule: Anything opened
  desc: d
  condition: opened
  output: opened %fd.name
  priority: INFO
"""


def run(*args):
    return subprocess.run([str(BINARY), *map(str, args)], capture_output=True, check=False, timeout=120)


def what_if(*args, rules=(), captures=()):
    done = run(
        "rules", "what-if", *args, "--set", DIMENSIONS, "--json",
        *(a for r in rules for a in ("--rules", r)), *(a for c in captures for a in ("--capture", c)),
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.decode()


@pytest.fixture(name="shop")
def fixture_shop(scratch):
    """A service that opens its catalogue a hundred times over two days, and then what it should not."""
    path = scratch / "shop.scap"
    out = scap_maker.section() + scap_maker.machine("made") + scap_maker.process(100, "shopd", "/usr/sbin/shopd")
    out += scap_maker.process(200, "backupd", "/usr/sbin/backupd")
    for i in range(100):
        out += scap_maker.opened(100, i * 1728, "/srv/shop/catalogue")
    for i in range(7):
        out += scap_maker.opened(200, 172800 + i, "/etc/passwd")
    path.write_bytes(out + scap_maker.opened(100, 172900, "/etc/shadow"))
    return path


@pytest.fixture(name="running")
def fixture_running(scratch):
    path = scratch / "running.yaml"
    path.write_text(MACROS)
    return path


def written(scratch, text, name="try.yaml"):
    path = scratch / name
    path.write_text(text)
    return path


def by_name(answer):
    return {rule["name"]: rule for rule in answer["rules"]}


@needs_reference
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda c: c.stem)
def test_rules_that_run_give_exactly_the_alerts_of_replay(capture):
    rules = (UPSTREAM_RULES, SHIPPED_RULES, PLAIN_RULES)
    replayed = run("replay", capture, "--set", DIMENSIONS, "--json", *(a for r in rules for a in ("--rules", r)))
    alerts = [a for a in map(json.loads, replayed.stdout.splitlines()) if "rule" in a]
    code, answer, errors = what_if("--all", rules=rules, captures=[capture])
    assert code == 0, errors
    assert answer["complete"] and answer["exact"]
    hits = {rule["name"]: rule["hits"] for rule in answer["rules"] if rule["hits"]}
    assert hits == collections.Counter(a["rule"] for a in alerts)
    for rule in answer["rules"]:
        assert rule["change"] == "same" and rule["hits_now"] == rule["hits"]
        mine = [a for a in alerts if a["rule"] == rule["name"]]
        days = collections.Counter(a["time"][:10] for a in mine)
        assert {d["day"]: d["hits"] for d in rule["days"]} == days
        assert sum(w["hits"] for w in rule["workloads"]) == rule["hits"]
        shown = [e["output"] for e in rule["examples"]]
        # An alert's line begins with its time and priority, an example is what follows.
        assert all(a["output"].endswith(e) for a, e in zip(mine, shown)), shown
        assert len(shown) == min(len(mine), 5)


def test_alerts_that_are_told_again_count_once(scratch, running):
    """Those that join an incident late come twice out of the pipeline; rules about incidents hit here, too."""
    path = scratch / "service.scap"
    path.write_bytes(scap_maker.service(300, ["/etc/passwd", "/etc/shadow", "/etc/group"]))
    fast = ("--set", "learning.epoch_s=1", "--set", "learning.min_epochs=20", "--set", "learning.hold_s=5", "--set",
            "learning.startup_s=1", "--set", "learning.ready_return_period_s=30", "--set",
            "anomaly.min_return_period_s=30", "--set", "anomaly.incident_window_s=10")
    rules = (SHIPPED_RULES, PLAIN_RULES, running)
    replayed = run("replay", path, *fast, "--set", DIMENSIONS, "--json", *(a for r in rules for a in ("--rules", r)))
    alerts = [a for a in map(json.loads, replayed.stdout.splitlines()) if "rule" in a]
    code, answer, errors = what_if("--all", *fast, rules=rules, captures=[path])
    assert code == 0, errors
    hits = {rule["name"]: rule["hits"] for rule in answer["rules"] if rule["hits"]}
    assert hits == collections.Counter(a["rule"] for a in alerts)
    assert any(rule["source"] == "ethogram" and rule["hits"] for rule in answer["rules"])
    assert len(hits) >= 2


@needs_reference
def test_the_property_test_has_something_to_compare():
    """With the plain rules nearly every capture gives alerts; else the test before would prove nothing."""
    _, answer, _ = what_if(PLAIN_RULES, captures=CAPTURES, rules=[UPSTREAM_RULES])
    assert sum(rule["hits"] for rule in answer["rules"]) > 100
    assert sum(rule["hits"] > 0 for rule in answer["rules"]) >= 4
    assert [s["file"] for s in answer["sources"]] == [str(c) for c in CAPTURES]


def test_a_new_rule_uses_what_runs(shop, running, scratch):
    new = written(scratch, """
- rule: Account opened by the shop
  desc: d
  condition: opened and fd.name in (accounts) and proc.name = shopd
  output: "%proc.name opened %fd.name"
  priority: WARNING
""")
    code, answer, errors = what_if(new, rules=[running], captures=[shop])
    assert (code, errors) == (0, "")
    (rule,) = answer["rules"]
    assert (rule["name"], rule["change"], rule["hits"], rule["hits_now"]) == ("Account opened by the shop", "new", 1, 0)
    assert rule["days"] == [{"day": "2023-11-16", "hits": 1}]
    assert [(w["name"], w["hits"]) for w in rule["workloads"]] == [("exe:/usr/sbin/shopd", 1)]
    (example,) = rule["examples"]
    assert example["output"].endswith("shopd opened /etc/shadow")
    assert example["process"]["pid"] == 100
    assert rule["needs"]["events"] == ["open"]
    assert {"fd.name", "proc.name"} <= set(rule["needs"]["fields"])
    assert rule["not_captured"] == {"events": [], "fields": [], "undecided": 0}
    assert answer["sources"] == [{
        "kind": "capture", "file": str(shop), "events": 108,
        "from": "2023-11-14T22:13:20.000000000Z", "to": "2023-11-16T22:15:00.000000000Z",
    }]
    assert answer["span"] == {k: answer["sources"][0][k] for k in ("from", "to")}


def test_days_and_workloads_are_told_apart(shop, running):
    code, answer, _ = what_if("--all", rules=[running], captures=[shop])
    assert code == 0
    rules = by_name(answer)
    assert [(d["day"], d["hits"]) for d in rules["Anything opened"]["days"]] == [
        ("2023-11-14", 4), ("2023-11-15", 50), ("2023-11-16", 54)
    ]
    assert [(w["name"], w["hits"]) for w in rules["Anything opened"]["workloads"]] == [
        ("exe:/usr/sbin/shopd", 101), ("exe:/usr/sbin/backupd", 7)
    ]
    assert len(rules["Anything opened"]["examples"]) == 5


@pytest.mark.parametrize(
    "text, name, hits, now",
    [
        ("- rule: Account opened\n  condition: and proc.name = shopd\n  override: {condition: append}\n",
         "Account opened", 1, 8),
        ("- list: accounts\n  items: [/srv/shop/catalogue]\n  override: {items: append}\n", "Account opened", 108, 8),
        ("- macro: opened\n  condition: and proc.name != backupd\n  override: {condition: append}\n",
         "Account opened", 1, 8),
        ("- rule: Account opened\n  exceptions: [{name: e, fields: [proc.name], comps: [=], values: [[backupd]]}]\n"
         "  override: {exceptions: append}\n", "Account opened", 1, 8),
        ("- rule: Account opened\n  enabled: false\n  override: {enabled: replace}\n", "Account opened", 8, 8),
    ],
    ids=["condition", "list", "macro", "exception", "switched off"],
)
def test_what_a_file_changes_is_compared(text, name, hits, now, shop, running, scratch):
    code, answer, errors = what_if(written(scratch, text), rules=[running], captures=[shop])
    assert code == 0, errors
    rule = by_name(answer)[name]
    assert (rule["change"], rule["hits"], rule["hits_now"]) == ("changed", hits, now)
    assert rule["enabled"] == ("enabled" not in text)


def test_a_rule_that_is_switched_off_is_tried(shop, running, scratch):
    new = written(scratch, MACROS.replace("priority: NOTICE", "priority: NOTICE\n  enabled: false"), "other.yaml")
    code, answer, _ = what_if(new, captures=[shop], rules=[running])
    assert code == 0
    assert by_name(answer)["Account opened"]["hits"] == 8
    code, answer, _ = what_if("--all", captures=[shop], rules=[new])
    assert "Account opened" not in by_name(answer), "it does not run"
    code, answer, _ = what_if("--rule", "Account*", captures=[shop], rules=[new])
    assert (by_name(answer)["Account opened"]["hits"], by_name(answer)["Account opened"]["hits_now"]) == (8, 0)


def test_a_file_that_runs_stands_for_itself(shop, running, scratch):
    """Not loaded twice: in its place among the others, also under another name of it."""
    link = scratch / "link.yaml"
    link.symlink_to(running)
    for path in (running, link):
        code, answer, errors = what_if(path, rules=[running], captures=[shop])
        assert (code, errors) == (0, "")
        assert {n: (r["change"], r["hits"]) for n, r in by_name(answer).items()} == {
            "Account opened": ("same", 8), "Anything opened": ("same", 108)
        }


def test_a_span_bounds_what_is_counted(shop, running):
    code, answer, _ = what_if(
        "--all", "--since", "2023-11-15T00:00:00Z", "--until", "2023-11-16T00:00:00Z", rules=[running], captures=[shop]
    )
    assert code == 0
    assert by_name(answer)["Anything opened"]["days"] == [{"day": "2023-11-15", "hits": 50}]
    assert answer["sources"][0]["events"] == 50
    assert answer["span"]["from"] >= "2023-11-15" and answer["span"]["to"] < "2023-11-16"


def test_what_was_not_captured_is_said(shop, running, scratch):
    new = written(scratch, """
- rule: Many needs
  desc: d
  condition: evt.type in (open, connect, ptrace) and (fd.name startswith /etc or fd.sip = 10.0.0.1)
  output: "%fd.sip %proc.name %k8s.ns.name"
  priority: WARNING
- rule: Nothing of it
  desc: d
  condition: evt.type = connect and fd.sip = 10.0.0.1
  output: x
  priority: WARNING
""")
    _, answer, _ = what_if(new, rules=[running], captures=[shop])
    rules = by_name(answer)
    assert rules["Many needs"]["not_captured"]["events"] == ["connect", "ptrace"]
    assert set(rules["Many needs"]["not_captured"]["fields"]) == {"fd.sip", "k8s.ns.name"}
    # Where no event came, every field is missing: nothing more to say.
    assert rules["Nothing of it"]["not_captured"] == {"events": ["connect"], "fields": [], "undecided": 0}


def test_what_a_rate_leaves_out_is_told(shop, running, scratch):
    limited = written(scratch, MACROS.replace("priority: INFO", "priority: INFO\n  rate: {burst: 1, per: 1d}"), "rate.yaml")
    code, answer, errors = what_if(limited, rules=[running], captures=[shop])
    assert code == 0, errors
    rule = by_name(answer)["Anything opened"]
    assert rule["hits"] + rule["suppressed"] == 108
    assert 3 <= rule["hits"] < 20, "the first of each, then one a day"
    assert by_name(answer)["Account opened"]["suppressed"] == 0


def test_counts_and_sequences_are_tried(shop, running, scratch):
    new = written(scratch, """
- rule: Often
  desc: d
  condition: opened and proc.name = backupd
  output: "%rule.count opens by %proc.name"
  priority: INFO
  count: {by: [proc.pid], within: 60s, at_least: 3}
- rule: One after the other
  desc: d
  sequence:
    - opened and fd.name = /etc/passwd
    - opened and fd.name = /etc/shadow
  by: [evt.type]
  within: 1h
  output: passwd, then %fd.name
  priority: INFO
""")
    code, answer, errors = what_if(new, rules=[running], captures=[shop])
    assert code == 0, (errors, answer)
    alerts = [json.loads(line) for line in run(
        "replay", shop, "--set", DIMENSIONS, "--rules", running, "--rules", new, "--json").stdout.splitlines()]
    for name, rule in by_name(answer).items():
        assert rule["hits"] == sum(a.get("rule") == name for a in alerts) >= 1, name
    assert "proc.pid" in by_name(answer)["Often"]["needs"]["fields"]
    assert "rule.count" not in json.dumps(by_name(answer)["Often"]), "what only a hit has is nothing to capture"
    assert by_name(answer)["One after the other"]["needs"]["events"] == ["open"]


def test_loss_is_told(scratch, running):
    path = scratch / "crowd.scap"
    crowd = [scap_maker.process(100 + n, f"p{n}", f"/usr/bin/p{n}") for n in range(300)]
    path.write_bytes(scap_maker.section() + scap_maker.machine("made") + b"".join(crowd) + b"".join(
        scap_maker.opened(1000 + s, s, "/srv/x") for s in range(300)))
    code, answer, _ = what_if("--all", "--set", "limits.processes=64", rules=[running], captures=[path])
    assert code == 0
    assert answer["gaps"] and all(g["reason"] and g["from"] for g in answer["gaps"])


def test_refused_rules_say_why(shop, running, scratch):
    bad = written(scratch, "- rule: x\n  desc: d\n  condition: no.such = 1\n  output: o\n  priority: INFO\n")
    code, answer, _ = what_if(bad, rules=[running], captures=[shop])
    assert code == 1
    assert answer["successful"] is False and answer["rules"] == []
    assert answer["errors"][0]["code"] == "LOAD_ERR_COMPILE_CONDITION"
    assert answer["errors"][0]["file"] == str(bad)
    done = run("rules", "what-if", bad, "--rules", running, "--capture", shop, "--set", DIMENSIONS)
    assert done.returncode == 1 and "      condition: no.such = 1\n                 ^~~~~~~\n" in done.stderr.decode()
    code, answer, _ = what_if(scratch / "missing.yaml", rules=[running], captures=[shop])
    assert (code, answer["errors"][0]["code"]) == (1, "LOAD_ERR_FILE_READ")


def test_a_damaged_capture_tells_what_came_before(shop, running, scratch):
    cut = scratch / "cut.scap"
    cut.write_bytes(shop.read_bytes()[:-10])
    code, answer, errors = what_if("--all", rules=[running], captures=[cut])
    assert code == 2 and "cut.scap" in errors
    assert answer["complete"] is False
    assert by_name(answer)["Anything opened"]["hits"] == 107
    assert what_if("--all", rules=[running], captures=[scratch / "none.scap"])[0] == 2


def test_help_has_both_sources():
    done = run("rules", "what-if", "--help")
    text = done.stdout.decode()
    assert done.returncode == 0 and "--capture" in text and "--server" in text and "--cursor" in text


def test_for_people(shop, running, scratch):
    new = written(scratch, "- rule: Account opened\n  condition: and proc.name = shopd\n"
                           "  override: {condition: append}\n")
    done = run("rules", "what-if", new, "--rules", running, "--capture", shop, "--set", DIMENSIONS)
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "2023-11-14 22:13:20 to 2023-11-16 22:15:00 UTC" in text
    assert "Account opened (changed): 1 hit, now 8" in text
    assert "exe:/usr/sbin/shopd 1" in text and "2023-11-16 1" in text


def test_hostile_names_cannot_write_on_the_terminal(running, scratch):
    path = scratch / "hostile.scap"
    path.write_bytes(
        scap_maker.section() + scap_maker.machine("made") + scap_maker.process(100, "\x1b]0;x\x07", "/bin/\x1b[31m")
        + scap_maker.opened(100, 1, "/tmp/\x1b[2J\n/etc/passwd"))
    done = run("rules", "what-if", "--all", "--rules", running, "--capture", path, "--set", DIMENSIONS)
    assert done.returncode == 0 and b"Anything opened (as it runs): 1 hit" in done.stdout
    assert b"\x1b" not in done.stdout and b"\x07" not in done.stdout


@pytest.mark.parametrize(
    "args", [(), ("f.yaml", "g.yaml", "--capture", "x"), ("--all", "--capture"), ("f.yaml", "--capture", "x", "--nope", "1"),
             ("f.yaml", "--capture", "x", "--since", "yesterday")],
    ids=["nothing", "two files", "no value", "unknown option", "no time"],
)
def test_usage(args):
    done = run("rules", "what-if", *args)
    assert done.returncode == 2
    assert done.stderr and not done.stdout
