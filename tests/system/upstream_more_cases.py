"""Actions for upstream's incubating and sandbox rules, and their harmless twins."""

from upstream import ANY, Alert, Enter, Host, In, Proc, Run, Some
from upstream_cases import SPAWNED, Case

# Rules that no action can make fire: why.
CANNOT = {
    "Network Connection outside Local Subnet": "looks at containers of Kubernetes namespaces in a list that is empty as shipped",
    "Launch Disallowed Container": "is for 'not container.id exists', but every process has a container.id; made to be overridden",
    "Modify Container Entrypoint": "compares fd.name with /proc/self/exe and /proc/self/fd/N; successful opens have the kernel's "
                                   "path here, which is the file's own",
}

SHELL = "Modify Shell Configuration File"
HIDDEN = "Create Hidden Files or Directories"
ETC = "Write below etc"
INBOUND = "Unexpected inbound connection source"
HISTORY = "Delete or rename shell history"
NO_PATHS = {"fd.name": None, "evt.arg.name": None, "evt.arg.path": None, "evt.arg.oldpath": None}
PERMISSIONS = "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR"


def opened(name, call="open"):
    return {"fd.name": name, "evt.type": call, "evt.arg.newpath": None}


def touched(path):
    made = "/home/ethogram-test" if path.startswith("/home/ethogram-test/") else path
    return {"before": [f"mkdir -p $(dirname {path}); touch {path}"], "after": [f"rm -rf {made}"]}


def socket(name, call="connect", proto="tcp", **ports):
    return {"evt.type": call, "fd.type": "ipv4", "fd.l4proto": proto, "fd.name": name,
            "fd.lport": ports.get("lport"), "fd.rport": ports.get("rport"), "fd.rip": ports.get("rip")}


def peers(host, server, client, proto="tcp"):
    return socket(f"{host}:{client}->{host}:{server}", proto=proto, lport=client, rport=server, rip=host)


def listening(host, port):
    return socket(f"{host}:{port}", "listen")


def env_with(text):
    return Some(lambda env: text in env, f"an environment with {text}")


