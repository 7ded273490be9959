"""Why a month cost more or less than another: volume, price and mix, adding up exactly. Pure.

With calls q and cost c per item (a use case on a model), before (0) and now (1), Q and C their
sums and p = c / q the cost of one call:

    volume  (Q1 - Q0) · C0 / Q0             more or fewer calls, at the old average
    mix     Σ q1 · p0  -  C0 · Q1 / Q0      other use cases and models than before
    price   C1 - Σ q1 · p0                  the same item costs more or less per call

Their sum is C1 - C0 by algebra. An item that is new has no old cost per call; it is taken at
its new one, so that it counts as mix and never as price. Computed in fractions; the displayed
parts are rounded by largest remainder, so they add up to the displayed change too.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

PLACES = 9


@dataclass(frozen=True)
class Usage:
    """Calls and cost of one item in one month."""

    calls: int
    cost: Decimal


@dataclass(frozen=True)
class Explanation:
    """`volume + price + mix == change`, exactly, each with nine places."""

    change: Decimal
    volume: Decimal
    price: Decimal
    mix: Decimal


def explain(before: Mapping[Hashable, Usage], now: Mapping[Hashable, Usage]) -> Explanation:
    """The change from `before` to `now`, in three parts."""
    calls_before, cost_before = _sums(before)
    calls_now, cost_now = _sums(now)
    change = cost_now - cost_before
    if calls_before == 0 or calls_now == 0:
        return Explanation(_decimal(change), _decimal(change), Decimal(0), Decimal(0))
    at_old_prices = sum((_at_old_price(key, one, before) for key, one in now.items()), Fraction(0))
    grown = cost_before * calls_now / calls_before
    parts = [grown - cost_before, cost_now - at_old_prices, at_old_prices - grown]
    volume, price, mix = round_to_total(parts, _decimal(change))
    return Explanation(_decimal(change), volume, price, mix)


def _sums(items: Mapping[Hashable, Usage]) -> tuple[int, Fraction]:
    calls = sum(one.calls for one in items.values())
    return calls, sum((Fraction(one.cost) for one in items.values()), Fraction(0))


def _at_old_price(key: Hashable, one: Usage, before: Mapping[Hashable, Usage]) -> Fraction:
    old = before.get(key)
    if old is None or old.calls == 0 or one.calls == 0:
        return Fraction(one.cost)
    return Fraction(old.cost) * one.calls / old.calls


def _decimal(value: Fraction) -> Decimal:
    """A fraction that is a whole number of units of the ninth place, as a Decimal."""
    return Decimal(round(value * 10**PLACES)).scaleb(-PLACES)


def round_to_total(parts: Sequence[Fraction], total: Decimal) -> list[Decimal]:
    """The parts with nine places, by largest remainder: they add up to `total`."""
    units = [part * 10**PLACES for part in parts]
    floors = [unit.numerator // unit.denominator for unit in units]
    missing = int(total.scaleb(PLACES)) - sum(floors)
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - units[i], i))
    for index in by_remainder[:missing]:
        floors[index] += 1
    return [Decimal(floor).scaleb(-PLACES) for floor in floors]
