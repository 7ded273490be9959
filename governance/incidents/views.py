"""Incidents: what do I do now?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals.forms import show_errors
from governance.audit.selectors import timeline_for
from governance.incidents import clocks, forms, post_mortem, services
from governance.incidents.models import Incident, Playbook
from governance.incidents.rules import FACTS, INCIDENT_STATES, OVER
from governance.incidents.selectors import (
    INCIDENT_FILTERS,
    incidents_listed,
    narrowed_incidents,
)
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires

Tried = Mapping[str, Form]


@requires(Permission.INCIDENT_VIEW)
def incident_list(request: HttpRequest) -> HttpResponse:
    """What is open, and whose legal clock ends first?"""
    chosen = request.GET.get("show", "all")
    incidents = narrowed_incidents(
        incidents_listed(cast(User, request.user), timezone.now()), chosen
    )
    listed = Paginator(incidents, 50).get_page(request.GET.get("page"))
    context = {"page": listed, "chosen": chosen, "filters": INCIDENT_FILTERS}
    return page(request, "governance/incidents/list.html", context)


@requires(Permission.INCIDENT_VIEW)
def playbook_list(request: HttpRequest) -> HttpResponse:
    """What is done when something goes wrong, and which clocks then run?"""
    context = {"playbooks": Playbook.objects.all(), "facts": FACTS}
    return page(request, "governance/incidents/playbooks.html", context)


@requires(Permission.INCIDENT_DECLARE)
def declare(request: HttpRequest) -> HttpResponse:
    """Say that something went wrong."""
    form = forms.DeclareForm(
        request.POST or None,
        user=cast(User, request.user),
        initial={"use_case": request.GET.get("use_case", "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            incident = services.declare(
                actor=actor_of(request), now=timezone.now(), **form.cleaned_data
            )
        except Invalid as refused:
            show_errors(form, refused)
        else:
            return redirect("incidents:detail", pk=incident.pk)
    status = 422 if form.is_bound else 200
    return page(request, "governance/incidents/declare.html", {"form": form}, status=status)


@requires(Permission.INCIDENT_VIEW)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What do I do now?"""
    return _incident_page(request, pk)


def _incident_page(request: HttpRequest, pk: int, tried: Tried | None = None) -> HttpResponse:
    """The page; after a refusal with the form that was refused as it was typed."""
    actor, now, tried = actor_of(request), timezone.now(), tried or {}
    visible = Incident.objects.visible_to(cast(User, request.user))
    incidents = visible.select_related("use_case", "playbook", "declared_by", "commander")
    incident: Incident = get_or_404(incidents, pk=pk)
    steps = list(incident.steps.select_related("by"))
    context = {
        "incident": incident,
        "facts": [FACTS[fact] for fact in incident.facts],
        "steps": steps,
        "next_step": next((step for step in steps if step.outcome == "open"), None),
        "done": sum(step.outcome != "open" for step in steps),
        "is_over": incident.state in OVER,
        "clocks": _clock_rows(incident, actor, now, tried),
        "actions": _action_rows(incident, actor, now, tried),
        "containments": incident.containments.select_related("done_by"),
        "events": timeline_for(incident)[:50],
        "may_command": actor.may(Permission.INCIDENT_COMMAND),
    }
    if context["may_command"]:
        context |= _command_forms(incident, tried)
    return page(request, "governance/incidents/detail.html", context, status=422 if tried else 200)


def _form(tried: Tried, key: str, kind: type[Form], **initial: Any) -> Form:
    return tried.get(key) or kind(auto_id=f"{key}_%s", initial=initial)


def _command_forms(incident: Incident, tried: Tried) -> dict[str, Any]:
    classified = {"severity": incident.severity, "facts": incident.facts}
    return {
        "arrows": list(INCIDENT_STATES.actions(incident.state)),
        "missing": services.missing_to_close(incident) if incident.state == "reviewed" else [],
        "step_form": _form(tried, "step", forms.StepForm),
        "move_form": _form(tried, "move", forms.MoveForm, words=incident.post_mortem),
        "contain_form": _form(tried, "contain", forms.ContainForm),
        "undo_form": _form(tried, "undo", forms.ReasonForm),
        "classify_form": _form(tried, "classify", forms.ClassifyForm, **classified),
        "commander_form": _form(tried, "commander", forms.CommanderForm),
        "action_form": _form(tried, "action", forms.ActionForm),
    }


def _clock_rows(
    incident: Incident, actor: Actor, now: datetime, tried: Tried
) -> list[dict[str, Any]]:
    may_answer = clocks.may_answer(actor)
    rows = []
    for clock in incident.clocks.select_related("met_by", "waived_by"):
        state = clock.state(now)
        is_open = may_answer and state in ("running", "overdue")
        met, waived = f"clock-{clock.pk}", f"waive-{clock.pk}"
        rows.append(
            {
                "clock": clock,
                "state": state,
                "form": _form(tried, met, forms.NoteForm) if is_open else None,
                "waive_form": _form(tried, waived, forms.ReasonForm) if is_open else None,
            }
        )
    return rows


