"""Splitting a whole so that its parts add up to it, and what a booking goes through. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from governance.kernel.transitions import Edge, TransitionTable

LEDGER_PLACES = 9
CENT_PLACES = 2


class Method(StrEnum):
    """What a pool is split by."""

    COST = "cost"
    CALLS = "calls"
    TOKENS = "tokens"
    EQUAL = "equal"
    FIXED = "fixed"
    MEASURE = "measure"


METHOD_WORDS = {
    Method.COST: "by what the teams' calls cost",
    Method.CALLS: "by the teams' calls",
    Method.TOKENS: "by the teams' tokens",
    Method.EQUAL: "equally among the teams",
    Method.FIXED: "by fixed shares",
    Method.MEASURE: "by an entered measure",
}
# Methods whose figures come from the month's ledger.
BY_USAGE = (Method.COST, Method.CALLS, Method.TOKENS)
# Methods for which figures by team are entered; for EQUAL they may be, as a list of teams.
ENTERED = (Method.FIXED, Method.MEASURE)


class RunState(StrEnum):
    BOOKED = "booked"
    REVERSED = "reversed"


RUN_STATES = TransitionTable(
    "AllocationRun.state",
    RunState.BOOKED,
    (Edge("booked", "reverse", "reversed", "finance", "no team's month is closed yet"),),
)


def places_of(whole: Decimal) -> int:
    """A whole of cents is split into cents, what is finer as finely as the ledger counts."""
    is_cents = whole == whole.quantize(Decimal(1).scaleb(-CENT_PLACES))
    return CENT_PLACES if is_cents else LEDGER_PLACES


def split(whole: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Parts by the weights that add up to exactly the whole, by the largest remainder.

    Each part is its exact share rounded down to a unit (`places_of`) or one unit more; the units
    that are left go to the largest remainders, and among equal ones to the first key in
    alphabetical order. Raises ValueError without a weight above 0, or with one below.
    """
    if any(weight < 0 for weight in weights.values()):
        raise ValueError("A weight is below 0.")
    total = sum((Fraction(weight) for weight in weights.values()), Fraction(0))
    if not total:
        raise ValueError("No weight is above 0.")
    places = places_of(whole)
    units = abs(int(whole.scaleb(places)))
    if Decimal(units).scaleb(-places) != abs(whole):
        raise ValueError("The whole is finer than the ledger counts.")
    exact = {key: units * Fraction(weight) / total for key, weight in weights.items()}
    parts = {key: share.numerator // share.denominator for key, share in exact.items()}
    by_remainder = sorted(exact, key=lambda key: (parts[key] - exact[key], key))
    for key in by_remainder[: units - sum(parts.values())]:
        parts[key] += 1
    sign = -1 if whole < 0 else 1
    return {key: Decimal(sign * part).scaleb(-places) for key, part in parts.items()}


def share_percent(weight: Decimal, total: Decimal) -> Decimal:
    """The share in percent to six decimals, for reading; parts come from `split`."""
    if not total:
        return Decimal(0)
    return (weight * 100 / total).quantize(Decimal("0.000001"))
