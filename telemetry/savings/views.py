"""Savings: what did we pay for that we need not have, and which day was odd?"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, page, requires
from telemetry.chargeback.dashboard import View
from telemetry.chargeback.rules import month_of, next_month, previous_month
from telemetry.savings import selectors, services
from telemetry.savings.models import MonthFigures
from telemetry.savings.tasks import enqueue


@requires(Permission.CHARGEBACK_VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """A month: levers with their amounts, unit costs, and days that cost far more than usual."""
    return page(request, "telemetry/savings/overview.html", _context(request, timezone.now()))


@requires(Permission.CHARGEBACK_VIEW)
def figures(request: HttpRequest) -> HttpResponse:
    """For the page's polling: a line while a worker computes, then the figures, and no more."""
    context = _context(request, timezone.now())
    if context["figures"] is not None and context["figures"].is_waiting:
        return page(request, "telemetry/savings/_waiting.html", context)
    response = page(request, "telemetry/savings/_figures.html", context, status=286)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#figures", "outerHTML"
    return response


@requires(Permission.BUDGET_MANAGE)
@require_POST
def compute(request: HttpRequest) -> HttpResponse:
    """Have the month computed again."""
    now = timezone.now()
    view = View.from_query(request.POST, now.date())
    asked = services.ask_for_figures(actor=actor_of(request), month=view.month, now=now)
    enqueue(asked)
    messages.success(request, "A worker computes the figures; the page shows them when they stand.")
    return redirect(f"{reverse('savings:overview')}?month={view.month:%Y-%m}")


def _context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    user, today = cast(User, request.user), now.date()
    view = View.from_query(request.GET, today)
    kept = MonthFigures.objects.filter(month=view.month).first()
    sums = selectors.levers(kept, user, view.team)
    return {
        "view": view,
        "figures": kept,
        "sums": sums,
        "possible": selectors.possible(sums),
        "units": selectors.units(kept, user, view.team),
        "odd": selectors.odd_days(user, view.month, today, view.team),
        "currency": settings.PLACET_CURRENCY,
        "may_compute": user.may(Permission.BUDGET_MANAGE),
        "earlier": _address(previous_month(view.month), view.team),
        "later": _address(next_month(view.month), view.team)
        if view.month < month_of(today)
        else "",
    }


def _address(month: date, team: str) -> str:
    return f"?month={month:%Y-%m}" + (f"&team={team}" if team else "")
