"""Business minutes: when is something due that may take so long? Pure.

A calendar is opening hours per weekday in a time zone, less public holidays and own
closures. All results are aware datetimes in UTC; daylight-saving changes are counted by
real elapsed minutes, because that is what a person at the desk has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONGEST_SEARCH_DAYS = 3660


class NoOpeningHours(ValueError):
    """The calendar never opens within ten years, so nothing can be due."""


@dataclass(frozen=True)
class Calendar:
    """Opening hours. `hours` maps a weekday (0 is Monday) to (opens, closes) pairs in order."""

    zone: str
    hours: dict[int, tuple[tuple[time, time], ...]]
    closed_days: frozenset[date] = frozenset()

    def spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Open spans in UTC that end after `start` (aware), in order, the first cut at it."""
        zone = ZoneInfo(self.zone)
        start = start.astimezone(UTC)
        first = start.astimezone(zone).date() - timedelta(days=1)
        for offset in range(LONGEST_SEARCH_DAYS):
            day = first + timedelta(days=offset)
            if day in self.closed_days:
                continue
            for opens, closes in self.hours.get(day.weekday(), ()):
                begin = datetime.combine(day, opens, zone).astimezone(UTC)
                end = _end_of(day, closes, zone)
                if end > start and end > begin:
                    yield max(begin, start), end


def _end_of(day: date, closes: time, zone: ZoneInfo) -> datetime:
    """Closing time in UTC; midnight means the end of that day."""
    if closes == time(0):
        day += timedelta(days=1)
    return datetime.combine(day, closes, zone).astimezone(UTC)


def due_after(start: datetime, time: timedelta, calendar: Calendar) -> datetime:
    """When so much business time has passed since `start`, in UTC.

    No time at all is the next open moment. Raises NoOpeningHours for a calendar that never
    opens.
    """
    remaining = time
    for begin, end in calendar.spans(start):
        if begin + remaining <= end:
            return begin + remaining
        remaining -= end - begin
    raise NoOpeningHours("This calendar has no opening hours; set them before using it.")


def due_at(start: datetime, minutes: int, calendar: Calendar) -> datetime:
    """As `due_after`, in whole business minutes."""
    return due_after(start, timedelta(minutes=minutes), calendar)


def elapsed(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """Business time from `start` to `end` (none when end is not after start)."""
    total = timedelta()
    for begin, close in calendar.spans(start):
        if begin >= end:
            break
        total += min(close, end) - begin
    return total


def minutes_between(start: datetime, end: datetime, calendar: Calendar) -> int:
    """Whole business minutes from `start` to `end` (0 when end is not after start)."""
    return int(elapsed(start, end, calendar).total_seconds() // 60)


Pause = tuple[datetime, datetime]


def due_with_pauses(
    start: datetime, time: timedelta, pauses: Iterable[Pause], calendar: Calendar
) -> datetime:
    """When so much business time has passed since `start`, not counting the pauses.

    `pauses` are (from, until), ended, in order and apart. A pause that begins after the time is
    over changes nothing: what was late before the question stays late.
    """
    remaining = time
    for begins, ends in pauses:
        if begins > start:
            due = due_after(start, remaining, calendar)
            if due <= begins:
                return due
            remaining -= elapsed(start, begins, calendar)
        start = max(start, ends)
    return due_after(start, remaining, calendar)
