"""States of a pack, how long it is kept, and the periods it is offered for. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable

KEPT = timedelta(days=30)
MOST_ATTEMPTS = 3
QUEUED_AGAIN_AFTER = timedelta(minutes=10)


class PackState(StrEnum):
    REQUESTED = "requested"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


PACK_STATES = TransitionTable(
    "AuditPack.state",
    PackState.REQUESTED,
    (
        Edge("requested", "build", "building", "the worker"),
        Edge("requested", "cancel", "cancelled", "compliance"),
        Edge("building", "build", "building", "the worker", "an earlier build was cut off"),
        Edge("building", "finish", "ready", "the worker"),
        Edge("building", "fail", "failed", "the worker or the housekeeping job", "with the reason"),
        Edge("building", "cancel", "cancelled", "compliance", "the worker stops at its next row"),
        Edge("ready", "expire", "expired", "the housekeeping job", f"after {KEPT.days} days"),
    ),
)

PRESETS = {
    "this-month": "This month",
    "last-month": "Last month",
    "this-quarter": "This quarter",
    "last-quarter": "Last quarter",
}


def preset_period(preset: str, today: date) -> tuple[date, date]:
    """First and last day of a period of PRESETS, which ends today at the latest."""
    length = 3 if preset.endswith("quarter") else 1
    first = today.replace(day=1, month=today.month - (today.month - 1) % length)
    if not preset.startswith("last"):
        return first, today
    last = first - timedelta(days=1)
    return last.replace(day=1, month=last.month - length + 1), last
