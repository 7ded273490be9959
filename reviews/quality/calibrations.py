"""Calibration: items with known answers, mixed into the pull, that never leave and cost nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, QuerySet
from django.urls import reverse

from governance.access.models import User
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from reviews.decisions.models import ReviewDecision
from reviews.decisions.registries import Kept
from reviews.decisions.rules import Verdict
from reviews.quality.models import (
    Calibration,
    CalibrationAnswer,
    Exercise,
    Opinion,
    QualitySettings,
)
from reviews.quality.rules import LONGEST_WHY, is_calibration_turn, rank_of
from reviews.queues.models import Queue, ReviewItem, Skip
from reviews.queues.rights import check_can_work
from reviews.queues.rules import REVIEW_ITEM_STATES, ItemState
from reviews.queues.services import claim_locked, open_and_claim

if TYPE_CHECKING:
    from reviews.decisions.rules import Judgement

TIMES = ("created_at", "first_touch_due_at", "warn_at", "due_at")
NOW_KNOWN = "This was a calibration item: nothing left by it. Its known answer can be read now."


def check_can_calibrate(actor: Actor, queue: Queue) -> None:
    if not actor.may(Permission.REVIEW_MANAGE, queue):
        raise NotAllowed(f"Nothing was changed: the review leads of {queue} keep its calibrations.")


@transaction.atomic
def make_calibration(
    *, actor: Actor, item_id: UUID, verdict: str, why: str, now: datetime
) -> Calibration:
    """From an item that people decided, with the verdict that is right and why it is."""
    item: ReviewItem = get_or_404(
        ReviewItem.objects.select_for_update(of=("self",)).select_related("queue", "call__payload"),
        pk=item_id,
    )
    check_can_calibrate(actor, item.queue)
    why = why.strip()
    problems: dict[str, list[str]] = {}
    if verdict not in (Verdict.APPROVE, Verdict.CORRECT, Verdict.REJECT):
        problems["verdict"] = ["Choose approve, correct or reject."]
    if not why or len(why) > LONGEST_WHY:
        problems["why"] = [f"Say in at most {LONGEST_WHY:,} characters why this is right."]
    if problems:
        raise Invalid("No calibration was made. What you typed is still here.", fields=problems)
    if not item.decisions.exclude(verdict=Verdict.ESCALATE).exists():
        raise WrongState("No calibration was made: only an item that a person decided has one.")
    if Calibration.objects.filter(source=item).exists():
        raise Conflict("No calibration was made: there is one of this item already.")
    made = Calibration.objects.create(
        source=item, queue=item.queue, verdict=verdict, why=why, made_by=actor.user, made_at=now
    )
    _record(actor, "calibration.made", made, now, reason=why)
    return made


@transaction.atomic
def retire(*, actor: Actor, calibration_id: int, now: datetime) -> Calibration:
    """Offer it to nobody any more. Its answers stay."""
    found: Calibration = get_or_404(
        Calibration.objects.select_for_update(of=("self",)).select_related("queue"),
        pk=calibration_id,
    )
    check_can_calibrate(actor, found.queue)
    if found.retired_at is not None:
        raise WrongState("Nothing was changed: it is retired already.")
    found.retired_at = now
    found.save(update_fields=["retired_at"])
    _record(actor, "calibration.retired", found, now)
    return found


def are_mixed_in(user: User, queue: Queue) -> Exists:
    """Whether the queue has a share of calibration items."""
    return Exists(QualitySettings.objects.filter(queue=queue, calibration_share__gt=0))


def offer(actor: Actor, queue: Queue, now: datetime) -> ReviewItem | None:
    """The person's calibration item, if their next item is one. The caller locked the person."""
    settings = QualitySettings.objects.filter(queue=queue).first()
    if settings is None or settings.calibration_share == 0:
        return None
    check_can_work(actor, queue)
    user: User = actor.user
    unfinished = (
        ReviewItem.everything.select_for_update(of=("self",))
        .filter(queue=queue, gates=None, exercise__person=user)
        .exclude(state=ItemState.DECIDED)
        .first()
    )
    if unfinished is not None and unfinished.is_held_by(user, now):
        return unfinished
    holds = ReviewItem.objects.filter(queue=queue, claimed_by=user, lease_until__gte=now)
    turn = turns_taken(queue, user)
    if holds.filter(state=ItemState.CLAIMED).exists() or not is_calibration_turn(
        queue.pk, user.pk, turn, settings.calibration_share
    ):
        return None
    if unfinished is not None:
        return claim_locked(unfinished, actor, now)
    return _begin(queue, actor, now)


