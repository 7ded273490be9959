"""One row of the engine: lock it, move it along its arrows, write the event, tell people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Min, Model, Q
from django.urls import reverse

from governance.access.models import User
from governance.approvals.models import ChangeRequest, Delegation, SignOffSlot
from governance.approvals.registries import Parted, change_subjects
from governance.approvals.rules import CHANGE_STATES
from governance.audit.services import record
from governance.home.services import notify
from governance.kernel.authority import Actor
from governance.kernel.web import get_or_404


def locked_change(change_id: int) -> ChangeRequest:
    """The request, locked until the transaction ends; raises NotFound."""
    requests = ChangeRequest.objects.select_for_update(of=("self",))
    found: ChangeRequest = get_or_404(
        requests.select_related("policy", "proposer", "team"), pk=change_id
    )
    return found


def locked_subject(change: ChangeRequest) -> Model:
    """What the request is about, locked: nobody edits it between the look and the effect.

    Rows that only point at it can still be written meanwhile.
    """
    kind = change_subjects[change.kind]
    found = kind.find(change.subject_id)
    rows = type(found)._default_manager.select_for_update(no_key=True)
    rows.filter(pk=found.pk).values_list("pk", flat=True).get()
    if isinstance(kind, Parted):
        kind.lock_parts(change)
    return kind.find(change.subject_id)


def move(
    change: ChangeRequest, action: str, actor: Actor, now: datetime, *, reason: str = ""
) -> None:
    """Along the arrow of that name; raises WrongState."""
    before = change.state
    change.state = CHANGE_STATES.target(change.state, action)
    change.save(update_fields=["state", "closed_at"])
    moved = {"state": change.state}
    write_event(
        actor, "change.moved", change, now, before={"state": before}, after=moved, reason=reason
    )


def close(
    change: ChangeRequest, action: str, actor: Actor, now: datetime, *, reason: str = ""
) -> None:
    """Move it to an end, and tell the proposer unless it was they who did it."""
    change.closed_at = now
    move(change, action, actor, now, reason=reason)
    kind = change_subjects[change.kind]
    if isinstance(kind, Parted):
        kind.close_parts(change, action, actor, now)
    if actor.user is None or actor.user.pk != change.proposer_id:
        tell_proposer(change, f"{change.state.capitalize()}: {change.title}", now)


def tell_signatories(change: ChangeRequest, now: datetime, *, title: str = "") -> None:
    """Whoever may sign in the step that is reached, and whoever stands in for them now.

    Who comes later is told when their step opens; who has decided is not asked again.
    """
    free = change.slots.filter(filled_by=None)
    slots = free.filter(step=free.aggregate(first=Min("step"))["first"])
    roles = {role for slot in slots for role in slot.roles}
    chosen = SignOffSlot.eligible.through.objects.filter(signoffslot__in=slots.values("pk"))
    stand_ins = Delegation.objects.live(now).filter(
        delegator__in=chosen.values("user_id"), permission__in=roles
    )
    asked = Q(pk__in=chosen.values("user_id")) | Q(pk__in=stand_ins.values("delegate"))
    decided = change.decisions.filter(is_void=False)
    people = User.objects.filter(asked).exclude(pk__in=change.conflicted)
    people = people.exclude(pk__in=decided.values("person"))
    title = title or f"Your decision is asked for: {change.title}"
    notify(users=people, title=title, url=url_of(change), now=now)


def tell_proposer(change: ChangeRequest, title: str, now: datetime) -> None:
    notify(users=[change.proposer], title=title, url=url_of(change), now=now)


def url_of(change: ChangeRequest) -> str:
    return reverse("approvals:detail", args=[change.pk])


def write_event(
    actor: Actor,
    action: str,
    change: ChangeRequest,
    now: datetime,
    *,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """The event of the request, always with its kind, revision and digest."""
    facts = {"kind": change.kind, "revision": change.revision, "digest": change.digest}
    record(
        actor=actor,
        action=action,
        subject=change,
        now=now,
        before=before,
        after=facts | (after or {}),
        reason=reason,
        team_id=change.team_id,
    )
