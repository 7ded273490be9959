"""The end of an undo window: taken back by its person, or final by the clock; never both.

Both lock the item first and then the decision, and both ask the database's clock.
"""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.errors import NotFound, WrongState
from reviews.decisions import services
from reviews.decisions.drafts import keep_draft
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import PENDING_STATES, Judgement, PendingState, Verdict
from reviews.decisions.working_models import PendingDecision
from reviews.queues import services as queues
from reviews.queues.models import ReviewItem
from reviews.queues.rights import check_can_work
from reviews.queues.rules import LEASE, REVIEW_ITEM_STATES, ItemState

LATE = (
    "Nothing was undone: the time to undo has passed and the decision is final. A review lead can "
    "overturn it; an answer that was delivered cannot be unsaid."
)


def due_ids(most: int = 500) -> list[UUID]:
    """Decisions whose undo time has passed, oldest first."""
    due = PendingDecision.objects.filter(state=PendingState.WAITING, final_at__lte=Now())
    return list(due.order_by("final_at").values_list("pk", flat=True)[:most])


@transaction.atomic
def finalise(*, pending_id: UUID, now: datetime) -> ReviewDecision | None:
    """Make it final if its time has passed and nothing came before; None if not."""
    item_id = PendingDecision.objects.values_list("item_id", flat=True).filter(pk=pending_id)
    found = item_id.first()
    if found is None:
        return None
    item = queues.locked_item(found)
    pending = _locked(pk=pending_id, final_at__lte=Now())
    if pending is None:
        return None
    if item.state != ItemState.PENDING:
        _settle(pending, "lapse", now)
        return None
    judgement = _judgement(pending)
    _settle(pending, "finalise", now)
    actor = Actor.person(pending.person)
    return services.settle(item, judgement, actor, pending.at, "finalise")


@transaction.atomic
def undo(*, actor: Actor, item_id: UUID, now: datetime) -> ReviewItem:
    """Take one's own decision back: the item and what was typed are with this person again.

    Raises WrongState when it is final, NotFound when it is somebody else's.
    """
    item = queues.locked_item(item_id)
    check_can_work(actor, item.queue)
    waiting = _locked(item=item)
    if waiting is None:
        raise WrongState(LATE if item.state == ItemState.DECIDED else "There is nothing to undo.")
    if waiting.person_id != actor.user.pk:
        raise NotFound("There is no such decision, or it is not yours to undo.")
    if _locked(item=item, final_at__gt=Now()) is None:
        raise WrongState(LATE)
    judgement = _judgement(waiting)
    _settle(waiting, "undo", now)
    item.state = REVIEW_ITEM_STATES.target(item.state, "undo")
    item.claimed_by, item.lease_until = actor.user, now + LEASE
    item.save(update_fields=["state", "claimed_by", "lease_until"])
    keep_draft(actor=actor, item=item, content=_typed(judgement), now=now)
    record(
        actor=actor,
        action="review.undone",
        subject=item,
        now=now,
        before={"verdict": judgement.verdict},
        after={"queue": item.queue.slug, "state": item.state, "call": str(item.call_id)},
        team_id=item.call.team_id,
    )
    return item


def lapse_of_calls(call_ids: list[UUID], now: datetime) -> int:
    """Those whose call's texts are erased are nobody's any more. In the caller's transaction."""
    waiting = PendingDecision.objects.filter(
        state=PendingState.WAITING, item__call__in=call_ids
    ).select_for_update(of=("self",))
    found = list(waiting)
    for pending in found:
        _settle(pending, "lapse", now)
    return len(found)


def _locked(**lookup: object) -> PendingDecision | None:
    waiting = PendingDecision.objects.select_for_update(of=("self",)).select_related("person")
    return waiting.filter(state=PendingState.WAITING, **lookup).first()


def _settle(pending: PendingDecision, action: str, now: datetime) -> None:
    pending.state = PENDING_STATES.target(pending.state, action)
    pending.settled_at = now
    pending.seal(None)
    pending.save(update_fields=["state", "settled_at", "text_sealed"])


def _judgement(pending: PendingDecision) -> Judgement:
    return Judgement(
        Verdict(pending.verdict),
        pending.text(),
        pending.rationale,
        tuple(pending.labels),
        pending.seconds_spent,
    )


def _typed(judgement: Judgement) -> str:
    content = {"rationale": judgement.rationale, "labels": list(judgement.labels)}
    if judgement.corrected_text is not None:
        content["corrected_text"] = judgement.corrected_text
    return json.dumps(content)
