"""The filters of the call list, as they stand in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Q

from telemetry.ledger.models import Call, CallQuerySet
from telemetry.ledger.rules import CallSource, CallState

PAGE_SIZE = 50


@dataclass(frozen=True)
class CallFilters:
    """What the list is narrowed to; what does not parse narrows nothing."""

    use_case: str = ""
    team: str = ""
    deployment: str = ""
    state: str = ""
    source: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> CallFilters:
        """From the request's query; `month=2026-11` is short for its first and last day."""
        since, until = _date(query.get("since")), _date(query.get("until"))
        month = _date(f"{query.get('month', '')}-01")
        if month is not None:
            since, until = month, _last_day(month)
        state, source = query.get("state", ""), query.get("source", "")
        return cls(
            use_case=query.get("use_case", ""),
            team=query.get("team", ""),
            deployment=query.get("deployment", ""),
            state=state if state in list(CallState) else "",
            source=source if source in list(CallSource) else "",
            since=since,
            until=until,
        )

    def apply(self, calls: CallQuerySet) -> CallQuerySet:
        exact = {
            "use_case__slug": self.use_case,
            "team__slug": self.team,
            "deployment__slug": self.deployment,
            "state": self.state,
            "source": self.source,
        }
        calls = calls.filter(**{name: value for name, value in exact.items() if value})
        if self.since:
            calls = calls.filter(admitted_at__gte=_midnight(self.since))
        if self.until:
            calls = calls.filter(admitted_at__lt=_midnight(self.until + timedelta(days=1)))
        return calls

    @property
    def narrows(self) -> bool:
        return self != CallFilters()


def page_of(calls: CallQuerySet, cursor: str) -> tuple[list[Call], str]:
    """Up to PAGE_SIZE calls older than the cursor, newest first, and the next cursor ("" at end).

    Keyset: the cost of a page does not grow with how far down it is.
    """
    after = _parse(cursor)
    if after is not None:
        moment, pk = after
        calls = calls.filter(admitted_at__lte=moment).filter(
            Q(admitted_at__lt=moment) | Q(pk__lt=pk)
        )
    found = list(calls.order_by("-admitted_at", "-id")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return shown, _cursor(shown[-1]) if len(found) > PAGE_SIZE else ""


def _cursor(call: Call) -> str:
    return f"{call.admitted_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}_{call.pk.hex}"


def _parse(cursor: str) -> tuple[datetime, UUID] | None:
    moment, _, pk = cursor.partition("_")
    try:
        when = datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
        return when, UUID(hex=pk)
    except ValueError:
        return None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _last_day(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
