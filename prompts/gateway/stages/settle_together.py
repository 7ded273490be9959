"""Settle ordinary calls of one key, as many as have just been answered, in one statement.

Ordinary is: let in by this process, asked for once, billed, delivered. Lines, answers, states,
money and door are written for all of them or for none; then each goes the long way alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from prompts.gateway import gate
from prompts.gateway.context import CallContext
from prompts.gateway.gate import Standing
from prompts.gateway.restoring import said_again
from prompts.gateway.stages.admit import retention
from prompts.gateway.stages.admit_together import asked_once as asked_once
from prompts.gateway.together import Together
from telemetry.chargeback import holds
from telemetry.ledger import rows
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call, LedgerEntry, Payload


@dataclass(frozen=True)
class _Ending:
    """One call with what is to be written of it."""

    context: CallContext
    call: Call
    entry: LedgerEntry
    payload: Payload
    used: int


def settle_together(context: CallContext, billed: list[ledger.BilledAttempt]) -> bool:
    """Whether the call is settled now."""
    if not _is_ordinary(context, billed):
        return False
    now = timezone.now()
    call, entry, payload = ledger.ended(
        call=context.known_call,
        now=now,
        billed=billed[0],
        response=ledger.Body(context.output, now + retention(context)),
        deployment=billed[0].deployment,
        price_snapshot=context.attempts[0].prices.as_plain(),
        findings=context.findings,
        stage_trail=context.trail,
        latency_ms=context.latency_ms,
    )
    usage = context.attempts[0].usage
    ending = _Ending(context, call, entry, payload, usage.input + usage.output)
    name = (tuple(context.held.buckets), call.team_id, call.use_case_id, call.deployment_id)
    left = _together.do(name, ending)
    if left is None:
        return False
    context.call, context.standings = call, left
    return True


def _is_ordinary(context: CallContext, billed: list[ledger.BilledAttempt]) -> bool:
    """Delivered after one attempt that was held when it was let in, and no probe of a circuit."""
    return (
        context.was_let_in_together
        and len(context.attempts) == len(context.held.ends) == len(context.held.entered) == 1
        and len(billed) == context.held_attempts == 1
        and bool(context.output)
        and not context.vectors
        and not said_again(context)
        and context.refusal is None
        and not context.hold_reason
        and not context.is_degraded
        and context.confidence is None
    )


def _settle(endings: Sequence[_Ending]) -> Sequence[tuple[datetime, list[Standing]] | None]:
    """When, and how the circuits stand; None for all where one of them was not ordinary."""
    now = max(one.entry.created_at for one in endings)
    told = {
        "calls": [rows.written(one.call) for one in endings],
        "entries": [rows.written(one.entry) for one in endings],
        "payloads": [rows.written(one.payload) for one in endings],
        "money": holds.first_bills([(one.call, one.entry.amount) for one in endings], now),
        "door": gate.leaving_together(
            [(one.call.pk, one.context.held, one.used) for one in endings]
        ),
    }
    answer = asked_once("SELECT gateway_settle(%s)", told)
    if answer is None:
        return [None] * len(endings)
    if answer["crossing"]:
        holds.warn(answer["crossing"], now)
    return [gate.standings_in(answer)] * len(endings)


_together: Together[_Ending, tuple[datetime, list[Standing]] | None] = Together(_settle)
