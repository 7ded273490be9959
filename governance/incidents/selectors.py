"""Reads that pages and API share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from governance.access.models import User
from governance.access.selectors import holders
from governance.incidents.models import Incident
from governance.incidents.registries import ContainmentKind, Target, containment_actions
from governance.incidents.rules import OVER
from governance.kernel.authority import Permission


def incidents_listed(user: User, now: datetime) -> QuerySet[Incident]:
    """What the person may see, with the number of clocks that run, when the first of them ends, and how many are late."""
    runs = Q(clocks__met_at=None, clocks__waived_at=None) & ~Q(state="not_incident")
    return (
        Incident.objects.visible_to(user)
        .select_related("use_case", "playbook", "declared_by", "commander")
        .annotate(
            clocks_running=Count("clocks", filter=runs),
            clocks_overdue=Count("clocks", filter=runs & Q(clocks__due_at__lt=now)),
            next_due_at=Min("clocks__due_at", filter=runs),
        )
        .order_by("-pk")
    )


INCIDENT_FILTERS = ("open", "due", "closed", "all")


def narrowed_incidents(incidents: QuerySet[Any], chosen: str) -> QuerySet[Any]:
    """By one of INCIDENT_FILTERS; "due" are those with a running clock, first ends first."""
    return {
        "open": incidents.exclude(state__in=OVER),
        "due": incidents.filter(clocks_running__gt=0).order_by("next_due_at"),
        "closed": incidents.filter(state__in=OVER),
    }.get(chosen, incidents)


def containable() -> list[tuple[ContainmentKind, list[Target]]]:
    """What can be done at once, and on what."""
    return [(kind, kind.targets()) for kind in containment_actions.values()]


def commanders(now: datetime) -> QuerySet[User]:
    return holders(Permission.INCIDENT_COMMAND, now=now)
