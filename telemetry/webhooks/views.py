"""Webhooks: make, show the secret once, see what was sent, send it again."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.webhooks import services
from telemetry.webhooks.forms import EndpointChangeForm, EndpointForm
from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookTry


@requires(Permission.API_KEY_MANAGE)
def endpoint_list(request: HttpRequest) -> HttpResponse:
    found = WebhookEndpoint.objects.visible_to(cast(User, request.user))
    listed = Paginator(found.select_related("use_case", "team"), 50)
    context = {"page": listed.get_page(request.GET.get("page"))}
    return page(request, "telemetry/webhooks/list.html", context)


@requires(Permission.API_KEY_MANAGE)
@never_cache
@sensitive_variables("secret", "made")
def new_endpoint(request: HttpRequest) -> HttpResponse:
    """Make a webhook. Its secret is on this reply alone."""
    form = EndpointForm(
        cast(User, request.user),
        request.POST if request.method == "POST" else None,
        initial={"use_case": request.GET.get("use_case", "")},
    )
    if request.method == "POST":
        made = form.carry_out(services.create_endpoint, actor=actor_of(request), now=timezone.now())
        if made is not None:
            return _shown_once(request, *made)
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/webhooks/new.html", {"form": form}, status=status)


@sensitive_variables("secret")
def _shown_once(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret}
    return page(request, "telemetry/webhooks/made.html", context)


def _found(request: HttpRequest, pk: int) -> WebhookEndpoint:
    endpoints = WebhookEndpoint.objects.visible_to(cast(User, request.user))
    found: WebhookEndpoint = get_or_404(
        endpoints.select_related("use_case", "team", "created_by"), pk=pk
    )
    return found


@requires(Permission.API_KEY_MANAGE)
def endpoint_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What it hears of, and every message with its tries. A POST saves the form."""
    endpoint = _found(request, pk)
    if request.method == "POST":
        form = EndpointChangeForm(request.POST)
        changed = form.carry_out(
            services.change_endpoint, actor=actor_of(request), endpoint_id=pk, now=timezone.now()
        )
        if changed is not None:
            messages.success(request, "Saved.")
            return redirect("webhooks:detail", pk)
    else:
        kept = {name: getattr(endpoint, name) for name in ("url", "events", "is_active")}
        form = EndpointChangeForm(initial=kept)
    tries = Prefetch("attempts", WebhookTry.objects.order_by("pk"), to_attr="shown_tries")
    listed = Paginator(endpoint.deliveries.prefetch_related(tries), 25)
    context = {
        "endpoint": endpoint,
        "form": form,
        "now": timezone.now(),
        "page": listed.get_page(request.GET.get("page")),
    }
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/webhooks/detail.html", context, status=status)


@requires(Permission.API_KEY_MANAGE)
@require_POST
@never_cache
@sensitive_variables("secret")
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    endpoint, secret = services.rotate_secret(
        actor=actor_of(request), endpoint_id=found.pk, now=timezone.now()
    )
    return _shown_once(request, endpoint, secret)


@requires(Permission.API_KEY_MANAGE)
@require_POST
def send_test(request: HttpRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    services.send_test(actor=actor_of(request), endpoint_id=found.pk, now=timezone.now())
    messages.success(request, "A test event is on its way. Look below in a moment.")
    return redirect("webhooks:detail", pk)


@requires(Permission.API_KEY_MANAGE)
@require_POST
def send_again(request: HttpRequest, pk: int, delivery: UUID) -> HttpResponse:
    found = get_or_404(WebhookDelivery.objects.filter(endpoint=_found(request, pk)), pk=delivery)
    services.send_again(actor=actor_of(request), delivery_id=found.pk, now=timezone.now())
    messages.success(request, "It is on its way again, under the same message id.")
    return redirect("webhooks:detail", pk)
