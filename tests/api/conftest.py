"""The API's test server as fixtures."""

import pytest

from api_harness import SERVE, Server


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """start(*args): one server for each set of arguments, shared by the session."""
    servers = {}

    def make(*args):
        if not SERVE.exists():
            pytest.skip(f"{SERVE} is not built")
        if args not in servers:
            servers[args] = Server(tmp_path_factory.mktemp("api"), *args)
            assert servers[args].address, servers[args].error
        return servers[args]

    yield make
    for args, server in servers.items():
        code, error = server.stop()
        assert code == 0, f"{args}: exit {code}: {error}"
        assert "ERROR: " not in error and "runtime error" not in error, error


@pytest.fixture(scope="session")
def usual(start):
    return start("--data", "usual")
