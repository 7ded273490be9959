"""Double reviews, calibrations and their answers, built small."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.access.models import User
from governance.kernel.authority import Actor
from reviews.decisions.models import ReviewDecision
from reviews.decisions.registries import Kept
from reviews.decisions.services import decide
from reviews.quality.calibrations import make_calibration, offer
from reviews.quality.models import Calibration, CalibrationAnswer, DoubleReview, QualitySettings
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_item
from tests.factories.reviews import make_item, make_member, make_queue


def make_double(slots: int = 2, *, is_blind: bool = True, **facts: Any) -> Queue:
    """A queue in which several people decide everything."""
    queue = make_queue(**facts)
    QualitySettings.objects.create(queue=queue, double_share=100, slots=slots, is_blind=is_blind)
    return queue


def judge(
    person: User, item: ReviewItem, verdict: str = "approve", *, now: datetime, **more: Any
) -> ReviewDecision | Kept:
    """Claim and decide."""
    actor = Actor.person(person)
    claim_item(actor=actor, item_id=item.pk, now=now)
    more.setdefault("rationale", "Because." if verdict == "reject" else "")
    return decide(actor=actor, item_id=item.pk, verdict=verdict, now=now, **more)


def make_known(
    queue: Queue, now: datetime, *, verdict: str = "approve", text: str = "the answer"
) -> Calibration:
    """A calibration, made of an item that somebody else decided."""
    lead = make_member(queue, "review_lead")
    item = make_item(queue, text)
    judge(lead, item, verdict, now=now)
    return make_calibration(
        actor=Actor.person(lead), item_id=item.pk, verdict=verdict, why="Look at it.", now=now
    )


def make_answer(
    queue: Queue, person: User, now: datetime, verdict: str = "approve"
) -> CalibrationAnswer:
    """What the person says to their next calibration item; half of what they get is one."""
    QualitySettings.objects.update_or_create(queue=queue, defaults={"calibration_share": 50})
    actor, item = Actor.person(person), None
    while (item := offer(actor, queue, now)) is None:
        # Not yet their turn: one decision more.
        judge(person, make_item(queue), now=now)
    why = "Because." if verdict in ("reject", "escalate") else ""
    decide(actor=actor, item_id=item.pk, verdict=verdict, rationale=why, now=now)
    return CalibrationAnswer.objects.get(pk=item.pk)


def make_judged(
    people: dict[str, User], now: datetime
) -> tuple[DoubleReview, Calibration, CalibrationAnswer]:
    """In the only queue: a dispute, a calibration, and the reviewer's answer to it."""
    queue = Queue.objects.get()
    calibration = make_known(queue, now)
    answer = make_answer(queue, people["reviewer"], now)
    QualitySettings.objects.update(double_share=100, calibration_share=0)
    item = make_item(queue)
    for verdict in ("approve", "reject"):
        judge(make_member(queue), item, verdict, now=now)
    QualitySettings.objects.update(double_share=0)
    return item.double_review, calibration, answer
