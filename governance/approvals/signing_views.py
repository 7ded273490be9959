"""Leave a request's slots for a conflict of interest; ask further people where too few are left."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.approvals import services
from governance.approvals.selectors import changes_visible_to
from governance.approvals.views import change_page
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, requires


@requires(SIGNED_IN)
@require_POST
def declare(request: HttpRequest, pk: int) -> HttpResponse:
    """Declare a conflict of interest."""
    actor, now = actor_of(request), timezone.now()
    get_or_404(changes_visible_to(actor.user), pk=pk)
    reason = request.POST.get("conflict_reason", "")
    try:
        services.declare_conflict(actor=actor, change_id=pk, reason=reason, now=now)
    except Invalid as refused:
        return change_page(request, pk, _under(refused, "conflict_reason"))
    messages.success(request, "Declared. You and whoever stands in for you decide nothing here.")
    return redirect("approvals:detail", pk=pk)


@requires(SIGNED_IN)
@require_POST
def replan(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask those who hold the roles now, where too few are left."""
    actor, now = actor_of(request), timezone.now()
    get_or_404(changes_visible_to(actor.user), pk=pk)
    reason = request.POST.get("replan_reason", "")
    try:
        added = services.replan(actor=actor, change_id=pk, reason=reason, now=now)
    except Invalid as refused:
        return change_page(request, pk, _under(refused, "replan_reason"))
    messages.success(request, f"Asked to sign: {', '.join(one.name for one in added)}.")
    return redirect("approvals:detail", pk=pk)


def _under(refused: Invalid, name: str) -> Invalid:
    """The page has several reasons, so each form's field has a name of its own."""
    return Invalid(refused.message, fields={name: refused.fields.get("reason", [])})