FILES = [
    Case("shell-config", Host("{actor}", "open", "{tmp}/home/.bashrc", "w", **touched("{tmp}/home/.bashrc")),
         [Alert(SHELL, opened("{tmp}/home/.bashrc"))],
         Host("{actor}", "open", "{tmp}/home/bashrc", "w", **touched("{tmp}/home/bashrc"))),
    Case("shell-config-read", Host("{actor}", "open", "{tmp}/home/.bashrc", "r", **touched("{tmp}/home/.bashrc")),
         [Alert("Read Shell Configuration File", opened("{tmp}/home/.bashrc"))],
         Host("as:zsh", "open", "{tmp}/home/.bashrc", "r", **touched("{tmp}/home/.bashrc"))),
    Case("cron", Host("{actor}", "open", "/etc/cron.d/ethogram-test", "w", **touched("/etc/cron.d/ethogram-test")),
         [Alert("Schedule Cron Jobs", opened("/etc/cron.d/ethogram-test")), Alert(ETC, opened("/etc/cron.d/ethogram-test"))],
         Host("{actor}", "open", "/etc/cron.d/ethogram-test", "r", **touched("/etc/cron.d/ethogram-test"))),
    Case("crontab", Host("as:crontab", "nothing"), [Alert("Schedule Cron Jobs", SPAWNED)], Host("as:crontable", "nothing")),
    Case("ssh-read", Host("{actor}", "open", "/home/ethogram-test/.ssh/id", "r", **touched("/home/ethogram-test/.ssh/id")),
         [Alert("Read ssh information", opened("/home/ethogram-test/.ssh/id"))],
         Host("as:ssh-add", "open", "/home/ethogram-test/.ssh/id", "r", **touched("/home/ethogram-test/.ssh/id"))),
    Case("ssh-directory", Host("{actor}", "open", "/home/ethogram-test/.ssh/keys", "rd", before=["mkdir -p /home/ethogram-test/.ssh/keys"],
                               after=["rm -rf /home/ethogram-test"]),
         [Alert("Read ssh information", opened("/home/ethogram-test/.ssh/keys"))],
         Host("{actor}", "open", "/home/ethogram-test/ssh", "rd", before=["mkdir -p /home/ethogram-test/ssh"],
              after=["rm -rf /home/ethogram-test"])),
    Case("authorized-keys", Host("{actor}", "open", "/home/ethogram-test/.ssh/authorized_keys", "wa",
                                 **touched("/home/ethogram-test/.ssh/authorized_keys")),
         [Alert("Adding ssh keys to authorized_keys", opened("/home/ethogram-test/.ssh/authorized_keys")),
          Alert("Write below monitored dir", opened("/home/ethogram-test/.ssh/authorized_keys"))],
         Host("{actor}", "open", "/home/ethogram-test/ssh/authorized_keys", "wa",
              **touched("/home/ethogram-test/ssh/authorized_keys"))),
    Case("dev", Host("{actor}", "open", "/dev/ethogram-test", "wc", after=["rm -f /dev/ethogram-test"]),
         [Alert("Create files below dev", opened("/dev/ethogram-test"))], Host("{actor}", "open", "/dev/null", "wc")),
    Case("history-unlinked", Host("{actor}", "unlink", "{tmp}/bash_history", before=["touch {tmp}/bash_history"]),
         [Alert(HISTORY, {**NO_PATHS, "evt.type": "unlink", "evt.arg.path": "{tmp}/bash_history"})],
         Host("{actor}", "unlink", "{tmp}/history", before=["touch {tmp}/history"])),
    Case("history-renamed", Host("{actor}", "rename", "{tmp}/zsh_history", "{tmp}/x", before=["touch {tmp}/zsh_history"]),
         [Alert(HISTORY, {**NO_PATHS, "evt.type": "rename", "evt.arg.oldpath": "{tmp}/zsh_history"})],
         Host("{actor}", "rename", "{tmp}/y", "{tmp}/x", before=["touch {tmp}/y"])),
    Case("history-truncated", Host("{actor}", "openat", "{tmp}/home", "fish_history", "wt", **touched("{tmp}/home/fish_history")),
         [Alert(HISTORY, {**NO_PATHS, "evt.type": "openat", "fd.name": "{tmp}/home/fish_history",
                          "evt.arg.name": "{tmp}/home/fish_history"})],
         Host("{actor}", "openat", "{tmp}/home", "fish_history", "wa", **touched("{tmp}/home/fish_history"))),
    Case("setuid-bit", Host("{actor}", "chmod", "{tmp}/bits", "4755", **touched("{tmp}/bits")),
         [Alert("Set Setuid or Setgid bit", {"evt.type": "chmod", "evt.arg.fd": None, "evt.arg.filename": "{tmp}/bits",
                                             "evt.arg.mode": PERMISSIONS + "|S_ISUID"})],
         Host("{actor}", "chmod", "{tmp}/bits", "0755", **touched("{tmp}/bits"))),
    Case("setgid-bit-by-descriptor", Host("{actor}", "fchmod", "{tmp}/bits", "2755", **touched("{tmp}/bits")),
         [Alert("Set Setuid or Setgid bit", {"evt.type": "fchmod", "evt.arg.fd": "<f>{tmp}/bits", "evt.arg.filename": None,
                                             "evt.arg.mode": PERMISSIONS + "|S_ISGID"})],
         Host("{actor}", "fchmod", "{tmp}/bits", "1755", **touched("{tmp}/bits"))),
    Case("setuid-bit-at", Host("chmod", "u+s", "{tmp}/bits", **touched("{tmp}/bits")),
         [Alert("Set Setuid or Setgid bit", {"evt.type": "fchmodat", "evt.arg.fd": None, "evt.arg.filename": "{tmp}/bits",
                                             "evt.arg.mode": "S_IROTH|S_IRGRP|S_IWUSR|S_IRUSR|S_ISUID"})],
         Host("chmod", "u+x", "{tmp}/bits", **touched("{tmp}/bits"))),
    Case("liblzma", Host("as:sshd", "open", "{tmp}/liblzma.so.5.6.1", "r", **touched("{tmp}/liblzma.so.5.6.1")),
         [Alert("Backdoored library loaded into SSHD (CVE-2024-3094)", {**opened("{tmp}/liblzma.so.5.6.1"), "evt.arg.flags": "O_RDONLY"})],
         Host("as:sshd", "open", "{tmp}/liblzma.so.5.4.1", "r", **touched("{tmp}/liblzma.so.5.4.1"))),
    Case("repository", Host("{actor}", "open", "/etc/apt/sources.list.d/ethogram-test", "w", **touched("/etc/apt/sources.list.d/ethogram-test")),
         [Alert("Update Package Repository", opened("/etc/apt/sources.list.d/ethogram-test")),
          Alert(ETC, opened("/etc/apt/sources.list.d/ethogram-test"))],
         Host("{actor}", "open", "/etc/apt/sources.list.d/ethogram-test", "r", **touched("/etc/apt/sources.list.d/ethogram-test"))),
    Case("binary-directory", Host("{actor}", "open", "/usr/bin/ethogram-test", "wc", after=["rm -f /usr/bin/ethogram-test"]),
         [Alert("Write below binary dir", opened("/usr/bin/ethogram-test"))], Host("{actor}", "open", "/usr/bin/true", "r")),
    Case("monitored-directory", Host("{actor}", "open", "/usr/local/lib/ethogram-test", "wc", after=["rm -f /usr/local/lib/ethogram-test"]),
         [Alert("Write below monitored dir", opened("/usr/local/lib/ethogram-test"))],
         Host("{actor}", "open", "/usr/local/ethogram-test", "wc", after=["rm -f /usr/local/ethogram-test"])),
    Case("root-directory", Host("{actor}", "openat", "/", "ethogram-test", "wc", after=["rm -f /ethogram-test"]),
         [Alert("Write below root", opened("/ethogram-test", "openat"))], Host("{actor}", "open", "/ethogram-no-such", "w")),
    Case("rpm-database", Host("{actor}", "open", "/var/lib/rpm/ethogram-test", "wc", before=["mkdir -p /var/lib/rpm"],
                              after=["rm -f /var/lib/rpm/ethogram-test; rmdir --ignore-fail-on-non-empty /var/lib/rpm"]),
         [Alert("Write below rpm database", opened("/var/lib/rpm/ethogram-test"))],
         Host("as:rpm", "open", "/var/lib/rpm/ethogram-test", "wc", before=["mkdir -p /var/lib/rpm"],
              after=["rm -f /var/lib/rpm/ethogram-test; rmdir --ignore-fail-on-non-empty /var/lib/rpm"])),
    Case("binary-removed", Host("{actor}", "unlink", "/usr/bin/ethogram-test", before=["touch /usr/bin/ethogram-test"]),
         [Alert("Modify binary dirs", {"fd.name": None, "evt.type": "unlink", "evt.args": "res=0 path=/usr/bin/ethogram-test"})],
         Host("{actor}", "unlink", "{tmp}/z", before=["touch {tmp}/z"])),
    Case("binary-directory-made", Host("{actor}", "mkdir", "/usr/bin/ethogram-test", after=["rmdir /usr/bin/ethogram-test"]),
         [Alert("Mkdir binary dirs", {"evt.type": "mkdir", "evt.arg.path": "/usr/bin/ethogram-test"})],
         Host("{actor}", "mkdir", "{tmp}/made", after=["rmdir {tmp}/made"])),
    Case("hidden-directory", Host("{actor}", "mkdir", "{tmp}/.made", after=["rmdir {tmp}/.made"]),
         [Alert(HIDDEN, {"evt.type": "mkdir", "fd.name": None, "evt.arg.newpath": None})],
         Host("{actor}", "mkdir", "{tmp}/m.ade", after=["rmdir {tmp}/m.ade"])),
    Case("hidden-file", Host("{actor}", "open", "{tmp}/.file", "wc", after=["rm {tmp}/.file"]), [Alert(HIDDEN, opened("{tmp}/.file"))],
         Host("{actor}", "open", "{tmp}/file.", "wc", after=["rm {tmp}/file."])),
    Case("hidden-by-renaming", Host("mv", "-f", "{tmp}/shown", "{tmp}/.shown", **touched("{tmp}/shown")),
         [Alert(HIDDEN, {"evt.type": "renameat2", "fd.name": None, "evt.arg.newpath": "{tmp}/.shown"})],
         Host("mv", "-f", "{tmp}/shown", "{tmp}/shown2", **touched("{tmp}/shown"))),
    Case("bpf", Host("{actor}", "bpf", "5"), [Alert("BPF Program Not Profiled", {"evt.type": "bpf", "evt.arg.cmd": "BPF_PROG_LOAD"})],
         Host("{actor}", "bpf", "0")),
    Case("setns", Host("{actor}", "setns", "/proc/self/ns/uts"), [Alert("Change thread namespace", {"evt.type": "setns"})],
         Host("as:nsenter", "setns", "/proc/self/ns/uts")),
    Case("userfaultfd", Host("{actor}", "userfaultfd", "1"),
         [Alert("Unprivileged Delegation of Page Faults Handling to a Userspace Process",
                {"evt.type": "userfaultfd", "user.name": "daemon", "user.uid": 1}),
          Alert("Non sudo setuid", {"evt.type": "setuid", "evt.arg.uid": "daemon", "user.name": "daemon", "user.uid": 1})],
         Host("{actor}", "userfaultfd", "0")),
]

