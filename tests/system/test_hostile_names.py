"""Command lines, paths and names of any bytes come out as valid JSON, reversibly."""

import os
import re
import subprocess
import time

ODD = [
    b"plain",
    b"new\nline\ttab",
    b'quo"te and \'single\'',
    b"back\\slash \\x41",
    b"\xff\xfe\x80 not utf-8 \xc3",
    "gr\u00fc\u00df \u2603".encode(),
    b"\x01\x1b[31mred\x7f",
]


def decode(text):
    """The bytes a JSON string stands for: \\\\ and \\xNN inside its value."""
    out = bytearray()
    i = 0
    raw = text.encode("utf-8", "surrogatepass")
    while i < len(raw):
        if raw[i : i + 1] == b"\\":
            if raw[i + 1 : i + 2] == b"\\":
                out += b"\\"
                i += 2
            else:
                assert re.match(rb"\\x[0-9a-fA-F]{2}", raw[i : i + 4]), raw[i : i + 4]
                out.append(int(raw[i + 2 : i + 4], 16))
                i += 4
        else:
            out += raw[i : i + 1]
            i += 1
    return bytes(out)


def test_odd_bytes(make_daemon, scratch):
    daemon = make_daemon("learning.epoch_s=1", "learning.hold_s=1")
    daemon.start()
    sleepers = []
    try:
        for n, odd in enumerate(ODD + [b"y" * 4000]):
            folder = os.fsencode(scratch) + b"/" + odd[:100].replace(b"/", b"_")
            os.mkdir(folder)
            with open(folder + b"/file", "wb"):
                pass
            sleepers.append(subprocess.Popen([b"/bin/sh", b"-c", b"sleep 60", b"sh", odd]))
        time.sleep(1)

        def found():
            lines = [decode(p["cmdline"]) for p in walk(daemon.get("/v1/processes?depth=64")) if p["cmdline"]]
            return all(any(odd[:3000] in line for line in lines) for odd in ODD + [b"y" * 4000]) or None

        daemon.wait_for("all command lines, byte for byte", found, 5)
        text = daemon.request("GET", "/v1/anomalies?below_threshold=1&limit=1000")[1]
        text.decode("utf-8")
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()


def walk(answer):
    stack = list(answer["items"] if "items" in answer else [answer])
    while stack:
        one = stack.pop()
        yield one
        stack += one["children"]
