"""Drafts: what a reviewer typed and did not send yet, kept sealed until the decision."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from governance.kernel.authority import Actor
from governance.kernel.encryption import decrypt, encrypt
from governance.kernel.errors import Invalid
from reviews.decisions.rules import LONGEST_RATIONALE, LONGEST_TEXT
from reviews.decisions.working_models import ReviewDraft, draft_context
from reviews.queues import services as queues
from reviews.queues.models import ReviewItem
from telemetry.ledger.bodies import kept_until
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed

LONGEST_DRAFT = LONGEST_TEXT + LONGEST_RATIONALE + 10_000


@transaction.atomic
def save_draft(
    *,
    actor: Actor,
    item_id: UUID,
    corrected_text: str | None,
    rationale: str,
    labels: list[str],
    now: datetime,
    mode: str = "",
) -> ReviewDraft:
    """Keep what is typed, and renew the lease. Raises Conflict when the claim has ended."""
    item = queues.renew_lease(actor=actor, item_id=item_id, now=now)
    content: dict[str, Any] = {"rationale": rationale, "labels": labels, "mode": mode}
    if corrected_text is not None:
        content["corrected_text"] = corrected_text
    return keep_draft(actor=actor, item=item, content=json.dumps(content), now=now)


def keep_draft(*, actor: Actor, item: ReviewItem, content: str, now: datetime) -> ReviewDraft:
    """In the caller's transaction, on a locked item."""
    if len(content) > LONGEST_DRAFT * 2:
        raise Invalid("The draft was not saved: it is longer than any answer may be.")
    draft = ReviewDraft(item=item, person=actor.user)
    facts = {
        "content_sealed": encrypt(content, context=draft_context(draft)),
        "saved_at": now,
        "keep_until": kept_until(item.call, now),
    }
    saved, _ = ReviewDraft.objects.update_or_create(item=item, person=actor.user, defaults=facts)
    return saved


def draft_of(item: ReviewItem, person_id: int) -> tuple[dict[str, Any], datetime] | None:
    """(what this person typed: corrected_text, rationale, labels, mode; when it was saved)."""
    draft = ReviewDraft.objects.filter(item=item, person=person_id).first()
    if draft is None:
        return None
    content = decrypt(bytes(draft.content_sealed), context=draft_context(draft))
    return json.loads(content), draft.saved_at


def forget_drafts(item: ReviewItem) -> None:
    """Everybody's, with the decision. In the caller's transaction."""
    ReviewDraft.objects.filter(item=item).delete()


def count_drafts(calls: QuerySet[Call]) -> int:
    return ReviewDraft.objects.filter(item__call__in=calls).count()


def erase_drafts(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return ReviewDraft.objects.filter(item__call__in=call_ids).delete()[0]


@transaction.atomic
def destroy_due_drafts(now: datetime, most: int) -> int:
    while_no_hold_is_placed()
    due = ReviewDraft.objects.filter(~is_held_back("item__call__"), keep_until__lte=now)
    found = list(due.order_by("keep_until").values_list("pk", flat=True)[:most])
    return ReviewDraft.objects.filter(pk__in=found).delete()[0]
