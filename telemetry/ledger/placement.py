"""When replayed calls are said to have happened. Pure and deterministic; tokens stay untouched.

A public trace covers one hour of one day. `as_recorded` keeps its times. `shift_to_end` moves
them all by one span, so that the last call falls on a day. `spread` maps the trace's own
course over the working hours of business days: the trace is cut into as many equal stretches
of time as there are days, in order, and each stretch is stretched evenly over one day from
09:00 to 17:30 UTC. So the order of the calls is the trace's, and within a day the gaps between
calls keep their proportions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from governance.kernel.errors import Invalid
from telemetry.ledger.trace import TraceRow

OPENS = time(9, 0, tzinfo=UTC)
WORKDAY = timedelta(hours=8, minutes=30)
MICROSECOND = timedelta(microseconds=1)
SATURDAY = 5


@dataclass(frozen=True)
class Placement:
    """A way to date rows: `times` gives one moment per row, `description` says how."""

    description: str
    times: Callable[[Sequence[TraceRow]], list[datetime]]


def as_recorded() -> Placement:
    return Placement("times as recorded", lambda rows: [row.at for row in rows])


def shift_to_end(last_day: date) -> Placement:
    """All times moved by whole days, so that the trace's last call falls on `last_day`."""

    def times(rows: Sequence[TraceRow]) -> list[datetime]:
        days = last_day - rows[-1].at.date()
        return [row.at + days for row in rows]

    return Placement(f"times moved by whole days to end on {last_day}", times)


def spread(days: int, until: date) -> Placement:
    """Over `days` business days (Monday to Friday) of which the last is `until` or before it."""
    if not 1 <= days <= 2600:
        raise Invalid("Nothing was loaded: spread over 1 to 2600 business days.")
    dates = business_days(days, until)

    def times(rows: Sequence[TraceRow]) -> list[datetime]:
        return spread_times([row.at for row in rows], dates)

    return Placement(
        f"order and gaps of the trace spread over {days} business days until {dates[-1]}", times
    )


def business_days(count: int, until: date) -> list[date]:
    """The last `count` Mondays to Fridays up to and including `until`, earliest first."""
    found: list[date] = []
    day = until
    while len(found) < count:
        if day.weekday() < SATURDAY:
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]


def spread_times(recorded: Sequence[datetime], dates: Sequence[date]) -> list[datetime]:
    """One moment per recorded time (in rising order), in the working hours of `dates`.

    In whole microseconds throughout, so every machine gives the same moments.
    """
    begin = recorded[0]
    length = (recorded[-1] - begin) // MICROSECOND + 1
    workday = WORKDAY // MICROSECOND
    placed = []
    for moment in recorded:
        position = (moment - begin) // MICROSECOND * len(dates)
        day, within = divmod(position, length)
        opens = datetime.combine(dates[day], OPENS)
        placed.append(opens + within * workday // length * MICROSECOND)
    return placed
