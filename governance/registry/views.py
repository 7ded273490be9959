"""Use cases: the register, the map, and the page of one."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.access.selectors import teams_for
from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.audit.tables import harmless
from governance.home.charts import figure_data
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.terms import RiskTier
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry import assessments, charts, metrics, results, scoring, services
from governance.registry.models import SuccessMetric, UseCase
from governance.registry.registries import use_case_panels
from governance.registry.risk_standing import possible_owners, risk_standing
from governance.registry.rules import USE_CASE_STAGES
from governance.registry.selectors import (
    SORTS,
    colleagues_for,
    costs_this_month,
    gate_facts,
    gates_of,
    sorted_by,
    use_cases_visible_to,
)

COLUMNS = (
    ("title", "Use case"),
    ("stage", "Stage"),
    ("tier", "Risk"),
    ("priority", "Priority"),
    ("owner", "Owner"),
    ("team", "Team"),
)


@requires(Permission.USE_CASE_VIEW)
def use_case_list(request: HttpRequest) -> HttpResponse:
    """Everything registered, in the person's reach."""
    user = cast(User, request.user)
    use_cases = use_cases_visible_to(user)
    for name, lookup in FILTERS.items():
        if value := request.GET.get(name, "").replace("\x00", "").strip():
            use_cases = use_cases.filter(**{lookup: value})
    wanted = request.GET.get("sort", "title")
    use_cases = sorted_by(use_cases, wanted)
    if request.GET.get("format") == "csv":
        found = list(use_cases)
        return _csv(_rows(found), "use-cases.csv")
    listed = Paginator(use_cases, 50).get_page(request.GET.get("page"))
    context = {
        "page": listed,
        "rows": _rows(listed),
        "columns": [_column(key, label, wanted) for key, label in COLUMNS],
        "stages": USE_CASE_STAGES.states,
        "tiers": list(RiskTier),
        "teams": teams_for(user, Permission.USE_CASE_VIEW),
        "currency": settings.PLACET_CURRENCY,
        "is_filtered": any(request.GET.get(name) for name in FILTERS),
        "may_register": actor_of(request).may(Permission.USE_CASE_MANAGE),
    }
    return page(request, "governance/registry/list.html", context)


FILTERS = {
    "q": "title__icontains",
    "stage": "stage",
    "tier": "tier",
    "team": "team__slug",
}


def _column(key: str, label: str, wanted: str) -> dict[str, str]:
    """A head that sorts by its column, and turns round when it does so already."""
    order = {key: "ascending", f"-{key}": "descending"}.get(wanted if key in SORTS else "", "")
    return {
        "label": label,
        "order": order,
        "sort": f"-{key}" if order == "ascending" else key,
    }


def _csv(rows: Iterable[dict[str, Any]], name: str) -> HttpResponse:
    """The rows as a file that is safe to open in a spreadsheet."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    head = ("title", "stage", "tier", "owner", "team", "quadrant", "impact", "effort")
    writer.writerow([*head, "cost this month", "currency"])
    for row in rows:
        one = row["use_case"]
        cells = [one.title, one.stage, one.tier, one.owner.name, one.team.name, row["quadrant"]]
        cells += [row["impact"], row["effort"], row["cost"], settings.PLACET_CURRENCY]
        writer.writerow([harmless(cell) for cell in cells])
    return response


def _rows(use_cases: Iterable[Any]) -> list[dict[str, Any]]:
    """Selected use cases with priority, and cost read for all of them at once."""
    found = list(use_cases)
    costs = costs_this_month([one.pk for one in found], timezone.now())
    return [_row(one, costs) for one in found]


def _row(use_case: Any, costs: dict[int, Decimal]) -> dict[str, Any]:
    is_scored = use_case.impact is not None
    return {
        "use_case": use_case,
        "title": use_case.title,
        "url": reverse("registry:detail", args=[use_case.slug]),
        "impact": use_case.impact,
        "effort": use_case.effort,
        "quadrant": scoring.quadrant(use_case.impact, use_case.effort) if is_scored else "",
        "tier": use_case.tier,
        "cost": costs.get(use_case.pk, Decimal(0)),
    }


@requires(Permission.USE_CASE_VIEW)
def portfolio_map(request: HttpRequest) -> HttpResponse:
    """Where should we put effort?"""
    visible: Any = use_cases_visible_to(cast(User, request.user))
    rows = _rows(visible.filter(impact__isnull=False)[:500])
    rows.sort(key=lambda row: scoring.priority(row["impact"], row["effort"]))
    if request.GET.get("format") == "csv":
        return _csv(rows, "portfolio.csv")
    currency = settings.PLACET_CURRENCY
    figure = figure_data(charts.portfolio(rows, currency)) if rows else None
    context = {"rows": rows, "figure": figure, "currency": currency}
    return page(request, "governance/registry/map.html", context)


def error_status(error: Invalid | Conflict | None) -> int:
    """200 for a fresh form, 422 for one that does not fit, 409 for one that came too late."""
    if error is None:
        return 200
    return 409 if isinstance(error, Conflict) else 422


@requires(Permission.USE_CASE_VIEW)
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Is it allowed, is it working, what does it cost?"""
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    return use_case_page(request, use_case)


