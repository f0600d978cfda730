"""The client verbs against the test server: what people read, what scripts get, how errors are said."""

import json
import os
import re
import subprocess

import pytest
from api_harness import BUILD

CLIENT = BUILD / "tests" / "api" / "api_client"
VERBS = [
    ("status",), ("workloads",), ("profile", "redis"), ("pending", "redis"), ("anomalies",), ("anomalies", "--below"),
    ("explain", "a5"), ("explain", "i1"), ("explain", "l5"), ("incidents",), ("alerts",), ("processes",), ("rules", "list"),
]


def run(server, *args, env=None, cwd=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ETHOGRAM_")}
    environment.update(env or ({"ETHOGRAM_SERVER": str(server.socket)} if server else {}))
    environment["ASAN_OPTIONS"] = "detect_leaks=1"
    return subprocess.run(
        [str(CLIENT), *args], env=environment, cwd=cwd, capture_output=True, timeout=60, check=False
    )


def lines(done):
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize("data", ["usual", "hostile", "large"])
@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_output_cannot_steer_a_terminal(start, verb, data):
    done = run(start("--data", data), *verb)
    text = "\n".join(lines(done))
    assert text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd]", text)
    if data == "hostile" and verb[0] in ("workloads", "anomalies", "explain", "alerts", "processes", "rules"):
        assert "\\x1b[2Jevil\\x0a" in text


@pytest.mark.parametrize("verb", [v for v in VERBS if v[0] != "profile"], ids=" ".join)
def test_json_is_the_servers_answer(start, verb):
    text = run(start("--data", "usual"), *verb, "--json").stdout
    answer = json.loads(text)
    assert isinstance(answer, dict) and answer


def test_json_keeps_64_bit_numbers(usual):
    alerts = json.loads(run(usual, "alerts", "--json", "--limit", "1").stdout)
    assert alerts["items"][0]["output_fields"]["evt.time"] == 1795262400123456789


@pytest.mark.parametrize("verb,say", [
    (("workloads",), "no workloads yet"), (("anomalies",), "no anomalies above the threshold"),
    (("anomalies", "--below"), "nothing surprising"), (("incidents",), "no incidents"), (("alerts",), "no alerts"),
    (("status",), "0 lost"),
])
def test_an_empty_daemon_says_so(start, verb, say):
    assert say in "\n".join(lines(run(start("--data", "empty"), *verb)))


def test_status(usual):
    text = "\n".join(lines(run(usual, "status")))
    for part in ("0.5 s ago", "7 lost", "3, 1 ready, 14 new habits learned today", "threshold      8 h"):
        assert part in text


def test_workloads(usual):
    rows = lines(run(usual, "workloads"))
    assert re.match(r"WORKLOAD +STATE +COVERAGE +OBSERVED +READY IN", rows[0])
    nginx = next(r for r in rows if "nginx" in r)
    assert re.search(r"image:docker.io/library/nginx +learning +unknown +3 h +2 h to 5 h +250 +3 +1 ", nginx)
    # Columns stand below their titles.
    assert {r.index("learning" if "learning" in r else "ready") for r in rows[1:]} == {rows[0].index("STATE")}


def test_explain_shows_every_number(usual):
    text = "\n".join(lines(run(usual, "explain", "a5")))
    for part in (
        "a5, open", "redis-server never read /etc/shadow", "unit:redis-server.service", "file.read",
        "/bin/cat > /etc/shadow", "5 times", "5000 s, 12.5 bits, below the threshold", "observed for   3 h", "97 %",
        "200 days ago", "4711 /bin/cat, user redis", "cat /etc/shadow", "redis-server > sh > cat",
        "openat name=/etc/shadow", "1e-06 /s (every 12 days)", "0.001 /s (every 17 min)", "117 min", "yes", "new",
        "new to the whole host, factor 1", "T = 2^bits x epoch", "50 %     /etc/redis.conf",
    ):
        assert part in text, part
    assert "longest claim its age allows" in "\n".join(lines(run(usual, "explain", "a7")))


def test_explain_incident(usual):
    text = "\n".join(lines(run(usual, "explain", "i1")))
    for part in ("i1, open", "101 years", "a29", "a30", "l25", "Shell from service"):
        assert part in text, part


@pytest.mark.parametrize("name,found", [
    ("0123456789abcdef", "unit:redis-server.service"), ("unit:redis-server.service", "unit:redis-server.service"),
    ("redis", "unit:redis-server.service"), ("unit:", "unit:redis-server.service"),
    ("edis-ser", "unit:redis-server.service"),
])
def test_workloads_are_found_by_parts_of_their_names(usual, name, found):
    assert f"workload       {found}" in lines(run(usual, "profile", name))


def test_ambiguous_and_unknown_workloads(start, usual):
    done = run(start("--data", "large"), "profile", "service-1")
    assert done.returncode == 1 and b"fits 1110 workloads" in done.stderr and b"exe:/opt/service-1" in done.stderr
    done = run(usual, "profile", "none\x1b")
    assert done.returncode == 1 and b"no workload 'none\\x1b'" in done.stderr
    assert done.stdout == b""


