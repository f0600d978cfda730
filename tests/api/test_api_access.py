"""Who may read, how requests are refused, and that nobody can take the server down."""

import http.client
import socket
import ssl
import stat
import subprocess
import threading
import time

import pytest
from api_harness import Server

OPEN = ["/healthz", "/readyz", "/", "/page.js", "/page.css"]
READ = ["/v1/status", "/metrics", "/v1/anomalies", "/v1/openapi.json", "/v1/config", "/v1/workloads/0123456789abcdef"]


@pytest.mark.parametrize("path", OPEN)
def test_open_routes_need_nothing(usual, path):
    assert usual.request(path, token=False).status == 200


@pytest.mark.parametrize("path", READ)
def test_reading_needs_the_token_or_the_socket(usual, path):
    refused = usual.request(path, token=False)
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["status"] == 401
    for wrong in ("x", usual.token[:-1], usual.token + "0", "", usual.token.upper() + "A"):
        assert usual.request(path, token=False, headers={"Authorization": f"Bearer {wrong}"}).status == 401
    assert usual.request(path, token=False, headers={"Authorization": f"Basic {usual.token}"}).status == 401
    assert usual.request(path).status == 200
    assert usual.request(path, token=False, headers={"Authorization": f"bearer  {usual.token}"}).status == 200
    assert usual.request(path, token=False, unix=True).status == 200
    assert usual.request(path, token="wrong", unix=True).status == 401


def test_local_reading(start):
    local = start("--local")
    for host in ("127.0.0.1:1", "localhost", "localhost:8971", "[::1]:8971", "10.1.2.3"):
        assert local.request("/v1/status", token=False, headers={"Host": host}).status == 200, host
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "[evil]"):
        refused = local.request("/v1/status", token=False, headers={"Host": host})
        assert refused.status == 403, host
        assert "Host" in refused.json()["detail"]
        assert local.request("/v1/status", headers={"Host": host}).status == 200
    # A page of another origin may not make a browser post.
    post = {"method": "POST", "token": False, "body": "- rule: x"}
    assert local.request("/v1/rules/check", **post).status == 200
    assert local.request("/v1/rules/check", **post, headers={"Origin": "http://evil.example"}).status == 403
    assert local.request("/v1/rules/check", **post, headers={"Origin": f"http://{local.host}"}).status == 200


def test_files_are_private(usual):
    assert stat.S_IMODE((usual.dir / "token").stat().st_mode) == 0o600
    assert stat.S_IMODE(usual.socket.stat().st_mode) == 0o660
    assert len(usual.token) == 64 and int(usual.token, 16)


def test_health(start):
    stalled = start("--stalled")
    for path, word in (("/healthz", "stalled"), ("/readyz", "starting")):
        answer = stalled.request(path, token=False)
        assert answer.status == 503 and answer.json() == {"status": word}
    # The pipeline does not answer: said within the deadline, and stored data still come.
    begin = time.monotonic()
    answer = stalled.request("/v1/workloads")
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    assert time.monotonic() - begin < 8
    assert stalled.request("/v1/anomalies").status == 200


@pytest.mark.parametrize("path,name", [
    ("/v1/anomalies?limit=0", "limit"), ("/v1/anomalies?limit=1001", "limit"), ("/v1/anomalies?limit=ten", "limit"),
    ("/v1/anomalies?limit=-1", "limit"), ("/v1/anomalies?limit=", "limit"), ("/v1/anomalies?limit=1&limit=2", "limit"),
    ("/v1/anomalies?since=yesterday", "since"), ("/v1/anomalies?until=2026-13-01T00:00:00Z", "until"),
    ("/v1/anomalies?workload=redis", "workload"), ("/v1/anomalies?state=odd", "state"),
    ("/v1/anomalies?min_return_period_s=nan", "min_return_period_s"),
    ("/v1/anomalies?min_return_period_s=-1", "min_return_period_s"),
    ("/v1/anomalies?below_threshold=maybe", "below_threshold"), ("/v1/anomalies?cursor=nonsense", "cursor"),
    ("/v1/anomalies?colour=red", "colour"), ("/v1/status?x=1", "x"), ("/v1/workloads?cursor=zz", "cursor"),
    ("/v1/workloads/0123456789abcdef/behaviours?cursor=1-2", "cursor"),
    ("/v1/alerts?priority=loud", "priority"), ("/v1/alerts?incident=a1", "incident"),
    ("/v1/processes?root=99999999999", "root"), ("/v1/processes?root=-5", "root"),
    ("/v1/anomalies?dimension=" + "x" * 600, "dimension"), ("/v1/anomalies?since=%00", "since"),
    ("/v1/anomalies?" + "&".join(f"p{i}=1" for i in range(50)), "p"),
])
def test_bad_parameters_are_named(usual, path, name):
    answer = usual.request(path)
    assert answer.status == 400, answer.body
    assert f"'{name}" in answer.json()["detail"]


