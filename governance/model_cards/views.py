"""Models: what may we call, for what, at what price?"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards import services
from governance.model_cards.models import Deployment, ModelCard


@requires(Permission.MODEL_VIEW)
def model_list(request: HttpRequest) -> HttpResponse:
    context = {
        "cards": ModelCard.objects.select_related("author"),
        "deployments": Deployment.objects.select_related("card"),
    }
    return page(request, "governance/model_cards/list.html", context)


@requires(Permission.MODEL_VIEW)
def card_detail(request: HttpRequest, pk: int) -> HttpResponse:
    card: ModelCard = get_or_404(ModelCard.objects.select_related("author"), pk=pk)
    context = {
        "card": card,
        "deployments": card.deployments.all(),
        "standing": standing("model_card", card, timezone.now()),
        "events": timeline_for(card)[:30],
        "may_propose": actor_of(request).may(Permission.MODEL_AUTHOR) and card.state == "draft",
    }
    return page(request, "governance/model_cards/card.html", context)


@requires(Permission.MODEL_AUTHOR)
@require_POST
def propose_card(request: HttpRequest, pk: int) -> HttpResponse:
    card: ModelCard = get_or_404(ModelCard.objects.all(), pk=pk)
    reason = request.POST.get("reason", "")
    now = timezone.now()
    change = services.propose_card(actor=actor_of(request), card=card, reason=reason, now=now)
    messages.success(request, "It is before its signatories now.")
    return redirect("approvals:detail", pk=change.pk)


@requires(Permission.MODEL_VIEW)
def deployment_detail(request: HttpRequest, slug: str) -> HttpResponse:
    deployment: Deployment = get_or_404(Deployment.objects.select_related("card"), slug=slug)
    may = actor_of(request).may(Permission.MODEL_AUTHOR)
    context = {
        "deployment": deployment,
        "prices": deployment.prices.all(),
        "standing": standing("deployment", deployment, timezone.now()),
        "events": timeline_for(deployment)[:30],
        "may_propose": may and deployment.state == "proposed",
    }
    return page(request, "governance/model_cards/deployment.html", context)


@requires(Permission.MODEL_AUTHOR)
@require_POST
def propose_deployment(request: HttpRequest, slug: str) -> HttpResponse:
    deployment: Deployment = get_or_404(Deployment.objects.select_related("card"), slug=slug)
    change = services.propose_deployment(
        actor=actor_of(request),
        deployment=deployment,
        reason=request.POST.get("reason", ""),
        now=timezone.now(),
    )
    messages.success(request, "It is before its signatories now.")
    return redirect("approvals:detail", pk=change.pk)
