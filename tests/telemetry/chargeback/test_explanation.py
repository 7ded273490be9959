"""Volume, price and mix add up to the change, whatever the months were."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from telemetry.chargeback.explanation import Usage, explain, round_to_total

amounts = st.integers(0, 10**13).map(lambda units: Decimal(units).scaleb(-9))
months = st.dictionaries(
    st.sampled_from("abcde"), st.builds(Usage, calls=st.integers(0, 10**6), cost=amounts)
)


@given(months, months)
def test_the_parts_add_up_exactly(before: dict[str, Usage], now: dict[str, Usage]) -> None:
    found = explain(before, now)
    change = sum((one.cost for one in now.values()), Decimal(0)) - sum(
        (one.cost for one in before.values()), Decimal(0)
    )
    assert found.change == change
    assert found.volume + found.price + found.mix == change


@given(months)
def test_nothing_changed_explains_nothing(month: dict[str, Usage]) -> None:
    found = explain(month, month)
    assert (found.volume, found.price, found.mix) == (0, 0, 0)


def test_more_calls_alone_are_volume() -> None:
    found = explain({"a": Usage(10, Decimal(5))}, {"a": Usage(20, Decimal(10))})
    assert (found.volume, found.price, found.mix) == (5, 0, 0)


def test_a_dearer_call_alone_is_price() -> None:
    found = explain({"a": Usage(10, Decimal(5))}, {"a": Usage(10, Decimal(8))})
    assert (found.volume, found.price, found.mix) == (0, 3, 0)


def test_a_shift_to_the_dearer_model_is_mix() -> None:
    before = {"cheap": Usage(10, Decimal(1)), "dear": Usage(10, Decimal(10))}
    now = {"cheap": Usage(0, Decimal(0)), "dear": Usage(20, Decimal(20))}
    found = explain(before, now)
    assert (found.volume, found.price, found.mix) == (0, 0, 9)


def test_a_new_item_is_mix_and_never_price() -> None:
    before = {"old": Usage(10, Decimal(10))}
    now = {"old": Usage(5, Decimal(5)), "new": Usage(5, Decimal(50))}
    found = explain(before, now)
    assert (found.volume, found.price, found.mix) == (0, 0, 45)


@given(st.lists(st.fractions(-10, 10), min_size=1, max_size=6))
def test_rounding_by_largest_remainder_keeps_the_total(parts: list[Fraction]) -> None:
    total = Decimal(round(sum(parts) * 10**9)).scaleb(-9)
    rounded = round_to_total(parts, total)
    if sum(parts) * 10**9 == round(sum(parts) * 10**9):
        assert sum(rounded) == total
        pairs = zip(parts, rounded, strict=True)
        assert all(abs(Fraction(b) - a) < Fraction(1, 10**9) for a, b in pairs)