PROCESSES = [
    Case("database", Host("as:mysqld", "run", "/bin/true", "true"),
         [Alert("DB program spawned process", SPAWNED, of=["true", "as:mysqld run /bin/true true"])],
         Host("as:worker", "run", "/bin/true", "true")),
    Case("proxy", Host("as:wget", "nothing", env={"HTTP_PROXY": "x"}),
         [Alert("Program run with disallowed http proxy env", {**SPAWNED, "proc.env": env_with("HTTP_PROXY=x")})],
         Host("as:wget", "nothing")),
    Case("setuid", Host("{actor}", "setuid", "1"),
         [Alert("Non sudo setuid", {"evt.type": "setuid", "evt.arg.uid": "daemon", "user.name": "daemon", "user.uid": 1})],
         Host("{actor}", "setuid", "0")),
    Case("user-management", Host("as:useradd", "nothing"), [Alert("User mgmt binaries", SPAWNED)], Host("as:passwd", "-S")),
    Case("tunables", Host("true", env={"GLIBC_TUNABLES": "glibc.malloc.check=1"}),
         [Alert("Potential Local Privilege Escalation via Environment Variables Misuse",
                {**SPAWNED, "proc.env": env_with("GLIBC_TUNABLES=glibc.malloc.check=1")})], Host("true")),
    Case("network-tool", Host("as:nmap", "nothing"), [Alert("Launch Suspicious Network Tool on Host", SPAWNED)],
         Host("as:nmaps", "nothing")),
    Case("netcat", Host("as:nc", "-e", "/bin/sh"),
         [Alert("Launch Suspicious Network Tool on Host", SPAWNED), Alert("Netcat/Socat Remote Code Execution on Host", SPAWNED)]),
    Case("socat", Host("as:socat", "-", "EXEC:sh"),
         [Alert("Launch Suspicious Network Tool on Host", SPAWNED), Alert("Netcat/Socat Remote Code Execution on Host", SPAWNED)]),
    Case("stratum", Host("as:worker", "-o", "stratum+tcp://pool"), [Alert("Detect crypto miners using the Stratum protocol", SPAWNED)],
         Host("as:worker", "-o", "tcp://pool")),
    Case("miner", Host("as:xmrig", "nothing"), [Alert("Known Cryptominer Process Executed", SPAWNED)], Host("as:xmrog", "nothing")),
    Case("sudo", Host("as:sudo", "-s", "x\\"), [Alert("Sudo Potential Privilege Escalation", SPAWNED, of=[Proc(["as:sudo", "-s", "x\\"])])],
         Host("as:sudo", "-s", "x")),
    Case("pkexec", Host("as:pkexec"), [Alert("Polkit Local Privilege Escalation Vulnerability (CVE-2021-4034)", SPAWNED)],
         Host("as:pkexec", "nothing")),
    Case("reconnaissance", Host("whoami", terminal=True), [Alert("Basic Interactive Reconnaissance", SPAWNED)], Host("whoami")),
    Case("web-server-child", Host("as:nginx", "run", "/usr/bin/id", "id"),
         [Alert("Web Server Spawned Suspicious Child Process", SPAWNED, of=["id", "as:nginx run /usr/bin/id id"])],
         Host("as:worker", "run", "/usr/bin/id", "id")),
    Case("web-server-reverse-shell", Host("as:apache2", "run", "/bin/bash", "bash", "-c", ": /dev/tcp/x"),
         [Alert(rule, SPAWNED, of=[["bash", "-c", ": /dev/tcp/x"], ["as:apache2", "run", "/bin/bash", "bash", "-c", ": /dev/tcp/x"]])
          for rule in ("Run shell untrusted", "Web Server Spawned Shell", "Reverse Shell from Web Server")],
         Host("as:worker", "run", "/bin/bash", "bash", "-c", ": /dev/tcp/x")),
]

