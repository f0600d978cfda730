"""Trying rules over HTTP: what is refused before the daemon is asked, and what the client shows of the answer."""

import json

import pytest
from test_api_client import run

PATH = "/v1/rules/what-if"
RULE = "- rule: x\n"


@pytest.mark.parametrize("path, body, status, say", [
    (PATH, "", 400, "rule file"),
    (PATH, None, 400, "rule file"),
    (PATH + "?all=false", "", 400, "rule file"),
    (PATH, "- rule: x\0y\n", 400, "NUL"),
    (PATH + "?since=yesterday", RULE, 400, "since"),
    (PATH + "?since=2026-11-20T12:00:00Z&since=1", RULE, 400, "since"),
    (PATH + "?limit=5", RULE, 400, "limit"),
    (PATH + "?all=maybe", RULE, 400, "all"),
    (PATH + "?file=" + "x" * 600, RULE, 400, "file"),
    (PATH + "?cursor=mine", RULE, 400, "cursor"),
    (PATH + "?cursor=busy", RULE, 429, "try again"),
    (PATH, "x" * ((1 << 20) + 1), 413, "1048576"),
], ids=lambda v: str(v)[:30])
def test_what_is_refused(usual, path, body, status, say):
    answer = usual.request(path, "POST", body=body)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert say in answer.json()["detail"]
    assert ("retry-after" in answer.headers) == (status == 429)


def test_only_post(usual):
    answer = usual.request(PATH)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_it_needs_read_access(usual):
    assert usual.request(PATH, "POST", body=RULE, token=False).status == 401
    assert usual.request(PATH, "POST", body=RULE, token="wrong").status == 401
    assert usual.request(PATH, "POST", body=RULE, token=False, unix=True).status == 200


def test_what_is_asked_arrives(usual):
    answer = usual.request(PATH + "?since=2026-11-20T12:00:00Z", "POST", body=RULE).json()
    assert answer["span"]["from"] == "2026-11-20T12:00:00.000000000Z"
    assert answer["sources"][0]["events"] == len(RULE)
    for query in ("?all=true", "?rule=a*"):
        assert usual.request(PATH + query, "POST").status == 200


def test_the_client_sends_the_file(usual, tmp_path):
    rules = tmp_path / "try.yaml"
    rules.write_text(RULE)
    done = run(usual, "rules what-if", str(rules), "--since", "2026-11-20T12:00:00Z")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "10 stored events" in text and "at least so many" in text and "incomplete" in text
    assert "Go on with: --cursor e1.2" in text
    done = run(usual, "rules what-if", str(rules), "--json")
    assert json.loads(done.stdout)["next"] == "e1.2"


def test_the_client_says_what_is_wrong(usual, tmp_path):
    large = tmp_path / "large.yaml"
    large.write_bytes(b"x" * ((1 << 20) + 1))
    for args, code, say in [
        ((), 2, b"FILE, --rule NAME or --all"),
        ((str(tmp_path / "missing.yaml"),), 1, b"No such file"),
        ((str(tmp_path),), 1, b"cannot be read"),
        ((str(large),), 1, b"larger than 1 MiB"),
        (("--all", "--since", "yesterday"), 2, b"--since"),
        (("--all", "--cursor", "busy"), 1, b"429"),
        (("--all", "--nonsense"), 2, b"unknown option"),
    ]:
        done = run(usual, "rules what-if", *args)
        assert (done.returncode, done.stdout) == (code, b""), args
        assert say in done.stderr, done.stderr


@pytest.mark.parametrize("alert, status, say", [
    ("l5", 200, ""), ("l4", 429, "try again"), ("l3", 503, "rules/check"), ("l999", 404, "no such alert"),
    ("a5", 404, "no such alert"), ("l05", 404, "no such alert"), ("l", 404, "no such alert"),
])
def test_exceptions_are_answered_or_refused(usual, alert, status, say):
    answer = usual.request(f"/v1/alerts/{alert}/exceptions")
    assert answer.status == status, answer.body
    assert say in answer.json().get("detail", "")


def test_an_alert_that_is_asked_about_must_be_one(usual):
    for alert in ("5", "l", "a5", "l05", ""):
        assert usual.request(PATH + f"?alert={alert}", "POST", body=RULE).status == 400
    assert usual.request(PATH + "?alert=l5", "POST", body=RULE).status == 200


def test_the_client_shows_exceptions(usual, tmp_path):
    done = run(usual, "rules except", "l5")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "Rule r: at least 2 hits in 0 stored events" in text
    assert " 1  proc.name = cat" in text and "hides 2, of which 1 others (1 of alerts), 2 processes" in text
    assert text.endswith("\n- rule: r\n")
    assert json.loads(run(usual, "rules except", "l5", "--json").stdout)["items"][0]["name"] == "l5_1"


def test_the_client_saves_nothing_that_was_not_approved(usual, tmp_path):
    """The test server never says that the alert is silent."""
    file = tmp_path / "local.yaml"
    for args, code, say in [
        (("l5", "--save", str(file)), 1, b"not saved: the alert's event would still be a hit"),
        (("l5", "--save", str(tmp_path)), 1, b"no plain file"),
        (("l5", "--save", str(tmp_path / "missing" / "x.yaml")), 1, b"No such file"),
        (("l5", "--save", str(file), "--pick", "2"), 2, b"no proposal"),
        (("l5", "--pick", "0"), 2, b"no proposal"),
        (("l5", "--save", str(file), "--json"), 2, b"do not go together"),
        (("x",), 2, b"no alert's id"),
        ((), 2, b"usage"),
    ]:
        done = run(usual, "rules except", *args)
        assert done.returncode == code, args
        assert say in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []
