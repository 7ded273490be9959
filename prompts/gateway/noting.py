"""How much of a streamed answer has come, noted while it comes.

A process that is killed in the middle settles nothing. What its call's row says by then is
what the sweeper books: those tokens were paid for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import structlog
from django.db import DatabaseError, connection

from governance.kernel.statements import executed
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import PriceList, PriceUnknown, Usage, from_plain
from governance.model_cards.selectors import booked_prices_on
from prompts.gateway.context import CallContext
from prompts.gateway.together import Together
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call
from telemetry.ledger.rows import as_json
from telemetry.ledger.rules import OPEN_STATES

PAUSE_SECONDS = 1.0
UNDER_WAY = "under way"
NOTE = """
UPDATE ledger_call SET stage_trail = note.trail
FROM jsonb_to_recordset(%s) AS note (id uuid, trail jsonb)
WHERE ledger_call.id = note.id AND state = ANY (%s)
"""
log = structlog.get_logger("placet.call")


class Noting:
    """Hears what comes of one attempt, and writes it down at its beginning and once a second."""

    def __init__(self, context: CallContext, deployment: Deployment, sent: Usage) -> None:
        self.context = context
        self.deployment = deployment
        self.sent = sent
        self.characters = 0
        self._next = 0.0

    def hear(self, text: str) -> None:
        self.characters += len(text)
        if time.monotonic() >= self._next:
            self._write()
            self._next = time.monotonic() + PAUSE_SECONDS

    def _write(self) -> None:
        """A database that is away is no reason to stop: settling will say so."""
        before = [one for one in self.context.trail if "took_ms" in one]
        try:
            _notes.do("notes", {"id": self.context.call_id, "trail": [*before, self._entry()]})
        except DatabaseError:
            log.warning("not noted", call=str(self.context.call_id))
        finally:
            if not connection.in_atomic_block:
                connection.close()

    def _entry(self) -> dict[str, Any]:
        return {
            "stage": "invoke",
            "outcome": UNDER_WAY,
            "note": f"{self.characters} characters had come",
            "started_ms": 0,
            "took_ms": 0,
            "attempt": len(self.context.attempts) + 1,
            "deployment": self.deployment.pk,
            "tokens_input": self.sent.input,
            "images": self.sent.images,
            "prices": self.context.prices[self.deployment.pk].as_plain(),
            # Half of the characters is more tokens than any text has.
            "tokens_output": min(self.characters // 2 + 1, self.context.max_tokens),
        }


def _written(notes: Sequence[dict[str, Any]]) -> Sequence[None]:
    with executed(NOTE, [as_json(notes), [*OPEN_STATES]]):
        return [None] * len(notes)


_notes: Together[dict[str, Any], None] = Together(_written)


def heard_of(call: Call) -> ledger.BilledAttempt | None:
    """What a lost call's stream is known to have cost at least; None where none was heard."""
    last = call.stage_trail[-1] if call.stage_trail else {}
    if last.get("outcome") != UNDER_WAY:
        return None
    deployment = Deployment.objects.get(pk=last["deployment"])
    try:
        prices = _prices(last, deployment, call)
    except PriceUnknown:
        return None
    usage = Usage(last["tokens_input"], 0, last["tokens_output"], 0, last.get("images", 0))
    return ledger.BilledAttempt(
        attempt=last["attempt"],
        deployment=deployment,
        tokens_input=usage.input,
        tokens_output=usage.output,
        images=usage.images,
        amount=prices.booked(prices.cost(usage)),
        currency=prices.booked_currency,
        priced=ledger.priced(prices, usage),
        description="estimated from what had come when its process ended",
    )


def _prices(noted: dict[str, Any], deployment: Deployment, call: Call) -> PriceList:
    """Those that its hold was taken at, as they were noted with it."""
    if "prices" in noted:
        return from_plain(noted["prices"])
    return booked_prices_on(deployment, call.admitted_at.date())
