"""Who signs what: the policies, one policy with its history, and what would happen."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.approvals.forms import SimulationForm, show_errors
from governance.approvals.models import ApprovalPolicy, ChangeRequest
from governance.approvals.planning import Outlook, simulate
from governance.approvals.policy_forms import PolicyForm
from governance.approvals.registries import change_subjects
from governance.approvals.selectors import open_change_for
from governance.approvals.subjects import PROPOSE, PolicySubject, content_of, propose_policy
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import actor_of, get_or_404, page, requires


@requires(Permission.CHANGE_VIEW)
def policies(request: HttpRequest) -> HttpResponse:
    """Who would have to sign what."""
    rows = ApprovalPolicy.objects.filter(active=True)
    return page(request, "governance/approvals/policies.html", {"policies": rows})


@requires(Permission.CHANGE_VIEW)
def policy(request: HttpRequest, kind: str, tier: str) -> HttpResponse:
    """What does it ask, what did it ask before, and what should it ask?"""
    user = cast(User, request.user)
    found = get_or_404(ApprovalPolicy.objects.filter(active=True), kind=kind, tier=tier)
    if request.method == "POST":
        PolicySubject().check_can_propose(actor_of(request), found)
    content = content_of(found)
    may_propose = any(user.may(one) for one in PROPOSE)
    form = PolicyForm(request.POST if request.method == "POST" else None, content=content)
    if request.method == "POST" and form.is_valid():
        try:
            change = _propose(request, found, form)
        except Invalid as refused:
            show_errors(form, refused)
        else:
            messages.success(request, "Proposed. The policy in force stays until it is signed.")
            return redirect("approvals:detail", pk=change.pk)
    versions = ApprovalPolicy.objects.versions_of(kind, tier).select_related("change__proposer")
    context = {
        "policy": found,
        "label": _label(kind),
        "form": form if may_propose else None,
        "open_change": open_change_for(PolicySubject.kind, found.pk),
        "page": Paginator(versions, 50).get_page(request.GET.get("page")),
    }
    status = 422 if form.errors else 200
    return page(request, "governance/approvals/policy.html", context, status=status)


def _label(kind: str) -> str:
    return change_subjects[kind].label if kind in change_subjects else kind.replace("_", " ")


def _propose(request: HttpRequest, found: ApprovalPolicy, form: PolicyForm) -> ChangeRequest:
    return propose_policy(
        actor=actor_of(request),
        kind=found.kind,
        tier=found.tier,
        proposal=form.as_proposal(),
        reason=form.cleaned_data["reason"],
        now=timezone.now(),
    )


@requires(Permission.CHANGE_VIEW)
def simulation(request: HttpRequest) -> HttpResponse:
    """Who would have to sign this, and by when? Nothing is written."""
    user = cast(User, request.user)
    asked = request.GET.copy()
    asked.setdefault("proposer", str(user.pk))
    was_asked = "kind" in request.GET
    initial = {"proposer": user.pk}
    form = SimulationForm(asked if was_asked else None, user=user, initial=initial)
    outlook, blocked = None, ""
    if was_asked and form.is_valid():
        outlook, blocked = _outlook(form)
    context = {"form": form, "outlook": outlook, "blocked": blocked}
    status = 422 if form.errors else 200
    return page(request, "governance/approvals/simulate.html", context, status=status)


def _outlook(form: SimulationForm) -> tuple[Outlook | None, str]:
    """What would happen, or why nothing could be opened at all."""
    given = form.cleaned_data
    try:
        outlook = simulate(
            kind=given["kind"],
            tier=RiskTier(given["tier"]),
            team=given["team"],
            proposer=given["proposer"],
            now=timezone.now(),
        )
    except WrongState as refused:
        return None, refused.message
    return outlook, f"Nothing could be opened: {outlook.blocked}" if outlook.blocked else ""
