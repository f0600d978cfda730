"""Rules that fire only on what is new for the workload, what they remember, and how much of them gets through: through a real daemon."""

import json
import os
import shutil
import time

import pytest

from system_harness import ROOT, unique

SHORT = ("learning.epoch_s=1", "learning.hold_s=1", "storage.checkpoint_s=1")


@pytest.fixture
def reader(scratch):
    """A program of its own: cat under a name that no other process has."""
    program = scratch / unique("reader")
    shutil.copy2("/bin/cat", program)
    return program


class Watched:
    """A daemon with rules, and a service that reads what it is told to."""

    def __init__(self, make_daemon, cgroups, scratch, reader, rules, settings=SHORT):
        self.cgroups, self.scratch, self.reader = cgroups, scratch, reader
        self.rules = scratch / "rules.yaml"
        self.rules.write_text(rules.replace("PROGRAM", str(reader)))
        self.daemon = make_daemon(
            f'rules.files=["{self.rules}"]',
            f'learning.dimensions=["{ROOT}/etc/dimensions/default.yaml"]',
            *settings,
        )
        self.daemon.start()
        self.n = 0

    def read(self, *paths, times=1):
        """One process reads them so often, in order; behind it a file that a rule sees every time."""
        end = self.scratch / unique("end")
        end.write_text("")
        command = [str(self.reader), *[str(p) for p in paths] * times, str(end)]
        with open(os.devnull, "wb") as null:
            job = self.cgroups.run(f"system.slice/{self.reader.name}.service", command, stdout=null)
            assert job.wait(timeout=60) == 0
        self.daemon.wait_for(f"{end} being seen", lambda: self.alerts("end", str(end)), 20)

    def alerts(self, rule, path=None):
        """Of the reader, oldest first: what their outputs say of it."""
        found = [a for a in self.daemon.items("/v1/alerts?limit=500") if a["rule"] == rule]
        return [a for a in reversed(found) if path is None or a["output_fields"]["fd.name"] == path]

    def names(self, rule):
        return [os.path.basename(a["output_fields"]["fd.name"]) for a in self.alerts(rule)]

    def status(self):
        return self.daemon.get("/v1/status")["rules"]


OPENED = "evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.num >= 0 and proc.exepath = PROGRAM"
END = f"""
- rule: end
  desc: d
  condition: {OPENED} and fd.filename startswith end
  output: '%fd.name'
  priority: INFO
  rate: none
"""


@pytest.fixture
def files(scratch):
    """Names that templates leave alone, in a folder of their own."""
    folder = scratch / unique("data")
    folder.mkdir()
    made = [folder / unique(letter) for letter in "abcdef"]
    for path in made:
        path.write_text("")
    return made


