"""Decide on a held output: the one way by which it can leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.canonical import text_digest
from governance.kernel.encryption import encrypt
from governance.kernel.errors import Invalid, WrongState
from governance.policy import output_contract
from reviews.decisions.difference import difference
from reviews.decisions.drafts import forget_drafts
from reviews.decisions.models import Correction, ReviewDecision, text_context
from reviews.decisions.pending import hold_back
from reviews.decisions.registries import Kept, after_decision, before_final
from reviews.decisions.rules import (
    CALL_VERDICT,
    LONGEST_RATIONALE,
    LONGEST_SECONDS,
    LONGEST_TEXT,
    NEEDS_RATIONALE,
    Judgement,
    Verdict,
    readable,
)
from reviews.decisions.similar import keep_marks
from reviews.decisions.working_models import PendingDecision
from reviews.queues import services as queues
from reviews.queues.after_delivery import tell_of_judgement
from reviews.queues.models import ReviewItem
from reviews.queues.rules import REVIEW_ITEM_STATES
from telemetry.ledger import services as ledger


@transaction.atomic
def decide(
    *,
    actor: Actor,
    item_id: UUID,
    verdict: str,
    now: datetime,
    corrected_text: str | None = None,
    rationale: str = "",
    labels: Sequence[str] = (),
    seconds_spent: int = 0,
) -> ReviewDecision | PendingDecision | Kept:
    """Decide the item this person holds; the call is released, corrected or refused with it.

    Where the queue lets decisions be undone, it waits for that time first, and so does the
    answer: what comes back is then a PendingDecision. An escalation moves at once, and so does
    what several people judged. Kept where others must agree first, or where the item gates
    nothing: then nothing left.

    Raises Invalid when a rationale is missing, a label is not the queue's, or a correction
    does not fit the output contract; Conflict when the claim has ended.
    """
    item = queues.held_item(actor, item_id, now)
    judgement = checked_judgement(item, verdict, corrected_text, rationale, labels, seconds_spent)
    for keep in before_final.values():
        if (kept := keep(item, judgement, actor, now)) is not None:
            return kept
    if judgement.verdict == Verdict.ESCALATE:
        forget_drafts(item)
        decision = write(item, judgement, actor, now)
        queues.escalate(actor=actor, item_id=item.pk, reason=judgement.rationale, now=now)
        return decision
    if item.queue.undo_seconds and not item.opinions.exists():
        return hold_back(item, judgement, actor, now)
    return settle(item, judgement, actor, now, "decide")


def settle(
    item: ReviewItem, judgement: Judgement, actor: Actor, now: datetime, action: str
) -> ReviewDecision:
    """Make the judgement on a locked item final, and let the call go. In the caller's transaction.

    `action` is the arrow of the item's table; `now` is when the person decided.
    """
    decision = write(item, judgement, actor, now)
    _close(item, now, action)
    _decide_call(item, judgement, decision, actor, now)
    forget_drafts(item)
    keep_marks(item)
    return decision


def checked_judgement(
    item: ReviewItem,
    verdict: str,
    corrected_text: str | None,
    rationale: str,
    labels: Sequence[str],
    seconds_spent: int = 0,
) -> Judgement:
    """What was filled in, if all of it fits the item; a text counts for a correction alone."""
    word = _verdict(verdict)
    text = corrected_text if word == Verdict.CORRECT else None
    judgement = Judgement(word, text, rationale.strip(), tuple(labels), seconds_spent)
    _check(judgement, item)
    return judgement


def check_can_correct(*, actor: Actor, item: ReviewItem, text: str, now: datetime) -> None:
    """Whether this text could be sent now: raises Conflict for a lost claim, Invalid for the text."""
    queues.check_holds(actor, item, now)
    _check_correction(text, item)


def _verdict(word: str) -> Verdict:
    try:
        return Verdict(word)
    except ValueError:
        offered = ", ".join(Verdict)
        raise Invalid(
            f"Nothing was decided: “{word}” is no verdict. Choose one of {offered}.",
            fields={"verdict": [f"Choose one of {offered}."]},
        ) from None


def _check(judgement: Judgement, item: ReviewItem) -> None:
    if judgement.verdict in NEEDS_RATIONALE and not judgement.rationale:
        raise Invalid(
            f"Nothing was decided: say why you {judgement.verdict} it. Your text was kept.",
            fields={"rationale": ["Say why; the caller and the next reviewer rely on it."]},
        )
    if len(judgement.rationale) > LONGEST_RATIONALE:
        raise Invalid(
            f"Nothing was decided: the reason has more than {LONGEST_RATIONALE:,} characters.",
            fields={"rationale": [f"At most {LONGEST_RATIONALE:,} characters."]},
        )
    if judgement.seconds_spent < 0:
        raise Invalid(
            "Nothing was decided: nobody spends less than no time.",
            fields={"seconds_spent": ["0 or more."]},
        )
    strangers = set(judgement.labels) - set(item.queue.labels)
    if strangers:
        raise Invalid(
            f"Nothing was decided: {', '.join(sorted(strangers))} is not a label of {item.queue}.",
            fields={"labels": ["Choose from the queue's labels."]},
        )
    if judgement.verdict == Verdict.CORRECT:
        _check_correction(judgement.corrected_text or "", item)


def _check_correction(text: str, item: ReviewItem) -> None:
    if not text.strip():
        problems = ["Write the corrected answer."]
    elif len(text) > LONGEST_TEXT:
        problems = [f"At most {LONGEST_TEXT:,} characters."]
    elif readable(text) == readable(ledger.held_text(item.call) or ""):
        problems = ["This is the model's own text. Approve it, or change something."]
    else:
        problems = output_contract.check(item.output_contract, text).errors
    if problems:
        raise Invalid(
            "Nothing was decided: the corrected answer does not fit. Your text was kept. "
            + " ".join(problems),
            fields={"corrected_text": problems},
        )


def write(
    item: ReviewItem,
    judgement: Judgement,
    actor: Actor,
    now: datetime,
    overturns: ReviewDecision | None = None,
) -> ReviewDecision:
    """The row of a decision, and its audit event. In the caller's transaction."""
    decision = ReviewDecision.objects.create(
        item=item,
        person=actor.user,
        verdict=judgement.verdict,
        rationale=judgement.rationale,
        labels=list(judgement.labels),
        seconds_spent=min(judgement.seconds_spent, LONGEST_SECONDS),
        at=now,
        overturns=overturns,
    )
    for follow in after_decision.values():
        follow(decision, now)
    if overturns is not None:  # which its own event records
        return decision
    after = {
        "verdict": judgement.verdict,
        "labels": list(judgement.labels),
        "call": str(item.call_id),
        "queue": item.queue.slug,
    }
    if judgement.verdict == Verdict.CORRECT:
        after["corrected_sha256"] = text_digest(judgement.corrected_text or "")
    if judgement.rationale:
        # The words may be erased, and the log never is.
        after["rationale_sha256"] = text_digest(judgement.rationale)
    record(
        actor=actor,
        action="review.decided",
        subject=item,
        now=now,
        after=after,
        team_id=item.call.team_id,
    )
    return decision


