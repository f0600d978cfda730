"""Rules are replaced while events flow: no event is lost, no alert is missed or made twice, a broken file changes nothing."""

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from system_harness import BUILD, ROOT

WORK = BUILD / "tests" / "bench" / "work"
REFERENCE = ROOT.parent / "shared" / "reference" / "rules"
UPSTREAM = [
    REFERENCE / name
    for name in ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")
]
BROKEN = [
    "- rule: broken\n  desc: d\n  condition: evt.type = open and (\n  output: x\n  priority: INFO\n",
    "- rule: no such field\n  desc: d\n  condition: no.such = 1\n  output: x\n  priority: INFO\n",
    "- rule: [\n",
    "- macro: m\n  condition: undefined_macro\n",
]


def rule(name, condition, output="%fd.name", more=""):
    return f"- rule: {name}\n  desc: d\n  condition: {condition}\n  output: \"{output}\"\n  priority: INFO\n{more}\n"


class Reloaded:
    """A daemon with one rule file of ours, which the test changes."""

    def __init__(self, make_daemon, scratch, text, *settings, others=()):
        self.file = scratch / "r.yaml"
        self.file.write_text(text)
        files = ",".join(map(str, [*others, self.file]))
        self.daemon = make_daemon(f"rules.files=[{files}]", "learning.dimensions=[]", *settings)
        self.daemon.start()
        self.token = (self.daemon.folder / "token").read_text().strip()

    def reload(self):
        status, data = self.daemon.request("POST", "/v1/rules/reload", token=self.token)
        assert status == 200, data
        return json.loads(data)

    def write(self, text):
        """Whole or not at all, as an editor does."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.rename(self.file)

    def rules(self):
        return self.daemon.get("/v1/status")["rules"]

    def hits(self, name):
        return {r["name"]: r for r in self.daemon.get("/v1/rules")["items"]}[name]


def touch(path):
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


class Markers(threading.Thread):
    """Opens a new file every few milliseconds."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.n = 0
        self.is_over = False

    def run(self):
        while not self.is_over:
            touch(self.folder / f"marker-{self.n}")
            self.n += 1
            time.sleep(0.004)


def alerted(path, prefix):
    names = Counter()
    for line in path.read_text().splitlines():
        name = json.loads(line)["output_fields"].get("fd.name") or ""
        if name.startswith(prefix):
            names[name] += 1
    return names


@pytest.mark.skipif(not WORK.exists(), reason="work is not built")
def test_no_event_is_lost_and_no_alert_missed(make_daemon, scratch):
    others = [f for f in UPSTREAM if f.exists()]
    marked = scratch / "marked"
    marked.mkdir()
    alerts = scratch / "alerts.json"
    ours = rule("marked", f"evt.type in (open, openat, creat) and fd.name startswith {marked}/marker-") + rule(
        "strangers", f"evt.type = creat and not fd.name = {scratch}/file"
    )
    r = Reloaded(
        make_daemon, scratch, ours, f"outputs=[{{file: {{path: {alerts}}}}}]", "capture.buffer_bytes=67108864", others=others,
    )
    load = subprocess.Popen([WORK, "creats", scratch / "file", "20000", "15"], stdout=subprocess.PIPE, text=True)
    markers = Markers(marked)
    markers.start()
    good = refused = 0
    try:
        while load.poll() is None or good + refused < 24:
            # Every other set needs more of the capture than the one before, every third is broken.
            more = rule("more", "evt.type in (mkdir, rename) and evt.arg.path = never") if good % 2 else ""
            if (good + refused) % 3 == 2:
                r.write(BROKEN[refused % len(BROKEN)])
                answer = r.reload()
                assert not answer["successful"] and answer["errors"]
                refused += 1
            else:
                r.write(ours + more)
                answer = r.reload()
                assert answer["successful"], answer["errors"]
                good += 1
            assert answer["generation"] == 1 + good
    finally:
        markers.is_over = True
        markers.join()
        made = int(load.communicate()[0].split()[0])
    r.write(ours)
    touch(marked / "marker-last")
    wanted = {f"{marked}/marker-{i}" for i in [*range(markers.n), "last"]}
    r.daemon.wait_for("the last alert", lambda: f"{marked}/marker-last" in alerts.read_text(), 20)
    assert alerted(alerts, f"{marked}/marker-") == Counter(wanted), "each marker alerts exactly once"
    after = r.daemon.get("/v1/status")["capture"]
    seen = after["by_type"]["creat"]["seen"] - r.hits("strangers")["hits_total"]
    assert after["dropped_total"] == 0
    assert seen == made, "every creation of the load, and no other"
    status = r.rules()
    assert (status["reloads_total"], status["reloads_refused_total"]) == (good + refused, refused)
    assert good + refused >= 20
    r.daemon.wait_for("all hits, from before every reload", lambda: r.hits("marked")["hits_total"] == len(wanted), 5)


