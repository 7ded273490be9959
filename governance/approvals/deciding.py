"""Decide on exactly what was seen. The rules stand here, never only in a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from governance.access.models import User
from governance.approvals.models import (
    Approval,
    ChangeRequest,
    Condition,
    Decision,
    Delegation,
    SignOffSlot,
)
from governance.approvals.moving import (
    close,
    locked_change,
    locked_subject,
    move,
    tell_proposer,
    write_event,
)
from governance.approvals.registries import change_subjects
from governance.approvals.rules import FAVOURABLE, Outcome, slot_to_fill
from governance.approvals.standing import has_moved, mark_stale, supersede_others
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState


@dataclass(frozen=True)
class NewCondition:
    """A condition that comes with an approval."""

    text: str
    owner: User
    due_on: date


class StaleChange(Conflict):
    """The content, or what it replaces, has changed since the request was opened."""

    code = "stale"


def decide(
    *,
    actor: Actor,
    change_id: int,
    outcome: str,
    rationale: str,
    digest_seen: str,
    now: datetime,
    conditions: Sequence[NewCondition] = (),
) -> Decision:
    """Decide on exactly what was seen. The last needed sign-off applies the change at once.

    Raises Conflict when the content or what it replaces is no longer what was seen,
    NotAllowed for a person outside the frozen set, WrongState when it is decided already.
    """
    try:
        with transaction.atomic():
            return _decide(
                actor, change_id, outcome, rationale, digest_seen, now, tuple(conditions)
            )
    except StaleChange:
        # The mark must survive the refusal, so it has a transaction of its own.
        mark_stale(change_id=change_id, now=now)
        raise


def _decide(
    actor: Actor,
    change_id: int,
    outcome: str,
    rationale: str,
    digest_seen: str,
    now: datetime,
    conditions: tuple[NewCondition, ...],
) -> Decision:
    change = locked_change(change_id)
    choice = _outcome(outcome)
    if change.state != "open":
        raise WrongState(
            f"Your decision was not counted: this request is {change.state.replace('_', ' ')}."
        )
    if change.expires_at <= now:
        raise WrongState("Your decision was not counted: this request ran out undecided.")
    _check_seen(change, digest_seen)
    locked_subject(change)
    if has_moved(change):
        raise StaleChange(
            "Your decision was not counted: what is proposed, or what it replaces, has changed "
            "since this was opened. The proposer must revise it."
        )
    _check_words(choice, rationale, conditions)
    seat = _seat_for(change, actor, now)
    decision = _write_decision(change, seat, actor, choice, rationale, digest_seen, now)
    for condition in conditions:
        Condition.objects.create(
            change=change,
            text=condition.text,
            owner=condition.owner,
            due_on=condition.due_on,
        )
    _follow(change, choice, actor, now)
    return decision


def _outcome(word: str) -> Outcome:
    try:
        return Outcome(word)
    except ValueError:
        raise Invalid(
            "Nothing was decided: choose one of the outcomes.", fields={"outcome": ["Choose one."]}
        ) from None


def _check_seen(change: ChangeRequest, digest_seen: str) -> None:
    if digest_seen != change.digest:
        raise Conflict(
            "Your decision was not counted: the request was revised while you read it. "
            "Read the new revision and decide again; your words are still on the page."
        )


def _check_words(choice: Outcome, rationale: str, conditions: Sequence[NewCondition]) -> None:
    if choice in (Outcome.REJECT, Outcome.REQUEST_CHANGES) and not rationale.strip():
        raise Invalid(
            "Nothing was decided: say why, so that the proposer can act on it.",
            fields={"rationale": ["Say why."]},
        )
    if choice == Outcome.APPROVE_WITH_CONDITIONS and not conditions:
        raise Invalid(
            "Nothing was decided: name at least one condition with its owner and date.",
            fields={"condition": ["Name a condition, its owner and its date."]},
        )


@dataclass(frozen=True)
class Seat:
    """The slot that a person would fill, and in whose place (None: in their own)."""

    slot: SignOffSlot
    delegator: User | None = None


def _seat_for(change: ChangeRequest, actor: Actor, now: datetime) -> Seat:
    """In their own right first, else in the place of whom they stand in for."""
    if actor.kind != "person":
        raise NotAllowed("Decisions are made by people.")
    if actor.user.pk in change.conflicted:
        raise NotAllowed(
            "Your decision was not counted: you proposed this, wrote its content or own what it "
            "benefits. Somebody else must sign."
        )
    slots = list(change.slots.prefetch_related("eligible"))
    spoken = _have_spoken(change)
    own = slot_to_fill([slot.as_slot() for slot in slots], actor.user.pk, spoken)
    seats = [Seat(slot) for slot in slots if slot.pk == own]
    if actor.user.pk not in spoken:
        seats += _seats_in_place(slots, actor.user, spoken, now)
    for seat in seats:
        # Frozen when opened; but who lost the role or the account since cannot sign with it.
        if (seat.delegator or actor.user).may(Permission(seat.slot.permission), change.team):
            return seat
    if seats:
        raise NotAllowed("Your decision was not counted: the role to sign is no longer held.")
    raise NotAllowed(
        "Your decision was not counted: no open sign-off of this request is yours to give, nor "
        "of anybody you stand in for who has no conflict, or it was decided with already."
    )


def _have_spoken(change: ChangeRequest) -> frozenset[int]:
    """Who has decided, or has been decided for: one sign-off each, whoever gave it."""
    standing = change.decisions.filter(is_void=False)
    pairs = standing.values_list("person_id", "on_behalf_of_id")
    return frozenset(one for pair in pairs for one in pair if one is not None)


def delegations_to(delegate: User, now: datetime) -> QuerySet[Delegation]:
    """Those that let this person sign in somebody's place now."""
    usable = Delegation.objects.usable(now).filter(delegate=delegate)
    return usable.select_related("delegator").order_by("pk")


