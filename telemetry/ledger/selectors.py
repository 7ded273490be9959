"""Reads of calls that pages, the API and other areas share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from governance.access.models import ApiKey, User
from governance.kernel.authority import Permission
from governance.kernel.statements import executed
from telemetry.ledger.models import Call, CallQuerySet, LedgerEntry, Payload
from telemetry.ledger.services import visible_answer

_MADE_BY_KEY = """
SELECT id FROM ledger_call
WHERE api_key_id = %s AND idempotency_key = %s AND idempotency_key <> ''
"""


def calls_visible_to(user: User) -> CallQuerySet:
    """Calls in the person's reach, with what a list shows of them."""
    return Call.objects.visible_to(user).select_related("use_case", "team", "deployment")


def entries_visible_to(user: User) -> QuerySet[LedgerEntry]:
    """Money lines in the person's reach, with the names they carry."""
    return LedgerEntry.objects.visible_to(user).select_related("team", "use_case", "deployment")


def sees_only_cost(user: User) -> bool:
    """Finance: the call happened and what it cost, not how it went through the pipeline."""
    technical = (Permission.PROMPT_VIEW, Permission.REVIEW_VIEW, Permission.CALL_BODY_VIEW)
    return not any(user.may(permission) for permission in technical)


def lost_calls(now: datetime, limit: int = 100) -> list[Call]:
    """Open calls whose lease ran out, oldest first: for the sweeper to run or settle."""
    found = Call.objects.lost(now).select_related("use_case", "team", "deployment")
    return list(found.order_by("lease_until")[:limit])


def call_by_idempotency(
    *, key: str, api_key: ApiKey | None = None, requester: User | None = None
) -> Call | None:
    """The call that this caller made with that idempotency key, if there is one."""
    if not key:
        return None
    if api_key is not None:
        # Nearly always there is none, and that is asked by what the database has prepared.
        with executed(_MADE_BY_KEY, [api_key.pk, key]) as cursor:
            found = cursor.fetchone()
        return Call.objects.filter(pk=found[0]).first() if found else None
    return Call.objects.filter(api_key=None, requester=requester, idempotency_key=key).first()


def call_representation(call: Call) -> dict[str, Any]:
    """A call for the API: JSON-plain metadata, and the answer only where it may leave."""
    return {
        "id": str(call.pk),
        "use_case": call.use_case.slug,
        "prompt": call.prompt_label,
        "deployment": call.deployment.slug if call.deployment else None,
        "state": call.state,
        "mode": call.mode,
        "source": call.source,
        "sensitivity": call.sensitivity,
        "admitted_at": call.admitted_at.isoformat(),
        "finished_at": call.finished_at.isoformat() if call.finished_at else None,
        "decided_at": call.decided_at.isoformat() if call.decided_at else None,
        "tokens_input": call.tokens_input,
        "tokens_cached": call.tokens_cached,
        "tokens_output": call.tokens_output,
        "tokens_reasoning": call.tokens_reasoning,
        "images": call.images,
        "attempts": call.attempts,
        "latency_ms": call.latency_ms,
        "cost": format(call.cost, "f"),
        "currency": call.currency,
        "redactions": call.redactions,
        "findings": call.findings,
        "hold_reason": call.hold_reason,
        "confidence": format(call.confidence, "f") if call.confidence is not None else None,
        "confidence_method": call.confidence_method,
        "refusal": {"code": call.refusal_code, "message": call.refusal_message}
        if call.refusal_code
        else None,
        "request_hash": call.request_hash,
        "response_hash": call.response_hash,
        "cached": call.is_cached,
        "kept_until": _kept_until(call),
        "output": visible_answer(call),
    }


def _kept_until(call: Call) -> str | None:
    """How long its texts are kept; None where there is none (any more)."""
    kept = Payload.objects.filter(pk=call.pk, destroyed_at=None)
    until = kept.values_list("keep_until", flat=True).first()
    return until.isoformat() if until else None
