"""What webhooks hear of calls: ids and states, never a text.

An answer in a delivery would be kept where no retention destroys it and sent as often as a
receiver fails, so that neither "given once" nor the record of who fetched it would be true.
"""

from __future__ import annotations

from datetime import datetime

from telemetry.ledger.models import Call
from telemetry.ledger.rules import CallMode, CallState
from telemetry.webhooks.outbox import announce
from telemetry.webhooks.registries import EventKind

SETTLED, HELD, DECIDED = "call.settled", "call.held", "call.decided"
KINDS = {
    SETTLED: EventKind(
        "An asynchronous call is settled", "Delivered, blocked or failed; fetch it by its address."
    ),
    HELD: EventKind("An answer is held", "A person must look first; the decision follows."),
    DECIDED: EventKind(
        "A held answer is decided", "Released, corrected, rejected or expired; fetch it then."
    ),
}


def announce_settled(call: Call, now: datetime) -> None:
    """Who waits in a synchronous call hears of it there; only a hold is news for everybody."""
    if call.state == CallState.HELD:
        _announce(HELD, call, now)
    elif call.mode == CallMode.ASYNC:
        _announce(SETTLED, call, now)


def announce_decided(call: Call, now: datetime) -> None:
    _announce(DECIDED, call, now)


def _announce(kind: str, call: Call, now: datetime) -> None:
    data = {
        "call": str(call.pk),
        "use_case": call.use_case.slug,
        "state": str(call.state),
        "url": f"/api/v1/calls/{call.pk}/",
    }
    announce(kind=kind, use_case_id=call.use_case_id, data=data, now=now)
