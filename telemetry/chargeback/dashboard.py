"""What the chargeback page shows, from the daily rollup: work does not grow with the calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Sum, Value

from governance.access.models import User
from governance.kernel.authority import Permission
from telemetry.chargeback.explanation import Explanation, Usage, explain
from telemetry.chargeback.forecast import Outlook
from telemetry.chargeback.forecasting import BOOKED_ONCE, kept_of_month, simple
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.rules import month_of, next_month, previous_month
from telemetry.ledger.models import ZERO, Call, DayOutcome
from telemetry.ledger.rules import CallSource, CallState, Outcome

DIMENSIONS = ("team", "use_case", "deployment")
# No outcome: calls that were held and that a person let go.
RELEASED = "released"
ONCE = "once"
DIMENSION_WORDS = {"team": "team", "use_case": "use case", "deployment": "model"}


@dataclass(frozen=True)
class View:
    """What the URL asks for: one month, narrowed to a team and use case, split by a dimension."""

    month: date
    team: str = ""
    use_case: str = ""
    by: str = "team"

    @classmethod
    def from_query(cls, query: Mapping[str, str], today: date) -> View:
        """What does not parse narrows nothing; the split is the next level down."""
        try:
            month = date.fromisoformat(f"{query.get('month', '')}-01")
        except ValueError:
            month = month_of(today)
        team, use_case = query.get("team", ""), query.get("use_case", "")
        default = "deployment" if use_case else "use_case" if team else "team"
        by = query.get("by", "")
        return cls(month, team, use_case, by if by in DIMENSIONS else default)

    def query(self, **changes: Any) -> str:
        """The query string of this view with changes."""
        other = replace(self, **changes)
        parts = {
            "month": f"{other.month:%Y-%m}",
            "team": other.team,
            "use_case": other.use_case,
            "by": other.by if "by" in changes else "",
        }
        return "&".join(f"{name}={value}" for name, value in parts.items() if value)


@dataclass(frozen=True)
class Row:
    """One rollup row, or several added up."""

    day: date
    period: date
    team: str
    team_name: str
    use_case: str
    use_case_title: str
    deployment: str
    deployment_name: str
    source: str
    calls: int
    tokens_input: int
    tokens_output: int
    cost: Decimal

    def key(self, dimension: str) -> str:
        value: str = getattr(self, dimension)
        return value

    def label(self, dimension: str) -> str:
        value: str = getattr(self, _NAMES[dimension])
        return value


_FIELDS = {
    "team": "team__slug",
    "team_name": "team__name",
    "use_case": "use_case__slug",
    "use_case_title": "use_case__title",
    "deployment": "deployment__slug",
    "deployment_name": "deployment__name",
}


def usage_rows(user: User, view: View, months: Sequence[date]) -> list[Row]:
    """The rollup of these booking months in the person's reach, by day and everything; one query."""
    usage = _narrowed(DailyUsage.objects.filter(period__in=months), user, view)
    names = list(_FIELDS.values())
    found = usage.order_by("day", *names).values("day", "period", "source", *names, *_NUMBERS)
    return [_row(values) for values in found]


def compared_rows(user: User, view: View, today: date) -> list[Row]:
    """The month and the one before, with their days added up; one query.

    Days after today's number make a row of their own, because a running month is compared with as
    many days of the one before. `day` is the last of those that were added.
    """
    usage = _two_months(user, view).annotate(is_later=Q(day__day__gt=today.day))
    by = ["period", "source", *_FIELDS.values()]
    summed = usage.order_by(*by).values("is_later", *by).annotate(last=Max("day"), **_SUMS)
    return [_summed(values, day=values.pop("last")) for values in summed]


def daily_rows(user: User, view: View) -> list[Row]:
    """The month and the one before by day and what the view is split by; one query.

    `source` says what was booked ONCE, and nothing else.
    """
    by = ["day", "period", _FIELDS[view.by], _FIELDS[_NAMES[view.by]]]
    usage = _two_months(user, view).annotate(is_once=BOOKED_ONCE)
    summed = usage.order_by(*by).values("is_once", *by).annotate(**_SUMS)
    rows = []
    for values in summed:
        unsaid = dict.fromkeys(_FIELDS.values(), "")
        source = ONCE if values.pop("is_once") else ""
        rows.append(_summed(unsaid | values | {"source": source}, day=values["day"]))
    return rows


