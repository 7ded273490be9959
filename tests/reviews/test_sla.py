"""Business minutes over weekends, closures and daylight-saving changes; claims are exclusive."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.queues.sla import Calendar, NoOpeningHours, due_at, minutes_between

OFFICE = {day: ((time(9), time(17)),) for day in range(5)}
AMSTERDAM = Calendar("Europe/Amsterdam", OFFICE)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("2026-11-20T10:00", 60, "2026-11-20T11:00"),
        ("2026-11-20T16:30", 60, "2026-11-23T09:30"),
        ("2026-11-21T12:00", 0, "2026-11-23T09:00"),
        ("2026-11-20T08:00", 480, "2026-11-20T17:00"),
        ("2026-03-27T16:00", 120, "2026-03-30T10:00"),
    ],
)
def test_worked_examples(start: str, minutes: int, due: str) -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    begin = datetime.fromisoformat(start).replace(tzinfo=zone)
    assert due_at(begin, minutes, AMSTERDAM) == datetime.fromisoformat(due).replace(tzinfo=zone)


def test_a_closed_day_does_not_count() -> None:
    closed = Calendar("UTC", OFFICE, frozenset({date(2026, 11, 23)}))
    assert due_at(datetime(2026, 11, 20, 16, 30, tzinfo=UTC), 60, closed) == datetime(
        2026, 11, 24, 9, 30, tzinfo=UTC
    )


def test_a_calendar_that_never_opens_says_so() -> None:
    with pytest.raises(NoOpeningHours):
        due_at(datetime(2026, 11, 20, tzinfo=UTC), 1, Calendar("UTC", {}))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC)),
    st.integers(0, 3000),
    st.sampled_from(["UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe"]),
)
def test_due_and_elapsed_agree_in_every_zone(start: datetime, minutes: int, zone: str) -> None:
    calendar = Calendar(zone, OFFICE)
    due = due_at(start, minutes, calendar)
    assert due >= start
    assert minutes_between(start, due, calendar) == minutes
    assert due_at(start, minutes + 1, calendar) > due - timedelta(seconds=1)