OWN = "203.0.113.9"
TEE = Proc("tee connect 203.0.113.9 8081 4505", exepath="{tmp}/as/tee")
MINER = f"{{actor}} netns resolves xmr-asia1.nanopool.org {OWN} listens {OWN} 3333 connect {OWN} 3333 4506"

NETWORK = [
    Case("system-program", Host("{actor}", "netns", "listens", OWN, "8081", "run", "{tmp}/as/tee", "tee", "connect", OWN, "8081", "4505",
                                before=["mkdir -p {tmp}/as; cp {actor} {tmp}/as/tee"]),
         [Alert(INBOUND, listening(OWN, 8081)), Alert("System procs network activity", peers(OWN, 8081, 4505), of=[TEE, "{actor}", "{actor}"])],
         Host("{actor}", "netns", "connect", OWN, "8081", "4505")),
    Case("udp", Host("{actor}", "netns", "udp", OWN, "4999", "4507"),
         [Alert("Unexpected UDP Traffic", peers(OWN, 4999, 4507, "udp"))], Host("{actor}", "netns", "udp", OWN, "53", "4507")),
    Case("interpreter-out", Host("as:ruby", "netns", "udp", OWN, "53", "4508"),
         [Alert("Interpreted procs outbound network activity", peers(OWN, 53, 4508, "udp"))],
         Host("as:ruby", "netns", "udp", "127.0.0.1", "53", "4508")),
    Case("interpreter-in", Host("as:perl", "netns", "listens", OWN, "8082", "nothing"),
         [Alert(INBOUND, listening(OWN, 8082)), Alert("Interpreted procs inbound network activity", listening(OWN, 8082))],
         Host("as:perl", "netns", "listens", "127.0.0.1", "8082", "nothing")),
    Case("miner-pool", Host(*MINER.split()),
         [Alert(INBOUND, listening(OWN, 3333)),
          Alert("Detect outbound connections to common miner pool ports", peers(OWN, 3333, 4506), of=[MINER, MINER])],
         Host(*MINER.replace("nanopool", "nonopool").replace("listens 203.0.113.9 3333 ", "").split())),
    Case("java-class", Host("as:java", "netns", "received", "127.0.0.1", "8083", "cafebabe"),
         [Alert("Java Process Class File Download",
                {"evt.type": "recvfrom", "fd.type": "ipv4", "fd.l4proto": "tcp", "fd.name": ANY, "fd.sip": "127.0.0.1",
                 "fd.sport": 8083, "fd.lport": ANY, "fd.rport": 8083})],
         Host("as:java", "netns", "received", "127.0.0.1", "8083", "cafebabd")),
]

