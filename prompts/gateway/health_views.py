"""The health of deployments, and the circuits by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards.models import Deployment
from prompts.gateway.circuits import BY_HAND, can_move, move_by_hand
from prompts.gateway.health import health_of, last_moves
from prompts.gateway.rules import CIRCUIT_STATES

DONE = {
    "hold_open": "No call reaches it from the next one on, until somebody closes the circuit.",
    "close": "Calls reach it again from the next one on.",
}


@requires(Permission.MODEL_VIEW)
def health(request: HttpRequest) -> HttpResponse:
    """Every deployment that can be called, or could be."""
    found = Deployment.objects.filter(replay_only=False).exclude(state="retired")
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {"page": listed, "rows": health_of(list(listed), timezone.now())}
    return page(request, "prompts/gateway/health.html", context)


@requires(Permission.MODEL_VIEW)
def deployment_health(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, _found(slug))


@requires(Permission.MODEL_AUTHOR, Permission.INCIDENT_COMMAND)
@require_POST
def move_circuit(request: HttpRequest, slug: str) -> HttpResponse:
    """Open a circuit and keep it open, or close it."""
    deployment, action = _found(slug), request.POST.get("action", "")
    reason = request.POST.get("reason", "")[:300]
    try:
        move_by_hand(
            actor=actor_of(request),
            deployment=deployment,
            action=action,
            reason=reason,
            now=timezone.now(),
        )
    except (Invalid, WrongState) as refused:
        return _page(request, deployment, refused, reason)
    messages.success(request, DONE[action])
    return redirect("gateway:deployment-health", slug)


def _found(slug: str) -> Deployment:
    found: Deployment = get_or_404(Deployment.objects.all(), slug=slug)
    return found


def _page(
    request: HttpRequest,
    deployment: Deployment,
    refused: Invalid | WrongState | None = None,
    reason: str = "",
) -> HttpResponse:
    (found,) = health_of([deployment], timezone.now())
    may_move = can_move(actor_of(request))
    context: dict[str, Any] = {
        "deployment": deployment,
        "health": found,
        "moves": last_moves(deployment),
        "actions": [one for one in BY_HAND if may_move and CIRCUIT_STATES.allows(found.state, one)],
        "refused": refused,
        "reason": reason,
    }
    status = 409 if isinstance(refused, WrongState) else 422 if refused else 200
    return page(request, "prompts/gateway/deployment_health.html", context, status=status)
