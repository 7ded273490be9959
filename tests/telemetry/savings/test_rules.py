"""Odd days and longer prompts, from numbers alone."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from telemetry.savings.rules import (
    VersionUse,
    longer_than_before,
    unusual_days,
)

FIRST = date(2026, 11, 2)  # a Monday


def series(costs: list[str]) -> dict[date, Decimal]:
    return {FIRST + timedelta(days=n): Decimal(cost) for n, cost in enumerate(costs)}


def found_in(costs: list[str], floor: str = "0") -> list[date]:
    daily = {"case": series(costs)}
    last = FIRST + timedelta(days=len(costs))
    return [one.day for one in unusual_days(daily, FIRST, last, Decimal(floor))]


def test_a_day_far_above_such_days_stands_out_and_weekends_are_their_own() -> None:
    usual = ["10", "11", "10", "9", "10", "1", "1"]
    assert found_in([*usual, *usual, "40"]) == [FIRST + timedelta(days=14)]
    # A Saturday that costs as much as a Monday: eight weekend days before it are needed.
    assert found_in([*usual * 3, *usual[:5], "10"]) == []
    weeks = [*usual * 4, *usual[:5], "10"]
    assert found_in(weeks) == [FIRST + timedelta(days=33)]


def test_too_few_days_a_small_floor_and_a_wide_spread_say_nothing() -> None:
    assert found_in(["10"] * 5 + ["0", "0", "90"]) == []
    assert found_in(["10"] * 14 + ["40"], floor="31") == []
    spread = ["10", "20", "12", "18", "14", "0", "0", "16", "11", "19", "13", "17", "0", "0"]
    assert found_in([*spread, "28"]) == []


def test_the_excess_is_what_is_above_the_median() -> None:
    (one,) = unusual_days(
        {"case": series(["10"] * 14 + ["40"])}, FIRST, date(2026, 12, 1), Decimal(0)
    )
    assert (one.usual, one.excess, one.days) == (Decimal(10), Decimal(30), 10)


@given(st.lists(st.integers(0, 100), min_size=30, max_size=60), st.integers(1, 9))
def test_the_unit_of_money_changes_nothing(costs: list[int], factor: int) -> None:
    days = {FIRST + timedelta(days=n): Decimal(cost) for n, cost in enumerate(costs)}
    more = {day: cost * factor for day, cost in days.items()}
    last = FIRST + timedelta(days=len(costs))
    plain = unusual_days({"a": days}, FIRST, last, Decimal(0))
    scaled = unusual_days({"a": more}, FIRST, last, Decimal(0))
    assert {one.day for one in plain} == {one.day for one in scaled}


def use(version: int, calls: int, mean: str) -> VersionUse:
    return VersionUse(version, f"p v{version}", calls, Decimal(mean))


def test_the_newest_version_is_compared_with_the_shortest_earlier_one() -> None:
    found = longer_than_before([use(1, 40, "300"), use(2, 40, "200"), use(3, 50, "260")])
    assert found is not None
    assert (found.newest.version, found.earlier.version, found.tokens) == (3, 2, Decimal(3000))
    assert longer_than_before([use(1, 40, "300"), use(2, 40, "200")]) is None
    assert longer_than_before([use(1, 29, "100"), use(2, 40, "200")]) is None
    assert longer_than_before([]) is None
