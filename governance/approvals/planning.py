"""Who has to sign, and by when: what opening a request freezes and the simulator shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.access.models import Team, User
from governance.access.selectors import holders
from governance.approvals.models import ApprovalPolicy, Delegation
from governance.approvals.rules import Slot, cannot_be_filled, signs_as
from governance.kernel.authority import Permission
from governance.kernel.errors import NotAllowed, WrongState
from governance.kernel.terms import RiskTier

HOURS_PER_BUSINESS_DAY = 8


@dataclass(frozen=True)
class PlannedSlot:
    """One needed signature: who may give it, and who holds the role but is in conflict."""

    permission: Permission
    position: int
    people: tuple[User, ...]
    left_out: tuple[User, ...]

    @property
    def label(self) -> str:
        return signs_as(self.permission)

    def as_slot(self) -> Slot:
        return Slot(self.position, frozenset(person.pk for person in self.people))


def policy_for(kind: str, tier: RiskTier) -> ApprovalPolicy:
    """The policy that a request opened now would be under; raises NotAllowed or WrongState."""
    if tier == RiskTier.UNACCEPTABLE:
        raise NotAllowed("Nothing was opened: an unacceptable risk cannot be approved by anyone.")
    policy = ApprovalPolicy.objects.filter(kind=kind, tier=tier, active=True).first()
    if policy is None:
        raise WrongState(
            f"Nothing was opened: no approval policy covers {kind.replace('_', ' ')} at tier "
            f"{tier}. The board must set one first."
        )
    return policy


def plan_slots(
    sign_offs: Sequence[dict[str, Any]],
    team: Team | None,
    conflicted: Collection[int],
    now: datetime,
) -> list[PlannedSlot]:
    """Rules 1 and 2: every needed signature with those who may give it, no one in conflict."""
    slots: list[PlannedSlot] = []
    for sign_off in sign_offs:
        permission = Permission(sign_off["permission"])
        found = list(holders(permission, team, now=now))
        people = tuple(one for one in found if one.pk not in conflicted)
        left_out = tuple(one for one in found if one.pk in conflicted)
        for _ in range(sign_off["count"]):
            slots.append(PlannedSlot(permission, len(slots), people, left_out))
    return slots


def shortage(
    slots: Sequence[PlannedSlot], without: frozenset[int] = frozenset()
) -> dict[Permission, int]:
    """How many slots of which permission no distinct person is left for; empty if all can."""
    unfilled = set(cannot_be_filled([slot.as_slot() for slot in slots], without))
    return dict(Counter(slot.permission for slot in slots if slot.position in unfilled))


def shortage_in_words(slots: Sequence[PlannedSlot], missing: dict[Permission, int]) -> str:
    """As in "Board member (1 of 2), Compliance"; empty if nobody is missing."""
    needed = Counter(slot.permission for slot in slots)
    return ", ".join(
        signs_as(permission)
        + (f" ({count} of {needed[permission]})" if needed[permission] > 1 else "")
        for permission, count in missing.items()
    )


def why_blocked(slots: Sequence[PlannedSlot]) -> str:
    """Rule 6, in a sentence: who is missing; empty if distinct people exist for all slots."""
    who = shortage_in_words(slots, shortage(slots))
    if not who:
        return ""
    return (
        f"nobody without a conflict could sign as {who}. "
        "An administrator can grant the role to somebody else."
    )


def business_hours_after(now: datetime, hours: int) -> datetime:
    """`hours` working hours later, as whole working days of eight hours, weekends left out."""
    days, moment = max(1, hours // HOURS_PER_BUSINESS_DAY), now
    while days:
        moment += timedelta(days=1)
        if moment.weekday() < 5:
            days -= 1
    return moment


@dataclass(frozen=True)
class StandIn:
    """Somebody who may sign in a person's place; `why_not` says what keeps them from it."""

    delegation: Delegation
    why_not: str = ""


@dataclass(frozen=True)
class SlotOutlook:
    """A slot with those who stand in for its people now."""

    slot: PlannedSlot
    stand_ins: tuple[StandIn, ...]


@dataclass(frozen=True)
class Outlook:
    """What would happen to a request that was opened now; `blocked` says why it could not be."""

    policy: ApprovalPolicy
    due_at: datetime
    slots: tuple[SlotOutlook, ...]
    blocked: str


def simulate(
    *, kind: str, tier: RiskTier, team: Team | None, proposer: User, now: datetime
) -> Outlook:
    """Who would have to sign this, and by when? Writes nothing; raises as opening would."""
    policy = policy_for(kind, tier)
    slots = plan_slots(policy.sign_offs, team, {proposer.pk}, now)
    permissions = {slot.permission for slot in slots}
    delegations = list(
        Delegation.objects.usable(now)
        .filter(permission__in=permissions)
        .select_related("delegator", "delegate")
        .order_by("pk")
    )
    return Outlook(
        policy=policy,
        due_at=business_hours_after(now, policy.decision_hours),
        slots=tuple(
            SlotOutlook(slot, tuple(_stand_ins(slot, delegations, proposer))) for slot in slots
        ),
        blocked=why_blocked(slots),
    )


def _stand_ins(
    slot: PlannedSlot, delegations: Sequence[Delegation], proposer: User
) -> list[StandIn]:
    """A delegate carries the delegator's conflicts, and their own."""
    holding = {person.pk for person in (*slot.people, *slot.left_out)}
    found = []
    for one in delegations:
        if one.permission != slot.permission or one.delegator_id not in holding:
            continue
        why_not = ""
        if one.delegator_id == proposer.pk:
            why_not = f"{one.delegator.name} proposes it, so nobody signs in their place."
        elif one.delegate_id == proposer.pk:
            why_not = f"{one.delegate.name} proposes it."
        found.append(StandIn(one, why_not))
    return found
