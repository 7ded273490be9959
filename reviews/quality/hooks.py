"""What judgement quality plugs into claiming, deciding, the ledger, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Min
from django.urls import reverse

from governance.access.models import User
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from reviews.decisions.erasing_words import none_due
from reviews.decisions.registries import ItemPanel, after_decision, before_final, item_panels
from reviews.quality import calibrations, costs, keeping, selectors, slots
from reviews.quality.checks import review_costs
from reviews.quality.models import Opinion
from reviews.quality.rules import DOUBLE_STATES
from reviews.queues.claim_registries import ClaimRule, Offer, claim_rules, offers, opened
from reviews.queues.models import ReviewItem
from telemetry.chargeback import verification
from telemetry.ledger.models import Call
from telemetry.ledger.registries import BodyStore, CallPanel, body_stores, call_panels

transition_tables.add("DoubleReview.state", DOUBLE_STATES)
opened.add("double review", slots.plan_double_review)
claim_rules.add("double review", ClaimRule(slots.without_own_slots, slots.check_can_claim))
offers.add("calibration", Offer(calibrations.are_mixed_in, calibrations.offer))
# Calibration first: such an item gates nothing, whatever else may be asked of it.
before_final.add("calibration", calibrations.answer)
before_final.add("double review", slots.keep_opinion)
item_panels.add(
    "double review", ItemPanel("reviews/quality/_item_panel.html", selectors.other_opinions)
)
after_decision.add("cost", costs.book_decision)
verification.CHECKS["review costs"] = review_costs
body_stores.add(
    "opinions' reasons",
    BodyStore(
        "Reasons in double reviews and calibrations",
        keeping.count_words,
        keeping.erase_words,
        none_due,
    ),
)
body_stores.add(
    "opinions",
    BodyStore(
        "Opinions in double reviews",
        keeping.count_opinions,
        keeping.erase_opinions,
        keeping.destroy_due,
    ),
)

for action, sentence in {
    "review.slot_filled": "{actor} filled a slot of {subject}",
    "review.agreed": "{actor} filled the last slot of {subject}, and all agree",
    "review.disputed": "{actor} filled the last slot of {subject}, and they differ",
    "review.adjudicated": "{actor} adjudicated {subject}",
    "calibration.made": "{actor} made {subject}",
    "calibration.retired": "{actor} retired {subject}",
    "calibration.answered": "{actor} answered {subject}",
    "queue.quality_changed": "{actor} changed how {subject} checks its judgement",
    "queue.rate_set": "{actor} set the rate of an hour in {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "my reviews",
    NavigationItem(
        "Work", "My reviews", "quality:mine", "user-check", (Permission.REVIEW_WORK,), order=21
    ),
)
navigation.add(
    "adjudications",
    NavigationItem(
        "Decide",
        "Adjudications",
        "quality:adjudications",
        "scale",
        (Permission.REVIEW_MANAGE,),
        order=60,
    ),
)
navigation.add(
    "review rates",
    NavigationItem(
        "Money", "Review rates", "quality:rates", "clock", (Permission.PRICE_MANAGE,), order=60
    ),
)


def disputes_waiting(user: User, now: datetime) -> list[InboxItem]:
    """What reviewers left open, for a lead who filled no slot of it."""
    open_ones = selectors.disputes_for(user)
    count = open_ones.count()
    if not count:
        return []
    earliest = open_ones.aggregate(at=Min("item__due_at"))["at"]
    return [
        InboxItem(
            title=f"Reviewers disagree on {count} answer{'' if count == 1 else 's'}",
            detail="Nothing leaves until a lead who was neither decides.",
            url=reverse("quality:adjudications"),
            due_at=earliest,
            kind="review",
            count=count,
        )
    ]


inbox.add("adjudications", disputes_waiting)

COLUMNS = (
    *("id", "call", "queue", "slot", "person", "verdict", "labels", "rationale"),
    *("seconds", "at"),
)


def _rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    rows = Opinion.objects.filter(at__gte=scope.starts_at, at__lt=scope.ends_at)
    if scope.team_id:
        rows = rows.filter(item__call__team_id=scope.team_id)
    for one in rows.select_related("item__queue", "person").order_by("pk").iterator(500):
        yield {
            "id": one.pk,
            "call": str(one.item.call_id),
            "queue": one.item.queue.slug,
            "slot": one.slot,
            "person": one.person.email,
            "verdict": one.verdict,
            "labels": ", ".join(one.labels),
            "rationale": one.rationale,
            "seconds": one.seconds_spent,
            "at": one.at,
        }


evidence_sections.add(
    "review_opinions",
    EvidenceSection(
        "review_opinions",
        "Slots of double reviews",
        COLUMNS,
        _rows,
        counted_by=("verdict", "queue"),
    ),
)


def _quality(call: Call, user: User, now: datetime) -> dict[str, Any]:
    """The slots once all are in, and what reviewing the call cost. Until then: how it costs."""
    return selectors.call_panel(ReviewItem.objects.filter(call=call).first(), call)


call_panels.add(
    "review quality",
    CallPanel(
        "Double review and review time",
        21,
        "reviews/quality/_call_panel.html",
        _quality,
        (Permission.CALL_VIEW,),
    ),
)
