"""Actions, what upstream's rules have to say of them, and their harmless twins."""

import os
import time

from upstream import ANY, Alert, Host, In, Proc, Some


class Case:
    def __init__(self, name, action, alerts, twin=None):
        self.name, self.action, self.alerts, self.twin = name, action, alerts, twin


# Linux 6.14 names a program that is executed by its descriptor after the file.
FEXECVE_NAME = "memfd:payload" if tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) >= (6, 14) else "4"
NOW = Some(lambda ns: abs(ns - time.time_ns()) < 60 * 10**9, "now")

# Rules that cannot be made to fire on any machine: why.
CANNOT = {}

UNTRUSTED = "Read sensitive file untrusted"
TRAVERSAL = "Directory traversal monitored file read"
SHADOW = {"fd.name": "/etc/shadow", "evt.type": "openat"}

FILES = [
    Case("cat-shadow", Host("cat", "/etc/shadow"), [Alert(UNTRUSTED, SHADOW)], Host("cat", "/etc/passwd")),
    Case("open-call", Host("{actor}", "open", "/etc/shadow", "r"),
         [Alert(UNTRUSTED, {"fd.name": "/etc/shadow", "evt.type": "open"})],
         Host("stat", "/etc/shadow")),
    Case("openat2-call", Host("{actor}", "openat2", "/etc/pam.d/login", "r"),
         [Alert(UNTRUSTED, {"fd.name": "/etc/pam.d/login", "evt.type": "openat2"})],
         Host("{actor}", "openat2", "/etc/pam.conf.d", "r")),
    Case("by-directory", Host("{actor}", "openat", "/etc", "shadow", "r"), [Alert(UNTRUSTED, SHADOW)],
         Host("{actor}", "openat", "/etc", "hostname", "r")),
    # Whose parent died is its new parent's.
    Case("orphans", Host("{actor}", "orphans", "20", "/etc/shadow"),
         [Alert(UNTRUSTED, SHADOW, of=["{actor} orphans 20 /etc/shadow", "{actor} orphans 20 /etc/shadow"])] * 20),
    Case("by-link", Host("cat", "{tmp}/a-link", before=["ln -sf /etc/shadow {tmp}/a-link"]), [Alert(UNTRUSTED, SHADOW)],
         Host("cat", "{tmp}/another", before=["ln -sf /etc/passwd {tmp}/another"])),
    Case("by-working-directory", Host("cat", "shadow", cwd="/etc"), [Alert(UNTRUSTED, SHADOW)],
         Host("cat", "passwd", cwd="/etc")),
    Case("in-a-container", In("plain", "cat", "/etc/shadow"), [Alert(UNTRUSTED, SHADOW)],
         In("plain", "cat", "/etc/passwd")),
    Case("trusted-program", Host("as:nginx", "aged", "5.1", "/etc/shadow"),
         [Alert(UNTRUSTED, SHADOW), Alert("Read sensitive file trusted after startup",
                                          {**SHADOW, "proc.pcmdline": ANY})],
         Host("as:nginx", "aged", "5.1", "/etc/passwd")),
    Case("trusted-at-start", Host("as:httpd", "aged", "0", "/etc/shadow"), [Alert(UNTRUSTED, SHADOW)]),
    Case("traversal", Host("cat", "/usr/lib/../../etc/../etc/passwd"),
         [Alert(TRAVERSAL, {"fd.name": "/etc/passwd", "fd.nameraw": "/usr/lib/../../etc/../etc/passwd", "evt.type": "openat"})],
         Host("cat", "/usr/../etc/passwd")),
    Case("traversal-failed", Host("cat", "../../../../../../../../etc/no-such-file", cwd="/usr/share"),
         [Alert(TRAVERSAL, {"fd.name": "/etc/no-such-file", "evt.type": "openat",
                            "fd.nameraw": "../../../../../../../../etc/no-such-file"})],
         Host("cat", "../../../../../../../../srv/no-such-file", cwd="/usr/share")),
    Case("clear-log", Host("cp", "/dev/null", "/var/log/ethogram-test.log", before=["echo x >/var/log/ethogram-test.log"],
                           after=["rm -f /var/log/ethogram-test.log"]),
         [Alert("Clear Log Activities", {"fd.name": "/var/log/ethogram-test.log", "evt.type": "openat"})],
         Host("tee", "-a", "/var/log/ethogram-test.log", after=["rm -f /var/log/ethogram-test.log"])),
    Case("clear-log-elsewhere", Host("{actor}", "open", "{tmp}/auth.log", "wt", before=["echo x >{tmp}/auth.log"]),
         [Alert("Clear Log Activities", {"fd.name": "{tmp}/auth.log", "evt.type": "open"})],
         Host("{actor}", "open", "{tmp}/auth.txt", "wt", before=["echo x >{tmp}/auth.txt"])),
    Case("ln-s", Host("ln", "-sf", "/etc/shadow", "{tmp}/symlink"),
         [Alert("Create Symlink Over Sensitive Files",
                {"evt.arg.target": "/etc/shadow", "evt.arg.linkpath": "{tmp}/symlink", "evt.type": "symlinkat"})],
         Host("ln", "-sf", "/etc/passwd", "{tmp}/symlink2")),
    Case("symlink-call", Host("{actor}", "symlink", "/root/", "{tmp}/symlink3"),
         [Alert("Create Symlink Over Sensitive Files",
                {"evt.arg.target": "/root/", "evt.arg.linkpath": "{tmp}/symlink3", "evt.type": "symlink"})],
         Host("{actor}", "symlink", "/root/x", "{tmp}/symlink4")),
    Case("ln", Host("ln", "/etc/shadow", "/etc/.ethogram-test", before=["rm -f /etc/.ethogram-test"], after=["rm -f /etc/.ethogram-test"]),
         [Alert("Create Hardlink Over Sensitive Files",
                {"evt.arg.oldpath": "/etc/shadow", "evt.arg.newpath": "/etc/.ethogram-test", "evt.type": "linkat"})],
         Host("ln", "{tmp}/actor", "{tmp}/hardlink", before=["rm -f {tmp}/hardlink"])),
    Case("link-call", Host("{actor}", "link", "/etc/sudoers", "{tmp}/hardlink2"),
         [Alert("Create Hardlink Over Sensitive Files",
                {"evt.arg.oldpath": "/etc/sudoers", "evt.arg.newpath": "{tmp}/hardlink2", "evt.type": "link"})],
         Host("{actor}", "link", "{tmp}/actor", "{tmp}/hardlink3")),
    Case("release-agent", In("capable", "/actor", "open", "/tmp/release_agent", "wc"),
         [Alert("Detect release_agent File Container Escapes",
                {"fd.name": "/tmp/release_agent", "evt.type": "open",
                 "thread.cap_effective": "CAP_DAC_OVERRIDE CAP_KILL CAP_NET_RAW CAP_SYS_MODULE CAP_SYS_ADMIN"})],
         In("plain", "/actor", "open", "/tmp/release_agent", "wc")),
]

