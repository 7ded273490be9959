"""Run a batch in small steps, one line after the other. Whoever dies in one loses no line.

A line's call carries an idempotency key of its batch, number and try: a step that is run again
after a crash finds the call that was made, and its cost is booked to the line once. Because one
worker runs a batch at a time, what is left of its budget is exact before every call.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Min, Q

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from prompts.batches.models import Batch, BatchLine
from prompts.batches.rules import (
    BATCH_STATES,
    MOST_TRIES,
    OPEN_STATES,
    PASSING,
    STOPPING,
    BatchState,
    LineState,
)
from prompts.batches.services import end_waiting
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.reply import GovernedReply
from prompts.gateway.shapes import governed_request
from telemetry.chargeback.models import Hold
from telemetry.chargeback.rules import HoldState
from telemetry.ledger.models import ZERO, Call
from telemetry.webhooks.outbox import announce

LEASE = timedelta(minutes=5)
LINES_PER_STEP = 50
STEP_FOR = timedelta(seconds=20)
MINUTE = timedelta(minutes=1)
FIRST_WAIT = timedelta(seconds=30)
ENDED = "batch.ended"
SYSTEM = Actor.system("batches")
Clock = Callable[[], datetime]


def run_step(*, batch_id: UUID, clock: Clock) -> datetime | None:
    """Some lines of the batch; when its next step is due, None when none is."""
    batch = _claim(batch_id, clock())
    if batch is None:
        return None
    if sentence := _may_not_run(batch, clock()):
        _end(batch, "fail", clock(), sentence)
        return None
    due_at = _run_lines(batch, clock)
    return _give_back(batch, due_at, clock())


@transaction.atomic
def _claim(batch_id: UUID, now: datetime) -> Batch | None:
    """The batch under a lease of ours, or None when it is another's, not due or over."""
    found = Batch.objects.select_for_update(skip_locked=True, of=("self",)).select_related(
        "use_case", "team", "api_key", "requester"
    )
    batch = (
        found.filter(pk=batch_id, state__in=OPEN_STATES, next_step_at__lte=now)
        .filter(Q(lease_until=None) | Q(lease_until__lt=now))
        .first()
    )
    if batch is None:
        return None
    if batch.state == BatchState.RECEIVED:
        batch.state = BATCH_STATES.target(batch.state, "start")
        batch.started_at = now
    batch.lease_until = now + LEASE
    batch.save(update_fields=["state", "started_at", "lease_until"])
    return batch


def _may_not_run(batch: Batch, now: datetime) -> str:
    """Why nobody may make these calls any more; empty while somebody may."""
    if batch.api_key is not None:
        is_live = batch.api_key.is_live(now)
        return "" if is_live else "The API key that uploaded it has ended."
    person = batch.requester
    if person is not None and person.is_active and person.may(Permission.CALL_TRY, batch.team):
        return ""
    return "The person who uploaded it may no longer make calls of this use case."


def _run_lines(batch: Batch, clock: Clock) -> datetime | None:
    """Lines until the step, the pace or the batch ends; when to go on."""
    last = clock() + STEP_FOR
    room = _room(batch, clock())
    if room <= 0:
        return _room_again_at(batch, clock())
    spent = batch.spent()
    for line in _waiting(batch, clock(), min(room, LINES_PER_STEP)):
        now = clock()
        if now >= last or not _still_ours(batch, now):
            break
        if not _begins(line, now):
            continue
        reply = pipeline.run(request_of(batch, line, batch.budget - spent))
        spent += reply.cost
        again_at = _note(batch, line, reply, clock())
        if again_at is not None:
            return again_at
    return None


def _room(batch: Batch, now: datetime) -> int:
    """How many lines may begin now, by the pace of the last minute."""
    recent = batch.lines.filter(started_at__gt=now - MINUTE).count()
    return batch.calls_per_minute - recent


def _room_again_at(batch: Batch, now: datetime) -> datetime:
    begun = batch.lines.filter(started_at__gt=now - MINUTE).aggregate(first=Min("started_at"))
    first: datetime = begun["first"] or now
    return first + MINUTE


def _waiting(batch: Batch, now: datetime, most: int) -> list[BatchLine]:
    waiting = batch.lines.filter(state=LineState.WAITING)
    due = waiting.filter(Q(not_before=None) | Q(not_before__lte=now))
    return list(due.order_by("number")[:most])


def _still_ours(batch: Batch, now: datetime) -> bool:
    """A sign of life; False once somebody paused or cancelled it."""
    running = Batch.objects.filter(pk=batch.pk, state=BatchState.RUNNING)
    return bool(running.update(lease_until=now + LEASE))


def _begins(line: BatchLine, now: datetime) -> bool:
    """Whether it still waits: what it asks may have been erased since it was read."""
    waiting = BatchLine.objects.filter(pk=line.pk, state=LineState.WAITING)
    return bool(waiting.update(started_at=now))


