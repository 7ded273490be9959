"""Frameworks, their controls, and what is done about the gaps."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals.forms import show_errors
from governance.audit.tables import csv_line
from governance.compliance import keeping, services
from governance.compliance.confirming import confirm_wording
from governance.compliance.forms import ActionForm, DoneForm
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.models import VIEWING, ComplianceAction
from governance.compliance.rules import ControlState, Framework, coverage
from governance.compliance.selectors import (
    ACTION_FILTERS,
    ControlAnswer,
    actions_listed,
    asked_at,
    controls_of,
    coverage_of_all,
    framework_named,
)
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires

CSV_HEAD = (
    "control",
    "title",
    "asks",
    "source",
    "state",
    "evidence",
    "oldest evidence (UTC)",
    "compared with its source",
)


@requires(*VIEWING)
def index(request: HttpRequest) -> HttpResponse:
    """Every framework and how far it is answered."""
    found, as_of = coverage_of_all(timezone.now(), cast(User, request.user))
    rows = [{"framework": framework, "counts": counts} for framework, counts in found]
    context = {"rows": rows, "states": list(ControlState), "as_of": as_of}
    return page(request, "governance/compliance/index.html", context)


@requires(*VIEWING)
@require_POST
def ask_again(request: HttpRequest) -> HttpResponse:
    """Have every evidence asked now."""
    keeping.ask_again(actor=actor_of(request), now=timezone.now())
    messages.success(request, "Asked again: the evidence is as of now.")
    framework = request.POST.get("framework", "")
    if framework in FRAMEWORKS:
        return redirect("compliance:framework", framework=framework)
    return redirect("compliance:index")


@requires(*VIEWING)
def framework(request: HttpRequest, framework: str) -> HttpResponse:
    """Each control of one framework; `?show=gaps` leaves out what is answered."""
    named = framework_named(framework)
    if request.GET.get("format") == "csv":
        return _csv(named, _shown(request, _controls(request, named)))
    return _framework_page(request, named)


def _controls(request: HttpRequest, named: Framework) -> list[ControlAnswer]:
    return controls_of(named, timezone.now(), cast(User, request.user))


def _shown(request: HttpRequest, controls: list[ControlAnswer]) -> list[ControlAnswer]:
    only_gaps = request.GET.get("show") == "gaps"
    return [one for one in controls if one.is_gap] if only_gaps else controls


def _framework_page(
    request: HttpRequest,
    named: Framework,
    form: ActionForm | None = None,
    refused: Invalid | None = None,
) -> HttpResponse:
    """`form` is one that was refused, with what was typed; `refused` a confirmation."""
    controls = _controls(request, named)
    may_manage = actor_of(request).may(Permission.SIGN_COMPLIANCE)
    offered = form or ActionForm(named, initial={"control": request.GET.get("control", "")})
    context = {
        "framework": named,
        "controls": _shown(request, controls),
        "as_of": asked_at(controls),
        "counts": coverage([one.state for one in controls]),
        "states": list(ControlState),
        "only_gaps": request.GET.get("show") == "gaps",
        "form": offered if may_manage else None,
        "may_confirm": may_manage,
        "confirmed": sum(one.confirmation is not None for one in controls),
        "ticked": request.POST.getlist("controls"),
        "note": request.POST.get("note", ""),
        "errors": refused.fields if refused else {},
    }
    status = 422 if form or refused else 200
    return page(request, "governance/compliance/framework.html", context, status=status)


def _csv(named: Framework, controls: list[ControlAnswer]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="controls-{named.slug}.csv"'
    response.write(csv_line(CSV_HEAD))
    for one in controls:
        sentences = " ".join(answer.evidence.sentence for answer in one.answers)
        oldest = one.freshness.isoformat(timespec="seconds") if one.freshness else ""
        facts = (one.control.code, one.control.title, one.control.asks, one.control.source)
        state = str(one.state).replace("_", " ")
        response.write(csv_line((*facts, state, sentences, oldest, _compared(one))))
    return response


def _compared(one: ControlAnswer) -> str:
    given = one.confirmation
    if given is None:
        return "unconfirmed"
    return f"{given.confirmed_by.name}, {given.confirmed_at:%Y-%m-%d}: {given.note}"


@requires(Permission.SIGN_COMPLIANCE)
@require_POST
def confirm(request: HttpRequest, framework: str) -> HttpResponse:
    """Say that the ticked controls were compared with their source."""
    named = framework_named(framework)
    try:
        made = confirm_wording(
            actor=actor_of(request),
            framework=named.slug,
            refs=request.POST.getlist("controls")[:500],
            note=request.POST.get("note", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        return _framework_page(request, named, refused=refused)
    messages.success(request, f"Confirmed: {len(made)} of {len(named.controls)} controls.")
    return redirect("compliance:framework", framework=named.slug)


@requires(Permission.SIGN_COMPLIANCE)
@require_POST
def add_action(request: HttpRequest, framework: str) -> HttpResponse:
    """Give a gap an owner and a day."""
    named = framework_named(framework)
    form = ActionForm(named, request.POST)
    if form.is_valid():
        facts = {"framework": named.slug, **form.cleaned_data}
        try:
            services.add_action(actor=actor_of(request), now=timezone.now(), **facts)
        except Invalid as refused:
            show_errors(form, refused)
        else:
            messages.success(request, "Given out. Its owner finds it under “My work”.")
            return redirect("compliance:framework", framework=named.slug)
    return _framework_page(request, named, form)


@requires(SIGNED_IN)
def action_list(request: HttpRequest) -> HttpResponse:
    """All actions for who may read the controls; everybody else finds their own."""
    return _actions_page(request)


def _actions_page(request: HttpRequest, tried: dict[int, DoneForm] | None = None) -> HttpResponse:
    tried, now, actor = tried or {}, timezone.now(), actor_of(request)
    user = cast(User, request.user)
    show = request.GET.get("show", "open")
    listed = Paginator(actions_listed(user, show), 50).get_page(request.GET.get("page"))
    rows = [_action_row(one, tried.get(one.pk), services.may_finish(actor, one)) for one in listed]
    context = {
        "page": listed,
        "rows": [row | {"state": row["action"].state(now)} for row in rows],
        "filters": ACTION_FILTERS,
        "chosen": show if show in ACTION_FILTERS else "open",
        "may_view": any(user.may(one) for one in VIEWING),
    }
    status = 422 if tried else 200
    return page(request, "governance/compliance/actions.html", context, status=status)


def _action_row(
    action: ComplianceAction, tried: DoneForm | None, may_finish: bool
) -> dict[str, Any]:
    is_open = may_finish and action.done_at is None
    form = tried or DoneForm(auto_id=f"done_{action.pk}_%s")
    return {"action": action, "form": form if is_open else None}


@requires(SIGNED_IN)
@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that an action is done, and by what; the service knows who may."""
    get_or_404(ComplianceAction.objects.visible_to(cast(User, request.user)), pk=pk)
    form = DoneForm(request.POST, auto_id=f"done_{pk}_%s")
    if form.is_valid():
        note = form.cleaned_data["note"]
        try:
            services.finish_action(
                actor=actor_of(request), action_id=pk, note=note, now=timezone.now()
            )
        except Invalid as refused:
            show_errors(form, refused)
        else:
            messages.success(request, "Done. Whether the control is answered, its evidence says.")
            return redirect("compliance:actions")
    return _actions_page(request, {pk: form})