SPAWNED = {"evt.type": "execve", "fd.name": None}
RAN = {**SPAWNED, "evt.res": "SUCCESS"}
KEYS = "Search Private Keys or Passwords"
AWS = "Find AWS Credentials"
SHM = "Execution from /dev/shm"
BULK = "Remove Bulk Data from Disk"
MEMFD = "Fileless execution via memfd_create"
FROM_MEMFD = {**RAN, "evt.arg.flags": "EXE_WRITABLE|EXE_FROM_MEMFD"}

PROCESSES = [
    Case("shell-of-nginx", Host("as:nginx", "run", "/bin/sh", "sh", "-c", "true"),
         [Alert("Run shell untrusted", SPAWNED, of=["sh -c true", "as:nginx run /bin/sh sh -c true"]),
          Alert("Web Server Spawned Shell", SPAWNED, of=["sh -c true", "as:nginx run /bin/sh sh -c true"])],
         Host("as:worker", "run", "/bin/sh", "sh", "-c", "true")),
    Case("interactive-daemon", Host("as:sshd", "as", "1", "/bin/true", "true"),
         [Alert("System user interactive", {**SPAWNED, "user.name": "daemon", "user.uid": 1, "evt.arg.flags": "0"},
                of=["true", "as:sshd as 1 /bin/true true"])],
         Host("as:sshd", "run", "/bin/true", "true")),
    Case("grep-keys", Host("grep", "-r", "BEGIN RSA PRIVATE", "/etc/hostname"), [Alert(KEYS, SPAWNED)],
         Host("grep", "-r", "BEGIN CERTIFICATE", "/etc/hostname")),
    Case("find-keys", Host("find", "/etc/hostname", "-name", "id_rsa"), [Alert(KEYS, SPAWNED)],
         Host("find", "/etc/hostname", "-name", "id")),
    Case("grep-aws", Host("grep", "aws_secret_ACCESS_key", "/etc/hostname"), [Alert(AWS, SPAWNED)],
         Host("grep", "secret", "/etc/hostname")),
    Case("find-aws", Host("find", "/etc/hostname", "-path", "*/.aws/credentials"), [Alert(AWS, SPAWNED)],
         Host("find", "/etc/hostname", "-path", "*/.aws/credentials", "-print")),
    Case("shred", Host("shred", "{tmp}/shredded", before=["echo x >{tmp}/shredded"]), [Alert(BULK, SPAWNED)],
         Host("rm", "{tmp}/shredded")),
    Case("mke2fs", Host("mke2fs", "-V"), [Alert(BULK, SPAWNED)], Host("dumpe2fs", "-V")),
    Case("shm-exec", Host("/dev/shm/ethogram-test", "nothing", before=["cp {actor} /dev/shm/ethogram-test"],
                          after=["rm -f /dev/shm/ethogram-test"]),
         [Alert(SHM, RAN, of=[Proc("/dev/shm/ethogram-test nothing", exepath="/dev/shm/ethogram-test")])],
         Host("as:worker", "nothing")),
    Case("shm-cwd", Host("./x", "nothing", cwd="/dev/shm/ethogram-dir/",
                         before=["mkdir -p /dev/shm/ethogram-dir; cp {actor} /dev/shm/ethogram-dir/x"],
                         after=["rm -rf /dev/shm/ethogram-dir"]),
         [Alert(SHM, RAN, of=[Proc("./x nothing", exepath="/dev/shm/ethogram-dir/x")])],
         Host("./actor", "nothing", cwd="{tmp}")),
    # The shell's own failed attempt is an event, too: of the shell as it was.
    Case("shm-script", Host("bash", "-c", "/dev/shm/ethogram-no-such"),
         [Alert(SHM, RAN), Alert(SHM, {**SPAWNED, "evt.res": "ENOENT"})],
         Host("bash", "-c", "true /dev/shm/x")),
    Case("attach", Host("{actor}", "attach"), [Alert("PTRACE attached to process", {"evt.type": "ptrace"})],
         Host("{actor}", "peek")),
    Case("seize", Host("{actor}", "seize"), [Alert("PTRACE attached to process", {"evt.type": "ptrace"})],
         Host("{actor}", "run", "{actor}", "actor", "nothing")),
    Case("poke", Host("{actor}", "poke", "1"),
         [Alert("PTRACE anti-debug attempt", {"evt.type": "ptrace"}, of=["{actor} poke 1", "{actor} poke 1"]),
          Alert("PTRACE attached to process", {"evt.type": "ptrace"})]),
    Case("traceme", Host("{actor}", "traceme"),
         [Alert("PTRACE anti-debug attempt", {"evt.type": "ptrace"}, of=["{actor} traceme", "{actor} traceme"])],
         Host("{actor}", "peek")),
    Case("memfd", Host("{actor}", "memfd", "payload", "/bin/true", "anything", "one"),
         [Alert(MEMFD, FROM_MEMFD, of=[Proc("anything one", name="4", exepath="memfd:payload"),
                                       "{actor} memfd payload /bin/true anything one"])],
         Host("{actor}", "run", "/bin/true", "anything", "one")),
    Case("fexecve", Host("{actor}", "fexecve", "payload", "/bin/true", "anything", "one"),
         [Alert(MEMFD, {**FROM_MEMFD, "evt.type": "execve"},
                of=[Proc("anything one", name=FEXECVE_NAME, exepath="memfd:payload"),
                    "{actor} fexecve payload /bin/true anything one"])],
         Host("{actor}", "fexecve_file", "/bin/true", "anything", "one")),
]

