"""The pages of deployments: what is called, how it is run, and why it cannot be called yet."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.late_saves import seen_of
from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, NotFound, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards import selectors, services
from governance.model_cards.forms import (
    ChangedFactsForm,
    NewDeploymentForm,
    ProposedFactsForm,
    RunningFactsForm,
    show_refusal,
)
from governance.model_cards.models import Deployment
from governance.model_cards.registries import deployment_links
from governance.model_cards.rules import DEPLOYMENT_STATES

SWITCHES = {"suspend": "Suspended from the next call on.", "resume": "It can be called again."}


@requires(Permission.MODEL_VIEW)
def deployment_detail(request: HttpRequest, slug: str) -> HttpResponse:
    deployment, actor, now = _deployment(slug), actor_of(request), timezone.now()
    stands = standing("deployment", deployment, now)
    may_write = actor.may(Permission.MODEL_AUTHOR)
    may_switch = actor.may(Permission.INCIDENT_COMMAND)
    context = {
        "deployment": deployment,
        "obstacles": selectors.obstacles(deployment, now.date()),
        "prices": deployment.prices.all(),
        "standing": stands,
        "events": timeline_for(deployment)[:30],
        "may_write": may_write and deployment.state != "retired",
        "links": list(deployment_links.values()),
        "may_price": may_write or actor.may(Permission.PRICE_MANAGE),
        "may_propose": may_write
        and deployment.state in ("proposed", "suspended")
        and not stands["open_change"],
        "switches": [
            one
            for one in SWITCHES
            if may_switch and DEPLOYMENT_STATES.allows(deployment.state, one)
        ],
    }
    return page(request, "governance/model_cards/deployment.html", context)


@requires(Permission.MODEL_AUTHOR)
def deployment_new(request: HttpRequest) -> HttpResponse:
    """Describe a place to call a model."""
    initial = {"card": request.GET.get("card")}
    form = NewDeploymentForm(request.POST or None, initial=initial)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = services.create_deployment(
                    actor=actor_of(request), now=timezone.now(), **form.cleaned_data
                )
            except Invalid as refusal:
                status = show_refusal(form, refusal)
            else:
                messages.success(request, f"{made} is described. Set its price, then propose it.")
                return redirect("model_cards:deployment", slug=made.slug)
    context = {"form": form}
    return page(request, "governance/model_cards/deployment_new.html", context, status=status)


@requires(Permission.MODEL_AUTHOR)
def deployment_change(request: HttpRequest, slug: str) -> HttpResponse:
    """The facts: saved while nobody approved them, proposed to the board afterwards."""
    deployment = _deployment(slug)
    is_decided = deployment.state != "proposed"
    stands = services.all_facts(deployment)
    seen = seen_of(stands)
    chosen = ChangedFactsForm if is_decided else ProposedFactsForm
    form = chosen(request.POST or None, initial=stands | {"seen": seen})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return _save_facts(request, deployment, form.cleaned_data)
            except Conflict as late:
                status = late.status
                form.show_late(late, stands, seen)
            except (Invalid, WrongState) as refusal:
                status = show_refusal(form, refusal)
    context = {
        "deployment": deployment,
        "form": form,
        "is_decided": is_decided,
        "change": standing("deployment", deployment, timezone.now())["open_change"],
    }
    return page(request, "governance/model_cards/deployment_change.html", context, status=status)


def _save_facts(
    request: HttpRequest, deployment: Deployment, facts: dict[str, Any]
) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    if "reason" not in facts:
        services.change_deployment(actor=actor, deployment_id=deployment.pk, now=now, **facts)
        messages.success(request, "The facts are saved.")
        return redirect("model_cards:deployment", slug=deployment.slug)
    reason, seen = facts["reason"], facts["seen"]
    changes = {name: value for name, value in facts.items() if name not in ("reason", "seen")}
    if all(getattr(deployment, name) == value for name, value in changes.items()):
        raise Invalid("Nothing was proposed: every fact is as it was approved.")
    change = services.propose_deployment(
        actor=actor, deployment=deployment, reason=reason, changes=changes, now=now, seen=seen
    )
    messages.success(request, "The change is before its signatories; until then nothing changes.")
    return redirect("approvals:detail", pk=change.pk)


@requires(Permission.MODEL_AUTHOR)
def deployment_running(request: HttpRequest, slug: str) -> HttpResponse:
    """Time-out, calls at a time, and another secret."""
    deployment = _deployment(slug)
    facts = services.running_facts(deployment)
    form = RunningFactsForm(request.POST or None, initial=facts | {"seen": seen_of(facts)})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return _save_running(request, deployment, form)
            except Conflict as late:
                status = late.status
                form.show_late(late, facts, seen_of(facts))
            except (Invalid, WrongState) as refusal:
                status = show_refusal(form, refusal)
    context = {"deployment": deployment, "form": form}
    return page(request, "governance/model_cards/deployment_running.html", context, status=status)


def _save_running(request: HttpRequest, deployment: Deployment, form: Form) -> HttpResponse:
    services.run_deployment(
        actor=actor_of(request),
        deployment_id=deployment.pk,
        now=timezone.now(),
        **form.cleaned_data,
    )
    replaced = " The secret is replaced." if form.cleaned_data["secret"] else ""
    messages.success(request, f"Saved; the next call uses it.{replaced}")
    return redirect("model_cards:deployment", slug=deployment.slug)


@requires(Permission.MODEL_AUTHOR)
@require_POST
def propose_deployment(request: HttpRequest, slug: str) -> HttpResponse:
    change = services.propose_deployment(
        actor=actor_of(request),
        deployment=_deployment(slug),
        reason=request.POST.get("reason", ""),
        now=timezone.now(),
    )
    messages.success(request, "It is before its signatories now.")
    return redirect("approvals:detail", pk=change.pk)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Suspend or resume it."""
    action = request.POST.get("action", "")
    if action not in SWITCHES:
        raise NotFound("There is no such switch.")
    services.switch_deployment(
        actor=actor_of(request),
        deployment_id=_deployment(slug).pk,
        action=action,
        reason=request.POST.get("reason", "").strip()[:2000],
        now=timezone.now(),
    )
    messages.success(request, SWITCHES[action])
    return redirect("model_cards:deployment", slug=slug)


def _deployment(slug: str) -> Deployment:
    found: Deployment = get_or_404(selectors.deployments_with_facts(), slug=slug)
    return found
