"""Alerts of a real daemon are explained on the events that were stored: clause by clause, whatever bytes they hold,
after the rule has changed, and after the daemon was killed."""

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import time
from urllib.parse import quote

import pytest

from system_harness import BINARY, unique
from test_hostile_names import ODD, decode

RULES = """
- list: readers
  items: [cat, head, python3]
- macro: opens
  condition: (evt.type in (open, openat, openat2) and evt.failed = false)
- rule: Watched file
  desc: d
  condition: opens and fd.name contains {mark} and not proc.name in (vi, emacs, ed, ex, nano, joe, pico, sed, awk)
  exceptions:
    - name: known readers
      fields: [proc.name, fd.filename]
      comps: [=, endswith]
      values:
        - [head, .log]
  output: "%fd.name by %proc.name"
  priority: WARNING
- rule: Not this
  desc: d
  condition: opens and fd.name contains {mark} and (proc.name in (readers) and user.uid > 4000000 or proc.tty = 77)
  output: "%fd.name"
  priority: WARNING
- rule: Asks for what is not stored
  desc: d
  condition: evt.type = mkdir and fd.name contains {mark} and proc.env[PATH] exists
  output: "%fd.name"
  priority: WARNING
"""


class Watched:
    """A daemon with the rules above, and files that they watch."""

    def __init__(self, make_daemon, scratch, *settings):
        self.scratch = scratch
        self.mark = unique("watched")
        self.rules = scratch / "rules.yaml"
        self.rules.write_text(RULES.format(mark=self.mark))
        self.daemon = make_daemon(f"rules.files=[{self.rules}]", *settings)
        self.daemon.start()

    def path(self, name=b"file"):
        return os.fsencode(self.scratch) + b"/" + self.mark.encode() + name

    def read(self, name=b"file"):
        with open(self.path(name), "wb"):
            pass
        subprocess.run(["cat", self.path(name)], check=True)

    def alerts(self, rule="Watched file"):
        return self.daemon.items(f"/v1/alerts?limit=1000&rule={quote(rule)}")

    def alert(self, name=b"file", program="cat"):
        """The alert of that program's look at that file."""

        def found():
            for alert in self.alerts():
                fields = alert["output_fields"]
                if fields["proc.name"] == program and decode_lossy(fields["fd.name"]) == lossy(self.path(name)):
                    return alert
            return None

        return self.daemon.wait_for("the alert", found, 10)

    def explain(self, alert, rule=None):
        query = f"?rule={quote(rule)}" if rule else ""
        return self.daemon.wait_for("the event", lambda: self.try_explain(alert, query), 10)

    def try_explain(self, alert, query=""):
        status, data = self.daemon.request("GET", f"/v1/alerts/{alert['id']}/explain{query}")
        return json.loads(data) if status == 200 else None

    def cli(self, *args):
        return subprocess.run(
            [BINARY, *args, "--server", f"http://127.0.0.1:{self.daemon.port}"],
            capture_output=True, check=False, timeout=60,
        )


def lossy(data):
    """What output fields show of bytes that are not UTF-8."""
    return data.decode("utf-8", "replace").replace("\ufffd", "")


def decode_lossy(text):
    return text.replace("\ufffd", "")


def checks(clause):
    """Every comparison below a clause, in order."""
    if clause["kind"] == "check":
        return [clause]
    return [check for child in clause["clauses"] for check in checks(child)]


@pytest.fixture
def watched(make_daemon, scratch):
    return Watched(make_daemon, scratch)


def test_an_alert_is_explained(watched):
    watched.read()
    alert = watched.alert()
    explained = watched.explain(alert)
    assert explained["rule"] == "Watched file" and explained["condition_is"] == "as fired"
    assert explained["truth"] == "true" and explained["not_stored"] == [] and explained["error"] is None
    assert explained["event"]["type"] in ("open", "openat")
    assert explained["event"]["workload"] == alert["workload"]
    assert explained["event"]["fields"]["proc.pid"] > 0
    by_field = {check["left"]["text"]: check for check in checks(explained["clauses"])}
    assert by_field["evt.type"]["matched"]["right"] == explained["event"]["type"]
    assert by_field["fd.name"]["left"]["values"] == [os.fsdecode(watched.path())]
    assert by_field["fd.filename"]["truth"] == "false"
    editors = next(c for c in checks(explained["clauses"]) if c["operator"] == "in" and c["left"]["text"] == "proc.name")
    assert editors["truth"] == "false" and editors["right"]["n"] == 9 and len(editors["right"]["values"]) == 8
    assert "... 1 more)" in editors["text"]


