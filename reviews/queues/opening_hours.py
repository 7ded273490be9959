"""Opening hours as people write them: "09:00-12:30, 13:30-17:30". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPAN = re.compile(r"(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})")
_DAY_MINUTES = 24 * 60
LONGEST_NAME = 100


class NotOpeningHours(ValueError):
    """The text cannot be read; the message says how to write it."""


def parse_hours(text: str) -> list[list[str]]:
    """Spans of one day as [["09:00", "17:30"], …], in order; empty text is a closed day.

    A day may end at 24:00, which is kept as 00:00. Raises NotOpeningHours.
    """
    spans = [_span(part.strip()) for part in text.split(",") if part.strip()]
    for (_, closes), (opens, _) in zip(spans, spans[1:], strict=False):
        if opens < closes:
            raise NotOpeningHours("The hours of a day stand in order and do not overlap.")
    return [[_clock(opens), _clock(closes)] for opens, closes in spans]


def _span(text: str) -> tuple[int, int]:
    """(opens, closes) in minutes of the day."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise NotOpeningHours(f"“{text}” is no span of hours; write 09:00-17:30.")
    opens, closes = _minutes(found[1]), _minutes(found[2])
    closes = closes or _DAY_MINUTES
    if opens >= closes:
        raise NotOpeningHours(f"“{text}” ends before it begins.")
    return opens, closes


def _minutes(clock: str) -> int:
    hours, minutes = (int(part) for part in clock.split(":"))
    total = hours * 60 + minutes
    if minutes > 59 or total > _DAY_MINUTES:
        raise NotOpeningHours(f"“{clock}” is no time of day.")
    return total


def _clock(minutes: int) -> str:
    hours, rest = divmod(minutes % _DAY_MINUTES, 60)
    return f"{hours:02}:{rest:02}"


def hours_as_text(spans: Iterable[Sequence[str]]) -> str:
    """The inverse of parse_hours."""
    return ", ".join(f"{opens}-{closes}" for opens, closes in spans)


def parse_closures(text: str) -> dict[str, str]:
    """Days with names, one per line or separated by commas: "2026-12-24 Christmas Eve".

    Gives ISO date → name (maybe empty), in order of the days. Raises NotOpeningHours.
    """
    found: dict[str, str] = {}
    for part in re.split(r"[\n,]+", text):
        day, name = _closure(part.strip())
        if day:
            found[day] = name[:LONGEST_NAME]
    return dict(sorted(found.items()))


def _closure(text: str) -> tuple[str, str]:
    """(ISO date, name) of one line; two empty texts for an empty one."""
    day, _, name = text.partition(" ")
    if not day:
        return "", ""
    try:
        return date.fromisoformat(day).isoformat(), " ".join(name.split())
    except ValueError:
        raise NotOpeningHours(f"“{day}” is no date; write 2026-12-24.") from None


def closures_as_text(days: Iterable[str], names: Mapping[str, str]) -> str:
    """The inverse of parse_closures."""
    return "\n".join(f"{day} {names.get(day, '')}".strip() for day in days)


def check_week(hours: Mapping[str, Iterable[Sequence[str]]]) -> None:
    """Raise NotOpeningHours unless these are spans by weekday, as parse_hours gives them."""
    for weekday, spans in hours.items():
        if weekday not in {str(number) for number in range(7)}:
            raise NotOpeningHours("Weekdays are 0 (Monday) to 6 (Sunday).")
        try:
            again = parse_hours(hours_as_text(spans))
        except (TypeError, ValueError) as fault:
            if isinstance(fault, NotOpeningHours):
                raise
            raise NotOpeningHours("Hours are pairs such as 09:00 and 17:30.") from None
        if again != [list(one) for one in spans]:
            raise NotOpeningHours("Write hours as 09:00 and 17:30, with 00:00 for midnight.")


def as_times(spans: Iterable[Sequence[str]]) -> tuple[tuple[time, time], ...]:
    """Kept spans as times."""
    return tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in spans)
