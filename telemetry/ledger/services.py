"""The verbs of a call: admit, start, settle, decide; and opening its bodies.

Admitting, starting and settling write no audit event of their own: a settled call is fixed
in the audit log by the next seal (seals.py), a thousand calls by one event. What people do
(deciding, opening bodies) is recorded one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.db import transaction

from governance.access.models import ApiKey, User
from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Invalid, NotFound, WrongState
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import PriceList, Usage
from governance.registry.models import UseCase
from telemetry.ledger import rows
from telemetry.ledger.announcing import announce_decided, announce_settled
from telemetry.ledger.bodies import Body as Body
from telemetry.ledger.bodies import held_input as held_input
from telemetry.ledger.bodies import held_text as held_text
from telemetry.ledger.bodies import keep, keep_first, kept_until
from telemetry.ledger.bodies import locked as locked
from telemetry.ledger.bodies import visible_answer as visible_answer
from telemetry.ledger.digests import call_digest
from telemetry.ledger.joining import joins_transaction
from telemetry.ledger.models import ZERO, Call, LedgerEntry, Payload
from telemetry.ledger.rules import (
    CALL_STATES,
    DIGEST_VERSION,
    VERDICT_ACTIONS,
    CallMode,
    CallSource,
    CallState,
    EntryKind,
    Outcome,
)

DEFAULT_LEASE = timedelta(minutes=5)
# Sentences are cut to their columns; a long explanation must not fail a settlement.
LONGEST = {"hold_reason": 300, "refusal_message": 600}


class CallFacts(TypedDict, total=False):
    """What the stages learn about a call on its way; any verb below takes any of them."""

    release_id: int | None
    prompt_version_id: int | None
    prompt_label: str
    deployment: Deployment | None
    sensitivity: str
    request_hash: str
    redactions: dict[str, int]
    findings: list[dict[str, Any]]
    stage_trail: list[dict[str, Any]]
    hold_reason: str
    refusal_code: str
    refusal_message: str
    latency_ms: int | None
    price_snapshot: dict[str, Any]
    task_id: str
    end_user_hash: str
    is_cached: bool
    confidence: Decimal | None
    confidence_method: str


SETTLED_COLUMNS = (
    *("state", "outcome", "finished_at", "lease_until", "response_hash", "digest"),
    *("cost", "tokens_input", "tokens_cached", "tokens_output", "attempts"),
    *("tokens_reasoning", "images", "digest_version"),
    *CallFacts.__annotations__,
)


@dataclass(frozen=True)
class Priced:
    """What an attempt cost in the currency of its prices, and the rate that it was booked at."""

    amount: Decimal
    currency: str
    rate_id: int


def priced(prices: PriceList, usage: Usage) -> Priced | None:
    """Of prices in another currency than the ledger's; None where nothing is converted."""
    if prices.rate is None:
        return None
    return Priced(prices.cost(usage), prices.currency, prices.rate.id)


@dataclass(frozen=True)
class BilledAttempt:
    """One request to a provider that costs money, whatever became of its answer.

    `attempt` counts from 1 within the call; `amount` is exact, in `currency`, the ledger's.
    `tokens_reasoning` are part of `tokens_output`.
    """

    attempt: int
    deployment: Deployment
    tokens_input: int
    tokens_output: int
    amount: Decimal
    tokens_cached: int = 0
    currency: str = ""
    description: str = ""
    tokens_reasoning: int = 0
    images: int = 0
    priced: Priced | None = None


@joins_transaction
def admit_call(*, request: Body | None = None, **facts: Any) -> Call:
    """The row of a call that has been let in, with its first body; `facts` as `new_call`'s.

    Raises IntegrityError when the idempotency key is taken (by a call of the same key, or of
    the same person): look with `selectors.call_by_idempotency` first, and again after it.
    """
    call = new_call(**facts)
    write_new(call, request)
    return call


def write_new(call: Call, request: Body | None) -> None:
    """Insert a new call, with its request; in the caller's transaction."""
    rows.insert([call])
    if request is not None:
        keep_first(call, "request", request)


