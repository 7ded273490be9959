"""Reads that pages, API and gateway share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import Count, OuterRef, Q, Subquery

from governance.access.models import User
from governance.kernel.web import get_or_404
from governance.registry.models import Score, UseCase, UseCaseQuerySet
from governance.registry.registries import monthly_costs
from governance.registry.rules import GateFacts


def use_cases_visible_to(user: User) -> UseCaseQuerySet:
    """With owner, team and the latest score on each."""
    latest = Score.objects.filter(use_case=OuterRef("pk")).order_by("-at", "-pk")
    return (
        UseCase.objects.visible_to(user)
        .select_related("team", "owner")
        .annotate(
            impact=Subquery(latest.values("impact_total")[:1]),
            effort=Subquery(latest.values("effort_total")[:1]),
        )
    )


def use_case_by_slug(slug: str) -> UseCase:
    found: UseCase = get_or_404(UseCase.objects.select_related("team", "owner"), slug=slug)
    return found


def costs_this_month(use_case_ids: list[int], now: datetime) -> dict[int, Decimal]:
    """Booked this month per use case, from whoever keeps the books."""
    costs: dict[int, Decimal] = {}
    for provider in monthly_costs.values():
        for use_case_id, amount in provider(use_case_ids, now).items():
            costs[use_case_id] = costs.get(use_case_id, Decimal(0)) + amount
    return costs


def gate_facts(use_case: UseCase) -> GateFacts:
    counts = UseCase.objects.filter(pk=use_case.pk).aggregate(
        scored=Count("scores", distinct=True),
        assessments=Count("risk_assessments", distinct=True),
        named=Count("datasets", distinct=True),
        with_target=Count(
            "metrics",
            filter=Q(metrics__baseline__isnull=False, metrics__target__isnull=False),
            distinct=True,
        ),
        measured=Count("metrics__measurements", distinct=True),
        open_items=Count("checklist", filter=Q(checklist__done_at=None), distinct=True),
    )
    return GateFacts(
        has_framework=bool(use_case.framework_answers),
        scores=counts["scored"],
        is_assessed=counts["assessments"] > 0,
        sensitivity=use_case.sensitivity,
        datasets=counts["named"],
        has_disclosure=bool(use_case.disclosure_text.strip()),
        has_fallback=bool(use_case.fallback_text.strip()),
        metrics_with_target=counts["with_target"],
        metrics_measured=counts["measured"],
        open_items=counts["open_items"],
    )