REDIRECT = "Redirect STDOUT/STDIN to Network Connection in Container"
CONNECTED = {"fd.l4proto": "tcp", "fd.type": "ipv4", "fd.sip": "127.0.0.1"}
REDIRECTED = {**CONNECTED, "fd.name": "127.0.0.1:4500->127.0.0.1:4501", "fd.lport": 4500, "fd.rport": 4501}
BY = "/actor listens 127.0.0.1 4501 redirect 127.0.0.1 4501 4500"
KUBERNETES = ("/actor resolves kubernetes.default.svc.cluster.local 127.0.0.7 "
              "listens 127.0.0.7 6443 connect 127.0.0.7 6443 4504")
TO_443 = {"evt.type": "connect", "fd.type": "ipv4", "fd.l4proto": "tcp",
          "fd.name": "203.0.113.9:4503->203.0.113.9:443", "fd.rport": 443, "fd.lport": 4503}
LISTENING = {"evt.type": "listen", "fd.type": "ipv4", "fd.l4proto": "tcp", "fd.name": "203.0.113.9:443",
             "fd.lport": None, "fd.rport": None}

CONTAINERS = [
    Case("terminal-shell", In("plain", "sh", "-c", "true", terminal=True),
         [Alert("Terminal shell in container", SPAWNED)], In("plain", "sh", "-c", "true")),
    Case("terminal-shell-below", In("plain", "/actor", "run", "/bin/sh", "sh", "-c", "true", terminal=True), [],
         In("plain", "cat", "/etc/passwd", terminal=True)),
    Case("nc-e", In("plain", "nc", "-w", "1", "127.0.0.1", "9", "-e", "/bin/true"),
         [Alert("Netcat Remote Code Execution in Container", SPAWNED),
          Alert("Launch Suspicious Network Tool in Container", SPAWNED)], In("plain", "ls", "-e")),
    Case("packet-socket", In("capable", "/actor", "packet"),
         [Alert("Packet socket created in container", {
             "evt.type": "socket", "evt.args": "fd=3(<o>) domain=17(AF_PACKET) type=3 proto=768 flags=0(O_NONE)",
             "fd.type": "<NA>", "fd.name": "", "fd.l4proto": "<NA>", "fd.lport": None, "fd.rport": None})],
         Host("{actor}", "packet")),
    Case("packet-socket-refused", In("plain", "/actor", "packet"),
         [Alert("Packet socket created in container", {
             "evt.type": "socket", "evt.args": "fd=-1(EPERM) domain=17(AF_PACKET) type=3 proto=768 flags=0(O_NONE)",
             "fd.type": None, "fd.name": "", "fd.l4proto": None, "fd.lport": None, "fd.rport": None})]),
    Case("redirect", In("plain", *BY.split()),
         [Alert(REDIRECT, {**REDIRECTED, "evt.type": call}, of=[BY, BY]) for call in ("dup2", "dup2", "dup3")],
         In("plain", "/actor", "listens", "127.0.0.1", "4501", "redirect_elsewhere", "127.0.0.1", "4501", "4502")),
    Case("module", In("capable", "/actor", "module"),
         [Alert("Linux Kernel Module Injection Detected", {"evt.type": "init_module", "evt.res": ANY})],
         In("plain", "/actor", "module")),
    Case("module-by-descriptor", In("capable", "/actor", "modulefd", "/etc/passwd"),
         [Alert("Linux Kernel Module Injection Detected", {"evt.type": "finit_module", "evt.res": ANY})],
         Host("{actor}", "modulefd", "/etc/passwd")),
    Case("debugfs", In("privileged", "debugfs", "nothing"), [Alert("Debugfs Launched in Privileged Container", SPAWNED)],
         In("capable", "debugfs", "nothing")),
    Case("drop-and-execute", In("plain", "/tmp/dropped", "nothing", before=["cp /actor /tmp/dropped"]),
         [Alert("Drop and execute new binary in container", {
             **SPAWNED, "evt.arg.flags": "EXE_WRITABLE|EXE_UPPER_LAYER", "proc.exe_ino.ctime": NOW, "proc.exe_ino.mtime": NOW,
             "proc.exe_ino.ctime_duration_proc_start": Some(lambda ns: 0 < ns < 30 * 10**9, "less than 30 s")})],
         In("plain", "/actor", "nothing")),
    Case("kubernetes", In("plain", *KUBERNETES.split()),
         [Alert("Contact K8S API Server From Container", {
             **CONNECTED, "evt.type": "connect", "fd.name": "127.0.0.7:4504->127.0.0.7:6443", "fd.lport": 4504,
             "fd.rport": 6443}, of=[KUBERNETES, KUBERNETES])],
         In("plain", *KUBERNETES.replace("cluster.local", "cluster.test").replace("127.0.0.7", "127.0.0.8").split())),
    Case("ssh-port", Host("{actor}", "netns", "listens", "203.0.113.9", "443", "run", "{tmp}/as/ssh", "/usr/bin/ssh",
                          "connect", "203.0.113.9", "443", "4503", before=["mkdir -p {tmp}/as; cp {actor} {tmp}/as/ssh"]),
         [Alert("Unexpected inbound connection source", LISTENING),
          Alert("Disallowed SSH Connection Non Standard Port", TO_443, of=[
              Proc("/usr/bin/ssh connect 203.0.113.9 443 4503", exepath="{tmp}/as/ssh"), *["{actor}"] * 2])],
         Host("{actor}", "netns", "connect", "203.0.113.9", "443", "4503")),
]

CASES = FILES + PROCESSES + CONTAINERS
