"""Which rules run is chosen by name, wildcard and tag, in order; a text that is checked has a name of its own in messages."""

import json
import subprocess

import pytest

from system_harness import BUILD

RULES = "".join(
    f"- rule: {name}\n  desc: d\n  condition: evt.type = mkdir\n  output: o\n  priority: INFO\n"
    f"  tags: [{tag}]\n  enabled: {on}\n"
    for name, tag, on in (("net one", "network", "true"), ("net two", "network", "false"), ("file one", "files", "true"))
)


@pytest.fixture
def started(make_daemon, scratch):
    def start(select, *settings):
        rules = scratch / "r.yaml"
        rules.write_text(RULES)
        daemon = make_daemon("learning.dimensions=[]", *settings)
        daemon.config = scratch / "config.yaml"
        daemon.config.write_text(f"rules:\n  files: [{rules}]\n  select: {select}\n")
        daemon.start()
        return daemon

    return start


def enabled(daemon):
    return {rule["name"] for rule in daemon.get("/v1/rules")["items"] if rule["enabled"]}


@pytest.mark.parametrize("select,settings,want", [
    ("[]", [], {"net one", "file one"}),
    ('[{disable: {rule: "*"}}, {enable: {tag: network}}]', [], {"net one", "net two"}),
    ('[{enable: {tag: network}}, {disable: {rule: "*"}}]', [], set()),
    ('[{disable: {rule: "*"}}]', ["rules.enable=['tag:files']"], {"file one"}),
    ('[{enable: {rule: "*"}}]', ["rules.disable=['net *']"], {"file one"}),
    ('[{enable: {rule: "*"}}]', ["rules.select=[{disable: {rule: '*one'}}]"], set()),
])
def test_rules_are_selected_in_order(started, select, settings, want):
    assert enabled(started(select, *settings)) == want


def test_a_wrong_selection_is_told_with_its_place(scratch):
    config = scratch / "config.yaml"
    config.write_text("rules:\n  select:\n    - disable: {rule: '*'}\n    - enable: {name: a}\n")
    done = subprocess.run([str(BUILD / "ethogram"), "config", "check", "-c", config],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert f"{config}:4:16: 'rules.select': expected rule or tag" in done.stderr


def test_a_checked_text_has_a_name(started):
    daemon = started("[]")
    token = (daemon.folder / "token").read_text().strip()
    for text, member in (("- macro: m\n  condition: (\n", "errors"), ("- macro: m\n  condition: evt.num = 1\n", "warnings")):
        status, data = daemon.request("POST", "/v1/rules/check", token=token, body=text.encode())
        answer = json.loads(data)
        assert status == 200 and answer["successful"] == (member == "warnings")
        assert answer[member] and {message["file"] for message in answer[member]} == {"body"}
