"""What stands of a decided answer after it was overturned, for who called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.kernel.canonical import text_digest
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.rules import Verdict
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call


@dataclass(frozen=True)
class Answer:
    """What one decision let stand. The text is None for a rejection, and once it is destroyed."""

    verdict: str
    at: datetime
    text: str | None
    sha256: str | None

    def as_plain(self) -> dict[str, Any]:
        """Without the text."""
        return {"verdict": self.verdict, "at": self.at.isoformat(), "output_sha256": self.sha256}


@dataclass(frozen=True)
class Overturned:
    """The answer that stands now, and those before it, the newest first."""

    now: Answer
    before: tuple[Answer, ...]

    @property
    def is_rejected(self) -> bool:
        return self.now.verdict == Verdict.REJECT

    def as_plain(self) -> dict[str, Any]:
        return self.now.as_plain() | {"before": [one.as_plain() for one in self.before]}


def overturned(call: Call) -> Overturned | None:
    """None for a call on which nobody decided otherwise afterwards, or whose answer had left
    before people judged it: a judgement on that changes nothing of the call.
    """
    return overturned_among([call]).get(call.pk)


def overturned_among(calls: Iterable[Call]) -> dict[UUID, Overturned]:
    """Those of them on which somebody decided otherwise; one query, none where people decided
    nothing."""
    decided = {one.pk: one for one in calls if one.decided_at is not None}
    found: dict[UUID, list[ReviewDecision]] = {}
    if decided:
        decisions = ReviewDecision.objects.filter(
            item__gates__in=list(decided), item__is_after_delivery=False
        ).exclude(verdict=Verdict.ESCALATE)
        for one in decisions.select_related("correction", "item").order_by("at", "pk"):
            found.setdefault(one.item.call_id, []).append(one)
    return {pk: _overturned(decided[pk], every) for pk, every in found.items() if len(every) > 1}


def _overturned(call: Call, decisions: list[ReviewDecision]) -> Overturned:
    *before, last = [_answer(one, call) for one in decisions]
    return Overturned(last, tuple(reversed(before)))


def _answer(decision: ReviewDecision, call: Call) -> Answer:
    text, sha256 = _kept(decision, call)
    return Answer(decision.verdict, decision.at, text, sha256)


def _kept(decision: ReviewDecision, call: Call) -> tuple[str | None, str | None]:
    """(the text, its digest); the call's own digests outlive the texts."""
    if decision.verdict == Verdict.APPROVE:
        return ledger.held_text(call), call.response_hash or None
    if decision.verdict == Verdict.REJECT:
        return None, None
    found: Correction | None = getattr(decision, "correction", None)
    texts = found.texts() if found else None
    if texts is not None:
        return texts[1], text_digest(texts[1])
    is_first = decision.overturns_id is None
    return None, (call.decided_hash or None) if is_first else None