@pytest.mark.parametrize("path", [
    "/v1", "/v1/", "/v1/nothing", "/v1/workloads/", "/v1/status/", "//", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
    "/v1/workloads/0123456789abcdef/nothing", "/v1/workloads/nothex", "/v1/workloads/00000000000000ff",
    "/v1/anomalies/a0", "/v1/anomalies/a99999", "/v1/anomalies/i1", "/v1/anomalies/a1x", "/v1/anomalies/" + "a" * 200,
    "/v1/anomalies/a18446744073709551616", "/v1/incidents/i99", "/v1/alerts/l0", "/v1/openapi.json%00", "/v1/status%00x",
])
def test_unknown_paths(usual, path):
    answer = usual.request(path)
    if "%00" in path:  # the path ends at the NUL; what counts is that nothing breaks
        assert answer.status in (200, 404)
        return
    assert answer.status == 404, answer.body
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_methods(usual, method):
    answer = usual.request("/v1/status", method)
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"
    assert usual.request("/v1/rules/check", "GET").headers["allow"] == "POST"
    assert usual.request("/nothing", method).status == 404


@pytest.mark.parametrize("path", ["/v1/status", "/", "/v1/anomalies", "/metrics"])
def test_head_has_no_body(usual, path):
    head = usual.request(path, "HEAD")
    assert head.status == 200 and head.body == b""
    assert int(head.headers["content-length"]) > 0
    assert head.headers["content-type"] == usual.request(path).headers["content-type"]


