"""Reads that the pages and the API of calendars and SLA policies share."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
from django.db.models import Count, Prefetch, Q, QuerySet

from reviews.queues.models import BusinessCalendar, Queue, SlaPolicy
from reviews.queues.rules import ItemState

AHEAD = timedelta(days=366)


def calendars() -> QuerySet[BusinessCalendar]:
    """All of them with the policies and queues that count by them."""
    policies = SlaPolicy.objects.prefetch_related(Prefetch("queues", Queue.objects.all()))
    return BusinessCalendar.objects.prefetch_related(Prefetch("policies", policies))


def policies() -> QuerySet[SlaPolicy]:
    """All of them with their calendar, their queues, and how many open items they promise."""
    open_items = Count("items", filter=Q(items__state__in=_OPEN))
    return (
        SlaPolicy.objects.select_related("calendar")
        .prefetch_related("queues")
        .annotate(open_items=open_items)
        .order_by("name", "pk")
    )


_OPEN = [one for one in ItemState if one != ItemState.DECIDED]


def queues_by(calendar: BusinessCalendar) -> list[Queue]:
    """Queues of a calendar that came with its policies."""
    return [queue for sla in calendar.policies.all() for queue in sla.queues.all()]


def days_off(calendar: BusinessCalendar, now: datetime) -> list[tuple[date, str, str]]:
    """(day, name, "public holiday" or "own closure") of the year to come, in order."""
    today = now.astimezone(ZoneInfo(calendar.time_zone)).date()
    found = [
        (date.fromisoformat(day), calendar.closure_names.get(day, ""), "own closure")
        for day in calendar.closures
    ]
    if calendar.holiday_country:
        years = (today.year, today.year + 1)
        public = holidays.country_holidays(
            calendar.holiday_country, subdiv=calendar.holiday_subdivision or None, years=years
        )
        found += [(day, name, "public holiday") for day, name in public.items()]
    return sorted(one for one in found if today <= one[0] <= today + AHEAD)
