"""Incidents: what do I do now?"""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.audit.selectors import timeline_for
from governance.incidents import services
from governance.incidents.models import Incident, Playbook
from governance.incidents.registries import containment_actions
from governance.incidents.rules import INCIDENT_STATES, SEVERITIES
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry.models import UseCase


@requires(Permission.INCIDENT_VIEW)
def incident_list(request: HttpRequest) -> HttpResponse:
    incidents = Incident.objects.select_related("use_case", "playbook", "declared_by")
    listed = Paginator(incidents, 50).get_page(request.GET.get("page"))
    return page(request, "governance/incidents/list.html", {"page": listed})


@requires(Permission.INCIDENT_DECLARE)
def declare(request: HttpRequest) -> HttpResponse:
    """Say that something went wrong."""
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        post = request.POST
        playbook = get_or_404(Playbook.objects.all(), pk=post.get("playbook") or 0)
        use_case = UseCase.objects.filter(pk=post.get("use_case") or 0).first()
        try:
            incident = services.declare(
                actor=actor_of(request),
                playbook=playbook,
                title=post.get("title", ""),
                description=post.get("description", "")[:10_000],
                severity=post.get("severity", ""),
                use_case=use_case,
                now=timezone.now(),
            )
            return redirect("incidents:detail", pk=incident.pk)
        except Invalid as invalid:
            errors = invalid.fields
    context = {
        "playbooks": Playbook.objects.all(),
        "use_cases": UseCase.objects.visible_to(request.user),  # type: ignore[arg-type]  # signed in
        "severities": SEVERITIES,
        "errors": errors,
        "values": request.POST,
    }
    status = 422 if errors else 200
    return page(request, "governance/incidents/declare.html", context, status=status)


@requires(Permission.INCIDENT_VIEW)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    incidents = Incident.objects.select_related("use_case", "playbook", "declared_by", "commander")
    incident: Incident = get_or_404(incidents, pk=pk)
    steps = list(incident.steps.select_related("by"))
    may_command = actor_of(request).may(Permission.INCIDENT_COMMAND)
    context = {
        "incident": incident,
        "steps": steps,
        "next_step": next((step for step in steps if step.outcome == "open"), None),
        "done": sum(step.outcome != "open" for step in steps),
        "containments": incident.containments.select_related("done_by"),
        "kinds": [
            {"kind": kind, "targets": kind.targets()} for kind in containment_actions.values()
        ]
        if may_command
        else [],
        "actions": list(INCIDENT_STATES.actions(incident.state)) if may_command else [],
        "may_command": may_command,
        "events": timeline_for(incident)[:50],
    }
    return page(request, "governance/incidents/detail.html", context)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    services.move(
        actor=actor_of(request),
        incident_id=pk,
        action=request.POST.get("action", ""),
        words=request.POST.get("words", "")[:20_000],
        now=timezone.now(),
    )
    return redirect("incidents:detail", pk=pk)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def step(request: HttpRequest, pk: int, step: int) -> HttpResponse:
    get_or_404(Incident.objects.all(), pk=pk, steps__pk=step)
    services.finish_step(
        actor=actor_of(request),
        step_id=step,
        outcome=request.POST.get("outcome", ""),
        note=request.POST.get("note", ""),
        now=timezone.now(),
    )
    return redirect("incidents:detail", pk=pk)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def contain(request: HttpRequest, pk: int) -> HttpResponse:
    kind, _, target = request.POST.get("target", "").partition(":")
    if kind not in containment_actions or not target.isdigit():
        raise Invalid("Nothing was done: choose what to act on.")
    services.contain(
        actor=actor_of(request),
        incident_id=pk,
        kind=kind,
        target_id=int(target),
        reason=request.POST.get("reason", ""),
        now=timezone.now(),
    )
    messages.success(request, "Done. It holds from the next call on.")
    return redirect("incidents:detail", pk=pk)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def undo(request: HttpRequest, pk: int, containment: int) -> HttpResponse:
    get_or_404(Incident.objects.all(), pk=pk, containments__pk=containment)
    services.undo_containment(
        actor=actor_of(request),
        containment_id=containment,
        reason=request.POST.get("reason", ""),
        now=timezone.now(),
    )
    messages.success(request, "Taken back.")
    return redirect("incidents:detail", pk=pk)
