"""The end of a month: what to look at first, closing for all teams, seals, re-opening."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.kernel.canonical import digest
from governance.kernel.errors import Conflict, Invalid, PlacetError
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.chargeback import closing
from telemetry.chargeback.models import ClosingRun, Statement, StatementVersion
from telemetry.chargeback.reopening import propose_reopening
from telemetry.chargeback.rules import next_month, previous_month
from telemetry.chargeback.statements import version_content
from telemetry.chargeback.tasks import enqueue


@requires(Permission.STATEMENT_CLOSE)
def months(request: HttpRequest) -> HttpResponse:
    """Ended months that have something booked."""
    listed = closing.months_to_close(timezone.now())
    return page(request, "telemetry/chargeback/month_ends.html", {"months": listed})


@requires(Permission.STATEMENT_CLOSE)
def month_end(request: HttpRequest, month: date) -> HttpResponse:
    """Every team's month in one table, what to look at first, and the two steps."""
    return _page(request, month)


def _page(request: HttpRequest, month: date, refused: PlacetError | None = None) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    context: dict[str, Any] = {
        "month": month,
        "closing": closing.closing_month(user, month, now),
        "currency": settings.PLACET_CURRENCY,
        "run": ClosingRun.objects.filter(period=month).first(),
        "error": refused,
        "typed": request.POST.get("confirm", ""),
        "earlier": previous_month(month),
        "later": next_month(month),
    }
    status = refused.status if refused else 200
    return page(request, "telemetry/chargeback/month_end.html", context, status=status)


@requires(Permission.STATEMENT_CLOSE)
@require_POST
def begin_all(request: HttpRequest, month: date) -> HttpResponse:
    """Begin closing for every team that is open."""
    try:
        count = closing.begin_closing_all(actor=actor_of(request), period=month, now=timezone.now())
    except PlacetError as refused:
        return _page(request, month, refused)
    messages.success(request, f"{count} months are in closing. Look at them, then close them.")
    return redirect("chargeback:month-end", month=month)


@requires(Permission.STATEMENT_CLOSE)
@require_POST
def close_all(request: HttpRequest, month: date) -> HttpResponse:
    """Close what is in closing; a worker does it, one team after the other."""
    try:
        run = closing.request_closing(
            actor=actor_of(request),
            period=month,
            confirm=request.POST.get("confirm", ""),
            total=request.POST.get("total", ""),
            acknowledged=request.POST.get("acknowledged") == "yes",
            now=timezone.now(),
        )
    except (Invalid, Conflict) as refused:
        return _page(request, month, refused)
    enqueue(run)
    return redirect("chargeback:closing-run", pk=run.pk)


@requires(Permission.STATEMENT_CLOSE)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a closing is."""
    found: ClosingRun = get_or_404(ClosingRun.objects.select_related("requested_by"), pk=pk)
    failed = Statement.objects.filter(pk__in=found.failures).select_related("team")
    context = {
        "run": found,
        "failures": [(one, found.failures[str(one.pk)]) for one in failed],
    }
    return page(
        request,
        "telemetry/chargeback/closing_run.html",
        context,
        fragment="telemetry/chargeback/_closing_run.html",
    )


@requires(Permission.CHARGEBACK_VIEW)
def seal(request: HttpRequest, pk: int) -> HttpResponse:
    """One seal that a month has had, with its lines, computed again from the ledger now."""
    user = cast(User, request.user)
    seals = StatementVersion.objects.select_related("statement__team", "closed_by")
    mine = Statement.objects.visible_to(user)
    found: StatementVersion = get_or_404(seals.filter(statement__in=mine), pk=pk)
    context = {
        "seal": found,
        "statement": found.statement,
        "is_sound": digest(version_content(found)) == found.sha256,
        "is_last": found.sha256 == found.statement.sha256,
    }
    return page(request, "telemetry/chargeback/seal.html", context)


@requires(Permission.STATEMENT_CLOSE)
@require_POST
def reopen(request: HttpRequest, team: str, month: date) -> HttpResponse:
    """Ask for a closed month to be opened again."""
    user = cast(User, request.user)
    reach = user.reach(Permission.STATEMENT_CLOSE)
    teams = Team.objects.all() if reach.everywhere else Team.objects.filter(pk__in=reach.team_ids)
    found: Team = get_or_404(teams, slug=team)
    statement: Statement = get_or_404(Statement.objects.filter(team=found), period=month)
    change = propose_reopening(
        actor=actor_of(request),
        statement=statement,
        reason=request.POST.get("reason", ""),
        now=timezone.now(),
    )
    messages.success(
        request, "The request waits for its sign-offs. If it cannot wait, make it an emergency."
    )
    return redirect("approvals:detail", pk=change.pk)
