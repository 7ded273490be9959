"""Reads of the review screen."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from governance.access.models import User
from governance.kernel.canonical import text_digest
from governance.kernel.terms import Oversight, RiskTier
from governance.registry.models import UseCase
from reviews.decisions.difference import Difference, difference
from reviews.decisions.marking import Piece, marked
from reviews.decisions.models import ReviewDecision
from reviews.decisions.registries import answer_marks, item_panels
from reviews.decisions.rules import oversight_in_words, readable
from reviews.queues.models import ReviewItem
from reviews.queues.rules import ItemState
from telemetry.ledger import services as ledger

MOST_SIMILAR = 5


def screen_of(item: ReviewItem, user: User, now: datetime) -> dict[str, Any]:
    """What the screen shows of an item. Bodies only to the person who holds it."""
    is_mine = item.is_held_by(user, now)
    shown: dict[str, Any] = {
        "item": item,
        "queue": item.queue,
        "is_mine": is_mine,
        "urgency": item.urgency(now),
        "waiting": item.queue.items.filter(state=ItemState.WAITING).count(),
    }
    if not is_mine:
        return shown
    output = readable(ledger.held_text(item.call) or "")
    return shown | {
        "messages_seen": json.loads(ledger.held_input(item.call) or "[]"),
        "output": output,
        "payload": getattr(item.call, "payload", None),
        "pieces": with_findings(output),
        "policy": policy_of(item.call.use_case),
        "decisions": item.decisions.select_related("person"),
        "similar": similar_decisions(item),
        "panels": [
            {"template": panel.template, "context": context}
            for panel in item_panels.values()
            if (context := panel.context(item))
        ],
    }


def with_findings(text: str) -> list[Piece]:
    """The text with what the screens would point out in it."""
    return marked(text, [mark for find in answer_marks.values() for mark in find(text)])


def policy_of(use_case: UseCase) -> str:
    """Under which policy answers of this use case are held, in words."""
    tier = RiskTier(use_case.tier or RiskTier.HIGH)
    return oversight_in_words(Oversight(use_case.oversight), tier, use_case.sample_share)


def similar_decisions(item: ReviewItem) -> QuerySet[ReviewDecision]:
    """The latest decisions of this queue on the same use case: who, what, when; no content."""
    return (
        ReviewDecision.objects.filter(
            item__queue=item.queue_id, item__call__use_case=item.call.use_case_id
        )
        .exclude(item__call=item.call_id)
        .select_related("person", "item__call")
        .defer("rationale")[:MOST_SIMILAR]
    )


def change_shown(item: ReviewItem, text: str) -> dict[str, Any]:
    """The corrected text against the model's, and the digest that says it was looked at."""
    found: Difference = difference(readable(ledger.held_text(item.call) or ""), readable(text))
    return {"difference": found, "seen_sha256": text_digest(text)}
