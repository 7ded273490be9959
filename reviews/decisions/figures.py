"""Figures of the reviews by use case, for success metrics."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q

from governance.registry.registries import LedgerMetric
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import Verdict


def correction_rate(ids: list[int], starts: datetime, ends: datetime) -> dict[int, Decimal]:
    """Percent of final decisions in which a person changed the answer."""
    final = ReviewDecision.objects.exclude(verdict=Verdict.ESCALATE).filter(
        overturns=None, item__call__use_case_id__in=ids, at__gte=starts, at__lt=ends
    )
    counted = (
        final.order_by()
        .values("item__call__use_case_id")
        .annotate(all=Count("pk"), corrected=Count("pk", filter=Q(verdict=Verdict.CORRECT)))
    )
    return {
        row["item__call__use_case_id"]: Decimal(row["corrected"]) * 100 / row["all"]
        for row in counted
    }


FIGURES = {
    "correction_rate": LedgerMetric("Review correction rate", "percent", False, correction_rate)
}
