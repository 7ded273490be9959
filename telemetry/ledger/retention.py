"""Destroy the bodies whose time is over; hashes and money lines stay."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.kernel.authority import Actor
from telemetry.ledger.models import Payload
from telemetry.ledger.rules import CallState
from telemetry.ledger.services import decide_call


@transaction.atomic
def destroy_payloads(*, now: datetime, batch: int = 1000) -> int:
    """Empty what is past its retention; the hashes stay. Held calls expire with it. How many."""
    due = list(
        Payload.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("call")
        .filter(keep_until__lte=now, destroyed_at=None)[:batch]
    )
    for payload in due:
        if payload.call.state == CallState.HELD:
            actor = Actor.system("retention")
            decide_call(call=payload.call, verdict="expired", actor=actor, now=now)
    Payload.objects.filter(pk__in=[payload.pk for payload in due]).update(
        request_sealed=None, response_sealed=None, decided_sealed=None, destroyed_at=now
    )
    return len(due)
