"""Stages, gates, framework, scores and risk: the pure part."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.terms import RiskTier
from governance.registry import framework, results, risk, scoring
from governance.registry.rules import (
    EVIDENCE,
    USE_CASE_STAGES,
    GateFacts,
    MissingItem,
    Stage,
    missing_for,
    requirements_for,
)

EDGES = {(edge.source, edge.target) for edge in USE_CASE_STAGES.edges}
FULL = GateFacts(
    has_framework=True,
    scores=1,
    is_assessed=True,
    datasets=1,
    has_deployment=True,
    has_disclosure=True,
    has_notice=True,
    has_fallback=True,
    metrics_with_target=1,
    metrics_measured=1,
    pilot_days=30,
    gaps=dict.fromkeys(EVIDENCE, ""),
)


def item(stage: str, *, ran_out: bool = False) -> MissingItem:
    return MissingItem(7, "planning", "Agree", stage, ran_out)


@pytest.mark.parametrize(("source", "target"), list(product(Stage, Stage)))
def test_stages_move_along_the_arrows_and_no_other_way(source: Stage, target: Stage) -> None:
    assert USE_CASE_STAGES.allows(source, target) is ((source, target) in EDGES)


def test_nothing_leaves_retirement() -> None:
    assert USE_CASE_STAGES.final_states == ["retired"]


@pytest.mark.parametrize("target", [*Stage][1:])
def test_a_complete_use_case_passes_every_gate(target: Stage) -> None:
    assert missing_for(target, FULL) == []


@pytest.mark.parametrize(
    ("target", "lacking", "words"),
    [
        ("assessed", {"has_framework": False}, "framework"),
        ("assessed", {"scores": 0}, "score"),
        ("assessed", {"is_assessed": False}, "risk"),
        ("approved", {"datasets": 0}, "dataset"),
        ("approved", {"datasets_above": ("Letters",)}, "Letters is above internal"),
        ("pilot", {"metrics_with_target": 0}, "metric"),
        ("pilot", {"has_deployment": False}, "deployment"),
        ("pilot", {"gaps": {**FULL.gaps, "oversight": "oversight “all”."}}, "oversight “all”"),
        ("pilot", {"has_disclosure": False}, "disclosure"),
        ("pilot", {"has_fallback": False}, "fallback"),
        ("production", {"metrics_measured": 0}, "measured"),
        ("approved", {"items_missing": (item("approved"),)}, "Agree (planning)."),
        ("pilot", {"items_missing": (item("pilot", ran_out=True),)}, "its waiver ran out"),
        ("production", {"items_missing": (item("pilot"),)}, "Agree (planning)."),
        ("production", {"pilot_days": None}, "a pilot that was decided on"),
        ("production", {"pilot_days_left": 3}, "3 of its 30 days are left"),
        ("production", {"pilot_days_left": 1}, "1 of its 30 days is left"),
        ("production", {"gaps": {**FULL.gaps, "evaluation": "an evaluation."}}, "evaluation"),
        ("production", {"has_disclosure": False}, "disclosure"),
        ("production", {"has_notice": False}, "an approved notice"),
        ("production", {"has_fallback": False}, "fallback"),
        ("production", {"gaps": {**FULL.gaps, "playbook": "a playbook."}}, "playbook"),
        ("production", {"gaps": {**FULL.gaps, "release": "a release."}}, "release"),
    ],
)
def test_a_gate_names_the_one_thing_that_is_missing(
    target: str, lacking: dict[str, Any], words: str
) -> None:
    missing = missing_for(target, replace(FULL, **lacking))
    assert len(missing) == 1
    assert words in missing[0]


def test_public_data_needs_no_dataset() -> None:
    assert missing_for("approved", replace(FULL, datasets=0, sensitivity="public")) == []


def test_a_gate_that_nobody_answers_for_fails_loudly() -> None:
    with pytest.raises(KeyError):
        missing_for("pilot", replace(FULL, gaps={}))


def test_a_requirement_that_is_met_is_listed_as_met() -> None:
    asked = requirements_for("pilot", FULL)
    assert all(one.is_met for one in asked)
    assert "telemetry" in {one.code for one in asked}


def test_retiring_needs_nothing() -> None:
    assert missing_for("retired", GateFacts()) == []


@pytest.mark.parametrize("given_answers", list(product([True, False], repeat=5)))
def test_every_set_of_answers_gets_a_known_recommendation(given_answers: tuple[bool, ...]) -> None:
    answers = dict(zip(framework.QUESTIONS, given_answers))
    found = framework.recommend(answers)
    assert found.reasons
    assert found.serving in framework.SERVING
    assert found.uses_llm is answers["language"]
    assert found.pattern in framework.PATTERNS or not found.uses_llm
    if answers["sensitive"] and found.uses_llm:
        assert found.hosting == "private or embedded"


SCALE = st.integers(1, 5)


@given(st.fixed_dictionaries(dict.fromkeys(scoring.IMPACT, SCALE)))
def test_a_weighted_score_stays_between_its_smallest_and_largest(values: dict[str, int]) -> None:
    assert min(values.values()) <= scoring.weighted(values, scoring.IMPACT) <= max(values.values())


def test_a_score_off_the_scale_or_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        scoring.weighted(dict.fromkeys(scoring.EFFORT, 6), scoring.EFFORT)
    with pytest.raises(KeyError):
        scoring.weighted({}, scoring.EFFORT)


@pytest.mark.parametrize(
    ("impact", "effort", "expected"),
    [
        ("3", "2.99", "quick win"),
        ("3", "3", "major project"),
        ("2.99", "2.99", "fill-in"),
        ("2.99", "3", "reconsider"),
    ],
)
def test_the_quadrant_is_derived(impact: str, effort: str, expected: str) -> None:
    assert scoring.quadrant(Decimal(impact), Decimal(effort)) == expected


def test_quick_wins_come_first_and_reconsider_last() -> None:
    points = [Decimal(4), Decimal(2)]
    pairs = sorted(product(points, points), key=lambda pair: scoring.priority(*pair))
    assert [scoring.quadrant(*pair) for pair in pairs] == list(scoring.QUADRANTS)
    more, less = (Decimal(5), Decimal(2)), (Decimal(4), Decimal(1))
    assert scoring.priority(*more) < scoring.priority(*less)


@pytest.mark.parametrize(
    ("baseline", "target", "value", "share"),
    [
        (480, 30, 480, 0),
        (480, 30, 30, 100),
        (480, 30, 255, 50),
        (480, 30, 525, -10),
        (10, 20, 25, 150),
        (5, 5, 5, None),
    ],
)
def test_the_way_from_baseline_to_target_is_measured_in_its_own_direction(
    baseline: int, target: int, value: int, share: int | None
) -> None:
    found = scoring.share_reached(Decimal(baseline), Decimal(target), Decimal(value))
    assert found == share


DAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("baseline", "target", "value", "words"),
    [
        (Decimal(480), Decimal(30), "55.5000", "Time: 55.5 min, 94 % of the way"),
        (Decimal(480), Decimal(30), "30", "target is reached"),
        (Decimal(480), Decimal(30), "500", "worse than the baseline"),
        (None, Decimal(30), "1200", "Time: 1,200 min"),
        (Decimal(480), None, "0.0000", "Time: 0 min"),
    ],
)
def test_a_result_is_said_in_a_sentence(
    baseline: Decimal | None, target: Decimal | None, value: str, words: str
) -> None:
    rows = results.measured_rows(baseline, target, [(DAY, Decimal(value), "log")])
    assert words in results.finding("Time", "min", rows)
    assert (rows[0].change is None) is (baseline is None)


def test_without_a_measured_value_the_sentence_says_so() -> None:
    assert results.finding("Time", "min", []) == "Time: nothing measured yet"


def test_no_answer_is_minimal_risk() -> None:
    assert risk.assess({}).tier == RiskTier.MINIMAL


@pytest.mark.parametrize("rule", risk.RULES, ids=lambda rule: rule.code)
def test_each_rule_fires_on_its_answers_alone(rule: risk.Rule) -> None:
    assessed = risk.assess(dict.fromkeys(rule.needs, True))
    assert rule in assessed.fired
    assert assessed.tier == max(assessed.fired, key=lambda one: one.tier.level).tier
    assert set(rule.needs) <= risk.QUESTIONS.keys()


@given(st.fixed_dictionaries({key: st.booleans() for key in risk.QUESTIONS}))
def test_one_more_yes_never_lowers_the_tier(answers: dict[str, bool]) -> None:
    tier = risk.assess(answers).tier
    assert all(risk.assess(answers | {key: True}).tier.level >= tier.level for key in answers)
