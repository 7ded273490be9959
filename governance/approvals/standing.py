"""The life of an approval that was granted: suspend, resume, revoke, expire, its conditions."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from governance.access.models import User
from governance.approvals.models import Approval, ChangeRequest, Condition
from governance.approvals.moving import (
    close,
    locked_change,
    tell_proposer,
    url_of,
    write_event,
)
from governance.approvals.registries import Resumable, change_subjects, resume_obstacles
from governance.approvals.replanning import changes_left, tend_slots
from governance.approvals.rules import APPROVAL_STATES, NOTICE_DAYS, notice_due
from governance.approvals.shapes import roles_of
from governance.approvals.staleness import go_stale, what_moved
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, PlacetError, WrongState
from governance.kernel.web import get_or_404

log = structlog.get_logger(__name__)

BY_PEOPLE = ("suspend", "resume", "revoke")
SYSTEM = Actor.system("approvals")


@transaction.atomic
def end_approval(
    *, actor: Actor, approval_id: int, action: str, reason: str, now: datetime
) -> Approval:
    """Suspend, resume or revoke a standing approval; `action` is the arrow's name.

    Signatories of its kind may, and whoever commands incidents may suspend. Nobody resumes
    what they proposed, wrote or own, and nothing is resumed under an overdue condition.
    """
    approval = _locked(approval_id)
    check_can_end(actor, approval, action)
    if not reason.strip():
        raise Invalid("Nothing was changed: say why.", fields={"reason": ["Say why."]})
    if action == "resume":
        _check_can_resume(approval, now)
    set_state(approval, action, now, reason)
    write_event(actor, f"approval.{action}", approval.change, now, reason=reason)
    _carry_out(approval, action, actor, now, reason)
    if actor.user is None or actor.user.pk != approval.change.proposer_id:
        words = f"Approval {approval.state.replace('_', ' ')}: {approval.change.title}"
        tell_proposer(approval.change, words, now)
    return approval


def _carry_out(approval: Approval, action: str, actor: Actor, now: datetime, reason: str) -> None:
    """What the kind does when its approval ends or is back."""
    kind = change_subjects[approval.kind]
    if action in ("suspend", "revoke", "expire"):
        kind.end(approval, actor, now, reason)
    elif action == "resume" and isinstance(kind, Resumable):
        kind.resume(approval, actor, now)


def set_state(approval: Approval, action: str, now: datetime, reason: str) -> None:
    """Move it along its arrow; raises WrongState."""
    approval.state = APPROVAL_STATES.target(approval.state, action)
    is_back = approval.state == "in_force"
    approval.ended_at = None if is_back else now
    approval.end_reason = "" if is_back else reason[:300]
    approval.save(update_fields=["state", "ended_at", "end_reason"])


def supersede_others(approval: Approval, subject_ids: list[int], now: datetime) -> None:
    """End the approvals of those subjects that the new one takes the place of."""
    older = Approval.objects.select_for_update().filter(
        kind=approval.kind,
        environment=approval.environment,
        subject_id__in=subject_ids,
        state__in=["in_force", "suspended"],
    )
    for one in older.exclude(pk=approval.pk):
        set_state(one, "supersede", now, replaced_by(approval))


def replaced_by(approval: Approval) -> str:
    """Why the ones before it ended."""
    return f"Replaced by change {approval.change_id}"


@transaction.atomic
def put_back(
    *, actor: Actor, current_id: int, earlier_id: int, reason: str, now: datetime
) -> Approval:
    """For a roll-back: the current approval is revoked, the superseded one in force again.

    Who may roll back is the caller's to check. Raises WrongState for an earlier one that was
    suspended, revoked or has run out.
    """
    current, earlier = _locked(current_id), _locked(earlier_id)
    if APPROVAL_STATES.allows(current.state, "revoke"):
        set_state(current, "revoke", now, f"Rolled back: {reason}")
        write_event(actor, "approval.revoke", current.change, now, reason=reason)
    if earlier.state != "in_force":
        set_state(earlier, "reinstate", now, reason)
        write_event(actor, "approval.reinstate", earlier.change, now, reason=reason)
    return earlier


def check_can_end(actor: Actor, approval: Approval, action: str) -> None:
    """Raise NotAllowed unless the actor may take that action."""
    if actor.kind == "person" and action not in BY_PEOPLE:
        raise NotAllowed("Nothing was changed: people suspend, resume or revoke an approval.")
    change = approval.change
    signatories = roles_of(change.policy.sign_offs)
    may_sign = any(actor.may(Permission(one), change.team) for one in signatories)
    may_contain = action == "suspend" and actor.may(Permission.INCIDENT_COMMAND)
    if not may_sign and not may_contain:
        raise NotAllowed(
            "Nothing was changed: those who sign this kind of change end and resume its "
            "approvals, and who commands incidents can suspend them."
        )
    if action == "resume" and actor.user is not None and actor.user.pk in change.conflicted:
        raise NotAllowed(
            "Nothing was changed: you proposed this, wrote its content or own what it benefits. "
            "Somebody else must put it back in force."
        )


def may_end(actor: Actor, approval: Approval, action: str) -> bool:
    """Whether `check_can_end` lets the actor and the state has the arrow."""
    if not APPROVAL_STATES.allows(approval.state, action):
        return False
    try:
        check_can_end(actor, approval, action)
    except NotAllowed:
        return False
    return True


def _check_can_resume(approval: Approval, now: datetime) -> None:
    if approval.valid_until <= now:
        raise WrongState("Nothing was changed: its validity ran out. It must be proposed again.")
    overdue = overdue_conditions(approval.change, now).first()
    if overdue is not None:
        raise WrongState(
            f"Nothing was changed: a condition is overdue (“{overdue}”). "
            f"{overdue.owner} must meet it first."
        )
    for asked in resume_obstacles.values():
        if because := asked(approval, now):
            raise WrongState(f"Nothing was changed: {because}")


def overdue_conditions(change: ChangeRequest, now: datetime) -> QuerySet[Condition]:
    """Its own, and those of the bundle that it was granted with."""
    binds = Q(change=change) | Q(change__made_bundle__parts=change)
    return Condition.objects.filter(binds).overdue(now).select_related("owner")


@transaction.atomic
def meet_condition(*, actor: Actor, condition_id: int, evidence: str, now: datetime) -> Condition:
    """The owner says that it is met, and shows by what."""
    condition: Condition = get_or_404(
        Condition.objects.select_for_update(of=("self",)).select_related("change__proposer"),
        pk=condition_id,
    )
    if actor.user is None or actor.user.pk != condition.owner_id:
        raise NotAllowed("Nothing was changed: only the condition's owner can meet it.")
    if condition.met_at is not None:
        raise WrongState("Nothing was changed: this condition is met already.")
    if not evidence.strip():
        raise Invalid(
            "Nothing was changed: say by what it is met.", fields={"evidence": ["Say by what."]}
        )
    condition.met_at, condition.evidence = now, evidence.strip()[:500]
    condition.save(update_fields=["met_at", "evidence"])
    write_event(actor, "condition.met", condition.change, now, reason=evidence)
    return condition


def keep_house(*, now: datetime) -> None:
    """Expire requests and approvals, suspend under overdue conditions, give notice, mark stale.

    Each thing has its own transaction: one that refuses is logged and the others go on.
    """
    for change_id in changes_left(now):
        _free_slots(change_id, now)
    for change in ChangeRequest.objects.filter(state="open"):
        _tend_change(change, now)
    # An emergency that nobody ratified is reverted instead (ratifying.py).
    over = Approval.objects.unended().exclude(change__state="provisional")
    for pk in over.filter(valid_until__lte=now).values_list("pk", flat=True):
        _end_by_itself(pk, "expire", "Its validity ran out.", now)
    overdue = Condition.objects.overdue(now).values("change")
    bound = Q(change__in=overdue) | Q(change__bundle__change__in=overdue)
    in_force = Approval.objects.filter(bound, state="in_force")
    for pk in in_force.values_list("pk", flat=True):
        _end_by_itself(pk, "suspend", "A condition is overdue.", now)
    give_notices(now=now)


def _free_slots(change_id: int, now: datetime) -> None:
    """Of those whose role ended by itself, or while the request was being opened."""
    try:
        tend_slots(actor=SYSTEM, change_id=change_id, now=now)
    except PlacetError as refusal:
        log.warning("slots_not_freed", change=change_id, code=refusal.code)


def _tend_change(change: ChangeRequest, now: datetime) -> None:
    try:
        if change.expires_at <= now:
            expire_change(change_id=change.pk, now=now)
        else:
            mark_stale(change_id=change.pk, now=now)
    except PlacetError as refusal:
        log.warning("change_not_tended", change=change.pk, code=refusal.code)


def _end_by_itself(approval_id: int, action: str, reason: str, now: datetime) -> None:
    try:
        end_approval(actor=SYSTEM, approval_id=approval_id, action=action, reason=reason, now=now)
    except PlacetError as refusal:
        log.warning("approval_not_ended", approval=approval_id, code=refusal.code)


@transaction.atomic
def expire_change(*, change_id: int, now: datetime) -> bool:
    """Close an open request that nobody decided in time; whether it was still open."""
    change = locked_change(change_id)
    if change.state != "open" or change.expires_at > now:
        return False
    close(change, "expire", SYSTEM, now)
    return True


@transaction.atomic
def mark_stale(*, change_id: int, now: datetime) -> bool:
    """Mark an open request whose content, base or evidence has moved; whether it had."""
    change = locked_change(change_id)
    if change.state != "open":
        return False
    because = what_moved(change)
    if because:
        go_stale(change, because, SYSTEM, now)
    return bool(because)


def has_moved(change: ChangeRequest) -> bool:
    """Whether content, base or evidence is no longer what the request was opened with."""
    return bool(what_moved(change))


def give_notices(*, now: datetime) -> int:
    """Tell 30, 7 and 1 days before an approval runs out, each once; how many were told of.

    Told are the owner of what it benefits, its authors, the proposer and the signatories.
    """
    soon = Approval.objects.in_force(now).filter(
        valid_until__lte=now + timedelta(days=max(NOTICE_DAYS))
    )
    # Whoever ratifies an emergency sees its deadline; it has no end to be told of yet.
    soon = soon.exclude(change__state="provisional")
    given = 0
    for approval in soon.select_related("change__proposer"):
        given += _give_notice(approval, now)
    return given


@transaction.atomic
def _give_notice(approval: Approval, now: datetime) -> bool:
    days_left = math.ceil((approval.valid_until - now) / timedelta(days=1))
    due = notice_due(days_left, approval.noticed_days)
    if due is None:
        return False
    approval.noticed_days = due
    approval.save(update_fields=["noticed_days"])
    change = approval.change
    signed = change.slots.exclude(filled_by=None).values_list("filled_by", flat=True)
    concerned = {*change.conflicted, change.proposer_id, *signed}
    people = User.objects.filter(pk__in=concerned, is_active=True)
    title = f"Runs out in {days_left} day{'' if days_left == 1 else 's'}: {change.title}"
    notify(users=people, title=title, url=url_of(change), now=now)
    return True


def _locked(approval_id: int) -> Approval:
    approvals = Approval.objects.select_for_update(of=("self",))
    found: Approval = get_or_404(
        approvals.select_related("change__team", "change__policy", "change__proposer"),
        pk=approval_id,
    )
    return found
