"""Small captures made by hand, for tests that need one of a certain shape."""

import struct

START_NS = 1_700_000_000_000_000_000


def _block(kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _text(value):
    raw = value.encode()
    return struct.pack("<H", len(raw)) + raw


def section():
    return _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 2, -1))


def machine(hostname):
    return _block(0x201, struct.pack("<IQQ128sQQQQ", 1, 1 << 30, 32768, hostname.encode(), 0, 0, 0, 0))


def process(tid, comm, exepath, parent=1):
    entry = struct.pack("<QQQqq", tid, tid, parent, tid, tid) + _text(comm) + _text(exepath) + _text(exepath)
    entry += _text("") + _text("/") + struct.pack("<QIII", 1024, 0, 0, 0) + struct.pack("<IIIQQ", 0, 0, 0, 0, 0)
    entry += _text("") + struct.pack("<qq", tid, tid) + _text("") + _text("/")
    return _block(0x215, struct.pack("<I", len(entry) + 4) + entry)


def event(kind, tid, at_s, *values):
    body = b"".join(struct.pack("<H", len(v)) for v in values) + b"".join(values)
    header = struct.pack("<QQIHI", START_NS + int(at_s * 1e9), tid, 26 + len(body), kind, len(values))
    return _block(0x216, struct.pack("<H", 0) + header + body)


def opened(tid, at_s, path, fd=3):
    """open that succeeded, for reading."""
    return event(
        3, tid, at_s, struct.pack("<q", fd), path.encode() + b"\0", struct.pack("<I", 1), struct.pack("<I", 0),
        struct.pack("<I", 5), struct.pack("<Q", 7)
    )


def service(seconds, news):
    """A service that reads one file every second, and at last what news names."""
    out = section() + machine("made") + process(100, "shopd", "/usr/sbin/shopd")
    for second in range(seconds):
        out += opened(100, second, "/srv/shop/catalogue")
    for i, path in enumerate(news):
        out += opened(100, seconds + i / 100, path)
    return out + opened(100, seconds + 5, "/srv/shop/catalogue")
