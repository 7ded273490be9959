"""Legal clocks: started, met, found not applicable, told of when late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.incidents import clocks
from governance.incidents.models import NotificationClock
from governance.incidents.tasks import keep_house
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from tests.factories.incidents import Watch, make_incident, make_watch, move

pytestmark = pytest.mark.django_db


@pytest.fixture
def watch() -> Watch:
    return make_watch()


def meet(watch: Watch, clock: NotificationClock, role: str = "compliance", **facts: Any) -> None:
    more = {"note": "Reference 4711", "now": timezone.now()} | facts
    clocks.meet_clock(actor=watch.actor(role), clock_id=clock.pk, **more)
    clock.refresh_from_db()


def test_clocks_count_from_awareness_and_a_later_fact_too(watch: Watch) -> None:
    aware = timezone.now() - timedelta(hours=50)
    incident = make_incident(watch, facts=["personal_data"], aware_at=aware)
    clock = incident.clocks.get()
    assert (clock.started_at, clock.due_at) == (aware, aware + timedelta(hours=72))
    assert AuditEvent.objects.filter(action="incident.clock_started").count() == 1
    assert Notification.objects.filter(user=watch.people["compliance"]).count() == 1
    clocks.classify(
        actor=watch.actor("safety"),
        incident_id=incident.pk,
        severity="critical",
        facts=["death"],
        reason="Somebody died.",
        now=timezone.now(),
    )
    incident.refresh_from_db()
    assert (incident.severity, incident.facts) == ("critical", ["death"])
    due = {one.code: one.due_at - aware for one in incident.clocks.all()}
    assert due == {"gdpr_33": timedelta(hours=72), "aia_73_4": timedelta(days=10)}
    with pytest.raises(IntegrityError), transaction.atomic():
        clock.pk = None
        clock.save(force_insert=True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"severity": "x"}, "severity"), ({"reason": ""}, "reason"), ({"facts": ["x"]}, "facts")],
)
def test_a_classification_that_does_not_fit_is_refused(
    watch: Watch, changes: dict[str, Any], field: str
) -> None:
    incident = make_incident(watch)
    facts: dict[str, Any] = {"severity": "low", "facts": [], "reason": "x"}
    with pytest.raises(Invalid) as refused:
        clocks.classify(
            actor=watch.actor("safety"),
            incident_id=incident.pk,
            now=timezone.now(),
            **(facts | changes),
        )
    assert field in refused.value.fields


def test_a_clock_is_met_once_by_those_who_answer_for_it(watch: Watch) -> None:
    clock = make_incident(watch, facts=["personal_data"]).clocks.get()
    with pytest.raises(NotAllowed):
        meet(watch, clock, "board")
    with pytest.raises(Invalid):
        meet(watch, clock, note=" ")
    meet(watch, clock)
    assert (clock.met_by, clock.met_note) == (watch.people["compliance"], "Reference 4711")
    with pytest.raises(WrongState):
        meet(watch, clock, "safety")
    event = AuditEvent.objects.get(action="incident.clock_met")
    assert event.after is not None and event.after["is_late"] is False


def test_only_a_second_person_finds_that_a_clock_does_not_apply(watch: Watch) -> None:
    incident = make_incident(watch, facts=["personal_data"], actor=watch.actor("compliance"))
    move(watch, incident, "confirm")
    clock, now = incident.clocks.get(), timezone.now()

    def waive(role: str, reason: str = "No personal data after all.") -> None:
        clocks.waive_clock(actor=watch.actor(role), clock_id=clock.pk, reason=reason, now=now)

    for role in ("compliance", "safety", "board"):
        with pytest.raises(NotAllowed):
            waive(role)
    with pytest.raises(Invalid):
        waive("second", " ")
    waive("second")
    assert NotificationClock.objects.get().state(now) == "not applicable"
    assert AuditEvent.objects.filter(action="incident.clock_waived").count() == 1
    with pytest.raises(WrongState):
        meet(watch, clock)


def test_an_overdue_clock_is_told_of_once(watch: Watch) -> None:
    incident = make_incident(watch, facts=["personal_data"])
    Notification.objects.all().delete()
    due = incident.clocks.get().due_at
    assert clocks.keep_house(now=due) == 0
    late = due + timedelta(seconds=1)
    assert clocks.keep_house(now=late) == 1
    assert clocks.keep_house(now=late) == 0
    told = {one.user for one in Notification.objects.filter(title__startswith="Overdue: ")}
    assert told == {watch.people[role] for role in ("safety", "second", "compliance")}
    assert AuditEvent.objects.filter(action="incident.clock_overdue").count() == 1


@pytest.mark.parametrize("ending", ["met", "waived", "dismissed"])
def test_a_stopped_clock_is_never_overdue(watch: Watch, ending: str) -> None:
    incident = make_incident(watch, facts=["personal_data"])
    clock = incident.clocks.get()
    if ending == "met":
        meet(watch, clock)
    elif ending == "waived":
        NotificationClock.objects.update(waived_at=timezone.now())
    else:
        move(watch, incident, "dismiss", "A drill.")
    assert clocks.keep_house(now=clock.due_at + timedelta(days=1)) == 0


def test_the_job_runs_by_the_wall_clock(watch: Watch) -> None:
    make_incident(watch, facts=["personal_data"], aware_at=timezone.now() - timedelta(days=4))
    keep_house()
    assert Notification.objects.filter(title__startswith="Overdue: ").exists()
