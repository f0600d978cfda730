"""Real actions for the tests of recordings. Usage: record_actor.py FOLDER WHAT...

Each action prints what only it can know (ports, descriptors, processes) as a line of JSON; "wait" waits for a
line on standard input."""

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading

FOLDER = sys.argv[1]
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x44000
kept = {}


def did(what, **more):
    print(json.dumps({"what": what, "pid": os.getpid(), "ppid": os.getppid(), **more}), flush=True)


def in_child(act):
    """Run it in a forked process; returns its number and exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = act() or 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return pid, os.waitstatus_to_exitcode(status)


def wait():
    did("wait")
    sys.stdin.readline()


def files():
    fd = os.open("plain", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    os.write(fd, b"hello")
    os.lseek(fd, 0, 0)
    os.read(fd, 3)
    copy = os.dup(fd)
    os.dup2(fd, 77)
    os.close(77)
    did("files", fd=fd, copy=copy)
    os.close(copy)
    os.close(fd)
    os.mkdir("sub", 0o711)
    os.rename("plain", "sub/renamed")
    os.symlink("sub/renamed", "link")
    os.chmod("link", 0o600)
    os.close(os.open("./sub/../link", os.O_RDONLY))
    os.chdir("sub")
    os.close(os.open("renamed", os.O_WRONLY | os.O_APPEND))
    os.chdir("..")
    for name in (b"two  spaces", b"bytes\xff\xfe", b"line\nbreak", b"\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb"):
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT))
    os.unlink("sub/renamed")
    os.rmdir("sub")
    try:
        os.open("missing", os.O_RDONLY)
    except OSError:
        pass


def pipes():
    reader, writer = os.pipe()
    os.write(writer, b"pipe")
    did("pipes", reader=reader, writer=writer)
    os.close(reader)
    os.close(writer)


def tcp(family, address):
    listener = socket.socket(family)
    listener.bind((address, 0))
    listener.listen(5)
    client = socket.socket(family)
    client.connect(listener.getsockname())
    server, _ = listener.accept()
    os.write(client.fileno(), b"to server")
    os.read(server.fileno(), 9)
    did(f"tcp{address}", client=client.getsockname()[1], server=listener.getsockname()[1], fds=[
        s.fileno() for s in (listener, client, server)])
    for s in (client, server, listener):
        s.close()


def tcp4():
    tcp(socket.AF_INET, "127.0.0.1")


def tcp6():
    tcp(socket.AF_INET6, "::1")


def udp():
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(b"datagram", receiver.getsockname())
    receiver.recv(100)
    did("udp", server=receiver.getsockname()[1])
    sender.close()
    receiver.close()


def unix():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("sock")
    listener.listen(1)
    client = socket.socket(socket.AF_UNIX)
    client.connect("sock")
    server, _ = listener.accept()
    did("unix")
    for s in (client, server, listener):
        s.close()


def memfd():
    fd = os.memfd_create("secret")
    with open("/bin/true", "rb") as program:
        os.write(fd, program.read())
    child, code = in_child(lambda: os.execve(fd, ["from-memory", "arg one"], {"A": "1"}))
    did("memfd", child=child, code=code)
    os.close(fd)


def user():
    def become():
        os.setgid(100)
        os.setuid(1)
        os.close(os.open("/etc/hostname", os.O_RDONLY))
        return 3

    child, code = in_child(become)
    did("user", child=child, code=code)


def mount():
    def act():
        LIBC.unshare(CLONE_NEWNS)
        LIBC.mount(b"none", b"/", None, MS_REC_PRIVATE, None)
        r = LIBC.mount(b"scratch", os.fsencode(FOLDER), b"tmpfs", 0, None)
        LIBC.umount2(os.fsencode(FOLDER), 2)
        return 0 if r == 0 else 1

    child, code = in_child(act)
    did("mount", child=child, code=code)


def thread():
    def act():
        os.close(os.open("/etc/hostname", os.O_RDONLY))
        did("thread", tid=threading.get_native_id())

    t = threading.Thread(target=act)
    t.start()
    t.join()


def chain():
    """Three generations: a script, its shell, a program."""
    script = os.path.join(FOLDER, "run me.sh")
    with open(script, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n/bin/sh -c '/bin/cat /etc/hostname; exit 4'\nexit 0\n")
    os.chmod(script, 0o755)
    with subprocess.Popen([script, "first arg", "second"], stdout=subprocess.DEVNULL, env={"MARK": "yes"}) as child:
        child.wait()
    did("chain", child=child.pid, script=script)
    try:
        os.execv("/nonexistent/program", ["program", "x"])
    except OSError:
        pass


def hold():
    """Descriptors that are there before a recording begins."""
    kept["file"] = os.open("held", os.O_RDWR | os.O_CREAT)
    kept["folder"] = os.open(".", os.O_RDONLY)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(5)
    client = socket.socket()
    client.connect(listener.getsockname())
    server, _ = listener.accept()
    kept.update(listener=listener, client=client, server=server)
    did("hold", client=client.getsockname()[1], server=listener.getsockname()[1])


def release():
    for name in ("file", "folder"):
        os.close(kept[name])
    for name in ("client", "server", "listener"):
        kept[name].close()


def many():
    for i in range(20000):
        os.close(os.open("/etc/hostname", os.O_RDONLY))
        os.stat("/etc/hostname")
    did("many")


def hostile():
    """Names and arguments at and beyond every limit."""
    deep = os.path.join(FOLDER, *["d" * 250] * 14)
    os.makedirs(deep)
    os.close(os.open(os.path.join(deep, "leaf"), os.O_WRONLY | os.O_CREAT))
    os.chdir(deep)
    os.chdir(FOLDER)
    os.close(os.open("x" * 255, os.O_WRONLY | os.O_CREAT))
    os.close(os.open(b"\x1b[31m\x01\x7f\\%s%n", os.O_WRONLY | os.O_CREAT))
    for arguments in (["x" * 100000], ["a"] * 20000, [""] * 5000, [b"\xff" * 5000]):
        subprocess.run(["/bin/true", *arguments], check=True)
    subprocess.run(["/bin/true"], env={"E" * 3000: "v" * 90000}, check=True)
    os.symlink("/bin/true", b"\xff\xfe %s \x1b[1m")
    subprocess.run([b"./\xff\xfe %s \x1b[1m"], check=True)
    LIBC.prctl(15, b"odd) \x01\xff R", 0, 0, 0)
    os.close(os.open("after", os.O_WRONLY | os.O_CREAT))
    did("hostile")


os.chdir(FOLDER)
for action in sys.argv[2:]:
    globals()[action]()
did("end")