def _two_months(user: User, view: View) -> QuerySet[DailyUsage]:
    months = [previous_month(view.month), view.month]
    return _narrowed(DailyUsage.objects.filter(period__in=months), user, view)


_NUMBERS = ("calls", "tokens_input", "tokens_output", "cost")
_SUMS = {f"sum_{name}": Sum(name) for name in _NUMBERS}
_NAMES = {"team": "team_name", "use_case": "use_case_title", "deployment": "deployment_name"}


def _summed(values: dict[str, Any], *, day: date) -> Row:
    numbers = {name: values.pop(f"sum_{name}") for name in _NUMBERS}
    values.pop("is_later", None)
    return _row(values | numbers | {"day": day})


_NAMELESS = {
    "use_case": "",
    "use_case_title": "No use case",
    "deployment": "",
    "deployment_name": "No model",
}


def _row(values: dict[str, Any]) -> Row:
    named: dict[str, Any] = {
        name: values.pop(field) or _NAMELESS.get(name, "") for name, field in _FIELDS.items()
    }
    return Row(**named, **values)


@dataclass(frozen=True)
class Group:
    """A line of the table: one team, use case or model of the month."""

    key: str
    label: str
    calls: int
    tokens_input: int
    tokens_output: int
    cost: Decimal
    replayed: Decimal
    before: Decimal

    @property
    def per_call(self) -> Decimal | None:
        return self.cost / self.calls if self.calls else None


def groups(rows: Sequence[Row], view: View) -> list[Group]:
    """The month's rows by the view's dimension, dearest first, with the month before beside."""
    now = [row for row in rows if row.period == view.month]
    before: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        if row.period != view.month:
            before[row.key(view.by)] += row.cost
    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in now:
        by_key[row.key(view.by)].append(row)
    made = [_group(key, found, view.by, before[key]) for key, found in by_key.items()]
    return sorted(made, key=lambda group: (-group.cost, group.label))


def _group(key: str, rows: Sequence[Row], dimension: str, before: Decimal) -> Group:
    return Group(
        key=key,
        label=rows[0].label(dimension),
        calls=sum(row.calls for row in rows),
        tokens_input=sum(row.tokens_input for row in rows),
        tokens_output=sum(row.tokens_output for row in rows),
        cost=_cost(rows),
        replayed=_cost(row for row in rows if row.source == CallSource.REPLAYED),
        before=before,
    )


def _cost(rows: Any) -> Decimal:
    return sum((row.cost for row in rows), ZERO)


@dataclass(frozen=True)
class Headline:
    """The figures on top. `before_days`: how much of the month before is compared."""

    month: date
    cost: Decimal
    calls: int
    replayed: Decimal
    before: Decimal
    compared: str
    explanation: Explanation
    forecast: Outlook | None
    accepted: int
    settled: int

    @property
    def per_call(self) -> Decimal | None:
        return self.cost / self.calls if self.calls else None

    @property
    def per_accepted(self) -> Decimal | None:
        return self.cost / self.accepted if self.accepted else None


def headline(
    rows: Sequence[Row],
    daily: Sequence[Row],
    view: View,
    tally: Tally,
    today: date,
    user: User,
) -> Headline:
    """This month so far against the same days of the month before (a past month: against all)."""
    now = [row for row in rows if row.period == view.month]
    is_running = view.month == month_of(today)
    before = [row for row in rows if row.period == previous_month(view.month)]
    if is_running:
        before = [row for row in before if row.day.day <= today.day]
    compared = f"{previous_month(view.month):%B}"
    return Headline(
        month=view.month,
        cost=_cost(now),
        calls=sum(row.calls for row in now),
        replayed=_cost(row for row in now if row.source == CallSource.REPLAYED),
        before=_cost(before),
        compared=f"1 to {today.day} {compared}" if is_running else compared,
        explanation=explain(_items(before), _items(now)),
        forecast=_forecast(daily, _cost(now), view, today, user) if is_running else None,
        accepted=tally.accepted,
        settled=tally.settled,
    )


