"""Texts that are kept: calls of end users, a corrected answer, legal holds, erasures."""

from __future__ import annotations

import hashlib
from typing import Any

from governance.access.models import User
from governance.kernel.authority import Actor
from reviews.decisions import services as decisions
from reviews.decisions.models import Correction
from reviews.queues import services as queues
from reviews.queues.models import Queue
from telemetry.ledger.erasing import request_erasure, run_step
from telemetry.ledger.legal_holds import place_hold
from telemetry.ledger.models import Call, Erasure, LegalHold
from tests.factories.ledger import NOW, make_person, make_settled
from tests.factories.reviews import make_item, make_member


def said_by(end_user: str, **facts: Any) -> Call:
    """A delivered call of that end user."""
    return make_settled(end_user_hash=hashed(end_user), **facts)


def hashed(end_user: str) -> str:
    return hashlib.sha256(end_user.encode()).hexdigest()


def corrected(queue: Queue, end_user: str = "", text: str = "the better answer") -> Correction:
    """A held answer that a reviewer corrected."""
    item = make_item(queue, end_user_hash=hashed(end_user) if end_user else "")
    reviewer = Actor.person(make_member(queue))
    queues.claim_item(actor=reviewer, item_id=item.pk, now=NOW)
    decided = decisions.decide(
        actor=reviewer,
        item_id=item.pk,
        verdict="correct",
        corrected_text=text,
        rationale="Wrong.",
        now=NOW,
    )
    return Correction.objects.get(decision=decided)


def compliance() -> User:
    return make_person("compliance")


def make_hold(**scope: Any) -> LegalHold:
    facts: dict[str, Any] = {"name": "Case 7", "reason": "A court asked.", "now": NOW}
    return place_hold(actor=Actor.person(compliance()), **(facts | scope))


def make_erasure(**subject: Any) -> Erasure:
    facts: dict[str, Any] = {"reason": "They asked.", "now": NOW}
    return request_erasure(actor=Actor.person(compliance()), **(facts | subject))


def carried_out(erasure: Erasure, **facts: Any) -> Erasure:
    while run_step(erasure_id=erasure.pk, now=NOW, **facts):
        pass
    erasure.refresh_from_db()
    return erasure
