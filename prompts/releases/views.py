"""Propose a release, and end one."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards.models import Deployment
from prompts.catalogue.models import Prompt
from prompts.releases import services
from prompts.releases.models import Release


@requires(Permission.RELEASE_PROPOSE)
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Which version, where, and why; the board decides."""
    prompts = Prompt.objects.visible_to(cast(User, request.user)).select_related("use_case__team")
    prompt: Prompt = get_or_404(prompts, slug=slug)
    error: Invalid | None = None
    if request.method == "POST":
        try:
            change = _propose(request, prompt)
            messages.success(request, "It is before its signatories now.")
            return redirect("approvals:detail", pk=change.pk)
        except Invalid as invalid:
            error = invalid
    context = {
        "prompt": prompt,
        "versions": prompt.versions.all(),
        "deployments": Deployment.objects.filter(state="callable", replay_only=False),
        "error": error,
        "values": request.POST,
    }
    return page(request, "prompts/releases/propose.html", context, status=422 if error else 200)


def _propose(request: HttpRequest, prompt: Prompt) -> ChangeRequest:
    version = prompt.versions.filter(pk=request.POST.get("version") or 0).first()
    ids = [int(one) for one in request.POST.getlist("deployments") if one.isdigit()]
    found = {one.pk: one for one in Deployment.objects.filter(pk__in=ids)}
    environment = request.POST.get("environment", "")
    if version is None or environment not in ("staging", "production"):
        raise Invalid("Nothing was opened: choose a version and an environment.")
    return services.propose_release(
        actor=actor_of(request),
        version=version,
        deployments=[found[one] for one in ids if one in found],
        environment=environment,
        reason=request.POST.get("reason", "")[:5000],
        now=timezone.now(),
    )


@requires(Permission.RELEASE_PROPOSE, Permission.INCIDENT_COMMAND)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    releases = Release.objects.visible_to(cast(User, request.user)).select_related("prompt")
    release: Release = get_or_404(releases, pk=pk)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        raise Invalid("The release still runs: say why it should end.")
    services.end_release(actor=actor_of(request), release_id=pk, reason=reason, now=timezone.now())
    messages.success(request, "Ended. Calls are refused until another release is approved.")
    return redirect("catalogue:detail", slug=release.prompt.slug)
