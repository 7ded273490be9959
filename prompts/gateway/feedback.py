"""`/v1/calls/{call}/feedback`: an application hands on what its end users say of an answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from governance.access.models import ApiKey
from governance.kernel.errors import Invalid
from prompts.gateway.refusals import (
    AnswerNotGiven,
    CallNotFound,
    FeedbackLimitReached,
    IdempotencyKeyReused,
    InsufficientScope,
    InvalidRequest,
)
from reviews.feedback import giving
from reviews.feedback.giving import Given, Said
from telemetry.ledger.models import Call

COMPLETION = "chatcmpl-"
FIELDS = ("thumb", "text", "correction", "user")


def given(key: ApiKey, call: str, body: dict[str, Any], idempotency_key: str) -> Given:
    """Kept, for a call of the key's use case. Raises a Refusal."""
    if "calls:create" not in key.scopes:
        raise InsufficientScope("This API key may read calls, not say anything of them.")
    call_id = _call_id(key, call)
    said = _said(body)
    try:
        return giving.give(
            actor=key.as_actor(),
            call_id=call_id,
            said=said,
            now=timezone.now(),
            api_key=key,
            idempotency_key=idempotency_key,
        )
    except Invalid as refused:
        raise InvalidRequest(refused.message, param=next(iter(refused.fields), None)) from None
    except giving.AnswerNotGiven as refused:
        raise AnswerNotGiven(refused.message) from None
    except giving.TooMuchFeedback as refused:
        raise FeedbackLimitReached(refused.message) from None
    except giving.KeyReused as refused:
        raise IdempotencyKeyReused(refused.message) from None


def _call_id(key: ApiKey, named: str) -> UUID:
    try:
        wanted = UUID(named.removeprefix(COMPLETION))
    except ValueError:
        wanted = None
    calls = Call.objects.filter(use_case_id=key.use_case_id).values_list("pk", flat=True)
    found = calls.filter(pk=wanted).first() if wanted else None
    if found is None:
        raise CallNotFound("There is no such call of this key's use case.")
    return found


def _said(body: dict[str, Any]) -> Said:
    strangers = [name for name in body if name not in FIELDS]
    if strangers:
        raise InvalidRequest(
            f"“{strangers[0][:100]}” is no field of a feedback; it has {', '.join(FIELDS)}.",
            param=strangers[0][:100],
        )
    for name in FIELDS:
        if not isinstance(body.get(name), str | None):
            raise InvalidRequest(f"“{name}” is a text.", param=name)
    return Said(
        thumb=body.get("thumb") or "",
        text=body.get("text") or "",
        correction=body.get("correction"),
        end_user=body.get("user") or "",
    )
