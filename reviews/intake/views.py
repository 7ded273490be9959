"""Pages of intake rules: what goes where, try a rule, prove a sample."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.intake import services
from reviews.intake.forms import IntakeRuleForm, rule_values
from reviews.intake.models import IntakeRuleVersion
from reviews.intake.sampling import prove
from reviews.intake.selectors import newest_versions
from reviews.intake.trying import trial
from reviews.queues.upkeep import manages_all_queues

SEES = (Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)


@requires(*SEES)
def rule_list(request: HttpRequest) -> HttpResponse:
    listed = Paginator(newest_versions(), 50).get_page(request.GET.get("page"))
    context = {"page": listed, "may_write": manages_all_queues(actor_of(request))}
    return page(request, "reviews/intake/list.html", context)


@requires(Permission.REVIEW_MANAGE)
def new(request: HttpRequest) -> HttpResponse:
    services.check_can_write(actor_of(request))
    return _edited(request, None)


@requires(*SEES)
def rule(request: HttpRequest, slug: str) -> HttpResponse:
    """One rule: what it says, its history, and the form for who may write it."""
    newest: IntakeRuleVersion = get_or_404(newest_versions(), rule__slug=slug)
    if request.method == "POST":
        services.check_can_write(actor_of(request))
    return _edited(request, newest)


def _edited(request: HttpRequest, newest: IntakeRuleVersion | None) -> HttpResponse:
    user, actor, now = cast(User, request.user), actor_of(request), timezone.now()
    form = IntakeRuleForm(request.POST or None, initial=rule_values(newest))
    context: dict[str, Any] = {"form": form, "newest": newest}
    status = 422 if form.is_bound else 200
    if form.is_bound and request.POST.get("action") == "try":
        form.fields["reason"].required = False
    if form.is_bound and form.is_valid():
        if request.POST.get("action") == "try":
            number = newest.number + 1 if newest else 1
            context["trial"] = trial(user, form.facts(), now, number)
            status = 200
        elif saved := _saved(form, newest, actor, now):
            messages.success(request, f"{saved} holds for calls from now on.")
            return redirect("intake:list")
    if newest is not None:
        versions = newest.rule.versions.select_related("queue", "rule")
        context["versions"] = versions.order_by("-number")[:50]
    context["may_write"] = manages_all_queues(actor)
    return page(request, "reviews/intake/rule.html", context, status=status)


def _saved(
    form: IntakeRuleForm, newest: IntakeRuleVersion | None, actor: Any, now: datetime
) -> IntakeRuleVersion | None:
    """The saved version; None when the form now shows why not."""
    try:
        return services.write_rule(
            actor=actor,
            facts=form.facts(),
            reason=form.cleaned_data["reason"],
            slug=newest.rule.slug if newest else "",
            seen=form.cleaned_data["seen"] or 0,
            now=now,
        )
    except Invalid as refused:
        for name, sentences in refused.fields.items():
            form.add_error(name if name in form.fields else None, list(sentences))
    except Conflict as late:
        form.add_error(None, late.message)
    return None


@requires(Permission.REVIEW_MANAGE)
@require_POST
def end(request: HttpRequest, slug: str) -> HttpResponse:
    reason = request.POST.get("reason", "")
    ended = services.end_rule(actor=actor_of(request), slug=slug, reason=reason, now=timezone.now())
    messages.success(request, f"{ended.rule} takes nothing from now on.")
    return redirect("intake:list")


class PeriodForm(forms.Form):
    """Days, both included, in UTC."""

    first = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))

    def clean_last(self) -> date:
        last: date = self.cleaned_data["last"]
        if last == date.max:
            raise forms.ValidationError("There is no day after this one: choose an earlier.")
        return last

    def ends(self) -> tuple[datetime, datetime]:
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        return _midnight(first), _midnight(last + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@requires(*SEES)
def verify(request: HttpRequest) -> HttpResponse:
    """The sample of a period, derived again from the rules and compared with what was taken."""
    today = timezone.now().date()
    first = {"first": today - timedelta(days=7), "last": today}
    form = PeriodForm(request.GET or None, initial=first)
    context: dict[str, Any] = {"form": form}
    status = 200
    if form.is_bound:
        if form.is_valid():
            starts_at, ends_at = form.ends()
            context["proof"] = prove(starts_at=starts_at, ends_at=ends_at)
        else:
            status = 422
    return page(request, "reviews/intake/verify.html", context, status=status)
