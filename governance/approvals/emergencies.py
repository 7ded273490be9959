"""Emergency changes: asked for by the proposer, let through by two, applied at once.

What is lifted is the full quorum, and nothing else. What the gate misses (a prohibited use, a
missing card or price, a sensitivity above its ceiling) is refused as ever: once when the request
is opened, and again at the instant it is applied.

The two who let it through do not fill its sign-offs afterwards. Rule 2 counts natural persons
who have not decided yet, and an independent look at what was done in a hurry is worth more than
the same two signing twice. So there must be enough other people, which is checked before.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from governance.approvals.deciding import StaleChange, put_in_force
from governance.approvals.emergency_models import Emergency
from governance.approvals.models import Approval, ChangeRequest, Decision, SignOffSlot
from governance.approvals.moving import (
    locked_change,
    locked_subject,
    move,
    tell_proposer,
    tell_signatories,
    write_event,
)
from governance.approvals.planning import HOURS_PER_BUSINESS_DAY, business_hours_after
from governance.approvals.ratifying import tell_concerned
from governance.approvals.registries import Revertible, change_subjects
from governance.approvals.rules import (
    EMERGENCY_DAYS,
    EMERGENCY_VOICES,
    Outcome,
    Slot,
    can_be_ratified,
)
from governance.approvals.seating import have_spoken
from governance.approvals.standing import has_moved, mark_stale, replaced_by
from governance.approvals.trained import trained_for
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState


@transaction.atomic
def ask_emergency(*, actor: Actor, change_id: int, why_now: str, now: datetime) -> Emergency:
    """The proposer says why an open request of theirs cannot wait for all its sign-offs.

    Raises WrongState for a kind that cannot be taken back, or when too few people are there to
    let it through and still ratify it.
    """
    change = locked_change(change_id)
    if actor.user is None or actor.user.pk != change.proposer_id:
        raise NotAllowed(f"Nothing was changed: only {change.proposer} can do this.")
    if change.state != "open":
        raise WrongState("Nothing was changed: only an open request can be an emergency.")
    why_now = why_now.strip()
    if not why_now or len(why_now) > 1000:
        raise Invalid(
            "Nothing was changed: say in at most 1,000 characters why it cannot wait.",
            fields={"why_now": ["Say why it cannot wait."]},
        )
    _check_can_be_one(change)
    try:
        with transaction.atomic():
            emergency = Emergency.objects.create(change=change, why_now=why_now, asked_at=now)
    except IntegrityError:
        raise WrongState("Nothing was changed: this is an emergency already.") from None
    write_event(actor, "emergency.asked", change, now, reason=why_now)
    tell_signatories(change, now, title=f"Cannot wait: {change.title}")
    return emergency


def _check_can_be_one(change: ChangeRequest) -> None:
    kind = change_subjects[change.kind]
    if not isinstance(kind, Revertible):
        raise WrongState(
            f"Nothing was changed: {kind.label.lower()} cannot be taken back, so it waits for "
            "all its sign-offs."
        )
    if not can_be_ratified(_slots(change), have_spoken(change)):
        raise WrongState(
            f"Nothing was changed: {EMERGENCY_VOICES} people let an emergency through and others "
            "ratify it, and there are too few who may sign this. An administrator can grant "
            "the role to somebody else."
        )


def let_through(
    *, actor: Actor, change_id: int, rationale: str, digest_seen: str, now: datetime
) -> Decision:
    """One of the two voices; the second one applies it at once, until it is to be ratified.

    Each is in the frozen set of some sign-off, still holds its role, has no conflict and has
    not decided; nobody does it in somebody's place.
    """
    try:
        with transaction.atomic():
            return _let_through(actor, change_id, rationale.strip(), digest_seen, now)
    except StaleChange:
        # The mark must survive the refusal, so it has a transaction of its own.
        mark_stale(change_id=change_id, now=now)
        raise


def _let_through(
    actor: Actor, change_id: int, rationale: str, digest_seen: str, now: datetime
) -> Decision:
    change = locked_change(change_id)
    emergency = Emergency.objects.filter(change=change).first()
    if emergency is None or change.state != "open" or change.expires_at <= now:
        raise WrongState("Your voice was not counted: this is not an open emergency.")
    if digest_seen != change.digest:
        raise Conflict(
            "Your voice was not counted: the request was revised while you read it. "
            "Read the new revision first."
        )
    locked_subject(change)
    if has_moved(change):
        raise StaleChange(
            "Your voice was not counted: what is proposed, or what it replaces, has changed "
            "since this was opened. The proposer must revise it."
        )
    if not rationale:
        raise Invalid(
            "Your voice was not counted: say why it cannot wait for the others.",
            fields={"rationale": ["Say why."]},
        )
    slot = _voice_for(change, actor, now)
    decision = Decision.objects.create(
        change=change,
        revision=change.revision,
        slot=slot,
        person=actor.user,
        outcome=Outcome.EMERGENCY,
        rationale=rationale[:5000],
        digest_seen=digest_seen,
        at=now,
    )
    after = {"outcome": Outcome.EMERGENCY, "digest": digest_seen, "signs_as": slot.label}
    write_event(actor, "change.decided", change, now, reason=rationale, after=after)
    if voices_of(change) >= EMERGENCY_VOICES:
        _apply_at_once(change, emergency, actor, now)
    return decision


def voices_of(change: ChangeRequest) -> int:
    return change.decisions.filter(outcome=Outcome.EMERGENCY, is_void=False).count()


def _voice_for(change: ChangeRequest, actor: Actor, now: datetime) -> SignOffSlot:
    """Under which role the person lets it through; raises NotAllowed, or WrongState."""
    if actor.kind != "person" or actor.user is None:
        raise NotAllowed("Decisions are made by people.")
    spoken = have_spoken(change)
    if actor.user.pk in change.conflicted or actor.user.pk in spoken:
        raise NotAllowed(
            "Your voice was not counted: you have decided already, or you proposed this, wrote "
            "its content or own what it benefits."
        )
    own = [
        slot
        for slot in change.slots.filter(eligible=actor.user)
        if any(actor.may(Permission(role), change.team) for role in slot.roles)
    ]
    trained_for([role for slot in own for role in slot.roles], actor.user, now)
    if not own:
        raise NotAllowed("Your voice was not counted: no sign-off of this request is yours.")
    missing = EMERGENCY_VOICES - voices_of(change) - 1
    if not can_be_ratified(_slots(change), spoken | {actor.user.pk}, missing):
        raise WrongState(
            "Your voice was not counted: without you nobody would be left to ratify it. Sign it "
            "in your role when it is applied."
        )
    return own[0]


def may_let_through(change: ChangeRequest, actor: Actor, now: datetime) -> bool:
    """Whether the person's voice would count now."""
    if change.state != "open" or not Emergency.objects.filter(change=change).exists():
        return False
    try:
        _voice_for(change, actor, now)
    except (NotAllowed, WrongState):
        return False
    return True


