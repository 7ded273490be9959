"""Approvals that stand: which they are, until when, and what stops when one ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals import services
from governance.approvals.forms import EvidenceForm, FilterForm, ReasonForm, show_errors
from governance.approvals.models import Approval, Condition, ConditionQuerySet
from governance.approvals.registries import change_subjects
from governance.approvals.selectors import (
    approvals_visible_to,
    conditions_visible_to,
    consequences_of,
    narrowed_approvals,
)
from governance.approvals.standing import BY_PEOPLE, may_end
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, NotFound
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires

CONDITION_FILTERS = ("open", "overdue", "mine", "met", "all")
_WORDS = {
    "suspend": "It stops at once, until somebody puts it back in force.",
    "resume": "It is in force again from the next call on.",
    "revoke": "It stops at once and for good; only a new change brings it back.",
}


@requires(Permission.CHANGE_VIEW)
def approval_list(request: HttpRequest) -> HttpResponse:
    """What is in force, until when?"""
    now, form = timezone.now(), FilterForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    narrowed = narrowed_approvals(
        approvals_visible_to(cast(User, request.user), now),
        kind=chosen.get("kind", ""),
        state=chosen.get("state", ""),
        ends_soon=chosen.get("soon", False),
        now=now,
    )
    listed = Paginator(narrowed, 50).get_page(request.GET.get("page"))
    context = {"page": listed, "form": form, "is_narrowed": any(chosen.values())}
    return page(request, "governance/approvals/standing.html", context)


@requires(SIGNED_IN)
def approval_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What was let happen, until when, and what stops if it ends?"""
    return _approval_page(request, _approval(request, pk), timezone.now())


def _approval(request: HttpRequest, pk: int) -> Approval:
    found = approvals_visible_to(cast(User, request.user), timezone.now())
    return cast(Approval, get_or_404(found, pk=pk))


def _approval_page(
    request: HttpRequest,
    approval: Approval,
    now: datetime,
    tried: Mapping[str, ReasonForm] | None = None,
) -> HttpResponse:
    tried, actor = tried or {}, actor_of(request)
    change, kind = approval.change, change_subjects[approval.kind]
    conditions = list(change.conditions.select_related("owner"))
    context = {
        "approval": approval,
        "change": change,
        "kind": kind,
        "subject_url": kind.url(kind.find(approval.subject_id)),
        "conditions": [_condition_row(one, cast(User, request.user), now) for one in conditions],
        "consequences": consequences_of(approval, now),
        "actions": [
            {
                "action": action,
                "effect": _WORDS[action],
                "form": tried.get(action, ReasonForm(auto_id=f"{action}_%s")),
            }
            for action in BY_PEOPLE
            if action in tried or may_end(actor, approval, action)
        ],
        "events": timeline_for(change)[:50],
    }
    status = 422 if tried else 200
    return page(request, "governance/approvals/approval.html", context, status=status)


@requires(SIGNED_IN)
@require_POST
def end(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Suspend, resume or revoke, with the reason."""
    if action not in BY_PEOPLE:
        raise NotFound("There is no such step.")
    approval, now = _approval(request, pk), timezone.now()
    form = ReasonForm(request.POST, auto_id=f"{action}_%s")
    if form.is_valid():
        try:
            ended = services.end_approval(
                actor=actor_of(request),
                approval_id=pk,
                action=action,
                reason=form.cleaned_data["reason"],
                now=now,
            )
        except Invalid as refused:
            show_errors(form, refused)
        else:
            messages.success(request, f"The approval is {ended.state.replace('_', ' ')} now.")
            return redirect("approvals:approval", pk=pk)
    return _approval_page(request, approval, now, {action: form})


@requires(SIGNED_IN)
def condition_list(request: HttpRequest) -> HttpResponse:
    """What must become true, by when, and what is late?"""
    user, chosen = cast(User, request.user), request.GET.get("show", "open")
    return _conditions_page(request, user, chosen, timezone.now())


def _conditions_page(
    request: HttpRequest,
    user: User,
    chosen: str,
    now: datetime,
    tried: Mapping[int, EvidenceForm] | None = None,
) -> HttpResponse:
    narrowed = _chosen_conditions(conditions_visible_to(user), user, chosen, now)
    listed = Paginator(narrowed, 50).get_page(request.GET.get("page"))
    context = {
        "page": listed,
        "rows": [_condition_row(one, user, now, tried) for one in listed],
        "chosen": chosen,
        "filters": CONDITION_FILTERS,
    }
    status = 422 if tried else 200
    return page(request, "governance/approvals/conditions.html", context, status=status)


def _chosen_conditions(
    conditions: ConditionQuerySet, user: User, chosen: str, now: datetime
) -> ConditionQuerySet:
    return {
        "overdue": conditions.overdue(now),
        "mine": conditions.unmet().filter(owner=user),
        "met": conditions.exclude(met_at=None),
        "all": conditions,
    }.get(chosen, conditions.unmet())


def _condition_row(
    condition: Condition,
    user: User,
    now: datetime,
    tried: Mapping[int, EvidenceForm] | None = None,
) -> dict[str, Any]:
    is_theirs = condition.owner_id == user.pk and condition.met_at is None
    fresh = EvidenceForm(auto_id=f"condition_{condition.pk}_%s") if is_theirs else None
    return {
        "condition": condition,
        "state": condition.state(now),
        "form": (tried or {}).get(condition.pk, fresh),
    }


@requires(SIGNED_IN)
@require_POST
def meet(request: HttpRequest, pk: int) -> HttpResponse:
    """The owner says by what a condition is met."""
    user, now = cast(User, request.user), timezone.now()
    get_or_404(conditions_visible_to(user), pk=pk)
    form = EvidenceForm(request.POST, auto_id=f"condition_{pk}_%s")
    if form.is_valid():
        try:
            services.meet_condition(
                actor=actor_of(request),
                condition_id=pk,
                evidence=form.cleaned_data["evidence"],
                now=now,
            )
        except Invalid as refused:
            show_errors(form, refused)
        else:
            messages.success(request, "Met. A suspended approval comes back when it is resumed.")
            return redirect("approvals:conditions")
    return _conditions_page(request, user, "mine", now, {pk: form})
