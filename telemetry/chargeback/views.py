"""Chargeback: who spent what, against which budget, and why did it change?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import Team, User
from governance.approvals.models import ChangeRequest
from governance.approvals.selectors import open_change_for
from governance.audit.tables import csv_lines
from governance.home.charts import figure_data
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, NotFound
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.chargeback import dashboard, selectors, services, statements
from telemetry.chargeback.burning_down import burn_down
from telemetry.chargeback.charts import daily_costs
from telemetry.chargeback.dashboard import View
from telemetry.chargeback.downloads import usage_lines
from telemetry.chargeback.forms import LimitForm, SuspenseForm
from telemetry.chargeback.models import Budget, Statement
from telemetry.chargeback.registries import statement_panels
from telemetry.chargeback.reopening import KIND
from telemetry.chargeback.rules import (
    STATEMENT_STATES,
    StatementState,
    month_of,
    next_month,
    previous_month,
)
from telemetry.chargeback.subjects import propose_limit
from telemetry.ledger.models import Call


class MonthConverter:
    """YYYY-MM in an address, a first of the month in code."""

    regex = "[0-9]{4}-(?:0[1-9]|1[0-2])"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(f"{value}-01")

    def to_url(self, value: date | str) -> str:
        return value if isinstance(value, str) else f"{value:%Y-%m}"


@requires(Permission.CHARGEBACK_VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """A month: headline, why it changed, bars, the same numbers as a table, budgets."""
    user, today = cast(User, request.user), timezone.now().date()
    view = View.from_query(request.GET, today)
    rows = dashboard.compared_rows(user, view, today)
    daily = dashboard.daily_rows(user, view)
    month_rows = [row for row in daily if row.period == view.month]
    figure = daily_costs(month_rows, view.by, settings.PLACET_CURRENCY)
    groups = dashboard.groups(rows, view)
    context = {
        "view": view,
        "currency": settings.PLACET_CURRENCY,
        "headline": dashboard.headline(rows, daily, view, dashboard.tally(user, view), today, user),
        "groups": groups,
        "lines": [(group, _drill(view, group)) for group in groups],
        "days": dashboard.days(month_rows, view.by),
        "figure": figure_data(figure) if month_rows else None,
        "meters": selectors.budgets_of_month(user, view.month, view.team),
        "names": dashboard.names(rows, view),
        "splits": [(name, dashboard.DIMENSION_WORDS[name]) for name in dashboard.DIMENSIONS],
        "earlier": view.query(month=previous_month(view.month)),
        "later": view.query(month=next_month(view.month)) if view.month < month_of(today) else "",
        "is_running": view.month == month_of(today),
    }
    return page(request, "telemetry/chargeback/overview.html", context)


def _drill(view: View, group: dashboard.Group) -> str:
    """Where a line of the table leads: organisation → team → use case → calls."""
    if not group.key:
        return ""
    if view.by == "team":
        return f"/chargeback/?{view.query(team=group.key)}"
    if view.by == "use_case" and not view.use_case:
        return f"/chargeback/?{view.query(use_case=group.key)}"
    parts = {"use_case": view.use_case, "team": view.team, "deployment": group.key}
    query = "&".join(f"{name}={value}" for name, value in parts.items() if value)
    return f"/calls/?month={view.month:%Y-%m}&{query}"


@requires(Permission.CHARGEBACK_VIEW)
def usage_csv(request: HttpRequest) -> HttpResponse:
    """The page's month by day, team, use case and model."""
    user, today = cast(User, request.user), timezone.now().date()
    view = View.from_query(request.GET, today)
    rows = dashboard.usage_rows(user, view, [view.month])
    return _download(usage_lines(rows), f"usage-{view.month:%Y-%m}.csv")


@requires(Permission.CHARGEBACK_VIEW)
def statement_list(request: HttpRequest) -> HttpResponse:
    """All months of all teams in reach, newest first."""
    user = cast(User, request.user)
    rows = selectors.statement_rows(user, limit=2000)
    listed = Paginator(rows, 50).get_page(request.GET.get("page"))
    context = {"page": listed, "may_close": user.may(Permission.STATEMENT_CLOSE)}
    return page(request, "telemetry/chargeback/statements.html", context)