def use_case_page(
    request: HttpRequest, use_case: UseCase, refused: Invalid | None = None, form: str = ""
) -> HttpResponse:
    """Its page; after a refusal with what was typed into `form`, and why it was not saved."""
    user, now = cast(User, request.user), timezone.now()
    may_assess = assessments.can_assess(actor_of(request), use_case)
    standing_of_risk = risk_standing(use_case, actor_of(request), now)
    panels = sorted(use_case_panels.values(), key=lambda panel: panel.order)
    context = {
        "use_case": use_case,
        "gates": gates_of(use_case, gate_facts(use_case, now)),
        "standing": standing("use_case_stage", use_case, now),
        "scores": [_score(one) for one in use_case.scores.select_related("assessor")],
        "risk": standing_of_risk,
        "assessment": standing_of_risk.assessment,
        "may_assess": may_assess,
        "owners": possible_owners(use_case, now) if may_assess else [],
        "may_confirm": user.may(Permission.USE_CASE_ASSESS),
        "metrics": [_results(one) for one in use_case.metrics.prefetch_related("measurements")],
        "checklist": use_case.checklist.select_related("done_by"),
        "datasets": _datasets(use_case),
        "panels": [
            {
                "title": one.title,
                "template": one.template,
                "context": one.context(use_case, user, now),
            }
            for one in panels
            if any(user.may(rule) for rule in one.permissions)
        ],
        "events": timeline_for(use_case)[:30],
        "may_manage": user.may(Permission.USE_CASE_MANAGE, use_case.team),
        "today": timezone.localdate(),
        "refused": refused,
        "refused_form": form,
        "values": request.POST,
    }
    return page(request, "governance/registry/detail.html", context, status=error_status(refused))


def _score(score: Any) -> dict[str, Any]:
    """A score with its dimensions: word, points, and the sentence if it has one of its own."""
    points = score.impact | score.effort
    words = scoring.IMPACT | scoring.EFFORT
    return {
        "score": score,
        "dimensions": [
            {
                "side": "impact" if key in scoring.IMPACT else "effort",
                "word": words[key][0],
                "points": points[key],
                "why": score.rationales.get(key, ""),
            }
            for key in words
            if key in points
        ],
    }


def _results(metric: SuccessMetric) -> dict[str, Any]:
    values = [(one.on, one.value, one.source) for one in metric.measurements.all()]
    rows = results.measured_rows(metric.baseline, metric.target, values)
    sentence = results.finding(metric.name, metric.unit, rows)
    figure = charts.results(
        sentence,
        metric.unit,
        metric.baseline,
        metric.target,
        [(one.on, one.value) for one in rows],
    )
    return {
        "metric": metric,
        "finding": sentence,
        "rows": rows,
        "figure": figure_data(figure) if rows else None,
        "chart": f"results-{metric.pk}",
        "form": f"measure-{metric.pk}",
    }


