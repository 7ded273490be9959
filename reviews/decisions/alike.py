"""Decide low-risk answers of identical content together, each with its own record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min, QuerySet

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, WrongState
from governance.kernel.terms import RiskTier
from reviews.decisions import services
from reviews.decisions.rules import Verdict
from reviews.queues import services as queues
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rights import check_can_work
from reviews.queues.rules import ItemState
from reviews.queues.taking import unconflicted

MOST_AT_ONCE = 100
VERDICTS = (Verdict.APPROVE, Verdict.REJECT)


@dataclass(frozen=True)
class Group:
    """Waiting answers of one content: how many, the first to fall due, of which use case."""

    response_hash: str
    count: int
    due_at: datetime
    use_case: str


def low_risk(items: QuerySet[ReviewItem]) -> QuerySet[ReviewItem]:
    """Of minimal risk, in which the screens found nothing."""
    return items.filter(call__use_case__tier=RiskTier.MINIMAL, call__findings=[]).exclude(
        call__response_hash=""
    )


def groups_of(queue: Queue, user: User, now: datetime) -> list[Group]:
    """What could be decided together, the largest first."""
    free = unconflicted(ReviewItem.objects.filter(queue=queue).claimable(now), user)
    rows = (
        low_risk(free)
        .order_by()
        .values("call__response_hash", "call__use_case__title", "output_contract")
        .annotate(many=Count("pk"), due=Min("due_at"))
        .filter(many__gte=2)
        .order_by("-many", "due")
    )
    return [
        Group(row["call__response_hash"], row["many"], row["due"], row["call__use_case__title"])
        for row in rows[:50]
    ]


def others_like(item: ReviewItem, user: User, now: datetime) -> QuerySet[ReviewItem]:
    """Free items of the same queue, use case, contract and content as this one; none if it is no low risk."""
    if not low_risk(ReviewItem.objects.filter(pk=item.pk)).exists():
        return ReviewItem.objects.none()
    free = ReviewItem.objects.filter(
        queue=item.queue_id,
        call__response_hash=item.call.response_hash,
        call__use_case=item.call.use_case_id,
        output_contract=item.output_contract,
    ).claimable(now)
    return low_risk(unconflicted(free, user)).exclude(pk=item.pk).order_by("due_at", "pk")


@transaction.atomic
def claim_one_of(*, actor: Actor, queue: Queue, response_hash: str, now: datetime) -> ReviewItem:
    """One item of a group, so that this person may read what all of them say."""
    check_can_work(actor, queue)
    held = ReviewItem.objects.filter(
        queue=queue,
        state=ItemState.CLAIMED,
        claimed_by=actor.user,
        lease_until__gte=now,
        call__response_hash=response_hash,
    ).first()
    if held is not None:
        return held
    free = ReviewItem.objects.filter(queue=queue, call__response_hash=response_hash).claimable(now)
    found = low_risk(unconflicted(free, actor.user)).order_by("due_at", "pk").first()
    if found is None:
        raise Conflict("Nothing was claimed: colleagues have taken these meanwhile.")
    return queues.claim_item(actor=actor, item_id=found.pk, now=now)


@transaction.atomic
def decide_alike(
    *,
    actor: Actor,
    item_id: UUID,
    others: Sequence[UUID],
    verdict: str,
    rationale: str,
    now: datetime,
    labels: Sequence[str] = (),
    seconds_spent: int = 0,
) -> list[Any]:
    """The same verdict on the item this person holds and on the others, or on none of them.

    Raises WrongState when one of them is not identical or no low risk, Conflict when somebody
    took one meanwhile.
    """
    item = queues.held_item(actor, item_id, now)
    if verdict not in VERDICTS:
        raise Invalid(
            "Nothing was decided: many at once are approved or rejected.",
            fields={"verdict": ["Choose approve or reject."]},
        )
    wanted = list(dict.fromkeys(others))
    if not wanted or len(wanted) > MOST_AT_ONCE:
        raise Invalid(f"Nothing was decided: choose 1 to {MOST_AT_ONCE} others.")
    _check_alike(item, wanted, actor, now)
    for one in sorted(wanted):
        queues.claim_item(actor=actor, item_id=one, now=now)
    share = seconds_spent // (len(wanted) + 1)
    return [
        services.decide(
            actor=actor,
            item_id=one,
            verdict=verdict,
            rationale=rationale,
            labels=labels,
            seconds_spent=share,
            now=now,
        )
        for one in (item.pk, *sorted(wanted))
    ]


def _check_alike(item: ReviewItem, wanted: Sequence[UUID], actor: Actor, now: datetime) -> None:
    alike = set(others_like(item, actor.user, now).values_list("pk", flat=True))
    missing = set(wanted) - alike
    if not missing:
        return
    there = ReviewItem.objects.filter(pk__in=missing, queue=item.queue_id)
    same = low_risk(there.filter(call__response_hash=item.call.response_hash)).count()
    if same == len(missing):
        raise Conflict(
            "Nothing was decided: colleagues have taken some of these meanwhile. "
            "Look again at what is left."
        )
    raise WrongState(
        "Nothing was decided: only answers of identical content, of minimal risk and without "
        "findings, are decided together. Decide the others one by one."
    )
