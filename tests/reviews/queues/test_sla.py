"""Business minutes over weekends, holidays, closing times and daylight-saving changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviews.queues.models import BusinessCalendar
from reviews.queues.sla import (
    Calendar,
    NoOpeningHours,
    due_after,
    due_at,
    due_with_pauses,
    elapsed,
    minutes_between,
)

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


# The first example reads the time zones, which takes its time on a busy machine.
@settings(suppress_health_check=[HealthCheck.too_slow])
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


ZONES = st.sampled_from(["UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe"])
STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))
ROUND_THE_CLOCK = {day: ((time(0), time(0)),) for day in range(7)}
SPLIT_DAYS = {day: ((time(8), time(12)), (time(13), time(0))) for day in (0, 2, 5, 6)}
HOURS = st.sampled_from([OFFICE, ROUND_THE_CLOCK, SPLIT_DAYS])
CLOSED = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=20)


def calendars() -> st.SearchStrategy[Calendar]:
    return st.builds(Calendar, ZONES, HOURS, CLOSED)


@given(STARTS, st.integers(0, 3000), st.integers(0, 3000), calendars())
def test_due_times_add_up(start: datetime, first: int, second: int, calendar: Calendar) -> None:
    there = due_at(start, first, calendar)
    assert minutes_between(start, due_at(there, second, calendar), calendar) == first + second
    assert due_at(there, second, calendar) >= due_at(start, first + second, calendar)
    if second:
        assert due_at(there, second, calendar) == due_at(start, first + second, calendar)


@given(STARTS, STARTS, st.integers(0, 3000), calendars())
def test_what_begins_later_is_never_due_earlier(
    one: datetime, other: datetime, minutes: int, calendar: Calendar
) -> None:
    early, late = sorted((one, other))
    assert due_at(early, minutes, calendar) <= due_at(late, minutes, calendar)
    assert due_at(early, minutes, calendar) <= due_at(early, minutes + 1, calendar)


@given(STARTS, st.integers(1, 3000), calendars())
def test_nothing_is_due_while_nobody_is_there(
    start: datetime, minutes: int, calendar: Calendar
) -> None:
    due = due_at(start, minutes, calendar)
    just_before = due - timedelta(microseconds=1)
    assert next(calendar.spans(just_before))[0] == just_before
    assert just_before.astimezone(ZoneInfo(calendar.zone)).date() not in calendar.closed_days


@given(STARTS, STARTS, STARTS, calendars())
def test_elapsed_minutes_split_anywhere(
    a: datetime, b: datetime, c: datetime, calendar: Calendar
) -> None:
    first, middle, last = sorted(one.replace(second=0, microsecond=0) for one in (a, b, c))
    parts = minutes_between(first, middle, calendar) + minutes_between(middle, last, calendar)
    assert parts == minutes_between(first, last, calendar)
    assert minutes_between(last, first, calendar) == 0


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        # The clock goes forward at 02:00 on 29 March: that day has 23 hours.
        ("2026-03-29T00:30+01:00", 120, "2026-03-29T03:30+02:00"),
        ("2026-03-29T00:00+01:00", 23 * 60, "2026-03-30T00:00+02:00"),
        # The clock goes back at 03:00 on 25 October: that day has 25.
        ("2026-10-25T02:30+02:00", 60, "2026-10-25T02:30+01:00"),
        ("2026-10-25T00:00+02:00", 25 * 60, "2026-10-26T00:00+01:00"),
    ],
)
def test_a_day_of_23_or_25_hours_is_counted_as_it_is(start: str, minutes: int, due: str) -> None:
    calendar = Calendar("Europe/Amsterdam", ROUND_THE_CLOCK)
    assert due_at(datetime.fromisoformat(start), minutes, calendar) == datetime.fromisoformat(due)


def test_an_opening_that_the_clock_jumps_over_is_shortened() -> None:
    night = Calendar("Europe/Amsterdam", {6: ((time(1), time(4)),)})
    begin = datetime.fromisoformat("2026-03-29T00:00+01:00")
    assert minutes_between(begin, begin + timedelta(days=1), night) == 120


def test_closing_time_is_due_and_the_next_minute_is_tomorrow() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    closing = datetime(2026, 11, 19, 17, tzinfo=zone)
    assert due_at(closing - timedelta(minutes=60), 60, AMSTERDAM) == closing
    assert due_at(closing, 0, AMSTERDAM) == datetime(2026, 11, 20, 9, tzinfo=zone)
    assert due_at(closing, 1, AMSTERDAM) == datetime(2026, 11, 20, 9, 1, tzinfo=zone)
    assert minutes_between(closing, closing + timedelta(hours=15), AMSTERDAM) == 0


def test_public_holidays_of_the_country_are_closed() -> None:
    calendar = BusinessCalendar(holiday_country="NL").as_calendar((2026, 2027))
    zone = ZoneInfo("Europe/Amsterdam")
    # Christmas 2026 is a Friday, Boxing Day a Saturday; then New Year's Day, a Friday.
    assert due_at(datetime(2026, 12, 24, 17, tzinfo=zone), 60, calendar) == datetime(
        2026, 12, 28, 9, 30, tzinfo=zone
    )
    assert due_at(datetime(2026, 12, 31, 17, 30, tzinfo=zone), 1, calendar) == datetime(
        2027, 1, 4, 9, 1, tzinfo=zone
    )


SPANS = st.timedeltas(timedelta(), timedelta(days=3))
PIECES = st.lists(st.tuples(SPANS, SPANS), max_size=4)


def pauses_from(
    start: datetime, pieces: list[tuple[timedelta, timedelta]]
) -> list[tuple[datetime, datetime]]:
    """Ended pauses in order and apart: after so long, for so long."""
    found = []
    for after, lasts in pieces:
        begins = start + after
        start = begins + lasts
        found.append((begins, start))
    return found


@given(STARTS, SPANS, SPANS, calendars())
def test_business_time_adds_up_to_the_microsecond(
    start: datetime, first: timedelta, second: timedelta, calendar: Calendar
) -> None:
    there = due_after(start, first, calendar)
    assert elapsed(start, there, calendar) == first
    if second:
        assert due_after(there, second, calendar) == due_after(start, first + second, calendar)


@given(STARTS, SPANS, PIECES, calendars())
def test_pauses_only_ever_postpone_and_are_not_counted(
    start: datetime,
    time: timedelta,
    pieces: list[tuple[timedelta, timedelta]],
    calendar: Calendar,
) -> None:
    pauses = pauses_from(start, pieces)
    due = due_with_pauses(start, time, pauses, calendar)
    assert due >= due_after(start, time, calendar)
    assert due_with_pauses(start, time, [], calendar) == due_after(start, time, calendar)
    stood = sum((elapsed(a, min(b, due), calendar) for a, b in pauses if a < due), timedelta())
    assert elapsed(start, due, calendar) - stood == time


@given(STARTS, SPANS, SPANS, SPANS, calendars())
def test_an_answer_moves_the_due_time_by_exactly_what_was_left(
    start: datetime, time: timedelta, before: timedelta, lasts: timedelta, calendar: Calendar
) -> None:
    asked, answered = start + before, start + before + lasts
    due = due_with_pauses(start, time, [(asked, answered)], calendar)
    promised = due_after(start, time, calendar)
    if promised <= asked:
        assert due == promised
    else:
        left = elapsed(asked, promised, calendar)
        assert elapsed(answered, due, calendar) == left
        assert due == due_after(answered, left, calendar)


@given(STARTS, SPANS, SPANS, PIECES, calendars())
def test_more_time_is_never_due_earlier_whatever_the_pauses(
    start: datetime,
    time: timedelta,
    more: timedelta,
    pieces: list[tuple[timedelta, timedelta]],
    calendar: Calendar,
) -> None:
    pauses = pauses_from(start, pieces)
    assert due_with_pauses(start, time, pauses, calendar) <= due_with_pauses(
        start, time + more, pauses, calendar
    )


@given(STARTS, SPANS, PIECES, calendars())
def test_to_close_more_days_is_never_due_earlier(
    start: datetime,
    time: timedelta,
    pieces: list[tuple[timedelta, timedelta]],
    calendar: Calendar,
) -> None:
    open_all_days = Calendar(calendar.zone, calendar.hours)
    bare = due_after(start, time, open_all_days)
    assert due_after(start, time, calendar) >= bare


def test_a_province_has_its_own_holidays() -> None:
    zone = ZoneInfo("Europe/Berlin")
    # 1 November is a holiday in Bavaria, not in Berlin; in 2027 it is a Monday.
    before = datetime(2027, 10, 29, 17, 30, tzinfo=zone)
    for subdivision, day in (("BY", 2), ("BE", 1)):
        calendar = BusinessCalendar(
            time_zone="Europe/Berlin", holiday_country="DE", holiday_subdivision=subdivision
        ).as_calendar((2027, 2028))
        assert due_at(before, 1, calendar) == datetime(2027, 11, day, 9, 1, tzinfo=zone)