def test_filters_reach_the_server(usual):
    items = lambda *args: json.loads(run(usual, "anomalies", "--json", *args).stdout)["items"]
    assert {i["workload"]["id"] for i in items("--workload", "redis")} == {"0123456789abcdef"}
    assert {i["dimension"] for i in items("--dimension=exec")} == {"exec"}
    assert all(i["return_period_s"] >= 25200 for i in items("--min-return-period", "7h"))
    assert items("--since", "2100-01-01T00:00:00Z") == []
    assert len(items("--limit", "2")) == 2
    alerts = json.loads(run(usual, "alerts", "--json", "--priority", "error").stdout)["items"]
    assert {a["priority"] for a in alerts} == {"Critical"}
    tree = json.loads(run(usual, "processes", "--json", "--root", "2", "--depth", "1").stdout)
    assert tree["pid"] == 2 and not any(c["children"] for c in tree["children"])


def test_process_tree_is_indented(usual):
    rows = lines(run(usual, "processes"))
    column = {int(r.split()[0]): r.index("redis-server *") for r in rows[1:] if "redis-server *" in r}
    assert column[1] + 2 == column[2] and column[2] + 2 == column[6] == column[7]


@pytest.mark.parametrize("args,code,say", [
    (("nothing",), 2, "no verb 'nothing'"), (("profile",), 2, "usage: ethogram profile W"),
    (("status", "extra"), 2, "one argument too many"), (("status", "--odd"), 2, "unknown option --odd"),
    (("status", "--limit", "3"), 2, "unknown option --limit"), (("anomalies", "--since"), 2, "--since needs a value"),
    (("anomalies", "--since", "yesterday"), 2, "must be a time"), (("explain", "x"), 2, "must be an anomaly"),
    (("explain", "a1/../b"), 2, "must be an anomaly"), (("explain", ""), 2, "must be an anomaly"),
    (("explain", "a777"), 1, "there is no such anomaly"), (("anomalies", "--limit", "0"), 1, "parameter 'limit'"),
    (("anomalies", "--cursor", "x"), 1, "parameter 'cursor'"), (("rules", "odd"), 2, "usage"),
    (("status", "--token-file", "/no/such"), 1, "/no/such"),
])
def test_mistakes_are_explained(usual, args, code, say):
    done = run(usual, *args)
    assert done.returncode == code, done
    assert say in done.stderr.decode() and done.stdout == b""


def test_help(usual):
    done = run(None, "--help")
    assert done.returncode == 0
    for verb in VERBS:
        assert verb[0].encode() in done.stdout
    text = run(None, "anomalies", "--help").stdout.decode()
    for option in ("--since", "--below", "--min-return-period", "--json", "--server", "--token-file"):
        assert option in text


def test_where_the_server_is_found(usual, tmp_path):
    done = run(None, "status", env={"HOME": "/"}, cwd=tmp_path)
    if not os.path.exists("/run/ethogram/ethogram.sock"):
        assert done.returncode == 1
        assert b"no running daemon found" in done.stderr and b"sudo make run" in done.stderr
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "ethogram.sock").symlink_to(usual.socket)
    assert run(None, "status", env={"HOME": "/"}, cwd=tmp_path).returncode == 0
    # What is named goes before what is found.
    done = run(None, "status", env={"ETHOGRAM_SERVER": "http://127.0.0.1:1"}, cwd=tmp_path)
    assert done.returncode == 1 and b"is the daemon running?" in done.stderr
    done = run(None, "status", "--server", str(usual.socket), env={"ETHOGRAM_SERVER": "http://127.0.0.1:1"})
    assert done.returncode == 0


def test_tokens(usual, tmp_path):
    address = {"ETHOGRAM_SERVER": usual.address}
    done = run(None, "status", env=address, cwd=tmp_path)
    assert done.returncode == 1 and b"(401)" in done.stderr and b"--token-file" in done.stderr
    assert run(None, "status", "--token-file", str(usual.dir / "token"), env=address).returncode == 0
    assert run(None, "status", env={**address, "ETHOGRAM_TOKEN": usual.token}).returncode == 0
    assert run(None, "status", env={**address, "ETHOGRAM_TOKEN": "wrong"}).returncode == 1
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "token").write_text(usual.token + "\n")
    assert run(None, "status", env=address, cwd=tmp_path).returncode == 0


def test_server_that_is_none(tmp_path, start):
    # The page is no JSON: an answer of something else is said, not shown.
    server = start("--stalled")
    done = run(server, "workloads")
    assert done.returncode == 1 and b"(503)" in done.stderr and b"did not answer in time" in done.stderr
    done = run(None, "status", "--server", "nonsense")
    assert done.returncode == 1 and b"must be http://HOST:PORT" in done.stderr
