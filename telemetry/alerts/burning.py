"""Error budgets and how fast they burn. Pure.

Windows and factors are those of the SRE workbook (chapter 5, "Alerting on SLOs", multiwindow,
multi-burn-rate): at 14.4 times the allowed rate an hour takes 2 % of a budget of thirty days, at
6 times six hours take 5 %, at the allowed rate three days take 10 %. The short window, a twelfth
of the long one, lets an alert end soon after its cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from telemetry.alerts.rules import Severity


@dataclass(frozen=True)
class BurnRule:
    """An alert while both windows burn faster than `factor` times what the objective allows."""

    name: str
    factor: Decimal
    long: timedelta
    short: timedelta
    severity: Severity

    @property
    def words(self) -> str:
        return (
            f"{self.factor.normalize():f} × over {in_words(self.long)} and {in_words(self.short)}"
        )


BURN_RULES = (
    BurnRule("fast", Decimal("14.4"), timedelta(hours=1), timedelta(minutes=5), Severity.CRITICAL),
    BurnRule("steady", Decimal(6), timedelta(hours=6), timedelta(minutes=30), Severity.CRITICAL),
    BurnRule("slow", Decimal(1), timedelta(days=3), timedelta(hours=6), Severity.WARNING),
)
LONGEST_BURN = max(rule.long for rule in BURN_RULES)
WINDOWS = tuple(sorted({window for rule in BURN_RULES for window in (rule.long, rule.short)}))


@dataclass(frozen=True)
class Tally:
    """Events of one window, and those of them that were bad."""

    total: int = 0
    bad: int = 0


def in_words(window: timedelta) -> str:
    minutes = int(window.total_seconds()) // 60
    if minutes % 1440 == 0:
        return f"{minutes // 1440} days"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def allowed_share(objective: Decimal) -> Decimal:
    """What may be bad, as a share: 0.01 for an objective of 99 percent."""
    return (100 - objective) / 100


def burn_rate(tally: Tally, objective: Decimal) -> Decimal | None:
    """How many times faster than allowed; None without events."""
    if not tally.total:
        return None
    return Decimal(tally.bad) / tally.total / allowed_share(objective)


def budget_left(tally: Tally, objective: Decimal) -> Decimal | None:
    """The share of the error budget that is left: 1 is all of it, below 0 it is overdrawn."""
    rate = burn_rate(tally, objective)
    return None if rate is None else 1 - rate


def can_fire(rule: BurnRule, objective: Decimal) -> bool:
    """Whether it fires at least when everything is bad."""
    return rule.factor < 1 / allowed_share(objective)


def burning(
    tallies: Mapping[timedelta, Tally], objective: Decimal, minimum_events: int
) -> list[BurnRule]:
    """The rules that fire: too few events in the long window say nothing."""
    return [rule for rule in BURN_RULES if _fires(rule, tallies, objective, minimum_events)]


def _fires(
    rule: BurnRule, tallies: Mapping[timedelta, Tally], objective: Decimal, minimum_events: int
) -> bool:
    long, short = tallies[rule.long], tallies[rule.short]
    if long.total < minimum_events:
        return False
    rates = (burn_rate(long, objective), burn_rate(short, objective))
    return all(rate is not None and rate > rule.factor for rate in rates)


# What may be said of a level: percent, days, and the unit of its indicator.
LIMITS: dict[str, tuple[Decimal, Decimal]] = {
    "objective": (Decimal(50), Decimal("99.999")),
    "window_days": (Decimal(1), Decimal(90)),
    "minimum_events": (Decimal(1), Decimal(1_000_000)),
    "threshold": (Decimal(1), Decimal(10_000_000)),
}


def out_of_bounds(name: str, value: Decimal | int) -> str:
    """Why that value is refused; empty when it is fine."""
    low, high = LIMITS[name]
    return "" if low <= value <= high else f"From {low} to {high:,}."
