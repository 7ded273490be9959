"""Figures of the ledger by use case, for success metrics."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from governance.registry.registries import LedgerMetric
from telemetry.chargeback.models import DailyUsage


def _usage(
    use_case_ids: list[int], starts: datetime, ends: datetime
) -> dict[int, tuple[int, Decimal]]:
    """Calls and cost per use case, one query."""
    rows = DailyUsage.objects.filter(
        use_case_id__in=use_case_ids, day__gte=starts.date(), day__lt=ends.date()
    )
    summed = rows.order_by().values_list("use_case_id").annotate(Sum("calls"), Sum("cost"))
    return {pk: (calls, cost) for pk, calls, cost in summed if pk is not None}


def cost_per_thousand(ids: list[int], starts: datetime, ends: datetime) -> dict[int, Decimal]:
    usage = _usage(ids, starts, ends)
    return {pk: cost * 1000 / calls for pk, (calls, cost) in usage.items() if calls}


def cost(ids: list[int], starts: datetime, ends: datetime) -> dict[int, Decimal]:
    return {pk: amount for pk, (_, amount) in _usage(ids, starts, ends).items()}


def calls(ids: list[int], starts: datetime, ends: datetime) -> dict[int, Decimal]:
    return {pk: Decimal(count) for pk, (count, _) in _usage(ids, starts, ends).items()}


FIGURES = {
    "cost_per_thousand_calls": LedgerMetric(
        "Cost per thousand calls", settings.PLACET_CURRENCY, False, cost_per_thousand
    ),
    "cost_per_month": LedgerMetric("Cost per month", settings.PLACET_CURRENCY, True, cost),
    "calls_per_month": LedgerMetric("Calls per month", "calls", True, calls),
}