def new_call(
    *,
    use_case: UseCase,
    mode: CallMode | str,
    now: datetime,
    call_id: UUID | None = None,
    api_key: ApiKey | None = None,
    requester: User | None = None,
    idempotency_key: str = "",
    idempotency_hash: str = "",
    lease: timedelta = DEFAULT_LEASE,
    starts: bool = False,
    **facts: Unpack[CallFacts],
) -> Call:
    """The row of a call that is let in, not written yet. Its cost goes to the use case's team.

    `starts` says that whoever admits it asks the provider at once.
    """
    call = Call(
        use_case=use_case,
        team_id=use_case.team_id,
        mode=CallMode(mode),
        source=CallSource.LIVE,
        state=CALL_STATES.initial,
        admitted_at=now,
        lease_until=now + lease,
        api_key=api_key,
        requester=requester,
        idempotency_key=idempotency_key,
        idempotency_hash=idempotency_hash,
        currency=settings.PLACET_CURRENCY,
        sensitivity=use_case.sensitivity,
    )
    if call_id is not None:
        call.pk = call_id
    if starts:
        call.state, call.started_at = CALL_STATES.target(call.state, "start"), now
    _learn(call, facts)
    return call


@joins_transaction
def start_call(
    *,
    call: Call,
    now: datetime,
    lease: timedelta = DEFAULT_LEASE,
    request: Body | None = None,
    **facts: Unpack[CallFacts],
) -> Call:
    """Before the provider is asked: the call runs under a lease.

    A running call whose lease ran out is taken over; one whose lease lives raises WrongState,
    so that a task delivered twice does its work once.
    """
    call = locked(call.pk)
    is_taken_over = call.state == CallState.RUNNING
    if is_taken_over and call.lease_until is not None and call.lease_until >= now:
        raise WrongState("Nothing was changed: another worker runs this call now.")
    call.state = CALL_STATES.target(call.state, "resume" if is_taken_over else "start")
    call.started_at = call.started_at or now
    call.lease_until = now + lease
    _learn(call, facts)
    call.save()
    if request is not None:
        keep(call, "request", request)
    return call


@transaction.atomic
def extend_lease(*, call: Call, now: datetime, lease: timedelta = DEFAULT_LEASE) -> None:
    """A sign of life from whoever runs the call."""
    Call.objects.open().filter(pk=call.pk).update(lease_until=now + lease)


@joins_transaction
def settle_call(
    *,
    call: Call,
    outcome: Outcome | str,
    now: datetime,
    billed: Sequence[BilledAttempt] = (),
    response: Body | None = None,
    response_hash: str = "",
    **facts: Unpack[CallFacts],
) -> Call:
    """The end of the gateway's part: state, money lines and the sealed answer, all or nothing.

    Idempotent on the call's id: a settled call keeps its state, answer and digest. An attempt
    that was billed but is not booked yet is booked even then, because it was paid for.
    Tokens of the call are the sums over its billed attempts.
    """
    call = relocked(call)
    is_settled = bool(call.outcome)
    booked = _book(call, billed, now)
    if is_settled and not booked:
        return call
    if not is_settled:
        response_hash = response_hash or (text_digest(response.text) if response else "")
        _end(call, outcome, now, booked, response_hash, facts)
        if response is not None:
            keep(call, "response", response)
    rows.update(call, SETTLED_COLUMNS)
    if not is_settled:
        announce_settled(call, now)
    return call


def ended(
    *,
    call: Call,
    now: datetime,
    billed: BilledAttempt,
    response: Body,
    **facts: Unpack[CallFacts],
) -> tuple[Call, LedgerEntry, Payload]:
    """What `settle_call` would write of a call as it was let in, that is delivered after one
    billed attempt: for a set of calls that is written in one statement, or not at all."""
    over = copy(call)
    entries = _lines(over, [billed], now, set())
    _end(over, Outcome.DELIVER, now, entries, text_digest(response.text), facts)
    payload = Payload(call=over, keep_until=response.keep_until)
    payload.seal("response", response.text)
    return over, entries[0], payload


def _end(
    call: Call,
    outcome: Outcome | str,
    now: datetime,
    booked: Sequence[LedgerEntry],
    response_hash: str,
    facts: CallFacts,
) -> None:
    call.state = CALL_STATES.target(call.state, Outcome(outcome))
    call.outcome, call.finished_at, call.lease_until = Outcome(outcome), now, None
    call.response_hash = response_hash
    _learn(call, facts)
    # It may have been let in by an earlier edition.
    call.digest_version = DIGEST_VERSION
    call.digest = call_digest(call, booked)


