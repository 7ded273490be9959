"""What a hold and a statement go through, and the arithmetic of a limit. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
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


def crossed(thresholds: list[int], used: Decimal, limit: Decimal) -> list[int]:
    """Which soft thresholds (percent of the limit) are reached, lowest first."""
    return [mark for mark in sorted(thresholds) if used * 100 >= limit * mark]


def share(used: Decimal, limit: Decimal) -> int:
    """Whole percent of the limit, rounded down; a limit of nothing is full."""
    return int(used * 100 / limit) if limit else 100
