"""Reads that pages, API and gateway share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse

from governance.access.models import User
from governance.access.selectors import holders
from governance.kernel.authority import Permission
from governance.kernel.terms import RiskTier, Sensitivity, highest
from governance.model_cards.models import Deployment
from governance.registry import reassessment, scoring
from governance.registry.checklist_standing import evidence_for, missing_items, pilot_of
from governance.registry.models import Dataset, RiskAssessment, UseCase, UseCaseQuerySet
from governance.registry.registries import monthly_costs
from governance.registry.risk import ActClass
from governance.registry.rules import EVIDENCE, USE_CASE_STAGES, GateFacts, requirements_for


def use_cases_visible_to(user: User) -> UseCaseQuerySet:
    """With owner, team and the score that counts on each."""
    return (
        UseCase.objects.visible_to(user)
        .select_related("team", "owner")
        .annotate(
            impact=F("deciding_score__impact"),
            effort=F("deciding_score__effort"),
            threshold=F("deciding_score__threshold"),
        )
    )


def in_order(field: str, values: Any) -> Case:
    """A rank by a list's order; what is not in it comes last."""
    ranks = [When(**{field: str(value)}, then=rank) for rank, value in enumerate(values)]
    return Case(*ranks, default=len(ranks), output_field=IntegerField())


SORTS: dict[str, Any] = {
    "title": Lower("title"),
    "stage": in_order("stage", USE_CASE_STAGES.states),
    "tier": in_order("tier", reversed(RiskTier)),
    "priority": Coalesce("deciding_score__priority", len(scoring.QUADRANTS)),
    "owner": Lower("owner__name"),
    "team": Lower("team__name"),
}


def sorted_by(use_cases: UseCaseQuerySet, wanted: str) -> UseCaseQuerySet:
    """By one of SORTS, from its end when a minus stands before it; else by title."""
    key = wanted.removeprefix("-")
    if key not in SORTS:
        return use_cases.order_by("title", "pk")
    ranked = use_cases.annotate(rank=SORTS[key])
    return ranked.order_by("-rank" if wanted.startswith("-") else "rank", "title", "pk")


def colleagues_for(use_case: UseCase, now: datetime) -> QuerySet[User]:
    """Who could own it: those who manage the team's use cases, without its owner."""
    may_own = holders(Permission.USE_CASE_MANAGE, use_case.team, now=now)
    return may_own.exclude(pk=use_case.owner_id)


def costs_this_month(use_case_ids: list[int], now: datetime) -> dict[int, Decimal]:
    """Booked this month per use case, from whoever keeps the books."""
    costs: dict[int, Decimal] = {}
    for booked in monthly_costs.values():
        ours = booked(now).filter(use_case_id__in=use_case_ids).values_list("use_case_id")
        for use_case_id, amount in ours.annotate(Sum("cost")):
            costs[use_case_id] = costs.get(use_case_id, Decimal(0)) + amount
    return costs


def gate_facts(use_case: UseCase, now: datetime) -> GateFacts:
    """What the gates look at, read now."""
    pilot = pilot_of(use_case)
    counts = UseCase.objects.filter(pk=use_case.pk).aggregate(
        scored=Count("scores", distinct=True),
        named=Count("datasets", distinct=True),
        with_target=Count(
            "metrics",
            filter=Q(metrics__baseline__isnull=False, metrics__target__isnull=False),
            distinct=True,
        ),
        measured=Count(
            "metrics__measurements",
            filter=Q(metrics__measurements__on__gte=pilot.began_at.date()) if pilot else Q(),
            distinct=True,
        ),
    )
    above = use_case.datasets.above(use_case.sensitivity)
    assessment = use_case.risk_assessments.first()
    return GateFacts(
        has_framework=bool(use_case.framework_answers),
        scores=counts["scored"],
        is_assessed=assessment is not None,
        reassess=tuple(reasons_due(assessment, facts_of(use_case), now)) if assessment else (),
        prohibited=prohibited_by(assessment) if assessment else (),
        sensitivity=use_case.sensitivity,
        datasets=counts["named"],
        datasets_above=tuple(above.values_list("name", flat=True)),
        has_deployment=_has_deployment(use_case),
        has_disclosure=bool(use_case.disclosure_text.strip()) or use_case.disclosures.exists(),
        has_notice=use_case.disclosures.in_force(now.astimezone(UTC).date()).exists(),
        has_fallback=bool(use_case.fallback_text.strip()),
        metrics_with_target=counts["with_target"],
        metrics_measured=counts["measured"],
        items_missing=tuple(missing_items(use_case, now)),
        pilot_days=pilot.days if pilot else None,
        pilot_days_left=pilot.days_left(now) if pilot else 0,
        gaps={key: evidence_for(key).missing(use_case, now) for key in EVIDENCE},
    )


