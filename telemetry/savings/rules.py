"""The levers, in words, and what makes a day's cost unusual. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median

LEAST_CALLS = 30
"""Calls of a version before its mean says anything."""
LOOK_BACK = 28
LEAST_DAYS = 8
IDLE_TIMES = 5
"""Held at least this many times what was billed: the longest answer allowed is far too long."""


class Lever(StrEnum):
    """One way to spend less, by its name in addresses."""

    CHEAPER = "cheaper"
    REPEATED = "repeated"
    UNUSED = "unused"
    LONGER = "longer"
    IDLE = "idle"


@dataclass(frozen=True)
class LeverWords:
    """`saves`: whether its amount would have been saved, or was only kept from other calls."""

    title: str
    meaning: str
    advice: str
    saves: bool = True


WORDS: dict[Lever, LeverWords] = {
    Lever.CHEAPER: LeverWords(
        "A cheaper model that passed the same evaluation",
        "The month's tokens of a version at the prices of another callable deployment, where the "
        "newest run over the very same cases passed at least as many there, without an error.",
        "Look at both runs, compare whole months in what-if, then propose a release on it.",
    ),
    Lever.REPEATED: LeverWords(
        "The same question again",
        "Calls whose request was to the letter one that the same version had on the same model "
        "this month already: all but the first.",
        "Propose a release with the exact cache, where the answer may be given twice.",
    ),
    Lever.UNUSED: LeverWords(
        "Paid for and not used",
        "Calls that a provider billed and whose answer nobody got: failed, blocked, rejected or "
        "expired.",
        "Look at why they fail; a limit on repairs or an earlier screen costs less.",
    ),
    Lever.LONGER: LeverWords(
        "A longer prompt than before",
        f"Input tokens a call of the newest version above the shortest earlier one (both with at "
        f"least {LEAST_CALLS} calls), at the price of input.",
        "Compare the two versions; keep the longer one only where it scores better.",
    ),
    Lever.IDLE: LeverWords(
        "Budget held for nothing",
        f"Held before calls and given back after: at least {IDLE_TIMES} times what was billed. "
        "The amount is an average a call. It saves no money; it frees budget for other calls.",
        "Propose a release with a lower maximum of output tokens.",
        saves=False,
    ),
}


@dataclass(frozen=True)
class Unusual:
    """A day that cost far more than such days do; `usual` is their median."""

    key: Hashable
    day: date
    cost: Decimal
    usual: Decimal
    days: int

    @property
    def excess(self) -> Decimal:
        return self.cost - self.usual


def unusual_days(
    daily: Mapping[Hashable, Mapping[date, Decimal]],
    first: date,
    last: date,
    floor: Decimal,
) -> list[Unusual]:
    """Days from `first` to `last` whose cost stands out, dearest excess first.

    A day is compared with the working days (or weekend days) of the 28 days before it: at least
    8 days back to the first cost. It stands out where it is above their median by more than
    five times their scaled median absolute deviation, by half the median, and by `floor`.
    """
    found = [
        one for key, costs in daily.items() for one in _of_series(key, costs, first, last, floor)
    ]
    return sorted(found, key=lambda one: (-one.excess, one.day, str(one.key)))


def _of_series(
    key: Hashable, costs: Mapping[date, Decimal], first: date, last: date, floor: Decimal
) -> list[Unusual]:
    known = [day for day, cost in costs.items() if cost]
    if not known:
        return []
    began = min(known)
    found = []
    for day in sorted(day for day in known if first <= day <= last):
        before = _like(day, began, costs)
        if len(before) < LEAST_DAYS:
            continue
        usual = median(before)
        spread = Decimal("1.4826") * median([abs(cost - usual) for cost in before])
        if costs[day] - usual > max(5 * spread, usual / 2, floor):
            found.append(Unusual(key, day, costs[day], usual, len(before)))
    return found


def _like(day: date, began: date, costs: Mapping[date, Decimal]) -> list[Decimal]:
    """Costs of days like this one before it; a day without calls cost nothing."""
    back = [day - timedelta(days=n) for n in range(1, LOOK_BACK + 1)]
    same = [one for one in back if one >= began and (one.weekday() >= 5) == (day.weekday() >= 5)]
    return [costs.get(one, Decimal(0)) for one in same]


@dataclass(frozen=True)
class VersionUse:
    """How a version of one prompt was used on one deployment: mean input tokens a call."""

    version: int
    label: str
    calls: int
    mean_input: Decimal


@dataclass(frozen=True)
class Longer:
    """The newest version asks with more tokens than the shortest earlier one."""

    newest: VersionUse
    earlier: VersionUse

    @property
    def tokens(self) -> Decimal:
        return (self.newest.mean_input - self.earlier.mean_input) * self.newest.calls


def longer_than_before(uses: Sequence[VersionUse]) -> Longer | None:
    """None where there is nothing to compare, or the newest is the shortest."""
    enough = [one for one in uses if one.calls >= LEAST_CALLS]
    if not enough:
        return None
    newest = max(enough, key=lambda one: one.version)
    earlier = [one for one in enough if one.version < newest.version]
    if not earlier:
        return None
    shortest = min(earlier, key=lambda one: (one.mean_input, one.version))
    return Longer(newest, shortest) if newest.mean_input > shortest.mean_input else None
