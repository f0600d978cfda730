"""Real containers and units belong to the right workload, instance and image."""

import os
import subprocess
import time

import pytest

from system_harness import unique
from containers import Containerd, make_image, run_runc


@pytest.fixture
def daemon(make_daemon):
    one = make_daemon("learning.epoch_s=1")
    one.start()
    return one


def all_processes(daemon):
    stack = [daemon.get("/v1/processes?depth=64")]
    while stack:
        one = stack.pop()
        yield one
        stack += one["children"]


def workload_of(daemon, part, timeout_s=15):
    """The workload of the process whose command line contains part."""

    def check():
        found = [p for p in all_processes(daemon) if part in (p["cmdline"] or "") and not p["exe"].endswith(("/runc", "/ctr"))]
        return found[0]["workload"] if found and "unresolved" not in found[0]["workload"] else None

    return daemon.wait_for(f"a resolved process '{part}'", check, timeout_s)


def test_runc(daemon, scratch):
    name = f"ethotest{os.getpid()}"
    process = run_runc(scratch, name, "while :; do cat /etc/passwd >/dev/null; sleep 1; done # marker4321", {"org.opencontainers.image.ref.name": "registry.example/team/web:2.1"})
    try:
        assert workload_of(daemon, "marker4321") == "image:registry.example/team/web"
        workload = daemon.wait_for("the workload", lambda: daemon.workload("image:registry.example/team/web"), 10)
        assert workload["kind"] == "image"
        assert [i["id"] for i in workload["instances"]] == [name]
    finally:
        subprocess.run(["runc", "delete", "-f", name], check=False)
        process.wait(10)


def test_containerd(daemon, scratch):
    runtime = Containerd(scratch)
    image = "registry.example/team/tiny:1.2"
    name = f"ethoctr{os.getpid()}"
    process = None
    try:
        archive = scratch / "image.tar"
        make_image(archive, image)
        runtime.ctr("image", "import", str(archive))
        process = runtime.run(image, name, "while :; do cat /etc/passwd >/dev/null; sleep 1; done # marker4322")
        assert workload_of(daemon, "marker4322") == "image:registry.example/team/tiny"
        workload = daemon.wait_for("the workload", lambda: daemon.workload("image:registry.example/team/tiny"), 10)
        assert workload["kind"] == "image"
        assert [i["id"] for i in workload["instances"]] == [name]
        assert workload["versions"][0]["tag"] == "1.2"
    finally:
        subprocess.run(["ctr", "-a", str(runtime.socket), "task", "kill", "-s", "9", name], check=False, capture_output=True)
        if process:
            process.wait(15)
        subprocess.run(["ctr", "-a", str(runtime.socket), "image", "rm", image], check=False, capture_output=True)
        runtime.close()


SHOP = unique("shop-")
UNITS = [
    (f"system.slice/{SHOP}.service", f"unit:{SHOP}.service", "unit"),
    (f"system.slice/system-{SHOP}.slice/{SHOP}@tty1.service", f"unit:{SHOP}@.service", "unit"),
]


@pytest.mark.parametrize("path,name,kind", UNITS)
def test_units(daemon, cgroups, path, name, kind):
    process = cgroups.run(path, ["/bin/sleep", "4323"])
    try:
        assert workload_of(daemon, "sleep 4323") == name
        found = daemon.wait_for("the workload", lambda: daemon.workload(name), 10)
        assert found["kind"] == kind
    finally:
        process.kill()
        process.wait()


def test_session(daemon, cgroups):
    process = cgroups.run("user.slice/user-0.slice/session-3.scope", ["/bin/sleep", "4324"])
    try:
        assert workload_of(daemon, "sleep 4324").startswith("user:root")
    finally:
        process.kill()
        process.wait()


def test_running_before_the_daemon(make_daemon, cgroups):
    process = cgroups.run("system.slice/early.service", ["/bin/sleep", "4325"])
    try:
        daemon = make_daemon(name="late")
        daemon.start()
        assert workload_of(daemon, "sleep 4325") == "unit:early.service"
    finally:
        process.kill()
        process.wait()


def test_a_folder_named_like_an_id_is_no_container(daemon, cgroups):
    process = cgroups.run("process_api/5a93007e7aa1c823d4735ea74bf8b36a", ["/bin/sleep", "4326"])
    try:
        name = workload_of(daemon, "sleep 4326")
        assert not name.startswith(("image:", "container:", "pod:")), name
    finally:
        process.kill()
        process.wait()
