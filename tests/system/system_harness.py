"""A real daemon, asked over HTTP, for tests that need root and BPF; they skip elsewhere."""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("ETHOGRAM_BUILD", ROOT / "build-test"))
BINARY = BUILD / "ethogram"


def cannot_capture():
    """Why live capture is impossible here, or an empty string."""
    if not BINARY.exists():
        return f"{BINARY.name} is not built"
    if os.geteuid() != 0:
        return "not root"
    done = subprocess.run([BINARY, "doctor"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return "; ".join(line for line in done.stdout.splitlines() if line.startswith("NO"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unique(name):
    """A name no other run on this host uses: letters only, as digits would be templated."""
    return name + "".join(random.choices(string.ascii_lowercase, k=8))


class Daemon:
    """One ethogram on scratch state. Settings are --set assignments."""

    def __init__(self, folder, settings=()):
        self.folder = Path(folder)
        self.port = free_port()
        self.settings = [
            f"storage.path={self.folder}/ethogram.db",
            f"api.listen=127.0.0.1:{self.port}",
            f"api.unix_socket={self.folder}/ethogram.sock",
            f"api.token_file={self.folder}/token",
            "api.read_access=local",
            *settings,
        ]
        self.config = None  # file for -c
        self.process = None
        self.log = self.folder / "log"

    def start(self, timeout_s=30, every_s=0.05):
        command = [str(BINARY), "run", *(["-c", str(self.config)] if self.config else [])]
        for setting in self.settings:
            command += ["--set", setting]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        start = time.monotonic()
        while time.monotonic() - start < timeout_s:
            if self.process.poll() is not None:
                raise AssertionError(f"daemon ended with {self.process.returncode}:\n{self.log_tail()}")
            try:
                if self.request("GET", "/readyz")[0] == 200:
                    return time.monotonic() - start
            except OSError:
                pass
            time.sleep(every_s)
        raise AssertionError(f"daemon not ready after {timeout_s} s:\n{self.log_tail()}")

    def log_tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, how=signal.SIGTERM, timeout_s=30):
        """End it; returns the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"daemon did not end:\n{self.log_tail()}") from None
        self.process = None
        return code

    def request(self, method, path, body=None, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, data

    def get(self, path):
        status, data = self.request("GET", path)
        assert status == 200, f"{path}: {status} {data[:500]}"
        return json.loads(data)

    def items(self, path):
        """All pages of a list."""
        items, cursor = [], None
        while True:
            page = self.get(path + (f"{'&' if '?' in path else '?'}cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                return items

    def workload(self, name):
        found = [w for w in self.items("/v1/workloads?limit=1000") if w["name"] == name]
        return found[0] if found else None

    def wait_for(self, what, check, timeout_s, every_s=0.2):
        """Poll check() until it gives something true; returns it."""
        start = time.monotonic()
        while True:
            result = check()
            if result:
                return result
            if time.monotonic() - start > timeout_s:
                raise AssertionError(f"not within {timeout_s} s: {what}\n{self.log_tail()}")
            if self.process.poll() is not None:
                raise AssertionError(f"daemon ended with {self.process.returncode}:\n{self.log_tail()}")
            time.sleep(every_s)


class Cgroups:
    """Our own mount of the unified hierarchy, with folders made by hand as systemd would make them."""

    def __init__(self, folder):
        self.mount = Path(folder) / "cgroup"
        self.mount.mkdir()
        done = subprocess.run(
            ["mount", "-t", "cgroup2", "none", str(self.mount)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"cannot mount cgroup2: {done.stderr.strip()}")
        self.made = []

    def make(self, path):
        """A cgroup below the root of the hierarchy; returns its cgroup.procs file."""
        folder = self.mount
        for part in path.split("/"):
            folder = folder / part
            if not folder.exists():
                folder.mkdir()
                self.made.append(folder)
        return folder / "cgroup.procs"

    def run(self, path, command, **kwargs):
        """Start a command inside the cgroup."""
        procs = self.make(path)
        return subprocess.Popen(
            ["/bin/sh", "-c", f'echo $$ > "{procs}" && exec "$@"', "sh", *command], **kwargs
        )

    def close(self):
        for folder in reversed(self.made):
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except OSError:
                    time.sleep(0.1)
        subprocess.run(["umount", str(self.mount)], check=False)
