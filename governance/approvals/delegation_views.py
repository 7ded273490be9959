"""Who signs in whose place, from and until."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals.delegation import (
    delegate_signing,
    end_delegation,
    may_end_delegation,
)
from governance.approvals.forms import DelegationForm, show_errors
from governance.approvals.models import Delegation
from governance.approvals.rules import SIGNING
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires


@requires(SIGNED_IN)
def delegation_list(request: HttpRequest) -> HttpResponse:
    """Who stands in for whom? Who signs can let somebody stand in for them."""
    user = cast(User, request.user)
    may_delegate = any(user.may(permission) for permission in SIGNING)
    form = DelegationForm(request.POST or None, user=user) if may_delegate else None
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            _make(request, form)
        except Invalid as refused:
            show_errors(form, refused)
        else:
            messages.success(request, "Delegated. It is shown on every decision they take for you.")
            return redirect("approvals:delegations")
    return _page(request, user, form)


def _make(request: HttpRequest, form: DelegationForm) -> None:
    given = form.cleaned_data
    delegate_signing(
        actor=actor_of(request),
        delegate=given["delegate"],
        permission=given["permission"],
        starts_at=_midnight(given["starts_at"]),
        ends_at=_midnight(given["ends_at"] + timedelta(days=1)),
        reason=given["reason"],
        now=timezone.now(),
        url=reverse("approvals:delegations"),
    )


def _midnight(day: date) -> datetime:
    """The first moment of the day, in UTC."""
    return datetime.combine(day, time.min, UTC)


def _page(request: HttpRequest, user: User, form: DelegationForm | None) -> HttpResponse:
    now, actor = timezone.now(), actor_of(request)
    found = Delegation.objects.visible_to(user).select_related("delegator", "delegate")
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    rows = [
        {
            "delegation": one,
            "state": one.state(now),
            "may_end": one.ends_at > now and may_end_delegation(actor, one),
        }
        for one in listed
    ]
    context = {"page": listed, "rows": rows, "form": form}
    status = 422 if form is not None and form.is_bound else 200
    return page(request, "governance/approvals/delegations.html", context, status=status)


@requires(SIGNED_IN)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a delegation before its time."""
    get_or_404(Delegation.objects.visible_to(cast(User, request.user)), pk=pk)
    reason = request.POST.get("reason", "")[:300]
    end_delegation(actor=actor_of(request), delegation_id=pk, reason=reason, now=timezone.now())
    messages.success(request, "Ended.")
    return redirect("approvals:delegations")
