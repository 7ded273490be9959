"""The exact response cache: the same request of the same release, answered without a model.

Only where the release says so (its parameter cache_seconds, which the board approved with it)
and policy lets content of that sensitivity be kept so. What comes from here goes the same way as
what a model says: through the output screens, under oversight, into the ledger, at no cost.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from governance.kernel.encryption import decrypt, encrypt
from governance.kernel.terms import RiskTier
from governance.policy import output_contract
from governance.policy.rules import obligations
from prompts.catalogue.parameters import CACHE_SECONDS
from prompts.gateway.cache_models import CachedAnswer
from prompts.gateway.context import CallContext
from prompts.gateway.restoring import as_delivered
from prompts.gateway.stages.admit import retention
from prompts.gateway.waiting import BESIDE, elsewhere
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed
from telemetry.ledger.rules import CallState


def seconds_for(context: CallContext) -> int:
    """How long answers to this call may be given again; 0: not at all."""
    if context.request.trial is not None:
        return 0
    allowed = int(context.known_release.version.parameters.get(CACHE_SECONDS, 0))
    if not allowed or context.checks.may_keep_back:
        # What is judged is judged each time.
        return 0
    tier = RiskTier(context.known_use_case.tier or RiskTier.HIGH)
    return min(allowed, obligations(context.sensitivity, tier).cache_seconds)


def recall(context: CallContext) -> str:
    """Put the answer of the same request into the context; empty when a model must be asked.

    No statement where the release allows no cache, one select where it does.
    """
    return elsewhere(BESIDE, _recall, context) if seconds_for(context) else ""


def _recall(context: CallContext) -> str:
    key = key_of(context, context.deployments[0].pk)
    kept = CachedAnswer.objects.filter(key=key, expires_at__gt=timezone.now())
    found = kept.order_by("-expires_at").first()
    if found is None:
        return ""
    text = decrypt(found.text_sealed, context=_bound_to(found))
    shown = as_delivered(context, text)
    if not any(output_contract.check(context.contract, one).ok for one in {text, shown}):
        return ""
    context.output, context.is_cached, context.latency_ms = text, True, 0
    return f"answered from the cache, as call {str(found.call_id)[-12:]} was; nothing is billed"


def remember(context: CallContext) -> None:
    """Keep what was just delivered, if it may be given again."""
    call, seconds = context.call, 0
    if call is not None and call.state == CallState.DELIVERED and not context.is_cached:
        seconds = seconds_for(context)
    if call is not None and seconds and _is_the_models_own(context):
        elsewhere(BESIDE, _remember, context, call, seconds)


def _remember(context: CallContext, call: Call, seconds: int) -> None:
    now = timezone.now()
    deployment = context.attempts[-1].deployment  # no judge: see seconds_for
    made = CachedAnswer(
        key=key_of(context, deployment.pk),
        release=context.known_release,
        deployment=deployment,
        call=call,
        created_at=now,
        expires_at=min(now + timedelta(seconds=seconds), now + retention(context)),
    )
    made.text_sealed = encrypt(context.output, context=_bound_to(made))
    made.save(force_insert=True)


def _is_the_models_own(context: CallContext) -> bool:
    """Whether it is one answer to this very request: no repair. It has placeholders, in which
    each caller has its own values again."""
    return len([one for one in context.attempts if one.is_billed]) == 1


def key_of(context: CallContext, deployment_id: int) -> str:
    """SHA-256 (hexadecimal) over all that decides what the model is asked."""
    asked = context.asked
    decisive = [
        context.known_release.pk,
        context.known_release.digest,
        deployment_id,
        context.sensitivity,
        context.messages,
        asked.max_tokens,
        asked.parameters,
        context.contract,
    ]
    written = json.dumps(decisive, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def _bound_to(answer: CachedAnswer) -> str:
    return f"gateway.CachedAnswer:{answer.key}:{answer.call_id}"


def count_cached(calls: QuerySet[Call]) -> int:
    return CachedAnswer.objects.filter(call__in=calls).count()


def erase_cached(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return CachedAnswer.objects.filter(call__in=call_ids).delete()[0]


@transaction.atomic
def forget_expired(now: datetime, most: int) -> int:
    """Delete what is given no more and not held back; how many."""
    while_no_hold_is_placed()
    over = CachedAnswer.objects.filter(~is_held_back("call__"), expires_at__lte=now)
    due = over.order_by("expires_at").values("pk")[:most]
    return CachedAnswer.objects.filter(pk__in=list(due.values_list("pk", flat=True))).delete()[0]
