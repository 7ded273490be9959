"""Figures of the reviews by use case, for success metrics."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, Sum

from governance.registry.registries import LedgerMetric
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import Verdict
from telemetry.ledger.models import LedgerEntry
from telemetry.ledger.rules import EntryKind


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


def review_hours(period: date) -> Decimal:
    """Hours that reviewers spent on decisions in the month that begins on that day.

    Without those that are booked to the calls themselves, by their queue's rate: nobody pays twice.
    """
    starts = datetime.combine(period, time(), UTC)
    after = date(period.year + period.month // 12, period.month % 12 + 1, 1)
    booked = LedgerEntry.objects.filter(kind=EntryKind.REVIEW, call=OuterRef("item__call"))
    made = ReviewDecision.objects.exclude(Exists(booked)).filter(
        at__gte=starts, at__lt=datetime.combine(after, time(), UTC)
    )
    seconds = made.aggregate(seconds=Sum("seconds_spent"))["seconds"] or 0
    return (Decimal(seconds) / 3600).quantize(Decimal("0.000001"))


FIGURES = {
    "correction_rate": LedgerMetric("Review correction rate", "percent", False, correction_rate)
}
