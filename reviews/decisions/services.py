"""Decide on a held output: the one way by which it can leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from reviews.decisions.models import Correction, ReviewDecision, text_context
from reviews.decisions.registries import Kept, after_decision, before_final
from reviews.decisions.rules import (
    CALL_VERDICT,
    LONGEST_RATIONALE,
    LONGEST_SECONDS,
    LONGEST_TEXT,
    NEEDS_RATIONALE,
    Verdict,
    readable,
)
from reviews.queues import services as queues
from reviews.queues.models import ReviewItem
from reviews.queues.rules import REVIEW_ITEM_STATES
from telemetry.ledger import services as ledger


@dataclass(frozen=True)
class Judgement:
    """What the person filled in. `corrected_text` only counts for the verdict correct."""

    verdict: Verdict
    corrected_text: str | None
    rationale: str
    labels: tuple[str, ...]
    seconds_spent: int


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
) -> ReviewDecision | Kept:
    """Decide the item this person holds; the call is released, corrected or refused with it.

    Kept where others must agree first, or where the item gates nothing: then nothing left.
    Raises Invalid when a rationale is missing, a label is not the queue's, or a correction
    does not fit the output contract; Conflict when the claim has ended.
    """
    item = queues.held_item(actor, item_id, now)
    judgement = Judgement(
        _verdict(verdict), corrected_text, rationale.strip(), tuple(labels), seconds_spent
    )
    _check(judgement, item)
    for keep in before_final.values():
        if (kept := keep(item, judgement, actor, now)) is not None:
            return kept
    decision = _write(item, judgement, actor, now)
    for follow in after_decision.values():
        follow(decision, now)
    if judgement.verdict == Verdict.ESCALATE:
        queues.escalate(actor=actor, item_id=item.pk, reason=judgement.rationale, now=now)
        return decision
    _close(item, now)
    _decide_call(item, judgement, decision, actor, now)
    return decision


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


def _write(item: ReviewItem, judgement: Judgement, actor: Actor, now: datetime) -> ReviewDecision:
    decision = ReviewDecision.objects.create(
        item=item,
        person=actor.user,
        verdict=judgement.verdict,
        rationale=judgement.rationale,
        labels=list(judgement.labels),
        seconds_spent=min(judgement.seconds_spent, LONGEST_SECONDS),
        at=now,
    )
    after = {
        "verdict": judgement.verdict,
        "labels": list(judgement.labels),
        "call": str(item.call_id),
        "queue": item.queue.slug,
    }
    if judgement.verdict == Verdict.CORRECT:
        after["corrected_sha256"] = text_digest(judgement.corrected_text or "")
    record(
        actor=actor,
        action="review.decided",
        subject=item,
        now=now,
        after=after,
        reason=judgement.rationale,
        team_id=item.call.team_id,
    )
    return decision


def _close(item: ReviewItem, now: datetime) -> None:
    item.state = REVIEW_ITEM_STATES.target(item.state, "decide")
    item.decided_at, item.lease_until = now, None
    item.save(update_fields=["state", "decided_at", "lease_until"])


def _decide_call(
    item: ReviewItem, judgement: Judgement, decision: ReviewDecision, actor: Actor, now: datetime
) -> None:
    corrected = judgement.corrected_text if judgement.verdict == Verdict.CORRECT else None
    if corrected is not None:
        _keep_correction(item, decision, corrected)
    ledger.decide_call(
        call=item.call,
        verdict=CALL_VERDICT[judgement.verdict],
        decided_text=corrected,
        actor=actor,
        now=now,
    )


def _keep_correction(item: ReviewItem, decision: ReviewDecision, text: str) -> Correction:
    model_text = ledger.held_text(item.call)
    if model_text is None:
        raise WrongState("Nothing was decided: the model's text is no longer kept.")
    made = Correction(
        decision=decision,
        characters_changed=difference(readable(model_text), readable(text)).characters_changed,
        keep_until=item.call.payload.keep_until,
    )
    made.model_text_sealed = encrypt(model_text, context=text_context("model")(made))
    made.human_text_sealed = encrypt(text, context=text_context("human")(made))
    made.save(force_insert=True)
    return made
