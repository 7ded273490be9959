"""What follows an emergency: the sign-offs ratify it in time, or it is reverted."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from governance.access.models import User
from governance.access.selectors import holders
from governance.approvals.emergency_models import Emergency
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.moving import (
    close,
    locked_change,
    locked_subject,
    move,
    tell_proposer,
    url_of,
    write_event,
)
from governance.approvals.registries import Revertible, change_subjects
from governance.approvals.rules import APPROVAL_STATES, Outcome
from governance.approvals.standing import SYSTEM, set_state
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import PlacetError, WrongState

log = structlog.get_logger(__name__)


def check_can_ratify(change: ChangeRequest, choice: Outcome, now: datetime) -> None:
    """Raise WrongState for a decision that comes too late, or that an emergency cannot take."""
    if choice == Outcome.REQUEST_CHANGES:
        raise WrongState(
            "Your decision was not counted: this is applied already. Approve it as it is, or "
            "reject it and it is reverted."
        )
    deadline = _emergency(change).ratify_by
    if deadline is None or deadline <= now:
        raise WrongState("Your decision was not counted: the time to ratify this is over.")
    approval = Approval.objects.get(change=change)
    if choice != Outcome.REJECT and approval.state not in ("in_force", "suspended"):
        raise WrongState(
            f"Your decision was not counted: the approval is {approval.state} already, so there "
            "is nothing left to ratify. It must be proposed again."
        )


def ratify(change: ChangeRequest, actor: Actor, now: datetime) -> None:
    """Every sign-off is there: from now on it holds for as long as its policy says."""
    approval = _locked_approval(change)
    validity = timedelta(days=change.policy.validity_days)
    approval.valid_until = approval.valid_from + validity
    approval.save(update_fields=["valid_until"])
    change.closed_at = now
    move(change, "ratify", actor, now)
    write_event(
        actor, "emergency.ratified", change, now, after={"valid_until": approval.valid_until}
    )
    tell_proposer(change, f"Ratified: {change.title}", now)


def revert(change: ChangeRequest, actor: Actor, now: datetime, *, reason: str) -> None:
    """Take it back: its approval is revoked, those it replaced stand again, the effect is undone."""
    emergency = _emergency(change)
    kind = change_subjects[change.kind]
    locked_subject(change)
    approval = _locked_approval(change)
    if APPROVAL_STATES.allows(approval.state, "revoke"):
        set_state(approval, "revoke", now, reason)
        write_event(actor, "approval.revoke", change, now, reason=reason)
    _reinstate(emergency, actor, now)
    if not isinstance(kind, Revertible):
        raise WrongState(f"Nothing was reverted: {kind.label} cannot be taken back.")
    kind.revert(change, approval, emergency.remembered, actor, now)
    close(change, "revert", actor, now, reason=reason)
    write_event(actor, "emergency.reverted", change, now, reason=reason)
    tell_concerned(change, f"Reverted: {change.title}", now)


def _reinstate(emergency: Emergency, actor: Actor, now: datetime) -> None:
    """What it replaced, where its own validity lasts."""
    earlier = Approval.objects.select_for_update(of=("self",)).select_related("change__team")
    standing = earlier.filter(pk__in=emergency.replaced, state="superseded", valid_until__gt=now)
    for one in standing:
        set_state(one, "reinstate", now, "")
        write_event(actor, "approval.reinstate", one.change, now, reason=str(emergency))


def tell_concerned(change: ChangeRequest, title: str, now: datetime) -> None:
    """The board, and the two who let it through; the proposer is told on their own."""
    voices = change.decisions.filter(outcome=Outcome.EMERGENCY, is_void=False)
    board = holders(Permission.SIGN_BOARD, change.team, now=now)
    people = User.objects.filter(pk__in=voices.values("person")) | User.objects.filter(
        pk__in=board.values("pk")
    )
    told = people.filter(is_active=True).exclude(pk=change.proposer_id).distinct()
    notify(users=told, title=title, url=url_of(change), now=now)


def revert_overdue(*, now: datetime) -> int:
    """Revert what was not ratified in time, each in a transaction of its own; how many."""
    overdue = list(Emergency.objects.overdue(now).values_list("change", flat=True))
    return sum(_revert_overdue(pk, now) for pk in overdue)


def _revert_overdue(change_id: int, now: datetime) -> bool:
    try:
        with transaction.atomic():
            change = locked_change(change_id)
            if change.state != "provisional":
                return False
            revert(change, SYSTEM, now, reason="It was not ratified in time.")
    except PlacetError as refusal:
        log.warning("emergency_not_reverted", change=change_id, code=refusal.code)
        return False
    return True


def _locked_approval(change: ChangeRequest) -> Approval:
    return Approval.objects.select_for_update(of=("self",)).get(change=change)


def _emergency(change: ChangeRequest) -> Emergency:
    return Emergency.objects.get(change=change)
