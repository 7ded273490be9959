"""Alerts: what is wrong now, and who looks after it."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.alerts import services
from telemetry.alerts.models import Alert


@requires(Permission.ALERT_VIEW)
def alert_list(request: HttpRequest) -> HttpResponse:
    """Unresolved alerts first; `?show=all` adds the resolved ones."""
    shows_all = request.GET.get("show") == "all"
    alerts = Alert.objects.visible_to(request.user).select_related("team", "acknowledged_by")  # type: ignore[arg-type]  # signed in
    if not shows_all:
        alerts = alerts.unresolved()
    listed = Paginator(alerts, 50).get_page(request.GET.get("page"))
    context = {
        "page": listed,
        "shows_all": shows_all,
        "may_manage": request.user.may(Permission.ALERT_MANAGE),  # type: ignore[union-attr]  # signed in
    }
    return page(request, "telemetry/alerts/list.html", context)


@requires(Permission.ALERT_MANAGE)
@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    get_or_404(Alert.objects.visible_to(request.user), pk=pk)  # type: ignore[arg-type]  # signed in
    services.acknowledge_alert(actor=actor_of(request), alert_id=pk, now=timezone.now())
    messages.success(request, "Acknowledged. It stays here until it is resolved.")
    return redirect("alerts:list")


@requires(Permission.ALERT_MANAGE)
@require_POST
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    get_or_404(Alert.objects.visible_to(request.user), pk=pk)  # type: ignore[arg-type]  # signed in
    reason = request.POST.get("reason", "").strip()[:500]
    services.resolve_alert(actor=actor_of(request), alert_id=pk, now=timezone.now(), reason=reason)
    messages.success(request, "Resolved. If the cause comes back, this alert reopens.")
    return redirect("alerts:list")
