"""Decide on exactly what was seen. The rules stand here, never only in a form."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import transaction

from governance.access.models import User
from governance.approvals.models import (
    Approval,
    ChangeRequest,
    Condition,
    Decision,
    SignOffSlot,
)
from governance.approvals.moving import (
    close,
    locked_change,
    locked_subject,
    move,
    tell_proposer,
    tell_signatories,
    write_event,
)
from governance.approvals.pointing import check_points, write_points
from governance.approvals.ratifying import check_can_ratify, ratify, revert
from governance.approvals.registries import Parted, PartRefused, change_subjects
from governance.approvals.rules import DECIDABLE, FAVOURABLE, ORDINARY, Outcome, slot_to_fill
from governance.approvals.seating import delegations_to, have_spoken, turn_in_words, veto_of
from governance.approvals.shapes import titles
from governance.approvals.standing import has_moved, mark_stale, supersede_others
from governance.approvals.trained import trained_for
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
    points: Sequence[str] = (),
) -> Decision:
    """Decide on exactly what was seen. The last needed sign-off applies the change at once.

    Raises Conflict when the content or what it replaces is no longer what was seen,
    NotAllowed for a person outside the frozen set, WrongState when it is decided already.
    """
    try:
        with transaction.atomic():
            return _decide(
                actor,
                change_id,
                outcome,
                rationale,
                digest_seen,
                now,
                tuple(conditions),
                tuple(points),
            )
    except StaleChange:
        # The mark must survive the refusal, so it has a transaction of its own.
        mark_stale(change_id=change_id, now=now)
        raise
    except PartRefused as refused:
        change = ChangeRequest.objects.get(pk=change_id)
        kind = change_subjects[change.kind]
        if isinstance(kind, Parted):
            kind.write_refusal(change_id, refused, now)
        raise


def _decide(
    actor: Actor,
    change_id: int,
    outcome: str,
    rationale: str,
    digest_seen: str,
    now: datetime,
    conditions: tuple[NewCondition, ...],
    points: tuple[str, ...],
) -> Decision:
    change = locked_change(change_id)
    choice = _outcome(outcome)
    if change.state not in DECIDABLE:
        raise WrongState(
            f"Your decision was not counted: this request is {change.state.replace('_', ' ')}."
        )
    if change.expires_at <= now:
        raise WrongState("Your decision was not counted: this request ran out undecided.")
    _check_seen(change, digest_seen)
    locked_subject(change)
    if change.state == "provisional":
        check_can_ratify(change, choice, now)
    elif has_moved(change):
        raise StaleChange(
            "Your decision was not counted: what is proposed, what it replaces or the evidence has "
            "changed since this was opened. The page says what. The proposer must revise it."
        )
    _check_words(choice, rationale, conditions)
    asked = check_points(choice, points)
    seat = _seat_for(change, actor, now)
    _check_outcome_fits(seat, choice)
    decision = _write_decision(change, seat, actor, choice, rationale, digest_seen, now)
    write_points(decision, asked, actor, now)
    for condition in conditions:
        Condition.objects.create(
            change=change,
            text=condition.text,
            owner=condition.owner,
            due_on=condition.due_on,
            decision=decision,
        )
    _follow(change, choice, seat, actor, now)
    return decision


def _outcome(word: str) -> Outcome:
    if word not in ORDINARY:
        raise Invalid(
            "Nothing was decided: choose one of the outcomes.", fields={"outcome": ["Choose one."]}
        )
    return Outcome(word)


def _check_seen(change: ChangeRequest, digest_seen: str) -> None:
    if digest_seen != change.digest:
        raise Conflict(
            "Your decision was not counted: the request was revised while you read it. "
            "Read the new revision and decide again; your words are still on the page."
        )


def _check_words(choice: Outcome, rationale: str, conditions: Sequence[NewCondition]) -> None:
    if choice == Outcome.REJECT and not rationale.strip():
        raise Invalid(
            "Nothing was decided: say why, so that the proposer can act on it.",
            fields={"rationale": ["Say why."]},
        )
    if choice == Outcome.APPROVE_WITH_CONDITIONS and not conditions:
        raise Invalid(
            "Nothing was decided: name at least one condition with its owner and date.",
            fields={"condition": ["Name a condition, its owner and its date."]},
        )


def _check_outcome_fits(seat: Seat, choice: Outcome) -> None:
    if seat.slot is None and choice != Outcome.REJECT:
        raise NotAllowed(
            "Your decision was not counted: you may stop this request, but no open sign-off of "
            "it is yours to give."
        )


@dataclass(frozen=True)
class Seat:
    """The slot that a person would fill, and in whose place (None: in their own).

    Without a slot it is a veto by a role: all they may do is reject.
    """

    slot: SignOffSlot | None
    delegator: User | None = None
    roles: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """As what they decide."""
        return self.slot.label if self.slot is not None else f"{titles(self.roles)}, by veto"

    def is_held(self, person: User, change: ChangeRequest, trained: Collection[str]) -> bool:
        """Frozen when opened; but who lost the role or the account since cannot sign with it.

        `trained` are the roles for which whoever decides has their training.
        """
        signs = self.delegator or person
        held = [role for role in self.roles if role in trained]
        return any(signs.may(Permission(role), change.team) for role in held)


def _seat_for(change: ChangeRequest, actor: Actor, now: datetime) -> Seat:
    """In their own right first, else in the place of whom they stand in for."""
    if actor.kind != "person":
        raise NotAllowed("Decisions are made by people.")
    if actor.user.pk in change.conflicted:
        raise NotAllowed(
            "Your decision was not counted: you proposed this, wrote its content, own what it "
            "benefits or declared a conflict. Somebody else must sign."
        )
    slots = list(change.slots.prefetch_related("eligible"))
    spoken = have_spoken(change)
    own = slot_to_fill([slot.as_slot() for slot in slots], actor.user.pk, spoken)
    seats = [Seat(slot, roles=slot.roles) for slot in slots if slot.pk == own]
    if actor.user.pk not in spoken:
        seats += _seats_in_place(slots, actor.user, spoken, now)
        veto = veto_of(change, actor.user)
        seats += [Seat(None, roles=(veto,))] if veto else []
    trained = trained_for([role for seat in seats for role in seat.roles], actor.user, now)
    for seat in seats:
        if seat.is_held(actor.user, change, trained):
            return seat
    if seats:
        raise NotAllowed("Your decision was not counted: the role to sign is no longer held.")
    later = turn_in_words(slots, actor.user, spoken, now)
    raise NotAllowed(
        f"Your decision was not counted. {later}"
        if later
        else "Your decision was not counted: no open sign-off of this request is yours to give, "
        "nor of anybody you stand in for who has no conflict, or it was decided with already."
    )


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
            if delegation.permission in slot.roles
            else replace(slot.as_slot(), eligible=slot.as_slot().eligible - {delegator.pk})
            for slot in slots
        ]
        chosen = slot_to_fill(views, delegator.pk, spoken | {delegate.pk})
        roles = (delegation.permission,)
        seats += [Seat(slot, delegator, roles) for slot in slots if slot.pk == chosen]
    return seats


def seat_of(change: ChangeRequest, actor: Actor, now: datetime) -> Seat | None:
    """What a decision of this person would fill now; None if it would not count."""
    if change.state not in DECIDABLE:
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
    if seat.slot is not None and choice in FAVOURABLE:
        seat.slot.filled_by = actor.user
        seat.slot.save(update_fields=["filled_by"])
    after = {"outcome": choice, "digest": digest_seen, "signs_as": seat.label}
    if seat.delegator is not None:
        after["on_behalf_of"] = str(seat.delegator)
    write_event(actor, "change.decided", change, now, reason=rationale, after=after)
    return decision


def _follow(
    change: ChangeRequest, choice: Outcome, seat: Seat, actor: Actor, now: datetime
) -> None:
    if choice == Outcome.REJECT and change.state == "provisional":
        revert(change, actor, now, reason="A signatory did not ratify it.")
    elif choice == Outcome.REJECT:
        close(change, "reject", actor, now)
    elif choice == Outcome.REQUEST_CHANGES:
        move(change, "request_changes", actor, now)
        tell_proposer(change, f"Changes are asked for: {change.title}", now)
    elif choice in FAVOURABLE and seat.slot is not None:
        _go_on(change, seat.slot, actor, now)


def _go_on(change: ChangeRequest, filled: SignOffSlot, actor: Actor, now: datetime) -> None:
    """After a signature: the last one grants or ratifies, the last of a step asks the next."""
    free = change.slots.filter(filled_by=None)
    if not free.exists():
        if change.state == "provisional":
            ratify(change, actor, now)
        else:
            _grant(change, actor, now)
    elif not free.filter(step__lte=filled.step).exists():
        tell_signatories(change, now)


def _grant(change: ChangeRequest, actor: Actor, now: datetime) -> None:
    """Rule 7: the approval stands and the change is applied, in this one transaction."""
    move(change, "grant", actor, now)
    kind = change_subjects[change.kind]
    if isinstance(kind, Parted):
        kind.apply_parts(change, actor, now)
    else:
        put_in_force(change, actor, now, until=now + timedelta(days=change.policy.validity_days))
    change.closed_at = now
    move(change, "apply", actor, now)
    tell_proposer(change, f"Approved and applied: {change.title}", now)


def put_in_force(
    change: ChangeRequest, actor: Actor, now: datetime, *, until: datetime
) -> Approval:
    """The approval of exactly what was decided on, in place of the one before, and its effect."""
    environment = str(change.proposal.get("environment", ""))
    approval = Approval.objects.create(
        change=change,
        kind=change.kind,
        subject_id=change.subject_id,
        digest=change.digest,
        environment=environment,
        valid_from=now,
        valid_until=until,
    )
    supersede_others(approval, [change.subject_id], now)
    after = {"digest": approval.digest, "valid_until": approval.valid_until}
    write_event(actor, "approval.granted", change, now, after=after)
    change_subjects[change.kind].apply(change, approval, actor, now)
    return approval
