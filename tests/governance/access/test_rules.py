"""Zones, ends of days, the tree of teams, lifetimes of rotated keys."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from governance.access.rules import end_of_day, is_under, rotated_expiry, time_zones

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)


def test_the_zones_are_places_and_utc() -> None:
    zones = time_zones()
    assert zones[0] == "UTC"
    assert {"Europe/Amsterdam", "America/New_York"} <= set(zones)
    assert all(ZoneInfo(zone) for zone in zones)


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        ("UTC", date(2026, 11, 18), "2026-11-19T00:00:00+00:00"),
        ("Europe/Amsterdam", date(2026, 11, 18), "2026-11-18T23:00:00+00:00"),
        # The day on which clocks go back has 25 hours.
        ("Europe/Amsterdam", date(2026, 10, 25), "2026-10-25T23:00:00+00:00"),
        ("America/New_York", date(2026, 12, 31), "2027-01-01T05:00:00+00:00"),
    ],
)
def test_a_day_ends_where_the_person_is(zone: str, day: date, ends: str) -> None:
    assert end_of_day(day, ZoneInfo(zone)).astimezone(UTC).isoformat() == ends


def test_a_team_is_under_itself_and_its_ancestors() -> None:
    parents = {1: None, 2: 1, 3: 2, 4: None}
    assert is_under(3, 1, parents)
    assert is_under(3, 3, parents)
    assert not is_under(1, 3, parents)
    assert not is_under(4, 1, parents)


def test_a_ring_in_the_data_ends_the_search() -> None:
    assert not is_under(1, 3, {1: 2, 2: 1})


def test_a_rotated_key_lives_as_long_as_the_first_was_made_for() -> None:
    made = NOW - timedelta(days=80)
    assert rotated_expiry(made, made + timedelta(days=90), NOW) == NOW + timedelta(days=90)
    assert rotated_expiry(made, None, NOW) is None
