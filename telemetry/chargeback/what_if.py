"""A month at other prices: the tokens that were booked, times what they would have cost.

Pure. The tokens are those of the rollup, so another model is taken to need as many; that it
counts, caches or writes differently is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from governance.model_cards.pricing import EXACT, NINE_PLACES, PriceList, PriceUnknown, Usage

ZERO = Decimal(0)
Key = tuple[str, str]


@dataclass(frozen=True)
class Used:
    """One row of the rollup: what a day of a use case took of a model, and what it was booked."""

    team: str
    use_case: str
    deployment: str
    day: date
    calls: int
    usage: Usage
    booked: Decimal


@dataclass
class Line:
    """A team's use case: as booked, and at the other prices, over the days that compare."""

    team: str
    use_case: str
    calls: int = 0
    tokens_input: int = 0
    tokens_output: int = 0
    booked: Decimal = ZERO
    would_be: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """Above 0 the other prices are dearer."""
        return self.would_be - self.booked


@dataclass(frozen=True)
class LeftOut:
    """What is not compared, and why, in words."""

    what: str
    why: str
    booked: Decimal


@dataclass(frozen=True)
class Outcome:
    lines: list[Line]
    left_out: list[LeftOut]

    @property
    def booked(self) -> Decimal:
        return sum((one.booked for one in self.lines), ZERO)

    @property
    def would_be(self) -> Decimal:
        return sum((one.would_be for one in self.lines), ZERO)

    @property
    def difference(self) -> Decimal:
        return self.would_be - self.booked


def what_if(rows: Iterable[Used], prices_of: Callable[[str, date], PriceList]) -> Outcome:
    """Price every row anew. `prices_of` takes the deployment and the day; may raise PriceUnknown.

    A row that has no price is left out of both sums, so that they compare like with like.
    """
    lines: dict[Key, Line] = {}
    missing: dict[Key, Decimal] = {}
    for row in rows:
        try:
            cost = cost_of(prices_of(row.deployment, row.day), row)
        except PriceUnknown as unknown:
            place = (row.deployment or "no model", str(unknown))
            missing[place] = missing.get(place, ZERO) + row.booked
            continue
        line = lines.setdefault((row.team, row.use_case), Line(row.team, row.use_case))
        line.calls += row.calls
        line.tokens_input += row.usage.input
        line.tokens_output += row.usage.output
        line.booked += row.booked
        line.would_be += cost
    left_out = [LeftOut(what, why, booked) for (what, why), booked in sorted(missing.items())]
    ordered = sorted(lines.values(), key=lambda one: (one.difference, one.team, one.use_case))
    return Outcome(ordered, left_out)


def cost_of(prices: PriceList, row: Used) -> Decimal:
    """All of the day's tokens at once, and the price per call for each, in the ledger's currency.

    Rounded once for the day; the ledger rounds each attempt, so the same prices come to within
    half of a billionth for each.
    """
    per_call = EXACT.multiply(prices.per_call, Decimal(max(row.calls - 1, 0)))
    if prices.discount:
        per_call = EXACT.multiply(per_call, (100 - prices.discount) / 100)
    return prices.booked(EXACT.quantize(prices.cost(row.usage) + per_call, NINE_PLACES))
