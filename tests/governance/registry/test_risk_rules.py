"""The questionnaire, the AI Act class, and how long an assessment holds: all pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.terms import RiskTier
from governance.registry import questionnaire, reassessment, risk
from governance.registry.risk import ActClass

AT = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
FACTS = reassessment.Facts("internal", "synchronous", "internal", False)
ANSWERS = st.fixed_dictionaries({key: st.booleans() for key in risk.QUESTIONS})


@pytest.mark.parametrize(
    ("answers", "act_class", "tier"),
    [
        ((), ActClass.MINIMAL, RiskTier.MINIMAL),
        (("harm",), ActClass.MINIMAL, RiskTier.LIMITED),
        (("harm", "decides"), ActClass.MINIMAL, RiskTier.HIGH),
        (("interacts",), ActClass.TRANSPARENCY, RiskTier.LIMITED),
        (("public", "published"), ActClass.TRANSPARENCY, RiskTier.LIMITED),
        (("biometric",), ActClass.HIGH_RISK, RiskTier.HIGH),
        (("prohibited", "scores_people"), ActClass.PROHIBITED, RiskTier.UNACCEPTABLE),
        (("personal", "special"), ActClass.MINIMAL, RiskTier.LIMITED),
        (("personal", "special", "harm"), ActClass.MINIMAL, RiskTier.HIGH),
        (("acts", "irreversible"), ActClass.MINIMAL, RiskTier.HIGH),
    ],
)
def test_class_and_tier_follow_from_the_answers(
    answers: tuple[str, ...], act_class: ActClass, tier: RiskTier
) -> None:
    assessed = risk.assess(dict.fromkeys(answers, True))
    assert (assessed.act_class, assessed.tier) == (act_class, tier)


@pytest.mark.parametrize(
    ("answers", "areas", "codes"),
    [
        (("essential", "employment"), ("employment",), ["R2.1"]),
        (("essential",), ("access to jobs, education or essential services",), ["R2"]),
        (("infrastructure", "product"), ("a regulated product",), ["R5.2"]),
        (
            ("justice", "courts", "migration"),
            ("migration, asylum and border", "justice and democratic processes"),
            ["R4.2", "R4.3"],
        ),
        (("public",), (), ["R8"]),
    ],
)
def test_the_area_is_named_as_exactly_as_it_was_said(
    answers: tuple[str, ...], areas: tuple[str, ...], codes: list[str]
) -> None:
    assessed = risk.assess(dict.fromkeys(answers, True))
    assert assessed.areas == areas
    assert [rule.code for rule in assessed.fired] == codes


def test_an_answer_that_nothing_opened_is_not_counted_and_is_named() -> None:
    assessed = risk.assess({"scores_people": True, "prohibited": False, "harm": True})
    assert assessed.act_class == ActClass.MINIMAL
    assert assessed.ignored == ("scores_people",)
    assert risk.assess({"scores_people": True, "prohibited": True}).ignored == ()


@given(ANSWERS, st.sampled_from(sorted(risk.QUESTIONS)))
def test_one_more_yes_lowers_neither_tier_nor_class(answers: dict[str, bool], key: str) -> None:
    before, after = risk.assess(answers), risk.assess(answers | {key: True})
    assert after.tier.level >= before.tier.level
    assert after.act_class.level >= before.act_class.level


@given(ANSWERS)
def test_a_tier_is_never_below_what_its_class_asks_for(answers: dict[str, bool]) -> None:
    assessed = risk.assess(answers)
    assert assessed.tier.level >= risk.FLOOR[assessed.act_class].level
    assert set(assessed.ignored).isdisjoint(key for rule in assessed.fired for key in rule.needs)


def test_every_rule_says_from_when_it_applies_if_it_is_the_laws() -> None:
    for rule in risk.RULES:
        assert (rule.applies_from is not None) is (rule.act_class != ActClass.MINIMAL)
        assert set(rule.needs) <= risk.QUESTIONS.keys()


def test_every_question_can_change_the_result_or_name_it() -> None:
    assert {key for rule in risk.RULES for key in rule.needs} == set(risk.QUESTIONS)


def test_the_first_version_stays_readable_and_keeps_its_codes() -> None:
    first = questionnaire.texts_of(1)
    assert first["essential"].startswith("Does it influence access to jobs")
    assert first.keys() <= risk.QUESTIONS.keys()
    assert questionnaire.texts_of(99) == {}


def test_the_branches_hold_every_question_once() -> None:
    asked = [one for branch in questionnaire.BRANCHES for one in (branch.question, *branch.opened)]
    assert sorted(one.code for one in asked) == sorted(risk.QUESTIONS)


@pytest.mark.parametrize(
    ("tier", "days"), [("minimal", 365), ("limited", 365), ("high", 183), ("unacceptable", 183)]
)
def test_an_assessment_holds_as_long_as_its_tier_allows(tier: str, days: int) -> None:
    assert reassessment.valid_until(RiskTier(tier), AT) == AT + timedelta(days=days)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, []),
        ({"sensitivity": "public"}, ["its sensitivity was internal and is public"]),
        ({"serving": "streaming"}, ["its serving was synchronous and is streaming"]),
        ({"serving": ""}, ["its serving was synchronous and is not chosen"]),
        ({"datasets": "regulated"}, ["its data was internal and is regulated"]),
        ({"datasets": "public"}, []),
        ({"datasets": ""}, []),
        ({"is_user_facing": True}, ["its answers reach people outside"]),
    ],
)
def test_the_fact_that_changed_is_named(change: dict[str, Any], words: list[str]) -> None:
    now = reassessment.Facts(**(FACTS.kept() | change))
    assert reassessment.changes(FACTS.kept(), now) == words


def test_the_way_back_and_the_first_choice_are_named_too() -> None:
    before = reassessment.Facts("internal", "", "", True).kept()
    now = reassessment.Facts("internal", "streaming", "regulated", False)
    assert reassessment.changes(before, now) == [
        "its serving was not chosen and is streaming",
        "its data was not named and is regulated",
        "its answers no longer reach people outside",
    ]


def test_naming_data_within_what_was_assessed_is_no_new_fact() -> None:
    before = reassessment.Facts("internal", "", "", False)
    now = reassessment.Facts("internal", "", "internal", False)
    assert reassessment.changes(before.kept(), now) == []


def test_one_without_facts_ends_only_by_its_time() -> None:
    ends_at = AT + timedelta(days=1)
    assert reassessment.reasons_due({}, FACTS, ends_at, AT) == []
    assert reassessment.reasons_due({}, FACTS, ends_at, ends_at) == ["it ran out on 2026-11-19"]
