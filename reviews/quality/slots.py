"""Double review: N people decide one item, each for themselves; the answer leaves when all agree.

Everything here runs with the item locked, inside the decision. A filled slot sends the item back
to the queue for the next person; a disagreement sends it to a lead who filled no slot.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from governance.access.models import User
from governance.access.selectors import holders
from governance.audit.services import record
from governance.home.absences import reached
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.encryption import encrypt
from governance.kernel.errors import NotAllowed
from reviews.decisions.registries import Kept
from reviews.decisions.rules import LONGEST_SECONDS, Verdict
from reviews.quality import costs, rules
from reviews.quality.models import DoubleReview, Opinion, QualitySettings, opinion_context
from reviews.quality.rules import DOUBLE_STATES, DoubleState
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import put_back

if TYPE_CHECKING:
    from reviews.decisions.rules import Judgement

IN_BUT_NOT_FINAL = "Your decision is in. The answer waits until all that it needs are in."


def plan_double_review(item: ReviewItem, now: datetime) -> None:
    """Whether several people decide the item, from its call's id and the share of this moment."""
    settings = QualitySettings.objects.filter(queue_id=item.queue_id).first()
    if settings is None or not rules.is_double(item.call_id, settings.double_share):
        return
    DoubleReview.objects.create(
        item=item,
        slots=settings.slots,
        share=settings.double_share,
        is_blind=settings.is_blind,
    )


def without_own_slots(items: QuerySet[ReviewItem], user: User) -> QuerySet[ReviewItem]:
    """For the pull: nothing the person filled a slot of, nothing that waits for a lead."""
    mine = Opinion.objects.filter(item=OuterRef("pk"), person=user)
    full = DoubleReview.objects.filter(item=OuterRef("pk")).exclude(state=DoubleState.COLLECTING)
    return items.exclude(Exists(mine)).exclude(Exists(full))


def check_can_claim(item: ReviewItem, actor: Actor) -> None:
    """Raises NotAllowed for a second slot, and for a dispute of somebody who is no lead."""
    review = DoubleReview.objects.filter(item=item).first()
    if review is not None:
        _check_slot(review, actor)


def may_adjudicate(actor: Actor, queue: Queue) -> bool:
    return actor.may(Permission.REVIEW_MANAGE, queue) and actor.may(Permission.REVIEW_WORK, queue)


def _check_slot(review: DoubleReview, actor: Actor) -> None:
    if review.item.opinions.filter(person=actor.user).exists():
        raise NotAllowed(
            "Nothing was done: you have judged this answer. Others judge it for themselves."
        )
    if review.is_full and not may_adjudicate(actor, review.item.queue):
        raise NotAllowed("Nothing was done: a review lead decides what the reviewers left open.")


def keep_opinion(
    item: ReviewItem, judgement: Judgement, actor: Actor, now: datetime
) -> Kept | None:
    """Fill a slot. None lets this decision become the final one: the last slot, in agreement, or
    the lead's. Escalating fills no slot.
    """
    review = DoubleReview.objects.select_for_update().filter(item=item).first()
    if review is None or judgement.verdict == Verdict.ESCALATE:
        return None
    review.item = item
    _check_slot(review, actor)
    if review.is_full:
        _close(review, "adjudicate", actor, now)
        return None
    filled = list(item.opinions.all())
    filled.append(_fill(item, len(filled) + 1, judgement, actor, now))
    if len(filled) < review.slots:
        put_back(item, "share")
    elif rules.agree([(one.verdict, one.answer_sha256) for one in filled]):
        _close(review, "agree", actor, now)
        return None
    else:
        put_back(item, "share")
        _close(review, "dispute", actor, now)
        _tell_leads(item, filled, now)
    return Kept(IN_BUT_NOT_FINAL)


def _fill(
    item: ReviewItem, slot: int, judgement: Judgement, actor: Actor, now: datetime
) -> Opinion:
    made = Opinion(
        item=item,
        slot=slot,
        person=actor.user,
        verdict=judgement.verdict,
        rationale=judgement.rationale,
        labels=list(judgement.labels),
        seconds_spent=min(judgement.seconds_spent, LONGEST_SECONDS),
        at=now,
    )
    after = {"slot": slot, "verdict": judgement.verdict, "call": str(item.call_id)}
    if judgement.verdict == Verdict.CORRECT:
        text = judgement.corrected_text or ""
        made.answer_sha256 = text_digest(rules.normalised(text))
        made.text_sealed = encrypt(text, context=opinion_context(made))
        made.keep_until = item.call.payload.keep_until
        after["corrected_sha256"] = text_digest(text)
    if judgement.rationale:
        after["rationale_sha256"] = text_digest(judgement.rationale)
    made.save(force_insert=True)
    costs.book_opinion(made, now)
    record(
        actor=actor,
        action="review.slot_filled",
        subject=item,
        now=now,
        after=after,
        team_id=item.call.team_id,
    )
    return made


def _close(review: DoubleReview, action: str, actor: Actor, now: datetime) -> None:
    before = {"state": review.state}
    review.state, review.closed_at = DOUBLE_STATES.target(review.state, action), now
    review.save(update_fields=["state", "closed_at"])
    record(
        actor=actor,
        action=f"review.{review.state}",
        subject=review.item,
        now=now,
        before=before,
        after={"state": review.state, "call": str(review.item.call_id)},
        team_id=review.item.call.team_id,
    )


def _tell_leads(item: ReviewItem, filled: list[Opinion], now: datetime) -> None:
    judged = [one.person_id for one in filled]
    leads = holders(Permission.REVIEW_MANAGE, item.queue, now=now).exclude(pk__in=judged)
    url = reverse("quality:adjudication", args=[item.pk])
    told = reached(
        leads, lambda one: may_adjudicate(Actor.person(one), item.queue) and one.pk not in judged
    )
    notify(users=told, title=f"Reviewers disagree on {item}", url=url, now=now)


@transaction.atomic
def adopt(*, actor: Actor, item: ReviewItem, slot: int, why: str, now: datetime) -> None:
    """A lead who holds the item makes one of the opinions the final decision."""
    from reviews.decisions.services import decide  # decides by the hook above

    opinion: Opinion = item.opinions.get(slot=slot)
    spent = int((now - item.claimed_at).total_seconds()) if item.claimed_at else 0
    decide(
        actor=actor,
        item_id=item.pk,
        verdict=opinion.verdict,
        corrected_text=opinion.text(),
        rationale=why or opinion.rationale,
        labels=opinion.labels,
        seconds_spent=spent,
        now=now,
    )