def request_of(batch: Batch, line: BatchLine, left: Decimal) -> GovernedRequest:
    """The governed call of a line, within what is left of the batch's budget."""
    body: dict[str, Any] = json.loads(line.body() or "{}")
    request = governed_request(
        body,
        "internal",
        presented_key="",
        idempotency_key=f"batch:{batch.pk}:{line.number}:{line.tries}",
    )
    person = None if batch.api_key_id else batch.requester
    return replace(request, person=person, key_id=batch.api_key_id, most_cost=left)


def _note(batch: Batch, line: BatchLine, reply: GovernedReply, now: datetime) -> datetime | None:
    """What became of the line; a time when the batch has to wait before its next one."""
    if reply.is_open:
        # A worker died in this very call. The sweeper settles it once its lease has run out.
        _wait(line, now + MINUTE)
        return None
    refusal = reply.refusal
    code = (reply.call.refusal_code if reply.call else "") or (refusal.code if refusal else "")
    if refusal is not None and code == "rate_limit_exceeded":
        return now + timedelta(seconds=refusal.retry_after_seconds or 60)
    if refusal is not None and code in STOPPING and not reply.cost:
        _pause(batch, refusal.message, now)
        return now
    line.cost += reply.cost + (_may_be_billed(reply.call) if code == "lost" else ZERO)
    line.call = reply.call
    if refusal is None:
        line.state, line.fault_code, line.fault = LineState.DONE, "", ""
    elif _comes_again(line, code):
        line.not_before = now + FIRST_WAIT * 2**line.tries
        line.tries += 1
    else:
        line.state = LineState.FAILED
        line.fault_code, line.fault = code, refusal.message[:600]
    line.save(update_fields=["cost", "call", "state", "fault_code", "fault", "not_before", "tries"])
    return None


def _may_be_billed(call: Call | None) -> Decimal:
    """What a provider may still bill for a call that was lost: its holds, once per attempt."""
    open_holds = Hold.objects.filter(call=call, state__in=[HoldState.HELD, HoldState.SUSPENSE])
    most = open_holds.order_by().values("attempt").annotate(most=Max("amount"))
    return sum((one["most"] for one in most), ZERO)


def _comes_again(line: BatchLine, code: str) -> bool:
    return code in PASSING and line.tries + 1 < MOST_TRIES


def _wait(line: BatchLine, until: datetime) -> None:
    line.not_before = until
    line.save(update_fields=["not_before"])


@transaction.atomic
def _pause(batch: Batch, because: str, now: datetime) -> None:
    current = Batch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    if current.state != BatchState.RUNNING:
        return
    current.state = BATCH_STATES.target(current.state, "pause")
    current.because = because[:600]
    current.save(update_fields=["state", "because"])
    _record("batch.paused", current, now, because)


@transaction.atomic
def _give_back(batch: Batch, due_at: datetime | None, now: datetime) -> datetime | None:
    """End the lease; finish the batch when no line waits, else say when it goes on."""
    current = Batch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    current.lease_until = None
    waiting = current.lines.filter(state=LineState.WAITING)
    if current.state == BatchState.RUNNING and not waiting.exists():
        current.save(update_fields=["lease_until"])
        _end(current, "finish", now, "")
        return None
    first = waiting.aggregate(first=Min(F("not_before")))["first"]
    is_one_due = waiting.filter(Q(not_before=None) | Q(not_before__lte=now)).exists()
    current.next_step_at = due_at or (now if is_one_due else first)
    current.save(update_fields=["lease_until", "next_step_at"])
    return current.next_step_at if current.state == BatchState.RUNNING else None


@transaction.atomic
def _end(batch: Batch, action: str, now: datetime, because: str) -> None:
    current = (
        Batch.objects.select_for_update(of=("self",)).select_related("use_case").get(pk=batch.pk)
    )
    current.state = BATCH_STATES.target(current.state, action)
    current.because, current.finished_at = because, now
    current.next_step_at, current.lease_until = None, None
    current.save(update_fields=["state", "because", "finished_at", "next_step_at", "lease_until"])
    if action == "fail":
        end_waiting(current, ("batch_failed", because))
    _record(f"batch.{current.state}", current, now, because)
    data = {
        "batch": str(current.pk),
        "use_case": current.use_case.slug,
        "state": str(current.state),
        "url": f"/api/v1/batches/{current.pk}/",
    }
    announce(kind=ENDED, use_case_id=current.use_case_id, data=data, now=now)


def _record(action: str, batch: Batch, now: datetime, because: str) -> None:
    tally = batch.tally()
    record(
        actor=SYSTEM,
        action=action,
        subject=batch,
        now=now,
        reason=because,
        after={"done": tally["done"], "failed": tally["failed"], "cost": batch.spent()},
        team_id=batch.team_id,
    )


def due(now: datetime) -> list[UUID]:
    """Batches whose next step is due and which nobody runs: their hint was lost, or their worker."""
    found = Batch.objects.filter(state__in=OPEN_STATES, next_step_at__lte=now)
    free = found.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    return list(free.order_by("next_step_at").values_list("pk", flat=True)[:100])
