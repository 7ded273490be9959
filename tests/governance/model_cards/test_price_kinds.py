"""Kinds of token, tiers, discounts and rates: exact, covered by the ceiling, never free."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.model_cards.models import Deployment, ExchangeRate, Price
from governance.model_cards.pricing import (
    NINE_PLACES,
    PART_OF,
    PriceList,
    PriceUnknown,
    Rate,
    Usage,
    from_plain,
)
from governance.model_cards.selectors import RATE_DAYS, price_list, rate_on, with_rate
from telemetry.ledger.arithmetic import adds_up, cost_lines

TOKENS = st.integers(0, 2_000_000)
AMOUNTS = st.decimals(0, 10_000, places=9, allow_nan=False, allow_infinity=False)
PERCENT = st.decimals(0, 100, places=4, allow_nan=False, allow_infinity=False)
RATES = st.decimals("0.000001", 1_000, places=9, allow_nan=False, allow_infinity=False)
KINDS = ("input", "cached_input", "output", "reasoning")


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    sent, written = draw(TOKENS), draw(TOKENS)
    return Usage(
        sent,
        draw(st.integers(0, sent)),
        written,
        draw(st.integers(0, written)),
        draw(st.integers(0, 8)),
    )


@st.composite
def price_lists(draw: st.DrawFn) -> PriceList:
    prices = {"input": draw(AMOUNTS), "output": draw(AMOUNTS)}
    for kind in PART_OF:
        if draw(st.booleans()):
            prices[kind] = draw(AMOUNTS)
    rate = Rate(7, draw(RATES), "USD") if draw(st.booleans()) else None
    return PriceList("EUR", prices, draw(AMOUNTS), draw(AMOUNTS), draw(PERCENT), rate)


def exact(prices: PriceList, usage: Usage) -> Fraction:
    def price(kind: str) -> Fraction:
        return Fraction(prices.per_million.get(kind, prices.per_million[PART_OF.get(kind, kind)]))

    tokens = (
        price("input") * (usage.input - usage.cached_input)
        + price("cached_input") * usage.cached_input
        + price("output") * (usage.output - usage.reasoning)
        + price("reasoning") * usage.reasoning
    )
    pieces = Fraction(prices.per_image or 0) * usage.images + Fraction(prices.per_call)
    return (tokens / 1_000_000 + pieces) * (100 - Fraction(prices.discount)) / 100


@given(price_lists(), usages())
def test_every_kind_is_paid_once_and_the_sum_rounded_once(prices: PriceList, usage: Usage) -> None:
    assert abs(Fraction(prices.cost(usage)) - exact(prices, usage)) <= Fraction(NINE_PLACES) / 2


@given(price_lists(), usages())
def test_what_is_held_covers_what_is_booked(prices: PriceList, usage: Usage) -> None:
    ceiling = prices.ceiling(usage.input, usage.output, usage.images)
    assert prices.booked(prices.cost(usage)) <= prices.booked(ceiling)


@given(price_lists(), usages(), usages())
def test_a_smaller_answer_is_covered_too(prices: PriceList, asked: Usage, told: Usage) -> None:
    sent, written = min(asked.input, told.input), min(asked.output, told.output)
    less = Usage(
        sent,
        min(told.cached_input, sent),
        written,
        min(told.reasoning, written),
        asked.images,
    )
    assert prices.cost(less) <= prices.ceiling(asked.input, asked.output, asked.images)


@given(price_lists(), usages())
def test_a_conversion_is_exact_but_for_one_rounding(prices: PriceList, usage: Usage) -> None:
    cost = prices.cost(usage)
    told = Fraction(cost) * Fraction(prices.rate.value) if prices.rate else Fraction(cost)
    assert abs(Fraction(prices.booked(cost)) - told) <= Fraction(NINE_PLACES) / 2


@given(price_lists(), usages())
def test_the_lines_of_a_call_explain_its_cost(prices: PriceList, usage: Usage) -> None:
    lines = cost_lines(
        prices.as_plain(),
        tokens_input=usage.input,
        tokens_cached=usage.cached_input,
        tokens_output=usage.output,
        tokens_reasoning=usage.reasoning,
        images=usage.images,
    )
    cost = prices.cost(usage)
    assert adds_up(lines, cost) or (cost == 0 and not lines)


@given(price_lists())
def test_the_snapshot_reads_back(prices: PriceList) -> None:
    assert from_plain(prices.as_plain()) == prices


def test_an_image_without_a_price_is_not_free() -> None:
    prices = PriceList("USD", {"input": Decimal(1), "output": Decimal(1)})
    with pytest.raises(PriceUnknown, match="images"):
        prices.ceiling(1, 1, 1)
    assert prices.ceiling(1, 1) > 0


def test_reasoning_costs_as_output_where_it_has_no_price_of_its_own() -> None:
    prices = PriceList("USD", {"input": Decimal(0), "output": Decimal(4)})
    assert prices.cost(Usage(0, 0, 1_000_000, 400_000)) == 4
    own = PriceList("USD", {"input": Decimal(0), "output": Decimal(4), "reasoning": Decimal(9)})
    assert own.cost(Usage(0, 0, 1_000_000, 400_000)) == Decimal("6")
    assert own.ceiling(0, 1_000_000) == 9


def tier(amount: str, from_tokens: int = 0, kind: str = "input", currency: str = "USD") -> Price:
    return Price(
        kind=kind,
        amount=Decimal(amount),
        currency=currency,
        from_tokens=from_tokens,
        starts_on=date(2026, 1, 1),
    )


@pytest.mark.parametrize(
    ("volume", "amount"), [(0, "3"), (999, "3"), (1000, "2"), (4999, "2"), (5000, "1")]
)
def test_a_tier_begins_exactly_at_its_first_token(volume: int, amount: str) -> None:
    prices = [tier("1", 5000), tier("3"), tier("2", 1000), tier("9", kind="output")]
    found = price_list(Deployment(name="x"), prices, date(2026, 11, 1), volume=volume)
    assert found.per_million == {"input": Decimal(amount), "output": Decimal(9)}


def rate(day: date, value: str, pk: int, currency: str = "EUR") -> ExchangeRate:
    return ExchangeRate(
        pk=pk, currency=currency, to_currency="USD", day=day, rate=Decimal(value), source="x"
    )


def test_a_rate_holds_from_its_day_until_the_next_or_until_it_is_too_old() -> None:
    rates = [rate(date(2026, 11, 1), "1.1", 1), rate(date(2026, 11, 10), "1.2", 2)]
    rates.append(rate(date(2026, 11, 10), "1.25", 3))  # the correction
    assert rate_on(rates, "EUR", date(2026, 10, 31)) is None
    assert rate_on(rates, "EUR", date(2026, 11, 9)) == rates[0]
    assert rate_on(rates, "EUR", date(2026, 11, 10)) == rates[2]
    last = date.fromordinal(date(2026, 11, 10).toordinal() + RATE_DAYS - 1)
    assert rate_on(rates, "EUR", last) == rates[2]
    assert rate_on(rates, "EUR", date.fromordinal(last.toordinal() + 1)) is None
    assert rate_on(rates, "GBP", last) is None


def test_without_a_rate_nothing_is_priced() -> None:
    prices = PriceList("EUR", {"input": Decimal(1), "output": Decimal(1)})
    with pytest.raises(PriceUnknown, match="No exchange rate from EUR to USD"):
        with_rate(prices, [], date(2026, 11, 1))
    ours = PriceList("USD", prices.per_million)
    assert with_rate(ours, [], date(2026, 11, 1)) == ours