def test_security_headers_everywhere(usual):
    for path in ("/", "/v1/status", "/nothing", "/metrics"):
        headers = usual.request(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_body_limits(usual):
    limit = 1 << 20
    assert usual.request("/v1/rules/check", "POST", body=b"x" * limit).json()["rules"] == limit
    over = usual.request("/v1/rules/check", "POST", body=b"x" * (limit + 1))
    assert over.status == 413
    assert usual.request("/v1/rules/check", "POST", body=b"").status == 400
    # Without an announced length.
    chunks = (b"y" * 65536 for _ in range(17))
    connection = http.client.HTTPConnection(usual.host, timeout=10)
    connection.request("POST", "/v1/rules/check", body=chunks, encode_chunked=True,
                       headers={"Authorization": f"Bearer {usual.token}", "Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 413
    # A body where none is taken, and one before anybody is let in.
    assert usual.request("/v1/status", "POST", body=b"z" * 100000).status == 405
    assert usual.request("/v1/rules/check", "POST", body=b"z" * limit, token=False).status == 401


RAW = [
    b"GET / HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /v1/rules/check HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"t" * 20000 + b"\r\n\r\n",
    b"GET /?%zz=%&&&=;= HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /\xff\xfe\x00 HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"POST /v1/rules/check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + bytes(range(1, 256)) + b"\r\n\r\n",
]


@pytest.mark.parametrize("data", RAW, ids=range(len(RAW)))
def test_malformed_requests_do_no_harm(usual, data):
    host, port = usual.host.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        try:
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        except OSError as error:
            assert not isinstance(error, TimeoutError), "neither answered nor closed"
    assert usual.request("/healthz", token=False).status == 200


def test_too_many_connections(start):
    server = start("--connections", "8")
    host, port = server.host.split(":")
    held = [socket.create_connection((host, int(port)), timeout=10) for _ in range(8)]
    for one in held:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
    answer = server.request("/v1/status")
    assert answer.status == 503 and "api_connections" in answer.json()["detail"]
    # The Unix socket has connections of its own: the operator is not locked out.
    assert server.request("/v1/status", unix=True).status == 200
    for one in held:
        one.close()
    deadline = time.monotonic() + 10
    while server.request("/v1/status").status != 200:
        assert time.monotonic() < deadline
    assert server.get("/v1/status")["api"]["overload_total"] >= 1


def test_slow_clients_hold_nobody_up(usual):
    host, port = usual.host.split(":")
    slow = []
    for part in (b"G", b"GET /v1/sta", b"GET /v1/status HTTP/1.1\r\nHost: x\r\nAuth",
                 b"POST /v1/rules/check HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"):
        for _ in range(5):
            one = socket.create_connection((host, int(port)), timeout=10)
            one.sendall(part)
            slow.append(one)
    # One that never reads a large answer.
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    deaf.connect((host, int(port)))
    request = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {usual.token}\r\n\r\n"
    deaf.sendall(request.encode() * 20)
    for _ in range(20):
        assert usual.request("/v1/status").status == 200
    for one in [*slow, deaf]:
        one.close()


def test_many_clients_at_once(start):
    server = start("--data", "large")
    failures = []

    def read():
        try:
            for path in ("/v1/status", "/v1/anomalies?limit=1000", "/v1/workloads", "/metrics",
                         "/v1/workloads/0123456789abcdef/behaviours", "/v1/processes?depth=3") * 3:
                answer = server.request(path)
                if answer.status != 200:
                    failures.append((path, answer.status, answer.body[:200]))
        except Exception as error:  # reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:5]


def test_keep_alive(usual):
    connection = http.client.HTTPConnection(usual.host, timeout=10)
    for _ in range(50):
        connection.request("GET", "/v1/status", headers={"Authorization": f"Bearer {usual.token}"})
        response = connection.getresponse()
        assert response.status == 200 and response.read()


def refused(directory, *args):
    server = Server(directory, *args)
    assert not server.address
    assert server.code != 0
    return server.error


def test_refusals_to_start(start, usual, tmp_path):
    assert "needs TLS" in refused(tmp_path, "--listen", "0.0.0.0:0")
    assert "ADDRESS:PORT" in refused(tmp_path, "--listen", "nonsense")
    assert "ADDRESS:PORT" in refused(tmp_path, "--listen", "127.0.0.1:99999")
    port = usual.host.split(":")[1]
    assert "another program listens there" in refused(tmp_path, "--listen", f"127.0.0.1:{port}")
    (tmp_path / "token").write_text("short\n")
    assert "token" in refused(tmp_path)
    (tmp_path / "token").unlink()
    (tmp_path / "ethogram.sock").write_text("a file")
    assert "not a socket" in refused(tmp_path)


def test_stale_socket_is_replaced_and_removed(tmp_path, usual):
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "ethogram.sock"))
    dead.close()
    server = Server(tmp_path)
    assert server.request("/v1/status", token=False, unix=True).status == 200
    assert server.stop()[0] == 0
    assert not server.socket.exists()


def test_token_is_kept(tmp_path, usual):
    (tmp_path / "token").write_text("0123456789abcdef0123\n")
    server = Server(tmp_path)
    assert server.token == "0123456789abcdef0123"
    assert server.request("/v1/status").status == 200
    assert server.stop()[0] == 0
    assert "others may read it" in Server(tmp_path, "--listen", "x:y").error


def test_ipv6(tmp_path, usual):
    server = Server(tmp_path, "--listen", "[::1]:0", "--local")
    if not server.address:
        pytest.skip(f"no IPv6 here: {server.error}")
    assert server.address.startswith("http://[::1]:")
    assert server.request("/v1/status", token=False).status == 200
    assert server.stop()[0] == 0


def test_tls(tmp_path, usual):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        capture_output=True, check=False,
    )
    if made.returncode:
        pytest.skip("openssl cannot make a certificate")
    assert "cannot open" in refused(tmp_path, "--listen", "0.0.0.0:0", "--tls", cert, tmp_path / "none")
    server = Server(tmp_path, "--listen", "0.0.0.0:0", "--tls", cert, key)
    assert server.address.startswith("https://"), server.error
    context = ssl.create_default_context(cafile=str(cert))
    port = int(server.address.rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    connection.request("GET", "/v1/status", headers={"Authorization": f"Bearer {server.token}"})
    assert connection.getresponse().status == 200
    connection.close()
    assert server.stop()[0] == 0
