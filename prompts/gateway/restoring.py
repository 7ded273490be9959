"""What was replaced, back in the place of its placeholders, where policy says so.

Texts that are kept, judged, reviewed and cached have placeholders. Only the reply to who sent the
values has them again: at once, in a stream, as what a reviewer corrected, from the cache or
fetched later. For what is given later the values are sealed beside the call, as long as its texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from governance.kernel.encryption import decrypt, encrypt
from governance.kernel.terms import RiskTier
from governance.policy import tool_calls
from governance.policy.rules import obligations
from prompts.gateway import screens
from prompts.gateway.context import CallContext
from prompts.gateway.restoring_models import RestorableValues
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed
from telemetry.ledger.rules import CallState


def restorable(context: CallContext) -> dict[str, str]:
    """Placeholder → value, of the types that policy puts back. Nobody is given a trial's answer."""
    if not context.placeholders or context.request.trial is not None:
        return {}
    allowed = _allowed(context)
    return {name: one for name, one in context.placeholders.items() if type_of(name) in allowed}


def said_again(context: CallContext) -> dict[str, str]:
    """Those that the answer says: what must be kept to give it out again."""
    return {name: one for name, one in restorable(context).items() if name in context.output}


def _allowed(context: CallContext) -> tuple[str, ...]:
    tier = RiskTier(context.known_use_case.tier or RiskTier.HIGH)
    return obligations(context.sensitivity, tier).restore


def type_of(placeholder: str) -> str:
    """`<EMAIL_ADDRESS_2>` is of the type EMAIL_ADDRESS."""
    return placeholder[1:].rpartition("_")[0]


def as_delivered(context: CallContext, text: str | None = None) -> str:
    """The answer, or that part of it, as its caller is given it."""
    said = context.output if text is None else text
    return _restored(said, restorable(context), _is_json(context.contract, context.output))


def _is_json(contract: Mapping[str, Any], text: str) -> bool:
    return contract.get("type") == "json_schema" or tool_calls.answer_in(text) is not None


def _restored(text: str, values: Mapping[str, str], is_json: bool) -> str:
    """Within JSON a value stands as JSON writes it."""
    if not values:
        return text
    if is_json:
        values = {name: json.dumps(one, ensure_ascii=False)[1:-1] for name, one in values.items()}
    return screens.restored(text, dict(values))


def note_restored(context: CallContext) -> str:
    """How many placeholders of the answer are restored, on the stage and in words."""
    if context.request.trial is not None:
        return ""
    said = set(screens.PLACEHOLDER.findall(context.output)) & set(context.placeholders)
    if not said:
        return ""
    left = said & set(screens.PLACEHOLDER.findall(as_delivered(context)))
    kept = sorted({type_of(one) for one in left})
    found = {"of": len(said), "restored": len(said - left), "kept": kept}
    context.trail[-1]["placeholders"] = found
    words = ", ".join(one.replace("_", " ").lower() for one in kept)
    by_policy = f", kept by policy: {words}" if words else ""
    return f"restored {len(said - left)} of {len(said)}{by_policy}"


def keep_before(context: CallContext, now: datetime, keep_until: datetime) -> None:
    """In the transaction that lets an asynchronous call in: its worker has only what is kept."""
    if context.request.mode == "async":
        _keep(context, context.call_id, restorable(context), now, keep_until)


def keep_after(context: CallContext, now: datetime, keep_until: datetime) -> None:
    """In the transaction that settles the call: what its answer needs, or a corrected one may."""
    values = restorable(context)
    call = context.known_call
    if not values:
        return
    if call.state != CallState.HELD:
        is_answered = call.state in (CallState.DELIVERED, CallState.DEGRADED)
        values = said_again(context) if is_answered else {}
    _keep(context, call.pk, values, now, keep_until)


def _keep(
    context: CallContext, call_id: UUID, values: dict[str, str], now: datetime, keep_until: datetime
) -> None:
    if not values:
        if context.request.mode == "async":
            RestorableValues.objects.filter(pk=call_id).delete()
        return
    made = RestorableValues(call_id=call_id, keep_until=keep_until, at=now)
    content = {"values": values, "contract": context.contract.get("type", "text")}
    made.values_sealed = encrypt(json.dumps(content, ensure_ascii=False), context=_bound_to(made))
    RestorableValues.objects.bulk_create(
        [made],
        update_conflicts=True,
        unique_fields=["call"],
        update_fields=["values_sealed", "keep_until"],
    )


def kept_values(call: Call) -> dict[str, str]:
    """What a worker puts back into the answer of a call that was let in before."""
    values: dict[str, str] = _kept(call)["values"]
    return values


def delivered_again(call: Call, text: str) -> str:
    """That answer of a settled call as its caller is given it."""
    kept = _kept(call)
    return _restored(text, kept["values"], _is_json({"type": kept["contract"]}, text))


def _kept(call: Call) -> dict[str, Any]:
    found: RestorableValues | None = getattr(call, "restorable", None)
    if found is None or found.values_sealed is None:
        return {"values": {}, "contract": "text"}
    content: dict[str, Any] = json.loads(decrypt(found.values_sealed, context=_bound_to(found)))
    return content


def _bound_to(one: RestorableValues) -> str:
    return f"gateway.RestorableValues:{one.call_id}"


def count_values(calls: QuerySet[Call]) -> int:
    return RestorableValues.objects.filter(call__in=calls).count()


def erase_values(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return RestorableValues.objects.filter(call__in=call_ids).delete()[0]


@transaction.atomic
def forget_values(now: datetime, most: int) -> int:
    """Delete what is past its time and not held back; how many."""
    while_no_hold_is_placed()
    over = RestorableValues.objects.filter(~is_held_back("call__"), keep_until__lte=now)
    due = list(over.order_by("keep_until").values_list("pk", flat=True)[:most])
    return RestorableValues.objects.filter(pk__in=due).delete()[0]