def test_broken_file_leaves_the_old_set_running(make_daemon, scratch):
    r = Reloaded(make_daemon, scratch, rule("kept", f"evt.type in (open, openat) and fd.name = {scratch}/x"))
    touch(scratch / "x")
    r.daemon.wait_for("a hit", lambda: r.hits("kept")["hits_total"] == 1, 10)
    last_hit = r.hits("kept")["last_hit"]
    status, data = r.daemon.request("POST", "/v1/rules/check", body=BROKEN[1].encode(), token=r.token)
    error, = json.loads(data)["errors"]
    assert status == 200 and (error["file"], error["line"]) == ("body", 3), "no name of a file that nobody has"
    for n, text in enumerate(BROKEN, 1):
        r.write(text)
        answer = r.reload()
        assert not answer["successful"] and answer["generation"] == 1
        assert answer["errors"][0]["file"] == str(r.file) and answer["errors"][0]["line"] >= 1
        status = r.rules()
        assert status["errors"] >= 1 and status["generation"] == 1 and status["loaded"] == 1
        assert str(r.file) in status["last_error"] and answer["errors"][0]["code"] in status["last_error"]
        assert status["reloads_refused_total"] == n and status["last_error_at"] > status["loaded_at"]
        assert r.daemon.log.read_text().count("reload: refused") == n
        touch(scratch / "x")
        r.daemon.wait_for("another hit", lambda: r.hits("kept")["hits_total"] == 1 + n, 10)
    r.write(rule("kept", f"evt.type in (open, openat) and fd.name = {scratch}/y") + rule("new", "evt.type = mkdir"))
    answer = r.reload()
    assert answer["successful"] and answer["rules"] == 2 and answer["generation"] == 2
    status = r.rules()
    assert status["errors"] == 0 and status["last_error"] is None and status["loaded"] == 2
    assert r.hits("kept")["hits_total"] == 1 + len(BROKEN) and r.hits("kept")["last_hit"] > last_hit
    assert r.hits("new")["hits_total"] == 0


def test_a_broken_configuration_is_told(make_daemon, scratch):
    r = Reloaded(make_daemon, scratch, rule("kept", "evt.type = mkdir"))
    r.daemon.stop()
    r.daemon.config = scratch / "config.yaml"
    r.daemon.config.write_text("rules: {match: all}\n")
    r.daemon.start()
    r.daemon.config.write_text("rules:\n  matches: all\n")
    answer = r.reload()
    assert not answer["successful"] and answer["generation"] == 1
    error = answer["errors"][0]
    assert (error["code"], error["file"], error["line"]) == ("LOAD_ERR_CONFIG", str(r.daemon.config), 2)
    assert "rules.matches" in r.rules()["last_error"]


