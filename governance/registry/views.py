"""Use cases: the register, the map, and the page of one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.access.selectors import teams_for
from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.audit.tables import csv_lines
from governance.home.charts import figure_data
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.terms import RiskTier
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry import assessments, charts, metrics, results, scoring, services
from governance.registry.checklist_standing import phases_of, pilot_of
from governance.registry.decision_points import DecisionPoint, decision_points
from governance.registry.models import SuccessMetric, UseCase
from governance.registry.registries import ledger_metrics, use_case_panels
from governance.registry.retiring import in_words, retirement_of
from governance.registry.risk_standing import possible_owners, risk_standing
from governance.registry.rules import USE_CASE_STAGES
from governance.registry.scores import scoring_of
from governance.registry.selectors import (
    SORTS,
    colleagues_for,
    costs_this_month,
    gate_facts,
    gates_of,
    sorted_by,
    use_cases_visible_to,
)
from governance.registry.similar import titled_like

COLUMNS = (
    ("title", "Use case"),
    ("stage", "Stage"),
    ("tier", "Risk"),
    ("priority", "Priority"),
    ("owner", "Owner"),
    ("team", "Team"),
)


@requires(Permission.USE_CASE_VIEW)
def use_case_list(request: HttpRequest) -> HttpResponseBase:
    """Everything registered, in the person's reach."""
    user = cast(User, request.user)
    use_cases = use_cases_visible_to(user)
    if words := request.GET.get("q", "").replace("\x00", "").strip()[:150]:
        use_cases = use_cases.filter(titled_like(words))
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
        "is_filtered": any(request.GET.get(name) for name in (*FILTERS, "q")),
        "may_register": actor_of(request).may(Permission.USE_CASE_MANAGE),
    }
    return page(request, "governance/registry/list.html", context)


FILTERS = {
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


def _csv(rows: Iterable[dict[str, Any]], name: str) -> StreamingHttpResponse:
    """The rows as a file that is safe to open in a spreadsheet."""
    head = ("title", "stage", "tier", "owner", "team", "quadrant", "impact", "effort")
    return StreamingHttpResponse(
        csv_lines([*head, "cost this month", "currency"], map(_cells, rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _cells(row: dict[str, Any]) -> list[Any]:
    one = row["use_case"]
    cells = [one.title, one.stage, one.tier, one.owner.name, one.team.name, row["quadrant"]]
    return [*cells, row["impact"], row["effort"], row["cost"], settings.PLACET_CURRENCY]


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
        "quadrant": scoring.quadrant(use_case.impact, use_case.effort, use_case.threshold)
        if is_scored
        else "",
        "tier": use_case.tier,
        "cost": costs.get(use_case.pk, Decimal(0)),
    }


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
        "scoring": scoring_of(use_case, actor_of(request), now),
        "risk": standing_of_risk,
        "assessment": standing_of_risk.assessment,
        "may_assess": may_assess,
        "owners": possible_owners(use_case, now) if may_assess else [],
        "may_confirm": user.may(Permission.USE_CASE_ASSESS),
        "metrics": _all_results(use_case),
        "ledger_figures": ledger_metrics.items(),
        "checklist": phases_of(use_case, now),
        "pilot": pilot_of(use_case),
        "retirement": in_words(retirement_of(use_case, now)),
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


def _all_results(use_case: UseCase) -> list[dict[str, Any]]:
    """Each metric with its values; the decisions of their time are marked in each chart."""
    points = decision_points(use_case)
    return [_results(one, points) for one in use_case.metrics.prefetch_related("measurements")]


def _results(metric: SuccessMetric, points: list[DecisionPoint]) -> dict[str, Any]:
    values = [(one.on, one.value, one.source) for one in metric.measurements.all()]
    rows = results.measured_rows(metric.baseline, metric.target, values)
    sentence = results.finding(metric.name, metric.unit, rows)
    figure = charts.results(
        sentence,
        metric.unit,
        metric.baseline,
        metric.target,
        [(one.on, one.value) for one in rows],
        [(one.on, one.words) for one in points],
    )
    return {
        "metric": metric,
        "finding": sentence,
        "points": points,
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
    target, days = request.POST.get("target", ""), request.POST.get("pilot_days", "")
    try:
        change = services.propose_stage(
            actor=actor_of(request),
            use_case=use_case,
            target=target,
            reason=request.POST.get("reason", "")[:5000],
            pilot_days=int(days) if days.isdecimal() and len(days) < 5 else None,
            pilot_success=request.POST.get("pilot_success", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, f"propose-{target}")
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
            ledger_figure=request.POST.get("ledger_figure", "")[:30],
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