def facts_of(use_case: UseCase) -> reassessment.Facts:
    """The named facts that an assessment rests on, as they are now."""
    named = [Sensitivity(one.sensitivity) for one in use_case.datasets.all()]
    return reassessment.Facts(
        sensitivity=use_case.sensitivity,
        serving=use_case.serving,
        datasets=highest(*named) if named else "",
        is_user_facing=use_case.is_user_facing,
    )


def reasons_due(assessment: RiskAssessment, facts: reassessment.Facts, now: datetime) -> list[str]:
    """Why it has to be made again, as clauses; empty while it holds."""
    due = reassessment.reasons_due(assessment.facts, facts, assessment.ends_at, now)
    reopened = assessment.use_case.reopened_at
    if reopened is not None and reopened > assessment.at:
        due.append(assessment.use_case.reopened_because)
    return due


def prohibited_by(assessment: RiskAssessment) -> tuple[str, ...]:
    """The rules by which nobody may approve it; empty when somebody may."""
    if assessment.act_class != ActClass.PROHIBITED:
        return ()
    return tuple(
        rule["because"]
        for rule in assessment.fired_rules
        if rule.get("act_class") == ActClass.PROHIBITED
    )


def _has_deployment(use_case: UseCase) -> bool:
    """Whether some approved deployment, under an approved card, may see its content."""
    content = Sensitivity(use_case.sensitivity)
    ceilings = [one for one in Sensitivity if one.permits(content)]
    return Deployment.objects.filter(
        state="callable",
        card__state="approved",
        replay_only=False,
        sensitivity_ceiling__in=ceilings,
    ).exists()


def gates_of(use_case: UseCase, facts: GateFacts) -> list[dict[str, Any]]:
    """The next stages, each with everything its gate asks for and where that is mended."""
    return [
        {
            "target": edge.target,
            "requirements": [
                {"text": one.text, "is_met": one.is_met, "url": mending_url(use_case, one.code)}
                for one in requirements_for(edge.target, facts)
            ],
            "is_open": all(one.is_met for one in requirements_for(edge.target, facts)),
        }
        for edge in USE_CASE_STAGES.edges
        if edge.source == use_case.stage
    ]


def mending_url(use_case: UseCase, code: str) -> str:
    """Where a requirement is mended; empty where nothing has to be done for it."""
    page = reverse("registry:detail", args=[use_case.slug])
    if code in EVIDENCE:
        return evidence_for(code).url(use_case)
    if code.startswith("item-"):
        return reverse("registry:item", args=[use_case.slug, code.removeprefix("item-")])
    if code == "pilot":
        return f"{page}#standing"
    if code in ("metrics", "checklist"):
        return f"{page}#{code}"
    if code == "disclosure":
        return reverse("registry:disclosures-of", args=[use_case.slug])
    if code == "deployment":
        return reverse("model_cards:list")
    return "" if code == "telemetry" else reverse("registry:step", args=[use_case.slug, code])


def datasets_with_counts() -> QuerySet[Dataset]:
    """Datasets with their owner and how many use cases name each, and how many lie below it."""
    below = Q(sensitivity="internal", use_cases__sensitivity="public") | Q(
        sensitivity="regulated", use_cases__sensitivity__in=["public", "internal"]
    )
    datasets = Dataset.objects.select_related("owner").annotate(
        named_by=Count("use_cases", distinct=True),
        named_below=Count("use_cases", filter=below, distinct=True),
    )
    return datasets.order_by("name")  # counting drops the model's own order


def use_cases_naming(dataset: Dataset, user: User) -> UseCaseQuerySet:
    """Those in the person's reach that rest on it, the less sensitive first."""
    return use_cases_visible_to(user).filter(datasets=dataset)
