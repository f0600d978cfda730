"""Recordings made by `ethogram record`, and what Debian's sysdig (libraries of 2022) makes of them."""

import os
import re
import shutil
import signal
import subprocess
import time

from system_harness import BINARY

SEPARATOR = "\x1f"


class Recording:
    """One `ethogram record` to a file."""

    def __init__(self, path, *options):
        self.path = path
        self.options = options
        self.process = None
        self.messages = b""

    def start(self, timeout_s=30, **kwargs):
        """Returns once it records."""
        self.process = subprocess.Popen(
            [str(BINARY), "record", "-w", str(self.path), *self.options],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, **kwargs,
        )
        deadline = time.monotonic() + timeout_s
        while b"recording to" not in self.messages:
            line = self.process.stderr.readline()
            self.messages += line
            assert line and time.monotonic() < deadline, f"it did not start:\n{self.messages.decode()}"
        return self

    def wait(self, timeout_s=60):
        """Until it ends by itself; returns the exit code."""
        self.messages += self.process.communicate(timeout=timeout_s)[1]
        return self.process.returncode

    def stop(self, how=signal.SIGINT, timeout_s=60):
        self.process.send_signal(how)
        return self.wait(timeout_s)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def text(self):
        return self.messages.decode(errors="replace")

    def number(self, what):
        """From the summary: the number in front of `what`; 0 when it is not told."""
        found = re.search(rf"(\d+) {what}", self.text())
        return int(found.group(1)) if found else 0


def have_sysdig():
    return shutil.which("sysdig") is not None


def sysdig(path, fields, condition="", check=True):
    """Events as dictionaries of the fields asked for; a missing value is None."""
    command = ["sysdig", "-r", str(path), "-p", "*" + SEPARATOR.join("%" + f for f in fields)]
    done = subprocess.run(
        command + ([condition] if condition else []), capture_output=True, check=False,
        env={**os.environ, "HOME": "/root"}, timeout=300,
    )
    if check:
        assert done.returncode == 0, f"sysdig: exit {done.returncode}: {done.stderr.decode(errors='replace')}"
    events = []
    for line in done.stdout.decode(errors="replace").split("\n"):
        values = line.split(SEPARATOR)
        if line and len(values) == len(fields):
            events.append({f: None if v == "<NA>" else v for f, v in zip(fields, values)})
    return events


def find(events, wanted):
    """The first event that has all the wanted values; a callable judges the value."""
    def fits(event):
        return all(want(event[f] or "") if callable(want) else event[f] == want for f, want in wanted.items())

    found = next((e for e in events if fits(e)), None)
    if found is None:
        same = [e for e in events if e.get("evt.type") == wanted.get("evt.type") and e.get("evt.dir") == wanted.get("evt.dir")]
        shown = "\n".join(str({f: e[f] for f in wanted}) for e in same[-12:])
        raise AssertionError(f"no event like {wanted}; of its type there were:\n{shown}")
    return found
