"""The second transaction: cost, ledger, state, review item; all or nothing, idempotent."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import OperationalError, transaction
from django.utils import timezone

from governance.kernel.errors import NotFound, WrongState
from governance.kernel.statements import is_deadlock
from prompts.gateway.context import Attempt, CallContext
from prompts.gateway.embeddings import vectors_digest
from prompts.gateway.noting import heard_of
from prompts.gateway.opinions import keep_opinion
from prompts.gateway.refusals import Cancelled, Lost, ReviewNotPossible
from prompts.gateway.restoring import keep_after
from prompts.gateway.stages.admit import LEASE, retention
from prompts.gateway.stages.limit import give_back
from prompts.gateway.stages.settle_together import settle_together
from prompts.gateway.waiting import BESIDE, elsewhere
from reviews.queues.services import open_item
from telemetry.chargeback.holds import end_holds, release_open
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call
from telemetry.ledger.rules import CallState

log = structlog.get_logger("placet.call")


def settle(context: CallContext) -> None:
    """Book what was billed, give back the rest of the hold, write the end of the call."""
    if settle_together(context, _bills(context)):
        return
    try:
        elsewhere(BESIDE, _settle_alone, context)
    except NotFound as no_queue:
        # Undecidable refuses: without a queue nobody could ever release it.
        context.refusal = ReviewNotPossible(no_queue.message)
        context.hold_reason = ""
        elsewhere(BESIDE, _settle_alone, context)


def _settle_alone(context: CallContext) -> None:
    """Once more where a set that was being let in waited for this call, and this call for it."""
    try:
        _settle(context)
    except OperationalError as error:
        if not is_deadlock(error):
            raise
        log.warning("settled again after a deadlock")
        _settle(context)


@transaction.atomic
def _settle(context: CallContext) -> None:
    now = timezone.now()
    call = context.known_call
    billed = _bills(context)
    last = context.answering
    keeps_output = bool(context.output) and context.refusal is None
    body = ledger.Body(context.output, now + retention(context)) if keeps_output else None
    facts: ledger.CallFacts = {
        "findings": context.findings,
        "stage_trail": context.trail,
        "hold_reason": context.hold_reason,
        "latency_ms": context.latency_ms,
        "is_cached": context.is_cached,
        "confidence": context.confidence,
        "confidence_method": context.confidence_method,
    }
    if last is not None:
        facts |= {"deployment": last.deployment, "price_snapshot": last.prices.as_plain()}
    if context.refusal is not None:
        facts |= {
            "refusal_code": context.refusal.code,
            "refusal_message": context.refusal.message,
        }
    context.call = ledger.settle_call(
        call=call,
        outcome=_outcome(context),
        now=now,
        billed=billed,
        response=body,
        response_hash=vectors_digest(context.vectors),
        **facts,
    )
    keep_opinion(context, now)
    keep_after(context, now, now + retention(context))
    if context.refusal is None and context.hold_reason and not context.is_degraded:
        open_item(
            call=context.call,
            reason=context.hold_reason,
            output_contract=context.contract,
            now=now,
            priority=len(context.findings),
        )
    # Last, because everybody's next call waits for these rows.
    bills = {attempt.attempt: attempt.amount for attempt in billed}
    end_holds(call=context.call, bills=bills, now=now)
    give_back(context)


def _bills(context: CallContext) -> list[ledger.BilledAttempt]:
    return [_billed(one) for one in context.attempts if one.is_billed]


def _billed(attempt: Attempt) -> ledger.BilledAttempt:
    return ledger.BilledAttempt(
        attempt=attempt.number,
        deployment=attempt.deployment,
        tokens_input=attempt.usage.input,
        tokens_output=attempt.usage.output,
        tokens_cached=attempt.usage.cached_input,
        tokens_reasoning=attempt.usage.reasoning,
        images=attempt.usage.images,
        amount=attempt.cost,
        currency=attempt.prices.booked_currency,
        priced=ledger.priced(attempt.prices, attempt.usage),
        description=attempt.purpose,
    )


def _outcome(context: CallContext) -> str:
    if context.is_degraded:
        return "degrade"
    if context.refusal is not None:
        return "block" if context.refusal.blocks else "fail"
    return "hold" if context.hold_reason else "deliver"


@transaction.atomic
def settle_refused(context: CallContext) -> None:
    """A refusal before admission leaves a call too, where the use case is known: controls
    that work are evidence. So does an answer that no model was asked for."""
    give_back(context)
    refusal = context.refusal
    if context.use_case is None or (refusal is None and not context.is_degraded):
        return
    if refusal is not None and refusal.code in (
        "still_running",
        "idempotency_key_reused",
        "result_gone",
    ):
        return
    now = timezone.now()
    release = context.release
    call = ledger.admit_call(
        use_case=context.use_case,
        mode="internal" if context.request.person else context.request.mode,
        now=context.received_at,
        call_id=context.call_id,
        api_key=context.key,
        requester=context.request.person,
        lease=LEASE,
        release_id=release.pk if release else None,
        prompt_version_id=release.version_id if release else None,
        prompt_label=str(release.version) if release else "",
        redactions=context.redactions,
        task_id=context.request.task_id,
    )
    context.call = ledger.settle_call(
        call=call,
        outcome=_outcome(context),
        now=now,
        response=ledger.Body(context.output, now + retention(context)) if not refusal else None,
        findings=context.findings,
        stage_trail=context.trail,
        refusal_code=refusal.code if refusal else "",
        refusal_message=refusal.message if refusal else "",
    )


def settle_lost(call: Call) -> Call:
    """For the sweeper: whoever ran this call is gone, and the call fails.

    What a stream was heard to say is booked. A crash after the provider was asked may have cost
    money all the same; then the hold expires into suspense, where somebody must say what the
    provider billed.
    """
    with transaction.atomic():
        now = timezone.now()
        if call.started_at is None:
            release_open(call=call, now=now)
        heard = heard_of(call)
        settled = ledger.settle_call(
            call=call,
            outcome="fail",
            now=now,
            billed=[heard] if heard else [],
            refusal_code=Lost.code,
            refusal_message="The process that ran this call ended before it was settled.",
        )
        if heard is not None:
            end_holds(call=settled, bills={heard.attempt: heard.amount}, now=now)
        return settled


@transaction.atomic
def cancel(*, call: Call, now: datetime) -> Call:
    """End an accepted call that no worker has begun; raises WrongState once one has."""
    call = ledger.locked(call.pk)  # a worker may begin it at this very moment
    if call.state != CallState.ADMITTED:
        raise WrongState(f"Nothing was cancelled: the call is {call.state} already.")
    release_open(call=call, now=now)
    return ledger.settle_call(
        call=call,
        outcome="fail",
        now=now,
        refusal_code=Cancelled.code,
        refusal_message="Cancelled by its caller before it ran.",
    )
