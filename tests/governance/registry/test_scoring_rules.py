"""The pure parts of scoring: contents, spread, other weights."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import Invalid
from governance.registry import scoring
from governance.registry.scoring_content import KINDS, STARTING, read_content
from governance.registry.spread import spread_of, spreads
from governance.registry.what_if import read_weights
from tests.factories.ranking import Scored, outcomes, ranks
from tests.factories.scoring import all_points, other_model

POINT = st.integers(1, 5)


def scored(pk: int, points: dict[str, int]) -> Scored:
    impact, effort = STARTING.totals(points)
    return Scored(pk, f"U{pk}", points, impact, effort, STARTING.threshold)


def test_the_first_version_says_what_the_constants_said() -> None:
    assert {one.key: one.weight for one in STARTING.of("impact")} == {
        key: Decimal(weight) for key, (_, weight) in scoring.IMPACT.items()
    }
    assert STARTING.side("effort").keys() == scoring.EFFORT.keys()
    assert read_content(STARTING.as_proposal()) == STARTING
    json.dumps(STARTING.as_proposal())


@given(st.fixed_dictionaries(dict.fromkeys(STARTING.keys, POINT)), st.integers(2, 9))
def test_only_the_share_of_a_weight_counts(points: dict[str, int], factor: int) -> None:
    heavier = [one.as_facts() | {"weight": str(one.weight * factor)} for one in STARTING.dimensions]
    other = read_content({"dimensions": heavier, "threshold": "3"})
    assert other.totals(points) == STARTING.totals(points)
    assert all(
        abs(sum(other.share(one) for one in other.of(kind)) - 100) <= Decimal("0.5")
        for kind in KINDS
    )


def changed(**facts: Any) -> dict[str, Any]:
    """The other model with something else in its first dimension."""
    proposal = other_model()
    proposal["dimensions"][0] = proposal["dimensions"][0] | facts
    return proposal


@pytest.mark.parametrize(
    ("proposal", "field"),
    [
        ({}, "dimensions"),
        ({"dimensions": "many", "threshold": 3}, "dimensions"),
        ({"dimensions": [1, None], "threshold": 3}, "dimensions-0-key"),
        (changed(key="Value"), "dimensions-0-key"),
        (changed(key="rationale"), "dimensions-0-key"),
        (changed(key="value_why"), "dimensions-0-key"),
        (changed(key="build"), "dimensions-1-key"),
        (changed(title=" "), "dimensions-0-title"),
        (changed(title="x" * 81), "dimensions-0-title"),
        (changed(kind="luck"), "dimensions-0-kind"),
        (changed(kind="effort"), "dimensions"),
        (changed(weight="0"), "dimensions-0-weight"),
        (changed(weight="1.001"), "dimensions-0-weight"),
        (changed(weight="NaN"), "dimensions-0-weight"),
        (changed(weight=True), "dimensions-0-weight"),
        (changed(weight="101"), "dimensions-0-weight"),
        (changed(words=["a", "b", "c", "d"]), "dimensions-0-words"),
        (changed(words=["a", "b", "c", "d", ""]), "dimensions-0-words"),
        (changed(words=["a", "b", "c", "d", "e\x00"]), "dimensions-0-words"),
        (other_model(threshold="5"), "threshold"),
        (other_model(threshold="high"), "threshold"),
    ],
)
def test_what_does_not_fit_is_named_by_its_field(proposal: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_content(proposal)
    assert field in refused.value.fields


@pytest.mark.parametrize(("count", "fits"), [(1, False), (2, True), (8, True), (9, False)])
def test_two_to_eight_dimensions_a_side(count: int, fits: bool) -> None:
    proposal = other_model()
    effort = [one for one in proposal["dimensions"] if one["kind"] == "effort"]
    impact = [proposal["dimensions"][0] | {"key": f"value{number}"} for number in range(count)]
    proposal["dimensions"] = impact + effort
    if fits:
        assert len(read_content(proposal).of("impact")) == count
    else:
        with pytest.raises(Invalid):
            read_content(proposal)


@pytest.mark.parametrize(
    ("points", "least", "median", "most", "deviation", "far"),
    [
        ([3], 3, "3", 3, "0.00", False),
        ([2, 3], 2, "2.5", 3, "0.50", False),
        ([1, 5], 1, "3", 5, "2.00", True),
        ([2, 4, 4, 4, 5, 5], 2, "4", 5, "1.00", True),
    ],
)
def test_the_spread(
    points: list[int], least: int, median: str, most: int, deviation: str, far: bool
) -> None:
    found = spread_of("value", points)
    assert (found.least, found.median, found.most) == (least, Decimal(median), most)
    assert (found.deviation, found.is_far_apart) == (Decimal(deviation), far)
    assert sum(found.counts) == len(points)


@given(st.lists(POINT, min_size=1, max_size=7))
def test_the_suggestion_lies_between_the_ends(points: list[int]) -> None:
    found = spread_of("value", points)
    assert found.least <= found.suggested <= found.most
    assert found.counts[points[0] - 1] >= 1


def test_without_scores_there_is_no_spread() -> None:
    assert spreads(["value"], []) == []


def test_ranks_are_shared_by_equals() -> None:
    rows = [
        scored(1, all_points(4)),
        scored(2, all_points(4, build=1, data=1, change=1, assurance=1)),
        scored(3, all_points(4)),
        scored(4, all_points(1)),
    ]
    assert ranks(rows) == {2: 1, 1: 2, 3: 2, 4: 4}


def test_other_weights_move_what_they_should() -> None:
    first = scored(1, all_points(2, value=5))
    second = scored(2, all_points(2, reach=5))
    weights = {one.key: one.weight for one in STARTING.dimensions} | {"reach": Decimal(9)}
    found = outcomes([first, second], STARTING, weights)
    assert ranks([first, second]) == {1: 1, 2: 2}
    assert (found[2].rank, found[2].movement, found[2].arrow) == (1, "1 place up", "↑")
    assert (found[1].rank, found[1].movement, found[1].arrow) == (2, "1 place down", "↓")
    assert found[2].quadrant == "quick win"


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(STARTING.keys, POINT)), max_size=6))
def test_the_weights_in_force_move_nobody(points: list[dict[str, int]]) -> None:
    rows = [scored(number, one) for number, one in enumerate(points)]
    weights = {one.key: one.weight for one in STARTING.dimensions}
    found = outcomes(rows, STARTING, weights)
    assert all(one.movement == "same rank" for one in found.values())
    assert {pk: one.rank for pk, one in found.items()} == ranks(rows)


def test_scores_on_other_dimensions_are_left_out_unless_they_weigh_nothing() -> None:
    old = scored(1, all_points(3))
    partly = Scored(2, "U2", {"value": 3, "build": 3}, Decimal(3), Decimal(3), Decimal(3))
    weights = {one.key: one.weight for one in STARTING.dimensions}
    assert set(outcomes([old, partly], STARTING, weights)) == {1}
    only = dict.fromkeys(STARTING.keys, Decimal(0)) | {"value": Decimal(1), "build": Decimal(1)}
    assert set(outcomes([old, partly], STARTING, only)) == {1, 2}


@pytest.mark.parametrize("typed", ["-1", "a", "NaN", "101", "Infinity"])
def test_a_weight_that_is_none_is_named(typed: str) -> None:
    _, problems = read_weights(STARTING, {"value": typed})
    assert set(problems) == {"value"}


def test_a_side_cannot_weigh_nothing() -> None:
    _, problems = read_weights(STARTING, dict.fromkeys(scoring.IMPACT, "0"))
    assert set(problems) == {"value"}