@requires(Permission.CHARGEBACK_VIEW)
def statement(request: HttpRequest, team: str, month: date) -> HttpResponse:
    """A team's month: lines, total, seal; print and CSV."""
    user, now = cast(User, request.user), timezone.now()
    found = _visible_team(user, team)
    kept = Statement.objects.select_related("closed_by").filter(team=found, period=month).first()
    state = kept.state if kept else StatementState.OPEN
    is_closed = state == StatementState.CLOSED
    lines = kept.lines if kept and is_closed else statements.statement_lines(found.pk, month)
    has_ended = now.date() >= next_month(month)
    context = {
        "team": found,
        "month": month,
        "statement": kept,
        "state": state,
        "currency": kept.currency if kept else settings.PLACET_CURRENCY,
        "lines": [dict(line, amount=Decimal(line["amount"])) for line in lines],
        "total": sum((Decimal(line["amount"]) for line in lines), Decimal(0)),
        "is_closed": is_closed,
        "has_ended": has_ended,
        "has_replayed": any(line["source"] == "replayed" for line in lines),
        "actions": _actions(user, state) if has_ended else [],
        "seals": list(kept.versions.all()[:50]) if kept else [],
        "links": selectors.linked_months(found.pk, month),
        "panels": [
            (panel.template, shown)
            for panel in statement_panels.values()
            if (shown := panel.context(found, month, user))
        ],
        "reopening": open_change_for(KIND, kept.pk) if kept and is_closed else None,
        "may_reopen": is_closed and user.may(Permission.STATEMENT_CLOSE),
    }
    return page(request, "telemetry/chargeback/statement.html", context)


_ACTION_WORDS = {
    "begin_closing": "Begin closing",
    "reopen": "Back to open",
    "close": "Close for good",
}


def _actions(user: User, state: str) -> list[tuple[str, str]]:
    if not user.may(Permission.STATEMENT_CLOSE):
        return []
    actions = STATEMENT_STATES.actions(state)
    # A closed month is opened again by a change alone.
    return [(action, _ACTION_WORDS[action]) for action in actions if action in _ACTION_WORDS]


@requires(Permission.STATEMENT_CLOSE)
@require_POST
def statement_move(request: HttpRequest, team: str, month: date) -> HttpResponse:
    """Begin closing, take it back, or close for good (which asks for the month as typed)."""
    found = _visible_team(cast(User, request.user), team)
    actor, now, action = actor_of(request), timezone.now(), request.POST.get("action", "")
    if action == "begin_closing":
        statements.begin_closing(actor=actor, team=found, period=month, now=now)
        messages.success(request, "The month is being closed. Check its lines, then close it.")
    else:
        kept = get_or_404(Statement.objects.filter(team=found), period=month)
        _finish(request, kept, action)
    return redirect("chargeback:statement", team=team, month=month)


def _finish(request: HttpRequest, kept: Statement, action: str) -> None:
    actor, now = actor_of(request), timezone.now()
    if action == "reopen":
        statements.reopen_closing(actor=actor, statement_id=kept.pk, now=now)
        messages.success(request, "The month is open again.")
        return
    if action != "close":
        raise NotFound("There is no such step.")
    if request.POST.get("confirm", "").strip() != f"{kept.period:%Y-%m}":
        raise Invalid(
            f"The month was not closed: type {kept.period:%Y-%m} to say that you mean it. "
            "A closed month never changes."
        )
    closed = statements.close_statement(actor=actor, statement_id=kept.pk, now=now)
    messages.success(request, f"Closed with a total of {closed.total:,.2f} {closed.currency}.")


@requires(Permission.CHARGEBACK_VIEW)
def statement_csv(request: HttpRequest, team: str, month: date) -> HttpResponse:
    """The statement's lines and total."""
    found = _visible_team(cast(User, request.user), team)
    kept = Statement.objects.filter(team=found, period=month, state=StatementState.CLOSED).first()
    lines = kept.lines if kept else statements.statement_lines(found.pk, month)
    names = ("use_case_title", "deployment_name", "kind", "source")
    numbers = ("entries", "calls", "tokens_input", "tokens_output", "amount")
    total = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
    rows: list[list[Any]] = [
        [line[name] for name in names]
        + [line[name] for name in numbers[:-1]]
        + [Decimal(line["amount"])]
        for line in lines
    ]
    rows.append(["Total", "", "", "", *_sums(lines, numbers[:-1]), total])
    columns = ("use_case", "deployment", "kind", "source", *numbers)
    return _download(csv_lines(columns, rows), f"statement-{team}-{month:%Y-%m}.csv")