def test_once_for_each_new_file(make_daemon, cgroups, scratch, reader, files):
    watched = Watched(make_daemon, cgroups, scratch, reader, END + f"""
- rule: new file
  desc: d
  condition: {OPENED} and fd.name startswith {files[0].parent}/
  only_if_new: file.read
  output: '%fd.name %rule.new_in'
  priority: INFO
- rule: new place
  desc: d
  condition: {OPENED} and fd.name startswith {files[0].parent}/
  only_if_new: file.read@directory
  output: '%fd.name'
  priority: WARNING
- rule: every file
  desc: d
  condition: {OPENED} and fd.name startswith {files[0].parent}/
  output: '%fd.name seen=%rule.seen_before'
  priority: INFO
""")
    a, b, c, d, e, _ = files
    watched.read(a, b, times=50)
    assert watched.names("new file") == [a.name, b.name]
    assert watched.names("new place") == [a.name]  # b is in the same folder
    assert len(watched.alerts("every file")) == 100
    assert [x["output_fields"]["rule.seen_before"] for x in watched.alerts("every file")][:3] == [False, True, True]
    alert = watched.alerts("new file")[0]
    assert alert["output_fields"]["rule.new_in"] == "file.read"
    assert alert["output_fields"]["rule.new_doubt"] is None
    assert alert["output"].endswith(f"{a} file.read")
    # What waited is learned meanwhile, and is as little news as before; but a's quarantine goes on.
    time.sleep(3)
    watched.read(a, b, c)
    assert watched.names("new file") == [a.name, b.name, c.name]
    # Neither does a restart make news of it, whether it ends in order or not.
    for name, how in ((d, 15), (e, 9)):
        watched.read(name)
        time.sleep(2.5)  # a checkpoint
        watched.daemon.stop(how)
        watched.daemon.start()
        watched.read(a, b, c, name)
    assert watched.names("new file") == [x.name for x in (a, b, c, d, e)]
    assert watched.names("new place") == [a.name]
    assert all(x["output_fields"]["rule.seen_before"] for x in watched.alerts("every file")[1:])
    # Another workload has its own idea of what is new.
    job = cgroups.run(f"system.slice/{unique('other')}.service", [str(reader), str(a)])
    assert job.wait(timeout=60) == 0
    watched.daemon.wait_for("the other workload's alert", lambda: len(watched.names("new file")) == 6, 20)
    assert watched.names("new file")[-1] == a.name


def test_a_reload_keeps_what_is_known(make_daemon, cgroups, scratch, reader, files):
    rules = END + f"""
- rule: new file
  desc: d
  condition: {OPENED} and fd.name startswith {files[0].parent}/
  only_if_new: DIMENSION
  output: '%fd.name %rule.seen_before'
  priority: INFO
"""
    watched = Watched(make_daemon, cgroups, scratch, reader, rules.replace("DIMENSION", "file.read"))
    token = (watched.daemon.folder / "token").read_text().strip()

    def reload(dimension):
        watched.rules.write_text(rules.replace("DIMENSION", dimension).replace("PROGRAM", str(reader)))
        status, data = watched.daemon.request("POST", "/v1/rules/reload", token=token)
        assert status == 200, data
        return json.loads(data)

    watched.read(files[0])
    assert reload("file.read")["successful"]
    watched.read(files[0], files[1])
    assert watched.names("new file") == [files[0].name, files[1].name]
    assert [x["output"].split()[-1] for x in watched.alerts("new file")] == ["false", "true"]
    refused = reload("file.reed")
    assert not refused["successful"]
    assert "'file.reed' is no dimension" in refused["errors"][0]["message"]
    assert refused["errors"][0]["line"] > 0
    watched.read(files[2])
    assert watched.names("new file")[-1] == files[2].name
    assert reload("net.listen")["warnings"][0]["code"] == "LOAD_NEVER_FIRES"


def test_a_rate_hides_repeats_but_no_first_occurrence(make_daemon, cgroups, scratch, reader, files):
    watched = Watched(make_daemon, cgroups, scratch, reader, END + f"""
- rule: often
  desc: d
  condition: {OPENED} and fd.name startswith {files[0].parent}/
  output: '%fd.name'
  priority: INFO
""", (*SHORT, "rules.rate.burst=5", "rules.rate.per_s=3600"))
    watched.read(files[0], times=2000)
    assert watched.names("often") == [files[0].name] * 6  # the burst, and once more: not known before
    watched.read(files[0], files[1], files[2], times=100)
    assert watched.names("often")[6:] == [files[1].name, files[2].name]
    assert [x["output_fields"].get("rule.suppressed") for x in watched.alerts("often")][5:] == [None, 1995, None]
    rule = [r for r in watched.daemon.items("/v1/rules") if r["name"] == "often"][0]
    assert rule["hits_total"] == 2300
    assert rule["suppressed_total"] == 2292
    assert watched.status()["suppressed_total"] == 2292
    metrics = watched.daemon.request("GET", "/metrics")[1].decode()
    assert "ethogram_rule_alerts_suppressed_total 2292" in metrics