def test_capture_follows_the_rules_without_a_gap(make_daemon, scratch):
    """What the new rules need is captured before they are in use; what only the old needed no more."""
    few = rule("opens", f"evt.type = creat and fd.name = {scratch}/never")
    more = few + rule("folders", f"evt.type = mkdir and evt.arg.path startswith {scratch}", "%evt.arg.path")
    r = Reloaded(make_daemon, scratch, few)

    def seen():
        return r.daemon.get("/v1/status")["capture"]["by_type"].get("mkdir", {"seen": 0})["seen"]

    for n in range(1, 6):
        os.mkdir(scratch / f"unseen-{n}")
        r.write(more)
        assert r.reload()["successful"]
        os.mkdir(scratch / f"seen-{n}")  # the very next call
        r.daemon.wait_for("the alert", lambda: r.hits("folders")["hits_total"] == 1, 10)
        r.write(few)
        assert r.reload()["successful"]
        count = seen()
        os.mkdir(scratch / f"after-{n}")
        time.sleep(1.2)  # answers are shared for a second
        assert seen() == count


def test_reloads_do_not_overlap(make_daemon, scratch):
    r = Reloaded(make_daemon, scratch, rule("one", "evt.type = mkdir"), others=[f for f in UPSTREAM if f.exists()])
    answers = []

    def ask():
        for _ in range(4):
            answers.append(r.reload())

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        r.daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert all(a["successful"] for a in answers) and len(answers) == 24
    r.daemon.wait_for("quiet", lambda: r.rules()["generation"] == r.rules()["reloads_total"] + 1, 10)
    generations = [a["generation"] for a in answers]
    assert max(generations) <= r.rules()["generation"] and min(generations) >= 2
    assert r.rules()["reloads_refused_total"] == 0


def test_reloading_needs_the_token(make_daemon, scratch):
    r = Reloaded(make_daemon, scratch, rule("one", "evt.type = mkdir"))
    assert r.daemon.request("POST", "/v1/rules/reload")[0] == 401
    assert r.daemon.request("POST", "/v1/rules/reload", token="wrong")[0] == 401
    assert r.daemon.request("GET", "/v1/rules/reload", token=r.token)[0] == 405
    assert r.rules()["reloads_total"] == 0


def test_ending_while_reloading(make_daemon, scratch):
    """SIGTERM during reloads: the daemon ends cleanly and every request gets an answer."""
    r = Reloaded(make_daemon, scratch, rule("one", "evt.type = mkdir"), others=[f for f in UPSTREAM if f.exists()])
    statuses = []

    def ask():
        try:
            statuses.append(r.daemon.request("POST", "/v1/rules/reload", token=r.token)[0])
        except OSError:
            statuses.append(None)  # came too late

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    assert r.daemon.stop() == 0
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 503, None}


def threads_of(pid):
    """Name, nice value and scheduling policy of each thread but the first, and those of the first."""
    others = []
    for task in (Path("/proc") / str(pid) / "task").iterdir():
        text = (task / "stat").read_text()
        fields = text[text.rindex(")") + 2 :].split()
        one = (text[text.index("(") + 1 : text.rindex(")")], int(fields[16]), int(fields[38]))
        if int(task.name) == pid:
            first = one
        else:
            others.append(one)
    return first, others


def test_no_thread_interrupts_the_pipeline(make_daemon, scratch):
    """The pipeline's thread is the first: others do not take its processor when they wake, and the loader yields it."""
    r = Reloaded(make_daemon, scratch, rule("one", "evt.type = mkdir"))
    first, others = threads_of(r.daemon.process.pid)
    assert first[2] == os.SCHED_OTHER
    names = Counter(name for name, _, _ in others)
    assert names["loader"] == 1 and names["writer"] == 1 and len(others) >= 3
    for name, nice, policy in others:
        assert policy == os.SCHED_BATCH, (name, policy)
        assert nice == min(19, first[1] + (10 if name == "loader" else 0)), (name, nice)
    r.reload()
    assert threads_of(r.daemon.process.pid)[0] == first
