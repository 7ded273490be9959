"""Second opinions: kept with their call, shown to who may see, emptied with its texts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, Sum

from governance.kernel.encryption import decrypt, encrypt
from prompts.gateway.context import VERDICT, CallContext
from prompts.gateway.opinion_models import SecondOpinion
from prompts.gateway.stages.admit import retention
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import ZERO, Call, Erasure, LedgerEntry
from telemetry.ledger.retention import while_no_hold_is_placed


def keep_opinion(context: CallContext, now: datetime) -> None:
    """In the transaction that settles the call; once, however often that is tried."""
    opinion, call, judge = context.opinion, context.call, context.checks_or_none
    if opinion is None or call is None or judge is None or judge.judge is None:
        return
    made = SecondOpinion(
        call=call,
        deployment_id=judge.judge,
        verdict=opinion.verdict,
        action=judge.action_on(opinion.verdict),
        keep_until=now + retention(context),
        at=now,
    )
    made.reason_sealed = encrypt(opinion.reason, context=_bound_to(made))
    SecondOpinion.objects.bulk_create([made], ignore_conflicts=True)


def reason_of(opinion: SecondOpinion) -> str:
    """The judge's words; empty once they were destroyed. Who may read is the caller's to check."""
    if opinion.reason_sealed is None:
        return ""
    return decrypt(opinion.reason_sealed, context=_bound_to(opinion))


def cost_of(call: Call) -> Decimal:
    """What the verdict cost: the attempts of the call that were made for it."""
    lines = LedgerEntry.objects.filter(call=call, description=VERDICT)
    return lines.aggregate(sum=Sum("amount"))["sum"] or ZERO


def _bound_to(opinion: SecondOpinion) -> str:
    return f"gateway.SecondOpinion:{opinion.call_id}"


def count_reasons(calls: QuerySet[Call]) -> int:
    return SecondOpinion.objects.filter(call__in=calls).exclude(reason_sealed=None).count()


def erase_reasons(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    kept = SecondOpinion.objects.filter(call__in=call_ids).exclude(reason_sealed=None)
    return kept.update(reason_sealed=None)


@transaction.atomic
def forget_reasons(now: datetime, most: int) -> int:
    """Empty what is past its time and not held back; how many."""
    while_no_hold_is_placed()
    over = SecondOpinion.objects.filter(~is_held_back("call__"), keep_until__lte=now)
    due = over.exclude(reason_sealed=None).order_by("keep_until").values_list("pk", flat=True)
    return SecondOpinion.objects.filter(pk__in=list(due[:most])).update(reason_sealed=None)
