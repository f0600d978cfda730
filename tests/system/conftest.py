"""Fixtures: scratch folders, daemons that are ended whatever happens, cgroups made by hand."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from system_harness import Cgroups, Daemon, cannot_capture


@pytest.fixture(scope="session")
def capture():
    """Skip with the reason where live capture is impossible."""
    why = cannot_capture()
    if why:
        pytest.skip(why)


@pytest.fixture
def scratch():
    folder = Path(tempfile.mkdtemp(prefix="ethogram-test-"))
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_daemon(capture, scratch):
    """Daemons that are stopped at the end, whatever happens; they must end cleanly."""
    started = []

    def make(*settings, name="d"):
        folder = scratch / name
        folder.mkdir(exist_ok=True)
        daemon = Daemon(folder, settings)
        started.append(daemon)
        return daemon

    yield make
    codes = [(d, d.stop()) for d in started if d.process is not None]
    for daemon, code in codes:
        assert code == 0, f"exit {code}:\n{daemon.log_tail()}"


@pytest.fixture
def cgroups(scratch):
    group = Cgroups(scratch)
    yield group
    group.close()


@pytest.fixture(scope="module")
def stage(capture):
    """One daemon with upstream's rules, and containers, for a whole module."""
    from upstream import Stage  # needs the daemon's binary

    folder = Path(tempfile.mkdtemp(prefix="ethogram-test-"))
    os.chmod(folder, 0o755)
    one = Stage(folder)
    try:
        yield one.start()
    finally:
        one.stop()
        shutil.rmtree(folder, ignore_errors=True)
