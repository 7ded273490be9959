"""Use cases: the register, the map, the intake, and the page of one."""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.access.selectors import teams_for
from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.home.charts import figure_data
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.terms import Oversight, RiskTier, Sensitivity
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry import framework, risk, scoring, services
from governance.registry.charts import portfolio
from governance.registry.models import Dataset, UseCase
from governance.registry.registries import use_case_panels
from governance.registry.rules import USE_CASE_STAGES, missing_for
from governance.registry.selectors import (
    costs_this_month,
    gate_facts,
    use_cases_visible_to,
)

STEPS = ("what", "pattern", "data", "scores", "risk", "summary")


@requires(Permission.USE_CASE_VIEW)
def use_case_list(request: HttpRequest) -> HttpResponse:
    """Everything registered, in the person's reach."""
    use_cases = use_cases_visible_to(cast(User, request.user))
    for name in ("stage", "tier", "team__slug"):
        if value := request.GET.get(name):
            use_cases = use_cases.filter(**{name: value})
    if request.GET.get("format") == "csv":
        return _csv(use_cases)
    listed = Paginator(use_cases, 50).get_page(request.GET.get("page"))
    costs = costs_this_month([one.pk for one in listed], timezone.now())
    context = {
        "page": listed,
        "rows": [_row(one, costs) for one in listed],
        "stages": USE_CASE_STAGES.states,
        "tiers": list(RiskTier),
        "may_register": actor_of(request).may(Permission.USE_CASE_MANAGE),
    }
    return page(request, "governance/registry/list.html", context)


