"""A month's savings, unit costs and odd days, in the person's reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from governance.access.models import User
from governance.kernel.authority import Permission
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.rules import next_month
from telemetry.ledger.amounts import ZERO
from telemetry.savings.models import MonthFigures, Saving, UnitCost
from telemetry.savings.rules import LOOK_BACK, WORDS, Lever, LeverWords, Unusual, unusual_days

MOST_LINES = 200


def in_reach(rows: QuerySet[Any], user: User, team: str = "") -> QuerySet[Any]:
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    if not reach.everywhere:
        rows = rows.filter(team_id__in=reach.team_ids)
    return rows.filter(team__slug=team) if team else rows


@dataclass(frozen=True)
class LeverSum:
    """One lever of the month: its lines, dearest first, and their sum where it saves money."""

    lever: Lever
    words: LeverWords
    lines: list[Saving]

    @property
    def amount(self) -> Decimal:
        return sum((one.amount for one in self.lines), ZERO)


def levers(figures: MonthFigures | None, user: User, team: str = "") -> list[LeverSum]:
    """Every lever, those that save most first; one query."""
    found: dict[str, list[Saving]] = defaultdict(list)
    if figures is not None:
        rows = in_reach(Saving.objects.filter(figures=figures), user, team)
        for one in rows.select_related("team", "use_case", "deployment")[:MOST_LINES]:
            found[one.lever].append(one)
    sums = [LeverSum(lever, words, found[lever]) for lever, words in WORDS.items()]
    return sorted(sums, key=lambda one: (not one.words.saves, -one.amount))


def possible(sums: list[LeverSum]) -> Decimal:
    """What the levers that save money come to. One call may be in two of them."""
    return sum((one.amount for one in sums if one.words.saves), ZERO)


def units(figures: MonthFigures | None, user: User, team: str = "") -> list[UnitCost]:
    """What each use case's month came to, dearest first; one query."""
    rows = in_reach(UnitCost.objects.filter(figures=figures), user, team)
    return list(rows.select_related("team", "use_case")[:MOST_LINES])


@dataclass(frozen=True)
class OddDay:
    """An unusual day of a use case, with the calls behind it."""

    found: Unusual
    use_case: str
    title: str

    @property
    def calls_url(self) -> str:
        day = self.found.day.isoformat()
        return f"/calls/?use_case={self.use_case}&since={day}&until={day}"


def odd_days(user: User, month: date, today: date, team: str = "") -> list[OddDay]:
    """Days of the month whose cost stands out, by use case, from the daily rollup; one query.

    A difference below one percent of the month's cost is not worth a look. Today is not over,
    so it may only stand out by being too much already.
    """
    last = min(next_month(month) - timedelta(days=1), today)
    since = month - timedelta(days=LOOK_BACK)
    usage = in_reach(DailyUsage.objects.filter(day__gte=since, day__lte=last), user, team)
    named = usage.exclude(use_case=None).order_by("day")
    rows = named.values_list("use_case__slug", "use_case__title", "day").annotate(Sum("cost"))
    daily: dict[Hashable, dict[date, Decimal]] = defaultdict(dict)
    titles: dict[Hashable, str] = {}
    for slug, title, day, cost in rows:
        daily[slug][day], titles[slug] = cost, title
    whole = sum(
        (cost for days in daily.values() for day, cost in days.items() if day >= month), ZERO
    )
    found = unusual_days(daily, month, last, whole / 100)
    return [OddDay(one, str(one.key), titles[one.key]) for one in found[:MOST_LINES]]