def _action_rows(
    incident: Incident, actor: Actor, now: datetime, tried: Tried
) -> list[dict[str, Any]]:
    may_command = actor.may(Permission.INCIDENT_COMMAND)
    rows = []
    for action in incident.actions.select_related("owner"):
        is_open = action.done_at is None
        done, assigned = f"done-{action.pk}", f"assign-{action.pk}"
        facts = {"owner": action.owner_id, "due_on": action.due_on}
        may_finish = is_open and post_mortem.may_finish(actor, action)
        rows.append(
            {
                "action": action,
                "state": action.state(now),
                "form": _form(tried, done, forms.NoteForm) if may_finish else None,
                "assign_form": _form(tried, assigned, forms.AssignForm, **facts)
                if is_open and may_command
                else None,
            }
        )
    return rows


def _take(
    request: HttpRequest,
    pk: int,
    key: str,
    kind: type[Form],
    service: Callable[..., Any],
    done: str = "",
) -> HttpResponse:
    """Give the form's fields to the service; what it refuses stands on the page again."""
    form = kind(request.POST, auto_id=f"{key}_%s")
    if form.is_valid():
        try:
            service(actor=actor_of(request), now=timezone.now(), **form.cleaned_data)
        except Invalid as refused:
            show_errors(form, refused)
        else:
            if done:
                messages.success(request, done)
            return redirect("incidents:detail", pk=pk)
    return _incident_page(request, pk, {key: form})


def _check_part(request: HttpRequest, pk: int, **part: int) -> None:
    """Raise NotFound unless the part is of this incident, and the person sees it."""
    get_or_404(Incident.objects.visible_to(cast(User, request.user)), pk=pk, **part)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    service = partial(services.move, incident_id=pk, action=request.POST.get("action", ""))
    return _take(request, pk, "move", forms.MoveForm, service)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def step(request: HttpRequest, pk: int, step: int) -> HttpResponse:
    _check_part(request, pk, steps__pk=step)
    outcome = request.POST.get("outcome", "")
    service = partial(services.finish_step, step_id=step, outcome=outcome)
    return _take(request, pk, "step", forms.StepForm, service)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def contain(request: HttpRequest, pk: int) -> HttpResponse:
    def act(*, actor: Actor, now: datetime, target: str, reason: str) -> None:
        kind, _, identifier = target.partition(":")
        services.contain(
            actor=actor,
            incident_id=pk,
            kind=kind,
            target_id=int(identifier),
            reason=reason,
            now=now,
        )

    done = "Done. It holds from the next call on."
    return _take(request, pk, "contain", forms.ContainForm, act, done)


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def undo(request: HttpRequest, pk: int, containment: int) -> HttpResponse:
    _check_part(request, pk, containments__pk=containment)
    service = partial(services.undo_containment, containment_id=containment)
    return _take(request, pk, "undo", forms.ReasonForm, service, "Taken back.")


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def classify(request: HttpRequest, pk: int) -> HttpResponse:
    service = partial(clocks.classify, incident_id=pk)
    return _take(request, pk, "classify", forms.ClassifyForm, service, "Classified.")


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def commander(request: HttpRequest, pk: int) -> HttpResponse:
    service = partial(services.assign_commander, incident_id=pk)
    return _take(request, pk, "commander", forms.CommanderForm, service, "Handed over.")


@requires(Permission.INCIDENT_COMMAND, Permission.SIGN_COMPLIANCE)
@require_POST
def meet(request: HttpRequest, pk: int, clock: int) -> HttpResponse:
    _check_part(request, pk, clocks__pk=clock)
    service = partial(clocks.meet_clock, clock_id=clock)
    return _take(request, pk, f"clock-{clock}", forms.NoteForm, service, "The clock is met.")


@requires(Permission.INCIDENT_COMMAND, Permission.SIGN_COMPLIANCE)
@require_POST
def waive(request: HttpRequest, pk: int, clock: int) -> HttpResponse:
    _check_part(request, pk, clocks__pk=clock)
    service = partial(clocks.waive_clock, clock_id=clock)
    return _take(request, pk, f"waive-{clock}", forms.ReasonForm, service, "It does not apply.")


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def add_action(request: HttpRequest, pk: int) -> HttpResponse:
    service = partial(post_mortem.add_action, incident_id=pk)
    return _take(request, pk, "action", forms.ActionForm, service, "Added.")


@requires(Permission.INCIDENT_COMMAND)
@require_POST
def assign(request: HttpRequest, pk: int, action: int) -> HttpResponse:
    _check_part(request, pk, actions__pk=action)
    service = partial(post_mortem.assign_action, action_id=action)
    return _take(request, pk, f"assign-{action}", forms.AssignForm, service)


@requires(Permission.INCIDENT_VIEW)
@require_POST
def finish(request: HttpRequest, pk: int, action: int) -> HttpResponse:
    """The owner of an action says that it is done; the service knows who that is."""
    _check_part(request, pk, actions__pk=action)
    service = partial(post_mortem.finish_action, action_id=action)
    return _take(request, pk, f"done-{action}", forms.NoteForm, service, "Done.")
