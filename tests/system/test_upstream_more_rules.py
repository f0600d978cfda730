"""The same as test_upstream_rules.py for upstream's incubating and sandbox rules."""

import pytest

import upstream_more_cases
from upstream import FILES, REFERENCE, assert_fires, assert_has_case, assert_twin_is_silent, rule_names

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="no upstream rule files beside the project")


@pytest.mark.parametrize("case", upstream_more_cases.CASES, ids=lambda c: c.name)
def test_fires(stage, case):
    assert_fires(stage, case)


@pytest.mark.parametrize("case", [c for c in upstream_more_cases.CASES if c.twin], ids=lambda c: c.name)
def test_the_twin_is_silent(stage, case):
    assert_twin_is_silent(stage, case)


@pytest.mark.parametrize("rule", [r for f in FILES[1:] for r in rule_names(REFERENCE / f)] if REFERENCE.exists() else [])
def test_every_rule_has_a_case(rule):
    assert_has_case(rule, upstream_more_cases)
