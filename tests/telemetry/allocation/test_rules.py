"""Parts always add up to the whole, and each is its exact share to within one unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.allocation.rules import places_of, share_percent, split

WHOLES = st.one_of(
    st.decimals("-1000000", "1000000", places=2),
    st.decimals("-1000000", "1000000", places=9),
)
WEIGHTS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.decimals(0, 1000000, places=6),
    min_size=1,
    max_size=12,
).filter(lambda weights: any(weights.values()))


@given(WHOLES, WEIGHTS)
def test_parts_add_up_and_are_exact_to_one_unit(
    whole: Decimal, weights: dict[str, Decimal]
) -> None:
    parts = split(whole, weights)
    assert sum(parts.values()) == whole
    unit = Fraction(Decimal(1).scaleb(-places_of(whole)))
    total = sum(Fraction(one) for one in weights.values())
    for key, part in parts.items():
        assert abs(Fraction(part) - Fraction(whole) * Fraction(weights[key]) / total) < unit
        assert weights[key] or not part


@given(WHOLES, WEIGHTS)
def test_the_order_of_teams_changes_nothing_and_more_never_gets_less(
    whole: Decimal, weights: dict[str, Decimal]
) -> None:
    parts = split(whole, weights)
    assert split(whole, dict(reversed(weights.items()))) == parts
    for one, weight in weights.items():
        for other, less in weights.items():
            if weight > less:
                assert abs(parts[one]) >= abs(parts[other])


def test_ties_go_by_the_alphabet() -> None:
    thirds = split(Decimal("100.00"), {"c": Decimal(1), "a": Decimal(1), "b": Decimal(1)})
    assert thirds == {"a": Decimal("33.34"), "b": Decimal("33.33"), "c": Decimal("33.33")}
    fine = split(Decimal("0.000000001"), {"b": Decimal(1), "a": Decimal(1)})
    assert fine == {"a": Decimal("0.000000001"), "b": Decimal(0)}


@pytest.mark.parametrize(
    ("whole", "weights"),
    [("1", {}), ("1", {"a": Decimal(0)}), ("1", {"a": Decimal(-1)}), ("1e-10", {"a": Decimal(1)})],
)
def test_what_cannot_be_split_is_refused(whole: str, weights: dict[str, Decimal]) -> None:
    with pytest.raises(ValueError, match=r"."):
        split(Decimal(whole), weights)


def test_a_share_is_for_reading() -> None:
    assert share_percent(Decimal(1), Decimal(3)) == Decimal("33.333333")
    assert share_percent(Decimal(0), Decimal(0)) == 0
