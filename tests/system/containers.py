"""Real containers for tests: OCI bundles for runc, an image and a private containerd."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

BUSYBOX = "/bin/busybox"
APPLETS = ("sh", "sleep", "cat", "touch")


def need(*programs):
    missing = [p for p in programs if not shutil.which(p) and not Path(p).exists()]
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}")


def make_rootfs(folder):
    (folder / "bin").mkdir(parents=True)
    (folder / "etc").mkdir()
    (folder / "tmp").mkdir()
    shutil.copy(BUSYBOX, folder / "bin/busybox")
    for name in APPLETS:
        (folder / "bin" / name).symlink_to("busybox")
    (folder / "etc/passwd").write_text("inside:x:0:0::/:/bin/sh\n")


def run_runc(scratch, name, script, annotations=None):
    """A container under runc alone; returns its process."""
    need("runc", BUSYBOX)
    bundle = scratch / f"bundle-{name}"
    make_rootfs(bundle / "rootfs")
    subprocess.run(["runc", "spec"], cwd=bundle, check=True)
    config = json.loads((bundle / "config.json").read_text())
    config["process"]["terminal"] = False
    config["process"]["args"] = ["/bin/sh", "-c", script]
    config["annotations"] = annotations or {}
    (bundle / "config.json").write_text(json.dumps(config))
    with open(bundle / "log", "w") as log:
        process = subprocess.Popen(["runc", "run", name], cwd=bundle, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    skip_if_refused(process, bundle / "log")
    return process


def skip_if_refused(process, log):
    """Skip where the runtime itself cannot start a container: in a chroot there is no root to pivot."""
    for _ in range(20):
        if process.poll() is not None:
            pytest.skip(f"no container can be started here: {log.read_text().strip()[-300:]}")
        time.sleep(0.1)


def make_image(path, name):
    """An OCI image archive with one layer."""
    blobs = {}

    def blob(data):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}

    rootfs = path.parent / "image-rootfs"
    make_rootfs(rootfs)
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(rootfs, arcname=".")
    layer = blob(layer.getvalue())
    config = blob(
        json.dumps(
            {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
             "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}
        ).encode()
    )
    manifest = blob(
        json.dumps(
            {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
             "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
             "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}]}
        ).encode()
    )
    blobs["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    blobs["index.json"] = json.dumps(
        {"schemaVersion": 2, "manifests": [
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest,
             "annotations": {"io.containerd.image.name": name}}]}
    ).encode()
    with tarfile.open(path, "w") as tar:
        for member, data in blobs.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


class Containerd:
    """A containerd of our own, its state where runtimes keep it."""

    def __init__(self, scratch):
        need("containerd", "ctr", BUSYBOX)
        if Path("/run/containerd/containerd.sock").exists():
            pytest.skip("another containerd runs here")
        self.folder = scratch / "containerd"
        self.folder.mkdir()
        self.socket = self.folder / "s.sock"
        config = self.folder / "config.toml"
        config.write_text(
            f'version = 2\nroot = "/var/lib/containerd"\nstate = "/run/containerd"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "{self.socket}"\n'
        )
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(["containerd", "-c", config], stdout=self.log, stderr=self.log)
        for _ in range(100):
            if subprocess.run(["ctr", "-a", self.socket, "version"], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def ctr(self, *arguments):
        return subprocess.run(["ctr", "-a", str(self.socket), *arguments], capture_output=True, text=True, check=True)

    def run(self, image, name, script):
        with open(self.folder / "ctr.log", "w") as log:
            process = subprocess.Popen(
                ["ctr", "-a", str(self.socket), "run", "--rm", image, name, "/bin/sh", "-c", script],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        skip_if_refused(process, self.folder / "ctr.log")
        return process

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