def test_another_rule_on_the_same_event(watched):
    watched.read()
    explained = watched.explain(watched.alert(), "Not this")
    assert explained["condition_is"] == "as loaded" and explained["truth"] == "false"
    deciding = [check["left"]["text"] for check in checks(explained["clauses"]) if check["decides"]]
    assert deciding == ["user.uid", "proc.tty"]


def test_what_was_not_stored_is_unknown(watched, make_daemon, scratch):
    """Rules that are tried later may ask for what nobody asked for then."""
    watched.read()
    alert = watched.alert()
    explained = watched.explain(alert)
    # Stored because a rule asks for it: known, though of another event.
    assert watched.explain(alert, "Asks for what is not stored")["truth"] == "false"
    watched.rules.write_text(
        RULES.format(mark=watched.mark)
        + "- rule: Later\n  desc: d\n  condition: opens and evt.buffer contains x\n  output: o\n  priority: INFO\n"
    )
    reload(watched)
    later = watched.explain(alert, "Later")
    assert later["truth"] == "unknown" and later["not_stored"] == ["evt.buffer"]
    assert explained["truth"] == "true"


def reload(watched):
    token = (watched.daemon.folder / "token").read_text().strip()
    status, data = watched.daemon.request("POST", "/v1/rules/reload", token=token)
    assert status == 200, data
    assert json.loads(data)["successful"], data


def test_a_rule_that_changed_is_explained_as_it_was(watched):
    watched.read()
    alert = watched.alert()
    before = watched.explain(alert)
    watched.rules.write_text(RULES.format(mark=unique("elsewhere")))
    reload(watched)

    def after():
        explained = watched.explain(alert)
        return explained if explained["condition_is"] != "as fired" else None

    explained = watched.daemon.wait_for("the new rules", after, 10)
    assert explained["condition_is"] == "as fired, changed since"
    assert explained["condition"] == before["condition"] and explained["truth"] == "true"
    assert explained["clauses"] == before["clauses"]
    assert watched.explain(alert, "Watched file")["truth"] == "false"
    watched.rules.write_text("- list: none\n  items: [a]\n")
    reload(watched)

    def gone():
        explained = watched.explain(alert)
        return explained["condition_is"] == "as fired, not loaded any more" and explained["truth"] == "true"

    watched.daemon.wait_for("no rules", gone, 10)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_strangers_bytes(watched, odd):
    name = b" " + odd.replace(b"/", b"_")
    watched.read(name)
    explained = watched.explain(watched.alert(name))
    assert explained["truth"] == "true"
    check = next(c for c in checks(explained["clauses"]) if c["left"]["text"] == "fd.name")
    assert decode(check["left"]["values"][0]) == watched.path(name)
    shown = watched.cli("rules", "explain", explained["alert"])
    assert shown.returncode == 0, shown.stderr
    assert not any(byte < 0x20 and byte != 0x0A or byte == 0x7F for byte in shown.stdout)


def test_what_people_read(watched):
    watched.read()
    alert = watched.alert()
    watched.explain(alert)
    shown = watched.cli("rules", "explain", alert["id"])
    assert shown.returncode == 0, shown.stderr
    text = shown.stdout.decode()
    assert "Watched file (as fired)" in text
    lines = [line for line in text.splitlines() if watched.mark in line and "contains" in line]
    assert len(lines) == 1 and lines[0].startswith("✓ *") and os.fsdecode(watched.path()) in lines[0]
    assert watched.cli("explain", alert["id"]).stdout == shown.stdout
    as_json = json.loads(watched.cli("rules", "explain", alert["id"], "--rule", "Not this", "--json").stdout)
    assert as_json["rule"] == "Not this" and as_json["truth"] == "false"
    missing = watched.cli("rules", "explain", "l999999")
    assert missing.returncode != 0 and b"no such alert" in missing.stderr


def test_events_survive_a_kill(watched):
    watched.read()
    alert = watched.alert()
    before = watched.explain(alert)
    watched.daemon.stop(signal.SIGKILL)
    watched.daemon.start()
    assert watched.explain(alert) == before
    database = sqlite3.connect(f"file:{watched.daemon.folder}/ethogram.db?mode=ro", uri=True)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    # The span that the kill ended, and that of now.
    open_spans = database.execute("SELECT count(*) FROM spans WHERE to_ns = 9223372036854775807").fetchone()[0]
    assert open_spans <= 1
    assert database.execute("SELECT count(*) FROM spans").fetchone()[0] >= 1
    database.close()


