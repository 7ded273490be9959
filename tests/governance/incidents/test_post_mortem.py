"""Actions after an incident: added, assigned, done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.incidents import post_mortem
from governance.incidents.hooks import actions_owned
from governance.incidents.models import Incident
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from tests.factories.incidents import Watch, make_incident, make_reviewed, make_watch, move

pytestmark = pytest.mark.django_db


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


def test_an_action_is_added_assigned_and_done(watch: Watch) -> None:
    incident = make_incident(watch)
    owner = watch.people["finance"]
    action = add_action(watch, incident)
    assert not Notification.objects.filter(user=owner).exists()
    post_mortem.assign_action(
        actor=watch.actor("safety"),
        action_id=action.pk,
        owner=owner,
        due_on=action.due_on,
        now=timezone.now(),
    )
    assert Notification.objects.get(user=owner).title.endswith("Name the unit.")
    assert [one.title for one in actions_owned(owner, timezone.now())] == ["Name the unit."]
    facts: dict[str, Any] = {"action_id": action.pk, "now": timezone.now()}
    with pytest.raises(NotAllowed):
        post_mortem.finish_action(actor=watch.actor("board"), note="x", **facts)
    with pytest.raises(Invalid):
        post_mortem.finish_action(actor=watch.actor("finance"), note=" ", **facts)
    post_mortem.finish_action(actor=watch.actor("finance"), note="Version 4", **facts)
    with pytest.raises(WrongState):
        post_mortem.finish_action(actor=watch.actor("safety"), note="x", **facts)
    assert actions_owned(owner, timezone.now()) == []
    done = {"incident.action_added", "incident.action_assigned", "incident.action_done"}
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= done


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"text": " "}, "text"), ({"due_on": timezone.now().date() - timedelta(days=2)}, "due_on")],
)
def test_an_action_that_does_not_fit_is_refused(
    watch: Watch, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        add_action(watch, make_incident(watch), **changes)
    assert field in refused.value.fields


def test_an_action_outlives_its_incident(watch: Watch) -> None:
    incident = make_reviewed(watch)
    action = add_action(watch, incident, owner=watch.people["board"])
    move(watch, incident, "close")
    post_mortem.finish_action(
        actor=watch.actor("board"), action_id=action.pk, note="Done", now=timezone.now()
    )
    assert action.state(timezone.now()) == "open"
    action.refresh_from_db()
    assert action.state(timezone.now()) == "done"
