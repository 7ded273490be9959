"""Overturn a final decision: a new decision that points to it. What was delivered stays delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from reviews.decisions import services
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import LONGEST_RATIONALE, Judgement, Verdict
from reviews.queues import services as queues
from reviews.queues.models import ReviewItem
from telemetry.webhooks.outbox import announce
from telemetry.webhooks.registries import EventKind

OVERTURNED = "call.overturned"
KINDS = {
    OVERTURNED: EventKind(
        "A decision is overturned",
        "A review lead decided otherwise afterwards; take back what came of the answer.",
    )
}


@transaction.atomic
def overturn(
    *,
    actor: Actor,
    decision_id: int,
    verdict: str,
    rationale: str,
    now: datetime,
    corrected_text: str | None = None,
    labels: Sequence[str] = (),
) -> ReviewDecision:
    """Decide otherwise afterwards, as a lead of the queue. The call keeps its state; who called is told.

    Raises Invalid without a reason or with the same verdict, WrongState where it is not the
    decision that stands.
    """
    found: ReviewDecision = get_or_404(ReviewDecision.objects.all(), pk=decision_id)
    item = queues.locked_item(found.item_id)
    check_can_overturn(actor, found, item)
    judged = services.checked_judgement(item, verdict, corrected_text, rationale, labels)
    _check(judged, found)
    decision = services.write(item, judged, actor, now, overturns=found)
    if judged.corrected_text is not None:
        services.keep_correction(item, decision, judged.corrected_text)
    record(
        actor=actor,
        action="review.overturned",
        subject=item,
        now=now,
        before={"verdict": found.verdict, "decision": found.pk},
        after=_facts(decision, item, judged.corrected_text),
        team_id=item.call.team_id,
    )
    data = {
        "call": str(item.call_id),
        "use_case": item.call.use_case.slug,
        "state": str(item.call.state),
        "verdict": decision.verdict,
        "url": f"/api/v1/calls/{item.call_id}/",
    }
    announce(kind=OVERTURNED, use_case_id=item.call.use_case_id, data=data, now=now)
    return decision


def check_can_overturn(actor: Actor, decision: ReviewDecision, item: ReviewItem) -> None:
    if actor.kind != "person" or not actor.may(Permission.REVIEW_MANAGE, item.queue):
        raise NotAllowed(f"Nothing was changed: the review leads of {item.queue} overturn.")
    if item.call.requester_id == actor.user.pk:
        raise NotAllowed("Nothing was changed: nobody decides on an answer that they asked for.")
    if decision.verdict == Verdict.ESCALATE:
        raise WrongState("Nothing was changed: an escalation is no decision on the answer.")
    if ReviewDecision.objects.filter(overturns=decision).exists():
        raise WrongState("Nothing was changed: this decision was overturned already.")


def _check(judged: Judgement, found: ReviewDecision) -> None:
    if judged.verdict == Verdict.ESCALATE:
        raise Invalid(
            "Nothing was changed: decide on the answer itself.",
            fields={"verdict": ["Choose approve, correct or reject."]},
        )
    if judged.verdict == found.verdict and judged.verdict != Verdict.CORRECT:
        raise Invalid(
            "Nothing was changed: that is what was decided.",
            fields={"verdict": ["Choose another verdict."]},
        )
    if not judged.rationale or len(judged.rationale) > LONGEST_RATIONALE:
        raise Invalid(
            "Nothing was changed: say why. Your text was kept.",
            fields={"rationale": ["Say why; the caller's people will ask."]},
        )


def _facts(decision: ReviewDecision, item: ReviewItem, text: str | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "verdict": decision.verdict,
        "decision": decision.pk,
        "queue": item.queue.slug,
        "call": str(item.call_id),
        "rationale_sha256": text_digest(decision.rationale),
    }
    return facts if text is None else facts | {"corrected_sha256": text_digest(text)}
