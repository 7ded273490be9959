"""Mitigations and residual risk, from the forms on the page of a use case."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, requires
from governance.registry import mitigations
from governance.registry.models import Mitigation, ResidualRisk, UseCase
from governance.registry.selectors import use_cases_visible_to
from governance.registry.views import day_of, use_case_page


def _found(request: HttpRequest, slug: str) -> UseCase:
    found: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    return found


def _to_risk(slug: str) -> HttpResponse:
    return redirect(f"{reverse('registry:detail', args=[slug])}#risk")


@requires(Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS)
@require_POST
def add_mitigation(request: HttpRequest, slug: str) -> HttpResponse:
    use_case = _found(request, slug)
    owner = request.POST.get("owner", "")
    try:
        mitigations.add_mitigation(
            actor=actor_of(request),
            use_case=use_case,
            risk=request.POST.get("risk", ""),
            measure=request.POST.get("measure", ""),
            owner=User.objects.filter(pk=owner).first() if owner.isdecimal() else None,
            due_on=day_of(request, "due_on"),
            now=timezone.now(),
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, "mitigation")
    return _to_risk(slug)


@requires(Permission.USE_CASE_VIEW)
@require_POST
def finish_mitigation(request: HttpRequest, slug: str, mitigation: int) -> HttpResponse:
    """Done, with what shows it."""
    use_case = _found(request, slug)
    get_or_404(Mitigation.objects.filter(use_case=use_case), pk=mitigation)
    try:
        mitigations.finish_mitigation(
            actor=actor_of(request),
            mitigation_id=mitigation,
            evidence=request.POST.get("evidence", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, f"mitigated-{mitigation}")
    return _to_risk(slug)


@requires(Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS)
@require_POST
def judge_residual(request: HttpRequest, slug: str) -> HttpResponse:
    """What is left, in a person's judgement."""
    use_case = _found(request, slug)
    try:
        mitigations.judge_residual(
            actor=actor_of(request),
            use_case=use_case,
            tier=request.POST.get("tier", ""),
            rationale=request.POST.get("rationale", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, "residual")
    messages.success(request, "Recorded. A safety officer who did not judge it confirms it.")
    return _to_risk(slug)


@requires(Permission.USE_CASE_ASSESS)
@require_POST
def confirm_residual(request: HttpRequest, slug: str, residual: int) -> HttpResponse:
    use_case = _found(request, slug)
    get_or_404(ResidualRisk.objects.filter(assessment__use_case=use_case), pk=residual)
    mitigations.confirm_residual(actor=actor_of(request), residual_id=residual, now=timezone.now())
    messages.success(request, "Confirmed; the approval policy goes by it now.")
    return _to_risk(slug)
