"""A name server for one name, on port 53 of a loopback address of its own: an alias, then its address."""

import socket
import struct
import threading

ADDRESS = "127.0.0.53"
NAME = "named.ethogram.test"
ALIAS = "alias.ethogram.test"
TARGET = "127.0.0.88"


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def answer(query):
    """What to say to a query; None to what asks for another name."""
    end = query.index(b"\0", 12) + 1
    name, (kind,) = query[12:end], struct.unpack(">H", query[end : end + 2])
    if name.lower() != encode(NAME):
        return None
    records = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, len(encode(ALIAS))) + encode(ALIAS)
    count = 1
    if kind == 1:
        records += encode(ALIAS) + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(TARGET)
        count = 2
    return query[:2] + struct.pack(">HHHHH", 0x8180, 1, count, 0, 0) + query[12 : end + 4] + records


class NameServer:
    """Answers until it is closed."""

    def __init__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((ADDRESS, 53))
        self.udp.settimeout(0.2)
        self.is_open = True
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.is_open:
            try:
                query, sender = self.udp.recvfrom(512)
                reply = answer(query)
            except (TimeoutError, ValueError, struct.error):
                continue
            if reply:
                self.udp.sendto(reply, sender)

    def close(self):
        self.is_open = False
        self.thread.join()
        self.udp.close()
