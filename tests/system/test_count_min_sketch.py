"""The configuration of Falco's plugin anomalydetection, and its fields, through a real daemon."""

import os
import shutil

from system_harness import ROOT, unique

CONFIG = """
plugins:
  - name: anomalydetection
    library_path: libanomalydetection.so
    init_config:
      count_min_sketch:
        enabled: true
        n_sketches: 3
        gamma_eps: [[0.001, 0.0001], [0.001, 0.0001], [0.001, 0.0001]]
        behavior_profiles: [
          {
            "fields": "%container.id %custom.proc.aname.lineage.join[7] %proc.tty %proc.exepath",
            "event_codes": [293, 331],
            "reset_timer_ms": 3600000
          },
          {
            "fields": "%container.id %proc.exepath %fd.name",
            "event_codes": [3, 307, 327]
          },
          {
            "fields": "%proc.name %fd.name",
            "event_codes": [59]
          }
        ]
load_plugins: [anomalydetection]
"""

RULES = """
- required_plugin_versions:
  - name: anomalydetection
    version: 0.1.0
- rule: run
  desc: d
  condition: evt.type in (execve, execveat) and proc.exepath = PROGRAM and anomaly.count_min_sketch[0] > 2
  output: '%anomaly.count_min_sketch[0] %anomaly.count_min_sketch[1] %anomaly.count_min_sketch.profile[1]'
  priority: NOTICE
- rule: opened
  desc: d
  condition: >
    evt.type in (open, openat, openat2) and proc.exepath = PROGRAM and fd.name startswith DATA
    and anomaly.count_min_sketch[1] > 0 and anomaly.falco.duration_ns > 0
  output: '%anomaly.count_min_sketch[1] %anomaly.count_min_sketch.profile[1] %anomaly.count_min_sketch'
  priority: NOTICE
  rate: none
"""


def counts(daemon, rule):
    """What the rule's alerts say behind time and priority, oldest first."""
    return [a["output"].split()[2:] for a in reversed(daemon.items("/v1/alerts?limit=500")) if a["rule"] == rule]


def test_counts_are_the_plugins(make_daemon, scratch):
    program = scratch / unique("reader")
    shutil.copy2("/bin/cat", program)
    data = scratch / unique("data")
    data.write_text("")
    config, rules = scratch / "ethogram.yaml", scratch / "rules.yaml"
    config.write_text(CONFIG)
    rules.write_text(RULES.replace("PROGRAM", str(program)).replace("DATA", str(data)))
    daemon = make_daemon(
        f'rules.files=["{rules}"]', f'learning.dimensions=["{ROOT}/etc/dimensions/default.yaml"]',
        "storage.checkpoint_s=1",
    )
    daemon.config = config
    daemon.start()

    def run(times, n_runs, n_opened):
        assert os.spawnv(os.P_WAIT, program, [str(program), *[str(data)] * times]) == 0
        return daemon.wait_for(
            "the alerts", lambda: len(counts(daemon, "run")) >= n_runs and len(counts(daemon, "opened")) >= n_opened, 20
        )

    run(3, 0, 3)
    profile = f"host{program}{data}"
    assert [c[:2] for c in counts(daemon, "opened")] == [[str(n), profile] for n in (1, 2, 3)]
    assert counts(daemon, "opened")[0][2] == "1"  # without a number: the first, this program's first run
    assert counts(daemon, "run") == []
    run(1, 0, 4)
    run(1, 1, 5)
    # The third run; a run has no descriptor, so the second profile says nothing of it.
    assert counts(daemon, "run")[0][:2] == ["3", "0"]
    # Unlike there, a restart forgets nothing.
    assert daemon.stop() == 0
    daemon.start()
    run(2, 2, 7)
    assert counts(daemon, "run")[1][0] == "4"
    assert [c[0] for c in counts(daemon, "opened")] == ["1", "2", "3", "4", "5", "6", "7"]
    status = daemon.get("/v1/status")["count_min_sketch"]
    assert status["profiles"] == 3
    assert status["updates_total"] > 0
    assert status["bytes"] > 3 * 7 * 27183 * 4
    assert status["cut_total"] == status["resets_failed_total"] == status["damaged_total"] == 0
