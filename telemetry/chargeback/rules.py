"""What a hold and a statement go through, and the arithmetic of a limit. Pure."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable


class HoldState(StrEnum):
    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"
    SUSPENSE = "suspense"


class StatementState(StrEnum):
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


HOLD_STATES = TransitionTable(
    "Hold.state",
    HoldState.HELD,
    (
        Edge("held", "capture", "captured", "the gateway", "the provider billed the attempt"),
        Edge("held", "release", "released", "the gateway", "the attempt cost nothing"),
        Edge("held", "expire", "suspense", "the sweeper", "its call was lost with the hold"),
        Edge("suspense", "capture", "captured", "finance", "the provider did bill it"),
        Edge("suspense", "release", "released", "finance", "the provider billed nothing"),
        Edge("released", "capture", "captured", "the gateway", "a bill came after the release"),
    ),
)

STATEMENT_STATES = TransitionTable(
    "Statement.state",
    StatementState.OPEN,
    (
        Edge("open", "begin_closing", "closing", "finance", "its month has ended"),
        Edge("closing", "reopen", "open", "finance", "something is still to be booked"),
        Edge("closing", "close", "closed", "finance", "its total is sealed for good"),
        Edge("closed", "unseal", "open", "an emergency change", "its seal is kept as a version"),
    ),
)


class RunState(StrEnum):
    REQUESTED = "requested"
    RUNNING = "running"
    FINISHED = "finished"


RUN_STATES = TransitionTable(
    "ClosingRun.state",
    RunState.REQUESTED,
    (
        Edge("requested", "run", "running", "a worker"),
        Edge("running", "run", "running", "a worker", "an earlier one was cut off"),
        Edge("running", "finish", "finished", "a worker", "every team was tried"),
    ),
)


def month_of(day: date) -> date:
    """The first of the day's month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def previous_month(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


class BudgetPeriod(StrEnum):
    """Calendar periods; a quarter begins in January, April, July or October."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS = {BudgetPeriod.MONTH: 1, BudgetPeriod.QUARTER: 3, BudgetPeriod.YEAR: 12}


def period_start(period: str, day: date) -> date:
    """The first day of the period that the day is in."""
    months = _MONTHS[BudgetPeriod(period)]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def period_end(period: str, starts_on: date) -> date:
    """The first day after it."""
    months = starts_on.month - 1 + _MONTHS[BudgetPeriod(period)]
    return date(starts_on.year + months // 12, months % 12 + 1, 1)


def period_starts(day: date) -> dict[str, date]:
    """Of each period, the first day of the one that the day is in."""
    return {period.value: period_start(period, day) for period in BudgetPeriod}


def period_words(period: str, starts_on: date) -> str:
    if period == BudgetPeriod.YEAR:
        return f"{starts_on.year}"
    if period == BudgetPeriod.QUARTER:
        return f"quarter {(starts_on.month + 2) // 3} of {starts_on.year}"
    return f"{starts_on:%B %Y}"


def carried(limit: Decimal, unused: Decimal, percent: int) -> Decimal:
    """What goes over into the next period: the unused, up to that percentage of the limit."""
    most = (limit * percent / 100).quantize(Decimal("0.000000001"), ROUND_DOWN)
    return max(min(unused, most), Decimal(0))


def crossed(thresholds: list[int], used: Decimal, limit: Decimal) -> list[int]:
    """Which soft thresholds (percent of the limit) are reached, lowest first."""
    return [mark for mark in sorted(thresholds) if used * 100 >= limit * mark]


def share(used: Decimal, limit: Decimal) -> int:
    """Whole percent of the limit, rounded down; a limit of nothing is full."""
    return int(used * 100 / limit) if limit else 100
