"""Every route answers with exactly the members that the OpenAPI document promises."""

import json
import re

import pytest
from api_harness import ROOT
from schema import errors

REDIS = "0123456789abcdef"

# Path of the document -> a request for it.
REQUESTS = {
    "/": "/",
    "/page.js": "/page.js",
    "/page.css": "/page.css",
    "/healthz": "/healthz",
    "/readyz": "/readyz",
    "/metrics": "/metrics",
    "/v1/openapi.json": "/v1/openapi.json",
    "/v1/status": "/v1/status",
    "/v1/workloads": "/v1/workloads",
    "/v1/workloads/{id}": f"/v1/workloads/{REDIS}",
    "/v1/workloads/{id}/behaviours": f"/v1/workloads/{REDIS}/behaviours",
    "/v1/workloads/{id}/pending": f"/v1/workloads/{REDIS}/pending",
    "/v1/anomalies": "/v1/anomalies",
    "/v1/anomalies/{id}": "/v1/anomalies/a3",
    "/v1/incidents": "/v1/incidents",
    "/v1/incidents/{id}": "/v1/incidents/i1",
    "/v1/alerts": "/v1/alerts",
    "/v1/alerts/{id}": "/v1/alerts/l5",
    "/v1/alerts/{id}/explain": "/v1/alerts/l5/explain",
    "/v1/alerts/{id}/exceptions": "/v1/alerts/l5/exceptions",
    "/v1/processes": "/v1/processes",
    "/v1/rules": "/v1/rules",
    "/v1/rules/check": "/v1/rules/check",
    "/v1/rules/reload": "/v1/rules/reload",
    "/v1/rules/what-if": "/v1/rules/what-if",
    "/v1/fields": "/v1/fields",
    "/v1/events": "/v1/events",
    "/v1/config": "/v1/config",
}

# What the contract promises by name; the document may hold more.
PROMISED = {
    "Status": "version host boot_id now last_event uptime_s capture gaps state profiles storage rules "
              "threshold_s memory cpu_s",
    "Workload": "id name kind state coverage basis_s ready_eta_s behaviours pending quarantined first_seen "
                "last_seen instances versions data_quality",
    "Dimension": "name state coverage active_epochs behaviours incidences levels sketch discovery reasons",
    "Behaviour": "dimension key events incidences frequency first_seen last_seen",
    "Anomaly": "id time last_seen occurrences state workload dimension key level novel seen_before "
               "return_period_s return_period_basis_s return_period_capped above_threshold coverage reason "
               "usual process event incident feedback data_quality",
    "Incident": "id from to workload state return_period_s anomalies alerts summary",
    "Process": "pid start_time ppid exe cmdline user workload children",
    "DataQuality": "complete lost_events gaps missing_fields sketch",
    "Problem": "type title status detail",
}


@pytest.fixture(scope="session")
def document(usual):
    return usual.get("/v1/openapi.json")


def test_document_is_openapi(document):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] and document["info"]["version"]
    text = json.dumps(document)
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert "default" in operation["responses"] and "200" in operation["responses"]
            named = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)


def test_every_route_is_asked_for(document):
    assert set(document["paths"]) == set(REQUESTS)


def test_every_route_is_described(document):
    text = (ROOT / "docs" / "api.md").read_text()
    for path, operations in document["paths"].items():
        if path not in ("/page.js", "/page.css"):
            assert f"`{next(iter(operations)).upper()} {path}`" in text, path


@pytest.mark.parametrize("schema", PROMISED)
def test_promised_members(document, schema):
    properties = document["components"]["schemas"][schema]["properties"]
    missing = set(PROMISED[schema].split()) - set(properties)
    assert not missing, f"{schema} lacks {missing}"


@pytest.mark.parametrize("data", ["usual", "empty", "hostile", "large"])
@pytest.mark.parametrize("path", REQUESTS)
def test_answer_follows_document(start, document, path, data):
    server = start("--data", data)
    method, operation = next(iter(document["paths"][path].items()))
    answer = server.request(REQUESTS[path], method.upper(), body="- rule: x" if "requestBody" in operation else None)
    if data == "empty" and "{id}" in path:
        assert answer.status == 404
        schema = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
    else:
        assert answer.status == 200, answer.body[:500]
        (content_type, content), = operation["responses"]["200"]["content"].items()
        assert answer.headers["content-type"].startswith(content_type)
        if "json" not in content_type:
            assert answer.body
            return
        schema = content["schema"]
    found = list(errors(answer.json(), schema, document["components"]["schemas"]))
    assert not found, "\n".join(found[:20])


