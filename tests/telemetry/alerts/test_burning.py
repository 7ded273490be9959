"""The arithmetic of error budgets."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from telemetry.alerts.burning import (
    BURN_RULES,
    WINDOWS,
    Tally,
    budget_left,
    burn_rate,
    burning,
    can_fire,
    in_words,
)
from telemetry.alerts.charts import steps
from tests.factories.ledger import NOW

OBJECTIVES = st.decimals("50", "99.999", places=3)
TALLIES = st.integers(0, 10**6).flatmap(
    lambda total: st.builds(Tally, st.just(total), st.integers(0, total))
)


def test_the_windows_are_those_of_the_workbook() -> None:
    named = [(rule.factor, in_words(rule.long), in_words(rule.short)) for rule in BURN_RULES]
    assert named == [
        (Decimal("14.4"), "1 h", "5 min"),
        (Decimal(6), "6 h", "30 min"),
        (Decimal(1), "3 days", "6 h"),
    ]


@given(TALLIES, OBJECTIVES)
def test_what_is_left_is_what_was_not_burnt(tally: Tally, objective: Decimal) -> None:
    rate, left = burn_rate(tally, objective), budget_left(tally, objective)
    if rate is None or left is None:
        assert tally.total == 0
        return
    assert rate + left == 1
    assert (left < 0) == (Decimal(tally.bad) / tally.total > (100 - objective) / 100)


def every(tally: Tally, **others: Tally) -> dict[timedelta, Tally]:
    return {window: others.get(in_words(window).replace(" ", ""), tally) for window in WINDOWS}


def test_both_windows_must_burn() -> None:
    half, good = Tally(100, 50), Tally(100, 0)
    fired = [rule.name for rule in burning(every(half), Decimal(99), 20)]
    assert fired == ["fast", "steady", "slow"]
    names = {rule.name for rule in burning({**every(half), WINDOWS[0]: good}, Decimal(99), 20)}
    assert names == {"steady", "slow"}  # the last five minutes were good again


def test_exactly_the_factor_does_not_burn_and_little_data_says_nothing() -> None:
    exact = Tally(1000, 10)  # 1 % bad of 1 % allowed
    assert burning(every(exact), Decimal(99), 20) == []
    assert burning(every(Tally(19, 19)), Decimal(99), 20) == []
    assert burning(every(Tally()), Decimal(99), 0) == []


@given(OBJECTIVES)
def test_a_rule_that_cannot_fire_does_not_when_everything_is_bad(objective: Decimal) -> None:
    fired = set(burning(every(Tally(1000, 1000)), objective, 1))
    assert fired == {rule for rule in BURN_RULES if can_fire(rule, objective)}


@given(st.lists(TALLIES, min_size=1, max_size=10), OBJECTIVES)
def test_the_chart_ends_with_what_is_left(tallies: list[Tally], objective: Decimal) -> None:
    found = steps([(NOW, one) for one in tallies], objective)
    whole = Tally(sum(one.total for one in tallies), sum(one.bad for one in tallies))
    left = budget_left(whole, objective)
    assert abs(found[-1].left - (1 if left is None else left)) < Decimal("1e-9")
