"""Upstream's stable rules, loaded as they are with the incubating and sandbox ones, all enabled: real actions, the
alerts that exactly they make with the values of all their fields, and a harmless twin of each that makes none."""

import pytest

import upstream_cases
from upstream import FILES, REFERENCE, problems, rule_names, shown

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="no upstream rule files beside the project")


@pytest.mark.parametrize("case", upstream_cases.CASES, ids=lambda c: c.name)
def test_fires(stage, case):
    mark = f"{case.name}-does"
    case.action.perform(stage, mark)
    wrong = problems(stage, case.action, case.alerts, stage.alerts_of(mark))
    assert not wrong, "\n   ".join(["", *wrong])


@pytest.mark.parametrize("case", [c for c in upstream_cases.CASES if c.twin], ids=lambda c: c.name)
def test_the_twin_is_silent(stage, case):
    mark = f"{case.name}-twin"
    case.twin.perform(stage, mark)
    alerts = stage.alerts_of(mark)
    assert not alerts, "\n   ".join(["", *(shown(a["rule"], a["output_fields"]) for a in alerts)])


@pytest.mark.parametrize("rule", rule_names(REFERENCE / FILES[0]) if REFERENCE.exists() else [])
def test_every_stable_rule_has_a_case(rule):
    if rule in upstream_cases.CANNOT:
        pytest.skip(upstream_cases.CANNOT[rule])
    fired = {alert.rule for case in upstream_cases.CASES for alert in case.alerts}
    assert rule in fired
