"""Figures of the calls by use case, for success metrics."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import Aggregate, Count, FloatField, Q

from governance.registry.registries import LedgerMetric
from telemetry.ledger.models import Call, CallQuerySet
from telemetry.ledger.rules import ACCEPTED_STATES


class Median(Aggregate):
    """The middle value, between the two middle ones when they are two."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def _calls(ids: list[int], starts: datetime, ends: datetime) -> CallQuerySet:
    found = Call.objects.live().filter(use_case_id__in=ids)
    return found.filter(admitted_at__gte=starts, admitted_at__lt=ends).order_by()


def accepted_share(ids: list[int], starts: datetime, ends: datetime) -> dict[int, Decimal]:
    """Percent of settled calls whose answer left as the model wrote it."""
    settled = _calls(ids, starts, ends).exclude(outcome="").values("use_case_id")
    counted = settled.annotate(
        all=Count("pk"), accepted=Count("pk", filter=Q(state__in=ACCEPTED_STATES))
    )
    return {row["use_case_id"]: Decimal(row["accepted"]) * 100 / row["all"] for row in counted}


def median_latency(ids: list[int], starts: datetime, ends: datetime) -> dict[int, Decimal]:
    timed = _calls(ids, starts, ends).filter(latency_ms__isnull=False).values("use_case_id")
    counted = timed.annotate(middle=Median("latency_ms"))
    return {row["use_case_id"]: Decimal(str(row["middle"])) for row in counted}


FIGURES = {
    "accepted_share": LedgerMetric(
        "Answers accepted without change", "percent", False, accepted_share
    ),
    "median_latency": LedgerMetric("Median latency", "ms", False, median_latency),
}