def decode(text):
    """The bytes that a JSON value stands for."""
    out, i = bytearray(), 0
    while i < len(text):
        if text[i] != "\\":
            out += text[i].encode()
            i += 1
        elif text[i + 1] == "\\":
            out += b"\\"
            i += 2
        else:
            assert text[i + 1] == "x"
            out.append(int(text[i + 2:i + 4], 16))
            i += 4
    return bytes(out)


HOSTILE = b"\x1b[2Jevil\n\"quoted\" \xff\xfe \\back \xe2\x80\xae txt\0end"


def test_hostile_bytes_are_reversible(start):
    server = start("--data", "hostile")
    names = [decode(w["name"]) for w in server.all_items("/v1/workloads")]
    assert HOSTILE in names
    anomaly = server.get("/v1/anomalies/a3")
    assert decode(anomaly["key"][1]) == HOSTILE
    assert decode(anomaly["process"]["cmdline"]) == HOSTILE
    assert decode(server.get("/v1/incidents/i1")["summary"]) == HOSTILE
    keys = [b["key"] for b in server.all_items(f"/v1/workloads/{REDIS}/behaviours")]
    assert all(decode(key[1]) == HOSTILE for key in keys)
    assert decode(server.get("/v1/rules")["items"][0]["name"]) == HOSTILE


def test_status_figures(usual):
    status = usual.get("/v1/status")
    assert status["capture"]["events_total"] == 2**53 - 1
    assert b'"events_total":9007199254740991,' in usual.request("/v1/status").body
    assert status["capture"]["by_type"] == {
        "openat": {"seen": 1000, "dropped": 7, "shed": 0},
        "execve": {"seen": 5, "dropped": 0, "shed": 0},
    }
    assert status["uptime_s"] == 3600 and status["threshold_s"] == 28800
    assert status["now"] > status["last_event"]
    assert [g["reason"] for g in status["gaps"]] == ["downtime", "ring full"]
    assert [g["events"] for g in status["gaps"]] == [None, 55]
    assert [g["detail"] for g in status["gaps"]] == [
        None, {"by_type": {"open": 40, "connect": 15}, "by_cpu": {"0": 55}}
    ]
    assert status["storage"]["bytes"] > 0 and status["storage"]["last_checkpoint"]
    assert status["memory"]["pss_bytes"] > 1 << 20


