"""What a decision on the answer makes of the feedback about it; and who gave it is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import LONGEST_RATIONALE
from reviews.feedback.models import Feedback
from reviews.feedback.rules import (
    DECIDED_STATES,
    FEEDBACK_STATES,
    OPEN_STATES,
    FeedbackState,
    what_follows,
)
from reviews.queues.models import ReviewItem
from telemetry.ledger.models import Call
from telemetry.webhooks.outbox import announce
from telemetry.webhooks.registries import EventKind

DECIDED = "feedback.decided"
KINDS = {
    DECIDED: EventKind(
        "Feedback is decided",
        "A person looked at an answer that an end user spoke of: it is confirmed, overturned or "
        "corrected.",
    )
}


def follow(decision: ReviewDecision, now: datetime) -> None:
    """In the transaction of the decision, whose item is locked."""
    item = decision.item
    action = what_follows(
        decision.verdict,
        is_after_delivery=item.is_after_delivery,
        overturns=decision.overturns_id is not None,
    )
    about = Feedback.objects.filter(item=item, state__in=(*OPEN_STATES, *DECIDED_STATES))
    if action is None or not about.exists():
        return
    # Calls before their texts, as an erasure locks them.
    Call.objects.select_for_update(of=("self",)).filter(pk=item.call_id).values_list("pk").first()
    found = list(about.select_for_update(of=("self",)).select_related("use_case", "call"))
    _settle(found, action, Actor.person(decision.person), now, decision)


def _settle(
    found: Iterable[Feedback],
    action: str,
    actor: Actor,
    now: datetime,
    decision: ReviewDecision | None,
    reason: str = "",
) -> None:
    for one in found:
        before = {"state": one.state}
        one.state = FEEDBACK_STATES.target(one.state, action)
        one.decision, one.decided_at = decision or one.decision, now
        one.save(update_fields=["state", "decision", "decided_at"])
        record(
            actor=actor,
            action="feedback.decided",
            subject=one,
            now=now,
            before=before,
            after={"state": one.state, "call": str(one.call_id)},
            reason=reason,
            team_id=one.call.team_id,
        )
        data = {
            "feedback": str(one.pk),
            "call": str(one.call_id),
            "use_case": one.use_case.slug,
            "thumb": one.thumb,
            "outcome": str(one.state),
            "url": f"/api/v1/feedback/{one.pk}/",
        }
        announce(kind=DECIDED, use_case_id=one.use_case_id, data=data, now=now)


@transaction.atomic
def confirm(*, actor: Actor, feedback_id: UUID, reason: str, now: datetime) -> Feedback:
    """A lead looked again: what a person decided stands. For all feedback that waits for it.

    To decide otherwise is to overturn the decision, which settles the feedback as well.
    """
    found: Feedback = get_or_404(Feedback.objects.select_related("item__queue"), pk=feedback_id)
    if found.item is None:
        raise WrongState("Nothing was changed: nobody was asked to look at this answer.")
    item = ReviewItem.objects.select_for_update(of=("self",)).get(pk=found.item.pk)
    check_can_confirm(actor, found)
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_RATIONALE:
        raise Invalid(
            "Nothing was changed: say why it stands.",
            fields={"reason": [f"Say why, in at most {LONGEST_RATIONALE:,} characters."]},
        )
    about = Feedback.objects.filter(item=item, state=FeedbackState.SECOND_LOOK)
    waiting = list(about.select_for_update(of=("self",)).select_related("use_case", "call"))
    if not waiting:
        raise WrongState("Nothing was changed: no second look waits here any more.")
    _settle(waiting, "confirm", actor, now, standing_decision(item), reason)
    found.refresh_from_db()
    return found


def check_can_confirm(actor: Actor, found: Feedback) -> None:
    item = found.item
    if (
        item is None
        or actor.kind != "person"
        or not actor.may(Permission.REVIEW_MANAGE, item.queue)
    ):
        raise NotAllowed("Nothing was changed: the review leads of its queue take the second look.")
    decision = standing_decision(item)
    parties = {found.call.requester_id, found.person_id, decision.person_id if decision else None}
    if actor.user.pk in parties:
        raise NotAllowed(
            "Nothing was changed: who asked, who complained and who decided look at it no second "
            "time."
        )


def standing_decision(item: ReviewItem) -> ReviewDecision | None:
    """The decision on the answer that nobody overturned."""
    final = item.decisions.exclude(verdict="escalate").filter(overturned_by=None)
    return final.select_related("person").first()
