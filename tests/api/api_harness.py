"""The API's test server (tests/api/serve.c) as a fixture, and requests to it."""

import http.client
import json
import os
import select
import socket
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("ETHOGRAM_BUILD", ROOT / "build-test"))
SERVE = BUILD / "tests" / "api" / "api_serve"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class Server:
    """A running api_serve in a directory of its own."""

    def __init__(self, directory, *args):
        self.dir = Path(directory)
        self.socket = self.dir / "ethogram.sock"
        self.process = subprocess.Popen(
            [str(SERVE), str(self.dir), *map(str, args)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        started = select.select([self.process.stdout], [], [], 60)[0]
        self.address = self.process.stdout.readline().strip() if started else ""
        if not self.address:
            if not started:
                self.process.kill()
            self.error = self.process.communicate(timeout=10)[1]
            self.code = self.process.returncode
            return
        self.host = self.address.split("://")[-1]
        self.token = (self.dir / "token").read_text().strip()

    def stop(self):
        """End it; gives the exit code and what it said (a sanitizer's report, if any)."""
        error = self.process.communicate("", timeout=30)[1]
        return self.process.returncode, error

    def request(self, path, method="GET", headers=None, body=None, token=True, unix=False):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {self.token if token is True else token}"
        connection = (UnixConnection(self.socket) if unix
                      else http.client.HTTPConnection(self.host, timeout=10))
        try:
            connection.request(method, path, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path):
        answer = self.request(path)
        assert answer.status == 200, f"{path}: {answer.status} {answer.body[:500]}"
        return answer.json()

    def all_items(self, path):
        """Every page of a list."""
        items, cursor = [], None
        while True:
            page = self.get(path + (f"{'&' if '?' in path else '?'}cursor={cursor}" if cursor else ""))
            assert set(page) == {"items", "next"}
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items
            assert page["items"], "a page that names a next one is not empty"
