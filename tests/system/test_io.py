"""Rules about data that is passed and about names of addresses: glibc resolves over a name server of the test's own, in a mount
namespace with a resolv.conf of its own; nothing of either is looked at while no rule asks for it."""

import os
import shutil
import subprocess
import sys

import pytest

import name_server
from system_harness import unique

RULES = {
    "connected by name": f"evt.type = connect and fd.sip.name = {name_server.NAME}",
    "connected by alias": f"evt.type = connect and fd.rip.name in (else.test, {name_server.ALIAS})",
    "connected by another name": "evt.type = connect and fd.sip.name = else.test",
    "answered": f"evt.type in (recvfrom, recvmsg, recvmmsg, read) and dns.question = {name_server.NAME}"
    f" and dns.names intersects ({name_server.ALIAS})",
    "needle": "evt.type in (write, writev) and evt.buffer contains 'a needle'",
    "other needle": "evt.type in (write, writev) and evt.buffer contains 'no needle'",
}
OUTPUT = "%evt.type name=%fd.sip.name data=%evt.buffer"

RESOLVE = f"""
import os, socket
address = socket.getaddrinfo('{name_server.NAME}', 9, type=socket.SOCK_DGRAM)[0][4]
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(address)
os.write(os.open('/dev/null', os.O_WRONLY), b'hay hay a needle hay')
os.writev(os.open('/dev/null', os.O_WRONLY), [b'hay a ne', b'', b'edle hay'])
assert address[0] == '{name_server.TARGET}', address
"""


@pytest.fixture(name="server")
def server_for_the_test():
    try:
        server = name_server.NameServer()
    except OSError as error:
        pytest.skip(f"port 53 of {name_server.ADDRESS} is not to be had: {error}")
    yield server
    server.close()


def write_rules(path, names, program, output=OUTPUT):
    path.write_text("".join(
        f"- rule: {name}\n  desc: d\n  condition: ({RULES[name]}) and proc.exepath = {program}\n"
        f"  output: '{output if name != 'answered' else '%dns.question %dns.type %dns.addresses'}'\n"
        f"  priority: INFO\n"
        for name in names
    ))


def run_program(program, scratch):
    """In a mount namespace where names are asked for at our server."""
    (scratch / "resolv.conf").write_text(f"nameserver {name_server.ADDRESS}\n")
    (scratch / "nsswitch.conf").write_text("hosts: dns\n")
    script = (f"mount --bind {scratch}/resolv.conf /etc/resolv.conf && "
              f"mount --bind {scratch}/nsswitch.conf /etc/nsswitch.conf && exec {program} -c \"$1\"")
    subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", RESOLVE], check=True, timeout=60)


def hits(daemon):
    return {rule["name"]: rule["hits_total"] for rule in daemon.items("/v1/rules")}


def test_rules_see_data_and_names(make_daemon, scratch, server):
    program = scratch / unique("resolver")
    shutil.copy(os.path.realpath(sys.executable), program)
    rules = scratch / "rules.yaml"
    write_rules(rules, RULES, program)
    daemon = make_daemon(f"rules.files=[{rules}]")
    daemon.start()
    run_program(program, scratch)
    daemon.wait_for("data", lambda: hits(daemon)["needle"] == 2 or None, 20)
    got = hits(daemon)
    assert got["connected by name"] == 1 and got["connected by alias"] == 1
    assert got["connected by another name"] == 0 and got["other needle"] == 0
    assert got["answered"] == 2  # for A and for AAAA

    def written():
        alerts = {alert["rule"]: alert["output"] for alert in daemon.items("/v1/alerts")}
        return alerts if len(alerts) == 4 else None

    outputs = daemon.wait_for("the alerts", written, 20)
    assert outputs["connected by name"].endswith(f" connect name={name_server.NAME} data=<NA>")
    assert "hay a needle hay" in outputs["needle"]
    assert daemon.get("/v1/status")["state"]["dns_answers_total"] >= 2


def test_nothing_is_learned_unasked(make_daemon, scratch, server):
    program = scratch / unique("resolver")
    shutil.copy(os.path.realpath(sys.executable), program)
    rules = scratch / "rules.yaml"
    write_rules(rules, ["needle"], program, "%evt.buffer")
    daemon = make_daemon(f"rules.files=[{rules}]")
    daemon.start()
    run_program(program, scratch)
    daemon.wait_for("data", lambda: hits(daemon)["needle"] == 2 or None, 20)
    assert daemon.get("/v1/status")["state"]["dns_answers_total"] == 0
