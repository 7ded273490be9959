"""Give a gap an owner and a day; say that it is closed."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.urls import reverse

from governance.access.models import User
from governance.audit.services import record
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.models import ComplianceAction
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404


@transaction.atomic
def add_action(
    *,
    actor: Actor,
    framework: str,
    control: str,
    text: str,
    owner: User,
    due_on: date,
    now: datetime,
) -> ComplianceAction:
    """What shall close the gap, who does it and by when; its owner is told."""
    check_may_manage(actor)
    _check_facts(framework, control, text, owner, due_on, now)
    action = ComplianceAction.objects.create(
        framework=framework,
        control=control,
        text=text.strip(),
        owner=owner,
        due_on=due_on,
        made_at=now,
        made_by=actor.user,
    )
    after = {"framework": framework, "control": control, "owner": str(owner), "due_on": due_on}
    record(actor=actor, action="compliance.action_added", subject=action, now=now, after=after)
    title = f"Yours by {due_on}: {action.text}"
    notify(users=[owner], title=title, url=reverse("compliance:actions"), now=now)
    return action


@transaction.atomic
def finish_action(*, actor: Actor, action_id: int, note: str, now: datetime) -> ComplianceAction:
    """Its owner, or compliance, says that it is done and by what; who asked for it is told."""
    action: ComplianceAction = get_or_404(
        ComplianceAction.objects.select_for_update(of=("self",)).select_related("owner", "made_by"),
        pk=action_id,
    )
    if not may_finish(actor, action):
        raise NotAllowed("Nothing was changed: the action's owner says when it is done.")
    if action.done_at is not None:
        raise WrongState("Nothing was changed: this action is done already.")
    words = note.strip()
    if not words or len(words) > 500:
        raise Invalid(
            "The action stays open: say by what.",
            fields={"note": ["Say by what it is done, in at most 500 characters."]},
        )
    action.done_at, action.note = now, words
    action.save(update_fields=["done_at", "note"])
    record(actor=actor, action="compliance.action_done", subject=action, now=now, reason=words)
    if action.made_by != actor.user:
        title = f"Done by {actor.label}: {action.text}"
        notify(users=[action.made_by], title=title, url=reverse("compliance:actions"), now=now)
    return action


def check_may_manage(actor: Actor) -> None:
    if actor.kind != "person" or not actor.may(Permission.SIGN_COMPLIANCE):
        raise NotAllowed("Nothing was added: actions on controls are given out by compliance.")


def may_finish(actor: Actor, action: ComplianceAction) -> bool:
    is_owner = actor.user is not None and actor.user.pk == action.owner_id
    return is_owner or actor.may(Permission.SIGN_COMPLIANCE)


def _check_facts(
    framework: str, control: str, text: str, owner: User, due_on: date, now: datetime
) -> None:
    """Raise Invalid with all that does not fit."""
    known = FRAMEWORKS.get(framework)
    wrong = {}
    if known is None:
        wrong["framework"] = ["There is no such framework."]
    elif known.control(control) is None:
        wrong["control"] = ["The framework has no such control."]
    if not text.strip() or len(text.strip()) > 300:
        wrong["text"] = ["Say what to do, in at most 300 characters."]
    if not owner.is_active:
        wrong["owner"] = ["This person has left."]
    if due_on < now.date():
        wrong["due_on"] = ["A day to come."]
    if wrong:
        raise Invalid("Nothing was added: see the fields.", fields=wrong)