def _close(item: ReviewItem, now: datetime, action: str) -> None:
    item.state = REVIEW_ITEM_STATES.target(item.state, action)
    item.decided_at, item.lease_until = now, None
    item.save(update_fields=["state", "decided_at", "lease_until"])


def _decide_call(
    item: ReviewItem, judgement: Judgement, decision: ReviewDecision, actor: Actor, now: datetime
) -> None:
    corrected = judgement.corrected_text
    if corrected is not None:
        keep_correction(item, decision, corrected)
    if item.is_after_delivery:
        # It has left already: this is a judgement on it, and the call stays as it was delivered.
        tell_of_judgement(item, judgement.verdict, now)
        return
    ledger.decide_call(
        call=item.call,
        verdict=CALL_VERDICT[judgement.verdict],
        decided_text=corrected,
        actor=actor,
        now=now,
    )


def keep_correction(item: ReviewItem, decision: ReviewDecision, text: str) -> Correction:
    model_text = ledger.held_text(item.call)
    if model_text is None:
        raise WrongState("Nothing was decided: the model's text is no longer kept.")
    found = difference(readable(model_text), readable(text))
    made = Correction(
        decision=decision,
        characters_changed=found.characters_changed,
        characters_compared=found.characters_compared,
        keep_until=item.call.payload.keep_until,
    )
    made.model_text_sealed = encrypt(model_text, context=text_context("model")(made))
    made.human_text_sealed = encrypt(text, context=text_context("human")(made))
    made.save(force_insert=True)
    return made
