"""What feedback plugs into claiming, deciding, the ledger, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, Min, OuterRef, QuerySet
from django.urls import reverse

from governance.access.models import User
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed
from governance.kernel.registries import transition_tables
from governance.registry.models import UseCase
from governance.registry.registries import Panel, use_case_panels
from reviews.decisions.registries import ItemPanel, after_decision, item_panels, suggestions
from reviews.decisions.rules import readable
from reviews.feedback import deciding, keeping
from reviews.feedback.exporting import facts_of
from reviews.feedback.models import Feedback
from reviews.feedback.rules import FEEDBACK_STATES, FeedbackState
from reviews.feedback.selectors import MAY_SEE, of_call, tally_of
from reviews.queues.claim_registries import ClaimRule, claim_rules
from reviews.queues.models import Queue, ReviewItem
from telemetry.ledger.models import Call
from telemetry.ledger.registries import BodyStore, CallPanel, body_stores, call_panels
from telemetry.webhooks.registries import event_kinds

transition_tables.add("Feedback.state", FEEDBACK_STATES)
after_decision.add("feedback", deciding.follow)
for kind, described in deciding.KINDS.items():
    event_kinds.add(kind, described)
body_stores.add(
    "feedback",
    BodyStore(
        "Feedback of end users", keeping.count_texts, keeping.erase_texts, keeping.destroy_due
    ),
)

for action, sentence in {
    "feedback.given": "{actor} gave {subject}",
    "feedback.decided": "{actor} decided what {subject} is about",
    "feedback.lapsed": "{actor} closed {subject}, whose call is kept no longer",
    "feedback.opened": "{actor} read {subject}",
    "feedback.exported": "{actor} exported feedback",
    "feedback_rule.created": "{actor} wrote the feedback rule {subject}",
    "feedback_rule.changed": "{actor} changed the feedback rule {subject}",
    "feedback_rule.ended": "{actor} ended the feedback rule {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "feedback",
    NavigationItem("Work", "Feedback", "feedback:list", "thumbs-down", MAY_SEE, order=22),
)


def _not_their_own(items: QuerySet[ReviewItem], user: User) -> QuerySet[ReviewItem]:
    theirs = Feedback.objects.filter(call=OuterRef("call"), person=user)
    return items.exclude(Exists(theirs))


def _check_not_their_own(item: ReviewItem, actor: Actor) -> None:
    if Feedback.objects.filter(call_id=item.call_id, person=actor.user).exists():
        raise NotAllowed("Nothing was claimed: nobody reviews an answer that they spoke of.")


claim_rules.add("feedback", ClaimRule(_not_their_own, _check_not_their_own))


def _said(item: ReviewItem) -> dict[str, Any]:
    """What was said of the answer, opened for who holds it."""
    found = [
        {
            "feedback": one,
            "text": one.opened("text"),
            "correction": readable(one.opened("correction") or ""),
        }
        for one in of_call(item.call_id)
    ]
    return {"said": found, "item": item} if found else {}


item_panels.add("feedback", ItemPanel("reviews/feedback/_item_panel.html", _said))


def _suggested(item: ReviewItem, key: str) -> str | None:
    """The correction of that feedback, if it is about this item's call."""
    try:
        found = Feedback.objects.filter(call_id=item.call_id, pk=UUID(key)).first()
    except ValueError:
        return None
    return found.opened("correction") if found else None


suggestions.add("feedback", _suggested)


def second_looks(user: User, now: datetime) -> list[InboxItem]:
    """Answers that people decided and end users complain of, for the leads of their queues."""
    reach = user.reach(Permission.REVIEW_MANAGE)
    waiting = Feedback.objects.filter(state=FeedbackState.SECOND_LOOK)
    if not reach.everywhere:
        waiting = waiting.filter(item__queue__in=Queue.objects.filter(pk__in=reach.queue_ids))
    count = waiting.values("item").distinct().count()
    if not count:
        return []
    is_one = count == 1
    return [
        InboxItem(
            title=f"{count} decided answer{'' if is_one else 's'} drew feedback",
            detail="Confirm what was decided, or overturn it.",
            url=reverse("feedback:list") + f"?state={FeedbackState.SECOND_LOOK}",
            due_at=waiting.aggregate(at=Min("given_at"))["at"],
            kind="review",
            count=count,
        )
    ]


inbox.add("second looks", second_looks)


def _of_call(call: Call, user: User, now: datetime) -> dict[str, Any]:
    found = Feedback.objects.visible_to(user).filter(call=call)
    about = list(found.select_related("taken_by__rule", "api_key", "person").order_by("given_at"))
    return {"feedback": about} if about else {}


call_panels.add(
    "feedback",
    CallPanel("Feedback", 22, "reviews/feedback/_call_panel.html", _of_call, MAY_SEE),
)


def _of_use_case(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    if not user.may(Permission.REVIEW_VIEW, use_case.team):
        return {}
    tally = tally_of(Feedback.objects.filter(use_case=use_case))
    return {"use_case": use_case, "tally": tally}


use_case_panels.add(
    "feedback",
    Panel(
        "Feedback",
        62,
        "reviews/feedback/_use_case_panel.html",
        _of_use_case,
        (Permission.REVIEW_VIEW,),
    ),
)

COLUMNS = (
    *("id", "call", "use_case", "prompt", "thumb", "has_text", "has_correction"),
    *("state", "rule", "queue", "given_by", "given_at", "decided_at"),
)


def _rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Given in the period; no texts."""
    rows = Feedback.objects.filter(given_at__gte=scope.starts_at, given_at__lt=scope.ends_at)
    if scope.team_id:
        rows = rows.filter(call__team_id=scope.team_id)
    related = ("use_case", "call", "item__queue", "taken_by__rule", "api_key", "person")
    for one in rows.select_related(*related).order_by("pk").iterator(500):
        facts = facts_of(one)
        yield {name: "" if facts[name] is None else facts[name] for name in COLUMNS}


evidence_sections.add(
    "feedback",
    EvidenceSection(
        "feedback", "Feedback of end users", COLUMNS, _rows, counted_by=("thumb", "state")
    ),
)