def _csv(use_cases: Any) -> HttpResponse:
    """The filtered list, safe to open in a spreadsheet."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="use-cases.csv"'
    writer = csv.writer(response)
    columns = ("title", "stage", "tier", "owner", "team", "quadrant", "cost this month")
    writer.writerow(columns)
    found = list(use_cases)
    costs = costs_this_month([one.pk for one in found], timezone.now())
    for one in found:
        row = _row(one, costs)
        cells = [one.title, one.stage, one.tier, one.owner.name, one.team.name, row["quadrant"]]
        # A leading sign would be run as a formula by a spreadsheet.
        safe = [f"'{cell}" if cell[:1] in tuple("=+-@\t\r") and cell else cell for cell in cells]
        writer.writerow([*safe, row["cost"]])
    return response


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
    use_cases = list(use_cases_visible_to(cast(User, request.user))[:500])
    costs = costs_this_month([one.pk for one in use_cases], timezone.now())
    rows = [_row(one, costs) for one in use_cases if one.impact is not None]  # type: ignore[attr-defined]  # annotated
    context = {"rows": rows, "figure": figure_data(portfolio(rows)) if rows else None}
    return page(request, "governance/registry/map.html", context)


@requires(Permission.USE_CASE_MANAGE)
def new(request: HttpRequest) -> HttpResponse:
    """The first step of the intake; it makes the draft that later steps fill."""
    user = cast(User, request.user)
    teams = teams_for(user, Permission.USE_CASE_MANAGE)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        team = teams.filter(pk=request.POST.get("team") or 0).first()
        try:
            if team is None:
                raise Invalid("Nothing was saved.", fields={"team": ["Choose your team."]})
            use_case = services.start_use_case(
                actor=actor_of(request),
                title=request.POST.get("title", "")[:150],
                team=team,
                now=timezone.now(),
                **_texts(request),
            )
            return redirect("registry:step", slug=use_case.slug, step="pattern")
        except Invalid as invalid:
            errors = invalid.fields
    context = {"teams": teams, "errors": errors, "values": request.POST, "steps": STEPS}
    status = 422 if errors else 200
    return page(request, "governance/registry/step_what.html", context, status=status)


def _texts(request: HttpRequest) -> dict[str, Any]:
    names = ("feature", "outcome", "benefit", "stakeholders")
    return {name: request.POST.get(name, "").strip()[:5000] for name in names}


@requires(Permission.USE_CASE_MANAGE)
def step(request: HttpRequest, slug: str, step: str) -> HttpResponse:
    """One step of the intake, saved as it is left; any step can be come back to."""
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    services.check_can_manage(actor_of(request), use_case.team)
    if step not in STEPS[1:]:
        return redirect("registry:detail", slug=slug)
    error: Invalid | Conflict | None = None
    if request.method == "POST":
        try:
            _SAVE[step](request, use_case)
            after = STEPS[STEPS.index(step) + 1]
            if after == "summary":
                messages.success(request, "Registered. What the next stage still needs is below.")
                return redirect("registry:detail", slug=slug)
            return redirect("registry:step", slug=slug, step=after)
        except (Invalid, Conflict) as refused:
            error = refused
            use_case.refresh_from_db()
    answers = use_case.framework_answers or {}
    latest = use_case.risk_assessments.first()
    context = {
        "use_case": use_case,
        "step": step,
        "steps": STEPS,
        "error": error,
        "differences": _differences(request, use_case) if isinstance(error, Conflict) else [],
        "datasets": Dataset.objects.all(),
        "named": set(use_case.datasets.values_list("pk", flat=True)),
        "values": request.POST,
        "questions": framework.QUESTIONS,
        "answers": answers,
        "recommendation": framework.recommend(answers) if answers else None,
        "patterns": framework.PATTERNS,
        "servings": framework.SERVING,
        "sensitivities": list(Sensitivity),
        "oversights": list(Oversight),
        "impact": scoring.IMPACT,
        "effort": scoring.EFFORT,
        "scale": range(1, 6),
        "risk_questions": risk.QUESTIONS,
        "risk_answers": latest.answers if latest else {},
    }
    status = error_status(error)
    return page(request, f"governance/registry/step_{step}.html", context, status=status)


def error_status(error: Invalid | Conflict | None) -> int:
    """200 for a fresh form, 422 for one that does not fit, 409 for one that came too late."""
    if error is None:
        return 200
    return 409 if isinstance(error, Conflict) else 422


def _differences(request: HttpRequest, use_case: UseCase) -> list[dict[str, str]]:
    """Field by field, what stands now beside what this person typed."""
    names = [name for name in request.POST if name in services.EDITABLE]
    pairs = [(name, str(getattr(use_case, name)), request.POST[name]) for name in names]
    return [
        {"field": name.replace("_", " "), "stands": stands, "typed": typed}
        for name, stands, typed in pairs
        if stands != typed
    ]


def _save_pattern(request: HttpRequest, use_case: UseCase) -> None:
    answers = {key: request.POST.get(key) == "yes" for key in framework.QUESTIONS}
    found = framework.recommend(answers)
    pattern = request.POST.get("pattern") or found.pattern
    serving = request.POST.get("serving") or found.serving
    reason = request.POST.get("override_reason", "").strip()[:300]
    if (pattern, serving) != (found.pattern, found.serving) and not reason:
        raise Invalid(
            f"Not saved yet: {found.pattern} with {found.serving} serving is recommended. "
            "Say why you choose otherwise.",
            fields={"override_reason": ["Say why."]},
        )
    _save(
        request,
        use_case,
        framework_answers=answers,
        pattern=pattern,
        serving=serving,
        override_reason=reason,
    )


def _save_data(request: HttpRequest, use_case: UseCase) -> None:
    post = request.POST
    try:
        share = Decimal(post.get("sample_share") or "10")
    except InvalidOperation:
        raise Invalid("Not saved yet.", fields={"sample_share": ["Give a number."]}) from None
    _save(
        request,
        use_case,
        sensitivity=post.get("sensitivity", ""),
        oversight=post.get("oversight", ""),
        sample_share=share,
        disclosure_text=post.get("disclosure_text", "")[:5000],
        fallback_text=post.get("fallback_text", "")[:5000],
    )
    services.name_datasets(
        actor=actor_of(request),
        use_case=use_case,
        dataset_ids=[int(one) for one in post.getlist("datasets") if one.isdigit()],
        now=timezone.now(),
    )


def _save(request: HttpRequest, use_case: UseCase, **facts: Any) -> None:
    given = request.POST.get("version", "")
    version = int(given) if given.isdigit() else use_case.version
    services.save_step(
        actor=actor_of(request), use_case=use_case, version=version, now=timezone.now(), **facts
    )


def _save_scores(request: HttpRequest, use_case: UseCase) -> None:
    def given(dimensions: dict[str, tuple[str, int]]) -> dict[str, int]:
        texts = {key: request.POST.get(key, "") for key in dimensions}
        return {key: int(text) for key, text in texts.items() if text.isdigit()}

    services.record_score(
        actor=actor_of(request),
        use_case=use_case,
        impact=given(scoring.IMPACT),
        effort=given(scoring.EFFORT),
        rationale=request.POST.get("rationale", "")[:5000],
        now=timezone.now(),
    )


def _save_risk(request: HttpRequest, use_case: UseCase) -> None:
    answers = {key: request.POST.get(key) == "yes" for key in risk.QUESTIONS}
    services.assess_risk(
        actor=actor_of(request), use_case=use_case, answers=answers, now=timezone.now()
    )


_SAVE = {
    "pattern": _save_pattern,
    "data": _save_data,
    "scores": _save_scores,
    "risk": _save_risk,
}


@requires(Permission.USE_CASE_VIEW)
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Is it allowed, is it working, what does it cost?"""
    user, now = cast(User, request.user), timezone.now()
    use_case: Any = get_or_404(use_cases_visible_to(user), slug=slug)
    facts = gate_facts(use_case)
    panels = sorted(use_case_panels.values(), key=lambda panel: panel.order)
    shown = [one for one in panels if any(user.may(rule) for rule in one.permissions)]
    context = {
        "use_case": use_case,
        "row": _row(use_case, costs_this_month([use_case.pk], now)),
        "gates": [
            {"target": edge.target, "missing": missing_for(edge.target, facts)}
            for edge in USE_CASE_STAGES.edges
            if edge.source == use_case.stage
        ],
        "standing": standing("use_case_stage", use_case, now),
        "scores": use_case.scores.select_related("assessor"),
        "risk": use_case.risk_assessments.select_related("assessor").first(),
        "risk_questions": risk.QUESTIONS,
        "metrics": use_case.metrics.prefetch_related("measurements"),
        "checklist": use_case.checklist.select_related("done_by"),
        "datasets": use_case.datasets.all(),
        "panels": [
            {
                "title": one.title,
                "template": one.template,
                "context": one.context(use_case, user, now),
            }
            for one in shown
        ],
        "events": timeline_for(use_case)[:30],
        "may_manage": user.may(Permission.USE_CASE_MANAGE, use_case.team),
    }
    return page(request, "governance/registry/detail.html", context)


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
@require_POST
def add_metric(request: HttpRequest, slug: str) -> HttpResponse:
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    services.add_metric(
        actor=actor_of(request),
        use_case=use_case,
        name=request.POST.get("name", "")[:150] or "Metric",
        unit=request.POST.get("unit", "")[:30],
        baseline=_number(request.POST.get("baseline")),
        target=_number(request.POST.get("target")),
        now=timezone.now(),
    )
    return redirect("registry:detail", slug=slug)


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def measure(request: HttpRequest, slug: str, metric: int) -> HttpResponse:
    """Note a measured value of today."""
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    value = _number(request.POST.get("value"))
    if value is None:
        raise Invalid("Nothing was saved: give the measured value as a number.")
    services.measure(
        actor=actor_of(request),
        metric=get_or_404(use_case.metrics.select_related("use_case__team"), pk=metric),
        value=value,
        on=timezone.localdate(),
        source=request.POST.get("source", "")[:200],
        now=timezone.now(),
    )
    return redirect("registry:detail", slug=slug)


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def tick(request: HttpRequest, slug: str, item: int) -> HttpResponse:
    get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug, checklist__pk=item)
    services.tick_item(
        actor=actor_of(request),
        item_id=item,
        evidence=request.POST.get("evidence", ""),
        now=timezone.now(),
    )
    return redirect("registry:detail", slug=slug)


def _number(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        raise Invalid("Nothing was saved: a baseline and a target are numbers.") from None
