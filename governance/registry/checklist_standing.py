"""Where checklist and pilot of a use case stand; reads that page, API and gates share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby

from django.urls import reverse

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Actor, Permission
from governance.registry import checklist
from governance.registry.models import ChecklistItem, UseCase
from governance.registry.pilot import Pilot, declared
from governance.registry.registries import GateEvidence, gate_evidence
from governance.registry.rules import MissingItem, Stage

WAIVES = (Permission.SIGN_SAFETY, Permission.SIGN_COMPLIANCE, Permission.SIGN_BOARD)


def today_of(now: datetime) -> date:
    """Days of waivers are days in UTC."""
    return now.astimezone(UTC).date()


@dataclass(frozen=True)
class Row:
    """An item with its state today."""

    item: ChecklistItem
    state: checklist.ItemState

    @property
    def is_settled(self) -> bool:
        return self.state in checklist.SETTLED


@dataclass(frozen=True)
class Phase:
    """The items of one phase."""

    name: str
    rows: list[Row]

    @property
    def open_count(self) -> int:
        return sum(not row.is_settled for row in self.rows)


def phases_of(use_case: UseCase, now: datetime) -> list[Phase]:
    """The checklist, by phase, in the order of the phases."""
    items = use_case.checklist.select_related("owner", "done_by", "waived_by")
    found = sorted(items, key=lambda one: (checklist.in_order(one.phase), one.pk))
    today = today_of(now)
    return [
        Phase(name, [Row(one, one.state(today)) for one in group])
        for name, group in groupby(found, key=lambda one: one.phase)
    ]


def missing_items(use_case: UseCase, now: datetime) -> list[MissingItem]:
    """What is neither done nor waived, in the order of the phases."""
    today = today_of(now)
    found = sorted(
        use_case.checklist.all(), key=lambda one: (checklist.in_order(one.phase), one.pk)
    )
    return [
        MissingItem(
            one.pk,
            one.phase,
            one.text,
            one.stage,
            has_run_out=one.state(today) == checklist.ItemState.RAN_OUT,
        )
        for one in found
        # The evaluation has a line of its own at the gate.
        if one.key != checklist.EVALUATION and one.state(today) not in checklist.SETTLED
    ]


def may_finish(actor: Actor, item: ChecklistItem) -> bool:
    is_owner = actor.user is not None and actor.user.pk == item.owner_id
    return is_owner or actor.may(Permission.USE_CASE_MANAGE, item.use_case.team)


def may_waive(actor: Actor, item: ChecklistItem) -> bool:
    """Whoever signs for safety, compliance or the board, but not the item's owner."""
    if actor.user is None or actor.user.pk == item.owner_id:
        return False
    return any(actor.may(one, item.use_case.team) for one in WAIVES)


def items_of(user: User, now: datetime) -> list[ChecklistItem]:
    """What waits for this person: their items, and ownerless ones whose waiver ran out."""
    today = today_of(now)
    theirs = ChecklistItem.objects.unsettled(today).filter(owner=user)
    left = ChecklistItem.objects.run_out(today).filter(owner=None, use_case__owner=user)
    return list((theirs | left).select_related("use_case").order_by("use_case_id", "pk"))


def pilot_of(use_case: UseCase) -> Pilot | None:
    """The pilot that was last decided on; it began when its change was applied."""
    changes = ChangeRequest.objects.filter(
        kind="use_case_stage",
        subject_id=use_case.pk,
        proposal__target=Stage.PILOT,
        closed_at__isnull=False,
        approval__isnull=False,
    )
    change = changes.order_by("-closed_at", "-pk").first()
    if change is None or change.closed_at is None:
        return None
    days, success = declared(change.proposal)
    return Pilot(days, success, change.closed_at)


def evaluation_gap(use_case: UseCase, now: datetime) -> str:
    """Until an app above knows of evaluations: the checklist item, done and with evidence."""
    done = use_case.checklist.filter(key=checklist.EVALUATION, done_at__isnull=False)
    if done.exclude(evidence="", evidence_link="").exists():
        return ""
    return "an evaluation: finish its checklist item, with a link to the result."


def _evaluation_url(use_case: UseCase) -> str:
    item = use_case.checklist.filter(key=checklist.EVALUATION).first()
    if item is None:
        return f"{reverse('registry:detail', args=[use_case.slug])}#checklist"
    return reverse("registry:item", args=[use_case.slug, item.pk])


_EVALUATION = GateEvidence(evaluation_gap, _evaluation_url)


def evidence_for(code: str) -> GateEvidence:
    """What an app above answers with; for the evaluation ours, while none does."""
    if code == checklist.EVALUATION and code not in gate_evidence:
        return _EVALUATION
    return gate_evidence[code]
