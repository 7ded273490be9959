"""Facts about people, teams and keys that need no database. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import available_timezones

KEY_SCOPES = ("calls:create", "calls:read")
MOST_REQUESTS_PER_MINUTE = 10_000
MOST_TOKENS_PER_MINUTE = 100_000_000
ROTATION_OVERLAP = timedelta(hours=24)


@cache
def time_zones() -> tuple[str, ...]:
    """The zones a person can choose: UTC, and every place of the tz database."""
    places = (name for name in available_timezones() if "/" in name)
    return "UTC", *sorted(name for name in places if not name.startswith("Etc/"))


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """The moment after the last of that day in the zone: what holds until that day ends then."""
    return datetime.combine(day + timedelta(days=1), time(), zone)


def is_under(team_id: int, ancestor_id: int, parents: Mapping[int, int | None]) -> bool:
    """Whether the team is the ancestor itself or stands somewhere below it."""
    seen: set[int] = set()
    current: int | None = team_id
    while current is not None and current not in seen:
        if current == ancestor_id:
            return True
        seen.add(current)
        current = parents.get(current)
    return False


def rotated_expiry(
    created_at: datetime, expires_at: datetime | None, now: datetime
) -> datetime | None:
    """A rotated key's successor lives as long as the key was made for; no end stays no end."""
    return None if expires_at is None else now + (expires_at - created_at)