@transaction.atomic
def decide_call(
    *, call: Call, verdict: str, decided_text: str | None = None, actor: Actor, now: datetime
) -> Call:
    """A person's verdict on a held call: released, corrected (with their text), rejected, expired.

    Who may decide is the caller's to check (reviews does, on the queue). `decided_text` must
    fit the output contract already.
    """
    if verdict not in VERDICT_ACTIONS:
        raise Invalid(f"Nothing was decided: “{verdict}” is no verdict on a call.")
    if (verdict == CallState.CORRECTED) != (decided_text is not None):
        raise Invalid("Nothing was decided: a correction, and only that, brings a text.")
    call = locked(call.pk)
    before = {"state": call.state}
    call.state = CALL_STATES.target(call.state, VERDICT_ACTIONS[verdict])
    call.decided_at = now
    if decided_text is not None:
        call.decided_hash = text_digest(decided_text)
        keep(call, "decided", Body(decided_text, kept_until(call, now)))
    call.save(update_fields=["state", "decided_at", "decided_hash"])
    after = {"state": call.state, "decided_hash": call.decided_hash}
    record(
        actor=actor,
        action=f"call.{call.state}",
        subject=call,
        now=now,
        before=before,
        after=after,
        team_id=call.team_id,
    )
    announce_decided(call, now)
    return call


def relocked(call: Call) -> Call:
    """As `locked`, for a call whose relations are known already: one lean statement."""
    found = rows.lock(call)
    if found is None:
        raise NotFound("There is no such call.")
    return found


def _learn(call: Call, facts: CallFacts) -> None:
    for name, value in facts.items():
        if name in LONGEST:
            value = str(value)[: LONGEST[name]]
        setattr(call, name, value)


def _book(call: Call, billed: Sequence[BilledAttempt], now: datetime) -> list[LedgerEntry]:
    """Insert the attempts that have no line yet and add them to the call's sums."""
    if not billed:
        return []
    # The call's row is locked, and counts the attempts that were booked.
    booked = call.entries.filter(kind=EntryKind.USAGE).values_list("attempt", flat=True)
    known = set(booked) if call.attempts else set()
    entries = _lines(call, billed, now, known)
    rows.insert(entries)
    return entries


def _lines(
    call: Call, billed: Sequence[BilledAttempt], now: datetime, known: set[int]
) -> list[LedgerEntry]:
    """Lines of the attempts that are not known yet, and the call's sums with them."""
    entries = []
    for one in sorted(billed, key=lambda one: one.attempt):
        if one.attempt in known:
            continue
        entries.append(_entry(call, one, now, is_first=not known))
        known.add(one.attempt)
    call.cost += sum((entry.amount for entry in entries), ZERO)
    call.tokens_input += sum(entry.tokens_input for entry in entries)
    call.tokens_cached += sum(entry.tokens_cached for entry in entries)
    call.tokens_output += sum(entry.tokens_output for entry in entries)
    call.tokens_reasoning += sum(entry.tokens_reasoning for entry in entries)
    call.images += sum(entry.images for entry in entries)
    call.attempts = len(known)
    return entries


def _entry(call: Call, one: BilledAttempt, now: datetime, *, is_first: bool) -> LedgerEntry:
    if one.currency and one.currency != call.currency:
        raise Invalid(
            f"Nothing was booked: an amount of {one.deployment} is in {one.currency}, "
            f"and the ledger is kept in {call.currency}."
        )
    day = now.date()
    return LedgerEntry(
        call=call,
        attempt=one.attempt,
        kind=EntryKind.USAGE,
        team_id=call.team_id,
        use_case_id=call.use_case_id,
        deployment=one.deployment,
        period=day.replace(day=1),
        day=day,
        calls=1 if is_first else 0,
        tokens_input=one.tokens_input,
        tokens_cached=one.tokens_cached,
        tokens_output=one.tokens_output,
        tokens_reasoning=one.tokens_reasoning,
        images=one.images,
        amount=one.amount,
        currency=call.currency,
        priced_amount=one.priced.amount if one.priced else None,
        priced_currency=one.priced.currency if one.priced else "",
        rate_id=one.priced.rate_id if one.priced else None,
        source=CallSource.LIVE,
        description=one.description[:300],
        created_at=now,
    )
