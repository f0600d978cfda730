"""kill -9 at random moments under load: the database stays whole and nothing seen earlier is lost."""

import json
import random
import signal
import sqlite3
import subprocess
import time

from system_harness import unique

KILLS = 50
CHECKPOINT_S = 1

# Opens a file with a new name every 50 ms and says when. Names without digits: those would be templated.
LOAD = r"""
import sys, time
def word(n):
    text = ""
    while True:
        text = "abcdefghij"[n % 10] + text
        n //= 10
        if not n:
            return "w" + text
folder, n = sys.argv[1], 0
while True:
    path = f"{folder}/{word(n)}"
    open(path, "w").close()
    print(f"{time.time():.6f} {path}", flush=True)
    n += 1
    time.sleep(0.05)
"""

SERVICE = unique("load-") + ".service"
UNIT = f"unit:{SERVICE}"


def known_names(daemon):
    """Names of written files that the baseline holds or has pending."""
    workload = daemon.workload(UNIT)
    if not workload:
        return set()
    rows = daemon.items(f"/v1/workloads/{workload['id']}/behaviours?dimension=file.write&limit=1000")
    rows += daemon.items(f"/v1/workloads/{workload['id']}/pending?limit=1000")
    return {json.dumps(row["key"]) for row in rows if row["dimension"] == "file.write"}


def test_kill(make_daemon, cgroups, scratch):
    rng = random.Random(7)
    files = scratch / "files"
    files.mkdir()
    daemon = make_daemon(
        f"storage.checkpoint_s={CHECKPOINT_S}", "learning.epoch_s=1", "learning.hold_s=2",
        "learning.min_epochs=60", "limits.pending_per_workload=100000",
    )
    daemon.start()
    output = scratch / "load.log"
    with open(output, "w") as log:
        load = cgroups.run(
            f"system.slice/{SERVICE}", ["/usr/bin/env", "python3", "-c", LOAD, str(files)], stdout=log
        )
    seen_while_up = []  # (from, to) of the daemon's lives
    try:
        for kill in range(KILLS):
            up_from = time.time()
            time.sleep(rng.uniform(0.2, 3.5))
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait()
            seen_while_up.append((up_from, time.time()))
            database = sqlite3.connect(f"file:{daemon.folder}/ethogram.db?mode=ro", uri=True)
            assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok", f"kill {kill}"
            database.close()
            daemon.start()
        # What was opened while a daemon was up, and long enough before it was killed, must be known.
        expected = set()
        for line in output.read_text().splitlines():
            when, path = line.split(" ", 1)
            when = float(when)
            if any(start < when < end - CHECKPOINT_S - 1 for start, end in seen_while_up):
                expected.add(path)
        assert len(expected) > 50
        known = "\n".join(known_names(daemon))
        lost = [p for p in expected if f'/{p.rsplit("/", 1)[1]}"' not in known and f'"{p.rsplit("/", 1)[1]}"' not in known]
        assert not lost, f"{len(lost)} of {len(expected)} lost, first {lost[:3]}"
    finally:
        load.terminate()
        load.wait()
    # Nothing but ours died: the database of the last life is whole after a clean end too.
    assert daemon.stop() == 0
    subprocess.run(["sqlite3", f"{daemon.folder}/ethogram.db", "PRAGMA quick_check"], check=True, stdout=subprocess.DEVNULL)
