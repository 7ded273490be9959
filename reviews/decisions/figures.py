"""Figures of the reviews by use case, for success metrics."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from governance.registry.registries import LedgerMetric
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.rules import Verdict
from telemetry.drift.detectors import Tally
from telemetry.drift.rules import Span
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


def final_in(use_case_id: int, span: Span) -> QuerySet[ReviewDecision]:
    """Decisions of the span that nobody overturned, on answers of the use case."""
    return ReviewDecision.objects.exclude(verdict=Verdict.ESCALATE).filter(
        overturned_by=None,
        item__call__use_case_id=use_case_id,
        at__gte=span.starts_at,
        at__lt=span.ends_at,
    )


def corrected_in(use_case_id: int, span: Span) -> Tally:
    """For drift: of the final decisions, the corrections."""
    counted = final_in(use_case_id, span).aggregate(
        calls=Count("pk"), failures=Count("pk", filter=Q(verdict=Verdict.CORRECT))
    )
    return Tally(counted["failures"], counted["calls"])


def distances_in(use_case_id: int, span: Span) -> dict[int, int]:
    """For drift: whole percent of the answer that was changed → corrections of that size."""
    pairs = Correction.objects.filter(
        decision__in=final_in(use_case_id, span), characters_compared__gt=0
    ).values_list("characters_changed", "characters_compared")
    return Counter(
        round(100 * changed / compared) for changed, compared in pairs.iterator() if compared
    )


FIGURES = {
    "correction_rate": LedgerMetric("Review correction rate", "percent", False, correction_rate)
}
