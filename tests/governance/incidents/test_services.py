"""Incidents: every arrow with its guard, legal clocks, actions, hand-over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.incidents import clocks, post_mortem, services
from governance.incidents.hooks import clocks_running, incidents_open
from governance.incidents.models import Incident, NotificationClock
from governance.incidents.rules import INCIDENT_STATES
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.registry.models import UseCase
from tests.factories.incidents import (
    Watch,
    contain,
    finish_steps,
    make_incident,
    make_reviewed,
    make_watch,
    move,
)
from tests.factories.ledger import make_person

pytestmark = pytest.mark.django_db
ACTIONS = sorted({edge.action for edge in INCIDENT_STATES.edges})


@pytest.fixture
def watch() -> Watch:
    return make_watch()


def add_action(watch: Watch, incident: Incident, **facts: Any) -> Any:
    more: dict[str, Any] = {
        "actor": watch.actor("safety"),
        "text": "Name the unit.",
        "due_on": timezone.now().date() + timedelta(days=7),
        "now": timezone.now(),
    }
    return post_mortem.add_action(incident_id=incident.pk, **(more | facts))


def meet(watch: Watch, clock: NotificationClock, role: str = "compliance", **facts: Any) -> None:
    more = {"note": "Reference 4711", "now": timezone.now()} | facts
    clocks.meet_clock(actor=watch.actor(role), clock_id=clock.pk, **more)
    clock.refresh_from_db()


@pytest.mark.parametrize("state", INCIDENT_STATES.states)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_arrow_leads_and_no_other(watch: Watch, state: str, action: str) -> None:
    incident = make_incident(watch)
    contain(watch, incident)
    finish_steps(watch, incident)
    Incident.objects.update(state=state, post_mortem="Known.")
    if not INCIDENT_STATES.allows(state, action):
        with pytest.raises(WrongState):
            move(watch, incident, action)
        return
    move(watch, incident, action)
    assert incident.state == INCIDENT_STATES.target(state, action)
    assert (incident.closed_at is not None) == (incident.state == "closed")
    assert incident.commander == watch.people["safety"]
    assert AuditEvent.objects.filter(action=f"incident.{action}").count() == 1


def test_a_wrong_word_is_no_arrow(watch: Watch) -> None:
    with pytest.raises(WrongState):
        move(watch, make_incident(watch), "vanish")


@pytest.mark.parametrize(
    ("state", "action"), [("reported", "dismiss"), ("resolved", "review"), ("closed", "reopen")]
)
def test_some_arrows_need_words(watch: Watch, state: str, action: str) -> None:
    incident = make_incident(watch)
    Incident.objects.update(state=state)
    with pytest.raises(Invalid) as refused:
        move(watch, incident, action, " ")
    assert "words" in refused.value.fields


def test_nothing_is_contained_before_something_acted(watch: Watch) -> None:
    incident = move(watch, make_incident(watch), "confirm")
    with pytest.raises(WrongState, match="no containment"):
        move(watch, incident, "contain")
    contain(watch, incident)
    assert move(watch, incident, "contain").state == "contained"


def test_it_closes_only_when_nothing_is_missing(watch: Watch) -> None:
    incident = make_reviewed(watch, facts=["personal_data"])
    action = add_action(watch, incident)
    incident.steps.filter(position=0).update(outcome="open")
    Incident.objects.update(post_mortem=" ")
    incident.refresh_from_db()
    assert services.missing_to_close(incident) == [
        "a post-mortem.",
        "1 steps that are neither done nor skipped.",
        "an owner for 1 actions.",
        "1 legal clocks that still run.",
    ]
    with pytest.raises(WrongState, match="Still missing: a post-mortem"):
        move(watch, incident, "close")
    Incident.objects.update(post_mortem="The prompt named no unit.")
    finish_steps(watch, incident)
    meet(watch, incident.clocks.get())
    with pytest.raises(WrongState, match="an owner for 1 actions"):
        move(watch, incident, "close")
    post_mortem.assign_action(
        actor=watch.actor("safety"),
        action_id=action.pk,
        owner=watch.people["board"],
        due_on=action.due_on,
        now=timezone.now(),
    )
    assert move(watch, incident, "close").state == "closed"


def test_a_reopened_incident_is_reviewed_and_closed_anew(watch: Watch) -> None:
    incident = move(watch, make_reviewed(watch), "close")
    with pytest.raises(WrongState, match="Reopen"):
        add_action(watch, incident)
    with pytest.raises(WrongState, match="Reopen"):
        contain(watch, incident)
    with pytest.raises(WrongState, match="Reopen"):
        finish_steps(watch, incident)
    move(watch, incident, "reopen", "It came back.")
    assert (incident.state, incident.closed_at) == ("confirmed", None)
    for action in ("contain", "resolve"):
        move(watch, incident, action)
    move(watch, incident, "review", "The cause was another.")
    assert move(watch, incident, "close").post_mortem == "The cause was another."
    told = AuditEvent.objects.filter(action="incident.review").values_list("reason", flat=True)
    assert set(told) == {"The prompt named no unit.", "The cause was another."}


@pytest.mark.parametrize("role", ["reviewer", "compliance", "board", "finance"])
def test_only_who_commands_moves_it(watch: Watch, role: str) -> None:
    incident, now, actor = make_incident(watch), timezone.now(), watch.actor(role)
    step = incident.steps.first()
    assert step is not None
    one: dict[str, Any] = {"actor": actor, "incident_id": incident.pk, "now": now}
    refused: list[tuple[Any, dict[str, Any]]] = [
        (services.move, one | {"action": "confirm"}),
        (
            services.contain,
            one | {"kind": "kill_switch", "target_id": watch.use_case.pk, "reason": "x"},
        ),
        (
            services.assign_commander,
            one | {"commander": watch.people["safety"], "reason": "x"},
        ),
        (clocks.classify, one | {"severity": "low", "facts": [], "reason": "x"}),
        (post_mortem.add_action, one | {"text": "x", "due_on": now.date()}),
        (
            services.finish_step,
            {"actor": actor, "step_id": step.pk, "outcome": "done", "note": "", "now": now},
        ),
    ]
    for service, facts in refused:
        with pytest.raises(NotAllowed):
            service(**facts)


def test_who_holds_no_role_declares_nothing(watch: Watch) -> None:
    with pytest.raises(NotAllowed):
        make_incident(watch, actor=Actor.person(make_person()))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": " "}, "title"),
        ({"description": ""}, "description"),
        ({"severity": "dire"}, "severity"),
        ({"facts": ["boredom"]}, "facts"),
        ({"aware_at": timezone.now() + timedelta(days=1)}, "aware_at"),
    ],
)
def test_a_declaration_says_what_is_missing(
    watch: Watch, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        make_incident(watch, **changes)
    assert field in refused.value.fields
    assert not Incident.objects.exists()


def test_a_kill_switch_is_thrown_and_taken_back(watch: Watch) -> None:
    incident = make_incident(watch)
    contain(watch, incident)
    watch.use_case.refresh_from_db()
    assert watch.use_case.is_suspended
    with pytest.raises(WrongState):
        contain(watch, incident)
    done, safety = incident.containments.get(), watch.actor("safety")
    facts: dict[str, Any] = {"actor": safety, "containment_id": done.pk, "now": timezone.now()}
    with pytest.raises(Invalid):
        services.undo_containment(reason="", **facts)
    services.undo_containment(reason="Solved.", **facts)
    assert not UseCase.objects.get(pk=watch.use_case.pk).is_suspended
    with pytest.raises(WrongState):
        services.undo_containment(reason="again", **facts)


@pytest.mark.parametrize(
    ("changes", "field"), [({"kind": "magic"}, "kind"), ({"reason": " "}, "reason")]
)
def test_a_containment_that_does_not_fit_is_refused(
    watch: Watch, changes: dict[str, Any], field: str
) -> None:
    incident = make_incident(watch)
    facts = {"kind": "kill_switch", "target_id": watch.use_case.pk, "reason": "x"} | changes
    with pytest.raises(Invalid) as refused:
        services.contain(
            actor=watch.actor("safety"), incident_id=incident.pk, now=timezone.now(), **facts
        )
    assert field in refused.value.fields


@pytest.mark.parametrize(("outcome", "note"), [("skipped", " "), ("forgotten", "x")])
def test_a_step_is_done_or_skipped_with_a_reason(watch: Watch, outcome: str, note: str) -> None:
    step = make_incident(watch).steps.first()
    assert step is not None
    with pytest.raises(Invalid):
        services.finish_step(
            actor=watch.actor("safety"),
            step_id=step.pk,
            outcome=outcome,
            note=note,
            now=timezone.now(),
        )


def test_a_commander_is_named_who_may_command(watch: Watch) -> None:
    incident = make_incident(watch)
    facts: dict[str, Any] = {"incident_id": incident.pk, "reason": "Shift", "now": timezone.now()}
    safety = watch.actor("safety")
    with pytest.raises(Invalid):
        services.assign_commander(actor=safety, commander=watch.people["board"], **facts)
    services.assign_commander(actor=safety, commander=watch.people["second"], **facts)
    incident.refresh_from_db()
    assert incident.commander == watch.people["second"]
    assert Notification.objects.filter(user=watch.people["second"], title__contains="command")
    assert AuditEvent.objects.get(action="incident.handed_over").reason == "Shift"


def test_each_finds_in_their_work_what_is_theirs(watch: Watch) -> None:
    incident = make_incident(watch, facts=["personal_data"])
    now, clock = timezone.now(), incident.clocks.get()
    shown = incidents_open(watch.people["safety"], now)
    assert [(one.title, one.due_at) for one in shown] == [("Wrong dose named", clock.due_at)]
    assert [one.due_at for one in clocks_running(watch.people["compliance"], now)] == [clock.due_at]
    assert incidents_open(watch.people["compliance"], now) == []
    assert clocks_running(watch.people["safety"], now) == []
