"""What tokens cost: exact, additive, monotone, and never less than nothing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.model_cards.pricing import NINE_PLACES, PriceList, PriceUnknown, Usage

TOKENS = st.integers(0, 2_000_000)
AMOUNTS = st.decimals(0, 10_000, places=9, allow_nan=False, allow_infinity=False)
MILLS = st.decimals(0, 10_000, places=3, allow_nan=False, allow_infinity=False)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    sent = draw(TOKENS)
    return Usage(sent, draw(st.integers(0, sent)), draw(TOKENS))


@st.composite
def price_lists(draw: st.DrawFn, amounts: st.SearchStrategy[Decimal] = AMOUNTS) -> PriceList:
    per_million = {"input": draw(amounts), "output": draw(amounts)}
    if draw(st.booleans()):
        per_million["cached_input"] = draw(amounts)
    return PriceList("USD", per_million, draw(amounts))


def exact(prices: PriceList, usage: Usage) -> Fraction:
    amounts = prices.per_million
    cached = amounts.get("cached_input", amounts["input"])
    tokens = (
        Fraction(amounts["input"]) * (usage.input - usage.cached_input)
        + Fraction(cached) * usage.cached_input
        + Fraction(amounts["output"]) * usage.output
    )
    return tokens / 1_000_000 + Fraction(prices.per_call)


def both(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.input + other.input,
        one.cached_input + other.cached_input,
        one.output + other.output,
    )


@given(price_lists(), usages())
def test_the_cost_is_the_exact_sum_rounded_once(prices: PriceList, usage: Usage) -> None:
    cost = prices.cost(usage)
    assert isinstance(cost, Decimal) and cost.as_tuple().exponent == -9
    assert abs(Fraction(cost) - exact(prices, usage)) <= Fraction(NINE_PLACES) / 2


@given(price_lists(MILLS), usages(), usages())
def test_two_attempts_cost_what_one_of_both_sizes_does(
    prices: PriceList, one: Usage, other: Usage
) -> None:
    # Prices of a thousandth and more need no rounding, so the sum is equal to the last digit.
    together = prices.cost(both(one, other)) + prices.per_call.quantize(NINE_PLACES)
    assert prices.cost(one) + prices.cost(other) == together


@given(price_lists(), usages(), usages())
def test_rounding_moves_a_sum_by_no_more_than_its_parts(
    prices: PriceList, one: Usage, other: Usage
) -> None:
    together = prices.cost(both(one, other)) + prices.per_call
    assert abs(prices.cost(one) + prices.cost(other) - together) <= NINE_PLACES * 3 / 2


@given(price_lists(), usages(), usages())
def test_more_tokens_never_cost_less(prices: PriceList, one: Usage, more: Usage) -> None:
    assert prices.cost(both(one, more)) >= prices.cost(one) >= prices.cost(Usage())


@given(price_lists(), usages())
def test_cached_tokens_cost_less_exactly_when_their_price_does(
    prices: PriceList, usage: Usage
) -> None:
    fresh = prices.cost(Usage(usage.input, 0, usage.output))
    cached = prices.per_million.get("cached_input", prices.per_million["input"])
    if cached <= prices.per_million["input"]:
        assert prices.cost(usage) <= fresh
    else:
        assert prices.cost(usage) >= fresh


@given(price_lists(), usages(), TOKENS)
def test_more_cached_than_sent_counts_as_all_cached(
    prices: PriceList, usage: Usage, more: int
) -> None:
    reported = Usage(usage.input, usage.input + more, usage.output)
    assert prices.cost(reported) == prices.cost(Usage(usage.input, usage.input, usage.output))
    assert prices.cost(reported) >= 0


@given(price_lists(), usages())
def test_no_attempt_of_a_size_costs_more_than_its_ceiling(prices: PriceList, usage: Usage) -> None:
    assert prices.cost(usage) <= prices.ceiling(usage.input, usage.output)


def test_the_ceiling_holds_where_cached_tokens_are_dearer() -> None:
    prices = PriceList("USD", dict(zip(("input", "cached_input", "output"), map(Decimal, "152"))))
    assert prices.ceiling(1_000_000, 0) == prices.cost(Usage(1_000_000, 1_000_000)) == 5


def test_cached_tokens_without_a_price_are_as_dear_as_input() -> None:
    prices = PriceList("USD", {"input": Decimal(2), "output": Decimal(0)})
    assert prices.cost(Usage(1_000_000, 400_000)) == 2


@pytest.mark.parametrize("known", ["input", "output"])
def test_an_unknown_price_is_not_free(known: str) -> None:
    with pytest.raises(PriceUnknown):
        PriceList("USD", {known: Decimal(1)}).cost(Usage(1, 0, 1))


@given(price_lists())
def test_the_snapshot_reads_back_to_the_same_amounts(prices: PriceList) -> None:
    plain = prices.as_plain()
    read = {kind: Decimal(plain[kind]) for kind in prices.per_million}
    assert (read, plain["currency"]) == (prices.per_million, "USD")
    assert Decimal(plain["per_call"]) == prices.per_call
