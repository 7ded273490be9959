"""My work, notices, help, theme, and the pages for what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, cast

from django.core.paginator import Paginator
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from rest_framework.exceptions import APIException

from governance.access.models import User
from governance.access.selectors import roles_of
from governance.home.absences import away_now
from governance.home.away import database_away
from governance.home.context import THEMES
from governance.home.diagrams import diagram_of
from governance.home.models import Notification
from governance.home.registries import rule_tables
from governance.home.selectors import waiting_for
from governance.home.services import mark_all_read
from governance.kernel.authority import ROLES, Permission
from governance.kernel.errors import PlacetError
from governance.kernel.registries import transition_tables
from governance.kernel.web import PUBLIC, SIGNED_IN, page, requires


@requires(SIGNED_IN)
def index(request: HttpRequest) -> HttpResponse:
    """What waits for me, and until when?"""
    user = cast(User, request.user)
    now = timezone.now()
    context = {
        "page": Paginator(waiting_for(user, now), 50).get_page(request.GET.get("page")),
        "notices": Notification.objects.filter(user=user)[:8],
        "grants": roles_of(user, now),
        "absence": away_now([user.pk]).get(user.pk),
        "now": now,
    }
    return page(request, "governance/home/index.html", context)


@requires(SIGNED_IN)
def notifications(request: HttpRequest) -> HttpResponse:
    """All notices; a POST marks them read."""
    user = cast(User, request.user)
    if request.method == "POST":
        mark_all_read(user=user, now=timezone.now())
        return redirect("home:notifications")
    listed = Paginator(Notification.objects.filter(user=user), 50).get_page(request.GET.get("page"))
    return page(request, "governance/home/notifications.html", {"page": listed})


@requires(SIGNED_IN)
def help_page(request: HttpRequest) -> HttpResponse:
    """Roles, states and rules from the very tables that the code uses."""
    context: dict[str, Any] = {
        "roles": list(ROLES.values()),
        "permissions": list(Permission),
        "rule_tables": rule_tables.values(),
        "tables": [
            {"table": table, "diagram": diagram_of(table)}
            for _, table in sorted(transition_tables.items())
        ],
    }
    return page(request, "governance/home/help.html", context)


@requires(PUBLIC)
def help_errors(request: HttpRequest) -> HttpResponse:
    """Every error code; the `type` of a problem details reply leads here."""
    rows = {
        one.default_code: {"status": one.status_code, "meaning": one.default_detail}
        for one in APIException.__subclasses__()
    }
    rows |= {
        one.code: {"status": one.status, "meaning": one.__doc__ or ""}
        for one in _all_errors(PlacetError)
    }
    return page(request, "governance/home/help_errors.html", {"errors": sorted(rows.items())})


def _all_errors(base: type[PlacetError]) -> Iterator[type[PlacetError]]:
    for one in base.__subclasses__():
        if "code" in vars(one):
            yield one
        yield from _all_errors(one)


@requires(PUBLIC)
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie and go back."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    response = redirect(back)
    chosen = request.POST.get("theme", "system")
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=31_536_000, samesite="Lax", httponly=True)
    return response


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug, or a database that is away: that is none, and comes back."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return database_away(request)
    return render(request, "errors/500.html", status=500)
