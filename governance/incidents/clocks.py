"""Legal clocks: started by what is known, met, found not applicable, told of when late."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from governance.access.models import User
from governance.access.selectors import holders
from governance.home.services import notify
from governance.incidents.commanding import (
    check_commands,
    locked_incident,
    locked_part,
    url_of,
    write_event,
)
from governance.incidents.models import Incident, NotificationClock
from governance.incidents.rules import FACTS, SEVERITIES, clocks_to_start
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState

SYSTEM = Actor.system("incidents")


def known_facts(facts: Iterable[str]) -> list[str]:
    """The facts in their fixed order; raises Invalid for one that there is not."""
    chosen = set(facts)
    if chosen - set(FACTS):
        raise Invalid(
            "Nothing was changed: there is no such fact.",
            fields={"facts": [f"Choose from {', '.join(FACTS)}."]},
        )
    return [fact for fact in FACTS if fact in chosen]


def start_clocks(incident: Incident, now: datetime, *, by: Actor) -> list[NotificationClock]:
    """Start what the incident's facts start, from the original awareness; tell who must act."""
    running = set(incident.clocks.values_list("code", flat=True))
    due = clocks_to_start(incident.playbook.clocks, incident.facts, running, incident.aware_at)
    started = NotificationClock.objects.bulk_create(
        NotificationClock(
            incident=incident,
            code=one.code,
            name=one.name,
            legal_basis=one.legal_basis,
            started_at=incident.aware_at,
            due_at=one.due_at,
        )
        for one in due
    )
    for clock in started:
        after = {"clock": str(clock), "due_at": clock.due_at}
        write_event(by, "incident.clock_started", incident, now, after=after)
        title = f"A legal clock runs: {clock.name}, {incident}"
        notify(users=_answerable(incident, now), title=title, url=url_of(incident), now=now)
    return started


@transaction.atomic
def classify(
    *,
    actor: Actor,
    incident_id: int,
    severity: str,
    facts: Iterable[str],
    reason: str,
    now: datetime,
) -> Incident:
    """Say anew how bad it is and what it touched. A fact taken back stops no clock."""
    check_commands(actor)
    incident = locked_incident(incident_id)
    problems = {}
    if severity not in SEVERITIES:
        problems["severity"] = ["Choose one."]
    if not reason.strip():
        problems["reason"] = ["Say what is known now."]
    if problems:
        raise Invalid("Nothing was changed: some fields are missing.", fields=problems)
    before = {"severity": incident.severity, "facts": incident.facts}
    incident.severity, incident.facts = severity, known_facts(facts)
    incident.save(update_fields=["severity", "facts"])
    after = {"facts": incident.facts}
    write_event(
        actor, "incident.classified", incident, now, reason=reason, before=before, after=after
    )
    start_clocks(incident, now, by=actor)
    return incident


@transaction.atomic
def meet_clock(*, actor: Actor, clock_id: int, note: str, now: datetime) -> NotificationClock:
    """The authority was told; the note says whom, and under which reference."""
    _check_answers(actor)
    clock: NotificationClock = locked_part(NotificationClock, clock_id)
    _check_runs(clock)
    if not note.strip():
        raise Invalid("The clock still runs: say who was told.", fields={"note": ["Who?"]})
    clock.met_at, clock.met_by, clock.met_note = now, actor.user, note.strip()[:500]
    clock.save(update_fields=["met_at", "met_by", "met_note"])
    after = {"clock": str(clock), "is_late": now > clock.due_at}
    write_event(actor, "incident.clock_met", clock.incident, now, reason=note, after=after)
    return clock


@transaction.atomic
def waive_clock(*, actor: Actor, clock_id: int, reason: str, now: datetime) -> NotificationClock:
    """A second person finds that the duty does not apply; the clock stays, with the reason."""
    _check_answers(actor)
    clock: NotificationClock = locked_part(NotificationClock, clock_id)
    incident = clock.incident
    if actor.user is not None and actor.user.pk in (incident.commander_id, incident.declared_by_id):
        raise NotAllowed(
            "The clock still runs: who declared or commands the incident cannot find alone that "
            "a legal duty does not apply. Ask a second person."
        )
    _check_runs(clock)
    if not reason.strip():
        raise Invalid("The clock still runs: say why.", fields={"reason": ["Say why."]})
    clock.waived_at, clock.waived_by, clock.waived_reason = now, actor.user, reason.strip()[:500]
    clock.save(update_fields=["waived_at", "waived_by", "waived_reason"])
    after = {"clock": str(clock)}
    write_event(actor, "incident.clock_waived", incident, now, reason=reason, after=after)
    return clock


def may_answer(actor: Actor) -> bool:
    """Whoever commands incidents, or signs for compliance."""
    return actor.may(Permission.INCIDENT_COMMAND) or actor.may(Permission.SIGN_COMPLIANCE)


def _check_answers(actor: Actor) -> None:
    if not may_answer(actor):
        raise NotAllowed("The clock still runs: safety officers and compliance answer for it.")


def _check_runs(clock: NotificationClock) -> None:
    if clock.met_at is not None or clock.waived_at is not None:
        raise WrongState("Nothing was changed: this clock is stopped already.")


def _answerable(incident: Incident, now: datetime) -> set[User]:
    people = {
        *holders(Permission.INCIDENT_COMMAND, now=now),
        *holders(Permission.SIGN_COMPLIANCE, now=now),
    }
    return people | ({incident.commander} if incident.commander else set())


def keep_house(*, now: datetime) -> int:
    """Tell of every clock that has run out, once; how many were."""
    late = NotificationClock.objects.overdue(now).filter(overdue_told_at=None)
    return sum(_tell_overdue(pk, now) for pk in late.values_list("pk", flat=True))


@transaction.atomic
def _tell_overdue(clock_id: int, now: datetime) -> bool:
    clock: NotificationClock = locked_part(NotificationClock, clock_id)
    if clock.overdue_told_at is not None or clock.state(now) != "overdue":
        return False
    clock.overdue_told_at = now
    clock.save(update_fields=["overdue_told_at"])
    incident = clock.incident
    after = {"clock": str(clock), "due_at": clock.due_at}
    write_event(SYSTEM, "incident.clock_overdue", incident, now, after=after)
    title = f"Overdue: {clock.name}, {incident}"
    people = _answerable(incident, now)
    notify(users=people, title=title, url=url_of(incident), now=now, kind="overdue")
    return True