def _datasets(use_case: UseCase) -> list[dict[str, Any]]:
    above = set(use_case.datasets.above(use_case.sensitivity).values_list("pk", flat=True))
    return [{"dataset": one, "is_above": one.pk in above} for one in use_case.datasets.all()]


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    change = services.propose_stage(
        actor=actor_of(request),
        use_case=use_case,
        target=request.POST.get("target", ""),
        reason=request.POST.get("reason", "")[:5000],
        now=timezone.now(),
    )
    messages.success(request, "It is before its signatories now.")
    return redirect("approvals:detail", pk=change.pk)


@requires(Permission.USE_CASE_MANAGE)
def hand_over(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose the colleague of the team who owns it from now on."""
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    services.check_can_manage(actor_of(request), use_case.team)
    colleagues = colleagues_for(use_case, timezone.now())
    error: Invalid | None = None
    if request.method == "POST":
        chosen = request.POST.get("to", "")
        try:
            handed = services.hand_over(
                actor=actor_of(request),
                use_case=use_case,
                to=colleagues.filter(pk=chosen).first() if chosen.isdecimal() else None,
                reason=request.POST.get("reason", "")[:1000],
                now=timezone.now(),
            )
            messages.success(request, f"{handed.owner} owns it now and has been told.")
            return redirect("registry:detail", slug=slug)
        except Invalid as refused:
            error = refused
    context = {
        "use_case": use_case,
        "colleagues": colleagues,
        "values": request.POST,
        "error": error,
    }
    status = error_status(error)
    return page(request, "governance/registry/hand_over.html", context, status=status)


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def add_metric(request: HttpRequest, slug: str) -> HttpResponse:
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    try:
        metrics.add_metric(
            actor=actor_of(request),
            use_case=use_case,
            name=request.POST.get("name", "")[:150],
            unit=request.POST.get("unit", "")[:30],
            baseline=_number(request, "baseline"),
            target=_number(request, "target"),
            now=timezone.now(),
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, "metric")
    return redirect(f"{reverse('registry:detail', args=[slug])}#metrics")


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def measure(request: HttpRequest, slug: str, metric: int) -> HttpResponse:
    """Note a measured value, of today unless another day is given."""
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    found = get_or_404(use_case.metrics.select_related("use_case__team"), pk=metric)
    try:
        value = _number(request, "value")
        if value is None:
            raise Invalid("Nothing was saved.", fields={"value": ["Give the measured value."]})
        metrics.measure(
            actor=actor_of(request),
            metric=found,
            value=value,
            on=_day(request),
            source=request.POST.get("source", "")[:200],
            now=timezone.now(),
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, f"measure-{metric}")
    return redirect(f"{reverse('registry:detail', args=[slug])}#metrics")


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def tick(request: HttpRequest, slug: str, item: int) -> HttpResponse:
    get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug, checklist__pk=item)
    metrics.tick_item(
        actor=actor_of(request),
        item_id=item,
        evidence=request.POST.get("evidence", ""),
        now=timezone.now(),
    )
    return redirect(f"{reverse('registry:detail', args=[slug])}#checklist")


def _number(request: HttpRequest, name: str) -> Decimal | None:
    text = request.POST.get(name, "").strip()
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        raise Invalid("Nothing was saved.", fields={name: ["Give a number."]}) from None


def _day(request: HttpRequest) -> date:
    """The day given, or today."""
    return day_of(request, "on") if request.POST.get("on", "").strip() else timezone.localdate()


def day_of(request: HttpRequest, name: str) -> date:
    """The day in that field; raises Invalid for what is none."""
    try:
        found = parse_date(request.POST.get(name, "").strip())
    except ValueError:
        found = None
    if found is None:
        raise Invalid("Nothing was saved.", fields={name: ["Give a day as 2026-11-30."]})
    return found
