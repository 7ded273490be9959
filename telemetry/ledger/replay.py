"""Load a file of usage history as replayed calls: once, in bulk, all of it or nothing.

Replayed calls were made elsewhere. They are priced here with the deployment's prices of the
day they are placed on, get one call and one money line each, hold no body, pass no budget, and
are marked `replayed` everywhere.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import PriceList, PriceUnknown, Usage
from governance.model_cards.selectors import booked_prices_on
from governance.registry.models import UseCase
from telemetry.ledger import services
from telemetry.ledger.digests import call_digest
from telemetry.ledger.models import ZERO, Call, LedgerEntry, ReplayBatch
from telemetry.ledger.placement import Placement, as_recorded
from telemetry.ledger.rules import CallMode, CallSource, CallState, EntryKind, Outcome
from telemetry.ledger.trace import TraceRow, parse

ROWS_AT_ONCE = 1000


def read_trace(path: Path) -> bytes:
    """The bytes of a CSV file, or of the CSV inside a gzip file; Invalid if it cannot be read."""
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid(f"Nothing was loaded: {path} cannot be read ({error}).") from error


@transaction.atomic
def replay_trace(
    *,
    actor: Actor,
    file_name: str,
    content: bytes,
    use_case: UseCase,
    deployment: Deployment,
    now: datetime,
    placement: Placement | None = None,
) -> tuple[ReplayBatch, bool]:
    """The batch, and whether it was loaded now: the same content is loaded once per use case.

    Raises Invalid naming the bad lines, or the day without a price; then nothing is loaded.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    # The use case's row makes two loaders of one file wait for each other.
    UseCase.objects.select_for_update(of=("self",)).get(pk=use_case.pk)
    known = ReplayBatch.objects.filter(sha256=sha256, use_case=use_case).first()
    if known is not None:
        return known, False
    rows = parse(_lines(content))
    placement = placement or as_recorded()
    times = placement.times(rows)
    if times[-1] > now:
        raise Invalid(
            f"Nothing was loaded: history ends on {times[-1]:%Y-%m-%d %H:%M} UTC, "
            "which has not come yet."
        )
    batch = ReplayBatch.objects.create(
        file_name=file_name,
        sha256=sha256,
        use_case=use_case,
        deployment=deployment,
        rows=len(rows),
        cost=ZERO,
        currency=_prices(deployment, times[0].date()).booked_currency,
        placement=placement.description,
        first_at=times[0],
        last_at=times[-1],
        loaded_at=now,
    )
    _load(batch, rows, times, now)
    _record(actor, batch, now)
    return batch, True


def _prices(deployment: Deployment, day: date) -> PriceList:
    try:
        return booked_prices_on(deployment, day)
    except PriceUnknown as error:
        raise Invalid(f"Nothing was loaded: {error}") from error


def _lines(content: bytes) -> list[str]:
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Invalid(f"Nothing was loaded: the file is not UTF-8 text ({error}).") from error


def _load(
    batch: ReplayBatch, rows: Sequence[TraceRow], times: Sequence[datetime], now: datetime
) -> None:
    @cache
    def prices(day: date) -> PriceList:
        return _prices(batch.deployment, day)

    for start in range(0, len(rows), ROWS_AT_ONCE):
        chunk = slice(start, start + ROWS_AT_ONCE)
        calls, entries = [], []
        for row, at in zip(rows[chunk], times[chunk], strict=True):
            call, entry = _call_and_entry(batch, row, at, prices(at.date()))
            calls.append(call)
            entries.append(entry)
            batch.cost += entry.amount
        Call.objects.bulk_create(calls)
        LedgerEntry.objects.bulk_create(entries)
    batch.save(update_fields=["cost"])


def _call_and_entry(
    batch: ReplayBatch, row: TraceRow, at: datetime, prices: PriceList
) -> tuple[Call, LedgerEntry]:
    usage = Usage(input=row.tokens_input, cached_input=0, output=row.tokens_output)
    cost, priced = prices.booked(prices.cost(usage)), services.priced(prices, usage)
    call = Call(
        use_case=batch.use_case,
        team_id=batch.use_case.team_id,
        deployment=batch.deployment,
        sensitivity=batch.use_case.sensitivity,
        mode=CallMode.REPLAY,
        source=CallSource.REPLAYED,
        state=CallState.DELIVERED,
        outcome=Outcome.DELIVER,
        admitted_at=at,
        finished_at=at,
        tokens_input=row.tokens_input,
        tokens_output=row.tokens_output,
        attempts=1,
        cost=cost,
        currency=prices.booked_currency,
        price_snapshot=prices.as_plain(),
        replay_batch=batch,
    )
    entry = LedgerEntry(
        call=call,
        kind=EntryKind.USAGE,
        team_id=call.team_id,
        use_case=batch.use_case,
        deployment=batch.deployment,
        period=at.date().replace(day=1),
        day=at.date(),
        calls=1,
        tokens_input=row.tokens_input,
        tokens_output=row.tokens_output,
        amount=cost,
        currency=prices.booked_currency,
        priced_amount=priced.amount if priced else None,
        priced_currency=priced.currency if priced else "",
        rate_id=priced.rate_id if priced else None,
        source=CallSource.REPLAYED,
        created_at=at,
    )
    call.digest = call_digest(call, [entry])
    return call, entry


def _record(actor: Actor, batch: ReplayBatch, now: datetime) -> None:
    record(
        actor=actor,
        action="ledger.replayed",
        subject=batch,
        now=now,
        after={
            "file": batch.file_name,
            "sha256": batch.sha256,
            "use_case": batch.use_case.slug,
            "deployment": batch.deployment.slug,
            "calls": batch.rows,
            "cost": batch.cost,
            "currency": batch.currency,
            "placement": batch.placement,
            "first_at": batch.first_at,
            "last_at": batch.last_at,
        },
        team_id=batch.use_case.team_id,
    )