def _items(rows: Sequence[Row]) -> dict[Hashable, Usage]:
    calls: dict[Hashable, int] = defaultdict(int)
    cost: dict[Hashable, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        key = (row.team, row.use_case, row.deployment)
        calls[key] += row.calls
        cost[key] += row.cost
    return {key: Usage(calls[key], cost[key]) for key in calls}


def _forecast(
    rows: Sequence[Row], booked: Decimal, view: View, today: date, user: User
) -> Outlook | None:
    kept = kept_of_month(user, view.month, team=view.team, use_case=view.use_case, booked=booked)
    if kept is not None:
        return kept
    daily: dict[date, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        if row.source != ONCE:
            daily[row.day] += row.cost
    return simple(daily, booked, today, next_month(view.month))


@dataclass(frozen=True)
class Tally:
    """Calls admitted in the month that are settled, and those whose output left as written."""

    settled: int
    accepted: int


def tally(user: User, view: View) -> Tally:
    """From the daily counts of sealed calls, the few that no seal covers yet, and the held ones
    that a person released (an index of their own): never from all calls of the month."""
    first, end = view.month, next_month(view.month)
    sealed = _narrowed(DayOutcome.objects.filter(day__gte=first, day__lt=end), user, view)
    admitted = {"admitted_at__gte": _midnight(first), "admitted_at__lt": _midnight(end)}
    unsealed = _narrowed(Call.objects.unsealed().filter(**admitted), user, view)
    held = Call.objects.exclude(hold_reason="").filter(state=CallState.RELEASED, **admitted)
    counts = _counted(sealed, F("outcome"), Sum("calls")).union(
        _counted(unsealed, F("outcome"), Count("pk")),
        _counted(_narrowed(held, user, view), Value(RELEASED), Count("pk")),
        all=True,
    )
    sums: dict[str, int] = defaultdict(int)
    for word, count in counts:
        sums[word] += count
    released = sums.pop(RELEASED, 0)
    return Tally(sum(sums.values()), sums[Outcome.DELIVER] + released)


def _counted(rows: QuerySet[Any], word: Any, count: Any) -> QuerySet[Any, Any]:
    words = rows.order_by().annotate(word=word).values_list("word")
    counted: QuerySet[Any, Any] = words.annotate(count)
    return counted


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _narrowed(rows: QuerySet[Any], user: User, view: View) -> QuerySet[Any]:
    """Within the person's reach and what the view asks for."""
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    if not reach.everywhere:
        rows = rows.filter(team_id__in=reach.team_ids)
    if view.team:
        rows = rows.filter(team__slug=view.team)
    return rows.filter(use_case__slug=view.use_case) if view.use_case else rows


def booked_in_month(now: datetime) -> QuerySet[DailyUsage]:
    """The daily rows of this month."""
    return DailyUsage.objects.filter(period=month_of(now.date())).order_by()


def monthly_costs(use_case_ids: list[int], now: datetime) -> dict[int, Decimal]:
    """Booked this month per use case, one query."""
    usage = booked_in_month(now).filter(use_case_id__in=use_case_ids)
    summed = usage.values_list("use_case_id").annotate(Sum("cost"))
    return {pk: cost for pk, cost in summed if pk is not None}


def days(
    rows: Sequence[Row], dimension: str
) -> list[tuple[date, list[tuple[str, Decimal]], Decimal]]:
    """The chart's numbers: per day each series and the sum, the newest day first."""
    by_day: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for row in rows:
        by_day[max(row.day, row.period)][row.label(dimension)] += row.cost
    return [
        (day, sorted(series.items()), sum(series.values(), ZERO))
        for day, series in sorted(by_day.items(), reverse=True)
    ]


def names(rows: Sequence[Row], view: View) -> dict[str, str]:
    """What the narrowed team and use case are called, for the breadcrumbs."""
    found = {"team": view.team, "use_case": view.use_case}
    for row in rows:
        if row.team == view.team:
            found["team"] = row.team_name
        if row.use_case == view.use_case and view.use_case:
            found["use_case"] = row.use_case_title
            found["team_slug"], found["team_name"] = row.team, row.team_name
    return found