def turns_taken(queue: Queue, user: User) -> int:
    """How often the person was done with an item of the queue: decided or skipped it."""
    answers = CalibrationAnswer.objects.filter(exercise__person=user)
    done: tuple[QuerySet[ReviewDecision] | QuerySet[Opinion] | QuerySet[Skip], ...] = (
        ReviewDecision.objects.filter(person=user, item__queue=queue),
        Opinion.objects.filter(person=user, item__queue=queue),
        Skip.objects.filter(person=user, item__queue=queue),
    )
    known = answers.filter(exercise__item__queue=queue).count()
    return known + sum(rows.count() for rows in done)


def open_to(queue: Queue, user: User) -> QuerySet[Calibration]:
    """Calibrations that the person has not met, whose answer they cannot know."""
    return (
        Calibration.objects.filter(
            queue=queue, retired_at=None, source__call__payload__destroyed_at=None
        )
        .exclude(made_by=user)
        .exclude(source__call__requester=user)
        .exclude(exercises__person=user)
        .exclude(source__decisions__person=user)
        .exclude(source__opinions__person=user)
    )


def _begin(queue: Queue, actor: Actor, now: datetime) -> ReviewItem | None:
    """A new item, claimed, that looks like those that wait beside it."""
    user: User = actor.user
    ids = open_to(queue, user).values_list("pk", flat=True)
    chosen = min(ids, key=lambda pk: rank_of(pk, user.pk), default=None)
    if chosen is None:
        return None
    calibration = Calibration.objects.select_related("source__call").get(pk=chosen)
    source = calibration.source
    item = open_and_claim(
        ReviewItem(
            queue=queue,
            call=source.call,
            gates=None,
            reason=source.reason,
            output_contract=source.output_contract,
            created_at=now,
        ),
        actor,
        now,
    )
    beside = queue.items.filter(state=ItemState.WAITING).order_by("due_at", "pk").first()
    if beside is not None:
        for name in TIMES:
            setattr(item, name, getattr(beside, name))
        item.save(update_fields=TIMES)
    Exercise.objects.create(item=item, calibration=calibration, person=user)
    return item


def answer(item: ReviewItem, judgement: Judgement, actor: Actor, now: datetime) -> Kept | None:
    """Keep what the person says to a calibration item; the item ends and nothing leaves."""
    if item.gates_id is not None:
        return None
    exercise = Exercise.objects.select_related("calibration").get(item=item)
    known = exercise.calibration.verdict
    escalated = judgement.verdict == Verdict.ESCALATE
    if exercise.person_id == actor.user.pk:
        CalibrationAnswer.objects.create(
            exercise=exercise,
            verdict=judgement.verdict,
            rationale=judgement.rationale,
            labels=list(judgement.labels),
            is_right=None if escalated else judgement.verdict == known,
            at=now,
        )
    item.state = REVIEW_ITEM_STATES.target(item.state, "decide")
    item.decided_at, item.lease_until = now, None
    item.save(update_fields=["state", "decided_at", "lease_until"])
    after = {"verdict": judgement.verdict, "known": known}
    _record(actor, "calibration.answered", exercise.calibration, now, after=after)
    return Kept(NOW_KNOWN, reverse("quality:answer", args=[item.pk]))


def _record(
    actor: Actor,
    action: str,
    calibration: Calibration,
    now: datetime,
    *,
    reason: str = "",
    after: dict[str, str] | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=calibration,
        now=now,
        after=after or {"verdict": calibration.verdict, "queue": calibration.queue.slug},
        reason=reason,
        team_id=calibration.source.call.team_id,
    )
