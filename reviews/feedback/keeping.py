"""Texts of feedback follow their call: its retention, the legal holds on it, and its erasure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from governance.audit.services import record
from governance.kernel.authority import Actor
from reviews.feedback.models import Feedback, kept_texts
from reviews.feedback.rules import FEEDBACK_STATES, OPEN_STATES
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed

SYSTEM = Actor.system("retention")
WITH_TEXT = Q(text_sealed__isnull=False) | Q(correction_sealed__isnull=False)


def count_texts(calls: QuerySet[Call]) -> int:
    return Feedback.objects.filter(WITH_TEXT, call__in=calls).count()


def erase_texts(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction. Also what that end user said of calls of others."""
    about = Q(call__in=call_ids)
    if erasure.end_user_hash:
        about |= Q(~is_held_back("call__"), end_user_hash=erasure.end_user_hash)
    return _empty(Feedback.objects.filter(about, destroyed_at=None), now)


@transaction.atomic
def destroy_due(now: datetime, most: int) -> int:
    while_no_hold_is_placed()
    due = Feedback.objects.filter(~is_held_back("call__"), destroyed_at=None, keep_until__lte=now)
    return _empty(due.order_by("keep_until")[:most], now)


def _empty(found: QuerySet[Feedback], now: datetime) -> int:
    """How many had texts. The thumb stays, and counts; what waits for a person waits no more."""
    locked = list(found.select_for_update(skip_locked=True, of=("self",)).select_related("call"))
    for one in locked:
        if one.state in OPEN_STATES:
            _lapse(one, now)
    Feedback.objects.filter(pk__in=[one.pk for one in locked]).update(
        text_sealed=None,
        correction_sealed=None,
        redactions={},
        findings=[],
        idempotency_hash="",
        destroyed_at=now,
    )
    return sum(any(kept_texts(one).values()) for one in locked)


def _lapse(one: Feedback, now: datetime) -> None:
    before = {"state": one.state}
    one.state = FEEDBACK_STATES.target(one.state, "lapse")
    one.save(update_fields=["state"])
    record(
        actor=SYSTEM,
        action="feedback.lapsed",
        subject=one,
        now=now,
        before=before,
        after={"state": one.state, "call": str(one.call_id)},
        team_id=one.call.team_id,
    )