def _sums(lines: list[dict[str, Any]], names: tuple[str, ...]) -> list[int]:
    return [sum(line[name] for line in lines) for name in names]


@requires(Permission.CHARGEBACK_VIEW)
def budget_list(request: HttpRequest) -> HttpResponse:
    """Budgets, newest month first, and what lost calls left in suspense."""
    user = cast(User, request.user)
    budgets = Budget.objects.visible_to(user).select_related("team", "use_case")
    listed = Paginator(budgets, 50).get_page(request.GET.get("page"))
    keeps = user.may(Permission.BUDGET_MANAGE)
    context = {
        "page": listed,
        "meters": selectors.meters(listed.object_list),
        "proposed": selectors.proposed_budgets(user)[:50],
        "may_propose": keeps or user.may(Permission.USE_CASE_MANAGE),
        "suspense": selectors.holds_in_suspense() if keeps else [],
        "suspense_form": SuspenseForm() if keeps else None,
    }
    return page(request, "telemetry/chargeback/budgets.html", context)


@requires(Permission.CHARGEBACK_VIEW)
def budget_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One budget, its holds that are alive, and the form that proposes another limit."""
    user = cast(User, request.user)
    budgets = Budget.objects.visible_to(user).select_related("team", "use_case")
    budget: Budget = get_or_404(budgets, pk=pk)
    owns = budget.team is not None and user.may(Permission.USE_CASE_MANAGE, budget.team)
    may_propose = user.may(Permission.BUDGET_MANAGE) or owns
    form = LimitForm(request.POST or None, initial={"limit": f"{budget.limit:.2f}"})
    if request.method == "POST" and form.is_valid():
        try:
            change = propose_limit(
                actor=actor_of(request), budget=budget, now=timezone.now(), **form.cleaned_data
            )
        except Invalid as error:
            show_errors(form, error)
        else:
            messages.success(request, "The new limit waits for its sign-off.")
            return redirect("approvals:detail", pk=change.pk)
    context = {
        "budget": budget,
        "meter": selectors.meters([budget])[0],
        "holds": budget.holds.filter(state__in=["held", "suspense"]).order_by("expires_at")[:50],
        "form": form if may_propose else None,
        "change": open_change_for("budget", budget.pk),
        "decided": _decided(user, budget),
        "burn": burn_down(budget, timezone.now().date()),
    }
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/chargeback/budget.html", context, status=status)


def _decided(user: User, budget: Budget) -> ChangeRequest | None:
    """The request behind it, for those who see it. One from before requests were asked has none."""
    if budget.change_id is None:
        return None
    return ChangeRequest.objects.visible_to(user).filter(pk=budget.change_id).first()


@requires(Permission.BUDGET_MANAGE)
@require_POST
def suspense_resolve(request: HttpRequest, call: UUID, attempt: int) -> HttpResponse:
    """Say what a lost attempt cost."""
    form = SuspenseForm(request.POST)
    if not form.is_valid():
        raise Invalid("The hold stays in suspense: say how you know what was billed.")
    found = get_or_404(Call.objects.select_related("deployment"), pk=call)
    services.resolve_suspense(
        actor=actor_of(request),
        call=found,
        attempt=attempt,
        billed=form.cleaned_data["billed"],
        reason=form.cleaned_data["reason"],
        now=timezone.now(),
    )
    messages.success(request, "Resolved and booked.")
    return redirect("chargeback:budgets")


def _visible_team(user: User, slug: str) -> Team:
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    teams = Team.objects.all() if reach.everywhere else Team.objects.filter(pk__in=reach.team_ids)
    found: Team = get_or_404(teams, slug=slug)
    return found


def show_errors(form: Form, error: Invalid) -> None:
    """Each beside its field; what has none, above them all."""
    for name, sentences in error.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not error.fields:
        form.add_error(None, error.message)


def _download(lines: Iterator[str], name: str) -> HttpResponse:
    """The lines as a file, streamed."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)  # both answer a request; Django only types them apart