def _seats_in_place(
    slots: list[SignOffSlot], delegate: User, spoken: frozenset[int], now: datetime
) -> list[Seat]:
    """What each delegator could sign under the permission they passed on.

    Who is in conflict was never eligible, so nobody signs in their place either.
    """
    seats = []
    for delegation in delegations_to(delegate, now):
        delegator = delegation.delegator
        # Under another permission the delegator is not stood in for.
        views = [
            slot.as_slot()
            if slot.permission == delegation.permission
            else replace(slot.as_slot(), eligible=slot.as_slot().eligible - {delegator.pk})
            for slot in slots
        ]
        chosen = slot_to_fill(views, delegator.pk, spoken | {delegate.pk})
        seats += [Seat(slot, delegator) for slot in slots if slot.pk == chosen]
    return seats


def seat_of(change: ChangeRequest, actor: Actor, now: datetime) -> Seat | None:
    """What a decision of this person would fill now; None if it would not count."""
    if change.state != "open":
        return None
    try:
        return _seat_for(change, actor, now)
    except NotAllowed:
        return None


def _write_decision(
    change: ChangeRequest,
    seat: Seat,
    actor: Actor,
    choice: Outcome,
    rationale: str,
    digest_seen: str,
    now: datetime,
) -> Decision:
    decision = Decision.objects.create(
        change=change,
        revision=change.revision,
        slot=seat.slot,
        person=actor.user,
        on_behalf_of=seat.delegator,
        outcome=choice,
        rationale=rationale.strip(),
        digest_seen=digest_seen,
        at=now,
    )
    if choice in FAVOURABLE:
        seat.slot.filled_by = actor.user
        seat.slot.save(update_fields=["filled_by"])
    after = {"outcome": choice, "digest": digest_seen, "signs_as": seat.slot.label}
    if seat.delegator is not None:
        after["on_behalf_of"] = str(seat.delegator)
    write_event(actor, "change.decided", change, now, reason=rationale, after=after)
    return decision


def _follow(change: ChangeRequest, choice: Outcome, actor: Actor, now: datetime) -> None:
    if choice == Outcome.REJECT:
        close(change, "reject", actor, now)
    elif choice == Outcome.REQUEST_CHANGES:
        move(change, "request_changes", actor, now)
        tell_proposer(change, f"Changes are asked for: {change.title}", now)
    elif choice in FAVOURABLE and not change.slots.filter(filled_by=None).exists():
        _grant(change, actor, now)


def _grant(change: ChangeRequest, actor: Actor, now: datetime) -> Approval:
    """Rule 7: the approval stands and the change is applied, in this one transaction."""
    move(change, "grant", actor, now)
    environment = str(change.proposal.get("environment", ""))
    approval = Approval.objects.create(
        change=change,
        kind=change.kind,
        subject_id=change.subject_id,
        digest=change.digest,
        environment=environment,
        valid_from=now,
        valid_until=now + timedelta(days=change.policy.validity_days),
    )
    supersede_others(approval, [change.subject_id], now)
    after = {"digest": approval.digest, "valid_until": approval.valid_until}
    write_event(actor, "approval.granted", change, now, after=after)
    change_subjects[change.kind].apply(change, approval, actor, now)
    change.closed_at = now
    move(change, "apply", actor, now)
    tell_proposer(change, f"Approved and applied: {change.title}", now)
    return approval
