"""Propose a release, look at one, end it or roll it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards.models import Deployment
from prompts.catalogue.models import Prompt
from prompts.catalogue.selectors import prompt_for
from prompts.releases import services
from prompts.releases.checks import (
    ACTIONS,
    DEFAULT_ACTIONS,
    HOLD_BELOW,
    INSTRUCTION,
    JUDGE,
    LIKELIHOODS,
    ON_DOUBT,
    ON_FAIL,
    WITHOUT_VERDICT,
    checks_of,
)
from prompts.releases.models import Release
from prompts.releases.selectors import releases_visible_to, roll_back_target, with_deployments

ASKED_OF_JUDGE = {
    ON_DOUBT: "On doubt",
    ON_FAIL: "On fail",
    WITHOUT_VERDICT: "Without a verdict",
}


@requires(Permission.RELEASE_PROPOSE)
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Which version, where, and why; the board decides."""
    prompt = prompt_for(cast(User, request.user), slug)
    error: Invalid | None = None
    if request.method == "POST":
        try:
            change = _propose(request, prompt)
            messages.success(request, "It is before its signatories now.")
            return redirect("approvals:detail", pk=change.pk)
        except Invalid as invalid:
            error = invalid
    values = request.POST or request.GET
    context = {
        "prompt": prompt,
        "versions": prompt.versions.all(),
        "deployments": Deployment.objects.filter(state="callable", replay_only=False),
        "chosen": values.getlist("deployments"),
        "actions": ACTIONS,
        "judging": [
            (name, label, values.get(name) or DEFAULT_ACTIONS[name])
            for name, label in ASKED_OF_JUDGE.items()
        ],
        "error": error,
        "values": values,
    }
    return page(request, "prompts/releases/propose.html", context, status=422 if error else 200)


def _propose(request: HttpRequest, prompt: Prompt) -> ChangeRequest:
    wanted = request.POST.get("version", "")
    version = prompt.versions.filter(pk=wanted).first() if wanted.isdecimal() else None
    if version is None:
        raise Invalid(
            "Nothing was opened: choose a version.", fields={"version": ["Choose a version."]}
        )
    ids = [int(one) for one in request.POST.getlist("deployments") if one.isdecimal()]
    found = Deployment.objects.in_bulk(ids)
    return services.propose_release(
        actor=actor_of(request),
        version=version,
        deployments=[found[one] for one in ids if one in found],
        environment=request.POST.get("environment", ""),
        reason=request.POST.get("reason", "")[:5000],
        checks=_checks(request),
        now=timezone.now(),
    )


def _checks(request: HttpRequest) -> dict[str, Any]:
    """As the form has them: what is left empty asks for nothing."""
    given = request.POST
    judge, below = given.get(JUDGE, ""), given.get(HOLD_BELOW, "").strip()
    found: dict[str, Any] = {
        LIKELIHOODS: given.get(LIKELIHOODS) == "yes",
        INSTRUCTION: given.get(INSTRUCTION, ""),
    }
    if judge:
        found[JUDGE] = int(judge) if judge.isdecimal() and len(judge) < 19 else judge
        found |= {name: given[name] for name in DEFAULT_ACTIONS if given.get(name)}
    if below:
        found[HOLD_BELOW] = int(below) if below.isdecimal() and len(below) < 9 else below
    return found


@requires(Permission.PROMPT_VIEW)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What one release is, stands on and may become."""
    return _shown(request, _release(request, pk))


def _release(request: HttpRequest, pk: int) -> Release:
    found: Release = get_or_404(releases_visible_to(cast(User, request.user)), pk=pk)
    return found


def _shown(
    request: HttpRequest, release: Release, error: Invalid | None = None, at: str = ""
) -> HttpResponse:
    """The release's page; with an error, beside the form that it came from."""
    is_running = release.ended_at is None
    may_end = is_running and services.can_end(actor_of(request), release)
    context = {
        "release": release,
        "shown": with_deployments([release])[0],
        "checks": checks_of(release.checks),
        "judge": Deployment.objects.filter(pk=release.checks.get(JUDGE) or 0).first(),
        "may_end": may_end,
        "earlier": roll_back_target(release, timezone.now()) if may_end else None,
        "events": timeline_for(release)[:30],
        "error": error,
        "at": at,
        "values": request.POST,
    }
    return page(request, "prompts/releases/detail.html", context, status=422 if error else 200)


@requires(Permission.RELEASE_PROPOSE, Permission.INCIDENT_COMMAND)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    done = "Ended. Calls are refused until another release is approved."
    return _stop(request, pk, "end", services.end_release, done)


@requires(Permission.RELEASE_PROPOSE, Permission.INCIDENT_COMMAND)
@require_POST
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    done = "Rolled back. The release before it answers from the next call on."
    return _stop(request, pk, "roll-back", services.roll_back_release, done)


def _stop(
    request: HttpRequest, pk: int, at: str, service: Callable[..., Any], done: str
) -> HttpResponse:
    release = _release(request, pk)
    reason = request.POST.get("reason", "")
    try:
        service(actor=actor_of(request), release_id=pk, reason=reason, now=timezone.now())
    except Invalid as error:
        return _shown(request, release, error, at)
    messages.success(request, done)
    return redirect("catalogue:detail", slug=release.prompt.slug)