def test_nothing_is_stored_where_nothing_may_be(make_daemon, scratch):
    watched = Watched(make_daemon, scratch, "storage.history_bytes=0")
    watched.read()
    alert = watched.alert()
    status, data = watched.daemon.request("GET", f"/v1/alerts/{alert['id']}/explain")
    assert status == 404 and "none are" in json.loads(data)["detail"]
    assert watched.daemon.get("/v1/status")["storage"]["history"]["written_total"] == 0


def test_secrets_are_not_stored(make_daemon, scratch):
    watched = Watched(make_daemon, scratch, r"storage.redact=['token=(\S+)']")
    secret = unique("secret")
    watched.read()
    subprocess.run(["cat", watched.path(), "/dev/null", f"token={secret}"], check=False, stderr=subprocess.DEVNULL)

    def both():
        return len([a for a in watched.alerts() if a["output_fields"]["proc.name"] == "cat"]) >= 2

    watched.daemon.wait_for("both alerts", both, 10)
    hidden = []
    for alert in watched.alerts():
        text = json.dumps(watched.explain(alert))
        assert secret not in text
        if "token=" in text:
            hidden.append(alert)
    assert hidden and all("token=****" in json.dumps(watched.explain(alert)) for alert in hidden)


def test_history_stays_within_its_bytes(make_daemon, scratch):
    watched = Watched(make_daemon, scratch, "storage.history_bytes=100000")
    numbers = itertools.count()

    def is_within():
        for n in itertools.islice(numbers, 10):  # of one rule only so many are stored a second
            subprocess.run(["cat", watched.path(b"%d" % n), "/dev/null"], check=False, stderr=subprocess.DEVNULL)
            with open(watched.path(b"%d" % n), "wb"):
                pass
        history = watched.daemon.get("/v1/status")["storage"]["history"]
        return history["forgotten_total"] and history["bytes"] <= 100000 * 17 // 16

    watched.daemon.wait_for("the oldest events to go", is_within, 60)
    time.sleep(1.1)
    watched.read(b"last")
    assert watched.explain(watched.alert(b"last"))["truth"] == "true"
    oldest = min(watched.alerts(), key=lambda a: a["time"])
    status, data = watched.daemon.request("GET", f"/v1/alerts/{oldest['id']}/explain")
    assert status == 404 and "any more: the oldest that is stored is of" in json.loads(data)["detail"]


SEEN = """
- rule: First time
  desc: d
  condition: evt.type in (open, openat) and fd.name endswith {mark} and rule.seen_before = false
  output: "%fd.name"
  priority: WARNING
- rule: Twice
  desc: d
  condition: evt.type in (open, openat) and fd.name endswith {mark}
  count: {{within: 60s, at_least: 2}}
  output: "%fd.name"
  priority: WARNING
"""


def test_what_rules_ask_besides_their_condition(make_daemon, scratch):
    watched = Watched(make_daemon, scratch)
    watched.rules.write_text(SEEN.format(mark=watched.mark))
    reload(watched)
    for _ in range(3):
        with open(scratch / watched.mark, "wb"):
            pass
    daemon = watched.daemon
    first = daemon.wait_for("the first time", lambda: watched.alerts("First time"), 10)
    twice = daemon.wait_for("two", lambda: watched.alerts("Twice"), 10)
    # As it was when the condition was true, not after the rule had fired.
    explained = watched.explain(first[0])
    assert len(first) == 1 and explained["truth"] == "true"
    check = next(c for c in checks(explained["clauses"]) if c["left"]["text"].startswith("rule.seen_before"))
    assert check["left"]["values"] == [False]
    counted = watched.explain(twice[0])
    assert counted["truth"] == "true" and "at_least 2" in counted["besides"]["window"]
    assert counted["besides"]["output_fields"]["rule.count"] == 2
    assert watched.explain(twice[0], "First time")["truth"] == "false"
    assert watched.explain(twice[0], "First time")["besides"]["output_fields"] is None
    shown = watched.cli("rules", "explain", twice[0]["id"]).stdout.decode()
    assert "alert says     rule.count = 2\n" in shown and "at_least 2" in shown
