"""Hold a decision back for its undo time. Nothing of the call changes meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import current_app
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.functions import Now

from governance.audit.services import record
from governance.kernel.authority import Actor
from reviews.decisions.rules import LONGEST_SECONDS, Judgement
from reviews.decisions.working_models import PendingDecision
from reviews.queues.models import ReviewItem
from reviews.queues.rules import REVIEW_ITEM_STATES

FINALISE = "reviews.decisions.tasks.finalise"


def hold_back(
    item: ReviewItem, judgement: Judgement, actor: Actor, now: datetime
) -> PendingDecision:
    """The locked item's decision, to be final after the queue's undo time. In the caller's transaction."""
    undo = timedelta(seconds=item.queue.undo_seconds)
    pending = PendingDecision(
        item=item,
        person=actor.user,
        verdict=judgement.verdict,
        rationale=judgement.rationale,
        labels=list(judgement.labels),
        seconds_spent=min(judgement.seconds_spent, LONGEST_SECONDS),
        at=now,
        # By the database's clock, which all processes share.
        final_at=ExpressionWrapper(Now() + Value(undo), output_field=DateTimeField()),
    )
    pending.seal(judgement.corrected_text)
    pending.save(force_insert=True)
    pending.refresh_from_db()
    item.state = REVIEW_ITEM_STATES.target(item.state, "hold_back")
    item.lease_until = None
    item.save(update_fields=["state", "lease_until"])
    record(
        actor=actor,
        action="review.held_back",
        subject=item,
        now=now,
        after={
            "verdict": judgement.verdict,
            "queue": item.queue.slug,
            "call": str(item.call_id),
            "final_at": pending.final_at,
        },
        team_id=item.call.team_id,
    )
    _hint(pending, undo)
    return pending


def _hint(pending: PendingDecision, undo: timedelta) -> None:
    """Tell a worker when; without a broker the due ones are found by the sweeper."""
    name, seconds = str(pending.pk), undo.total_seconds() + 1
    transaction.on_commit(
        lambda: current_app.send_task(FINALISE, [name], queue="housekeeping", countdown=seconds),
        robust=True,
    )
