"""What decisions plug into the ledger and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from governance.access.models import User
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.registry.registries import ledger_metrics
from reviews.decisions import drafts, erasing_words, keeping, overturning, similar
from reviews.decisions.figures import FIGURES, corrected_in, distances_in, review_hours
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import PENDING_STATES
from reviews.queues.models import ReviewItem
from telemetry.allocation.registries import PoolSource, pool_sources
from telemetry.drift.registries import corrected_answers, edit_distances
from telemetry.ledger.models import Call
from telemetry.ledger.registries import BodyStore, CallPanel, body_scopes, body_stores, call_panels
from telemetry.webhooks.registries import event_kinds

for figure, measured in FIGURES.items():
    ledger_metrics.add(figure, measured)
corrected_answers.add("review decisions", corrected_in)
edit_distances.add("corrections", distances_in)
transition_tables.add("PendingDecision.state", PENDING_STATES)
pool_sources.add("review_hours", PoolSource("Reviewers' time", "hours", review_hours))
audit_actions.add("review.decided", "{actor} decided {subject}")
audit_actions.add("review.held_back", "{actor} decided {subject}, and can still undo it")
audit_actions.add("review.undone", "{actor} took back what was decided on {subject}")
audit_actions.add("review.overturned", "{actor} overturned the decision on {subject}")
for kind, described in overturning.KINDS.items():
    event_kinds.add(kind, described)
body_stores.add(
    "corrections",
    BodyStore(
        "Corrections", keeping.count_corrections, keeping.erase_corrections, keeping.destroy_due
    ),
)
body_stores.add(
    "reviewers' reasons",
    BodyStore(
        "Reasons of reviewers",
        erasing_words.count_words,
        erasing_words.erase_words,
        erasing_words.none_due,
    ),
)
body_stores.add(
    "undecided corrections",
    BodyStore(
        "Decisions that can still be undone",
        keeping.count_pending,
        keeping.erase_pending,
        keeping.lapse_due_pending,
    ),
)
body_stores.add(
    "review drafts",
    BodyStore(
        "Drafts of reviewers", drafts.count_drafts, drafts.erase_drafts, drafts.destroy_due_drafts
    ),
)
body_stores.add(
    "answer marks",
    BodyStore(
        "Marks of decided answers",
        similar.count_marks,
        similar.erase_marks,
        similar.destroy_due_marks,
    ),
)

COLUMNS = (
    *("id", "call", "queue", "person", "verdict", "labels", "rationale", "seconds", "at"),
    "overturns",
)


def _rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    rows = ReviewDecision.objects.filter(at__gte=scope.starts_at, at__lt=scope.ends_at)
    if scope.team_id:
        rows = rows.filter(item__call__team_id=scope.team_id)
    for one in rows.select_related("item__queue", "person").order_by("pk").iterator(500):
        yield {
            "id": one.pk,
            "call": str(one.item.call_id),
            "queue": one.item.queue.slug,
            "person": one.person.email,
            "verdict": one.verdict,
            "labels": ", ".join(one.labels),
            "rationale": one.rationale,
            "seconds": one.seconds_spent,
            "at": one.at,
            "overturns": one.overturns_id or "",
        }


evidence_sections.add(
    "review_decisions",
    EvidenceSection(
        "review_decisions",
        "Review decisions",
        COLUMNS,
        _rows,
        counted_by=("verdict", "queue"),
    ),
)


def _queue_of(call: Call) -> list[Any]:
    item = ReviewItem.objects.filter(call=call).select_related("queue").first()
    return [item.queue] if item else []


body_scopes.add("review queue", _queue_of)


def _review(call: Call, user: User, now: datetime) -> dict[str, Any]:
    item = ReviewItem.objects.filter(call=call).select_related("queue", "claimed_by").first()
    if item is None:
        return {}
    decisions = list(item.decisions.select_related("person", "overturned_by__person"))
    may_overturn = user.may(Permission.REVIEW_MANAGE, item.queue)
    return {"item": item, "decisions": decisions, "may_overturn": may_overturn}


call_panels.add(
    "review",
    CallPanel("Review", 20, "reviews/decisions/_call_panel.html", _review, (Permission.CALL_VIEW,)),
)
