"""The form that proposes a budget for a month."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, WrongState
from governance.kernel.web import actor_of, page, requires
from telemetry.chargeback.forms import BudgetForm, current_month
from telemetry.chargeback.proposals import propose_budget
from telemetry.chargeback.views import show_errors


@requires(Permission.BUDGET_MANAGE, Permission.USE_CASE_MANAGE)
def budget_new(request: HttpRequest) -> HttpResponse:
    """Propose a budget; it stands when it is signed."""
    begun = {
        "starts_on": current_month(timezone.now().date()),
        "use_case": request.GET.get("use_case", ""),
    }
    user = cast(User, request.user)
    form = BudgetForm(user, request.POST or None, initial=begun)
    if request.method == "POST" and form.is_valid():
        try:
            change = propose_budget(
                actor=actor_of(request), now=timezone.now(), **form.cleaned_data
            )
        except Invalid as error:
            show_errors(form, error)
        except WrongState as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "The budget waits for its sign-off. Nothing is spent yet.")
            return redirect("approvals:detail", pk=change.pk)
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/chargeback/budget_new.html", {"form": form}, status=status)
