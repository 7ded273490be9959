"""Who has to sign, and by when: what opening a request freezes and the simulator shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.access.models import Team, User
from governance.access.selectors import holders
from governance.access.training_selectors import why_untrained_each
from governance.approvals.models import ApprovalPolicy, Delegation
from governance.approvals.registries import ChangeSubject, Parted
from governance.approvals.rules import Slot, cannot_be_filled
from governance.approvals.shapes import shape_of, titles
from governance.approvals.trained import Untrained, signatories_of, untrained_in_words
from governance.kernel.authority import Permission
from governance.kernel.errors import NotAllowed, WrongState
from governance.kernel.terms import RiskTier

HOURS_PER_BUSINESS_DAY = 8


@dataclass(frozen=True)
class PlannedSlot:
    """One needed signature: who may give it, and who holds the role but is in conflict."""

    roles: tuple[str, ...]
    position: int
    people: tuple[User, ...]
    left_out: tuple[User, ...]
    step: int = 1
    untrained: tuple[Untrained, ...] = ()

    @property
    def permission(self) -> Permission:
        """The first of its roles."""
        return Permission(self.roles[0])

    @property
    def label(self) -> str:
        return titles(self.roles)

    def as_slot(self) -> Slot:
        people = frozenset(person.pk for person in self.people)
        return Slot(self.position, people, step=self.step)


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


def policy_of(
    kind: ChangeSubject, subject: Any, proposal: dict[str, Any], tier: RiskTier
) -> ApprovalPolicy:
    """The policy of this proposal: for several together one that is made of theirs."""
    if isinstance(kind, Parted):
        return kind.policy(subject, proposal, tier)
    return policy_for(kind.kind, tier)


def plan_slots(
    sign_offs: Sequence[dict[str, Any]],
    team: Team | None,
    conflicted: Collection[int],
    now: datetime,
) -> list[PlannedSlot]:
    """Rules 1 and 2: every needed signature with those who may give it, no one in conflict.

    A share becomes a number of slots here, by those without a conflict, and stays that number.
    """
    slots: list[PlannedSlot] = []
    for asked in map(shape_of, sign_offs):
        found, untrained = signatories_of(asked.roles, team, now)
        people = tuple(one for one in found if one.pk not in conflicted)
        left_out = tuple(one for one in found if one.pk in conflicted)
        for _ in range(asked.needed(len(people))):
            slot = PlannedSlot(asked.roles, len(slots), people, left_out, asked.step, untrained)
            slots.append(slot)
    return slots


def holders_of(roles: Sequence[str], team: Team | None, now: datetime) -> list[User]:
    """Those who hold at least one of the roles now, each once, by name."""
    found = {one.pk: one for role in roles for one in holders(Permission(role), team, now=now)}
    return sorted(found.values(), key=lambda one: (one.name, one.pk))


def shortage(slots: Sequence[PlannedSlot]) -> dict[tuple[str, ...], int]:
    """How many slots of which roles no distinct person is left for; empty if all can."""
    unfilled = set(cannot_be_filled([slot.as_slot() for slot in slots], frozenset()))
    return dict(Counter(slot.roles for slot in slots if slot.position in unfilled))


def shortage_in_words(slots: Sequence[PlannedSlot], missing: Mapping[tuple[str, ...], int]) -> str:
    """As in "Board member (1 of 2), Compliance"; empty if nobody is missing."""
    needed = Counter(slot.roles for slot in slots)
    return ", ".join(
        titles(roles) + (f" ({count} of {needed[roles]})" if needed[roles] > 1 else "")
        for roles, count in missing.items()
    )


def why_blocked(slots: Sequence[PlannedSlot]) -> str:
    """Rule 6, in a sentence: who is missing; empty if distinct people exist for all slots."""
    who = shortage_in_words(slots, shortage(slots))
    if not who:
        return ""
    return (
        f"nobody without a conflict could sign as {who}. "
        f"{untrained_in_words(slots)}An administrator can grant the role to somebody else."
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
    permissions = {role for slot in slots for role in slot.roles}
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
            SlotOutlook(slot, tuple(_stand_ins(slot, delegations, proposer, now))) for slot in slots
        ),
        blocked=why_blocked(slots),
    )


def _stand_ins(
    slot: PlannedSlot, delegations: Sequence[Delegation], proposer: User, now: datetime
) -> list[StandIn]:
    """A delegate carries the delegator's conflicts, and their own."""
    holding = {person.pk for person in (*slot.people, *slot.left_out)}
    found = []
    untrained = {
        role: why_untrained_each([one.delegate for one in delegations], role, now)
        for role in slot.roles
    }
    for one in delegations:
        if one.permission not in slot.roles or one.delegator_id not in holding:
            continue
        why_not = ""
        if one.delegator_id == proposer.pk:
            why_not = f"{one.delegator.name} proposes it, so nobody signs in their place."
        elif one.delegate_id == proposer.pk:
            why_not = f"{one.delegate.name} proposes it."
        elif why_untrained := untrained[one.permission].get(one.delegate_id):
            why_not = f"{why_untrained}."
        found.append(StandIn(one, why_not))
    return found
