"""Let ordinary calls of one key in, as many as wait, in one statement and one transaction.

Door, hold, call and sealed request are written for all of them or for none. Where there may be
a reason to refuse one, nothing is written, and each goes the long way alone (limit.py, then
admit.py), which says the reason: one call's refusal never touches another.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import structlog
from django.db import DatabaseError

from governance.kernel.statements import executed
from prompts.gateway import gate
from prompts.gateway.context import CallContext, Outdated, may_go_together
from prompts.gateway.gate import MARGIN_SECONDS, Entry, Left, Limits
from prompts.gateway.governing import Generation, note_seen
from prompts.gateway.runners import own_id
from prompts.gateway.stages.admit import call_of, most_cost, request_body
from prompts.gateway.stages.limit import begin_at, buckets_of, ever_fitting
from prompts.gateway.stages.route import most_input_tokens
from prompts.gateway.together import Together
from telemetry.chargeback import holds
from telemetry.ledger import rows
from telemetry.ledger.bodies import first_payload
from telemetry.ledger.models import Call, Payload

log = structlog.get_logger("placet.call")


@dataclass(frozen=True)
class _Asking:
    """One call that asks to be let in, with what it needs."""

    call: Call
    payload: Payload
    tokens: int
    amount: Decimal
    lease_seconds: int


@dataclass(frozen=True)
class _Name:
    """What calls have in common that are let in together."""

    buckets: tuple[Limits, ...]
    place: Limits
    most: int
    team_id: int
    use_case_id: int
    currency: str
    month: date
    seen: Generation | None


def admit_together(context: CallContext) -> str:
    """The deployment's name once the call is in; empty where it has to go the long way."""
    if not may_go_together(context.request):
        return ""
    buckets, first = buckets_of(context), context.deployments[0]
    tokens = most_input_tokens(context) + context.max_tokens
    if any(one.tokens is not None and one.tokens < tokens for one in buckets):
        return ""
    context.held.tokens = tokens
    if ever_fitting(context)[0] is not first:
        return ""
    call = call_of(context)
    asking = _Asking(
        call,
        first_payload(call, "request", request_body(context)),
        tokens,
        most_cost(context, first),
        context.budget_seconds + MARGIN_SECONDS,
    )
    name = _Name(
        tuple(buckets),
        gate.of_deployment(first),
        first.concurrency_limit,
        call.team_id,
        call.use_case_id,
        context.prices[first.pk].booked_currency,
        context.received_at.date().replace(day=1),
        context.seen,
    )
    entry = _together.do(name, (name, asking))
    if entry is None:
        return ""
    if isinstance(entry, Outdated):
        raise Outdated
    context.seen = None
    context.call, context.held_attempts, context.was_let_in_together = call, 1, True
    context.held.buckets, context.rates = buckets, entry.header_facts()
    return begin_at(context, entry)


def held_together(context: CallContext) -> str:
    """What is held of a call that was let in so; empty for any other."""
    if not context.was_let_in_together:
        return ""
    first = context.deployments[0]
    return f"{most_cost(context, first)} {context.prices[first.pk].booked_currency} held"


def _admit(jobs: Sequence[tuple[_Name, _Asking]]) -> Sequence[Entry | Outdated | None]:
    """One entry for each; none for all where one of them cannot be let in just so."""
    name, asking = jobs[0][0], [one for _, one in jobs]
    asked = {
        "seen": name.seen or [],
        "calls": [rows.written(one.call) for one in asking],
        "payloads": [rows.written(one.payload) for one in asking],
        "money": holds.first_holds([(one.call, one.amount) for one in asking], name.currency),
        "door": {
            "buckets": [one.as_plain() for one in name.buckets],
            "place": name.place.as_plain() | {"most": name.most},
            "tokens": sum(one.tokens for one in asking),
            "runner": own_id(),
            "calls": [{"id": one.call.pk, "lease": one.lease_seconds} for one in asking],
        },
    }
    answer = asked_once("SELECT gateway_admit(%s)", asked)
    if answer is None:
        return [None] * len(jobs)
    if "levels" not in answer:
        return [Outdated()] * len(jobs)
    if name.seen is not None:
        note_seen(name.seen, datetime.fromisoformat(answer["at"]))
    for one in asking:
        one.call._state.adding = False
    return _entries(name, asking, answer["levels"])


def _entries(
    name: _Name, asking: Sequence[_Asking], levels: list[dict[str, float | None]]
) -> list[Entry]:
    """As if they had come one after the other."""
    entries, taken = [], 0
    for number, one in enumerate(asking, 1):
        taken += one.tokens
        left = tuple(
            Left(limits, _less(level["requests"], number), _less(level["tokens"], taken))
            for limits, level in zip(name.buckets, levels, strict=False)
        )
        entries.append(Entry(chosen=name.place.id, left=left))
    return entries


def _less(level: float | None, taken: int) -> float | None:
    return None if level is None else level - taken


def asked_once(statement: str, facts: Any) -> Any:
    """What a function says; None where the database refused all of it, which undid all of it.

    Raises DatabaseError where nobody knows what was written, because the connection is lost.
    """
    try:
        with executed(statement, [rows.as_json(facts)]) as cursor:
            (answer,) = cursor.fetchone()
    except DatabaseError as error:
        if not getattr(error.__cause__, "sqlstate", None):
            raise
        log.warning("not together", why=type(error).__name__)
        return None
    return json.loads(answer) if isinstance(answer, str) else answer


_together: Together[tuple[_Name, _Asking], Entry | Outdated | None] = Together(_admit)
