"""The same as test_upstream_rules.py for upstream's incubating and sandbox rules."""

import pytest

import upstream_more_cases
from upstream import FILES, REFERENCE, problems, rule_names, shown

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="no upstream rule files beside the project")


@pytest.mark.parametrize("case", upstream_more_cases.CASES, ids=lambda c: c.name)
def test_fires(stage, case):
    mark = f"{case.name}-does"
    case.action.perform(stage, mark)
    wrong = problems(stage, case.action, case.alerts, stage.alerts_of(mark))
    assert not wrong, "\n   ".join(["", *wrong])


@pytest.mark.parametrize("case", [c for c in upstream_more_cases.CASES if c.twin], ids=lambda c: c.name)
def test_the_twin_is_silent(stage, case):
    mark = f"{case.name}-twin"
    case.twin.perform(stage, mark)
    alerts = stage.alerts_of(mark)
    assert not alerts, "\n   ".join(["", *(shown(a["rule"], a["output_fields"]) for a in alerts)])


@pytest.mark.parametrize("rule", [r for f in FILES[1:] for r in rule_names(REFERENCE / f)] if REFERENCE.exists() else [])
def test_every_rule_has_a_case(rule):
    if rule in upstream_more_cases.CANNOT:
        pytest.skip(upstream_more_cases.CANNOT[rule])
    fired = {alert.rule for case in upstream_more_cases.CASES for alert in case.alerts}
    assert rule in fired
