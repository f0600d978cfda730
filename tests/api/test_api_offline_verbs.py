"""The verbs that need no daemon: filter, format, rules check, fields, events."""

import json
import re
import subprocess

import pytest
from api_harness import BUILD, ROOT

PROGRAM = BUILD / "ethogram"
ANCESTORS = '{"proc.name": "cat", "proc.aname": ["bash", "sshd"]}'


def run(*args):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built")
    return subprocess.run([str(PROGRAM), *map(str, args)], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("text", [
    "proc.name = cat", "evt.type in (open, openat) and not fd.name startswith /tmp", "proc.aname[2] = sshd",
    "basename(proc.exepath) = 'cat' or fd.sip = 10.0.0.1",
])
def test_valid_filters(text):
    done = run("filter", "check", text)
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("text,place,line,caret", [
    ("proc.nam = cat", "1:1", "proc.nam = cat", 0),
    ("proc.name = cat and\n proc.nam = x", "2:2", " proc.nam = x", 1),
    ("proc.name = cat and (", "1:22", "proc.name = cat and (", 21),
    ("proc.name = '\x1b[2J' and x = 1", None, "proc.name = '\\x1b[2J' and x = 1", None),
])
def test_refused_filters_say_where_and_why(text, place, line, caret):
    done = run("filter", "check", text)
    assert done.returncode == 1 and done.stdout == ""
    message, shown, below = done.stderr.splitlines()
    assert shown == "  " + line
    assert re.match(r"ethogram: filter:\d+:\d+: .+", message)
    if place:
        assert message.startswith(f"ethogram: filter:{place}: ")
        assert below == " " * (2 + caret) + "^"
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("text,fields,want", [
    ("proc.name = cat", '{"proc.name": "cat"}', "true"), ("proc.name = cat", '{"proc.name": "dog"}', "false"),
    ("proc.name = cat", "{}", "false"), ("proc.aname in (sshd)", ANCESTORS, "true"),
    ("proc.aname in (cat)", ANCESTORS, "false"), ("proc.aname[0] = cat and proc.aname[1] = bash", ANCESTORS, "true"),
    ("fd.sport = 443 and fd.sip = 10.0.0.1", '{"fd.sport": 443, "fd.sip": "10.0.0.1"}', "true"),
    ("evt.failed = true", '{"evt.failed": false}', "false"), ("not proc.name exists", "{}", "true"),
])
def test_filters_are_evaluated(text, fields, want):
    done = run("filter", "eval", text, "--fields", fields)
    assert (done.returncode, done.stdout, done.stderr) == (0, want + "\n", "")
    assert run("filter", "eval", text, f"--fields={fields}").stdout == want + "\n"


@pytest.mark.parametrize("args,code", [
    (("filter",), 2), (("filter", "check"), 2), (("filter", "odd", "x"), 2), (("filter", "eval", "x", "--odd", "1"), 2),
    (("filter", "eval", "proc.name = x", "--fields"), 2), (("filter", "eval", "proc.name = x", "--fields", "{"), 1),
    (("filter", "eval", "proc.name = x", "--fields", '{"proc.nam": "x"}'), 1),
    (("filter", "eval", "proc.name = x", "--fields", '{"proc.name": []}', "more"), 2),
    (("filter", "eval", "proc.name =", "--fields", "{}"), 1), (("format",), 2), (("format", "%proc.nam"), 1),
    (("fields", "x"), 2), (("events", "--odd"), 2), (("rules",), 2), (("rules", "check"), 2), (("rules", "odd"), 2),
    (("rules", "check", "--odd", "x"), 2), (("rules", "check", "/no/such/file"), 1),
])
def test_misuse(args, code):
    done = run(*args)
    assert done.returncode == code and done.stderr and done.stdout == ""


def test_formats():
    fields = '{"fd.name": "/etc/shadow", "proc.name": "cat", "proc.aname": ["sh", "sshd"]}'
    done = run("format", "file=%fd.name by %proc.name < %proc.aname[2], %user.name", "--fields", fields)
    assert (done.returncode, done.stdout) == (0, "file=/etc/shadow by cat < sshd, <NA>\n")
    assert run("format", "plain").stdout == "plain\n"


def test_fields_and_events():
    fields = json.loads(run("fields", "--json").stdout)
    assert fields["next"] is None and len(fields["items"]) > 100
    by_name = {f["name"]: f for f in fields["items"]}
    assert len(by_name) == len(fields["items"])
    assert all(f["argument"] in ("none", "optional", "required") and isinstance(f["list"], bool) for f in by_name.values())
    assert by_name["proc.name"]["type"] == "charbuf" and by_name["anomaly.return_period_s"]
    assert all(name in run("fields").stdout for name in ("proc.name", "fd.sip", "incident.return_period_s"))
    events = json.loads(run("events", "--json").stdout)
    assert {"openat", "execve", "connect"} <= {e["name"] for e in events["items"]}
    assert "name" in next(e for e in events["items"] if e["name"] == "openat")["parameters"]
    assert "openat(fd, dirfd, name" in run("events").stdout


def test_rules_check(tmp_path):
    shipped = ROOT / "etc" / "rules" / "ethogram_rules.yaml"
    done = run("rules", "check", shipped)
    assert done.returncode == 0 and re.match(r"\d+ rules, \d+ macros, \d+ lists: valid\n", done.stdout)
    answer = json.loads(run("rules", "check", shipped, "--json").stdout)
    assert answer["successful"] is True and answer["rules"] >= 15 and answer["errors"] == []
    bad = tmp_path / "bad.yaml"
    bad.write_text("- rule: x\n  desc: y\n  condition: proc.nam = 1\n  output: z\n  priority: ERROR\n")
    done = run("rules", "check", shipped, bad)
    assert done.returncode == 1 and done.stdout == "" and f"{bad}:3:" in done.stderr and "LOAD_ERR_" in done.stderr
    done = run("rules", "check", bad, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["successful"] is False
    error, = answer["errors"]
    assert set(error) == {"code", "message", "file", "line", "column", "item"}
    assert error["file"] == str(bad) and error["line"] == 3 and error["item"] == "x"


def test_the_example_configuration_is_valid():
    done = run("config", "check", "-c", ROOT / "etc" / "example.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "configuration is valid\n", "")
    shown = run("config", "show", "-c", ROOT / "etc" / "example.yaml").stdout
    assert "append_output" in shown and "behavior_profiles" in shown and "example.yaml" in shown


def test_rules_check_shows_the_place(tmp_path):
    bad = tmp_path / "bad.yaml"
    text = '      (fd.name = "é[2J" or no.such = 1)'
    bad.write_text(
        f"- macro: m\n  condition: >\n    evt.num = 1 or\n{text}\n"
        "- rule: x\n  desc: y\n  condition: m\n  output: z\n  priority: ERROR\n"
    )
    done = run("rules", "check", bad)
    place, line, mark = done.stderr.splitlines()
    assert place.startswith(f"{bad}:4:{text.index('no.such') + 1}: error: ") and "in macro 'm'" in place and place.endswith("in 'x'")
    assert line == "    " + text
    assert mark == " " * line.index("no.such") + "^" + "~" * 6


def test_rules_check_tells_absent_fields(tmp_path):
    good = tmp_path / "good.yaml"
    good.write_text(
        "- macro: m\n  condition: not k8smeta.pod.label[a] = x\n"
        "- rule: x\n  desc: y\n  condition: evt.type = open and m and proc.name = a\n"
        "  output: '%k8smeta.ns.name %toupper(k8smeta.ns.name) %proc.name'\n  priority: ERROR\n"
        "- rule: all there\n  desc: y\n  condition: evt.type = open\n  output: '%proc.name'\n  priority: ERROR\n"
    )
    done = run("rules", "check", good, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    (item,) = answer["absent_fields"]
    assert item["rule"] == "x" and sorted(item["fields"]) == ["k8smeta.ns.name", "k8smeta.pod.label"]
    done = run("rules", "check", good)
    assert done.returncode == 0 and "note: rule 'x': never has a value here: k8smeta." in done.stderr
    assert "all there" not in done.stderr
