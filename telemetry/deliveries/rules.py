"""When a document is due, for which month, and how a delivery goes on. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from governance.kernel.transitions import Edge, TransitionTable


class Occasion(StrEnum):
    CLOSE = "close"
    MONTHLY = "monthly"
    WEEKLY = "weekly"


OCCASION_WORDS = {
    Occasion.CLOSE: "When the month is closed",
    Occasion.MONTHLY: "Every month, on a day",
    Occasion.WEEKLY: "Every week, on a day",
}
FORMAT_WORDS = {"csv": "CSV", "xlsx": "XLSX", "focus": "FOCUS 1.2", "pdf": "PDF"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LAST_DAY_OF_MONTH = 28
"""Every month has a 28th."""
AT = time(6)
ATTACHED_UP_TO = 5_000_000
"""Bytes; larger files are not attached to a mail, which then carries the link alone."""
KEPT_FOR = timedelta(days=90)


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


DELIVERY_STATES = TransitionTable(
    "DocumentDelivery.state",
    DeliveryState.WAITING,
    (
        Edge("waiting", "send", "sent", "a worker", "the mail server or the webhook took it"),
        Edge("waiting", "give_up", "failed", "a worker", "every try failed, or nobody may see it"),
        Edge("sent", "send_again", "waiting", "its owner, or finance"),
        Edge("failed", "send_again", "waiting", "its owner, or finance"),
    ),
)


def next_at(occasion: str, day: int | None, zone: str, now: datetime) -> datetime | None:
    """Six o'clock in the zone on the next such day, in UTC; None for what waits for a closing.

    `day` is of the month (1 to 28), or of the week (1 is Monday).
    """
    if occasion == Occasion.CLOSE or day is None:
        return None
    place = ZoneInfo(zone)
    on = now.astimezone(place).date()
    while not (_is_day(occasion, day, on) and _at(on, place) > now):
        on += timedelta(days=1)
    return _at(on, place)


def month_on(occasion: str, zone: str, at: datetime) -> date:
    """Monthly: the month that ended last; weekly: the one of yesterday, so far."""
    today = at.astimezone(ZoneInfo(zone)).date()
    back = today.replace(day=1) if occasion == Occasion.MONTHLY else today
    return (back - timedelta(days=1)).replace(day=1)


def _is_day(occasion: str, day: int, on: date) -> bool:
    return day == (on.day if occasion == Occasion.MONTHLY else on.isoweekday())


def _at(on: date, place: ZoneInfo) -> datetime:
    return datetime.combine(on, AT, place).astimezone(UTC)