def may_ask(change: ChangeRequest, actor: Actor) -> bool:
    """Whether the proposer can make it an emergency now."""
    is_proposer = actor.user is not None and actor.user.pk == change.proposer_id
    if not is_proposer or change.state != "open":
        return False
    is_revertible = isinstance(change_subjects[change.kind], Revertible)
    return is_revertible and not Emergency.objects.filter(change=change).exists()


def _apply_at_once(
    change: ChangeRequest, emergency: Emergency, actor: Actor, now: datetime
) -> None:
    kind = change_subjects[change.kind]
    missing = kind.missing(kind.find(change.subject_id), change.proposal)
    if missing:
        raise WrongState(
            "Nothing was applied: an emergency lifts the quorum, not the gate. Still missing: "
            + " ".join(missing)
        )
    if not isinstance(kind, Revertible):
        raise WrongState(f"Nothing was applied: {kind.label.lower()} cannot be taken back.")
    emergency.remembered = kind.remember(change)
    emergency.applied_at, emergency.ratify_by = now, ratify_by(change, now)
    move(change, "let_through", actor, now)
    approval = put_in_force(change, actor, now, until=emergency.ratify_by)
    replaced = Approval.objects.filter(
        kind=approval.kind, state="superseded", end_reason=replaced_by(approval)
    )
    emergency.replaced = list(replaced.values_list("pk", flat=True))
    emergency.save()
    change.due_at = emergency.ratify_by
    change.save(update_fields=["due_at"])
    until = {"ratify_by": emergency.ratify_by}
    write_event(actor, "emergency.applied", change, now, reason=emergency.why_now, after=until)
    tell_proposer(change, f"Let through, to be ratified: {change.title}", now)
    tell_concerned(change, f"Applied as an emergency, to be ratified: {change.title}", now)


def ratify_by(change: ChangeRequest, now: datetime) -> datetime:
    """The policy's time to decide, and never more than three working days."""
    hours = min(change.policy.decision_hours, EMERGENCY_DAYS * HOURS_PER_BUSINESS_DAY)
    return business_hours_after(now, hours)


def _slots(change: ChangeRequest) -> list[Slot]:
    return [slot.as_slot() for slot in change.slots.prefetch_related("eligible")]