def test_metrics_follow_the_text_format(usual):
    answer = usual.request("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    kinds, values = {}, {}
    for line in answer.body.decode().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name not in kinds
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            sample, value = re.fullmatch(r'(ethogram_\w+(?:\{\w+="[^"]*"\})?) ([-+.\de]+)', line).groups()
            values[sample] = float(value)
            assert sample.split("{")[0] in kinds
    assert values["ethogram_events_total"] == 2**53 - 1
    assert values['ethogram_dropped_events_by_type_total{type="openat"}'] == 7
    assert all(n.endswith("_total") == (k == "counter") for n, k in kinds.items()), kinds


def test_workloads_and_quality(usual):
    items = {w["name"]: w for w in usual.all_items("/v1/workloads")}
    nginx = items["image:docker.io/library/nginx"]
    assert nginx["coverage"] is None and nginx["ready_eta_s"] == {"low": 7200, "high": 18000}
    assert nginx["data_quality"] == {
        "complete": False, "lost_events": 9, "missing_fields": ["proc.cwd", "user.name"], "sketch": "estimated",
        "gaps": [g for g in nginx["data_quality"]["gaps"]],
    }
    # Only the gap within its life: the other was a day before.
    assert [g["reason"] for g in nginx["data_quality"]["gaps"]] == ["downtime"]
    redis = usual.get(f"/v1/workloads/{REDIS}")
    assert redis["dimensions"][0]["levels"][1]["longest_claim_s"] is None or \
        redis["dimensions"][0]["levels"][1]["longest_claim_s"] <= 3.2e9
    assert redis["dimensions"][0]["discovery"] == [[1, 10], [2, 15]]


def test_pages_cover_everything_once(start):
    server = start("--data", "large")
    assert len({w["id"] for w in server.all_items("/v1/workloads?limit=1000")}) == 2500
    rows = server.all_items(f"/v1/workloads/{REDIS}/behaviours?limit=997")
    assert len(rows) == 30000
    assert [r["frequency"] for r in rows] == sorted((r["frequency"] for r in rows), reverse=True)
    assert len({r["events"] for r in rows}) == 30000  # differs from row to row
    for below in ("false", "true"):
        ids = [a["id"] for a in server.all_items(f"/v1/anomalies?limit=100&below_threshold={below}")]
        assert len(ids) == len(set(ids)) == (2990 if below == "false" else 10)


def test_behaviour_texts_come_from_the_store(usual):
    for row in usual.all_items(f"/v1/workloads/{REDIS}/behaviours"):
        assert row["key"] == ["/usr/bin/redis-server", f"/var/lib/redis/{row['incidences'] - 1}"]
        assert row["first_seen"]


def test_filters(usual):
    above = usual.all_items("/v1/anomalies")
    assert len(above) == 20 and all(a["above_threshold"] for a in above)
    assert [a["time"] for a in above] == sorted((a["time"] for a in above), reverse=True)
    below = usual.all_items("/v1/anomalies?below_threshold=1")
    assert len(below) == 10 and not any(a["above_threshold"] for a in below)
    for path, holds in (
        (f"/v1/anomalies?workload={REDIS}", lambda a: a["workload"]["id"] == REDIS),
        ("/v1/anomalies?dimension=exec", lambda a: a["dimension"] == "exec"),
        ("/v1/anomalies?min_return_period_s=25000", lambda a: a["return_period_s"] >= 25000),
        ("/v1/anomalies?state=open", lambda a: a["state"] == "open"),
        ("/v1/incidents?state=open", lambda i: i["state"] == "open"),
        ("/v1/incidents?state=closed", lambda i: i["state"] == "closed"),
        ("/v1/alerts?priority=critical", lambda l: l["priority"] == "Critical"),
        ("/v1/alerts?min_priority=error", lambda l: l["priority"] == "Critical"),
        ("/v1/alerts?rule=Odd%20file", lambda l: l["rule"] == "Odd file"),
        ("/v1/alerts?incident=i1", lambda l: l["incident"] == "i1"),
    ):
        items = usual.all_items(path)
        assert items and all(holds(i) for i in items), path
    for path in ("/v1/anomalies?state=rejected", "/v1/anomalies?until=2020-01-01T00:00:00Z",
                 "/v1/alerts?since=2100-01-01T00:00:00Z", "/v1/anomalies?dimension=none"):
        assert usual.all_items(path) == [], path


def test_processes(start, usual):
    tree = usual.get("/v1/processes")
    assert tree["pid"] == 0 and [c["pid"] for c in tree["children"]] == [1, 20]
    seen = []

    def walk(node):
        seen.append(node["pid"])
        for child in node["children"]:
            assert node["pid"] in (0, child["ppid"])
            walk(child)

    walk(tree)
    assert sorted(seen) == list(range(21))
    sub = usual.get("/v1/processes?root=2&depth=1")
    assert sub["pid"] == 2 and [c["pid"] for c in sub["children"]] == [5, 6, 7]
    assert sub["children"][0]["exe"] is None
    assert usual.request("/v1/processes?root=4242").status == 404
    # A chain of thousands: cut, and said so; the rest is reached by asking further down.
    large = start("--data", "large")
    depth, node = 0, large.get("/v1/processes")
    while node["children"]:
        depth, node = depth + 1, node["children"][0]
    assert depth == 64 and node["children_cut"]
    assert large.get(f"/v1/processes?root={node['pid']}")["children"]


def test_alerts_have_falcos_shape(usual):
    alert = usual.get("/v1/alerts/l5")
    assert alert["output_fields"]["evt.time"] == 1795262400123456789
    assert alert["workload"] is None and alert["priority"] == "Critical"
    assert usual.get("/v1/alerts/l6")["workload"]["id"] == REDIS


def test_page_is_self_contained(usual):
    page = usual.request("/", token=False)
    assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    text = page.body.decode()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert not re.search(r"https?://|<script>|style=|onload=|onclick=", text)
    for path in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert usual.request(path, token=False).status == 200
    script = usual.request("/page.js", token=False).body.decode()
    assert "innerHTML" not in script and "eval(" not in script and "http" not in script.replace("HTTP", "")


def test_an_explanation_tells_every_clause(usual):
    explained = usual.get("/v1/alerts/l5/explain")
    assert explained["condition_is"] == "as fired, changed since"
    assert explained["truth"] == "unknown" and explained["not_stored"] == ["proc.env[A]"]
    clauses = explained["clauses"]["clauses"]
    assert [c["truth"] for c in clauses] == ["true", "true", "true", "unknown"]
    assert [c["decides"] for c in clauses] == [False, False, False, True]
    assert clauses[1]["matched"] == {"left": "sh", "right": "sh"}
    assert clauses[2]["clauses"][0]["left"]["values"] == ["redis-server", "systemd"]
    assert clauses[3]["clauses"][0]["left"]["state"] == "not stored"
    # Asked for by name it is the rule as it is loaded now.
    loaded = usual.get("/v1/alerts/l5/explain?rule=Shell%20from%20service")
    assert loaded["condition_is"] == "as loaded" and loaded["condition"] == 'proc.name = "sh"'
    assert loaded["truth"] == "true"
    assert usual.get("/v1/alerts/l3/explain")["condition_is"] == "as loaded, that of the alert is not known"


@pytest.mark.parametrize("path,say", [
    ("/v1/alerts/l4/explain", "too many came at once"),
    ("/v1/alerts/l2/explain", "any more: the oldest that is stored is of"),
    ("/v1/alerts/l9999/explain", "no such alert"),
    ("/v1/alerts/a5/explain", "no such alert"),
    ("/v1/alerts/l5/explain?rule=None", "no rule 'None' is loaded"),
    ("/v1/alerts/l6/explain", "no rule 'Odd file' is loaded"),
])
def test_what_cannot_be_explained_says_why(usual, path, say):
    answer = usual.request(path)
    assert answer.status == 404
    assert say in answer.json()["detail"]


def test_a_strangers_bytes_come_back_as_they_were(start):
    hostile = start("--data", "hostile")
    explained = hostile.get("/v1/alerts/l3/explain")
    assert explained["event"]["fields"]["proc.aname"] == ["\x1b[31m\\xff\n"]


def test_metrics_have_hits_by_rule(start):
    text = start("--data", "usual").request("/metrics").body.decode()
    hits = re.findall(r'^ethogram_rule_hits_total\{rule="([^"]*)"\} (\d+)$', text, re.M)
    assert hits == [("Shell from service", "1"), ("Shell from service", "2")]
    hostile = start("--data", "hostile").request("/metrics").body.decode()
    lines = [line for line in hostile.splitlines() if line.startswith("ethogram_rule_hits_total{")]
    assert lines and all(re.fullmatch(r'ethogram_rule_hits_total\{rule="(\\.|[^"\\])*"\} \d+', line) for line in lines)


def test_rules_are_chosen_by_name_and_tag(usual):
    everything = usual.get("/v1/rules")["items"]
    assert len(everything) == 3
    for query, n in [("name=Shell*", 3), ("name=shell*", 0), ("name=*service", 3), ("tag=service", 3), ("tag=serv", 0),
                     ("name=Shell*&tag=shell", 3), ("name=*&tag=other", 0)]:
        assert len(usual.get(f"/v1/rules?{query}")["items"]) == n, query
    assert everything[1]["file"] == "/etc/ethogram/rules/x.yaml" and everything[1]["line"] == 1
    assert everything[0]["file"] is None and everything[0]["absent_fields"] == []
    assert everything[2]["absent_fields"] == ["k8smeta.pod.name", "evt.latency"]
