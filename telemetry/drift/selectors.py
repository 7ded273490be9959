"""Reads of monitors and checks that pages, API and evidence share."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet

from governance.access.models import User
from governance.access.selectors import teams_for
from governance.kernel.authority import Permission
from governance.registry.models import UseCase
from telemetry.drift.models import DriftCheck, DriftMonitor, DriftMonitorQuerySet
from telemetry.drift.rules import FINAL_STATES, Measure

TREND_LENGTH = 60


def monitors_visible_to(user: User) -> DriftMonitorQuerySet:
    """Monitors in the person's reach, with use case, team, last state and since when."""
    monitors = DriftMonitor.objects.visible_to(user).select_related("use_case__team")
    return monitors.with_last_check()


def narrowed(monitors: DriftMonitorQuerySet, query: Mapping[str, str]) -> DriftMonitorQuerySet:
    """By `state` (of the last check, or "unchecked"), `measure` and `use_case`; what does not
    parse narrows nothing."""
    state, measure, use_case = (query.get(name, "") for name in ("state", "measure", "use_case"))
    if state in list(FINAL_STATES):
        monitors = monitors.filter(**{"last_state": state})
    elif state == "unchecked":
        monitors = monitors.filter(**{"last_state": None})
    if measure in list(Measure):
        monitors = monitors.filter(measure=measure)
    return monitors.filter(use_case__slug=use_case) if use_case else monitors


def use_cases_to_watch(user: User) -> QuerySet[UseCase]:
    """Use cases for which the person may keep monitors."""
    teams = teams_for(user, Permission.DRIFT_MANAGE)
    return UseCase.objects.filter(team__in=teams).select_related("team").order_by("title")


def finished_checks(monitor: DriftMonitor) -> QuerySet[DriftCheck]:
    """Newest first."""
    return DriftCheck.objects.over().filter(monitor=monitor).select_related("requested_by")


def trend_of(monitor: DriftMonitor) -> list[DriftCheck]:
    """The last checks that measured an effect, oldest first."""
    measured = finished_checks(monitor).exclude(effect=None).order_by("-pk")[:TREND_LENGTH]
    return list(measured)[::-1]
