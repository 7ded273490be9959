"""Receive a batch, pause, resume and cancel it, and destroy what is past its retention."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction

from governance.access.models import ApiKey, User
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import digest
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import RiskTier, Sensitivity
from governance.kernel.web import get_or_404
from governance.policy.rules import obligations
from governance.registry.models import UseCase
from prompts.batches.keeping import is_batch_held_back
from prompts.batches.lines import Line, check_some_are_good, read_lines
from prompts.batches.models import Batch, BatchLine
from prompts.batches.rules import BATCH_STATES, MOST_CALLS_PER_MINUTE, LineState
from prompts.gateway.refusals import IdempotencyKeyReused
from telemetry.ledger.retention import while_no_hold_is_placed
from telemetry.ledger.rules import end_user_hash

RUN = "prompts.batches.tasks.run"
MOST_BUDGET = Decimal(1_000_000)
CANCELLED = ("cancelled", "The batch was cancelled before this line ran.")
EXPIRED = ("expired", "The file was kept as long as its sensitivity allows, and is destroyed.")


def create_batch(
    *,
    actor: Actor,
    use_case: UseCase,
    chunks: Iterable[bytes],
    name: str,
    calls_per_minute: int,
    budget: Decimal,
    now: datetime,
    model: str = "",
    api_key: ApiKey | None = None,
    idempotency_key: str = "",
) -> tuple[Batch, bool]:
    """The batch of that file, and whether it is new: the same upload again is the same batch."""
    check_can_run(actor, use_case, api_key)
    model, name = model or use_case.slug, name.strip()
    _check(name, model, use_case, calls_per_minute, budget)
    lines = list(read_lines(chunks, model))
    check_some_are_good(lines)
    asked = digest(
        [model, name, calls_per_minute, str(budget)]
        + [[one.number, one.custom_id, one.body, one.fault] for one in lines]
    )
    facts = {"api_key": api_key, "requester": actor.user if api_key is None else None}
    if (earlier := _earlier(facts, idempotency_key, asked)) is not None:
        return earlier, False
    batch = Batch(
        **facts,
        name=name,
        use_case=use_case,
        team=use_case.team,
        model=model,
        calls_per_minute=calls_per_minute,
        budget=budget,
        currency=settings.PLACET_CURRENCY,
        created_at=now,
        next_step_at=now,
        keep_until=now + _retention(use_case),
        idempotency_key=idempotency_key[:200],
        idempotency_hash=asked,
    )
    try:
        _write(actor, batch, lines, now)
    except IntegrityError:
        # The same upload arrived twice at once, and the other one was written.
        if (earlier := _earlier(facts, idempotency_key, asked)) is None:
            raise
        return earlier, False
    return batch, True


def check_can_run(actor: Actor, use_case: UseCase, api_key: ApiKey | None) -> None:
    if api_key is None:
        if actor.user is None or not actor.may(Permission.CALL_TRY, use_case.team):
            raise NotAllowed("Nothing was kept: you may not make calls of this use case.")
    elif "calls:create" not in api_key.scopes or api_key.use_case_id != use_case.pk:
        raise NotAllowed("Nothing was kept: this API key may not make such calls.")


def _check(
    name: str, model: str, use_case: UseCase, calls_per_minute: int, budget: Decimal
) -> None:
    faults = {}
    if not 0 < len(name) <= 120:
        faults["name"] = ["Give a name of at most 120 characters."]
    if model.partition("/")[0] != use_case.slug or len(model) > 200:
        faults["model"] = [f"The model is {use_case.slug}, or {use_case.slug}/ and a prompt."]
    if not 1 <= calls_per_minute <= MOST_CALLS_PER_MINUTE:
        faults["calls_per_minute"] = [f"Give a number from 1 to {MOST_CALLS_PER_MINUTE:,}."]
    if not budget.is_finite() or not 0 < budget <= MOST_BUDGET:
        faults["budget"] = [f"Give an amount of more than 0 and at most {MOST_BUDGET:,}."]
    if faults:
        sentences = " ".join(one for messages in faults.values() for one in messages)
        raise Invalid(f"Nothing was kept. {sentences}", fields=faults)


def _earlier(facts: dict[str, Any], idempotency_key: str, asked: str) -> Batch | None:
    if not idempotency_key:
        return None
    found = Batch.objects.filter(**facts, idempotency_key=idempotency_key[:200]).first()
    if found is not None and found.idempotency_hash != asked:
        raise IdempotencyKeyReused(
            "This idempotency key was used with another file or other limits. Use a new key."
        )
    return found


def _retention(use_case: UseCase) -> timedelta:
    tier = RiskTier(use_case.tier or RiskTier.HIGH)
    return timedelta(days=obligations(Sensitivity(use_case.sensitivity), tier).retention_days)


@transaction.atomic
def _write(actor: Actor, batch: Batch, lines: list[Line], now: datetime) -> None:
    batch.save(force_insert=True)
    BatchLine.objects.bulk_create((_row(batch, one) for one in lines), batch_size=500)
    bad = sum(bool(one.fault) for one in lines)
    after = {
        "use_case": batch.use_case.slug,
        "lines": len(lines),
        "invalid": bad,
        "calls_per_minute": batch.calls_per_minute,
        "budget": batch.budget,
    }
    _record(actor, "batch.received", batch, now, after=after)
    _hint(batch.pk)


def _row(batch: Batch, line: Line) -> BatchLine:
    row = BatchLine(batch=batch, number=line.number, custom_id=line.custom_id)
    if line.fault:
        row.state, row.fault_code, row.fault = LineState.INVALID, "invalid_line", line.fault
    else:
        row.seal(line.body)
        row.end_user_hash = end_user_hash(line.end_user)
    return row


def _hint(batch_id: UUID) -> None:
    """Tell a worker; without a broker the due batches are found every half minute."""
    name = str(batch_id)
    transaction.on_commit(lambda: current_app.send_task(RUN, [name], queue="calls"), robust=True)


@transaction.atomic
def pause(*, actor: Actor, batch_id: UUID, now: datetime, because: str = "") -> Batch:
    """No further line begins; the one that is being answered ends."""
    batch = _moved(actor, batch_id, "pause")
    batch.because = because[:600]
    batch.save(update_fields=["state", "because"])
    _record(actor, "batch.paused", batch, now, reason=because)
    return batch


@transaction.atomic
def resume(*, actor: Actor, batch_id: UUID, now: datetime, budget: Decimal | None = None) -> Batch:
    """Go on, with another budget if one is given."""
    batch = _moved(actor, batch_id, "resume")
    before = {"budget": batch.budget}
    if budget is not None:
        if not budget.is_finite() or not batch.spent() < budget <= MOST_BUDGET:
            sentence = f"Give more than the {batch.spent()} that was spent."
            raise Invalid(f"Nothing was changed. {sentence}", fields={"budget": [sentence]})
        batch.budget = budget
    batch.because, batch.next_step_at = "", now
    batch.save(update_fields=["state", "because", "next_step_at", "budget"])
    after = {"budget": batch.budget}
    _record(actor, "batch.resumed", batch, now, before=before, after=after)
    _hint(batch.pk)
    return batch


@transaction.atomic
def cancel(*, actor: Actor, batch_id: UUID, now: datetime) -> Batch:
    """The end: lines that have not begun never run. What was answered stays."""
    batch = _moved(actor, batch_id, "cancel")
    batch.finished_at, batch.next_step_at = now, None
    batch.save(update_fields=["state", "finished_at", "next_step_at"])
    end_waiting(batch, CANCELLED)
    _record(actor, "batch.cancelled", batch, now)
    return batch


def end_waiting(batch: Batch, fault: tuple[str, str]) -> None:
    """Lines that wait fail, and say why."""
    code, sentence = fault
    batch.lines.filter(state=LineState.WAITING).update(
        state=LineState.FAILED, fault_code=code, fault=sentence[:600]
    )


def locked(batch_id: UUID) -> Batch:
    found = Batch.objects.select_for_update(of=("self",)).select_related(
        "use_case__team", "team", "api_key", "requester"
    )
    batch: Batch = get_or_404(found, pk=batch_id)
    return batch


def _moved(actor: Actor, batch_id: UUID, action: str) -> Batch:
    """The batch in its next state, not saved; who is not of its team finds no batch."""
    batch = locked(batch_id)
    if not may_steer(actor, batch):
        raise NotAllowed("Nothing was changed: this batch is another team's.")
    batch.state = BATCH_STATES.target(batch.state, action)
    return batch


def may_steer(actor: Actor, batch: Batch) -> bool:
    if actor.kind == "key":
        return ApiKey.objects.filter(
            pk=int(actor.identifier),
            use_case_id=batch.use_case_id,
            scopes__contains=["calls:create"],
        ).exists()
    return actor.may(Permission.CALL_TRY, batch.team)


def may_read_answers(user: User, batch: Batch) -> bool:
    """Who uploaded it, and who may open bodies of the team's calls."""
    return batch.requester_id == user.pk or user.may(Permission.CALL_BODY_VIEW, batch.team)


@transaction.atomic
def note_download(*, actor: Actor, batch: Batch, what: str, now: datetime) -> None:
    """Answers left in one file: that is written down as opening a body is."""
    _record(actor, "batch.downloaded", batch, now, after={"what": what})


@transaction.atomic
def destroy_inputs(*, now: datetime, limit: int = 20) -> int:
    """Empty the lines of batches past their retention and not held back; what still waited fails. How many."""
    while_no_hold_is_placed()
    due = Batch.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        ~is_batch_held_back(), keep_until__lte=now, destroyed_at=None
    )
    batches = list(due.order_by("keep_until")[:limit])
    for batch in batches:
        end_waiting(batch, EXPIRED)
        batch.lines.update(body_sealed=None)
        batch.destroyed_at = now
        batch.save(update_fields=["destroyed_at"])
    return len(batches)


def _record(actor: Actor, action: str, batch: Batch, now: datetime, **facts: Any) -> None:
    record(actor=actor, action=action, subject=batch, now=now, team_id=batch.team_id, **facts)
