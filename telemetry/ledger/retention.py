"""Destroy bodies whose time is over; hashes and money lines stay, and so does what is held back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from governance.kernel.authority import Actor
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure, Payload
from telemetry.ledger.registries import body_stores
from telemetry.ledger.rules import CallState
from telemetry.ledger.services import decide_call

ROWS_PER_RUN = 1000
KEEPING_LOCK = 722_003  # shared by who destroys, alone for who places a legal hold


def destroy_due(*, now: datetime, batch: int = ROWS_PER_RUN) -> dict[str, int]:
    """One bounded round over every store; how many rows each emptied."""
    return {name: store.destroy_due(now, batch) for name, store in body_stores.items()}


def while_no_hold_is_placed() -> None:
    """Until this transaction ends: a hold that is placed meanwhile waits, and sees what is left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [KEEPING_LOCK])


@transaction.atomic
def destroy_payloads(*, now: datetime, batch: int = ROWS_PER_RUN) -> int:
    """Empty what is past its retention; the hashes stay. Held calls expire with it. How many."""
    while_no_hold_is_placed()
    due = (
        Payload.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("call")
        .filter(~is_held_back("call__"), keep_until__lte=now, destroyed_at=None)
    )
    return _empty(list(due.order_by("keep_until")[:batch]), now)


def count_payloads(calls: QuerySet[Call]) -> int:
    return Payload.objects.filter(call__in=calls, destroyed_at=None).count()


def erase_payloads(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    found = Payload.objects.select_for_update(of=("self",)).select_related("call")
    return _empty(list(found.filter(call__in=call_ids, destroyed_at=None)), now, erasure)


def _empty(payloads: Sequence[Payload], now: datetime, erasure: Erasure | None = None) -> int:
    for payload in payloads:
        if payload.call.state == CallState.HELD:
            actor = Actor.system("erasure" if erasure else "retention")
            decide_call(call=payload.call, verdict="expired", actor=actor, now=now)
    return Payload.objects.filter(pk__in=[payload.pk for payload in payloads]).update(
        request_sealed=None,
        response_sealed=None,
        decided_sealed=None,
        destroyed_at=now,
        erasure=erasure,
    )
