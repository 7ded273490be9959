"""Shared cost: its rules, what they would give, what was booked."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals.selectors import open_change_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, PlacetError, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.allocation import selectors, services
from telemetry.allocation.content import RuleContent, content_of
from telemetry.allocation.forms import NewRuleForm, RuleForm
from telemetry.allocation.models import AllocationRule
from telemetry.allocation.selectors import MAY_SEE
from telemetry.chargeback.rules import month_of, next_month, previous_month
from telemetry.chargeback.views import show_errors


def _rule(slug: str) -> AllocationRule:
    found: AllocationRule = get_or_404(AllocationRule.objects.all(), slug=slug)
    return found


def last_month() -> date:
    return previous_month(month_of(timezone.now().date()))


def _asked_month(request: HttpRequest) -> date:
    try:
        return date.fromisoformat(f"{request.GET.get('month', '')[:7]}-01")
    except ValueError:
        return last_month()


@requires(*MAY_SEE)
def rules(request: HttpRequest) -> HttpResponse:
    """All rules with what was booked for a month."""
    month, user = _asked_month(request), cast(User, request.user)
    context = {
        "month": month,
        "rows": selectors.rules_of(month),
        "earlier": previous_month(month),
        "later": next_month(month),
        "may_propose": user.may(Permission.BUDGET_MANAGE),
    }
    return page(request, "telemetry/allocation/rules.html", context)


@requires(Permission.BUDGET_MANAGE)
def rule_new(request: HttpRequest) -> HttpResponse:
    """Propose a rule; it holds when it is signed. Simulating writes nothing."""
    form = NewRuleForm(request.POST or None, initial={"starts_on": f"{last_month():%Y-%m}"})
    return _form_page(request, form, None)


@requires(*MAY_SEE)
def rule(request: HttpRequest, slug: str) -> HttpResponse:
    """One rule: its versions, its bookings, and the change under way."""
    found, user = _rule(slug), cast(User, request.user)
    context = {
        "rule": found,
        "versions": found.versions.select_related("change")[:50],
        "runs": found.runs.select_related("version", "booked_by")[:50],
        "change": open_change_for(services.KIND, found.pk),
        "month": last_month(),
        "may_propose": user.may(Permission.BUDGET_MANAGE),
    }
    return page(request, "telemetry/allocation/rule.html", context)


@requires(Permission.BUDGET_MANAGE)
def rule_change(request: HttpRequest, slug: str) -> HttpResponse:
    """Propose a rule's next version."""
    found = _rule(slug)
    last = found.versions.first()
    initial: dict[str, Any] = {"starts_on": f"{last_month():%Y-%m}"}
    if last is not None:
        initial = content_of(last).as_proposal() | {
            "starts_on": f"{next_month(last_month()):%Y-%m}",
            "ends_on": "",
        }
    return _form_page(request, RuleForm(request.POST or None, initial=initial), found)


def _form_page(request: HttpRequest, form: RuleForm, found: AllocationRule | None) -> HttpResponse:
    preview = None
    if request.method == "POST" and form.is_valid():
        try:
            content = form.content()
            if request.POST.get("action") != "propose":
                preview = selectors.preview(content, _simulated(content), found)
            else:
                return _propose(request, form, content, found)
        except Invalid as error:
            show_errors(form, error)
        except WrongState as error:
            form.add_error(None, error.message)
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "rule": found, "preview": preview}
    return page(request, "telemetry/allocation/form.html", context, status=status)


def _simulated(content: RuleContent) -> date:
    """The month that is shown: the first it holds in, if that has ended; else the last ended."""
    return min(content.starts_on, last_month())


def _propose(
    request: HttpRequest, form: RuleForm, content: RuleContent, found: AllocationRule | None
) -> HttpResponse:
    change = services.propose_rule(
        actor=actor_of(request),
        content=content,
        reason=form.cleaned_data["reason"],
        now=timezone.now(),
        rule=found,
        title=form.cleaned_data.get("title", ""),
    )
    messages.success(request, "The rule waits for its sign-off. Nothing is booked yet.")
    return redirect("approvals:detail", pk=change.pk)


@requires(*MAY_SEE)
def month(request: HttpRequest, slug: str, month: date) -> HttpResponse:
    """A rule in one month: what was booked line by line, or what would be."""
    found = _rule(slug)
    return _month_page(request, found, month)


def _month_page(
    request: HttpRequest, found: AllocationRule, period: date, refused: PlacetError | None = None
) -> HttpResponse:
    runs = found.runs.filter(period=period).select_related("version", "booked_by")
    run = runs.filter(state="booked").first()
    version = selectors.version_for(found, period)
    preview, why_not = None, ""
    if run is None and version is not None:
        try:
            preview = selectors.preview(content_of(version), period, found)
        except WrongState as error:
            why_not = error.message
    context = {
        "rule": found,
        "month": period,
        "version": version,
        "run": run,
        "parts": run.parts.select_related("team", "run") if run else [],
        "is_outdated": run is not None and selectors.is_outdated(run),
        "taken_back": runs.filter(state="reversed")[:50],
        "preview": preview,
        "why_not": why_not,
        "error": refused,
        "reason": request.POST.get("reason", ""),
        "has_ended": timezone.now().date() >= next_month(period),
        "may_book": cast(User, request.user).may(Permission.STATEMENT_CLOSE),
    }
    status = refused.status if refused else 200
    return page(request, "telemetry/allocation/month.html", context, status=status)


@requires(Permission.STATEMENT_CLOSE)
@require_POST
def book(request: HttpRequest, slug: str, month: date) -> HttpResponse:
    """Book the rule for the month, or take the booking back."""
    found = _rule(slug)
    facts: dict[str, Any] = {"actor": actor_of(request), "rule_id": found.pk, "period": month}
    try:
        if request.POST.get("action") == "reverse":
            reason = request.POST.get("reason", "")
            services.reverse(**facts, reason=reason, now=timezone.now())
            messages.success(request, "Taken back. It can be booked again until the month closes.")
        else:
            run = services.book(**facts, now=timezone.now())
            messages.success(request, f"Booked: {run.whole:,.2f} {run.currency}.")
    except (Invalid, WrongState) as refused:
        return _month_page(request, found, month, refused)
    return redirect("allocation:month", slug=slug, month=month)
