"""What the page and the API show of who signs a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from governance.approvals.conflicts import may_declare
from governance.approvals.deciding import Seat, seat_of
from governance.approvals.models import ChangeRequest, DeclaredConflict
from governance.approvals.replanning import may_replan
from governance.approvals.rules import DECIDABLE, ORDINARY, UNDECIDED, Outcome
from governance.approvals.seating import (
    Step,
    have_spoken,
    slots_in_want,
    steps_of,
    turn_in_words,
    veto_in_words,
    why_stuck,
)
from governance.kernel.authority import Actor


@dataclass(frozen=True)
class Signing:
    """The steps with their slots, who declared a conflict, what blocks it, what one may do."""

    steps: list[Step]
    conflicts: list[DeclaredConflict]
    veto: str
    blocked: str
    seat: Seat | None
    not_yet: str
    can_declare: bool
    can_replan: bool
    is_applied: bool = False

    @property
    def outcomes(self) -> list[Outcome]:
        """A veto only rejects."""
        if self.seat is not None and self.seat.slot is None:
            return [Outcome.REJECT]
        if self.is_applied:
            # It can be ratified as it is, or reverted.
            return [one for one in ORDINARY if one != Outcome.REQUEST_CHANGES]
        return list(ORDINARY)


def signing_of(change: ChangeRequest, actor: Actor, now: datetime) -> Signing:
    """How it stands now, for this person."""
    is_undecided = change.state in UNDECIDED
    seat, steps, not_yet = seat_of(change, actor, now), steps_of(change), ""
    if seat is None and change.state in DECIDABLE:
        slots = [slot for step in steps for slot in step.slots]
        not_yet = turn_in_words(slots, actor.user, have_spoken(change), now)
    # Elsewhere nobody signs: a new revision asks everybody anew.
    blocked = why_stuck(slots_in_want(change)) if change.state in DECIDABLE else ""
    return Signing(
        steps=steps,
        conflicts=list(change.declared_conflicts.select_related("person")),
        veto=veto_in_words(change),
        blocked=blocked,
        seat=seat,
        not_yet=not_yet,
        can_declare=is_undecided and may_declare(actor, change),
        can_replan=bool(blocked) and may_replan(actor, change),
        is_applied=change.state == "provisional",
    )