METADATA = "169.254.169.254"
NPM = "npm run /bin/nc nc -h"
STARTED = {**SPAWNED, "container.mounts": Some(lambda text: "proc:/proc::true:" in text, "mounts")}
AT_ONCE = {**STARTED, "container.mounts": ANY}  # perhaps before they are known
ROOT = "Container Run as Root User"
MOUNTS = "Launch Sensitive Mount Container"

CONTAINERS = [
    Case("unshare", In("plain", "/actor", "unshare", str(0x4000000)),
         [Alert("Change namespace privileges via unshare", {"evt.type": "unshare", "evt.res": "EPERM"})],
         In("capable", "/actor", "unshare", str(0x4000000))),
    Case("start", Enter("plain", "/bin/ls", "/tmp"), [Alert(ROOT, STARTED), Alert(MOUNTS, STARTED)]),
    Case("start-at-once", Run("capable", "/bin/sh", "-c", "true", terminal=True), [
        Alert(ROOT, AT_ONCE), Alert(MOUNTS, AT_ONCE), Alert("Terminal shell in container", AT_ONCE),
        Alert("Launch Excessively Capable Container", {
            **AT_ONCE, "thread.cap_permitted": "CAP_DAC_OVERRIDE CAP_KILL CAP_NET_RAW CAP_SYS_MODULE CAP_SYS_ADMIN"})]),
    Case("start-capable", Enter("capable", "/bin/ls", "/tmp"), [
        Alert(ROOT, STARTED), Alert(MOUNTS, STARTED),
        Alert("Launch Excessively Capable Container", {
            **STARTED, "thread.cap_permitted": "CAP_DAC_OVERRIDE CAP_KILL CAP_NET_RAW CAP_SYS_MODULE CAP_SYS_ADMIN"})]),
    Case("start-privileged", Enter("privileged", "/bin/ls", "/tmp"), [
        Alert(ROOT, STARTED), Alert(MOUNTS, STARTED), Alert("Launch Privileged Container", STARTED),
        Alert("Launch Excessively Capable Container", {
            **STARTED, "thread.cap_permitted": Some(lambda caps: "CAP_SYS_ADMIN" in caps, "all capabilities")})]),
    Case("metadata", In("network", "/actor", "owns", METADATA, "udp", METADATA, "53", "4510"),
         [Alert("Contact EC2 Instance Metadata Service From Container", peers(METADATA, 53, 4510, "udp")),
          Alert("Contact cloud metadata service from container", peers(METADATA, 53, 4510, "udp"))],
         In("network", "/actor", "owns", "169.254.169.253", "udp", "169.254.169.253", "53", "4510")),
    Case("node-port", In("network", "/actor", "owns", OWN, "udp", OWN, "30053", "4511"),
         [Alert("Unexpected K8s NodePort Connection", peers(OWN, 30053, 4511, "udp")),
          Alert("Unexpected UDP Traffic", peers(OWN, 30053, 4511, "udp"))],
         In("network", "/actor", "owns", OWN, "udp", OWN, "53", "4511")),
    Case("package-manager", In("plain", "apt-get", "nothing"), [Alert("Launch Package Management Process in Container", SPAWNED)],
         Host("as:apt-get", "nothing")),
    Case("network-tool-inside", In("plain", "nc", "-h"), [Alert("Launch Suspicious Network Tool in Container", SPAWNED)], In("plain", "ls", "-h")),
    Case("npm", In("plain", *NPM.split()),
         [Alert("Launch Package Management Process in Container", SPAWNED),
          *(Alert(rule, SPAWNED, of=["nc -h", NPM]) for rule in (
              "Launch Suspicious Network Tool in Container", "Network Tool Executed During NPM Package Install"))]),
    Case("scp", In("plain", "scp", "nothing"), [Alert("Launch Remote File Copy Tools in Container", SPAWNED)],
         Host("as:scp", "nothing")),
    Case("mount", In("privileged", "mount", "/no-such"), [Alert("Mount Launched in Privileged Container", SPAWNED)],
         In("privileged", "mount")),
    Case("wget", In("plain", "wget", "--help"), [Alert("Launch Ingress Remote File Copy Tools in Container", SPAWNED)],
         Host("as:wget", "--help")),
    Case("environ", In("plain", "cat", "/proc/1/environ"),
         [Alert("Read environment variable from /proc files", opened("/proc/1/environ", "openat"))],
         In("plain", "cat", "/proc/1/status")),
    Case("kubectl-cp", In("plain", "tar", "cf", "/dev/null", "/srv", before=["mkdir -p /srv; touch /srv/data"]),
         [Alert("Exfiltrating Artifacts via Kubernetes Control Plane", opened("/srv/data", "openat"))],
         In("plain", "/actor", "run", "/bin/tar", "tar", "cf", "/dev/null", "/srv")),
    Case("kubectl", In("plain", "kubectl", "nothing"), [Alert("Kubernetes Client Tool Launched in Container", SPAWNED)],
         Host("as:kubectl", "nothing")),
    Case("drift-chmod", In("plain", "/actor", "chmod", "/tmp/drift", "755", before=["touch /tmp/drift"]),
         [Alert("Container Drift Detected (chmod)", {
             "evt.type": "chmod", "evt.arg.filename": "/tmp/drift", "evt.arg.name": None, "evt.arg.mode": PERMISSIONS})],
         In("plain", "/actor", "chmod", "/tmp/drift", "644", before=["touch /tmp/drift"])),
    Case("drift-create", In("plain", "/actor", "open", "/tmp/drifted", "wcx", before=["rm -f /tmp/drifted"]),
         [Alert("Container Drift Detected (open+create)", {
             "evt.type": "open", "evt.arg.filename": None, "evt.arg.name": "/tmp/drifted", "evt.arg.mode": "0755"})],
         In("plain", "/actor", "open", "/tmp/drifted2", "wc", before=["rm -f /tmp/drifted2"])),
    Case("base64", In("plain", "base64", "-d", "/etc/passwd"), [Alert("Decoding Payload in Container", SPAWNED)],
         In("plain", "base64", "/etc/passwd")),
    Case("device", In("plain", "/actor", "open", "/dev/sdx", "r", before=["touch /dev/sdx"]),
         [Alert("Privileged Container Device Access", opened("/dev/sdx"))],
         In("plain", "/actor", "open", "/dev/xsd", "r", before=["touch /dev/xsd"])),
    Case("host-path", In("plain", "/actor", "open", "/host/x", "w", before=["mkdir -p /host; touch /host/x"]),
         [Alert("Container Access to Host Sensitive Paths", opened("/host/x"))],
         In("plain", "/actor", "open", "/tmp/host", "wc")),
]

CASES = FILES + PROCESSES + NETWORK + CONTAINERS
