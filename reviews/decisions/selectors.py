"""Reads of the review screen."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from governance.access.models import User
from governance.kernel.canonical import text_digest
from governance.kernel.terms import Oversight, RiskTier
from governance.policy import tool_calls
from governance.registry.models import UseCase
from reviews.decisions.difference import Difference, difference
from reviews.decisions.layout import folded, laid_out
from reviews.decisions.marking import Piece, marked
from reviews.decisions.registries import answer_marks, item_panels
from reviews.decisions.rules import PendingState, oversight_in_words, readable
from reviews.decisions.similar import similar_to
from reviews.decisions.working_models import PendingDecision
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import ItemState
from telemetry.ledger import services as ledger


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
        found = [
            (panel.template, panel.waiting(item, user, now))
            for panel in item_panels.values()
            if panel.waiting
        ]
        return shown | {"panels": [{"template": one, "context": it} for one, it in found if it]}
    output = readable(ledger.held_text(item.call) or "")
    return shown | {
        "messages_seen": [
            _message(one) for one in json.loads(ledger.held_input(item.call) or "[]")
        ],
        "output": output,
        "payload": getattr(item.call, "payload", None),
        "windows": laid_out(with_findings(output)),
        "tool_calls": tool_calls_in(item.output_contract, output),
        "policy": policy_of(item.call.use_case),
        "decisions": item.decisions.select_related("person"),
        "similar": similar_to(item, ledger.held_text(item.call) or "", user),
        "panels": [
            {"template": panel.template, "context": context}
            for panel in item_panels.values()
            if (context := panel.context(item))
        ],
    }


def _message(one: dict[str, Any]) -> dict[str, Any]:
    """A message of the input: its role, its text in windows, the calls that it makes."""
    content = one.get("content")
    text = content if isinstance(content, str) else json.dumps(content, indent=2) if content else ""
    calls = [call.get("function", {}) for call in one.get("tool_calls") or []]
    return {"role": one.get("role", ""), "windows": laid_out(marked(text, [])), "calls": calls}


def tool_calls_in(contract: dict[str, Any], output: str) -> list[dict[str, Any]]:
    """Of an answer that calls tools: name, and every argument with its value as JSON."""
    answer = tool_calls.answer_in(output) if contract.get("type") == "tools" else None
    return [
        {"name": one.get("name"), "arguments": _arguments(one.get("arguments"))}
        for one in (answer or {}).get("tool_calls", [])
        if isinstance(one, dict)
    ]


def _arguments(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return [("", json.dumps(value, ensure_ascii=False))]
    return [
        (key, one if isinstance(one, str) else json.dumps(one, ensure_ascii=False, indent=2))
        for key, one in value.items()
    ]


def undoable(queue: Queue, user: User, now: datetime) -> PendingDecision | None:
    """The latest decision of this person in this queue that can still be taken back."""
    return (
        PendingDecision.objects.filter(
            person=user, item__queue=queue, state=PendingState.WAITING, final_at__gt=Now()
        )
        .select_related("item")
        .order_by("-at")
        .first()
    )


def with_findings(text: str) -> list[Piece]:
    """The text with what the screens would point out in it."""
    return marked(text, [mark for find in answer_marks.values() for mark in find(text)])


def policy_of(use_case: UseCase) -> str:
    """Under which policy answers of this use case are held, in words."""
    tier = RiskTier(use_case.tier or RiskTier.HIGH)
    return oversight_in_words(Oversight(use_case.oversight), tier, use_case.sample_share)


def change_shown(item: ReviewItem, text: str) -> dict[str, Any]:
    """The corrected text against the model's, and the digest that says it was looked at."""
    found: Difference = difference(readable(ledger.held_text(item.call) or ""), readable(text))
    stretches = folded(found.stretches)
    return {"difference": found, "stretches": stretches, "seen_sha256": text_digest(text)}
