"""What of a call is fixed when it is settled, and its digest. Pure but for reading the row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from governance.kernel.canonical import digest
from telemetry.ledger.models import Call, LedgerEntry


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None


def settled_content(call: Call, entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    """The facts a seal vouches for: who, when, which hashes, what it was billed at settlement.

    `entries` are those booked by the settlement itself (their time is the call's finish); an
    attempt booked later is a ledger line of its own. States after settlement are not in here:
    decisions are audit events.
    """
    content = {
        "id": call.pk,
        "use_case_id": call.use_case_id,
        "team_id": call.team_id,
        "source": call.source,
        "mode": call.mode,
        "outcome": call.outcome,
        "admitted_at": _utc(call.admitted_at),
        "finished_at": _utc(call.finished_at),
        "prompt_version_id": call.prompt_version_id,
        "request_hash": call.request_hash,
        "response_hash": call.response_hash,
        "refusal_code": call.refusal_code,
        "currency": call.currency,
        "entries": [_line(entry) for entry in sorted(entries, key=lambda one: one.attempt)],
    }
    return content | _of_the_second_version(call) if call.digest_version > 1 else content


def _of_the_second_version(call: Call) -> dict[str, Any]:
    """How sure the answer is, and the version itself, so that no call passes for an older one."""
    # The column's scale, as it was written at settlement.
    figure = None if call.confidence is None else f"{call.confidence:.4f}"
    return {
        "version": call.digest_version,
        "confidence": figure,
        "confidence_method": call.confidence_method,
    }


def _line(entry: LedgerEntry) -> dict[str, Any]:
    line = {
        "attempt": entry.attempt,
        "deployment_id": entry.deployment_id,
        "tokens_input": entry.tokens_input,
        "tokens_cached": entry.tokens_cached,
        "tokens_output": entry.tokens_output,
        # The column's scale, so that 0 and 0.000000000 are one amount.
        "amount": f"{entry.amount:.9f}",
    }
    # Named only where there is some of it: the digests of earlier lines stay as they are.
    if entry.tokens_reasoning:
        line["tokens_reasoning"] = entry.tokens_reasoning
    if entry.images:
        line["images"] = entry.images
    if entry.priced_amount is not None:
        line["priced"] = f"{entry.priced_amount:.9f} {entry.priced_currency}"
        line["rate_id"] = entry.rate_id
    return line


def call_digest(call: Call, entries: Sequence[LedgerEntry]) -> str:
    """SHA-256 (hexadecimal) of the settled content."""
    return digest(settled_content(call, entries))
