"""What shall change after an incident: actions with an owner and a date."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from governance.access.models import User
from governance.home.services import notify
from governance.incidents.commanding import (
    check_commands,
    check_not_over,
    locked_incident,
    locked_part,
    url_of,
    write_event,
)
from governance.incidents.models import Incident, PostMortemAction
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState


@transaction.atomic
def add_action(
    *,
    actor: Actor,
    incident_id: int,
    text: str,
    due_on: date,
    now: datetime,
    owner: User | None = None,
) -> PostMortemAction:
    """Write an action down; it may find its owner later, but before the incident closes."""
    check_commands(actor)
    incident = locked_incident(incident_id)
    check_not_over(incident)
    if not text.strip():
        raise Invalid("Nothing was added: say what to do.", fields={"text": ["Say what."]})
    if due_on < now.date():
        raise Invalid(
            "Nothing was added: its day is over already.", fields={"due_on": ["A day to come."]}
        )
    action = PostMortemAction.objects.create(
        incident=incident, text=text.strip()[:300], owner=owner, due_on=due_on
    )
    after = {"action": action.text, "owner": str(owner or ""), "due_on": due_on}
    write_event(actor, "incident.action_added", incident, now, after=after)
    _tell_owner(action, now)
    return action


@transaction.atomic
def assign_action(
    *, actor: Actor, action_id: int, owner: User, due_on: date, now: datetime
) -> PostMortemAction:
    """Give an action its owner, or another one, and its day."""
    check_commands(actor)
    action: PostMortemAction = locked_part(PostMortemAction, action_id)
    _check_open(action)
    before = {"owner": str(action.owner or ""), "due_on": action.due_on}
    action.owner, action.due_on = owner, due_on
    action.save(update_fields=["owner", "due_on"])
    after = {"action": action.text, "owner": str(owner), "due_on": due_on}
    write_event(actor, "incident.action_assigned", action.incident, now, before=before, after=after)
    _tell_owner(action, now)
    return action


@transaction.atomic
def finish_action(*, actor: Actor, action_id: int, note: str, now: datetime) -> PostMortemAction:
    """Its owner, or who commands incidents, says that it is done and by what."""
    action: PostMortemAction = locked_part(PostMortemAction, action_id)
    if not may_finish(actor, action):
        raise NotAllowed("Nothing was changed: the action's owner says when it is done.")
    _check_open(action)
    if not note.strip():
        raise Invalid("The action stays open: say by what.", fields={"note": ["Say by what."]})
    action.done_at, action.done_note = now, note.strip()[:500]
    action.save(update_fields=["done_at", "done_note"])
    after = {"action": action.text}
    write_event(actor, "incident.action_done", action.incident, now, reason=note, after=after)
    return action


def may_finish(actor: Actor, action: PostMortemAction) -> bool:
    is_owner = actor.user is not None and actor.user.pk == action.owner_id
    return is_owner or actor.may(Permission.INCIDENT_COMMAND)


def _check_open(action: PostMortemAction) -> None:
    if action.done_at is not None:
        raise WrongState("Nothing was changed: this action is done already.")


def _tell_owner(action: PostMortemAction, now: datetime) -> None:
    if action.owner is not None:
        incident: Incident = action.incident
        title = f"Yours by {action.due_on}: {action.text}"
        notify(users=[action.owner], title=title, url=url_of(incident), now=now)
