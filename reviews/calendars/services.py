"""Make and change calendars and SLA policies.

A change and the new due times of everything open that was promised under it are one
transaction; where very many are open, a job goes on with them. A preview does the same arithmetic and saves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from governance.access.late_saves import check_seen
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import name_fault
from governance.kernel.web import get_or_404
from reviews.queues import opening_hours
from reviews.queues.escalation_rules import NotSteps, checked, steps_of
from reviews.queues.models import BusinessCalendar, Queue, SlaPolicy, public_holidays
from reviews.queues.retiming import Effect, Scope, effect_of
from reviews.queues.retiming_job import retime
from reviews.queues.sla import NoOpeningHours, due_at

KEPT = "Nothing was saved. What you typed is still here."
LONGEST_MINUTES = 60 * 24 * 90
MOST_CLOSURES = 400


@dataclass(frozen=True)
class CalendarFacts:
    """What a calendar says; `hours` by weekday ("0" is Monday), `closures` ISO date → name."""

    name: str
    time_zone: str
    hours: Mapping[str, list[list[str]]]
    holiday_country: str = ""
    holiday_subdivision: str = ""
    closures: Mapping[str, str] = field(default_factory=dict)

    def onto(self, calendar: BusinessCalendar) -> BusinessCalendar:
        """The calendar as these facts make it, not saved."""
        calendar.name, calendar.time_zone = self.name.strip(), self.time_zone.strip()
        calendar.hours = {day: list(spans) for day, spans in self.hours.items() if spans}
        calendar.holiday_country = self.holiday_country.strip().upper()
        calendar.holiday_subdivision = self.holiday_subdivision.strip().upper()
        calendar.closures = sorted(self.closures)
        calendar.closure_names = {day: name for day, name in self.closures.items() if name}
        return calendar


@dataclass(frozen=True)
class PolicyFacts:
    """What an SLA policy promises, in business minutes of its calendar."""

    name: str
    calendar: BusinessCalendar
    first_touch_minutes: int
    decision_minutes: int
    warn_share: int
    steps: Sequence[Mapping[str, Any]] = ()

    def onto(self, sla: SlaPolicy) -> SlaPolicy:
        """The policy as these facts make it, not saved."""
        sla.name, sla.calendar = self.name.strip(), self.calendar
        sla.first_touch_minutes = self.first_touch_minutes
        sla.decision_minutes, sla.warn_share = self.decision_minutes, self.warn_share
        sla.steps = _checked_steps(self.steps)
        return sla


def calendar_facts(calendar: BusinessCalendar) -> dict[str, Any]:
    """For the audit log, and to see whether somebody saved meanwhile."""
    return {
        "name": calendar.name,
        "time_zone": calendar.time_zone,
        "hours": calendar.hours,
        "holidays": f"{calendar.holiday_country} {calendar.holiday_subdivision}".strip(),
        "closures": {day: calendar.closure_names.get(day, "") for day in calendar.closures},
    }


def policy_facts(sla: SlaPolicy) -> dict[str, Any]:
    """As `calendar_facts`."""
    return {
        "name": sla.name,
        "calendar": sla.calendar.name,
        "first_touch_minutes": sla.first_touch_minutes,
        "decision_minutes": sla.decision_minutes,
        "warn_share": sla.warn_share,
        "steps": sla.steps,
    }


def can_change(actor: Actor, queues: Sequence[Queue]) -> bool:
    """Whoever manages every queue that it holds for; of none: whoever manages any queue."""
    if not queues:
        return actor.may(Permission.REVIEW_MANAGE)
    return all(actor.may(Permission.REVIEW_MANAGE, one) for one in queues)


def _check_can_change(actor: Actor, queues: Sequence[Queue]) -> None:
    if not can_change(actor, queues):
        names = ", ".join(one.name for one in queues)
        raise NotAllowed(
            "Nothing was changed: it holds for "
            f"{names or 'the review queues'}, and only who manages all of these may change it. "
            "Make one of your own and choose it in your queue's settings."
        )


@transaction.atomic
def create_calendar(*, actor: Actor, facts: CalendarFacts, now: datetime) -> BusinessCalendar:
    """Raises Invalid with the fields that do not fit."""
    _check_can_change(actor, [])
    made = facts.onto(BusinessCalendar())
    _check_calendar(made, now)
    made.save(force_insert=True)
    record(
        actor=actor, action="calendar.created", subject=made, now=now, after=calendar_facts(made)
    )
    return made


@transaction.atomic
def change_calendar(
    *, actor: Actor, calendar_id: int, facts: CalendarFacts, now: datetime, seen: str = ""
) -> tuple[BusinessCalendar, Effect]:
    """The calendar, and what its change did to open items."""
    found: BusinessCalendar = get_or_404(
        BusinessCalendar.objects.select_for_update(), pk=calendar_id
    )
    _check_can_change(actor, queues_of_calendar(found))
    before = calendar_facts(found)
    check_seen(seen, before, found)
    changed = facts.onto(found)
    _check_calendar(changed, now)
    changed.save()
    slas = _policies_of(changed)
    with _said_beside("hours_0"):
        effect = retime(slas, actor=actor, reason=f"The calendar {changed} changed", now=now)
    _record_change(actor, "calendar.changed", changed, before, calendar_facts(changed), effect, now)
    _mark(slas, now)
    return changed, effect


def preview_calendar(
    *, actor: Actor, calendar: BusinessCalendar, facts: CalendarFacts, now: datetime
) -> Effect:
    """What the change would do; nothing is saved, and `calendar` must not be saved after it."""
    _check_can_change(actor, queues_of_calendar(calendar))
    changed = facts.onto(calendar)
    _check_calendar(changed, now)
    return _effect(_policies_of(changed), "hours_0", now)


@transaction.atomic
def create_policy(*, actor: Actor, facts: PolicyFacts, now: datetime) -> SlaPolicy:
    """Raises Invalid with the fields that do not fit."""
    _check_can_change(actor, [])
    made = facts.onto(SlaPolicy())
    _check_policy(made, now)
    made.save(force_insert=True)
    record(actor=actor, action="sla.created", subject=made, now=now, after=policy_facts(made))
    return made


@transaction.atomic
def change_policy(
    *, actor: Actor, policy_id: int, facts: PolicyFacts, now: datetime, seen: str = ""
) -> tuple[SlaPolicy, Effect]:
    """The policy, and what its change did to open items."""
    # Without its calendar: a joined row that is waited for is lost where that has changed.
    found: SlaPolicy = get_or_404(SlaPolicy.objects.select_for_update(), pk=policy_id)
    _check_can_change(actor, list(found.queues.all()))
    before = policy_facts(found)
    check_seen(seen, before, found)
    changed = facts.onto(found)
    _check_policy(changed, now)
    changed.save()
    slas = {changed.pk: changed}
    with _said_beside("decision_minutes"):
        effect = retime(slas, actor=actor, reason=f"The SLA policy {changed} changed", now=now)
    _record_change(actor, "sla.changed", changed, before, policy_facts(changed), effect, now)
    _mark(slas, now)
    return changed, effect


def preview_policy(*, actor: Actor, sla: SlaPolicy, facts: PolicyFacts, now: datetime) -> Effect:
    """What the change would do; nothing is saved, and `sla` must not be saved after it."""
    _check_can_change(actor, list(sla.queues.all()))
    changed = facts.onto(sla)
    _check_policy(changed, now)
    return _effect({changed.pk: changed}, "decision_minutes", now)


def queues_of_calendar(calendar: BusinessCalendar) -> list[Queue]:
    """Those whose promises this calendar counts."""
    return list(Queue.objects.filter(sla__calendar=calendar))


def _policies_of(calendar: BusinessCalendar) -> dict[int, SlaPolicy]:
    """Policies that count by it, each with this very calendar, saved or not."""
    slas = {one.pk: one for one in calendar.policies.order_by("pk")}
    for one in slas.values():
        one.calendar = calendar
    return slas


def _effect(slas: Mapping[int, SlaPolicy], field_name: str, now: datetime) -> Effect:
    with _said_beside(field_name):
        scope = Scope(slas)
        return effect_of(scope.moves(list(scope.items())), now)


class _said_beside:  # noqa: N801  # reads as a statement
    """A calendar in which nothing is ever due is said beside that field."""

    def __init__(self, field_name: str) -> None:
        self.field_name = field_name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, NoOpeningHours):
            sentence = "What is open already would never be due."
            raise Invalid(KEPT, fields={self.field_name: [sentence]}) from None


def _mark(slas: Mapping[int, SlaPolicy], now: datetime) -> None:
    """So that housekeeping finds what was opened in the same moments by the old calendar."""
    SlaPolicy.objects.filter(pk__in=slas).update(retimed_at=now)


def _record_change(
    actor: Actor,
    action: str,
    subject: Any,
    before: dict[str, Any],
    after: dict[str, Any],
    effect: Effect,
    now: datetime,
) -> None:
    if before == after:
        return
    after = after | {"effect": effect.as_plain()}
    record(actor=actor, action=action, subject=subject, now=now, before=before, after=after)


def _check_calendar(calendar: BusinessCalendar, now: datetime) -> None:
    problems: dict[str, list[str]] = {}
    others = BusinessCalendar.objects.exclude(pk=calendar.pk)
    if fault := _name_problem(calendar.name, others.filter(name=calendar.name).exists()):
        problems["name"] = [fault]
    if not _is_zone(calendar.time_zone):
        problems["time_zone"] = ["Write a zone such as Europe/Amsterdam."]
    if len(calendar.closures) > MOST_CLOSURES:
        problems["closures"] = [f"At most {MOST_CLOSURES} days."]
    if len(calendar.holiday_country) > 2 or not _are_holidays(calendar, now):
        name = "holiday_subdivision" if _country_alone_is_known(calendar, now) else None
        problems[name or "holiday_country"] = [
            "Write a state or province code such as BY, or leave it empty."
            if name
            else "Write a country code such as NL, or leave it empty."
        ]
    if not problems:
        problems |= _hours_problem(calendar, now)
    if problems:
        raise Invalid(KEPT, fields=problems)


def _name_problem(name: str, is_taken: bool) -> str:
    if not name or len(name) > 100:
        return "Give it a name of at most 100 characters."
    return "Give it a name that no other has." if is_taken else name_fault(name) or ""


def _hours_problem(calendar: BusinessCalendar, now: datetime) -> dict[str, list[str]]:
    try:
        opening_hours.check_week(calendar.hours)
        due_at(now, 1, calendar.as_calendar((now.year, now.year + 1)))
    except (opening_hours.NotOpeningHours, NoOpeningHours) as fault:
        plain = isinstance(fault, opening_hours.NotOpeningHours)
        words = str(fault) if plain else "Open on at least one weekday, long enough to ever decide."
        return {"hours_0": [words]}
    return {}


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return len(name) <= 50


def _are_holidays(calendar: BusinessCalendar, now: datetime) -> bool:
    if not calendar.holiday_country:
        return not calendar.holiday_subdivision
    try:
        public_holidays(calendar.holiday_country, calendar.holiday_subdivision, (now.year,))
    except NotImplementedError:  # the holidays library knows no such place
        return False
    return True


def _country_alone_is_known(calendar: BusinessCalendar, now: datetime) -> bool:
    alone = BusinessCalendar(holiday_country=calendar.holiday_country)
    return bool(calendar.holiday_country) and _are_holidays(alone, now)


def _checked_steps(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    try:
        return checked(steps_of(steps))
    except NotSteps as fault:
        raise Invalid(KEPT, fields={"steps": [str(fault)]}) from None


def _check_policy(sla: SlaPolicy, now: datetime) -> None:
    problems: dict[str, list[str]] = {}
    others = SlaPolicy.objects.exclude(pk=sla.pk)
    if fault := _name_problem(sla.name, others.filter(name=sla.name).exists()):
        problems["name"] = [fault]
    if not 1 <= sla.first_touch_minutes <= sla.decision_minutes:
        problems["first_touch_minutes"] = ["At least 1, and no later than the decision."]
    if not sla.decision_minutes <= LONGEST_MINUTES:
        problems["decision_minutes"] = [f"At most {LONGEST_MINUTES:,} minutes."]
    if not 1 <= sla.warn_share <= 99:
        problems["warn_share"] = ["From 1 to 99 percent of the time to decide."]
    if not problems:
        try:
            due_at(now, sla.decision_minutes, sla.calendar_from(now))
        except NoOpeningHours:
            problems["decision_minutes"] = ["Its calendar is not open long enough to ever decide."]
    if problems:
        raise Invalid(KEPT, fields=problems)
