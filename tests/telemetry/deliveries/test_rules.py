"""When a document is due, in the zone of whoever set it up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.deliveries.rules import month_on, next_at

AMSTERDAM = "Europe/Amsterdam"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]  # year, month, day, hour


@pytest.mark.parametrize(
    ("occasion", "day", "zone", "now", "due"),
    [
        ("monthly", 3, "UTC", at(2026, 11, 18), at(2026, 12, 3, 6)),
        ("monthly", 18, "UTC", at(2026, 11, 18, 5), at(2026, 11, 18, 6)),
        # At six o'clock itself it is the next month's: it was due now.
        ("monthly", 18, "UTC", at(2026, 11, 18, 6), at(2026, 12, 18, 6)),
        # Summer time: six in Amsterdam is four in UTC, in winter five.
        ("monthly", 1, AMSTERDAM, at(2026, 6, 30, 23), at(2026, 7, 1, 4)),
        ("monthly", 1, AMSTERDAM, at(2026, 11, 18), at(2026, 12, 1, 5)),
        # In Auckland the first has begun while it is the day before in UTC.
        ("monthly", 1, "Pacific/Auckland", at(2026, 11, 18), at(2026, 11, 30, 17)),
        ("weekly", 1, "UTC", at(2026, 11, 18), at(2026, 11, 23, 6)),
        ("weekly", 3, "UTC", at(2026, 11, 18, 7), at(2026, 11, 25, 6)),
    ],
)
def test_the_next_time(occasion: str, day: int, zone: str, now: datetime, due: datetime) -> None:
    assert next_at(occasion, day, zone, now) == due


def test_what_waits_for_a_closing_has_no_day() -> None:
    assert next_at("close", None, "UTC", at(2026, 11, 18)) is None


@given(
    st.sampled_from(["monthly", "weekly"]),
    st.integers(1, 7),
    st.sampled_from(["UTC", AMSTERDAM, "Pacific/Auckland", "America/Los_Angeles"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
)
def test_it_is_always_later_at_six_on_that_day_and_none_is_left_out(
    occasion: str, day: int, zone: str, now: datetime
) -> None:
    due = next_at(occasion, day, zone, now)
    assert due is not None and due > now
    there = due.astimezone(ZoneInfo(zone))
    assert there.hour == 6
    assert (there.day if occasion == "monthly" else there.isoweekday()) == day
    assert due - now <= timedelta(days=31 if occasion == "monthly" else 7, hours=2)


def test_which_month_it_is() -> None:
    # The first of December in Auckland: November has ended there.
    assert month_on("monthly", "Pacific/Auckland", at(2026, 11, 30, 17)) == date(2026, 11, 1)
    assert month_on("monthly", "UTC", at(2026, 1, 15, 6)) == date(2025, 12, 1)
    assert month_on("weekly", "UTC", at(2026, 11, 23, 6)) == date(2026, 11, 1)
    assert month_on("weekly", "UTC", at(2026, 12, 1, 6)) == date(2026, 11, 1)
